// What libFuzzer cannot see in the code: which transition of the session an input takes. A counter for
// each declared one makes an input that takes a new one worth keeping. What all inputs took adds up
// besides: a corpus test has to have it all, and a fuzzer tells it at its end.
#ifndef EHLO_FUZZ_COUNTERS_H
#define EHLO_FUZZ_COUNTERS_H

#include "engine/ehlo.h"
#include "engine/submit.h"
#include "engine/transitions.h"

struct ehlo_fuzz_counters {
  uint8_t transitions[EHLO_NUM_TRANSITIONS];
  uint8_t failures[EHLO_NUM_VERBS][EHLO_NUM_STATUS];  // what was outstanding when a session failed
  uint8_t outcomes[EHLO_NUM_OUTCOMES][EHLO_NUM_STAGES];
};

extern struct ehlo_fuzz_counters ehlo_fuzz_counters;

// An event came; `before` is the confirmed state before the octets were given of which it came.
void ehlo_fuzz_count_event(enum ehlo_state before, const struct ehlo_event *event);

// A submission came to this end.
void ehlo_fuzz_count_outcome(enum ehlo_outcome outcome, enum ehlo_stage stage);

#endif  // EHLO_FUZZ_COUNTERS_H
