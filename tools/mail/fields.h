// The header of a message, field by field (RFC 5322 §2.2): where each begins and ends in the
// octets. Nothing is decoded and nothing is copied, so what is not understood stays as it is. Line
// ends are LF or CRLF; a field goes on in the lines that begin with a blank.
#ifndef EHLO_TOOLS_MAIL_FIELDS_H
#define EHLO_TOOLS_MAIL_FIELDS_H

#include <stdbool.h>

#include "engine/ehlo.h"

struct mail_field {
  struct ehlo_span name;
  struct ehlo_span value;  // behind the colon, folded as it is, without the last line end
  struct ehlo_span whole;  // with its line ends; the last one may lack at the end of the message
  uint64_t line;           // of its name, from 1
};

// Where in the message the reading stands. Begins with mail_fields_begin().
struct mail_fields {
  struct ehlo_span message;
  size_t pos;     // after the last field: where the header ends
  uint64_t line;  // of `pos`
};

// Sets out at the first line, or behind it where that is an mbox's "From " line, which is no field.
void mail_fields_begin(struct mail_fields *f, struct ehlo_span message);

// The next field. False where the header ends: at an empty line, which is not taken, at a line that
// is no field, or at the end of the message.
bool mail_fields_next(struct mail_fields *f, struct mail_field *out);

// Whether the name is `name`, in any letter case.
bool mail_field_is(const struct mail_field *field, const char *name);

// Whether all of `text` may be the name of a field: printable ASCII but the colon (RFC 5322
// §3.6.8).
bool mail_field_is_name(struct ehlo_span text);

#endif  // EHLO_TOOLS_MAIL_FIELDS_H
