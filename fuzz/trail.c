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
  memset(t->hash, 0, sizeof(t->hash));
  t->num_marks = 0;
  ehlo_fuzz_clear(&t->marks);
}

void ehlo_fuzz_trail_add(struct ehlo_fuzz_trail *t, enum ehlo_fuzz_trail_kind kind,
                         const uint8_t *bytes, size_t len) {
  uint64_t hash = t->hash[kind];
  for (size_t i = 0; i < len; i++) {
    hash = mix(hash, bytes[i] + 1U);
  }
  t->hash[kind] = hash;
}

void ehlo_fuzz_trail_add_numbers(struct ehlo_fuzz_trail *t, enum ehlo_fuzz_trail_kind kind,
                                 const uint64_t *numbers, size_t num) {
  uint64_t hash = t->hash[kind];
  for (size_t i = 0; i < num; i++) {
    hash = mix(hash, numbers[i]);
  }
  t->hash[kind] = hash;
}

static const char *what_differs(enum ehlo_fuzz_trail_kind kind) {
  switch (kind) {
    case EHLO_FUZZ_TRAIL_ERROR:
      return "the same error";
    case EHLO_FUZZ_TRAIL_EVENT:
      return "the same events";
    case EHLO_FUZZ_TRAIL_TEXT:
      return "the same text";
    case EHLO_FUZZ_TRAIL_OUTPUT:
      return "the same output";
    case EHLO_FUZZ_TRAIL_STATUS:
      return "the same status";
    case EHLO_FUZZ_TRAIL_STATE:
      return "the same state";
    case EHLO_FUZZ_TRAIL_WAITING:
      return "the same deadline and replies to come";
    case EHLO_FUZZ_NUM_TRAIL_KINDS:
      break;
  }
  return "as many entries";
}

static void check(bool same, enum ehlo_fuzz_trail_kind kind, size_t entry) {
  if (!same && EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    fprintf(stderr, "entry %zu of the second run is not that of the first\n", entry);
    ehlo_fuzz_fail(__FILE__, __LINE__, EHLO_FUZZ_RECUT, what_differs(kind));
  }
}

static void check_hashes(const uint64_t *got, const uint64_t *wanted, size_t entry) {
  for (int kind = 0; kind < EHLO_FUZZ_NUM_TRAIL_KINDS; kind++) {
    check(got[kind] == wanted[kind], (enum ehlo_fuzz_trail_kind)kind, entry);
  }
}

void ehlo_fuzz_trail_mark(struct ehlo_fuzz_trail *t) {
  if (t->first == NULL) {
    ehlo_fuzz_add(&t->marks, t->hash, sizeof(t->hash));
  } else if (t->num_marks < t->first->num_marks) {
    uint64_t wanted[EHLO_FUZZ_NUM_TRAIL_KINDS];
    memcpy(wanted, t->first->marks.bytes + t->num_marks * sizeof(wanted), sizeof(wanted));
    check_hashes(t->hash, wanted, t->num_marks);
  } else {
    check(false, EHLO_FUZZ_NUM_TRAIL_KINDS, t->num_marks);
  }
  t->num_marks++;
}

void ehlo_fuzz_trail_end(const struct ehlo_fuzz_trail *t) {
  if (t->first != NULL) {
    check(t->num_marks == t->first->num_marks, EHLO_FUZZ_NUM_TRAIL_KINDS, t->num_marks);
    check_hashes(t->hash, t->first->hash, t->num_marks);
  }
}
