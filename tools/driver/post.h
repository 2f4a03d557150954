// The messages of one submission: read and judged before anything is opened, each with its
// envelope, and then given to one session in turn.
#ifndef EHLO_TOOLS_DRIVER_POST_H
#define EHLO_TOOLS_DRIVER_POST_H

#include "engine/submit.h"
#include "tools/driver/message.h"
#include "tools/driver/send_options.h"
#include "tools/driver/send_progress.h"
#include "tools/driver/session.h"
#include "tools/driver/warnings.h"

// Begins as zeros but for `warnings.silent`.
struct post {
  struct message *messages;
  struct message original;  // while a template is filled in: what was read
  struct ehlo_message *envelopes;
  struct ehlo_recipient *recipients;
  size_t num;
  size_t current;
  bool shows_progress;  // where it can be seen
  struct send_progress progress;
  struct warnings warnings;
  char error[MESSAGE_SENTENCE_MAX];  // the first thing that is wrong with a message
};

// Reads or makes what the options name. With --quit-after there may be no message: it is empty
// then. Returns 0 or an exit status with a sentence in `error`, after printing what is wrong.
int post_read(struct post *p, const struct send_options *o);

// The same with one message, which is the post's from here on.
int post_take(struct post *p, const struct send_options *o, struct message *message);

// Says what came of a session.
typedef void post_report_fn(const struct send_options *o, const struct post *p,
                            const struct session *s);

// Submits it in one session and has `report` called after it. Returns the exit status.
int post_submit(struct post *p, const struct send_options *o, post_report_fn *report);

void post_free(struct post *p);

#endif  // EHLO_TOOLS_DRIVER_POST_H
