// Rows of `sendmail`. A letter of these stands before the same letter of another command.
#include "tools/driver/sendmail_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/driver/commands.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/plan.h"
#include "tools/driver/send_report.h"

static const char *set_account(void *o, const char *value) {
  ((struct sendmail_options *)o)->account = value;
  return NULL;
}

static const char *set_sender(void *o, const char *value) {
  ((struct sendmail_options *)o)->sender = strcmp(value, "<>") == 0 ? "" : value;
  return NULL;
}

static const char *set_full_name(void *o, const char *value) {
  for (const char *c = value; *c != '\0'; c++) {
    if (iscntrl((unsigned char)*c)) {
      return "a name has no line end and no other control character";
    }
  }
  ((struct sendmail_options *)o)->full_name = value;
  return NULL;
}

static const char *set_domain(void *o, const char *value) {
  ((struct sendmail_options *)o)->domain = value;
  return NULL;
}

static const char *set_config_file(void *o, const char *value) {
  ((struct sendmail_options *)o)->config_file = value;
  return NULL;
}

static const char *set_read_recipients(void *o, const char *value) {
  (void)value;
  ((struct sendmail_options *)o)->recipients_from_header = true;
  return NULL;
}

static const char *set_read_sender(void *o, const char *value) {
  (void)value;
  ((struct sendmail_options *)o)->sender_from_header = true;
  return NULL;
}

static const char *set_ignore_dots(void *o, const char *value) {
  (void)value;
  ((struct sendmail_options *)o)->ignore_dots = true;
  return NULL;
}

static const char *set_show(void *o, const char *value) {
  (void)value;
  ((struct sendmail_options *)o)->shows_session = true;
  return NULL;
}

// -oi is -i; the other options of sendmail's own configuration are nobody's here.
static const char *set_option(void *o, const char *value) {
  if (strcmp(value, "i") == 0) {
    ((struct sendmail_options *)o)->ignore_dots = true;
  }
  return NULL;
}

static const char *set_mode(void *o, const char *value) {
  struct sendmail_options *options = o;
  switch (value[0]) {
    case 'm':
      return NULL;
    case 's':
    case 'S':
      options->unsupported = "-bs: this is no SMTP server; speak to the server of the account";
      return NULL;
    case 'p':
      options->unsupported = "-bp: there is no queue: a message is sent at once, or refused";
      return NULL;
    case 'i':
      options->unsupported = "-bi: there are no aliases here";
      return NULL;
    default:
      options->unsupported = "of sendmail's modes there is -bm alone, which sends a message";
      return NULL;
  }
}

static const char *set_queue(void *o, const char *value) {
  (void)value;
  ((struct sendmail_options *)o)->unsupported =
      "-q: there is no queue: a message is sent at once, or refused";
  return NULL;
}

static const char *set_notify(void *o, const char *value) {
  return send_options_add_rcpt_param(o, "NOTIFY=", value);
}

static const char *set_return(void *o, const char *value) {
  return send_options_add_mail_param(o, "RET=", value);
}

// RFC 3461 §4.4: xtext.
static const char *set_envelope_id(void *o, const char *value) {
  char id[3 * 100 + 1];
  size_t len = 0;
  for (const char *c = value; *c != '\0'; c++) {
    if (*c < ' ' || *c > '~' || len + 4 > sizeof(id)) {
      return "it is at most 100 characters of printable ASCII";
    }
    bool plain = *c > ' ' && *c != '+' && *c != '=';
    len += (size_t)snprintf(id + len, sizeof(id) - len, plain ? "%c" : "+%02X", *c);
  }
  return send_options_add_mail_param(o, "ENVID=", id);
}

static const char *ignore(void *o, const char *value) {
  (void)o;
  (void)value;
  return NULL;
}

const struct option_row sendmail_setting_rows[] = {
    {"domain", 0, "NAME", "for addresses without one (default: that of from)", set_domain},
    {"full-name", 'F', "NAME", "the name in a From that is added", set_full_name},
    {"read-envelope-from", 0, NULL, "the sender is that of the header", set_read_sender},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct option_row rows[] = {
    {"read-recipients", 't', NULL, "also those of To, Cc and Bcc", set_read_recipients},
    {"ignore-dots", 'i', NULL, "a line of one dot is no end of the message", set_ignore_dots},
    {"sender", 'f', "ADDRESS", "of the envelope; empty for the null sender", set_sender},
    {"account", 'a', "NAME", "the account (default: that of the sender)", set_account},
    {"notify", 'N', "LIST", "never, or of success,failure,delay", set_notify},
    {"return", 'R', "hdrs|full", "what comes back with a failure", set_return},
    {"envelope-id", 'V', "ID", "what a delivery status notification names", set_envelope_id},
    {"show", 'v', NULL, "show the session", set_show},
    // What sendmail has besides. The account's from is a setting as --from is of `send`.
    {"from", 0, "ADDRESS", NULL, send_options_set_from},
    {"return-path", 'r', "ADDRESS", NULL, set_sender},
    {"config-file", 'C', "FILE", NULL, set_config_file},
    {"mode", 'b', "MODE", NULL, set_mode},
    {"run-queue", 'q', NULL, NULL, set_queue},
    {"sendmail-option", 'o', "OPTION", NULL, set_option},
    {"long-option", 'O', "OPTION", NULL, ignore},
    {"submission", 'A', "MODE", NULL, ignore},
    {"body-type", 'B', "TYPE", NULL, ignore},
    {"label", 'L', "LABEL", NULL, ignore},
    {"protocol", 'p', "PROTOCOL", NULL, ignore},
    {"log-file", 'X', "FILE", NULL, ignore},
    {"gateway", 'G', NULL, NULL, ignore},
    {"me-too", 'm', NULL, NULL, ignore},
    {"no-aliases", 'n', NULL, NULL, ignore},
    {"initial", 'U', NULL, NULL, ignore},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows,
                                                  sendmail_setting_rows,
                                                  transfer_option_rows,
                                                  plan_option_rows,
                                                  network_option_rows,
                                                  credential_option_rows,
                                                  live_option_rows,
                                                  NULL};
static const char *const essentials[] = {
    "read-recipients", "ignore-dots", "sender", "full-name", "account", "domain", "notify",
    "return",          "envelope-id", "show",   "config",    "record",  "json",   NULL,
};
const struct command sendmail_command = {
    .name = "sendmail",
    .essentials = essentials,
    .synopsis = "[-t] [-i] [-f ADDRESS] [-a ACCOUNT] [--] [RECIPIENT…]",
    .summary =
        "Sends the message on standard input as an account of the configuration does.\n"
        "A link to ehlo with the name \"sendmail\" does the same.",
    .tables = tables,
    .early_json = send_report_usage,
    .notes =
        "-r is -f, -oi is -i, -C is --config; -bm, -o, -O, -A, -B, -L, -p, -X, -G, -m, -n\n"
        "and -U are ignored. There is no queue, and no server for -bs.\n"
        "With -t, the recipients are those of the header and those named. Bcc is removed;\n"
        "From, Date and Message-ID come where they are missing. Nothing is printed unless\n"
        "something is wrong.\n",
};

void sendmail_options_init(struct sendmail_options *o) {
  memset(o, 0, sizeof(*o));
  send_options_init(&o->send);
  o->send.command = sendmail_command.name;
  o->send.has_message = true;
  o->send.live.server_word = "an account with a server, in ~/.config/ehlo/config,";
}

void sendmail_options_free(struct sendmail_options *o) {
  send_options_free(&o->send);
}
