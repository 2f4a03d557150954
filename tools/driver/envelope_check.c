// See envelope_check.h.
#include "tools/driver/envelope_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/driver/text.h"
#include "tools/mail/addresses.h"
#include "tools/mail/fields.h"

// As warnings may show it: they go to a terminal, and a message may hold anything.
static char *shown(const char *text) {
  char *out = NULL;
  size_t len = 0;
  FILE *stream = open_memstream(&out, &len);
  if (stream != NULL) {
    text_print_some(stream, ehlo_str(text));
    fclose(stream);
  }
  return out;
}

struct senders {
  const char *from;  // the envelope's
  bool is_there;     // in From or Sender
  char first[256];   // address in From
  uint64_t line;     // of From, 0: there is none
};

static bool take_sender(void *arg, const struct mail_mailbox *m) {
  struct senders *s = arg;
  s->is_there = s->is_there || strcasecmp(m->address, s->from) == 0;
  if (s->first[0] == '\0') {
    snprintf(s->first, sizeof(s->first), "%s", m->address);
  }
  return true;
}

static void check_field(struct warnings *warnings, struct senders *s, const struct message *m,
                        const struct mail_field *field) {
  bool is_from = mail_field_is(field, "From");
  if (mail_field_is(field, "Bcc") || mail_field_is(field, "Resent-Bcc")) {
    warnings_add(warnings,
                 "%s:%" PRIu64
                 ": warning: Bcc goes out as it stands here, and all recipients can "
                 "read it",
                 message_name(m), field->line);
  } else if ((is_from || mail_field_is(field, "Sender")) &&
             !mail_addresses_each(field->value, take_sender, s)) {
    warnings_add(warnings, "%s:%" PRIu64 ": warning: %s is no list of addresses (RFC 5322 §3.4)",
                 message_name(m), field->line, is_from ? "From" : "Sender");
    s->is_there = true;  // said enough
  }
  if (is_from && s->line == 0) {
    s->line = field->line;
  }
}

void envelope_check(struct warnings *warnings, const struct message *m, const char *from) {
  struct senders senders = {.from = from};
  struct ehlo_span text = {m->contents.bytes, m->contents.len};
  struct mail_fields fields;
  struct mail_field field;
  mail_fields_begin(&fields, text);
  while (mail_fields_next(&fields, &field)) {
    check_field(warnings, &senders, m, &field);
  }
  if (senders.line > 0 && !senders.is_there && from[0] != '\0') {
    char *other = shown(senders.first);
    warnings_add(warnings,
                 "%s:%" PRIu64
                 ": warning: From is %s and --from is %s: a server that ties senders "
                 "to accounts may refuse that, or want the right to \"send as\"",
                 message_name(m), senders.line, other != NULL ? other : "", from);
    free(other);
  }
}
