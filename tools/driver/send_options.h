// The options of `send`: the envelope and the messages, and how they are to go.
#ifndef EHLO_TOOLS_DRIVER_SEND_OPTIONS_H
#define EHLO_TOOLS_DRIVER_SEND_OPTIONS_H

#include "tools/driver/compose_options.h"
#include "tools/driver/live_options.h"

#define PARAMS_MAX 1500  // octets of parameters of one command

struct send_options {
  struct live_options live;  // first: the shared rows see it
  const char *command;       // the command's name, for complaints
  bool has_message;          // it is neither read nor made: the command has it already
  const char *from;          // the address alone, once they are settled, and so are these
  struct ehlo_span *to;      // of --to, --cc and --bcc
  size_t num_to;
  const char *from_text;        // as it was given, with its name
  struct option_list to_texts;  // likewise, of --to alone
  struct option_list owned;     // the addresses that were taken out of such texts
  const char **data;            // files, a message each
  size_t num_data;
  char mail_params[PARAMS_MAX + 1];
  char rcpt_params[PARAMS_MAX + 1];
  enum ehlo_transfer transfer;
  const char *xclient;
  bool binary;
  bool fix_eol;
  bool force;
  bool exact;
  bool stop;
  enum ehlo_stage stop_after;
  struct compose_options compose;
};

extern const struct command send_command;

void send_options_init(struct send_options *o);
void send_options_free(struct send_options *o);

// The setter of --from, over struct send_options.
const char *send_options_set_from(void *o, const char *value);

// Adds a recipient to the envelope. Returns NULL or a sentence, like the setter of a row.
const char *send_options_add_recipient(struct send_options *o, const char *value);

// Add a parameter, `key` and `value`, to each RCPT and to MAIL. The same returns.
const char *send_options_add_rcpt_param(struct send_options *o, const char *key, const char *value);
const char *send_options_add_mail_param(struct send_options *o, const char *key, const char *value);

// Takes the addresses out of "Name <address>", judges the options together, and what the engine
// would refuse to send, before anything is opened. Returns 0 or an exit status, after printing what
// is wrong.
int send_options_settle(struct send_options *o);

#endif  // EHLO_TOOLS_DRIVER_SEND_OPTIONS_H
