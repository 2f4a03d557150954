// Rows and checks of the options of `send`.
#include "tools/driver/send_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "engine/argument.h"
#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/plan.h"
#include "tools/driver/send_report.h"
#include "tools/driver/text.h"
#include "tools/mail/addresses.h"

const char *send_options_set_from(void *o, const char *value) {
  ((struct send_options *)o)->from = value;
  return NULL;
}

const char *send_options_add_recipient(struct send_options *o, const char *value) {
  struct ehlo_span *to = realloc(o->to, (o->num_to + 1) * sizeof(*to));
  if (to == NULL) {
    return "out of memory";
  }
  o->to = to;
  to[o->num_to++] = ehlo_str(value);
  return NULL;
}

static const char *set_to(void *o, const char *value) {
  struct send_options *options = o;
  const char *wrong = option_list_add(&options->to_texts, value);
  return wrong != NULL ? wrong : send_options_add_recipient(options, value);
}

static const char *set_data(void *o, const char *value) {
  struct send_options *options = o;
  const char **data = realloc(options->data, (options->num_data + 1) * sizeof(*data));
  if (data == NULL) {
    return "out of memory";
  }
  options->data = data;
  data[options->num_data++] = value;
  return NULL;
}

// Parameters add up, a blank between them.
static const char *add_param(char *params, const char *key, const char *value) {
  size_t len = strlen(params);
  size_t left = PARAMS_MAX + 1 - len;
  int n = snprintf(params + len, left, "%s%s%s", len > 0 ? " " : "", key, value);
  if (n < 0 || (size_t)n >= left) {
    params[len] = '\0';
    return "the parameters are longer than 1500 octets together";
  }
  return NULL;
}

const char *send_options_add_mail_param(struct send_options *o, const char *key,
                                        const char *value) {
  return add_param(o->mail_params, key, value);
}

const char *send_options_add_rcpt_param(struct send_options *o, const char *key,
                                        const char *value) {
  return add_param(o->rcpt_params, key, value);
}

static const char *set_mail_param(void *o, const char *value) {
  return add_param(((struct send_options *)o)->mail_params, "", value);
}

static const char *set_rcpt_param(void *o, const char *value) {
  return add_param(((struct send_options *)o)->rcpt_params, "", value);
}

static const char *set_dsn_notify(void *o, const char *value) {
  return add_param(((struct send_options *)o)->rcpt_params, "NOTIFY=", value);
}

static const char *set_dsn_return(void *o, const char *value) {
  return add_param(((struct send_options *)o)->mail_params, "RET=", value);
}

static const char *set_require_tls(void *o, const char *value) {
  (void)value;
  return add_param(((struct send_options *)o)->mail_params, "REQUIRETLS", "");
}

static const char *set_transfer(void *o, const char *value) {
  static const char *const names[] = {"data", "auto", "bdat"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(value, names[i]) == 0) {
      ((struct send_options *)o)->transfer = (enum ehlo_transfer)i;
      return NULL;
    }
  }
  return "it is one of auto, data and bdat";
}

static const char *set_xclient(void *o, const char *value) {
  ((struct send_options *)o)->xclient = value;
  return NULL;
}

static const char *set_binary(void *o, const char *value) {
  (void)value;
  ((struct send_options *)o)->binary = true;
  return NULL;
}

static const char *set_fix_eol(void *o, const char *value) {
  (void)value;
  ((struct send_options *)o)->fix_eol = true;
  return NULL;
}

static const char *set_force(void *o, const char *value) {
  (void)value;
  ((struct send_options *)o)->force = true;
  return NULL;
}

static const char *set_exact(void *o, const char *value) {
  (void)value;
  ((struct send_options *)o)->exact = true;
  return NULL;
}

static const char *set_quit_after(void *o, const char *value) {
  static const enum ehlo_stage stages[] = {
      EHLO_STAGE_CONNECT, EHLO_STAGE_GREETING, EHLO_STAGE_EHLO, EHLO_STAGE_STARTTLS,
      EHLO_STAGE_AUTH,    EHLO_STAGE_MAIL,     EHLO_STAGE_RCPT, EHLO_STAGE_DATA,
  };
  struct send_options *options = o;
  for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
    if (strcmp(value, ehlo_stage_name(stages[i])) == 0) {
      options->stop = true;
      options->stop_after = stages[i];
      return NULL;
    }
  }
  return "it is one of connect, greeting, ehlo, starttls, auth, mail, rcpt and data";
}

const struct option_row send_option_rows[] = {
    {"from", 'f', "ADDRESS", "the sender; empty for the null sender", send_options_set_from},
    {"to", 't', "ADDRESS", "a recipient; may be given again", set_to},
    {"data", 'd', "FILE", "a message, - for standard input; also again", set_data},
    {"quit-after", 0, "STAGE", "stop politely after a stage, connect … data", set_quit_after},
    {NULL, 0, NULL, NULL, NULL},
};

const struct option_row transfer_option_rows[] = {
    {"mail-param", 0, "TEXT", "a parameter of MAIL, such as ENVID=x or BY=120;R", set_mail_param},
    {"rcpt-param", 0, "TEXT", "a parameter of each RCPT", set_rcpt_param},
    {"dsn-notify", 0, "LIST", "never, or of success,failure,delay (RFC 3461)", set_dsn_notify},
    {"dsn-return", 0, "hdrs|full", "what comes back with a failure", set_dsn_return},
    {"require-tls", 0, NULL, "TLS all the way, or no delivery (RFC 8689)", set_require_tls},
    {"transfer", 0, "auto|data|bdat", "how the message goes (default: auto)", set_transfer},
    {"binary", 0, NULL, "send the octets as they are (RFC 3030)", set_binary},
    {"xclient", 0, "ATTRS", "speak for another client (Postfix's XCLIENT)", set_xclient},
    {"fix-eol", 0, NULL, "make a bare carriage return a line end", set_fix_eol},
    {"force", 0, NULL, "send what should not be sent", set_force},
    {"exact", 0, NULL, "CRLF input, sent byte for byte or not at all", set_exact},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {
    send_option_rows, compose_option_rows, transfer_option_rows,
    plan_option_rows, network_option_rows, credential_option_rows,
    live_option_rows, colour_option_rows,  NULL};
static const char *const essentials[] = {
    "from",    "to",      "data", "subject",          "body", "attach", "quit-after",
    "tls",     "ca-file", "user", "password-command", "auth", "record", "json",
    "verbose", NULL};
const struct command send_command = {
    .name = "send",
    .essentials = essentials,
    .synopsis = "SERVER --from A --to B (--data FILE | --subject S --body T …)",
    .summary =
        "Submits messages. SERVER is host[:port], smtp://, smtps://, lmtp://, unix:PATH\n"
        "or an account of the configuration. The default is port 587 with STARTTLS.",
    .tables = tables,
    .early_json = send_report_usage,
    .notes =
        "ADDRESS may be \"Name <address>\". With --template, {{from}}, {{to}}, {{subject}},\n"
        "{{date}}, {{message-id}}, {{host}}, {{n}} and {{open}} (a \"{{\") are replaced.\n",
};

void send_options_init(struct send_options *o) {
  memset(o, 0, sizeof(*o));
  o->command = send_command.name;
  o->transfer = EHLO_TRANSFER_AUTO;
}

void send_options_free(struct send_options *o) {
  live_options_free(&o->live);
  compose_options_free(&o->compose);
  for (size_t i = 0; i < o->owned.num; i++) {
    free((void *)(uintptr_t)o->owned.values[i]);
  }
  option_list_free(&o->owned);
  option_list_free(&o->to_texts);
  free(o->to);
  free(o->data);
}

// ---- Checks -----------------------------------------------------------------------------------------

static int refuse_with(const struct send_options *o, const char *option, struct ehlo_span value,
                       const char *why) {
  fprintf(complaints(), "ehlo %s: --%s \"", o->command, option);
  text_print_some(complaints(), value);
  fprintf(complaints(), "\": %s\n", why);
  return EX_USAGE;
}

static int refuse(const struct send_options *o, const char *option, struct ehlo_span value,
                  enum ehlo_status status) {
  return refuse_with(o, option, value, ehlo_status_text(status));
}

static int refuse_address(const struct send_options *o, const char *option, struct ehlo_span value,
                          enum ehlo_status status) {
  bool is_bracketed = value.len > 0 && (memchr(value.bytes, '<', value.len) != NULL ||
                                        memchr(value.bytes, '>', value.len) != NULL);
  return refuse_with(o, option, value,
                     is_bracketed ? "it is one address, alone or as \"Name <address>\""
                                  : ehlo_status_text(status));
}

// The forms alone: which extensions there are, only the server knows.
static int check_arguments(const struct send_options *o) {
  enum ehlo_status status = ehlo_argument_path(ehlo_str(o->from), true, true);
  if (status != EHLO_OK) {
    return refuse_address(o, "from", ehlo_str(o->from), status);
  }
  for (size_t i = 0; i < o->num_to; i++) {
    status = ehlo_argument_path(o->to[i], false, true);
    if (status != EHLO_OK) {
      return refuse_address(o, "to", o->to[i], status);
    }
  }
  status = o->live.helo != NULL ? ehlo_argument_name(ehlo_str(o->live.helo)) : EHLO_OK;
  return status == EHLO_OK ? 0 : refuse(o, "helo", ehlo_str(o->live.helo), status);
}

// A form that is wrong for every server; what one has not got is told when it has said so.
static int check_params(const struct send_options *o, const char *option, const char *params,
                        bool at_mail) {
  static const struct ehlo_capabilities none;
  struct ehlo_params unused;
  enum ehlo_status status = ehlo_params_check(&unused, ehlo_str(params), at_mail, &none);
  bool fine = status == EHLO_OK || status == EHLO_E_UNSUPPORTED;
  return fine ? 0 : refuse(o, option, ehlo_str(params), status);
}

// Whether the session goes as far as `stage`.
static bool reaches(const struct send_options *o, enum ehlo_stage stage) {
  return !o->stop || o->stop_after >= stage;
}

static const char *what_is_wrong(const struct send_options *o) {
  if (o->from == NULL && reaches(o, EHLO_STAGE_MAIL)) {
    return "--from is missing";
  }
  if (o->num_to == 0 && reaches(o, EHLO_STAGE_RCPT)) {
    return "--to is missing";
  }
  if (o->num_data == 0 && !o->stop && !o->has_message && !compose_options_given(&o->compose)) {
    return "--data is missing; or --subject, --body, --html or --attach to make a message, or "
           "--test";
  }
  if (o->stop && o->stop_after == EHLO_STAGE_STARTTLS && o->live.tls != EHLO_TLS_STARTTLS) {
    return "--quit-after starttls: there is no STARTTLS with this --tls";
  }
  if (o->stop && o->stop_after == EHLO_STAGE_AUTH && o->live.user == NULL) {
    return "--quit-after auth: there is no AUTH without --user";
  }
  if (o->exact && o->fix_eol) {
    return "--exact and --fix-eol exclude each other";
  }
  if (o->binary && o->transfer == EHLO_TRANSFER_DATA) {
    return "--binary: DATA takes text alone";
  }
  return compose_options_wrong(&o->compose, o->num_data);
}

// The address in "Name <address>": no address by itself ends in ">". What is not of this form
// stays.
static const char *settle(struct send_options *o, const char *text) {
  size_t len = strlen(text);
  char *name;
  char *address;
  if (len == 0 || text[len - 1] != '>' || !mail_mailbox_parse(&name, &address, text)) {
    return text;
  }
  bool is_named = name[0] != '\0';
  free(name);
  if (!is_named || option_list_add(&o->owned, address) != NULL) {
    free(address);
    return text;
  }
  return address;
}

static void settle_addresses(struct send_options *o) {
  o->from_text = o->from;
  o->from = o->from != NULL ? settle(o, o->from) : NULL;
  for (size_t i = 0; i < o->num_to; i++) {
    o->to[i] = ehlo_str(settle(o, (const char *)o->to[i].bytes));
  }
}

int send_options_settle(struct send_options *o) {
  settle_addresses(o);
  const char *wrong = what_is_wrong(o);
  if (wrong != NULL) {
    options_complain(&send_command, "%s", wrong);
    return EX_USAGE;
  }
  int status = check_arguments(o);
  if (status == 0) {
    status = check_params(o, "mail-param", o->mail_params, true);
  }
  return status == 0 ? check_params(o, "rcpt-param", o->rcpt_params, false) : status;
}
