// Run under valgrind, which follows what is undefined: the octets to encode and the text to decode are
// marked as that, and a branch or an address that depends on them is an error that is counted.
#include "engine/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// valgrind and the sanitizers do not go together.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__has_include) && !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_MEMCHECK 1
#endif
#endif

#ifdef HAVE_MEMCHECK

#define PLAIN_LEN 768
#define TEXT_LEN (PLAIN_LEN / 3 * 4)

static void check(unsigned found, unsigned wanted, const char *what) {
  printf("%s: %u decisions by the octets, %u wanted\n", what, found, wanted);
  if (found != wanted) {
    exit(1);
  }
}

// A loop as the codec must not have one, to see that the test would see it.
static unsigned branch_on(const uint8_t *octets, size_t len) {
  volatile unsigned sum = 0;
  for (size_t i = 0; i < len; i++) {
    if (octets[i] > 100) {
      sum += 1;
    }
  }
  return sum;
}

int main(void) {
  static uint8_t plain[PLAIN_LEN];
  static uint8_t text[TEXT_LEN];
  static uint8_t out[TEXT_LEN];
  struct ehlo_span parts[] = {{plain, 100}, {plain + 100, PLAIN_LEN - 100}};
  size_t len = 0;
  if (!RUNNING_ON_VALGRIND) {
    printf("to be run under valgrind\n");
    return 0;
  }
  for (size_t i = 0; i < PLAIN_LEN; i++) {
    plain[i] = (uint8_t)(i * 167);
  }
  ehlo_base64_encode(text, parts, 2);

  (void)VALGRIND_MAKE_MEM_UNDEFINED(plain, sizeof(plain));
  unsigned before = VALGRIND_COUNT_ERRORS;
  ehlo_base64_encode(out, parts, 2);
  check(VALGRIND_COUNT_ERRORS - before, 0, "encode");

  // How much padding there is, and whether all of it is base64, are no secrets.
  (void)VALGRIND_MAKE_MEM_UNDEFINED(text, sizeof(text) - 2);
  before = VALGRIND_COUNT_ERRORS;
  ehlo_base64_decode(out, &len, (struct ehlo_span){text, sizeof(text)});
  check(VALGRIND_COUNT_ERRORS - before, 1, "decode");

  before = VALGRIND_COUNT_ERRORS;
  branch_on(plain, sizeof(plain));
  check(VALGRIND_COUNT_ERRORS - before > 0, 1, "a loop that decides");
  return 0;
}

#else

int main(void) {
  printf("built with a sanitizer or without valgrind's headers\n");
  return 77;
}

#endif
