// The two fields that make a message this one message: Date (RFC 5322 §3.3) and Message-ID
// (§3.6.4).
#ifndef EHLO_TOOLS_MAIL_STAMP_H
#define EHLO_TOOLS_MAIL_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define MAIL_DATE_SIZE 40         // with the NUL
#define MAIL_MESSAGE_ID_SIZE 320  // with the NUL

// "Fri, 27 Nov 2026 18:41:22 +0000", in the time zone of the process, whatever the locale. False
// where the time is out of what the format holds.
bool mail_date(char out[MAIL_DATE_SIZE], time_t when);

// "<…@domain>" with 128 random bits of the system's. A domain that is not plain ASCII, or too long,
// is replaced by "localhost". False where the system gives no random bits.
bool mail_message_id(char out[MAIL_MESSAGE_ID_SIZE], const char *domain);

#endif  // EHLO_TOOLS_MAIL_STAMP_H
