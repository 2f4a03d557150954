// The program that submits one message by the engine's policy. Where the message comes from is the
// caller's: a file when it is sent, the transcript when it is replayed.
#ifndef EHLO_REPLAY_SUBMISSION_H
#define EHLO_REPLAY_SUBMISSION_H

#include "engine/submit.h"
#include "replay/program.h"

enum ehlo_source_state {
  EHLO_SOURCE_MORE,
  EHLO_SOURCE_END,
  EHLO_SOURCE_FAILED,  // the message cannot be read to its end
};

// Message text: peek gives the next bytes (MORE with len 0: none yet), skip takes `n` of them.
struct ehlo_source {
  enum ehlo_source_state (*peek)(void *arg, struct ehlo_span *out);
  void (*skip)(void *arg, size_t n);
  void *arg;
};

struct ehlo_submission {
  struct ehlo_program base;
  struct ehlo_submit submit;
  struct ehlo_source source;
};

void ehlo_submission_init(struct ehlo_submission *s, const struct ehlo_submit_config *cfg,
                          const struct ehlo_source *source);

#endif  // EHLO_REPLAY_SUBMISSION_H
