// Counts allocations by standing in for malloc() and its kin, which glibc lets a program do. Under a
// sanitizer, which does the same, and without glibc, nothing is counted.
#include <stddef.h>
#include <stdlib.h>

#include "tools/bench/measure.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t num, size_t len);
void *__libc_realloc(void *block, size_t len);

static long num_allocations;

void *malloc(size_t len) {
  num_allocations++;
  return __libc_malloc(len);
}

void *calloc(size_t num, size_t len) {
  num_allocations++;
  return __libc_calloc(num, len);
}

void *realloc(void *block, size_t len) {
  num_allocations++;
  return __libc_realloc(block, len);
}

long count_allocations(void) {
  return num_allocations;
}

#else

long count_allocations(void) {
  return -1;
}

#endif
