// The options of `send`: the envelope and the messages, and how they are to go.
#ifndef EHLO_TOOLS_DRIVER_SEND_OPTIONS_H
#define EHLO_TOOLS_DRIVER_SEND_OPTIONS_H

#include "tools/driver/live_options.h"

#define PARAMS_MAX 1500  // octets of parameters of one command

struct send_options {
  struct live_options live;  // first: the shared rows see it
  const char *from;
  struct ehlo_span *to;
  size_t num_to;
  const char **data;  // files, a message each
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
};

extern const struct command send_command;

void send_options_init(struct send_options *o);
void send_options_free(struct send_options *o);

// Judges the options together, and what the engine would refuse to send, before anything is opened.
// Returns 0 or an exit status, after printing what is wrong.
int send_options_check(const struct send_options *o);

#endif  // EHLO_TOOLS_DRIVER_SEND_OPTIONS_H
