// What is said after a submission, in words or as the JSON object of the command line's contract.
#include "tools/driver/send_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "tools/driver/complaints.h"
#include "tools/driver/explanation.h"
#include "tools/driver/text.h"

// Whether the server has the message for a recipient; where there was to be none, whether it took
// the recipient. Its last reply may be a good one to RCPT, and the message refused after it.
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
void send_report_early(const struct send_options *o, const char *stage, const char *error,
                       const struct warnings *warnings) {
  json_t *json = json_pack(
      "{s:s, s:s, s:n, s:o, s:n, s:[], s:n, s:n, s:i, s:i, s:f, s:n, s:s, s:o, s:n}", "outcome",
      "usage", "stage", stage, "reply", "recipients", recipients_json(o, NULL, 0), "tls",
      "capabilities", "auth", "auth_error", "round_trips", 0, "writes", 0, "seconds", 0.0, "hash",
      "error", error, "warnings", warnings_json(warnings, NULL), "explanation");
  text_print_json(json, JSON_INDENT(2));
}

void send_report_usage(const char *error) {
  static const struct send_options none;
  send_report_early(&none, "connect", error, NULL);
}

// What became of each, where there are several.
static json_t *messages_json(const struct send_options *o, const struct post *p,
                             const struct session *s) {
  const struct ehlo_submit_config *config = &s->submission.submit.config;
  json_t *json = json_array();
  for (size_t i = 0; i < config->num_messages; i++) {
    const struct ehlo_verdict *v = &config->messages[i].verdict;
    json_array_append_new(
        json,
        json_pack("{s:o, s:s, s:s, s:o, s:o}", "data", text_to_json(ehlo_str(p->messages[i].name)),
                  "outcome", ehlo_outcome_name(v->outcome), "stage", ehlo_stage_name(v->stage),
                  "reply", report_reply_json(&s->report.messages[i]), "recipients",
                  recipients_json(o, s, i)));
  }
  return json;
}

void send_report_json(const struct send_options *o, const struct post *p, const struct session *s) {
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
      s->error[0] != '\0' ? s->error : NULL, "warnings", warnings_json(&p->warnings, &s->warnings),
      "explanation", report_explanation_json(r, submit));
  if (submit->config.num_messages > 1) {
    json_object_set_new(json, "messages", messages_json(o, p, s));
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

static void print_messages(const struct send_options *o, const struct post *p,
                           const struct session *s) {
  const struct ehlo_submit_config *config = &s->submission.submit.config;
  for (size_t i = 0; i < config->num_messages; i++) {
    const struct ehlo_verdict *v = &config->messages[i].verdict;
    if (config->num_messages > 1) {
      text_print(stdout, ehlo_str(p->messages[i].name));
      printf(": ");
      print_verdict(v, &s->report.messages[i]);
      putchar('\n');
    }
    if (v->outcome == EHLO_OUTCOME_PARTIAL) {
      print_refused_recipients(o, &s->report, i);
    }
  }
}

void send_report_words(const struct send_options *o, const struct post *p,
                       const struct session *s) {
  struct explanation e;
  print_verdict(&s->submission.submit.verdict, report_deciding(&s->report, &s->submission.submit));
  printf(" (%" PRIu64 " round trips, %.3f s)\n", s->flights, (double)s->report.seconds_us / 1e6);
  print_messages(o, p, s);
  if (!s->options->quiet && report_explain(&e, &s->report, &s->submission.submit)) {
    explanation_print(stdout, &e, 2);
  }
  fflush(stdout);
  if (s->error[0] != '\0') {
    fprintf(complaints(), "ehlo: %s\n", s->error);
  }
  if (sink_is_kept(&s->sink) && !s->options->quiet) {
    printf("recorded in %s\n", s->sink.path);
  }
  if (!s->options->quiet) {
    report_print_hash(&s->report);
  }
}
