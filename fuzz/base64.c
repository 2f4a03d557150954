// What is encoded decodes to the same bytes, however it was parted; and the decoder accepts exactly
// what two others accept, with the same bytes: an independent reference and BoringSSL's.
//
// All three agree on everything: a length that is no multiple of four, padding that is too long or in the
// midst, blanks and line ends are refused, and what the bits hold that padding cuts off is of no matter
// (RFC 4648 §3.5 leaves it to the decoder), so that two texts can be the same bytes.
#include "engine/base64.h"

#include <openssl/base64.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference.h"

enum goal { GOAL_ENCODED, GOAL_DECODED, GOAL_REFUSED, GOAL_PAD_BITS };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_ENCODED] = "bytes that were encoded",
    [GOAL_DECODED] = "text that is base64",
    [GOAL_REFUSED] = "text that is not",
    [GOAL_PAD_BITS] = "text with bits that padding cuts off",
};

#define PARTS_MAX 16

// Encodes the bytes in pieces and holds the text against the reference's.
static void encode(struct ehlo_span bytes, const struct ehlo_fuzz_bytes *wanted,
                   struct ehlo_fuzz_cuts cuts) {
  static struct ehlo_fuzz_block block;
  struct ehlo_span parts[PARTS_MAX];
  size_t num_parts = 0;
  for (size_t at = 0; at < bytes.len && num_parts < PARTS_MAX; num_parts++) {
    size_t left = bytes.len - at;
    size_t n = num_parts + 1 == PARTS_MAX ? left : ehlo_fuzz_next_cut(&cuts, left);
    parts[num_parts] = (struct ehlo_span){bytes.bytes + at, n};
    at += n;
  }
  size_t len = ehlo_base64_encoded_len(bytes.len);
  uint8_t *text = ehlo_fuzz_lend(&block, len);
  enum ehlo_fuzz_oracle oracle = cuts.cut == EHLO_FUZZ_WHOLE ? EHLO_FUZZ_MODEL : EHLO_FUZZ_RECUT;
  EHLO_FUZZ_CHECK_BY(oracle, len == wanted->len);
  EHLO_FUZZ_CHECK_BY(oracle, ehlo_base64_encode(text, parts, num_parts) == len);
  EHLO_FUZZ_CHECK_BY(oracle, len == 0 || memcmp(text, wanted->bytes, len) == 0);
  ehlo_fuzz_return(&block);
}

// Text that decodes, and not to what it would be encoded from.
static bool has_pad_bits(struct ehlo_span text, struct ehlo_span bytes) {
  static struct ehlo_fuzz_bytes again;
  ehlo_fuzz_clear(&again);
  ehlo_reference_base64(&again, bytes.bytes, bytes.len);
  return memcmp(again.bytes, text.bytes, text.len) != 0;
}

static void judge_boringssl(struct ehlo_span text, bool valid, struct ehlo_span bytes) {
  static struct ehlo_fuzz_block block;
  size_t room = text.len / 4 * 3;
  size_t len = 0;
  uint8_t *theirs = ehlo_fuzz_lend(&block, room);
  bool accepted = EVP_DecodeBase64(theirs, &len, room, text.bytes, text.len) == 1;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, accepted == valid);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !valid || len == bytes.len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !valid || len == 0 || memcmp(theirs, bytes.bytes, len) == 0);
  ehlo_fuzz_return(&block);
}

// Decodes the text into a block of the size that the decoder asks for.
static void decode(struct ehlo_span text) {
  static struct ehlo_fuzz_block block;
  static struct ehlo_fuzz_bytes wanted;
  ehlo_fuzz_clear(&wanted);
  bool valid = ehlo_reference_unbase64(&wanted, text.bytes, text.len);
  size_t len = 0;
  uint8_t *bytes = ehlo_fuzz_lend(&block, text.len / 4 * 3);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, ehlo_base64_decode(bytes, &len, text) == valid);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, len == (valid ? wanted.len : 0));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, len == 0 || memcmp(bytes, wanted.bytes, len) == 0);
  judge_boringssl(text, valid, (struct ehlo_span){bytes, len});
  ehlo_fuzz_reach(valid ? GOAL_DECODED : GOAL_REFUSED);
  if (valid && len > 0 && has_pad_bits(text, (struct ehlo_span){bytes, len})) {
    ehlo_fuzz_reach(GOAL_PAD_BITS);
  }
  ehlo_fuzz_return(&block);
}

static void round_trip(struct ehlo_span bytes, const struct ehlo_fuzz_bytes *encoded) {
  static struct ehlo_fuzz_block block;
  uint8_t *back = ehlo_fuzz_lend(&block, encoded->len / 4 * 3);
  size_t back_len = 0;
  struct ehlo_span text = {encoded->bytes, encoded->len};
  EHLO_FUZZ_CHECK(ehlo_base64_decode(back, &back_len, text));
  EHLO_FUZZ_CHECK(back_len == bytes.len);
  EHLO_FUZZ_CHECK(back_len == 0 || memcmp(back, bytes.bytes, back_len) == 0);
  ehlo_fuzz_reach(GOAL_ENCODED);
  ehlo_fuzz_return(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_bytes wanted;
  struct ehlo_span input = {data, size};
  ehlo_fuzz_clear(&wanted);
  ehlo_reference_base64(&wanted, data, size);
  for (int cut = 0; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    if (cut == EHLO_FUZZ_WHOLE || ehlo_fuzz_wants_cut((enum ehlo_fuzz_cut)cut, (uint8_t)size)) {
      encode(input, &wanted, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, (uint32_t)size});
    }
  }
  round_trip(input, &wanted);
  decode(input);
  return 0;
}
