// See fuzz.h.
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#ifdef POISONS
#include <sanitizer/asan_interface.h>

// What is freed is kept for 256 MiB of other blocks by default, which never stay in any cache: a target
// that allocates then spends its time on fresh pages. An input frees less than this.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "quarantine_size_mb=4:thread_local_quarantine_size_kb=256:malloc_context_size=12";
}
#else
#define ASAN_POISON_MEMORY_REGION(bytes, len) ((void)(bytes), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, len) ((void)(bytes), (void)(len))
#endif

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

bool ehlo_fuzz_reached[EHLO_FUZZ_GOALS_MAX];

uint8_t *ehlo_fuzz_copy(const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len);
  EHLO_FUZZ_CHECK(copy != NULL || len == 0);
  if (len > 0) {
    memcpy(copy, bytes, len);
  }
  return copy;
}

uint8_t *ehlo_fuzz_lend(struct ehlo_fuzz_block *block, size_t len) {
  EHLO_FUZZ_CHECK(block->lent == 0);
  if (len > block->cap || block->bytes == NULL) {
    free(block->bytes);
    block->cap = len > 256 ? len : 256;
    block->bytes = malloc(block->cap);
    EHLO_FUZZ_CHECK(block->bytes != NULL);
    ASAN_POISON_MEMORY_REGION(block->bytes, block->cap);
  }
  ASAN_UNPOISON_MEMORY_REGION(block->bytes, len);
  block->lent = len;
  return block->bytes;
}

void ehlo_fuzz_return(struct ehlo_fuzz_block *block) {
  ASAN_POISON_MEMORY_REGION(block->bytes, block->lent);
  block->lent = 0;
}

// Each byte is the one before it: what a comparison with itself, one on, says fastest.
bool ehlo_fuzz_is_all(uint8_t byte, const uint8_t *bytes, size_t len) {
  return len == 0 || (bytes[0] == byte && memcmp(bytes, bytes + 1, len - 1) == 0);
}

bool ehlo_fuzz_is_zero(const uint8_t *bytes, size_t len) {
  return ehlo_fuzz_is_all(0, bytes, len);
}

uint8_t *ehlo_fuzz_extend(struct ehlo_fuzz_bytes *b, size_t len) {
  if (b->bytes == NULL || len > b->cap - b->len) {
    b->cap = (b->len + len) * 2 + 1024;
    b->bytes = realloc(b->bytes, b->cap);
    EHLO_FUZZ_CHECK(b->bytes != NULL);
  }
  b->len += len;
  return b->bytes + b->len - len;
}

void ehlo_fuzz_add(struct ehlo_fuzz_bytes *b, const void *bytes, size_t len) {
  if (len > 0) {
    memcpy(ehlo_fuzz_extend(b, len), bytes, len);
  }
}

void ehlo_fuzz_clear(struct ehlo_fuzz_bytes *b) {
  b->len = 0;
}

void ehlo_fuzz_fill(struct ehlo_fuzz_bytes *b, uint8_t byte, size_t times) {
  if (times > 0) {
    memset(ehlo_fuzz_extend(b, times), byte, times);
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
    uint32_t random = cuts->state >> 24;
    n = 1 + (random < 128 ? random % 4 : random % 64);
  }
  return n < left ? n : left;
}

bool ehlo_fuzz_every_cut;

// One in eight goes octet by octet, which takes as long as several in pieces.
bool ehlo_fuzz_wants_cut(enum ehlo_fuzz_cut cut, uint8_t name) {
  return ehlo_fuzz_every_cut || cut == (name % 8 == 0 ? EHLO_FUZZ_BYTES : EHLO_FUZZ_PIECES);
}
