// A body that SMTP cannot carry as it is, with lines of more than 998 octets or NUL, made one that
// it can: quoted-printable. Programs that print into a mail (cron's jobs do) know nothing of such
// limits.
#ifndef EHLO_TOOLS_MAIL_RECODE_H
#define EHLO_TOOLS_MAIL_RECODE_H

#include <stdbool.h>

#include "engine/ehlo.h"

// Writes the message with its body in quoted-printable, the fields of MIME for it, and LF line
// ends; all other fields stay as they are. The octets are for free(). False where that is not to be
// had: the body has parts, or an encoding already, or there is no memory.
bool mail_recode(uint8_t **out, size_t *out_len, struct ehlo_span message);

#endif  // EHLO_TOOLS_MAIL_RECODE_H
