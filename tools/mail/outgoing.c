// See outgoing.h.
#include "tools/mail/outgoing.h"

#include <string.h>

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

static void write_field(FILE *out, const struct mail_field *field,
                        const struct mail_outgoing *rules, const char *line_end) {
  if (mail_field_is(field, "Bcc") || mail_field_is(field, "Resent-Bcc") ||
      (rules->rewrite != NULL && rules->rewrite(rules->arg, out, field))) {
    return;
  }
  fwrite(field->whole.bytes, 1, field->whole.len, out);
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
