// Small pieces that every mechanism needs. No mechanism's order of steps belongs here.
#include "engine/sasl/parts.h"

#include <openssl/hmac.h>
#include <string.h>

#include "engine/base64.h"

struct ehlo_span ehlo_sasl_text(const char *text) {
  return (struct ehlo_span){(const uint8_t *)text, strlen(text)};
}

bool ehlo_sasl_is(struct ehlo_span text, const char *wanted) {
  size_t len = strlen(wanted);
  return text.len == len && memcmp(text.bytes, wanted, len) == 0;
}

struct ehlo_span ehlo_sasl_take(struct ehlo_span *rest, char end) {
  const uint8_t *at = rest->len > 0 ? memchr(rest->bytes, end, rest->len) : NULL;
  size_t len = at != NULL ? (size_t)(at - rest->bytes) : rest->len;
  size_t used = at != NULL ? len + 1 : len;
  struct ehlo_span taken = {rest->bytes, len};
  *rest = (struct ehlo_span){rest->len > 0 ? rest->bytes + used : rest->bytes, rest->len - used};
  return taken;
}

bool ehlo_sasl_is_nonce(struct ehlo_span nonce) {
  for (size_t i = 0; i < nonce.len; i++) {
    if (nonce.bytes[i] <= 0x20 || nonce.bytes[i] >= 0x7f || nonce.bytes[i] == ',') {
      return false;
    }
  }
  return nonce.len > 0;
}

void ehlo_sasl_put_nonce(struct ehlo_auth *auth) {
  ehlo_auth_put(auth, auth->credentials->nonce);
  for (unsigned left = auth->attempt; left > 0; left /= 10) {
    uint8_t digit = (uint8_t)('0' + left % 10);
    ehlo_auth_put(auth, (struct ehlo_span){&digit, 1});
  }
}

void ehlo_sasl_prove_base64(struct ehlo_auth_proof *out, const uint8_t *bytes, size_t len) {
  struct ehlo_span part = {bytes, len};
  out->len = ehlo_base64_encode(out->text, &part, 1);
}

// By arithmetic, as base64 is: what passes here is to be kept.
void ehlo_sasl_prove_hex(struct ehlo_auth_proof *out, const uint8_t *bytes, size_t len) {
  out->len = 0;
  for (size_t i = 0; i < 2 * len; i++) {
    unsigned digit = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15U;
    unsigned beyond_9 = (9 - digit) >> 8 & ('a' - '0' - 10);
    out->text[out->len++] = (uint8_t)('0' + digit + beyond_9);
  }
}

void ehlo_sasl_prove_on_trust(struct ehlo_auth_proof *out) {
  struct ehlo_span text = ehlo_sasl_text(EHLO_PROOF_ON_TRUST);
  memcpy(out->text, text.bytes, text.len);
  out->len = text.len;
}

bool ehlo_sasl_hmac(uint8_t out[EVP_MAX_MD_SIZE], const EVP_MD *md, struct ehlo_span key,
                    const struct ehlo_span *parts, size_t num_parts) {
  HMAC_CTX ctx;
  unsigned len;
  // A NULL key stands for the one before, which there is none of here.
  const uint8_t *key_bytes = key.len > 0 ? key.bytes : (const uint8_t *)"";
  HMAC_CTX_init(&ctx);
  bool done = HMAC_Init_ex(&ctx, key_bytes, key.len, md, NULL) == 1;
  if (done) {
    for (size_t i = 0; i < num_parts; i++) {
      HMAC_Update(&ctx, parts[i].bytes, parts[i].len);  // cannot fail
    }
    done = HMAC_Final(&ctx, out, &len) == 1;
  }
  HMAC_CTX_cleanup(&ctx);
  return done;
}

bool ehlo_sasl_hash(uint8_t out[EVP_MAX_MD_SIZE], const EVP_MD *md, const struct ehlo_span *parts,
                    size_t num_parts) {
  EVP_MD_CTX ctx;
  unsigned len;
  EVP_MD_CTX_init(&ctx);
  bool done = EVP_DigestInit_ex(&ctx, md, NULL) == 1;
  if (done) {
    for (size_t i = 0; i < num_parts; i++) {
      EVP_DigestUpdate(&ctx, parts[i].bytes, parts[i].len);  // cannot fail
    }
    done = EVP_DigestFinal_ex(&ctx, out, &len) == 1;
  }
  EVP_MD_CTX_cleanup(&ctx);
  return done;
}
