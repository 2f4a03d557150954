// The configuration's text to its settings: lines "name = value", "name", "[section]", "# comment",
// parted by LF or CRLF, with blanks and tabs around each word. It knows no names, opens nothing and
// keeps nothing; what it gives lies in the text.
#ifndef EHLO_TOOLS_DRIVER_SETTINGS_H
#define EHLO_TOOLS_DRIVER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

// A word in the text, and its place from 1 on, in octets.
struct settings_word {
  const char *text;
  size_t len;
  size_t column;
};

struct settings_item {
  size_t line;
  bool is_section;
  struct settings_word name;   // of the section or the setting, not empty
  bool has_value;              // there is a "="
  struct settings_word value;  // may be empty
};

struct settings_reader {
  const char *text;
  size_t len;
  size_t at;
  size_t line;  // of what is read next
  // Of what is wrong.
  size_t error_line;
  size_t error_column;
  const char *error;
};

enum settings_result { SETTINGS_ITEM, SETTINGS_END, SETTINGS_BAD };

// A byte order mark in front is passed over. The text may be of any length; a NUL is an octet like others.
void settings_begin(struct settings_reader *r, const char *text, size_t len);

// After SETTINGS_BAD it may go on, with the line behind.
enum settings_result settings_next(struct settings_reader *r, struct settings_item *out);

#endif  // EHLO_TOOLS_DRIVER_SETTINGS_H
