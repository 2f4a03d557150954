// See fuzz.h.
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *oracle_name(enum ehlo_fuzz_oracle oracle) {
  switch (oracle) {
    case EHLO_FUZZ_INVARIANT:
      return "invariant";
    case EHLO_FUZZ_MODEL:
      return "model";
    case EHLO_FUZZ_RECUT:
      return "recut";
    case EHLO_FUZZ_SECRECY:
      return "secrecy";
    case EHLO_FUZZ_LIVENESS:
      return "liveness";
  }
  return "?";
}

void ehlo_fuzz_fail(const char *file, int line, enum ehlo_fuzz_oracle oracle,
                    const char *condition) {
  fprintf(stderr, "%s:%d: does not hold (%s): %s\n", file, line, oracle_name(oracle), condition);
  abort();
}

static bool reached[EHLO_FUZZ_GOALS_MAX];

void ehlo_fuzz_reach(size_t goal) {
  EHLO_FUZZ_CHECK(goal < EHLO_FUZZ_GOALS_MAX);
  reached[goal] = true;
}

bool ehlo_fuzz_reached(size_t goal) {
  return reached[goal];
}

uint8_t *ehlo_fuzz_copy(const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len);
  EHLO_FUZZ_CHECK(copy != NULL || len == 0);
  if (len > 0) {
    memcpy(copy, bytes, len);
  }
  return copy;
}

bool ehlo_fuzz_is_zero(const uint8_t *bytes, size_t len) {
  uint8_t all = 0;
  for (size_t i = 0; i < len; i++) {
    all |= bytes[i];
  }
  return all == 0;
}

// Room for `len` bytes more, which then count.
static uint8_t *extend(struct ehlo_fuzz_bytes *b, size_t len) {
  if (len > b->cap - b->len) {
    b->cap = (b->len + len) * 2 + 1024;
    b->bytes = realloc(b->bytes, b->cap);
    EHLO_FUZZ_CHECK(b->bytes != NULL);
  }
  b->len += len;
  return b->bytes + b->len - len;
}

void ehlo_fuzz_add(struct ehlo_fuzz_bytes *b, const void *bytes, size_t len) {
  if (len > 0) {
    memcpy(extend(b, len), bytes, len);
  }
}

void ehlo_fuzz_fill(struct ehlo_fuzz_bytes *b, uint8_t byte, size_t times) {
  if (times > 0) {
    memset(extend(b, times), byte, times);
  }
}

void ehlo_fuzz_add_number(struct ehlo_fuzz_bytes *b, uint64_t number) {
  ehlo_fuzz_add(b, &number, sizeof(number));
}

bool ehlo_fuzz_same(const struct ehlo_fuzz_bytes *a, const struct ehlo_fuzz_bytes *b) {
  return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

size_t ehlo_fuzz_next_cut(struct ehlo_fuzz_cuts *cuts, size_t left) {
  size_t n = left;
  if (cuts->cut == EHLO_FUZZ_BYTES) {
    n = 1;
  } else if (cuts->cut == EHLO_FUZZ_PIECES) {
    cuts->state = cuts->state * 1664525 + 1013904223;
    n = (cuts->state >> 28) + 1;
  }
  return n < left ? n : left;
}
