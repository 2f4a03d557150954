// ehlo sendmail: takes a message from a program that has one, and is heard of only if something is
// wrong.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/post.h"
#include "tools/driver/send_report.h"
#include "tools/driver/sendmail_envelope.h"
#include "tools/driver/sendmail_input.h"
#include "tools/driver/sendmail_message.h"
#include "tools/driver/sendmail_options.h"
#include "tools/mail/addresses.h"

// What is known of the message before there is an account, and what is found out then.
struct work {
  uint8_t *bytes;
  size_t len;
  char *header_sender;
  char *sender;  // the envelope's
  char *account_sender;
  char *account_name;  // of the account's sender, may be empty
  struct sendmail_envelope envelope;
};

static void work_free(struct work *w) {
  free(w->bytes);
  free(w->header_sender);
  free(w->sender);
  free(w->account_sender);
  free(w->account_name);
  sendmail_envelope_free(&w->envelope);
}

static int complain(int status, const char *what) {
  fprintf(complaints(), "ehlo: %s\n", what);
  return status;
}

// ---- The envelope -----------------------------------------------------------------------------------

static const char *domain_in(const char *address) {
  const char *at = address != NULL ? strrchr(address, '@') : NULL;
  return at != NULL ? at + 1 : NULL;
}

// The sender as far as it is known, a local part perhaps: the command line's, the account's, the
// header's, or the user's login name.
static const char *sender_of(const struct sendmail_options *o, const struct work *w) {
  if (o->sender != NULL) {
    return o->sender;
  }
  if (o->sender_from_header && w->header_sender != NULL) {
    return w->header_sender;
  }
  if (o->send.from != NULL) {
    return o->send.from;
  }
  return w->header_sender != NULL ? w->header_sender : getenv("LOGNAME");
}

// A sender of the account may have a name, "Alice <alice@example.com>".
static int take_name(struct work *w, struct sendmail_options *o) {
  if (o->send.from == NULL || o->send.from[0] == '\0') {
    return 0;
  }
  if (!mail_mailbox_parse(&w->account_name, &w->account_sender, o->send.from)) {
    return complain(EX_CONFIG, "from in the configuration is no address");
  }
  o->send.from = w->account_sender;
  return 0;
}

static int find_sender(struct work *w, struct sendmail_options *o) {
  const char *sender = sender_of(o, w);
  if (o->domain == NULL) {
    o->domain = domain_in(o->send.from);
  }
  if (o->domain == NULL) {
    o->domain = domain_in(sender);
  }
  if (sender == NULL) {
    return complain(EX_USAGE, "there is no sender: -f, From, or from in the configuration");
  }
  w->sender = sender[0] != '\0' ? sendmail_envelope_complete(sender, o->domain) : strdup("");
  o->send.from = w->sender;
  return w->sender != NULL ? 0 : EX_USAGE;
}

static int find_recipients(struct work *w, struct sendmail_options *o, char **operands,
                           int num_operands) {
  int status = 0;
  for (int i = 0; status == 0 && i < num_operands; i++) {
    status = sendmail_envelope_add(&w->envelope, operands[i], o->domain);
  }
  if (status == 0 && o->recipients_from_header) {
    status =
        sendmail_envelope_add_header(&w->envelope, (struct ehlo_span){w->bytes, w->len}, o->domain);
  }
  for (size_t i = 0; status == 0 && i < w->envelope.num_to; i++) {
    status = send_options_add_recipient(&o->send, w->envelope.to[i]) == NULL ? 0 : EX_OSERR;
  }
  if (status == 0 && o->send.num_to == 0) {
    status = complain(EX_USAGE, o->recipients_from_header
                                    ? "the message names no recipient, and neither does the "
                                      "command line"
                                    : "no recipient is named; -t takes those of the message");
  }
  return status;
}

// ---- The session ------------------------------------------------------------------------------------

static void report(const struct send_options *o, const struct post *p, const struct session *s) {
  if (o->live.json) {
    send_report_json(o, p, s);
  } else if (!o->live.quiet) {
    send_report_words(o, p, s);
  } else if (s->error[0] != '\0') {
    fprintf(complaints(), "ehlo: %s\n", s->error);
  }
}

static bool is_name(const char *text) {
  for (; text != NULL && *text != '\0'; text++) {
    if ((unsigned char)*text < ' ' || *text == 0x7f) {
      return false;
    }
  }
  return text != NULL;
}

// The name in a From that is added.
static const char *full_name(const struct sendmail_options *o, const struct work *w) {
  const char *name = getenv("NAME");
  if (o->full_name != NULL) {
    return o->full_name;
  }
  if (w->account_name != NULL && strcmp(w->sender, w->account_sender) == 0) {
    return w->account_name;
  }
  return is_name(name) ? name : "";
}

static int submit(struct work *w, struct sendmail_options *o) {
  struct sendmail_header header = {w->sender, full_name(o, w), o->domain};
  struct post post = {.warnings.silent = true};
  struct message message;
  int status = sendmail_message_make(&message, w->bytes, w->len, &header);
  w->bytes = NULL;
  if (status == 0) {
    status = post_take(&post, &o->send, &message);
  }
  if (status == 0) {
    status = post_submit(&post, &o->send, report);
  } else if (o->send.live.json) {
    send_report_early(&o->send, "body", post.error, &post.warnings);
  }
  post_free(&post);
  return status;
}

// ---- The command ------------------------------------------------------------------------------------

// Which account is meant, for the shared options to find: the one named, or the one that sends as
// this.
static void choose_account(struct live_options *live, const struct sendmail_options *o,
                           const struct work *w) {
  live->account = o->account;
  live->account_from = o->sender != NULL && o->sender[0] != '\0' ? o->sender : w->header_sender;
  live->account_is_chosen = true;
  live->config = o->config_file;
}

static int resolve(struct sendmail_options *o, const struct option_uses *uses) {
  struct option_uses without_operands = *uses;
  without_operands.num_operands = 0;
  int status = live_options_resolve(&o->send.live, &sendmail_command, &without_operands);
  if (status != 0) {
    return status;
  }
  bool tells = o->shows_session || o->send.live.verbose || o->send.live.json;
  o->send.live.quiet = !tells;
  o->send.fix_eol = !o->send.exact;
  return 0;
}

static int settle(struct sendmail_options *o, struct work *w, const struct option_uses *uses) {
  int status = resolve(o, uses);
  if (status == 0) {
    status = take_name(w, o);
  }
  if (status == 0) {
    status = find_sender(w, o);
  }
  if (status == 0) {
    status = find_recipients(w, o, uses->operands, uses->num_operands);
  }
  return status == 0 ? send_options_settle(&o->send) : status;
}

static int send_it(struct sendmail_options *o, struct work *w, const struct option_uses *uses) {
  int status = settle(o, w, uses);
  if (status == 0) {
    return submit(w, o);
  }
  if (o->send.live.json) {
    send_report_early(&o->send, "connect", complaints_last(), NULL);
  }
  return status;
}

// The command line alone, before the configuration: how the message is to be read, and whose it is.
static int look_ahead(struct sendmail_options *o, const struct option_uses *uses) {
  if (!options_apply(uses, &sendmail_command, o)) {
    return EX_USAGE;
  }
  return o->unsupported != NULL ? complain(EX_USAGE, o->unsupported) : 0;
}

static int run(void *options, const struct option_uses *uses) {
  struct sendmail_options *o = options;
  struct sendmail_options ahead;
  struct work work = {.bytes = NULL};
  sendmail_options_init(&ahead);
  int status = look_ahead(&ahead, uses);
  if (status == 0) {
    status = sendmail_input_read(&work.bytes, &work.len, STDIN_FILENO, !ahead.ignore_dots);
  }
  if (status == 0) {
    work.header_sender = sendmail_envelope_sender((struct ehlo_span){work.bytes, work.len});
    choose_account(&o->send.live, &ahead, &work);
    status = send_it(o, &work, uses);
  }
  sendmail_options_free(&ahead);
  work_free(&work);
  return status;
}

int command_sendmail(int argc, char **argv) {
  struct sendmail_options options;
  sendmail_options_init(&options);
  int status = options_run(&sendmail_command, argc, argv, &options, run);
  sendmail_options_free(&options);
  return status;
}
