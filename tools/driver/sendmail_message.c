// See sendmail_message.h.
#include "tools/driver/sendmail_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/mail/addresses.h"
#include "tools/mail/domain.h"
#include "tools/mail/outgoing.h"
#include "tools/mail/recode.h"
#include "tools/mail/stamp.h"

#define RECODE_MAX ((size_t)1 << 28)  // octets; beyond, it would take too much memory

static bool has_addresses(const struct mail_field *field) {
  static const char *const names[] = {"From",        "Sender",        "Reply-To",  "To",       "Cc",
                                      "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (mail_field_is(field, names[i])) {
      return true;
    }
  }
  return false;
}

static bool take_complete(void *arg, const struct mail_mailbox *m) {
  (void)arg;
  return mail_address_has_domain(m->address);
}

// Writes a field of addresses with the domains that it lacks. What is no list with them stays.
static bool complete(void *arg, FILE *out, const struct mail_field *field) {
  const struct sendmail_header *header = arg;
  char *text = NULL;
  size_t len = 0;
  if (header->domain == NULL || !has_addresses(field)) {
    return false;
  }
  FILE *value = open_memstream(&text, &len);
  size_t num = value != NULL ? mail_domain_complete(value, field->value, header->domain) : 0;
  if (value != NULL) {
    fclose(value);
  }
  struct ehlo_span span = {(const uint8_t *)text, len};
  bool good = num > 0 && mail_addresses_each(span, take_complete, NULL);
  if (good) {
    size_t before = (size_t)(field->value.bytes - field->whole.bytes);
    size_t behind = before + field->value.len;
    fwrite(field->whole.bytes, 1, before, out);
    fwrite(text, 1, len, out);
    fwrite(field->whole.bytes + behind, 1, field->whole.len - behind, out);
  }
  free(text);
  return good;
}

struct additions {
  char *from;
  char date[MAIL_DATE_SIZE];
  char message_id[MAIL_MESSAGE_ID_SIZE];
};

static bool make_additions(struct additions *a, const struct sendmail_header *header) {
  char host[256] = "";
  const char *at = strrchr(header->sender, '@');
  gethostname(host, sizeof(host) - 1);
  a->from =
      header->sender[0] != '\0' ? mail_mailbox_format(header->full_name, header->sender) : NULL;
  return (a->from != NULL || header->sender[0] == '\0') && mail_date(a->date, time(NULL)) &&
         mail_message_id(a->message_id, at != NULL ? at + 1 : host);
}

// Puts `header` in the place of the first `old_len` octets.
static uint8_t *replace(uint8_t *bytes, size_t *len, size_t old_len, const char *header,
                        size_t header_len) {
  size_t body_len = *len - old_len;
  uint8_t *all = header_len > old_len ? realloc(bytes, header_len + body_len) : bytes;
  if (all == NULL) {
    free(bytes);
    return NULL;
  }
  memmove(all + header_len, all + old_len, body_len);
  memcpy(all, header, header_len);
  *len = header_len + body_len;
  return all;
}

static uint8_t *rewrite(uint8_t *bytes, size_t *len, const struct additions *a,
                        const struct sendmail_header *header) {
  struct mail_outgoing rules = {
      .from = a->from,
      .date = a->date,
      .message_id = a->message_id,
      .rewrite = complete,
      .arg = (void *)(uintptr_t)header,
  };
  char *text = NULL;
  size_t text_len = 0;
  size_t body = 0;
  FILE *out = open_memstream(&text, &text_len);
  if (out != NULL) {
    mail_outgoing_header(out, &body, (struct ehlo_span){bytes, *len}, &rules);
  }
  if (out == NULL || fclose(out) != 0) {
    free(text);
    free(bytes);
    return NULL;
  }
  bytes = replace(bytes, len, body, text, text_len);
  free(text);
  return bytes;
}

static bool is_beyond_smtp(const struct message *m) {
  return ehlo_preflight_count(&m->preflight, EHLO_FINDING_NUL) > 0 ||
         ehlo_preflight_count(&m->preflight, EHLO_FINDING_LONG_LINE) > 0;
}

// In quoted-printable, if that is to be had; if not, it will be refused with the line that is
// wrong.
static bool recode(struct message *m) {
  struct ehlo_span text = {m->contents.bytes, m->contents.len};
  uint8_t *bytes;
  size_t len;
  if (text.len > RECODE_MAX || !mail_recode(&bytes, &len, text)) {
    return true;
  }
  message_free(m);
  return message_take(m, "-", bytes, len);
}

int sendmail_message_make(struct message *out, uint8_t *bytes, size_t len,
                          const struct sendmail_header *header) {
  struct additions additions;
  if (!make_additions(&additions, header)) {
    free(bytes);
    bytes = NULL;
  } else {
    bytes = rewrite(bytes, &len, &additions, header);
  }
  free(additions.from);
  bool good = bytes != NULL && message_take(out, "-", bytes, len);
  if (good && is_beyond_smtp(out)) {
    good = recode(out);
  }
  if (!good) {
    fprintf(complaints(), "ehlo: no memory, time or random bits for the message\n");
    return EX_OSERR;
  }
  return 0;
}
