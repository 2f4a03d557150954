// What the files of ehlo_served share: the choice of an answer. Not for others.
#ifndef EHLO_REPLAY_SERVED_PARTS_H
#define EHLO_REPLAY_SERVED_PARTS_H

#include "replay/serve/served.h"

// What is to be said. `answer` NULL: words of ours, or of a fault.
struct ehlo_choice {
  const struct ehlo_answer *answer;
  const uint8_t *bytes;
  size_t len;
  const struct ehlo_piece *pieces;  // NULL: one
  unsigned code;
  enum ehlo_ending ending;
};

// A reply of our own, static text with its CRLF.
struct ehlo_choice ehlo_choice_words(const char *reply);
struct ehlo_choice ehlo_choice_answer(const struct ehlo_served *s, const struct ehlo_answer *a);

// The reply to a command, or to a line of an AUTH exchange, as the line in `s` has it.
struct ehlo_choice ehlo_served_choose(struct ehlo_served *s, const struct ehlo_command_line *c);
// The reply to "AUTH …" where that is in order, and to a response.
struct ehlo_choice ehlo_served_choose_auth(struct ehlo_served *s,
                                           const struct ehlo_command_line *c);
struct ehlo_choice ehlo_served_choose_response(struct ehlo_served *s,
                                               const struct ehlo_command_line *c);

// Keeping the books (served_report.c).
void ehlo_served_tell_command(struct ehlo_served *s, const struct ehlo_command_line *c);
void ehlo_served_tell_step(struct ehlo_served *s, enum ehlo_meaning meaning, const char *mechanism);
void ehlo_served_tell_strike(struct ehlo_served *s, const struct ehlo_strike *strike,
                             enum ehlo_meaning meaning);
void ehlo_served_tell_reply(struct ehlo_served *s, const struct ehlo_command_line *c,
                            unsigned code);
void ehlo_served_settle(struct ehlo_served *s, enum ehlo_reaction_type type);

// A mechanism's name that may be shown: of a recorded session, or known; "other" for anything else.
void ehlo_served_mechanism(const struct ehlo_served *s, char out[EHLO_MECHANISM_MAX],
                           const struct ehlo_command_line *c);

// Overwrites what may be a credential.
void ehlo_served_wipe(void *bytes, size_t len);

#endif  // EHLO_REPLAY_SERVED_PARTS_H
