// A small fuzz target with planted faults, one for each way in which a fuzzer can end, for the tests of
// campaigns. A word in the input brings a fault about, wherever it stands; "BUG" in front is a fault that
// a fuzzer finds by itself.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "fuzz/fuzz.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {"any input", "G", "GO", "GOO", "GOOD"};

// Compares without a branch for each octet, so that no fuzzer guesses a word.
static bool has(const uint8_t *data, size_t size, const char *word) {
  size_t len = strlen(word);
  for (size_t at = 0; at + len <= size; at++) {
    unsigned differs = 0;
    for (size_t i = 0; i < len; i++) {
      differs |= data[at + i] ^ (uint8_t)word[i];
    }
    if (differs == 0) {
      return true;
    }
  }
  return false;
}

static void leak(size_t size) {
  void *volatile block = malloc(size + 1);
  block = NULL;
  (void)block;
}

static void hang(void) {
  for (volatile unsigned turns = 0;;) {
    turns++;
  }
}

static void take_time(void) {
  thrd_sleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
}

static void take_memory(void) {
  void *volatile block = malloc((size_t)1 << 30);
  free(block);
}

static int read_beyond(const uint8_t *data, size_t size) {
  uint8_t *copy = ehlo_fuzz_copy(data, size);
  volatile uint8_t octet = copy[size];
  free(copy);
  return octet;
}

static int overflow(size_t size) {
  volatile int most = 0x7fffffff;
  return most + (int)size;
}

// What a fuzzer has to find octet by octet.
static void reach_depth(const uint8_t *data, size_t size) {
  static const char word[] = "GOOD";
  size_t same = 0;
  while (same < size && same < 4 && data[same] == (uint8_t)word[same]) {
    ehlo_fuzz_reach(++same);
  }
}

static void check_bug(const uint8_t *data, size_t size) {
#ifndef EHLO_PLANTED_FIXED
  if (size > 2 && data[0] == 'B') {
    if (data[1] == 'U') {
      EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, data[2] != 'G');
    }
  }
#endif
  (void)data;
  (void)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ehlo_fuzz_reach(0);
  reach_depth(data, size);
  check_bug(data, size);
  if (has(data, size, "<leak>")) {
    leak(size);
  }
  if (has(data, size, "<hang>")) {
    hang();
  }
  if (has(data, size, "<slow>")) {
    take_time();
  }
  if (has(data, size, "<memory>")) {
    take_memory();
  }
  if (has(data, size, "<model>")) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, size == 0);
  }
  if (has(data, size, "<assert>")) {
    assert(size == 0);
  }
  if (has(data, size, "<abort>")) {
    abort();
  }
  if (has(data, size, "<address>")) {
    return read_beyond(data, size) == 256;
  }
  if (has(data, size, "<undefined>")) {
    return overflow(size) == 1;
  }
  return 0;
}
