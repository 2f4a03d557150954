// See xtext.h. RFC 3461 §4:
//   xtext   = *( xchar / hexchar )
//   xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
//   hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
#include "engine/xtext.h"

static bool is_xchar(uint8_t c) {
  return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

size_t ehlo_xtext_encode(uint8_t *out, size_t cap, struct ehlo_span in) {
  static const char digits[] = "0123456789ABCDEF";
  size_t len = 0;
  for (size_t i = 0; i < in.len; i++) {
    len += is_xchar(in.bytes[i]) ? 1 : 3;
  }
  if (len > cap) {
    return len;
  }
  for (size_t i = 0; i < in.len; i++) {
    uint8_t c = in.bytes[i];
    if (is_xchar(c)) {
      *out++ = c;
    } else {
      *out++ = '+';
      *out++ = (uint8_t)digits[c >> 4];
      *out++ = (uint8_t)digits[c & 15];
    }
  }
  return len;
}

// The value of an upper-case hexadecimal digit, 16 if it is none.
static unsigned hex_value(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10U : 16;
}

bool ehlo_xtext_is_printable(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (is_xchar(text.bytes[i])) {
      continue;
    }
    if (text.bytes[i] != '+' || text.len - i < 3) {
      return false;
    }
    unsigned high = hex_value(text.bytes[i + 1]);
    unsigned low = hex_value(text.bytes[i + 2]);
    if (high < 2 || high > 7 || low > 15 || (high == 7 && low == 15)) {
      return false;
    }
    i += 2;
  }
  return true;
}
