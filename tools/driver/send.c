// ehlo send: submits one message, or several over one connection.
#include <stdio.h>

#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/interrupt.h"
#include "tools/driver/post.h"
#include "tools/driver/send_options.h"
#include "tools/driver/send_report.h"

static int read_and_submit(const struct send_options *o) {
  struct post post = {.warnings.silent = o->live.quiet || o->live.json};
  int status = post_read(&post, o);
  if (status == 0) {
    status = post_submit(&post, o, o->live.json ? send_report_json : send_report_words);
  } else if (o->live.json) {
    send_report_early(o, "body", post.error, &post.warnings);
  }
  post_free(&post);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  struct send_options *o = options;
  o->live.account_is_chosen = options_last(uses, "profile") == NULL;
  o->live.account_from = options_last(uses, "from");
  int status = live_options_resolve(&o->live, &send_command, uses);
  if (status == 0) {
    status = send_options_settle(o);
  }
  if (status == 0) {
    return read_and_submit(o);
  }
  if (o->live.json) {
    send_report_early(o, "connect", complaints_last(), NULL);
  }
  return status;
}

int command_send(int argc, char **argv) {
  struct send_options options;
  send_options_init(&options);
  interrupt_begin();
  int status = options_run(&send_command, argc, argv, &options, run);
  send_options_free(&options);
  return status;
}
