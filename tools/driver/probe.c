// ehlo probe: what a server says of itself, before and under TLS. It sends no mail and no password.
#include <inttypes.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/explanation.h"
#include "tools/driver/first_bytes.h"
#include "tools/driver/interrupt.h"
#include "tools/driver/plan.h"
#include "tools/driver/probe.h"
#include "tools/driver/text.h"

static const char *set_all(void *o, const char *value) {
  (void)value;
  ((struct probe_options *)o)->all = true;
  return NULL;
}

static const char *set_srv(void *o, const char *value) {
  (void)value;
  ((struct probe_options *)o)->srv = true;
  return NULL;
}

static const char *set_dns(void *o, const char *value) {
  ((struct probe_options *)o)->dns = value;
  return NULL;
}

static const char *set_quick(void *o, const char *value) {
  (void)value;
  ((struct probe_options *)o)->quick = true;
  return NULL;
}

static const char *set_baseline(void *o, const char *value) {
  ((struct probe_options *)o)->baseline = value;
  return NULL;
}

static const char *set_update(void *o, const char *value) {
  (void)value;
  ((struct probe_options *)o)->update_baseline = true;
  return NULL;
}

static const char *set_warn_days(void *o, const char *value) {
  char *end;
  unsigned long days = strtoul(value, &end, 10);
  if (value[0] < '0' || value[0] > '9' || *end != '\0' || days > 3650) {
    return "it is a number of days, at most 3650";
  }
  ((struct probe_options *)o)->warn_days = (unsigned)days;
  return NULL;
}

const struct option_row probe_option_rows[] = {
    {"all", 0, NULL, "try 25, 465, 587 and 2525 over IPv4 and IPv6", set_all},
    {"srv", 0, NULL, "SERVER is a domain: ask the DNS for its servers", set_srv},
    {"dns", 0, "HOST[:PORT]", "… of this name server", set_dns},
    {"quick", 0, NULL, "one connection: do not try each version of TLS", set_quick},
    {"baseline", 0, "FILE", "tell what changed since FILE, which is made first", set_baseline},
    {"update-baseline", 0, NULL, "… and take what is there now", set_update},
    {"warn-days", 0, "N", "warn before a certificate expires (default: 14)", set_warn_days},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {probe_option_rows,   plan_option_rows,
                                                  network_option_rows, credential_option_rows,
                                                  live_option_rows,    NULL};
static const char *const essentials[] = {"all",     "srv",      "quick",    "baseline", "tls",
                                         "ca-file", "tls-name", "insecure", "timeout",  "record",
                                         "json",    "verbose",  NULL};
// What was wrong before there was a session.
static void print_early_json(const char *error) {
  text_print_json(json_pack("{s:s, s:s, s:n, s:n, s:{s:n, s:n}, s:[], s:n, s:f, s:n, s:s, s:n}",
                            "outcome", "usage", "stage", "connect", "greeting", "reply",
                            "capabilities", "before_tls", "under_tls", "mechanisms", "tls",
                            "seconds", 0.0, "hash", "error", error, "explanation"),
                  JSON_INDENT(2));
}

static const struct command command = {
    .name = "probe",
    .essentials = essentials,
    .synopsis = "SERVER",
    .early_json = print_early_json,
    .summary =
        "Looks at a server: greeting, capabilities before and after TLS, AUTH\n"
        "mechanisms, the certificate chain. Sends no mail and logs in nowhere.",
    .tables = tables,
    .notes =
        "With --baseline the exit status is 1 when something changed. SRV records come from\n"
        "the DNS unsigned, so the certificate is verified for the host that they name, and\n"
        "a host outside the domain is told.\n",
};

const char *const probe_version_names[PROBE_VERSIONS] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

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

static void print_json(const struct session *s,
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

static void print_days(const struct live_tls_info *tls, unsigned warn_days) {
  long days;
  if (probe_days_left(&days, tls) && days < (long)warn_days) {
    printf("  warning: a certificate of the chain %s %ld days\n",
           days < 0 ? "has expired since" : "expires in", days < 0 ? -days : days);
  }
}

static void print_words(const struct session *s, bool quiet,
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
  print_days(tls, warn_days);
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

static struct session *run_session(int *out_status, const struct live_options *options,
                                   long version) {
  static const struct ehlo_source none = {0};
  struct session *s = session_new(out_status, options);
  if (s == NULL) {
    return NULL;
  }
  if (version != 0 && s->tls != NULL &&
      (!SSL_CTX_set_min_proto_version(s->tls, (uint16_t)version) ||
       !SSL_CTX_set_max_proto_version(s->tls, (uint16_t)version))) {
    *out_status = EX_UNAVAILABLE;
  }
  s->config.stop = true;
  s->config.stop_after = EHLO_STAGE_TLS;
  *out_status = session_run(s, &none);
  return s;
}

struct session *probe_run(int *out_status, const struct live_options *options) {
  return run_session(out_status, options, 0);
}

void probe_versions(enum probe_version_state out[PROBE_VERSIONS],
                    const struct live_options *options) {
  static const long numbers[PROBE_VERSIONS] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
                                               TLS1_3_VERSION};
  struct live_options quiet = *options;
  quiet.quiet = true;
  quiet.json = true;  // nothing is said of these sessions
  quiet.record = quiet.record_on_failure = NULL;
  quiet.insecure = true;  // only the version matters, and nothing is sent
  for (int i = 0; i < PROBE_VERSIONS; i++) {
    int status;
    struct session *s = run_session(&status, &quiet, numbers[i]);
    const struct live_tls_info *tls =
        s != NULL && s->connected ? live_tls_information(&s->live) : NULL;
    out[i] = tls == NULL               ? PROBE_VERSION_UNKNOWN
             : tls->version[0] != '\0' ? PROBE_VERSION_TAKEN
                                       : PROBE_VERSION_REFUSED;
    if (s != NULL) {
      session_free(s);
    }
  }
}

static int probe(const struct probe_options *o) {
  enum probe_version_state versions[PROBE_VERSIONS] = {PROBE_VERSION_UNKNOWN};
  struct live_options quiet = o->live;
  int status;
  quiet.quiet = !o->live.verbose;
  quiet.user = NULL;
  struct session *s = probe_run(&status, &quiet);
  if (s == NULL) {
    if (o->live.json) {
      print_early_json(complaints_last());
    }
    return status;
  }
  if (!o->quick && status == 0 && o->live.tls != EHLO_TLS_NONE) {
    probe_versions(versions, &quiet);
  }
  if (o->live.json) {
    print_json(s, versions);
  } else if (o->baseline == NULL) {
    print_words(s, o->live.quiet, versions, o->warn_days);
  }
  if (o->baseline != NULL) {
    if (!o->live.json && s->connected) {
      print_days(live_tls_information(&s->live), o->warn_days);
    }
    json_t *facts = probe_facts(s, versions);
    int compared =
        probe_baseline(o->baseline, facts, o->update_baseline, o->live.quiet || o->live.json);
    json_decref(facts);
    // What is as it was is no news, be it good or bad.
    status = compared;
  }
  session_free(s);
  return status;
}

// The servers of a domain, one after the other until one can be used.
static int probe_domain(struct probe_options *o) {
  struct probe_server servers[PROBE_SRV_MAX];
  size_t num;
  char domain[256];
  snprintf(domain, sizeof(domain), "%s", o->live.server.host);
  int status = probe_srv(servers, &num, domain, o->dns);
  for (size_t i = 0; status == 0 && i < num; i++) {
    size_t len = strlen(domain);
    size_t host_len = strlen(servers[i].host);
    bool within = host_len > len && servers[i].host[host_len - len - 1] == '.' &&
                  strcasecmp(servers[i].host + host_len - len, domain) == 0;
    if (!o->live.json) {
      printf("%s by SRV: ", domain);
      text_print(stdout, ehlo_str(servers[i].host));
      printf(" port %u, %s%s\n", servers[i].port,
             servers[i].implicit_tls ? "implicit TLS" : "STARTTLS",
             within
                 ? ""
                 : "; it is outside the domain, and the DNS is not signed: check that it is meant");
    }
  }
  if (status != 0) {
    return status;
  }
  snprintf(o->live.server.host, sizeof(o->live.server.host), "%s", servers[0].host);
  snprintf(o->live.server.port, sizeof(o->live.server.port), "%u", servers[0].port);
  o->live.tls = servers[0].implicit_tls ? EHLO_TLS_IMPLICIT : EHLO_TLS_STARTTLS;
  return probe(o);
}

static int run(void *options, const struct option_uses *uses) {
  struct probe_options *o = options;
  o->live.account_is_chosen = true;
  int status = live_options_resolve(&o->live, &command, uses);
  if (status == 0 && o->all && (o->srv || o->baseline != NULL)) {
    options_complain(&command, "--all goes with neither --srv nor --baseline");
    status = EX_USAGE;
  }
  if (status == 0 && o->live.dry_run) {
    plan_show(&o->live);
    return 0;
  }
  if (status == 0) {
    return o->all ? probe_all(o) : o->srv ? probe_domain(o) : probe(o);
  }
  if (o->live.json) {
    print_early_json(complaints_last());
  }
  return status;
}

int command_probe(int argc, char **argv) {
  struct probe_options options = {.warn_days = 14};
  interrupt_begin();
  int status = options_run(&command, argc, argv, &options, run);
  live_options_free(&options.live);
  return status;
}
