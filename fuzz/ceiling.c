// What the other targets' speed is held against: a target that reads its input once, and tests nothing.
// Nothing under the same sanitizers can run more inputs in a second than this.
#include "fuzz/fuzz.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static volatile uint8_t sum;
  uint8_t all = 0;
  for (size_t i = 0; i < size; i++) {
    all ^= data[i];
  }
  sum = all;
  return 0;
}
