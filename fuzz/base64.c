// What is encoded decodes to the same bytes, however it was parted; and the decoder accepts exactly
// what an independent one accepts, with the same bytes.
#include "engine/base64.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference.h"

enum goal { GOAL_ENCODED, GOAL_DECODED, GOAL_REFUSED };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_ENCODED] = "bytes that were encoded",
    [GOAL_DECODED] = "text that is base64",
    [GOAL_REFUSED] = "text that is not",
};

#define PARTS_MAX 16

// Encodes the bytes in pieces and holds the text against the reference's.
static void encode(struct ehlo_span bytes, const struct ehlo_fuzz_bytes *wanted,
                   struct ehlo_fuzz_cuts cuts) {
  struct ehlo_span parts[PARTS_MAX];
  size_t num_parts = 0;
  for (size_t at = 0; at < bytes.len && num_parts < PARTS_MAX; num_parts++) {
    size_t left = bytes.len - at;
    size_t n = num_parts + 1 == PARTS_MAX ? left : ehlo_fuzz_next_cut(&cuts, left);
    parts[num_parts] = (struct ehlo_span){bytes.bytes + at, n};
    at += n;
  }
  size_t len = ehlo_base64_encoded_len(bytes.len);
  uint8_t *text = malloc(len);
  EHLO_FUZZ_CHECK(len == wanted->len);
  EHLO_FUZZ_CHECK(ehlo_base64_encode(text, parts, num_parts) == len);
  EHLO_FUZZ_CHECK(len == 0 || memcmp(text, wanted->bytes, len) == 0);
  free(text);
}

// Decodes the text into a block of the size that the decoder asks for.
static void decode(struct ehlo_span text) {
  struct ehlo_fuzz_bytes wanted = {0};
  bool valid = ehlo_reference_unbase64(&wanted, text.bytes, text.len);
  size_t len = 0;
  uint8_t *bytes = malloc(text.len / 4 * 3);
  EHLO_FUZZ_CHECK(ehlo_base64_decode(bytes, &len, text) == valid);
  EHLO_FUZZ_CHECK(len == (valid ? wanted.len : 0));
  EHLO_FUZZ_CHECK(len == 0 || memcmp(bytes, wanted.bytes, len) == 0);
  ehlo_fuzz_reach(valid ? GOAL_DECODED : GOAL_REFUSED);
  free(bytes);
  free(wanted.bytes);
}

static void round_trip(struct ehlo_span bytes) {
  size_t len = ehlo_base64_encoded_len(bytes.len);
  uint8_t *text = malloc(len);
  uint8_t *back = malloc(len / 4 * 3);
  size_t back_len = 0;
  ehlo_base64_encode(text, &bytes, 1);
  EHLO_FUZZ_CHECK(ehlo_base64_decode(back, &back_len, (struct ehlo_span){text, len}));
  EHLO_FUZZ_CHECK(back_len == bytes.len);
  EHLO_FUZZ_CHECK(back_len == 0 || memcmp(back, bytes.bytes, back_len) == 0);
  ehlo_fuzz_reach(GOAL_ENCODED);
  free(back);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_span input = {ehlo_fuzz_copy(data, size), size};
  struct ehlo_fuzz_bytes wanted = {0};
  ehlo_reference_base64(&wanted, input.bytes, input.len);
  for (int cut = 0; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    encode(input, &wanted, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, (uint32_t)size});
  }
  round_trip(input);
  decode(input);
  free(wanted.bytes);
  free((uint8_t *)input.bytes);
  return 0;
}
