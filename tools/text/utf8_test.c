// The edges of RFC 3629, and of what may be shown.
#include "tools/text/utf8.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct {
  const char *octets;
  size_t len;
  uint32_t character;
} rows[] = {
    {"a", 1, 'a'},
    {"\x7f", 1, 0x7f},
    {"\xc2\x80", 2, 0x80},
    {"\xdf\xbf", 2, 0x7ff},
    {"\xe0\xa0\x80", 3, 0x800},
    {"\xed\x9f\xbf", 3, 0xd7ff},
    {"\xef\xbf\xbf", 3, 0xffff},
    {"\xf0\x90\x80\x80", 4, 0x10000},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    // None of these is a character.
    {"\x80", 0, 0},
    {"\xc1\xbf", 0, 0},
    {"\xe0\x9f\xbf", 0, 0},
    {"\xed\xa0\x80", 0, 0},
    {"\xf0\x8f\xbf\xbf", 0, 0},
    {"\xf4\x90\x80\x80", 0, 0},
    {"\xc3", 0, 0},
    {"\xc3(", 0, 0},
    {"\xe2\x82", 0, 0},
    {"\xff", 0, 0},
};

Test(utf8, decodes_characters_and_nothing_else) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint32_t c = 0;
    size_t len = text_utf8_decode(&c, (const uint8_t *)rows[i].octets, strlen(rows[i].octets));
    cr_expect_eq(len, rows[i].len, "row %zu: %zu octets", i, len);
    cr_expect(len == 0 || c == rows[i].character, "row %zu", i);
  }
}

Test(utf8, knows_what_shows_as_itself) {
  static const uint32_t shown[] = {' ', '~', 0xa0, 0xe9, 0x20ac, 0x4e2d, 0x1f600};
  static const uint32_t hidden[] = {0,      0x1b,   0x7f,   0x85,   0xad,   0x200b, 0x200e,
                                    0x202e, 0x2066, 0xfeff, 0xe000, 0xfffe, 0xe0001};
  for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
    cr_expect(text_is_printable(shown[i]), "U+%04X", (unsigned)shown[i]);
  }
  for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
    cr_expect_not(text_is_printable(hidden[i]), "U+%04X", (unsigned)hidden[i]);
  }
}
