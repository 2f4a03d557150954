// What becomes of a header when a message is handed in for sending, as sendmail does it: fields
// that nobody may see go, fields that have to be there come, lines that SMTP cannot carry are
// folded, and all else stays as it is, octet by octet.
#ifndef EHLO_TOOLS_MAIL_OUTGOING_H
#define EHLO_TOOLS_MAIL_OUTGOING_H

#include <stdio.h>

#include "tools/mail/fields.h"

// Values of fields that are added where the message has none. Each is one line.
struct mail_outgoing {
  const char *from;
  const char *date;
  const char *message_id;
  // Writes another text for a field and returns true, or returns false: it stays. NULL: all stay.
  bool (*rewrite)(void *arg, FILE *out, const struct mail_field *field);
  void *arg;
};

// Lines of more octets than RFC 5321 §4.5.3.1.6 allows are folded at blanks, as programs forget to
// do that write a To with many addresses: at the last one within so many octets, or at the first
// behind them.
#define MAIL_FOLD_AT 78

// Writes the new header with the empty line behind it, and tells in `*out_body` where the body
// begins in the message. Bcc and Resent-Bcc are left out, and so is the "From " line of an mbox. A
// message that does not begin with a field is a body alone.
void mail_outgoing_header(FILE *out, size_t *out_body, struct ehlo_span message,
                          const struct mail_outgoing *rules);

#endif  // EHLO_TOOLS_MAIL_OUTGOING_H
