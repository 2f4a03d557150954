// What the other targets' speed is held against: a target that reads its input once, and tests nothing.
// Nothing under the same sanitizers can run more inputs in a second than this.
#include "fuzz/fuzz.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {NULL};

// Somewhere to put it, so that no compiler leaves out the reading.
volatile uint8_t ehlo_fuzz_ceiling_sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t all = 0;
  for (size_t i = 0; i < size; i++) {
    all ^= data[i];
  }
  ehlo_fuzz_ceiling_sum = all;
  return 0;
}
