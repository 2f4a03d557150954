// See sendmail_envelope.h.
#include "tools/driver/sendmail_envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/text.h"
#include "tools/mail/addresses.h"
#include "tools/mail/fields.h"

static bool is_resent_field(const struct mail_field *field) {
  return field->name.len > 7 && strncasecmp((const char *)field->name.bytes, "Resent-", 7) == 0;
}

static bool is_resent(struct ehlo_span message) {
  struct mail_fields fields;
  struct mail_field field;
  mail_fields_begin(&fields, message);
  while (mail_fields_next(&fields, &field)) {
    if (is_resent_field(&field)) {
      return true;
    }
  }
  return false;
}

// ---- The sender -------------------------------------------------------------------------------------

static bool keep_first(void *arg, const struct mail_mailbox *m) {
  char **address = arg;
  if (*address == NULL) {
    *address = strdup(m->address);
  }
  return true;
}

static char *first_of(struct ehlo_span message, const char *name) {
  struct mail_fields fields;
  struct mail_field field;
  char *address = NULL;
  mail_fields_begin(&fields, message);
  while (address == NULL && mail_fields_next(&fields, &field)) {
    if (mail_field_is(&field, name)) {
      mail_addresses_each(field.value, keep_first, &address);
    }
  }
  return address;
}

char *sendmail_envelope_sender(struct ehlo_span message) {
  bool resent = is_resent(message);
  char *address = first_of(message, resent ? "Resent-Sender" : "Sender");
  return address != NULL ? address : first_of(message, resent ? "Resent-From" : "From");
}

// ---- Recipients -------------------------------------------------------------------------------------

char *sendmail_envelope_complete(const char *address, const char *domain) {
  char *complete = NULL;
  if (mail_address_has_domain(address)) {
    complete = strdup(address);
  } else if (domain == NULL) {
    fprintf(complaints(), "ehlo: the address \"");
    text_print_some(complaints(), ehlo_str(address));
    fprintf(complaints(),
            "\" has no domain; --domain, or domain in the configuration, gives it one\n");
  } else if (asprintf(&complete, "%s@%s", address, domain) < 0) {
    complete = NULL;
    fprintf(complaints(), "ehlo: out of memory\n");
  }
  return complete;
}

struct adding {
  struct sendmail_envelope *envelope;
  const char *domain;
  int status;
};

#define TEXT(number) #number
#define NUMBER(number) TEXT(number)

static bool is_known(const struct sendmail_envelope *e, const char *address) {
  for (size_t i = 0; i < e->num_to; i++) {
    if (strcmp(e->to[i], address) == 0) {
      return true;
    }
  }
  return false;
}

static bool add_one(void *arg, const struct mail_mailbox *m) {
  struct adding *a = arg;
  struct sendmail_envelope *e = a->envelope;
  char *address = sendmail_envelope_complete(m->address, a->domain);
  if (address == NULL) {
    a->status = EX_DATAERR;
    return false;
  }
  if (is_known(e, address)) {
    free(address);
    return true;
  }
  if (e->num_to == SENDMAIL_RECIPIENTS_MAX) {
    fprintf(complaints(),
            "ehlo: there are more than " NUMBER(SENDMAIL_RECIPIENTS_MAX) " recipients\n");
    free(address);
    a->status = EX_DATAERR;
    return false;
  }
  char **to = realloc(e->to, (e->num_to + 1) * sizeof(*to));
  if (to == NULL) {
    free(address);
    a->status = EX_OSERR;
    return false;
  }
  e->to = to;
  to[e->num_to++] = address;
  return true;
}

int sendmail_envelope_add(struct sendmail_envelope *e, const char *list, const char *domain) {
  struct adding a = {e, domain, 0};
  if (mail_addresses_each(ehlo_str(list), add_one, &a)) {
    return 0;
  }
  if (a.status == 0) {
    fprintf(complaints(), "ehlo: the recipient \"");
    text_print_some(complaints(), ehlo_str(list));
    fprintf(complaints(), "\" is no address, nor a list of addresses with commas\n");
  }
  return a.status == EX_OSERR ? EX_OSERR : EX_USAGE;
}

static bool is_recipient_field(const struct mail_field *field, bool resent) {
  static const char *const names[2][3] = {{"To", "Cc", "Bcc"},
                                          {"Resent-To", "Resent-Cc", "Resent-Bcc"}};
  return mail_field_is(field, names[resent][0]) || mail_field_is(field, names[resent][1]) ||
         mail_field_is(field, names[resent][2]);
}

static int add_field(struct sendmail_envelope *e, const struct mail_field *field,
                     const char *domain) {
  struct adding a = {e, domain, 0};
  if (mail_addresses_each(field->value, add_one, &a)) {
    return 0;
  }
  if (a.status == 0) {
    fprintf(complaints(),
            "ehlo: standard input:%" PRIu64 ": %.*s is no list of addresses with commas\n",
            field->line, (int)field->name.len, (const char *)field->name.bytes);
  }
  return a.status == EX_OSERR ? EX_OSERR : EX_DATAERR;
}

int sendmail_envelope_add_header(struct sendmail_envelope *e, struct ehlo_span message,
                                 const char *domain) {
  struct mail_fields fields;
  struct mail_field field;
  bool resent = is_resent(message);
  bool begun = false;
  int status = 0;
  mail_fields_begin(&fields, message);
  while (status == 0 && mail_fields_next(&fields, &field)) {
    if (resent && begun && !is_resent_field(&field)) {
      break;  // what follows was sent earlier
    }
    begun = begun || is_resent_field(&field);
    if (is_recipient_field(&field, resent)) {
      status = add_field(e, &field, domain);
    }
  }
  return status;
}

void sendmail_envelope_free(struct sendmail_envelope *e) {
  for (size_t i = 0; i < e->num_to; i++) {
    free(e->to[i]);
  }
  free(e->to);
  memset(e, 0, sizeof(*e));
}
