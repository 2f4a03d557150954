// Strings written one by one are the same as those that jansson writes, for every character, for octets
// that are none, and for mixtures of both.
#include "tools/driver/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

// What is written, to be freed.
static char *written(struct ehlo_span text, bool by_jansson) {
  char *out = NULL;
  size_t len = 0;
  FILE *file = open_memstream(&out, &len);
  cr_assert_not_null(file);
  if (by_jansson) {
    text_write_json(file, text_to_json(text), JSON_COMPACT | JSON_ENCODE_ANY);
  } else {
    text_write_json_string(file, text);
  }
  cr_assert_eq(fclose(file), 0);
  cr_assert_eq(strlen(out), len);
  return out;
}

static void expect_same(const uint8_t *bytes, size_t len) {
  char *ours = written((struct ehlo_span){bytes, len}, false);
  char *jansson = written((struct ehlo_span){bytes, len}, true);
  cr_assert_str_eq(ours, jansson);
  free(ours);
  free(jansson);
}

static size_t encode(uint8_t out[4], uint32_t c) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = len; i > 1; i--, c >>= 6) {
    out[i - 1] = (uint8_t)(0x80 | (c & 0x3f));
  }
  out[0] = (uint8_t)(marks[len] | c);
  return len;
}

// Surrogates too, which are no characters.
Test(text, writes_every_character_as_jansson_does) {
  for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 61) {
    uint8_t text[8] = "a";
    size_t len = 1 + encode(text + 1, c);
    text[len++] = 'z';
    expect_same(text, len);
  }
}

Test(text, writes_anything_as_jansson_does) {
  static const uint8_t likely[] = "ab\"\\/ \t\r\n\x7f\x1b\xc3\xa9\xe2\x80\xae\xf0\x9f\x98\x80";
  srand(8);
  for (int round = 0; round < 20000; round++) {
    uint8_t text[24];
    size_t len = (size_t)rand() % sizeof(text);
    for (size_t i = 0; i < len; i++) {
      text[i] = rand() % 4 == 0 ? (uint8_t)rand() : likely[(size_t)rand() % sizeof(likely)];
    }
    expect_same(text, len);
  }
}

Test(text, escapes_what_a_terminal_would_obey) {
  static const struct {
    const char *text;
    const char *json;
  } rows[] = {
      {"", "\"\""},
      {"250 ok", "\"250 ok\""},
      {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
      {"\b\f\n\r\t\x01\x1b[2J\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001B[2J\\u007f\""},
      {"caf\xc3\xa9 \xe9", "\"caf\xc3\xa9 \\\\xe9\""},
      {"\xc2\x9b \xe2\x80\xae", "\"\\u009b \\u202e\""},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const uint8_t *bytes = (const uint8_t *)rows[i].text;
    char *out = written((struct ehlo_span){bytes, strlen(rows[i].text)}, false);
    cr_expect_str_eq(out, rows[i].json);
    free(out);
  }
}
