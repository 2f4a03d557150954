// The report of a probe.
#include "tools/driver/probe_print.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/driver/complaints.h"
#include "tools/driver/explanation.h"
#include "tools/driver/first_bytes.h"
#include "tools/driver/text.h"

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

static json_t *versions_json(const enum probe_version_state versions[PROBE_VERSIONS]) {
  json_t *json = json_object();
  for (int i = 0; i < PROBE_VERSIONS; i++) {
    json_object_set_new(json, probe_version_names[i],
                        versions[i] == PROBE_VERSION_UNKNOWN
                            ? json_null()
                            : json_boolean(versions[i] == PROBE_VERSION_TAKEN));
  }
  return json;
}

void probe_print_json(const struct session *s,
                      const enum probe_version_state versions[PROBE_VERSIONS]) {
  const struct ehlo_submit *submit = &s->submission.submit;
  const struct report *r = &s->report;
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, r->hash);
  long days;
  json_t *json = json_pack(
      "{s:s, s:s, s:o, s:o, s:{s:o, s:o}, s:o, s:o, s:f, s:s, s:s?, s:o}", "outcome",
      ehlo_outcome_name(submit->verdict.outcome), "stage", ehlo_stage_name(submit->verdict.stage),
      "greeting", report_reply_json(&r->greeting), "reply", report_reply_json(&r->deciding),
      "capabilities", "before_tls", hello_json(r, false), "under_tls", hello_json(r, true),
      "mechanisms", mechanisms_json(&s->client), "tls", report_tls_json(tls, true), "seconds",
      (double)r->seconds_us / 1e6, "hash", hash, "error", s->error[0] != '\0' ? s->error : NULL,
      "explanation", report_explanation_json(r, submit));
  json_object_set_new(json, "greeting_seconds",
                      s->greeting_us != 0 ? json_real((double)s->greeting_us / 1e6) : json_null());
  json_object_set_new(json, "tls_versions", versions_json(versions));
  json_object_set_new(json, "days_left",
                      probe_days_left(&days, tls) ? json_integer(days) : json_null());
  text_print_json(json, JSON_INDENT(2));
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

static bool has_line(const struct kept_reply *hello, struct ehlo_span text) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  ehlo_reply_line(&hello->reply, &pos, &line);
  while (ehlo_reply_line(&hello->reply, &pos, &line)) {
    if (line.text.len == text.len && memcmp(line.text.bytes, text.bytes, text.len) == 0) {
      return true;
    }
  }
  return false;
}

// The lines of one EHLO reply that the other has not, behind a sign.
static void print_only(char sign, const struct kept_reply *here, const struct kept_reply *there) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  ehlo_reply_line(&here->reply, &pos, &line);
  while (ehlo_reply_line(&here->reply, &pos, &line)) {
    if (!has_line(there, line.text)) {
      printf("  %c ", sign);
      text_print(stdout, line.text);
      putchar('\n');
    }
  }
}

static void print_difference(const struct report *r) {
  if (r->num_hello == 2 && r->hello[0].text != NULL && r->hello[1].text != NULL) {
    puts("what TLS changes");
    print_only('-', &r->hello[0], &r->hello[1]);
    print_only('+', &r->hello[1], &r->hello[0]);
  }
}

// What a mechanism asks of whoever logs in.
static const char *mechanism_words(const char *name) {
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    if (strcasecmp(ehlo_all_mechanisms[i]->name, name) != 0) {
      continue;
    }
    if (strcmp(ehlo_all_mechanisms[i]->name, "XOAUTH2") == 0 ||
        strcmp(ehlo_all_mechanisms[i]->name, "OAUTHBEARER") == 0) {
      return "a token; with --auth";
    }
    if (ehlo_all_mechanisms[i] == &ehlo_mechanism_external) {
      return "a client certificate; with --auth";
    }
    return i < ehlo_num_password_mechanisms ? "a password" : "a password; with --auth";
  }
  return "ehlo does not know it";
}

static void print_mechanisms(const struct ehlo_client *c) {
  char name[64];
  const char *at = ehlo_client_capabilities(c)->mechanisms;
  if (at[0] != '\0') {
    puts("mechanisms");
  }
  while (*(at += strspn(at, " ")) != '\0') {
    size_t len = strcspn(at, " ");
    snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), at);
    printf("  %-20s wants %s\n", name, mechanism_words(name));
    at += len;
  }
}

static void print_versions(const enum probe_version_state versions[PROBE_VERSIONS]) {
  bool any = false;
  for (int i = 0; i < PROBE_VERSIONS; i++) {
    any = any || versions[i] != PROBE_VERSION_UNKNOWN;
  }
  for (int i = 0; any && i < PROBE_VERSIONS; i++) {
    printf("%s%s %s", i == 0 ? "  versions " : ", ", probe_version_names[i],
           versions[i] == PROBE_VERSION_TAKEN ? "yes" : "no");
  }
  fputs(any ? "\n" : "", stdout);
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
    printf("    sha256   %s\n    pins     cert:sha256:%s\n             spki:sha256:%s\n", c->sha256,
           c->sha256, c->spki_sha256);
  }
  if (info->judged) {
    bool trusted = info->verdict.chain_ok && info->verdict.name_ok;
    printf("  %s%s\n", trusted ? "trusted" : "NOT trusted: ", info->verdict.reason);
  }
}

void probe_print_days(const struct live_tls_info *tls, unsigned warn_days) {
  long days;
  if (probe_days_left(&days, tls) && days < (long)warn_days) {
    printf("  warning: a certificate of the chain %s %ld days\n",
           days < 0 ? "has expired since" : "expires in", days < 0 ? -days : days);
  }
}

void probe_print_words(const struct session *s, bool quiet,
                       const enum probe_version_state versions[PROBE_VERSIONS],
                       unsigned warn_days) {
  struct explanation e;
  const struct report *r = &s->report;
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  if (s->connected) {
    printf("connected to %s\n", live_address(&s->live));
  }
  print_lines("greeting", &r->greeting, true);
  if (s->greeting_us != 0) {
    printf("  after %.3f s%s\n", (double)s->greeting_us / 1e6,
           s->greeting_us > 3000000 ? ": the server lets clients wait, to see who cannot" : "");
  }
  const char *who = r->greeting.text != NULL ? first_bytes_look(r->greeting.reply.text) : NULL;
  if (who != NULL) {
    printf("  %s\n", who);
  }
  for (size_t i = 0; i < r->num_hello; i++) {
    print_lines(r->hello_secure[i] ? "capabilities under TLS" : "capabilities before TLS",
                &r->hello[i], false);
  }
  print_difference(r);
  print_mechanisms(&s->client);
  print_tls(tls);
  print_versions(versions);
  probe_print_days(tls, warn_days);
  if (!quiet) {
    report_print_hash(r);
  }
  if (!quiet && report_explain(&e, r, &s->submission.submit)) {
    explanation_print(stdout, &e, 2);
  }
  fflush(stdout);
  if (s->error[0] != '\0') {
    fprintf(complaints(), "ehlo: %s\n", s->error);
  }
}
