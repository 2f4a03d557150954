// What the two halves of compose.h share: the fields of a message, and its body. Private.
#ifndef EHLO_TOOLS_MAIL_COMPOSE_PARTS_H
#define EHLO_TOOLS_MAIL_COMPOSE_PARTS_H

#include "tools/mail/compose.h"
#include "tools/mail/gmime.h"

// Whether it is UTF-8 on one line, without control characters but tabs.
bool mail_compose_is_text(const char *text);

// Writes `what` and the value, in quotes and cut, as the error. False.
bool mail_compose_fail(char *error, const char *what, const char *value);

// Sets the fields of the draft but those of MIME. False with a sentence in `error`.
bool mail_compose_add_fields(char *error, GMimeMessage *message, const struct mail_draft *d);

#endif  // EHLO_TOOLS_MAIL_COMPOSE_PARTS_H
