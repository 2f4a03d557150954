// ehlo send: submits one message.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "engine/argument.h"
#include "tools/driver/commands.h"
#include "tools/driver/message.h"
#include "tools/driver/session.h"
#include "tools/driver/text.h"

struct send_options {
  struct live_options live;  // first: the shared rows see it
  const char *from;
  struct ehlo_span *to;
  size_t num_to;
  const char *data;
  bool fix_eol;
  bool force;
  bool stop;
  enum ehlo_stage stop_after;
};

static const char *set_from(void *o, const char *value) {
  ((struct send_options *)o)->from = value;
  return NULL;
}

static const char *set_to(void *o, const char *value) {
  struct send_options *options = o;
  struct ehlo_span *to = realloc(options->to, (options->num_to + 1) * sizeof(*to));
  if (to == NULL) {
    return "out of memory";
  }
  options->to = to;
  to[options->num_to++] = ehlo_str(value);
  return NULL;
}

static const char *set_data(void *o, const char *value) {
  ((struct send_options *)o)->data = value;
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
    {"from", 'f', "ADDRESS", "the sender; empty for the null sender", set_from},
    {"to", 't', "ADDRESS", "a recipient; may be given again", set_to},
    {"data", 'd', "FILE", "the message, - for standard input", set_data},
    {"fix-eol", 0, NULL, "make a bare carriage return a line end", set_fix_eol},
    {"force", 0, NULL, "send what should not be sent", set_force},
    {"quit-after", 0, "STAGE", "stop politely after a stage, connect … data", set_quit_after},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {send_option_rows, live_option_rows, NULL};
static const struct command command = {
    .name = "send",
    .synopsis = "SERVER --from A --to B [--to C…] --data FILE",
    .summary =
        "Submits one message. SERVER is host[:port], smtp://, smtps://, unix:PATH or an\n"
        "account of the configuration; port 587 with STARTTLS unless told otherwise.",
    .tables = tables,
};

// ---- Before connecting ------------------------------------------------------------------------------

static int refuse_address(const char *option, struct ehlo_span address, enum ehlo_status status) {
  fprintf(stderr, "ehlo send: --%s \"", option);
  text_print(stderr, address);
  fprintf(stderr, "\": %s\n", ehlo_status_text(status));
  return EX_USAGE;
}

// What the engine would refuse is refused before anything is opened.
static int check_addresses(const struct send_options *o) {
  enum ehlo_status status = ehlo_argument_path(ehlo_str(o->from), true, true);
  if (status != EHLO_OK) {
    return refuse_address("from", ehlo_str(o->from), status);
  }
  for (size_t i = 0; i < o->num_to; i++) {
    status = ehlo_argument_path(o->to[i], false, true);
    if (status != EHLO_OK) {
      return refuse_address("to", o->to[i], status);
    }
  }
  status = o->live.helo != NULL ? ehlo_argument_name(ehlo_str(o->live.helo)) : EHLO_OK;
  return status == EHLO_OK ? 0 : refuse_address("helo", ehlo_str(o->live.helo), status);
}

// Whether the session goes as far as `stage`.
static bool reaches(const struct send_options *o, enum ehlo_stage stage) {
  return !o->stop || o->stop_after >= stage;
}

static int check_options(const struct send_options *o) {
  const char *wrong = NULL;
  if (o->from == NULL && reaches(o, EHLO_STAGE_MAIL)) {
    wrong = "--from is missing";
  } else if (o->num_to == 0 && reaches(o, EHLO_STAGE_RCPT)) {
    wrong = "--to is missing";
  } else if (o->data == NULL && !o->stop) {
    wrong = "--data is missing";
  } else if (o->stop && o->stop_after == EHLO_STAGE_STARTTLS && o->live.tls != EHLO_TLS_STARTTLS) {
    wrong = "--quit-after starttls: there is no STARTTLS with this --tls";
  } else if (o->stop && o->stop_after == EHLO_STAGE_AUTH && o->live.user == NULL) {
    wrong = "--quit-after auth: there is no AUTH without --user";
  }
  if (wrong != NULL) {
    options_complain(&command, "%s", wrong);
    return EX_USAGE;
  }
  return 0;
}

// ---- Afterwards -------------------------------------------------------------------------------------

static json_t *recipients_json(const struct send_options *o, const struct report *r) {
  json_t *json = json_array();
  for (size_t i = 0; i < o->num_to; i++) {
    const struct kept_reply *reply = r != NULL ? &r->recipients[i] : NULL;
    bool accepted = reply != NULL && reply->reply.code / 100 == 2;
    json_array_append_new(
        json, json_pack("{s:o, s:b, s:o}", "address", text_to_json(o->to[i]), "accepted", accepted,
                        "reply", reply != NULL ? report_reply_json(reply) : json_null()));
  }
  return json;
}

// What was wrong before there was a session.
static void print_early_json(const struct send_options *o, const char *stage, const char *error) {
  json_t *json = json_pack("{s:s, s:s, s:n, s:o, s:n, s:[], s:n, s:i, s:f, s:s, s:n}", "outcome",
                           "usage", "stage", stage, "reply", "recipients", recipients_json(o, NULL),
                           "tls", "capabilities", "auth", "round_trips", 0, "seconds", 0.0, "error",
                           error, "explanation");
  text_print_json(json, JSON_INDENT(2));
}

static void print_json(const struct send_options *o, const struct session *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  const struct report *r = &s->report;
  const struct kept_reply *hello = &r->hello[r->num_hello > 1 ? 1 : 0];
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  json_t *json =
      json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s?, s:I, s:f, s:s?, s:n}", "outcome",
                ehlo_outcome_name(submit->outcome), "stage", ehlo_stage_name(submit->stage),
                "reply", report_reply_json(&r->deciding), "recipients", recipients_json(o, r),
                "tls", report_tls_json(tls, false), "capabilities", report_capabilities_json(hello),
                "auth", submit->mechanism != NULL ? submit->mechanism->name : NULL, "round_trips",
                (json_int_t)s->flights, "seconds", (double)r->seconds_us / 1e6, "error",
                s->error[0] != '\0' ? s->error : NULL, "explanation");
  text_print_json(json, JSON_INDENT(2));
}

static void print_refused_recipients(const struct send_options *o, const struct report *r) {
  for (size_t i = 0; i < o->num_to; i++) {
    struct ehlo_reply_line line;
    size_t pos = 0;
    const struct kept_reply *kept = &r->recipients[i];
    if (kept->reply.code / 100 == 2 || kept->reply.code == 0) {
      continue;
    }
    printf("  refused: ");
    text_print(stdout, o->to[i]);
    while (ehlo_reply_line(&kept->reply, &pos, &line)) {
      printf("\n    ");
      text_print(stdout, line.whole);
    }
    putchar('\n');
  }
}

static void print_words(const struct send_options *o, const struct session *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  const struct report *r = &s->report;
  printf("%s", ehlo_outcome_name(submit->outcome));
  if (submit->outcome == EHLO_OUTCOME_ACCEPTED || submit->outcome == EHLO_OUTCOME_PARTIAL) {
    struct ehlo_reply_line line;
    size_t pos = 0;
    if (ehlo_reply_line(&r->deciding.reply, &pos, &line)) {
      printf(": ");
      text_print(stdout, line.whole);
    }
  } else {
    printf(" at %s", ehlo_stage_name(submit->stage));
  }
  printf(" (%" PRIu64 " round trips, %.3f s)\n", s->flights, (double)r->seconds_us / 1e6);
  if (submit->outcome == EHLO_OUTCOME_PARTIAL) {
    print_refused_recipients(o, r);
  }
  fflush(stdout);
  if (s->error[0] != '\0') {
    fprintf(stderr, "ehlo: %s\n", s->error);
  }
  if (s->options->record != NULL && !s->options->quiet) {
    printf("recorded in %s\n", s->options->record);
  }
}

// ---- The command ------------------------------------------------------------------------------------

static int submit(const struct send_options *o, struct message *message) {
  int status;
  struct session *s = session_new(&status, &o->live);
  if (s == NULL) {
    if (o->live.json) {
      print_early_json(o, "connect",
                       "at connect: the session cannot begin; standard error says why");
    }
    return status;
  }
  s->config.from = ehlo_str(o->from);
  s->config.to = o->to;
  s->config.num_to = o->num_to;
  s->config.message_size = message->preflight.wire_size;
  s->config.message_is_8bit = message->preflight.eight_bit.count > 0;
  s->config.force = o->force;
  s->config.stop = o->stop;
  s->config.stop_after = o->stop_after;
  s->client_config.bare_cr = o->fix_eol ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE;
  struct ehlo_source source = message_source(message);
  status = session_run(s, &source);
  if (o->live.json) {
    print_json(o, s);
  } else {
    print_words(o, s);
  }
  session_free(s);
  return status;
}

static int read_and_submit(const struct send_options *o) {
  struct message message = {0};
  char error[512];
  int status = 0;
  if (o->data != NULL) {
    status = message_read(&message, o->data);
    if (status == 0) {
      status = message_check(error, sizeof(error), &message, o->data, o->fix_eol, o->force);
      if (status != 0) {
        fprintf(stderr, "ehlo: %s\n", error);
      }
    } else {
      snprintf(error, sizeof(error), "cannot read the message");
    }
  }
  if (status == 0) {
    status = submit(o, &message);
  } else if (o->live.json) {
    print_early_json(o, "body", error);
  }
  message_free(&message);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  struct send_options *o = options;
  int status = live_options_resolve(&o->live, &command, uses);
  if (status == 0) {
    status = check_options(o);
  }
  if (status == 0) {
    status = check_addresses(o);
  }
  if (status == 0) {
    return read_and_submit(o);
  }
  if (o->live.json) {
    print_early_json(o, "connect", "the command line or the configuration is wrong");
  }
  return status;
}

int command_send(int argc, char **argv) {
  struct send_options options = {0};
  int status = options_run(&command, argc, argv, &options, run);
  live_options_free(&options.live);
  free(options.to);
  return status;
}
