// What a replay came to, as far as a shrunk transcript has to come to the same. Private to the
// shrinker.
#ifndef EHLO_REPLAY_SHRINK_OUTCOME_H
#define EHLO_REPLAY_SHRINK_OUTCOME_H

#include "replay/shrink/shrink.h"

struct ehlo_shrink_outcome {
  enum ehlo_replay_verdict verdict;
  bool is_submission;
  enum ehlo_outcome outcome;
  enum ehlo_stage stage;
  enum ehlo_submit_problem problem;
  enum ehlo_state state;
  enum ehlo_status status;
  enum ehlo_verb failed_verb;
  bool failed_sent;      // that command was with the transport
  uint64_t failed_line;  // a hash
  // The reply that decided.
  bool refused;
  unsigned code;
  struct ehlo_enhanced enhanced;
  enum ehlo_verb verb;
  uint64_t words;  // a hash
  // DIVERGED:
  char expected[200];
  char got[200];
};

// Replays `text` and tells what came of it; `*out_replay` has the whole result. `copy` as in the
// replay's options.
void ehlo_shrink_judge(struct ehlo_shrink_outcome *out, struct ehlo_replay_result *out_replay,
                       struct ehlo_replayer *replayer, const char *text, size_t len,
                       struct ehlo_writer *copy);

bool ehlo_shrink_same(const struct ehlo_shrink_outcome *a, const struct ehlo_shrink_outcome *b,
                      enum ehlo_shrink_keep keep);

#endif  // EHLO_REPLAY_SHRINK_OUTCOME_H
