// Settings, sections and comments, with their places; what is wrong is told where it stands.
#include "tools/driver/settings.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char good[] =
    "\xef\xbb\xbf# a comment = 1\n"
    "\n"
    "default=work\r\n"
    "  timeout \t=  5  \n"
    "json\n"
    "empty =\n"
    "[work]\n"
    "\t[ my mail ]\t\r\n"
    "password = a = b # c\n"
    " # no\n"
    "last = \xc3\xa4";

// Everything that was read, in one text.
static void put(char *out, size_t cap, const struct settings_item *item) {
  size_t len = strlen(out);
  if (item->is_section) {
    snprintf(out + len, cap - len, "%zu:%zu [%.*s]\n", item->line, item->name.column,
             (int)item->name.len, item->name.text);
  } else if (item->has_value) {
    snprintf(out + len, cap - len, "%zu:%zu %.*s=%zu %.*s.\n", item->line, item->name.column,
             (int)item->name.len, item->name.text, item->value.column, (int)item->value.len,
             item->value.text);
  } else {
    snprintf(out + len, cap - len, "%zu:%zu %.*s\n", item->line, item->name.column,
             (int)item->name.len, item->name.text);
  }
}

static void read_text(char *out, size_t cap, const char *text) {
  struct settings_reader r;
  struct settings_item item;
  enum settings_result result;
  out[0] = '\0';
  settings_begin(&r, text, strlen(text));
  while ((result = settings_next(&r, &item)) != SETTINGS_END) {
    size_t len = strlen(out);
    if (result == SETTINGS_ITEM) {
      put(out, cap, &item);
    } else {
      snprintf(out + len, cap - len, "%zu:%zu: %s\n", r.error_line, r.error_column, r.error);
    }
  }
}

Test(settings, are_read_with_their_places) {
  char out[1000];
  read_text(out, sizeof(out), good);
  cr_expect_str_eq(out,
                   "3:1 default=9 work.\n"
                   "4:3 timeout=15 5.\n"
                   "5:1 json\n"
                   "6:1 empty=8 .\n"
                   "7:2 [work]\n"
                   "8:4 [my mail]\n"
                   "9:1 password=12 a = b # c.\n"
                   "11:1 last=8 \xc3\xa4.\n");
}

static const struct {
  const char *text;
  const char *out;
} bad_rows[] = {
    {"[work\nserver = a\n", "1:6: the ']' of the section is missing\n2:1 server=10 a.\n"},
    {"a\n  [work] x", "1:1 a\n2:11: the ']' of the section is missing\n"},
    {"[", "1:2: the ']' of the section is missing\n"},
    {"[]", "1:2: the name of the section is missing\n"},
    {"[ \t]\nb", "1:2: the name of the section is missing\n2:1 b\n"},
    {" = x", "1:2: a name before the '=' is missing\n"},
    {"=", "1:1: a name before the '=' is missing\n"},
    {"", ""},
    {"\n\n", ""},
    {"\xef\xbb", "1:1 \xef\xbb\n"},
};

Test(settings, tell_what_is_wrong_and_where) {
  for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
    char out[1000];
    read_text(out, sizeof(out), bad_rows[i].text);
    cr_expect_str_eq(out, bad_rows[i].out, "%zu: %s", i, out);
  }
}
