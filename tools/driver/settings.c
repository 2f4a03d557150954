// See settings.h.
#include "tools/driver/settings.h"

#include <string.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

// The line from `start` to `end` has this without the blanks around it from `from` to `to`.
static struct settings_word word(const char *start, const char *from, const char *to) {
  while (from < to && is_blank(*from)) {
    from++;
  }
  while (from < to && is_blank(to[-1])) {
    to--;
  }
  return (struct settings_word){from, (size_t)(to - from), (size_t)(from - start) + 1};
}

static enum settings_result bad(struct settings_reader *r, size_t column, const char *error) {
  r->error_line = r->line - 1;
  r->error_column = column;
  r->error = error;
  return SETTINGS_BAD;
}

static enum settings_result take_section(struct settings_reader *r, struct settings_item *out,
                                         const char *start, struct settings_word line) {
  const char *end = line.text + line.len;
  if (end[-1] != ']') {
    return bad(r, line.column + line.len, "the ']' of the section is missing");
  }
  out->is_section = true;
  out->name = word(start, line.text + 1, end - 1);
  return out->name.len > 0 ? SETTINGS_ITEM
                           : bad(r, line.column + 1, "the name of the section is missing");
}

static enum settings_result take_setting(struct settings_reader *r, struct settings_item *out,
                                         const char *start, struct settings_word line) {
  const char *end = line.text + line.len;
  const char *equals = memchr(line.text, '=', line.len);
  out->name = word(start, line.text, equals != NULL ? equals : end);
  out->has_value = equals != NULL;
  if (equals != NULL) {
    out->value = word(start, equals + 1, end);
  }
  return out->name.len > 0 ? SETTINGS_ITEM
                           : bad(r, line.column, "a name before the '=' is missing");
}

void settings_begin(struct settings_reader *r, const char *text, size_t len) {
  static const char mark[] = "\xef\xbb\xbf";
  size_t skipped = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
  *r = (struct settings_reader){.text = text, .len = len, .at = skipped, .line = 1};
}

enum settings_result settings_next(struct settings_reader *r, struct settings_item *out) {
  while (r->at < r->len) {
    const char *start = r->text + r->at;
    const char *lf = memchr(start, '\n', r->len - r->at);
    const char *end = lf != NULL ? lf : r->text + r->len;
    struct settings_word line = word(start, start, end);
    *out = (struct settings_item){.line = r->line++};
    r->at += (size_t)(end - start) + (lf != NULL ? 1 : 0);
    if (line.len > 0 && line.text[0] != '#') {
      return line.text[0] == '[' ? take_section(r, out, start, line)
                                 : take_setting(r, out, start, line);
    }
  }
  return SETTINGS_END;
}
