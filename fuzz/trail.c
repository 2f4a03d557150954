// See trail.h.
#include "fuzz/trail.h"

#include <stdio.h>
#include <string.h>

// Odd and without a pattern, so that each bit of what is added reaches the upper half.
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t hash, uint64_t number) {
  hash = (hash ^ number) * FACTOR;
  return hash ^ hash >> 32;
}

void ehlo_fuzz_trail_begin(struct ehlo_fuzz_trail *t, const struct ehlo_fuzz_trail *first) {
  t->first = first;
  t->hash = 0;
  t->num_marks = 0;
  ehlo_fuzz_clear(&t->marks);
}

void ehlo_fuzz_trail_add(struct ehlo_fuzz_trail *t, const uint8_t *bytes, size_t len) {
  uint64_t hash = t->hash;
  for (size_t i = 0; i < len; i++) {
    hash = mix(hash, bytes[i] + 1U);
  }
  t->hash = hash;
}

void ehlo_fuzz_trail_add_number(struct ehlo_fuzz_trail *t, uint64_t number) {
  t->hash = mix(t->hash, number);
}

void ehlo_fuzz_trail_add_numbers(struct ehlo_fuzz_trail *t, const uint64_t *numbers, size_t num) {
  uint64_t hash = t->hash;
  for (size_t i = 0; i < num; i++) {
    hash = mix(hash, numbers[i]);
  }
  t->hash = hash;
}

static uint64_t mark_at(const struct ehlo_fuzz_trail *t, size_t i) {
  uint64_t mark;
  memcpy(&mark, t->marks.bytes + i * sizeof(mark), sizeof(mark));
  return mark;
}

static void check(bool same, size_t entry) {
  if (!same && EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    fprintf(stderr, "entry %zu of the second run is not that of the first\n", entry);
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, same);
}

void ehlo_fuzz_trail_mark(struct ehlo_fuzz_trail *t) {
  if (t->first == NULL) {
    ehlo_fuzz_add_number(&t->marks, t->hash);
  } else {
    check(t->num_marks < t->first->num_marks && mark_at(t->first, t->num_marks) == t->hash,
          t->num_marks);
  }
  t->num_marks++;
}

void ehlo_fuzz_trail_end(const struct ehlo_fuzz_trail *t) {
  if (t->first != NULL) {
    check(t->num_marks == t->first->num_marks && t->hash == t->first->hash, t->num_marks);
  }
}
