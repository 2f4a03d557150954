// ehlo probe: what a server says of itself, before and under TLS. It sends no mail and no password.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/explanation.h"
#include "tools/driver/plan.h"
#include "tools/driver/session.h"
#include "tools/driver/text.h"

static const struct option_row *const tables[] = {plan_option_rows, live_option_rows, NULL};
static const char *const essentials[] = {"tls",    "ca-file", "tls-name", "insecure", "timeout",
                                         "record", "json",    "verbose",  NULL};
static const struct command command = {
    .name = "probe",
    .essentials = essentials,
    .synopsis = "SERVER",
    .summary =
        "Looks at a server: greeting, capabilities before and after TLS, AUTH\n"
        "mechanisms, the certificate chain. Sends no mail and logs in nowhere.",
    .tables = tables,
};

// ---- JSON -------------------------------------------------------------------------------------------

static json_t *hello_json(const struct report *r, bool secure) {
  for (size_t i = 0; i < r->num_hello; i++) {
    if (r->hello_secure[i] == secure) {
      return report_capabilities_json(&r->hello[i]);
    }
  }
  return json_null();
}

// The mechanisms of the last EHLO.
static json_t *mechanisms_json(const struct ehlo_client *c) {
  json_t *json = json_array();
  const char *at = ehlo_client_capabilities(c)->mechanisms;
  while (*(at += strspn(at, " ")) != '\0') {
    size_t len = strcspn(at, " ");
    json_array_append_new(json, json_stringn(at, len));
    at += len;
  }
  return json;
}

static void print_json(const struct session *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  const struct report *r = &s->report;
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, r->hash);
  json_t *json = json_pack(
      "{s:s, s:s, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:f, s:s, s:s?, s:n}", "outcome",
      ehlo_outcome_name(submit->verdict.outcome), "stage", ehlo_stage_name(submit->verdict.stage),
      "greeting", report_reply_json(&r->greeting), "reply", report_reply_json(&r->deciding),
      "capabilities", "before_tls", hello_json(r, false), "under_tls", hello_json(r, true),
      "mechanisms", mechanisms_json(&s->client), "tls", report_tls_json(tls, true), "seconds",
      (double)r->seconds_us / 1e6, "hash", hash, "error", s->error[0] != '\0' ? s->error : NULL,
      "explanation");
  text_print_json(json, JSON_INDENT(2));
}

// What was wrong before there was a session.
static void print_early_json(void) {
  text_print_json(
      json_pack("{s:s, s:s, s:n, s:n, s:{s:n, s:n}, s:[], s:n, s:f, s:n, s:s, s:n}", "outcome",
                "usage", "stage", "connect", "greeting", "reply", "capabilities", "before_tls",
                "under_tls", "mechanisms", "tls", "seconds", 0.0, "hash", "error",
                "at connect: the session cannot begin; standard error says why", "explanation"),
      JSON_INDENT(2));
}

// ---- Words ------------------------------------------------------------------------------------------

static void print_lines(const char *title, const struct kept_reply *kept, bool first_too) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  if (kept->text == NULL) {
    return;
  }
  printf("%s\n", title);
  if (!first_too) {
    ehlo_reply_line(&kept->reply, &pos, &line);
  }
  while (ehlo_reply_line(&kept->reply, &pos, &line)) {
    printf("  ");
    text_print(stdout, first_too ? line.whole : line.text);
    putchar('\n');
  }
}

static void print_tls(const struct live_tls_info *info) {
  if (info == NULL) {
    return;
  }
  printf("TLS\n");
  if (info->version[0] != '\0') {
    printf("  %s %s %s\n", info->version, info->cipher, info->group);
  }
  for (size_t i = 0; i < info->num_certificates; i++) {
    const struct live_certificate_info *c = &info->certificates[i];
    printf("  certificate %zu\n    subject  %s\n    issuer   %s\n    valid    %s to %s\n", i + 1,
           c->subject, c->issuer, c->not_before, c->not_after);
    if (c->num_names > 0) {
      printf("    names    %s\n", c->names);
    }
    printf("    sha256   %s\n", c->sha256);
  }
  if (info->judged) {
    bool trusted = info->verdict.chain_ok && info->verdict.name_ok;
    printf("  %s%s\n", trusted ? "trusted" : "NOT trusted: ", info->verdict.reason);
  }
}

static void print_words(const struct session *s, bool quiet) {
  struct explanation e;
  const struct report *r = &s->report;
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  if (s->connected) {
    printf("connected to %s\n", live_address(&s->live));
  }
  print_lines("greeting", &r->greeting, true);
  for (size_t i = 0; i < r->num_hello; i++) {
    print_lines(r->hello_secure[i] ? "capabilities under TLS" : "capabilities before TLS",
                &r->hello[i], false);
  }
  print_tls(tls);
  if (!quiet) {
    report_print_hash(r);
  }
  if (!quiet && report_explain(&e, r, &s->submission.submit)) {
    explanation_print(stdout, &e, 2);
  }
  fflush(stdout);
  if (s->error[0] != '\0') {
    fprintf(stderr, "ehlo: %s\n", s->error);
  }
}

// ---- The command ------------------------------------------------------------------------------------

static int probe(const struct live_options *options) {
  // The words come at the end and in order; the conversation itself is shown with -v.
  struct live_options quiet = *options;
  int status;
  quiet.quiet = !options->verbose;
  quiet.user = NULL;
  struct session *s = session_new(&status, &quiet);
  if (s == NULL) {
    if (options->json) {
      print_early_json();
    }
    return status;
  }
  struct ehlo_source none = {0};
  s->config.stop = true;
  s->config.stop_after = EHLO_STAGE_TLS;
  status = session_run(s, &none);
  if (options->json) {
    print_json(s);
  } else {
    print_words(s, options->quiet);
  }
  session_free(s);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  const struct live_options *o = options;
  int status = live_options_resolve(options, &command, uses);
  if (status == 0 && o->dry_run) {
    plan_show(o);
    return 0;
  }
  if (status == 0) {
    return probe(o);
  }
  if (o->json) {
    print_early_json();
  }
  return status;
}

int command_probe(int argc, char **argv) {
  struct live_options options = {0};
  int status = options_run(&command, argc, argv, &options, run);
  live_options_free(&options);
  return status;
}
