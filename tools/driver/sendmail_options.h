// The options of `sendmail`: what programs that call it as /usr/sbin/sendmail say, and the names
// that msmtp gave the same.
#ifndef EHLO_TOOLS_DRIVER_SENDMAIL_OPTIONS_H
#define EHLO_TOOLS_DRIVER_SENDMAIL_OPTIONS_H

#include "tools/driver/send_options.h"

struct sendmail_options {
  struct send_options send;  // first: its rows and the shared ones see it
  const char *account;
  const char *sender;     // -f, -r: the envelope's; empty for the null sender
  const char *full_name;  // -F
  const char *domain;     // for addresses without one
  const char *config_file;
  const char *unsupported;  // what was asked for that is not done here, a whole sentence
  bool sender_from_header;  // even where the account has a sender
  bool recipients_from_header;
  bool ignore_dots;
  bool shows_session;
};

extern const struct command sendmail_command;

void sendmail_options_init(struct sendmail_options *o);
void sendmail_options_free(struct sendmail_options *o);

#endif  // EHLO_TOOLS_DRIVER_SENDMAIL_OPTIONS_H
