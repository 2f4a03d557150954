// template = *( octet / "{{" [blanks] name [blanks] "}}" ), name = 1*( a-z / 0-9 / "-" )
#include "tools/mail/template.h"

#include <string.h>

struct place {
  size_t line;
  size_t line_start;  // offset
  bool in_header;
};

static bool is_name_octet(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static size_t skip_blanks(struct ehlo_span text, size_t pos) {
  while (pos < text.len && (text.bytes[pos] == ' ' || text.bytes[pos] == '\t')) {
    pos++;
  }
  return pos;
}

static bool fail(struct mail_template_error *out, const char *what) {
  out->what = what;
  return false;
}

// Reads the name at `*pos`, behind the "{{", up to and with its "}}".
static bool read_name(struct mail_template_error *out, struct ehlo_span text, size_t *pos) {
  size_t start = skip_blanks(text, *pos);
  size_t end = start;
  while (end < text.len && is_name_octet(text.bytes[end])) {
    end++;
  }
  size_t close = skip_blanks(text, end);
  if (text.len - close < 2 || memcmp(text.bytes + close, "}}", 2) != 0) {
    return fail(out, "\"{{\" is not followed by a name and \"}}\"; write {{open}} for \"{{\"");
  }
  if (end == start || end - start > MAIL_TEMPLATE_NAME_MAX) {
    return fail(out, end == start ? "there is no name between \"{{\" and \"}}\"" : "is too long");
  }
  memcpy(out->name, text.bytes + start, end - start);
  *pos = close + 2;
  return true;
}

static bool write_value(FILE *out, struct mail_template_error *error, bool in_header,
                        const struct mail_template_value *values) {
  if (strcmp(error->name, "open") == 0) {
    fputs("{{", out);
    return true;
  }
  for (; values->name != NULL; values++) {
    if (strcmp(values->name, error->name) == 0) {
      const char *value = in_header ? values->in_header : values->in_body;
      if (value == NULL) {
        return fail(error, "has no value here");
      }
      fputs(value, out);
      return true;
    }
  }
  return fail(error, "is not known");
}

// A line ends before `pos`.
static void next_line(struct place *place, struct ehlo_span text, size_t pos) {
  size_t len = pos - place->line_start;
  if (len == 1 || (len == 2 && text.bytes[place->line_start] == '\r')) {
    place->in_header = false;
  }
  place->line++;
  place->line_start = pos;
}

bool mail_template_write(FILE *out, struct mail_template_error *out_error, struct ehlo_span text,
                         bool has_header, const struct mail_template_value *values) {
  struct place place = {1, 0, has_header};
  for (size_t pos = 0; pos < text.len;) {
    if (text.len - pos >= 2 && memcmp(text.bytes + pos, "{{", 2) == 0) {
      *out_error =
          (struct mail_template_error){.line = place.line, .column = pos - place.line_start + 1};
      pos += 2;
      if (!read_name(out_error, text, &pos) ||
          !write_value(out, out_error, place.in_header, values)) {
        return false;
      }
      continue;
    }
    putc_unlocked(text.bytes[pos], out);
    if (text.bytes[pos++] == '\n') {
      next_line(&place, text, pos);
    }
  }
  return true;
}
