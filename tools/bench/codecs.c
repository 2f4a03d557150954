// The base64 cases: a token of 16 KiB over and over. BoringSSL's codec takes constant time too.
#include <openssl/base64.h>
#include <string.h>

#include "engine/base64.h"
#include "tools/bench/bench.h"

#define TOKEN_LEN ((size_t)16384)  // octets of base64
#define PLAIN_LEN (TOKEN_LEN / 4 * 3)
#define NUM_TOKENS 400

struct token {
  uint8_t plain[PLAIN_LEN];
  uint8_t text[TOKEN_LEN + 1];
};

// The octets are random; the text is made by looking characters up.
static struct token *make_token(void) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct token *t = allocate(sizeof(*t));
  uint32_t seed = 5;
  for (size_t i = 0; i < PLAIN_LEN / 3; i++) {
    uint32_t group = next_random(&seed) & 0xffffff;
    for (size_t k = 0; k < 3; k++) {
      t->plain[3 * i + k] = (uint8_t)(group >> (16 - 8 * k));
    }
    for (size_t k = 0; k < 4; k++) {
      t->text[4 * i + k] = (uint8_t)alphabet[group >> (18 - 6 * k) & 63];
    }
  }
  return t;
}

static uint64_t encode(const void *work, bool check) {
  static uint8_t out[TOKEN_LEN];
  const struct token *t = work;
  struct ehlo_span part = {t->plain, PLAIN_LEN};
  uint64_t sum = 0;
  for (size_t i = 0; i < NUM_TOKENS; i++) {
    sum += ehlo_base64_encode(out, &part, 1) + out[i];
  }
  return check ? digest_octets(DIGEST_START, out, TOKEN_LEN) : sum;
}

static uint64_t boringssl_encode(const void *work, bool check) {
  static uint8_t out[TOKEN_LEN + 1];
  const struct token *t = work;
  uint64_t sum = 0;
  for (size_t i = 0; i < NUM_TOKENS; i++) {
    sum += EVP_EncodeBlock(out, t->plain, PLAIN_LEN) + out[i];
  }
  return check ? digest_octets(DIGEST_START, out, TOKEN_LEN) : sum;
}

static uint64_t decode(const void *work, bool check) {
  static uint8_t out[PLAIN_LEN];
  const struct token *t = work;
  struct ehlo_span text = {t->text, TOKEN_LEN};
  uint64_t sum = 0;
  for (size_t i = 0; i < NUM_TOKENS; i++) {
    size_t len = 0;
    sum += ehlo_base64_decode(out, &len, text) + len + out[i];
  }
  return check ? digest_octets(DIGEST_START, out, PLAIN_LEN) : sum;
}

static uint64_t boringssl_decode(const void *work, bool check) {
  static uint8_t out[PLAIN_LEN];
  const struct token *t = work;
  uint64_t sum = 0;
  for (size_t i = 0; i < NUM_TOKENS; i++) {
    size_t len = 0;
    sum += (uint64_t)EVP_DecodeBase64(out, &len, sizeof(out), t->text, TOKEN_LEN) + len + out[i];
  }
  return check ? digest_octets(DIGEST_START, out, PLAIN_LEN) : sum;
}

static void describe(struct bench_case *c, contender_run *ours, contender_run *theirs,
                     size_t token_octets, bool encodes) {
  const struct token *t = make_token();
  uint64_t expected = encodes ? digest_octets(DIGEST_START, t->text, TOKEN_LEN)
                              : digest_octets(DIGEST_START, t->plain, PLAIN_LEN);
  add_contender(c, "ehlo", ours, t, NUM_TOKENS * token_octets, expected)->ours = true;
  add_contender(c, "BoringSSL", theirs, t, NUM_TOKENS * token_octets, expected);
  add_target(c, "ehlo", "BoringSSL", 1 / 1.2);
}

void case_base64_encode(struct bench_case *c, const struct settings *settings) {
  (void)settings;
  c->summary = "16 KiB of base64 from octets, in constant time";
  describe(c, encode, boringssl_encode, PLAIN_LEN, true);
}

void case_base64_decode(struct bench_case *c, const struct settings *settings) {
  (void)settings;
  c->summary = "16 KiB of base64 to octets, in constant time";
  describe(c, decode, boringssl_decode, TOKEN_LEN, false);
}
