// Escapes: every byte survives both ways, and what is no escape is refused.
#include <criterion/criterion.h>
#include <string.h>

#include "replay/escape.h"

Test(escape, every_byte_survives) {
  for (int byte = 0; byte < 256; byte++) {
    uint8_t in[2] = {(uint8_t)byte, (uint8_t)byte};
    char text[16];
    uint8_t out[2];
    size_t text_len;
    size_t out_len;
    cr_assert(ehlo_text_escape(text, &text_len, sizeof(text), in, 2));
    cr_expect_eq(strlen(text), text_len);
    cr_expect(text[text_len - 1] != ' ');
    cr_assert(ehlo_text_unescape(out, &out_len, 2, text, text_len));
    cr_expect(out_len == 2 && memcmp(in, out, 2) == 0, "%d", byte);
  }
}

Test(escape, refuses_what_is_none_or_does_not_fit) {
  static const char *const texts[] = {"\\", "a\\q", "\\x4", "\\{secret}", "abcd"};
  uint8_t out[3];
  size_t len;
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    cr_expect(!ehlo_text_unescape(out, &len, sizeof(out), texts[i], strlen(texts[i])), "%s",
              texts[i]);
  }
  cr_expect(!ehlo_text_unescape(out, &len, sizeof(out), "\\x41", 3));
  cr_expect(ehlo_text_unescape(out, &len, sizeof(out), "abcd", 3));
  cr_expect(ehlo_text_unescape(out, &len, sizeof(out), "\\x41bc", 4) && len == 1 && out[0] == 'A');
  char text[8];
  cr_expect(ehlo_text_escape(text, &len, 5, (const uint8_t *)"a\tb", 3) && len == 4);
  cr_expect(!ehlo_text_escape(text, &len, 4, (const uint8_t *)"a\tb", 3));
  cr_expect(ehlo_text_escape(text, &len, 1, (const uint8_t *)"", 0) && len == 0);
  cr_expect(!ehlo_text_escape(text, &len, 0, (const uint8_t *)"", 0));
}

// Each byte at each place of spans of each length, beside bytes that are as close to the limits as can be.
Test(escape, finds_where_text_ends) {
  static const uint8_t fillers[] = {0x20, 0x7e};
  uint8_t bytes[80];
  for (size_t k = 0; k < sizeof(fillers); k++) {
    for (size_t len = 0; len < sizeof(bytes); len++) {
      memset(bytes, 0x0a, sizeof(bytes));
      memset(bytes, fillers[k], len);
      cr_assert_eq(ehlo_escape_printable(bytes, len), len);
      cr_assert_eq(ehlo_escape_plain(bytes, sizeof(bytes)), len);
      for (size_t at = 0; at < len; at++) {
        for (int byte = 0; byte < 256; byte++) {
          bytes[at] = (uint8_t)byte;
          bool printable = byte >= 0x20 && byte <= 0x7e;
          cr_assert_eq(ehlo_escape_printable(bytes, len), printable ? len : at, "%d", byte);
          cr_assert_eq(ehlo_escape_plain(bytes, len), printable && byte != '\\' ? len : at, "%d",
                       byte);
        }
        bytes[at] = fillers[k];
      }
    }
  }
}
