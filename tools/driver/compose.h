// A message that is made of options: the files are read once, and each message gets a date, an id
// and the values of templates of its own.
#ifndef EHLO_TOOLS_DRIVER_COMPOSE_H
#define EHLO_TOOLS_DRIVER_COMPOSE_H

#include "tools/driver/contents.h"
#include "tools/driver/message.h"
#include "tools/driver/send_options.h"
#include "tools/mail/compose.h"

// What the options name, read.
struct compose {
  struct contents body;
  struct contents html;
  struct contents *files;
  struct mail_attachment *attachments;
  char **paths;  // of the attachments, and their types; owned
  char **types;
  size_t num;
};

// Reads the files. Returns 0 or an exit status with a sentence in `error`, after printing what is
// wrong. To be freed in either case.
int compose_read(struct compose *c, char *error, size_t error_cap, const struct send_options *o);

// Makes the message `n`, counted from 1. The same returns.
int compose_make(struct message *out, char *error, size_t error_cap, const struct compose *c,
                 const struct send_options *o, size_t n);

void compose_free(struct compose *c);

#endif  // EHLO_TOOLS_DRIVER_COMPOSE_H
