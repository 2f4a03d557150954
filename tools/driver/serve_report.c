// See serve_report.h.
#include "tools/driver/serve_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "engine/ehlo.h"
#include "tools/driver/text.h"

static const char *reaction_name(enum ehlo_reaction_type type) {
  switch (type) {
    case EHLO_REACTION_NONE:
      return "none";
    case EHLO_REACTION_RETRIED:
      return "retried";
    case EHLO_REACTION_WENT_ON:
      return "went-on";
    case EHLO_REACTION_QUIT:
      return "quit";
    case EHLO_REACTION_CLOSED:
      return "closed";
  }
  return "unknown";
}

static const char *end_name(const struct ehlo_served_report *r) {
  switch (r->ending) {
    case EHLO_ENDS_NOT:
      return r->tls_failed ? "tls-failed" : "client";
    case EHLO_ENDS_CLOSED:
      return r->quit ? "quit" : "server";
    case EHLO_ENDS_CUT:
      return "cut";
    case EHLO_ENDS_RESET:
      return "reset";
    case EHLO_ENDS_SILENT:
      return "silence";
  }
  return "unknown";
}

// The stages, in the order of a session; a bit each of what was reached.
static const char *const stages[] = {"greeting", "ehlo", "starttls", "tls",  "auth",
                                     "mail",     "rcpt", "data",     "body", "quit"};
#define NUM_STAGES (sizeof(stages) / sizeof(stages[0]))

static unsigned stages_of(const struct ehlo_served_report *r) {
  static const struct {
    enum ehlo_meaning meaning;
    unsigned bit;
  } rows[] = {
      {EHLO_MEANS_EHLO, 1},  {EHLO_MEANS_HELO, 1}, {EHLO_MEANS_LHLO, 1}, {EHLO_MEANS_STARTTLS, 2},
      {EHLO_MEANS_AUTH, 4},  {EHLO_MEANS_MAIL, 5}, {EHLO_MEANS_RCPT, 6}, {EHLO_MEANS_DATA, 7},
      {EHLO_MEANS_CHUNK, 7}, {EHLO_MEANS_QUIT, 9},
  };
  unsigned reached = 1u | (r->tls ? 1u << 3 : 0) | (r->num_messages > 0 ? 1u << 8 : 0);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    reached |= r->came[rows[i].meaning] ? 1u << rows[i].bit : 0;
  }
  return reached;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

// "AUTH PLAIN", "RCPT"
static const char *step_name(char *out, size_t cap, const struct ehlo_script_step *step) {
  if (step->meaning == EHLO_MEANS_GREETING) {
    snprintf(out, cap, "the end");
  } else {
    snprintf(out, cap, "%s%s%s", ehlo_meaning_name(step->meaning),
             step->mechanism[0] != '\0' ? " " : "", step->mechanism);
  }
  return out;
}

// ---- Words -------------------------------------------------------------------------------------

static void print_commands(const struct ehlo_served_report *r) {
  for (size_t i = 0; i < least(r->num_runs, EHLO_SERVED_TOLD_COMMANDS); i++) {
    printf("%s%s", i > 0 ? ", " : "", ehlo_meaning_name(r->commands[i].meaning));
    if (r->commands[i].count > 1) {
      printf(" x%zu", r->commands[i].count);
    }
  }
  printf("%s\n", r->num_runs > EHLO_SERVED_TOLD_COMMANDS ? ", …"
                 : r->num_runs == 0                      ? "no command"
                                                         : "");
}

static void print_session(const struct serve_connection *c) {
  const struct ehlo_served_report *r = &c->served.report;
  if (r->tls) {
    printf("  %s %s\n", c->channel.tls.info.version, c->channel.tls.info.cipher);
  } else if (r->tls_failed) {
    printf("  TLS failed: ");
    text_print(stdout, ehlo_str(live_tls_failure(&c->channel.tls)));
    printf("\n");
  }
  if (r->num_attempts > 0) {
    printf("  AUTH %s %s%s\n", r->mechanism, r->authenticated ? "accepted" : "not accepted",
           r->no_proof ? ": what comes last is hidden in the transcript" : "");
  }
  if (r->num_recipients > 0) {
    printf("  %zu of %zu recipients accepted:", r->num_accepted, r->num_recipients);
    for (size_t i = 0; i < least(r->num_recipients, EHLO_SERVED_TOLD_RECIPIENTS); i++) {
      printf(" <");
      text_print(stdout, ehlo_str(r->recipients[i].address));
      printf(">%s", r->recipients[i].accepted ? "" : " refused");
    }
    printf("%s\n", r->num_recipients > EHLO_SERVED_TOLD_RECIPIENTS ? " …" : "");
  }
  if (r->num_messages > 0) {
    printf("  %zu of %zu messages accepted, %" PRIu64 " octets\n", r->num_accepted_messages,
           r->num_messages, r->message_octets);
  }
}

void serve_report_print(const struct serve_connection *c, const char *const *faults) {
  const struct ehlo_served_report *r = &c->served.report;
  char a[64];
  char b[64];
  printf("connection %zu from %s: ", c->served.connection, c->peer);
  print_commands(r);
  print_session(c);
  if (r->num_too_long > 0) {
    printf("  %zu lines were longer than 12288 octets\n", r->num_too_long);
  }
  if (r->dropped > 0) {
    printf("  %zu octets came in the clear behind STARTTLS, and were dropped\n", r->dropped);
  }
  for (size_t i = 0; i < least(r->num_reactions, EHLO_SERVED_TOLD_REACTIONS); i++) {
    printf("  fault ");
    text_print(stdout, ehlo_str(faults[r->reactions[i].fault]));
    printf(": %s\n", reaction_name(r->reactions[i].type));
  }
  if (r->differs) {
    printf("  step %zu was %s, of the recorded client %s\n", r->differs_at,
           step_name(a, sizeof(a), &r->done), step_name(b, sizeof(b), &r->recorded));
  }
  printf("  ended: %s\n", end_name(r));
}

// ---- JSON --------------------------------------------------------------------------------------

static json_t *commands_json(const struct ehlo_served_report *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < least(r->num_runs, EHLO_SERVED_TOLD_COMMANDS); i++) {
    json_array_append_new(
        list, json_pack("{s:s, s:I}", "command", ehlo_meaning_name(r->commands[i].meaning), "count",
                        (json_int_t)r->commands[i].count));
  }
  return list;
}

static json_t *stages_json(const struct ehlo_served_report *r) {
  unsigned reached = stages_of(r);
  json_t *list = json_array();
  for (size_t i = 0; i < NUM_STAGES; i++) {
    if ((reached & 1u << i) != 0) {
      json_array_append_new(list, json_string(stages[i]));
    }
  }
  return list;
}

static json_t *recipients_json(const struct ehlo_served_report *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < least(r->num_recipients, EHLO_SERVED_TOLD_RECIPIENTS); i++) {
    json_array_append_new(
        list, json_pack("{s:o, s:b}", "address", text_to_json(ehlo_str(r->recipients[i].address)),
                        "accepted", (int)r->recipients[i].accepted));
  }
  return list;
}

static json_t *faults_json(const struct ehlo_served_report *r, const char *const *faults) {
  json_t *list = json_array();
  for (size_t i = 0; i < least(r->num_reactions, EHLO_SERVED_TOLD_REACTIONS); i++) {
    json_array_append_new(list, json_pack("{s:o, s:s}", "fault",
                                          text_to_json(ehlo_str(faults[r->reactions[i].fault])),
                                          "reaction", reaction_name(r->reactions[i].type)));
  }
  return list;
}

static json_t *tls_json(const struct serve_connection *c) {
  const struct ehlo_served_report *r = &c->served.report;
  return r->tls ? json_pack("{s:s, s:s}", "version", c->channel.tls.info.version, "cipher",
                            c->channel.tls.info.cipher)
                : json_null();
}

static json_t *auth_json(const struct ehlo_served_report *r) {
  if (r->num_attempts == 0) {
    return json_null();
  }
  return json_pack("{s:s, s:I, s:b, s:b}", "mechanism", r->mechanism, "attempts",
                   (json_int_t)r->num_attempts, "accepted", (int)r->authenticated, "proof_hidden",
                   (int)r->no_proof);
}

static json_t *differs_json(const struct ehlo_served_report *r) {
  char a[64];
  char b[64];
  return r->differs ? json_pack("{s:I, s:s, s:s}", "step", (json_int_t)r->differs_at, "recorded",
                                step_name(a, sizeof(a), &r->recorded), "client",
                                step_name(b, sizeof(b), &r->done))
                    : json_null();
}

void serve_report_json(const struct serve_connection *c, const char *const *faults) {
  const struct ehlo_served_report *r = &c->served.report;
  json_t *json =
      json_pack("{s:I, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "connection",
                (json_int_t)c->served.connection, "peer", c->peer, "ended", end_name(r),
                "num_commands", (json_int_t)r->num_commands, "commands", commands_json(r), "stages",
                stages_json(r), "tls", tls_json(c), "auth", auth_json(r));
  json_object_update_new(
      json,
      json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I}", "recipients",
                recipients_json(r), "num_recipients", (json_int_t)r->num_recipients,
                "num_accepted_recipients", (json_int_t)r->num_accepted, "num_messages",
                (json_int_t)r->num_messages, "num_accepted_messages",
                (json_int_t)r->num_accepted_messages, "message_octets",
                (json_int_t)r->message_octets, "faults", faults_json(r, faults), "differs",
                differs_json(r), "octets", (json_int_t)r->octets, "lines_too_long",
                (json_int_t)r->num_too_long, "dropped_behind_starttls", (json_int_t)r->dropped));
  if (r->tls_failed) {
    json_object_set_new(json, "tls_error",
                        text_to_json(ehlo_str(live_tls_failure(&c->channel.tls))));
  }
  text_print_json(json, JSON_COMPACT);
}
