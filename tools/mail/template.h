// Templates: a text in which {{name}} stands for a value. Only "{{" is special; {{open}} makes one.
// What the values are is the caller's.
#ifndef EHLO_TOOLS_MAIL_TEMPLATE_H
#define EHLO_TOOLS_MAIL_TEMPLATE_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/ehlo.h"

#define MAIL_TEMPLATE_NAME_MAX 64  // octets

struct mail_template_value {
  const char *name;
  const char *in_header;  // RFC 2047 and the like where it needs that; NULL: there is no value
  const char *in_body;
};

// What is wrong, and where: line and column of the "{{", from 1, the column in octets.
struct mail_template_error {
  size_t line;
  size_t column;
  char name[MAIL_TEMPLATE_NAME_MAX + 1];  // printable ASCII; empty where it is not known
  const char *what;                       // half a sentence, such as "is not known"
};

// Writes `text` with its values, of which a row without a name is the last. Up to the first empty
// line it is a header if `has_header`. False with `*out_error` set at the first mistake; what was
// written until then is there.
bool mail_template_write(FILE *out, struct mail_template_error *out_error, struct ehlo_span text,
                         bool has_header, const struct mail_template_value *values);

#endif  // EHLO_TOOLS_MAIL_TEMPLATE_H
