// ehlo send: submits one message, or several over one connection.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/message.h"
#include "tools/driver/send_options.h"
#include "tools/driver/session.h"
#include "tools/driver/text.h"

// What is sent: the messages that were read, and their envelopes.
struct post {
  struct message *messages;
  struct ehlo_message *envelopes;
  struct ehlo_recipient *recipients;
  size_t num;
  size_t current;
  struct warnings warnings;
};

// ---- Afterwards -------------------------------------------------------------------------------------

// Whether the server has the message for a recipient; where there was to be none, whether it took the
// recipient. Its last reply may be a good one to RCPT, and the message refused after it.
static bool is_accepted(const struct ehlo_message *m, size_t recipient) {
  enum ehlo_recipient_state state = m->to[recipient].state;
  return state == EHLO_RECIPIENT_ACCEPTED ||
         (state == EHLO_RECIPIENT_TAKEN && m->verdict.outcome == EHLO_OUTCOME_STOPPED);
}

// `s` is NULL where there was no session.
static json_t *recipients_json(const struct send_options *o, const struct session *s,
                               size_t message) {
  json_t *json = json_array();
  for (size_t i = 0; i < o->num_to; i++) {
    bool accepted = false;
    json_t *reply = json_null();
    if (s != NULL) {
      accepted = is_accepted(&s->submission.submit.config.messages[message], i);
      reply = report_reply_json(report_recipient(&s->report, message, i));
    }
    json_array_append_new(json, json_pack("{s:o, s:b, s:o}", "address", text_to_json(o->to[i]),
                                          "accepted", accepted, "reply", reply));
  }
  return json;
}

// What was wrong before there was a session.
static void print_early_json(const struct send_options *o, const char *stage, const char *error,
                             const struct warnings *warnings) {
  json_t *json = json_pack(
      "{s:s, s:s, s:n, s:o, s:n, s:[], s:n, s:n, s:i, s:i, s:f, s:n, s:s, s:o, s:n}", "outcome",
      "usage", "stage", stage, "reply", "recipients", recipients_json(o, NULL, 0), "tls",
      "capabilities", "auth", "auth_error", "round_trips", 0, "writes", 0, "seconds", 0.0, "hash",
      "error", error, "warnings", warnings_json(warnings, NULL), "explanation");
  text_print_json(json, JSON_INDENT(2));
}

// What became of each, where there are several.
static json_t *messages_json(const struct send_options *o, const struct session *s) {
  const struct ehlo_submit_config *config = &s->submission.submit.config;
  json_t *json = json_array();
  for (size_t i = 0; i < config->num_messages; i++) {
    const struct ehlo_verdict *v = &config->messages[i].verdict;
    json_array_append_new(
        json,
        json_pack("{s:o, s:s, s:s, s:o, s:o}", "data", text_to_json(ehlo_str(o->data[i])),
                  "outcome", ehlo_outcome_name(v->outcome), "stage", ehlo_stage_name(v->stage),
                  "reply", report_reply_json(&s->report.messages[i]), "recipients",
                  recipients_json(o, s, i)));
  }
  return json;
}

static void print_json(const struct send_options *o, const struct session *s,
                       const struct warnings *warnings) {
  const struct ehlo_submit *submit = &s->submission.submit;
  const struct report *r = &s->report;
  const struct kept_reply *hello = &r->hello[r->num_hello > 1 ? 1 : 0];
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, r->hash);
  json_t *json = json_pack(
      "{s:s, s:s, s:o, s:o, s:o, s:o, s:s?, s:o, s:I, s:I, s:f, s:s, s:s?, s:o, s:o}", "outcome",
      ehlo_outcome_name(submit->verdict.outcome), "stage", ehlo_stage_name(submit->verdict.stage),
      "reply", report_reply_json(report_deciding(r, submit)), "recipients",
      recipients_json(o, s, 0), "tls", report_tls_json(tls, false), "capabilities",
      report_capabilities_json(hello), "auth",
      submit->mechanism != NULL ? submit->mechanism->name : NULL, "auth_error",
      report_oauth_json(r), "round_trips", (json_int_t)s->flights, "writes", (json_int_t)s->writes,
      "seconds", (double)r->seconds_us / 1e6, "hash", hash, "error",
      s->error[0] != '\0' ? s->error : NULL, "warnings", warnings_json(warnings, &s->warnings),
      "explanation", report_explanation_json(r, submit));
  if (submit->config.num_messages > 1) {
    json_object_set_new(json, "messages", messages_json(o, s));
  }
  text_print_json(json, JSON_INDENT(2));
}

static void print_refused_recipients(const struct send_options *o, const struct report *r,
                                     size_t message) {
  for (size_t i = 0; i < o->num_to; i++) {
    struct ehlo_reply_line line;
    size_t pos = 0;
    const struct kept_reply *kept = report_recipient(r, message, i);
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

static void print_verdict(const struct ehlo_verdict *v, const struct kept_reply *deciding) {
  printf("%s", ehlo_outcome_name(v->outcome));
  if (v->outcome == EHLO_OUTCOME_ACCEPTED || v->outcome == EHLO_OUTCOME_PARTIAL) {
    struct ehlo_reply_line line;
    size_t pos = 0;
    if (ehlo_reply_line(&deciding->reply, &pos, &line)) {
      printf(": ");
      text_print(stdout, line.whole);
    }
  } else {
    printf(" at %s", ehlo_stage_name(v->stage));
  }
}

static void print_messages(const struct send_options *o, const struct session *s) {
  const struct ehlo_submit_config *config = &s->submission.submit.config;
  for (size_t i = 0; i < config->num_messages; i++) {
    const struct ehlo_verdict *v = &config->messages[i].verdict;
    if (config->num_messages > 1) {
      text_print(stdout, ehlo_str(o->data[i]));
      printf(": ");
      print_verdict(v, &s->report.messages[i]);
      putchar('\n');
    }
    if (v->outcome == EHLO_OUTCOME_PARTIAL) {
      print_refused_recipients(o, &s->report, i);
    }
  }
}

static void print_words(const struct send_options *o, const struct session *s) {
  print_verdict(&s->submission.submit.verdict, report_deciding(&s->report, &s->submission.submit));
  printf(" (%" PRIu64 " round trips, %.3f s)\n", s->flights, (double)s->report.seconds_us / 1e6);
  print_messages(o, s);
  fflush(stdout);
  if (s->error[0] != '\0') {
    fprintf(stderr, "ehlo: %s\n", s->error);
  }
  if (sink_is_kept(&s->sink) && !s->options->quiet) {
    printf("recorded in %s\n", s->sink.path);
  }
  if (!s->options->quiet) {
    report_print_hash(&s->report);
  }
}

// ---- The messages -----------------------------------------------------------------------------------

static void post_free(struct post *p) {
  for (size_t i = 0; p->messages != NULL && i < p->num; i++) {
    message_free(&p->messages[i]);
  }
  free(p->messages);
  free(p->envelopes);
  free(p->recipients);
  warnings_free(&p->warnings);
}

static void address(struct post *p, const struct send_options *o, size_t i) {
  const struct message *message = &p->messages[i];
  struct ehlo_recipient *to = p->recipients + i * o->num_to;
  for (size_t k = 0; k < o->num_to; k++) {
    to[k].address = o->to[k];
    to[k].params = ehlo_str(o->rcpt_params);
  }
  p->envelopes[i] = (struct ehlo_message){
      .from = ehlo_str(o->from),
      .params = ehlo_str(o->mail_params),
      .to = to,
      .num_to = o->num_to,
      .size = o->binary ? message->len : message->preflight.wire_size,
      .is_8bit = ehlo_preflight_is_8bit(&message->preflight),
      .is_binary = o->binary,
  };
}

// Reads and judges one file. With --quit-after there may be none: the message is empty then.
static int read_message(struct message *out, struct warnings *warnings,
                        const struct send_options *o, const char *path, char *error,
                        size_t error_cap) {
  struct message_rules rules = {o->fix_eol, o->force, o->exact};
  int status = message_read(out, path);
  if (status != 0) {
    snprintf(error, error_cap, "cannot read the message");
  } else if (!o->binary) {
    status = message_check(error, error_cap, warnings, out, path, &rules);
  }
  return status;
}

static int post_read(struct post *p, const struct send_options *o, char *error, size_t error_cap) {
  p->num = o->num_data > 0 ? o->num_data : 1;
  p->messages = calloc(p->num, sizeof(*p->messages));
  p->envelopes = calloc(p->num, sizeof(*p->envelopes));
  p->recipients = calloc(p->num * o->num_to + 1, sizeof(*p->recipients));
  if (p->messages == NULL || p->envelopes == NULL || p->recipients == NULL) {
    snprintf(error, error_cap, "out of memory");
    fprintf(stderr, "ehlo: %s\n", error);
    return EX_OSERR;
  }
  for (size_t i = 0; i < o->num_data; i++) {
    int status = read_message(&p->messages[i], &p->warnings, o, o->data[i], error, error_cap);
    if (status != 0) {
      return status;
    }
  }
  for (size_t i = 0; i < p->num; i++) {
    address(p, o, i);
  }
  return 0;
}

static void begin(void *arg, size_t message) {
  struct post *p = arg;
  p->current = message;
  p->messages[message].pos = 0;
}

static enum ehlo_source_state peek(void *arg, struct ehlo_span *out) {
  struct post *p = arg;
  return message_peek(&p->messages[p->current], out);
}

static void skip(void *arg, size_t n) {
  struct post *p = arg;
  p->messages[p->current].pos += n;
}

// Where the 8-bit characters are that the server does not take.
static void add_place(struct session *s, const struct send_options *o, const struct post *p) {
  for (size_t i = 0; i < o->num_data; i++) {
    if (p->envelopes[i].verdict.problem == EHLO_PROBLEM_8BIT) {
      message_add_place(s->error, sizeof(s->error), &p->messages[i], o->data[i]);
      return;
    }
  }
}

// ---- The command ------------------------------------------------------------------------------------

static int submit(const struct send_options *o, struct post *post) {
  int status;
  struct session *s = session_new(&status, &o->live);
  if (s == NULL) {
    if (o->live.json) {
      print_early_json(o, "connect",
                       "at connect: the session cannot begin; standard error says why",
                       &post->warnings);
    }
    return status;
  }
  s->config.messages = post->envelopes;
  s->config.num_messages = post->num;
  s->config.transfer = o->transfer;
  s->config.xclient = ehlo_str(o->xclient);
  s->config.force = o->force;
  s->config.stop = o->stop;
  s->config.stop_after = o->stop_after;
  s->client_config.bare_cr = o->fix_eol ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE;
  s->client_config.bare_lf = o->exact ? EHLO_BARE_LF_REFUSE : EHLO_BARE_LF_NORMALISE;
  struct ehlo_source source = {begin, peek, skip, post};
  status = session_run(s, &source);
  add_place(s, o, post);
  if (o->live.json) {
    print_json(o, s, &post->warnings);
  } else {
    print_words(o, s);
  }
  session_free(s);
  return status;
}

static int read_and_submit(const struct send_options *o) {
  struct post post = {.warnings.silent = o->live.quiet || o->live.json};
  char error[MESSAGE_SENTENCE_MAX];
  int status = post_read(&post, o, error, sizeof(error));
  if (status == 0) {
    status = submit(o, &post);
  } else if (o->live.json) {
    print_early_json(o, "body", error, &post.warnings);
  }
  post_free(&post);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  struct send_options *o = options;
  int status = live_options_resolve(&o->live, &send_command, uses);
  if (status == 0) {
    status = send_options_check(o);
  }
  if (status == 0) {
    return read_and_submit(o);
  }
  if (o->live.json) {
    print_early_json(o, "connect", "the command line or the configuration is wrong", NULL);
  }
  return status;
}

int command_send(int argc, char **argv) {
  struct send_options options;
  send_options_init(&options);
  int status = options_run(&send_command, argc, argv, &options, run);
  send_options_free(&options);
  return status;
}
