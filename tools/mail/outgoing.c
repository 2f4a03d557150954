// See outgoing.h.
#include "tools/mail/outgoing.h"

#include <string.h>

#include "engine/preflight.h"

// The line end of the message: that of its first line.
static const char *line_end_of(struct ehlo_span message) {
  const uint8_t *end = message.len > 0 ? memchr(message.bytes, '\n', message.len) : NULL;
  return end != NULL && end > message.bytes && end[-1] == '\r' ? "\r\n" : "\n";
}

struct seen {
  bool from;
  bool date;
  bool message_id;
};

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

// Where a line can go on in the next one: at a blank with something else before it and behind it,
// behind the first `from` octets. The length if there is none.
static size_t fold_at(const uint8_t *line, size_t len, size_t from) {
  size_t best = len;
  while (from < len && is_blank(line[from])) {
    from++;
  }
  while (len > 0 && is_blank(line[len - 1])) {
    len--;
  }
  for (size_t i = from; i < len && (i <= MAIL_FOLD_AT || best > MAIL_FOLD_AT); i++) {
    if (is_blank(line[i]) && (i <= MAIL_FOLD_AT || i < best)) {
      best = i;
    }
  }
  return best;
}

static void write_line(FILE *out, const uint8_t *line, size_t len, size_t name_len,
                       const char *line_end) {
  size_t end_len = len > 0 && line[len - 1] == '\n' ? 1 : 0;
  bool is_long =
      len - end_len > EHLO_TEXT_LINE_MAX;  // a CR before the end counts, which does no harm
  while (is_long && len > MAIL_FOLD_AT) {
    size_t at = fold_at(line, len, name_len);
    if (at == len) {
      break;
    }
    fwrite(line, 1, at, out);
    fputs(line_end, out);
    line += at;
    len -= at;
    name_len = 0;
  }
  fwrite(line, 1, len, out);
}

static void write_whole(FILE *out, const struct mail_field *field, const char *line_end) {
  struct ehlo_span left = field->whole;
  size_t name_len = (size_t)(field->value.bytes - field->whole.bytes);
  while (left.len > 0) {
    const uint8_t *end = memchr(left.bytes, '\n', left.len);
    size_t len = end != NULL ? (size_t)(end - left.bytes) + 1 : left.len;
    write_line(out, left.bytes, len, name_len, line_end);
    left.bytes += len;
    left.len -= len;
    name_len = 0;
  }
}

static void write_field(FILE *out, const struct mail_field *field,
                        const struct mail_outgoing *rules, const char *line_end) {
  if (mail_field_is(field, "Bcc") || mail_field_is(field, "Resent-Bcc") ||
      (rules->rewrite != NULL && rules->rewrite(rules->arg, out, field))) {
    return;
  }
  write_whole(out, field, line_end);
  if (field->whole.bytes[field->whole.len - 1] != '\n') {
    fputs(line_end, out);
  }
}

static void write_new(FILE *out, bool seen, const char *name, const char *value,
                      const char *line_end) {
  if (!seen && value != NULL) {
    fprintf(out, "%s: %s%s", name, value, line_end);
  }
}

// Where the body begins: behind the empty line, if there is one.
static size_t body_begins(const struct mail_fields *f) {
  const uint8_t *at = f->message.bytes + f->pos;
  size_t left = f->message.len - f->pos;
  if (left >= 1 && at[0] == '\n') {
    return f->pos + 1;
  }
  return left >= 2 && at[0] == '\r' && at[1] == '\n' ? f->pos + 2 : f->pos;
}

void mail_outgoing_header(FILE *out, size_t *out_body, struct ehlo_span message,
                          const struct mail_outgoing *rules) {
  const char *line_end = line_end_of(message);
  struct mail_fields fields;
  struct mail_field field;
  struct seen seen = {false, false, false};
  mail_fields_begin(&fields, message);
  while (mail_fields_next(&fields, &field)) {
    seen.from = seen.from || mail_field_is(&field, "From");
    seen.date = seen.date || mail_field_is(&field, "Date");
    seen.message_id = seen.message_id || mail_field_is(&field, "Message-ID");
    write_field(out, &field, rules, line_end);
  }
  write_new(out, seen.from, "From", rules->from, line_end);
  write_new(out, seen.date, "Date", rules->date, line_end);
  write_new(out, seen.message_id, "Message-ID", rules->message_id, line_end);
  fputs(line_end, out);
  *out_body = body_begins(&fields);
}
