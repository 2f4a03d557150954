// The forms of SASL responses: PLAIN (RFC 4616), XOAUTH2 and OAUTHBEARER (RFC 7628), CRAM-MD5 (RFC 2195),
// SCRAM (RFC 5802), DIGEST-MD5 (RFC 2831), NTLM. Each has to be whole, so that ordinary base64 is none.
#include "replay/scrub/credential.h"

#include <string.h>

// ---- Base64 -------------------------------------------------------------------------------------

static int value_of(uint8_t c) {
  if (c >= 'A' && c <= 'Z') {
    return c - 'A';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 26;
  }
  if (c >= '0' && c <= '9') {
    return c - '0' + 52;
  }
  return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool scrub_base64_decode(uint8_t *out, size_t *out_len, const uint8_t *text, size_t len) {
  uint32_t bits = 0;
  size_t num = 0;
  size_t pads = 0;
  while (pads < len && pads < 3 && text[len - pads - 1] == '=') {
    pads++;
  }
  size_t chars = len - pads;
  *out_len = 0;
  if (pads > 2 || chars % 4 == 1 || (pads > 0 && len % 4 != 0)) {
    return false;
  }
  for (size_t i = 0; i < chars; i++) {
    int value = value_of(text[i]);
    if (value < 0) {
      return false;
    }
    bits = bits << 6 | (uint32_t)value;
    num += 6;
    if (num >= 8) {
      num -= 8;
      out[(*out_len)++] = (uint8_t)(bits >> num);
    }
  }
  return true;
}

// ---- Text ---------------------------------------------------------------------------------------

bool scrub_is_text(const uint8_t *octets, size_t len) {
  size_t more = 0;
  for (size_t i = 0; i < len; i++) {
    uint8_t c = octets[i];
    if (more > 0) {
      if ((c & 0xc0) != 0x80) {
        return false;
      }
      more--;
    } else if (c >= 0xc2 && c < 0xf5) {
      more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    } else if (c < 0x20 || c >= 0x7f) {
      return false;
    }
  }
  return len > 0 && more == 0;
}

static size_t find(const uint8_t *octets, size_t len, const char *part) {
  size_t part_len = strlen(part);
  for (size_t at = 0; at + part_len <= len; at++) {
    if (memcmp(octets + at, part, part_len) == 0) {
      return at;
    }
  }
  return len;
}

static bool begins(const uint8_t *octets, size_t len, const char *part) {
  return len >= strlen(part) && memcmp(octets, part, strlen(part)) == 0;
}

bool scrub_is_placeholder(const uint8_t *text, size_t len) {
  static const char *const words[] = {"/* secret */", "PROVIDED_BUT_REMOVED",
                                      "{secret}",     "credentials hidden",
                                      "[REDACTED",    "<redacted",
                                      "***",          "xxxx"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (find(text, len, words[i]) < len) {
      return true;
    }
  }
  return len == 0;
}

static bool is_hex(const uint8_t *octets, size_t len, size_t num) {
  if (len < num) {
    return false;
  }
  for (size_t i = 0; i < num; i++) {
    uint8_t c = octets[i] | 0x20;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      return false;
    }
  }
  return true;
}

static bool found(struct scrub_credential *out, const char *what, const uint8_t *octets, size_t at,
                  size_t len) {
  out->what = what;
  out->secret_at = at;
  out->secret_len = len;
  return !scrub_is_placeholder(octets + at, len);
}

// ---- Mechanisms ---------------------------------------------------------------------------------

// message = [authzid] UTF8NUL authcid UTF8NUL passwd
static bool is_plain(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  const uint8_t *end = octets + len;
  const uint8_t *first = memchr(octets, '\0', len);
  const uint8_t *second = first != NULL ? memchr(first + 1, '\0', (size_t)(end - first - 1)) : NULL;
  if (second == NULL || (first > octets && !scrub_is_text(octets, (size_t)(first - octets))) ||
      !scrub_is_text(first + 1, (size_t)(second - first - 1)) ||
      !scrub_is_text(second + 1, (size_t)(end - second - 1))) {
    return false;
  }
  out->user_at = (size_t)(first + 1 - octets);
  out->user_len = (size_t)(second - first - 1);
  return found(out, "a PLAIN response", octets, (size_t)(second + 1 - octets),
               (size_t)(end - second - 1));
}

// "user=" … %x01 "auth=Bearer " token %x01 %x01, or a GS2 header in front
static bool is_bearer(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  static const char key[] =
      "\x01"
      "auth=Bearer ";
  if (!begins(octets, len, "user=") && !begins(octets, len, "n,")) {
    return false;
  }
  size_t at = find(octets, len, key) + sizeof(key) - 1;
  size_t token_len = 0;
  while (at + token_len < len && octets[at + token_len] != '\x01') {
    token_len++;  // also what no token holds: a password that somebody tried in its place
  }
  if (at >= len || token_len == 0) {
    return at < len && found(out, "a bearer token", octets, at, len - at);
  }
  size_t user = begins(octets, len, "user=") ? 5 : find(octets, len, "a=") + 2;
  while (user < len && user + out->user_len < len && octets[user + out->user_len] != '\x01' &&
         octets[user + out->user_len] != ',') {
    out->user_len++;
  }
  out->user_at = user;
  return found(out, "a bearer token", octets, at, token_len);
}

// user SP digest, as many hexadecimal digits as one of the hashes has
static bool is_cram(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  static const struct {
    const char *what;
    size_t digits;
  } hashes[] = {
      {"a CRAM-MD5 response", 32}, {"a CRAM-SHA1 response", 40}, {"a CRAM-SHA256 response", 64}};
  for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
    size_t n = hashes[i].digits;
    if (len >= n + 2 && octets[len - n - 1] == ' ' && is_hex(octets + len - n, n, n) &&
        scrub_is_text(octets, len - n - 1)) {
      out->user_len = len - n - 1;
      return found(out, hashes[i].what, octets, len - n, n);
    }
  }
  return false;
}

// "c=" … ",r=" … ",p=" proof, and what a server proves itself with, "v=" signature
static bool is_scram(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  if (!scrub_is_text(octets, len)) {
    return false;
  }
  size_t proof = find(octets, len, ",p=");
  if (begins(octets, len, "c=") && find(octets, len, ",r=") < len && proof + 3 < len) {
    return found(out, "a SCRAM proof", octets, proof + 3, len - proof - 3);
  }
  uint8_t signature[96];
  size_t signature_len;
  if (!begins(octets, len, "v=") || len >= 96 || len % 4 != 2 ||
      !scrub_base64_decode(signature, &signature_len, octets + 2, len - 2) || signature_len < 20) {
    return false;
  }
  out->of_server = true;
  return found(out, "a SCRAM signature", octets, 2, len - 2);
}

static bool is_digest(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  size_t at = find(octets, len, "response=") + strlen("response=");
  if (find(octets, len, "username=") < len &&
      is_hex(octets + (at < len ? at : len), at < len ? len - at : 0, 32)) {
    return found(out, "a DIGEST-MD5 response", octets, at, 32);
  }
  if (!begins(octets, len, "rspauth=") || !is_hex(octets + 8, len - 8, 32)) {
    return false;
  }
  out->of_server = true;
  return found(out, "a DIGEST-MD5 proof", octets, 8, 32);
}

static bool is_ntlm(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  return len >= 32 && memcmp(octets, "NTLMSSP\0\x03\0\0", 11) == 0 &&
         found(out, "an NTLM response", octets, 12, len - 12);
}

bool scrub_credential_prove(struct scrub_credential *out, const uint8_t *octets, size_t len) {
  memset(out, 0, sizeof(*out));
  return len > 0 &&
         (is_plain(out, octets, len) || is_bearer(out, octets, len) || is_cram(out, octets, len) ||
          is_scram(out, octets, len) || is_digest(out, octets, len) || is_ntlm(out, octets, len));
}

bool scrub_credential_may_begin(const uint8_t *octets, size_t len) {
  if (begins(octets, len, "NTLMSSP")) {
    return true;
  }
  size_t nuls = 0;
  for (size_t i = 0; i < len; i++) {
    nuls += octets[i] == '\0';
    if ((octets[i] < 0x20 && octets[i] > 1) || octets[i] == 0x7f) {
      return false;
    }
  }
  return nuls <= 2;
}
