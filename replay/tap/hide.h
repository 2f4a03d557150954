// Decides which part of a client's line is a credential, from the line and its place alone: of
// programs that are not ours nobody marks them. In doubt it hides. It keeps no state and knows
// nothing of time; replay/tap/tap.h follows the session.
#ifndef EHLO_REPLAY_HIDE_H
#define EHLO_REPLAY_HIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reply.h"

// Octets of the names of mechanisms that a server offered, each with a blank before and after it.
#define EHLO_OFFERED_MAX 1024

struct ehlo_offered {
  size_t len;
  char names[EHLO_OFFERED_MAX];
};

// What a line of the client's may be where it stands.
enum ehlo_hide_place {
  EHLO_HIDE_COMMAND,   // a command: a secret follows AUTH and its mechanism
  EHLO_HIDE_RESPONSE,  // an exchange is open: all of it, but for a lone "*" and an empty line
  // An exchange has just ended, and the client may not know it: all of a line that begins with no
  // known command.
  EHLO_HIDE_DOUBT,
};

// Of a line that begins as given.
struct ehlo_hide_verdict {
  size_t shown;  // octets from its start that may be shown
  bool hides;    // what follows these is a secret
  bool final;    // nothing that follows in the line changes this; without `hides` all may be shown
};

// `whole`: the line ends here. `shown` never falls as a line grows within one place.
struct ehlo_hide_verdict ehlo_hide_judge(enum ehlo_hide_place place, struct ehlo_span line,
                                         bool whole, const struct ehlo_offered *offered);

// The parts of an AUTH command; X-EXPS, its name in Exchange, is one too.
struct ehlo_auth_line {
  struct ehlo_span mechanism;  // the word behind AUTH; may be empty, or none that is known
  struct ehlo_span rest;       // what follows it, without the blanks before
};

// False: the line is no AUTH command.
bool ehlo_auth_line_parse(struct ehlo_auth_line *out, struct ehlo_span line);

// Whether a word names a mechanism: one of IANA's registry, one that is in use without being there,
// or one that the server offered.
bool ehlo_hide_is_mechanism(struct ehlo_span word, const struct ehlo_offered *offered);

// Takes the names out of a server's line such as "250-AUTH PLAIN LOGIN"; any other line gives none.
// What does not fit is left out.
void ehlo_offered_add(struct ehlo_offered *o, struct ehlo_span line);

// The first word of a command, without what stands before it.
struct ehlo_span ehlo_hide_verb(struct ehlo_span line);
bool ehlo_hide_is_verb(struct ehlo_span word);

// Compared whole and without case.
bool ehlo_hide_same(struct ehlo_span word, const char *name);

#endif  // EHLO_REPLAY_HIDE_H
