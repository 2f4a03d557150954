// RFC 3629, strictly: an overlong form or half a surrogate is no character.
#include "tools/text/utf8.h"

size_t text_utf8_decode(uint32_t *out, const uint8_t *s, size_t left) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t c = s[0];
  size_t len = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
  if (len == 0 || len > left) {
    return 0;
  }
  *out = len == 1 ? c : c & (0x7fU >> len);
  for (size_t i = 1; i < len; i++) {
    if (s[i] >> 6 != 2) {
      return 0;
    }
    *out = *out << 6 | (s[i] & 0x3f);
  }
  bool surrogate = *out >= 0xd800 && *out < 0xe000;
  return *out < least[len] || surrogate || *out > 0x10ffff ? 0 : len;
}

bool text_is_printable(uint32_t c) {
  if (c < 0xa0) {
    return c >= ' ' && c < 0x7f;
  }
  return c != 0xad && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
         !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && !(c >= 0xe000 && c <= 0xf8ff) &&
         !(c >= 0xfff0 && c <= 0xffff) && c < 0xe0000;
}
