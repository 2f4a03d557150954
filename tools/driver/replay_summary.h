// What a run of `ehlo replay` came to: counts, as a table or as the end of the JSON object.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_SUMMARY_H
#define EHLO_TOOLS_DRIVER_REPLAY_SUMMARY_H

#include "tools/driver/replay_job.h"

#define REPLAY_VERDICTS 4
#define REPLAY_OUTCOMES (EHLO_OUTCOME_USAGE + 1)
#define REPLAY_STATES (EHLO_STATE_FAILED + 1)

// By cuts: verdicts, then of what could be run the outcomes of submissions and the states that other
// sessions ended in.
struct replay_summary {
  size_t num_files;
  bool unwritable;
  size_t verdicts[REPLAY_NUM_CHUNKS][REPLAY_VERDICTS];
  size_t outcomes[REPLAY_NUM_CHUNKS][REPLAY_OUTCOMES];
  size_t states[REPLAY_NUM_CHUNKS][REPLAY_STATES];
};

void replay_summary_add(struct replay_summary *s, const struct replay_job *job);

// Runs with that verdict, of all cuts.
size_t replay_summary_count(const struct replay_summary *s, enum ehlo_replay_verdict verdict);

// To standard output: the table unless it is to be quiet, and a line that is all of it in short.
void replay_summary_print(const struct replay_summary *s, const struct replay_options *o);

// To standard output: the members that follow "results", and the closing brace.
void replay_summary_print_json(const struct replay_summary *s, const struct replay_options *o);

int replay_summary_status(const struct replay_summary *s);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_SUMMARY_H
