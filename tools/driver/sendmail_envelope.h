// Who a message is from and for, as sendmail finds it out: from addresses on the command line, and
// from the fields of the header. A local part alone gets a domain.
#ifndef EHLO_TOOLS_DRIVER_SENDMAIL_ENVELOPE_H
#define EHLO_TOOLS_DRIVER_SENDMAIL_ENVELOPE_H

#include <stdbool.h>

#include "engine/ehlo.h"

#define SENDMAIL_RECIPIENTS_MAX 10000

// Begins as zeros.
struct sendmail_envelope {
  char **to;  // owned, each once
  size_t num_to;
};

// The sender of the header: the first address of Sender, else of From; of Resent-Sender and
// Resent-From where the message was sent before. For free(); NULL if there is none.
char *sendmail_envelope_sender(struct ehlo_span message);

// `address` with its domain, or with "@" and `domain`, which may be NULL. For free(); NULL after
// printing what is wrong.
char *sendmail_envelope_complete(const char *address, const char *domain);

// Adds the addresses of a list on the command line, or of To, Cc and Bcc; where the message was
// sent before, of the first Resent-To, Resent-Cc and Resent-Bcc that stand together. Returns 0 or
// an exit status, after printing what is wrong.
int sendmail_envelope_add(struct sendmail_envelope *e, const char *list, const char *domain);
int sendmail_envelope_add_header(struct sendmail_envelope *e, struct ehlo_span message,
                                 const char *domain);

void sendmail_envelope_free(struct sendmail_envelope *e);

#endif  // EHLO_TOOLS_DRIVER_SENDMAIL_ENVELOPE_H
