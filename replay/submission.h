// The program that submits messages by the engine's policy. Where they come from is the caller's: a
// file when one is sent, the transcript when it is replayed.
#ifndef EHLO_REPLAY_SUBMISSION_H
#define EHLO_REPLAY_SUBMISSION_H

#include "engine/submit.h"
#include "replay/program.h"

enum ehlo_source_state {
  EHLO_SOURCE_MORE,
  EHLO_SOURCE_END,
  EHLO_SOURCE_FAILED,  // the message cannot be read to its end
};

// Message text: begin starts at the first byte of a message, which may be wanted more than once; peek
// gives the next bytes (MORE with len 0: none yet), skip takes `n` of them.
struct ehlo_source {
  void (*begin)(void *arg, size_t message);
  enum ehlo_source_state (*peek)(void *arg, struct ehlo_span *out);
  void (*skip)(void *arg, size_t n);
  void *arg;
};

struct ehlo_submission {
  struct ehlo_program base;
  struct ehlo_submit submit;
  struct ehlo_source source;
  bool giving;  // a message is being given
};

void ehlo_submission_init(struct ehlo_submission *s, const struct ehlo_submit_config *cfg,
                          const struct ehlo_source *source);

#endif  // EHLO_REPLAY_SUBMISSION_H
