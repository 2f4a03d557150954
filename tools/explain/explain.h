// What a refusal or a failure means, who can act, and what helps. The catalogue of real servers'
// replies, and of what is no reply, comes first; where nothing in it fits, the registry of enhanced
// status codes and RFC 5321 speak. Pure: no memory, no output, no clock.
#ifndef EHLO_TOOLS_EXPLAIN_EXPLAIN_H
#define EHLO_TOOLS_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/reply.h"
#include "engine/submit.h"
#include "tools/explain/enhanced.h"
#include "tools/explain/failure.h"

#define EXPLAIN_FIX_MAX 5
#define EXPLAIN_TRACE_MAX 200

struct explanation {
  char meaning[512];                 // a sentence
  const char *fix[EXPLAIN_FIX_MAX];  // sentences, static; the last one says whether to try again
  size_t num_fix;
  enum explain_who who;
  bool retry;            // the same, unchanged, may be accepted later
  char source[240];      // where it is defined or told
  const char *id;        // of the entry in the catalogue; NULL: it is a general truth
  const char *as_of;     // when the entry's facts were looked at, "2026-11"; NULL without an entry
  const char *provider;  // whose words these are, "Exchange Online"; NULL: not known
  char trace[EXPLAIN_TRACE_MAX];  // what the provider's support asks for; server text; empty: none
};

// What is to be explained, as far as it is known.
struct explain_question {
  const char *host;           // that was connected to; NULL: not known
  struct ehlo_span greeting;  // the server's, or empty
  const char
      *provider;  // a name of catalogue/providers.toml, told by the user; NULL: to be found out
  bool stage_known;
  enum ehlo_stage stage;
  unsigned code;  // 0: what is to be explained is no reply of SMTP, or its code is not known
  struct ehlo_enhanced enhanced;  // class 0: none
  struct ehlo_span words;         // lines, with or without the codes in front of them
  // What ended the session in place of a reply: `code` is 0 then, and `words` say why, where that
  // is known: a certificate's fault, an error of the system. All of it 0: it was a reply, or it is
  // to be found out from the words.
  struct explain_failure failure;
};

// Explains it. False, with `out` unchanged, where there is nothing to say: the code is of another
// class than 4 and 5, or there is neither code nor failure and the words are not known.
bool explain_answer(struct explanation *out, const struct explain_question *q);

// The question that a reply of a session is; `host` may be NULL.
struct explain_question explain_ask(const char *host, struct ehlo_span greeting,
                                    enum ehlo_stage stage, const struct ehlo_reply *reply);

// The layer below the catalogue: a reply of class 4 or 5 by code, enhanced status code and stage
// alone. An enhanced status code of another class than the code's, or one that is not registered,
// is passed over; class 0 is none. False, with `out` unchanged, for a code of another class.
bool explain_reply(struct explanation *out, enum ehlo_stage stage, unsigned code,
                   struct ehlo_enhanced enhanced);

// The same where the stage is not known.
bool explain_reply_anywhere(struct explanation *out, unsigned code, struct ehlo_enhanced enhanced);

// "the sender", "who runs the server" …; NULL for EXPLAIN_NOBODY.
const char *explain_who_text(enum explain_who who);

#endif  // EHLO_TOOLS_EXPLAIN_EXPLAIN_H
