// ehlo probe: what a server says of itself, before and under TLS. It sends no mail and no password.
#include <jansson.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/interrupt.h"
#include "tools/driver/plan.h"
#include "tools/driver/probe.h"
#include "tools/driver/probe_print.h"
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

static const char *set_mx(void *o, const char *value) {
  (void)value;
  ((struct probe_options *)o)->mx = true;
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
    {"mx", 0, NULL, "SERVER is a domain: try the hosts of its mail", set_mx},
    {"dns", 0, "HOST[:PORT]", "… of this name server", set_dns},
    {"quick", 0, NULL, "one connection: do not try each version of TLS", set_quick},
    {"baseline", 0, "FILE", "tell what changed since FILE, which is made first", set_baseline},
    {"update-baseline", 0, NULL, "… and take what is there now", set_update},
    {"warn-days", 0, "N", "warn before a certificate expires (default: 14)", set_warn_days},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {probe_option_rows,
                                                  plan_option_rows,
                                                  network_option_rows,
                                                  credential_option_rows,
                                                  live_option_rows,
                                                  colour_option_rows,
                                                  NULL};
static const char *const essentials[] = {"all",    "srv",     "mx",       "quick",    "baseline",
                                         "tls",    "ca-file", "tls-name", "insecure", "timeout",
                                         "record", "json",    "verbose",  NULL};
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
        "a host outside the domain is told. With --mx the port is 25, or that of SERVER, and\n"
        "the exit status 0 when one of the hosts has verified TLS.\n",
};

const char *const probe_version_names[PROBE_VERSIONS] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

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
    probe_print_json(s, versions);
  } else if (o->baseline == NULL) {
    probe_print_words(s, o->live.quiet, versions, o->warn_days);
  }
  if (o->baseline != NULL) {
    if (!o->live.json && s->connected) {
      probe_print_days(live_tls_information(&s->live), o->warn_days);
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
  o->live.account_is_chosen = options_last(uses, "profile") == NULL;
  int status = live_options_resolve(&o->live, &command, uses);
  if (status == 0 && o->all && (o->srv || o->baseline != NULL)) {
    options_complain(&command, "--all goes with neither --srv nor --baseline");
    status = EX_USAGE;
  }
  if (status == 0 && o->mx && (o->all || o->srv || o->baseline != NULL)) {
    options_complain(&command, "--mx goes with none of --all, --srv and --baseline");
    status = EX_USAGE;
  }
  if (status == 0 && o->live.dry_run) {
    plan_show(&o->live);
    return 0;
  }
  if (status == 0) {
    return o->all ? probe_all(o) : o->mx ? probe_mx(o) : o->srv ? probe_domain(o) : probe(o);
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
