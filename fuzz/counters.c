// See counters.h.
#include "fuzz/counters.h"

#include <stdio.h>

#include "fuzz/fuzz.h"

// libFuzzer looks into this section, and clears it before each input.
#ifdef EHLO_FUZZ_LIBFUZZER
__attribute__((section("__libfuzzer_extra_counters")))
#endif
struct ehlo_fuzz_counters ehlo_fuzz_counters;

// Those of all inputs.
static uint8_t taken[EHLO_NUM_TRANSITIONS];

// How often is no news: an input runs its session several times.
static void count(enum ehlo_state state, enum ehlo_verb verb, unsigned code) {
  size_t number = ehlo_transition_number(state, verb, ehlo_reply_class_of((uint16_t)code));
  if (verb != EHLO_VERB_NONE) {  // a 421 that answers nothing
    EHLO_FUZZ_CHECK(ehlo_fuzz_counters.transitions[number] != 0 ||
                    ehlo_transition_why_not(number) == NULL);
    ehlo_fuzz_counters.transitions[number] = 1;
    taken[number] = 1;
  }
}

void ehlo_fuzz_count_event(enum ehlo_state before, const struct ehlo_event *event) {
  const struct ehlo_error *error = &event->error;
  if (event->type == EHLO_EVENT_REPLY || event->type == EHLO_EVENT_CHALLENGE) {
    count(before, event->verb, event->reply.code);
  } else if (event->type == EHLO_EVENT_FAILED) {
    ehlo_fuzz_counters.failures[error->verb][error->status] = 1;
    if (error->status == EHLO_E_REPLY_IMPOSSIBLE) {
      count(before, error->verb, (error->line.bytes[0] - (unsigned)'0') * 100);
    }
  }
}

void ehlo_fuzz_count_outcome(enum ehlo_outcome outcome, enum ehlo_stage stage) {
  ehlo_fuzz_counters.outcomes[outcome][stage] = 1;
}

size_t ehlo_fuzz_states(size_t *out_declared) {
  *out_declared = ehlo_transitions_declared();
  return *out_declared - ehlo_transitions_missing(NULL, taken);
}

size_t ehlo_fuzz_goals_missed(void) {
  size_t missed = ehlo_transitions_missing(stderr, taken);
  size_t declared = ehlo_transitions_declared();
  printf("%zu of %zu declared transitions taken\n", declared - missed, declared);
  return missed;
}
