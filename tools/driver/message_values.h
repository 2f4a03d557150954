// What a template may say of the message that it becomes: the list of names is here, and nowhere
// else.
#ifndef EHLO_TOOLS_DRIVER_MESSAGE_VALUES_H
#define EHLO_TOOLS_DRIVER_MESSAGE_VALUES_H

#include "tools/driver/send_options.h"
#include "tools/mail/stamp.h"
#include "tools/mail/template.h"

#define MESSAGE_VALUES_NUM 7

struct message_values {
  char date[MAIL_DATE_SIZE];
  char message_id[MAIL_MESSAGE_ID_SIZE];
  char host[256];  // this machine
  char n[24];
  struct mail_template_value rows[MESSAGE_VALUES_NUM + 1];
  // What the rows point to besides.
  char *from_encoded;
  char *to;
  char *to_encoded;
  char *subject_encoded;
};

// Makes the values of the message `n`, counted from 1. Returns 0 or an exit status, after printing
// what is wrong. To be freed in either case.
int message_values_make(struct message_values *v, const struct send_options *o, size_t n);
void message_values_free(struct message_values *v);

// Puts them into `text`, which is `name` in a complaint; `*out_text` is for free(). `has_header`:
// it is a whole message. Returns 0 or an exit status with a sentence in `error`, after printing it.
int message_values_apply(char **out_text, size_t *out_len, char *error, size_t error_cap,
                         const struct message_values *v, struct ehlo_span text, bool has_header,
                         const char *name);

#endif  // EHLO_TOOLS_DRIVER_MESSAGE_VALUES_H
