// Tests of base64: the RFC's vectors, every length, every octet at every place, against an
// independent codec that looks characters up.
#include "engine/base64.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The decoder as one would write it on a blackboard: characters to bits, bits to octets.
static bool plain_decode(uint8_t *out, size_t *out_len, const uint8_t *in, size_t len) {
  uint32_t bits = 0;
  int num_bits = 0;
  size_t pad = 0;
  *out_len = 0;
  if (len % 4 != 0) {
    return false;
  }
  while (pad < len && pad < 2 && in[len - 1 - pad] == '=') {
    pad++;
  }
  for (size_t i = 0; i < len - pad; i++) {
    const char *at = in[i] != 0 ? strchr(alphabet, in[i]) : NULL;
    if (at == NULL) {
      *out_len = 0;
      return false;
    }
    bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xfffff;
    num_bits += 6;
    if (num_bits >= 8) {
      num_bits -= 8;
      out[(*out_len)++] = (uint8_t)(bits >> num_bits);
    }
  }
  return true;
}

// Decodes from and into heap blocks of just the promised size; compares with the plain decoder.
static bool decode(uint8_t *out, size_t *out_len, const void *in, size_t len) {
  uint8_t *exact_in = malloc(len + 1);
  uint8_t *exact_out = malloc(len / 4 * 3 + 1);
  uint8_t *want = malloc(len + 1);
  size_t want_len = 0;
  memcpy(exact_in + 1, in, len);
  bool ok = ehlo_base64_decode(exact_out + 1, out_len, (struct ehlo_span){exact_in + 1, len});
  bool want_ok = plain_decode(want, &want_len, exact_in + 1, len);
  cr_assert_eq(ok, want_ok, "[%.*s]", (int)len, (const char *)in);
  cr_assert_eq(*out_len, want_len, "[%.*s] %zu", (int)len, (const char *)in, *out_len);
  cr_assert_eq(memcmp(exact_out + 1, want, want_len), 0);
  memcpy(out, exact_out + 1, *out_len);
  free(exact_in);
  free(exact_out);
  free(want);
  return ok;
}

Test(base64, vectors_of_rfc_4648) {
  static const struct {
    const char *plain;
    const char *encoded;
  } rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"Username:", "VXNlcm5hbWU6"},
      {"\xfb\xff\xbf", "+/+/"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint8_t out[32];
    size_t len = strlen(rows[i].plain);
    struct ehlo_span part = {(const uint8_t *)rows[i].plain, len};
    size_t n = ehlo_base64_encode(out, &part, 1);
    cr_assert_eq(n, strlen(rows[i].encoded));
    cr_assert_eq(memcmp(out, rows[i].encoded, n), 0, "%s", rows[i].plain);
    cr_assert(decode(out, &n, rows[i].encoded, n));
    cr_assert_eq(n, len);
    cr_assert_eq(memcmp(out, rows[i].plain, len), 0);
  }
}

// All lengths, the octets in three parts that end anywhere, into a block of just the size.
Test(base64, round_trip_of_every_length_in_parts) {
  uint8_t plain[301];
  uint8_t back[512];
  uint32_t seed = 1;
  for (size_t i = 0; i < sizeof(plain); i++) {
    seed = seed * 1664525U + 1013904223U;
    plain[i] = (uint8_t)(seed >> 24);
  }
  for (size_t len = 0; len <= 300; len++) {
    size_t encoded_len = ehlo_base64_encoded_len(len);
    cr_assert_eq(encoded_len, (len + 2) / 3 * 4);
    for (size_t a = 0; a <= len; a += 1 + len / 7) {
      size_t b = a + (len - a) / 2;
      struct ehlo_span parts[] = {{plain, a}, {NULL, 0}, {plain + a, b - a}, {plain + b, len - b}};
      uint8_t *block = malloc(encoded_len + 1);
      size_t n = ehlo_base64_encode(block + 1, parts, 4);
      cr_assert_eq(n, encoded_len);
      size_t back_len = 0;
      cr_assert(decode(back, &back_len, block + 1, n));
      cr_assert_eq(back_len, len);
      cr_assert_eq(memcmp(back, plain, len), 0);
      free(block);
    }
  }
}

// Every octet at every place of one and of two groups.
Test(base64, every_octet_at_every_place) {
  for (size_t len = 4; len <= 8; len += 4) {
    for (size_t at = 0; at < len; at++) {
      for (unsigned c = 0; c < 256; c++) {
        uint8_t in[] = "QUJDREVG";
        uint8_t out[8];
        size_t n = 99;
        in[at] = (uint8_t)c;
        bool valid = decode(out, &n, in, len);
        bool want = (c != 0 && strchr(alphabet, (int)c) != NULL) || (c == '=' && at == len - 1);
        cr_assert_eq(valid, want, "octet %u at %zu of %zu", c, at, len);
        cr_assert(valid || n == 0);
      }
    }
  }
}

Test(base64, refused) {
  static const char *const rows[] = {
      "A",     "AA",       "AAA",      "AAAAA",    "AAAAAA",    "AAAAAAA", "A===", "====",
      "=AAA",  "A=AA",     "AA=A",     "AA==AAAA", "AAA=AAAA",  "AA=",     "AAA==", "AAAA=",
      "AAAA==", "AAAA====", "AA A",    "AAAA\r\n", "\nAAA",     "AA-_",    "AAAA AAAA",
      "*",     "*AAA",     "User Name", "AAAA=AAA", "AAAAA===",
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint8_t out[16];
    size_t n = 99;
    cr_assert(!decode(out, &n, rows[i], strlen(rows[i])), "[%s]", rows[i]);
    cr_assert_eq(n, 0);
  }
}

// Bits beyond the last octet are let pass, as everywhere; a refused text leaves nothing behind.
Test(base64, loose_ends) {
  uint8_t out[16];
  size_t n = 0;
  cr_assert(decode(out, &n, "Zh==", 4));
  cr_assert(n == 1 && out[0] == 'f');
  memset(out, 0x77, sizeof(out));
  struct ehlo_span refused = {(const uint8_t *)"c2VjcmV0c2Vj!!!!", 16};
  cr_assert(!ehlo_base64_decode(out, &n, refused));
  for (size_t i = 0; i < 12; i++) {
    cr_assert_eq(out[i], 0);
  }
}

Test(base64, random_texts_against_the_plain_decoder) {
  uint32_t seed = 7;
  for (int round = 0; round < 20000; round++) {
    uint8_t in[20];
    uint8_t out[20];
    size_t len = (size_t)round % 20;
    for (size_t i = 0; i < len; i++) {
      seed = seed * 1664525U + 1013904223U;
      uint32_t r = seed >> 16;
      in[i] = r % 23 == 0 ? '=' : r % 97 == 1 ? (uint8_t)(r >> 8) : (uint8_t)alphabet[r & 63];
    }
    size_t n = 0;
    decode(out, &n, in, len);
  }
}
