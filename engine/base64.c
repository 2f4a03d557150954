// Base64 by arithmetic: a table indexed by a secret byte would tell it to the cache.
#include "engine/base64.h"

#include <string.h>

// All ones if a < b, else 0; for values below 256.
static uint32_t mask_lt(uint32_t a, uint32_t b) {
  return 0U - ((a - b) >> 31);
}

static uint8_t encode_digit(uint32_t v) {
  uint32_t c = v + 'A';                               // 0..25
  c += mask_lt(25, v) & (uint32_t)('a' - 'A' - 26);   // 26..51
  c += mask_lt(51, v) & (uint32_t)('0' - 'a' - 26);   // 52..61
  c += mask_lt(61, v) & (uint32_t)('+' - '0' - 10);   // 62
  c += mask_lt(62, v) & (uint32_t)('/' - '+' - 1);    // 63
  return (uint8_t)c;
}

// `low` when low <= c <= high: the digit value plus one; else 0.
static uint32_t digit_in(uint32_t c, uint32_t low, uint32_t high, uint32_t value) {
  return ~mask_lt(c, low) & ~mask_lt(high, c) & (c - low + value + 1);
}

// The value of a base64 character, or at least 64 for any other.
static uint32_t decode_digit(uint8_t c) {
  uint32_t v = digit_in(c, 'A', 'Z', 0) | digit_in(c, 'a', 'z', 26) | digit_in(c, '0', '9', 52) |
               digit_in(c, '+', '+', 62) | digit_in(c, '/', '/', 63);
  return v - 1;
}

size_t ehlo_base64_encoded_len(size_t len) {
  return (len + 2) / 3 * 4;
}

static void encode_group(uint8_t *out, uint32_t group) {
  out[0] = encode_digit(group >> 18 & 63);
  out[1] = encode_digit(group >> 12 & 63);
  out[2] = encode_digit(group >> 6 & 63);
  out[3] = encode_digit(group & 63);
}

size_t ehlo_base64_encode(uint8_t *out, const struct ehlo_span *parts, size_t num_parts) {
  uint32_t group = 0;
  unsigned held = 0;
  size_t len = 0;
  for (size_t p = 0; p < num_parts; p++) {
    for (size_t i = 0; i < parts[p].len; i++) {
      group = group << 8 | parts[p].bytes[i];
      if (++held == 3) {
        encode_group(out + len, group);
        len += 4;
        group = 0;
        held = 0;
      }
    }
  }
  if (held > 0) {
    encode_group(out + len, group << (8 * (3 - held)));
    memset(out + len + held + 1, '=', 3 - held);
    len += 4;
  }
  return len;
}

bool ehlo_base64_decode(uint8_t *out, size_t *out_len, struct ehlo_span in) {
  *out_len = 0;
  if (in.len == 0) {
    return true;
  }
  if (in.len % 4 != 0) {
    return false;
  }
  size_t pad = 0;
  while (pad < 2 && in.bytes[in.len - 1 - pad] == '=') {
    pad++;
  }
  uint32_t bad = 0;
  size_t len = 0;
  for (size_t i = 0; i < in.len; i += 4) {
    uint32_t group = 0;
    for (size_t k = 0; k < 4; k++) {
      bool padding = i + k >= in.len - pad;
      uint32_t digit = padding ? 0 : decode_digit(in.bytes[i + k]);
      bad |= digit;
      group = group << 6 | (digit & 63);
    }
    size_t keep = i + 4 == in.len ? 3 - pad : 3;
    for (size_t k = 0; k < keep; k++) {
      out[len++] = (uint8_t)(group >> (16 - 8 * k));
    }
  }
  if (bad > 63) {
    memset(out, 0, len);
    return false;
  }
  *out_len = len;
  return true;
}
