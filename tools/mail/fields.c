// See fields.h.
#include "tools/mail/fields.h"

#include <string.h>
#include <strings.h>

// The length of the line at `pos` with its end.
static size_t line_length(struct ehlo_span message, size_t pos) {
  const uint8_t *end = memchr(message.bytes + pos, '\n', message.len - pos);
  return end != NULL ? (size_t)(end - message.bytes) + 1 - pos : message.len - pos;
}

static size_t without_end(const uint8_t *bytes, size_t len) {
  if (len > 0 && bytes[len - 1] == '\n') {
    len -= len > 1 && bytes[len - 2] == '\r' ? 2 : 1;
  }
  return len;
}

bool mail_field_is_name(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] <= ' ' || text.bytes[i] > '~' || text.bytes[i] == ':') {
      return false;
    }
  }
  return text.len > 0;
}

// The length of the name at the beginning of a line; 0 if there is none. Blanks may stand between
// it and the colon (RFC 5322 §4.5).
static size_t name_length(const uint8_t *line, size_t len, size_t *out_colon) {
  const uint8_t *colon = memchr(line, ':', len);
  if (colon == NULL) {
    return 0;
  }
  size_t name_len = *out_colon = (size_t)(colon - line);
  while (name_len > 0 && (line[name_len - 1] == ' ' || line[name_len - 1] == '\t')) {
    name_len--;
  }
  return mail_field_is_name((struct ehlo_span){line, name_len}) ? name_len : 0;
}

// "From : x" is a field; the line of an mbox has blanks within what would be its name.
void mail_fields_begin(struct mail_fields *f, struct ehlo_span message) {
  *f = (struct mail_fields){message, 0, 1};
  size_t colon;
  if (message.len >= 5 && memcmp(message.bytes, "From ", 5) == 0) {
    size_t len = line_length(message, 0);
    if (name_length(message.bytes, len, &colon) == 0) {
      f->pos = len;
      f->line = 2;
    }
  }
}

bool mail_fields_next(struct mail_fields *f, struct mail_field *out) {
  if (f->pos >= f->message.len) {
    return false;
  }
  const uint8_t *start = f->message.bytes + f->pos;
  size_t len = line_length(f->message, f->pos);
  size_t colon = 0;
  size_t name_len = name_length(start, len, &colon);
  if (name_len == 0) {
    return false;
  }
  out->line = f->line++;
  size_t next = f->pos + len;
  while (next < f->message.len &&
         (f->message.bytes[next] == ' ' || f->message.bytes[next] == '\t')) {
    next += line_length(f->message, next);
    f->line++;
  }
  size_t whole = next - f->pos;
  out->name = (struct ehlo_span){start, name_len};
  out->whole = (struct ehlo_span){start, whole};
  out->value =
      (struct ehlo_span){start + colon + 1, without_end(start + colon + 1, whole - colon - 1)};
  f->pos = next;
  return true;
}

bool mail_field_is(const struct mail_field *field, const char *name) {
  size_t len = strlen(name);
  return field->name.len == len && strncasecmp((const char *)field->name.bytes, name, len) == 0;
}
