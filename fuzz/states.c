// Goes into the fuzzers alone: at the end of one it tells how many of the target's states its inputs came
// to, those of the corpus among them. States are the transitions, where the target has a table of them,
// and else its goals. Campaigns read it.
#include <stdio.h>

#include "fuzz/fuzz.h"

static size_t count_goals(size_t *out_declared) {
  size_t num = 0;
  for (size_t i = 0; i < EHLO_FUZZ_GOALS_MAX; i++) {
    if (ehlo_fuzz_goals[i] != NULL) {
      num += ehlo_fuzz_reached[i];
      ++*out_declared;
    }
  }
  return num;
}

__attribute__((destructor)) static void tell_states(void) {
  size_t declared = 0;
  size_t num = ehlo_fuzz_states != NULL ? ehlo_fuzz_states(&declared) : count_goals(&declared);
  if (declared > 0) {
    fprintf(stderr, "states: %zu of %zu\n", num, declared);
  }
}
