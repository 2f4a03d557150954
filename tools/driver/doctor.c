// ehlo doctor: looks at this machine's configuration, trust store, clock and name resolution, and
// says what to do about what is wrong. It connects to nobody and fetches no password; a name is
// looked up only if it is given.
#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "engine/argument.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/config.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/plan.h"
#include "tools/driver/text.h"
#include "tools/live/trust.h"

#define EARLIEST 1795737600  // 2026-11-27: a clock before this release is wrong

enum finding { FINE, WARNING, PROBLEM };

struct doctor {
  struct live_options live;
  json_t *checks;
  bool json;
  int status;
  const char *account;  // that is looked at, or NULL
};

static void say(struct doctor *d, enum finding finding, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(struct doctor *d, enum finding finding, const char *what, const char *format, ...) {
  static const char *const words[] = {"ok", "warning", "PROBLEM"};
  char text[1024];
  va_list args;
  va_start(args, format);
  int begun = d->account != NULL ? snprintf(text, sizeof(text), "[%s] ", d->account) : 0;
  vsnprintf(text + begun, sizeof(text) - (size_t)begun, format, args);
  va_end(args);
  if (finding == PROBLEM && d->status == 0) {
    d->status = 1;
  }
  if (d->json) {
    json_array_append_new(d->checks, json_pack("{s:s, s:s, s:o}", "check", what, "finding",
                                               finding == PROBLEM ? "problem" : words[finding],
                                               "text", text_to_json(ehlo_str(text))));
    return;
  }
  printf("%-8s %-14s ", words[finding], what);
  text_print(stdout, ehlo_str(text));
  putchar('\n');
}

// ---- Trust ------------------------------------------------------------------------------------------

// Counts the certificates of a PEM file, and those that have expired.
static void count_roots(const char *path, size_t *out_num, size_t *out_expired) {
  FILE *file = fopen(path, "re");
  X509 *x;
  while (file != NULL && (x = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
    *out_num += 1;
    *out_expired += X509_cmp_current_time(X509_get0_notAfter(x)) < 0;
    X509_free(x);
  }
  if (file != NULL) {
    fclose(file);
  }
}

static void look_at_trust(struct doctor *d) {
  static const char *const places[] = {"/etc/ssl/certs/ca-certificates.crt",
                                       "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
  struct live_roots roots = {.file = d->live.ca_file};
  char error[LIVE_REASON_MAX];
  size_t num = 0;
  size_t expired = 0;
  X509_STORE *store = X509_STORE_new();
  bool loaded = store != NULL && live_trust_load(store, error, sizeof(error), &roots);
  X509_STORE_free(store);
  if (!loaded) {
    say(d, PROBLEM, "trust store", "%s; install ca-certificates, or give --ca-file", error);
    return;
  }
  const char *file = d->live.ca_file != NULL ? d->live.ca_file : getenv("SSL_CERT_FILE");
  for (size_t i = 0; file == NULL && i < sizeof(places) / sizeof(places[0]); i++) {
    file = access(places[i], R_OK) == 0 ? places[i] : NULL;
  }
  if (file == NULL || file[0] == '\0') {
    say(d, FINE, "trust store", "it can be read");
    return;
  }
  count_roots(file, &num, &expired);
  say(d, num == 0 ? PROBLEM : FINE, "trust store", "%s: %zu certificates, %zu of them expired%s",
      file, num, expired, num == 0 ? ", so no server is trusted: install ca-certificates" : "");
}

// ---- The machine ------------------------------------------------------------------------------------

static void look_at_clock(struct doctor *d) {
  char text[40];
  time_t now = time(NULL);
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc);
  if (now < EARLIEST) {
    say(d, PROBLEM, "clock",
        "%s is before this program was made: certificates will be refused; set it", text);
  } else {
    say(d, FINE, "clock", "%s", text);
  }
}

static void look_at_name(struct doctor *d) {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  if (d->live.helo != NULL) {
    bool good = ehlo_argument_name(ehlo_str(d->live.helo)) == EHLO_OK;
    say(d, good ? FINE : PROBLEM, "EHLO name", "%s, as --helo says%s", d->live.helo,
        good ? "" : "; it is no host name and no address in brackets");
  } else if (strchr(name, '.') != NULL && ehlo_argument_name(ehlo_str(name)) == EHLO_OK) {
    say(d, FINE, "EHLO name", "%s", name);
  } else {
    say(d, WARNING, "EHLO name",
        "this host is called \"%s\", which is no full name, so its address in brackets is used; "
        "some servers refuse that: give --helo",
        name);
  }
}

static void look_up(struct doctor *d, const char *host) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  char all[512] = "";
  size_t len = 0;
  int failed = getaddrinfo(host, NULL, &hints, &list);
  if (failed != 0) {
    say(d, PROBLEM, "name", "%s has no address: %s; check the name and /etc/resolv.conf", host,
        gai_strerror(failed));
    return;
  }
  for (const struct addrinfo *a = list; a != NULL && len < sizeof(all) - 64; a = a->ai_next) {
    char text[64] = "";
    getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
    len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len > 0 ? ", " : "", text);
  }
  freeaddrinfo(list);
  say(d, FINE, "name", "%s is %s", host, all);
}

static void look_at_resolver(struct doctor *d) {
  if (d->live.server.host[0] != '\0') {
    look_up(d, d->live.server.host);
  } else {
    look_up(d, "localhost");
  }
}

static void look_at_terminal(struct doctor *d) {
  bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  say(d, utf8 ? FINE : WARNING, "locale", utf8 ? "%s" : "%s: what is not ASCII is shown as escapes",
      nl_langinfo(CODESET));
}

// ---- The configuration ------------------------------------------------------------------------------

static void look_at_password(struct doctor *d) {
  const struct live_options *o = &d->live;
  struct stat stat_of;
  if (o->user == NULL) {
    say(d, FINE, "login", "nobody logs in");
  } else if (o->password_file != NULL && stat(o->password_file, &stat_of) != 0) {
    say(d, PROBLEM, "password", "%s: %s", o->password_file, strerror(errno));
    d->status = EX_CONFIG;
  } else if (o->password_file != NULL && S_ISREG(stat_of.st_mode) && (stat_of.st_mode & 044) != 0) {
    say(d, WARNING, "password", "%s can be read by others: chmod 600 it", o->password_file);
  } else {
    say(d, FINE, "password", "%s",
        o->password_file != NULL          ? o->password_file
        : o->password_command != NULL     ? "from a command, which was not run"
        : o->password != NULL             ? "in the configuration, which nobody else can read"
        : getenv("EHLO_PASSWORD") != NULL ? "in EHLO_PASSWORD"
                                          : "asked for on a terminal");
  }
}

static void look_at_plan(struct doctor *d) {
  struct warnings w = {.silent = true};
  size_t i;
  json_t *value;
  plan_warn(&w, &d->live, NULL);
  json_t *list = warnings_json(&w, NULL);
  json_array_foreach(list, i, value) {
    const char *text = json_string_value(value);
    say(d, WARNING, "account", "%s", strncmp(text, "warning: ", 9) == 0 ? text + 9 : text);
  }
  json_decref(list);
  warnings_free(&w);
}

static void look_at_server(struct doctor *d) {
  if (!d->live.server_given) {
    say(d, FINE, "configuration", "nothing is wrong with what holds for every server");
    return;
  }
  say(d, FINE, "configuration", "%s%s%s",
      d->live.server.host[0] != '\0' ? d->live.server.host : d->live.server.path,
      d->live.server.port[0] != '\0' ? ", port " : "", d->live.server.port);
  look_at_password(d);
  look_at_plan(d);
}

// ---- The command ------------------------------------------------------------------------------------

static const struct option_row *const tables[] = {plan_option_rows, network_option_rows,
                                                  credential_option_rows, live_option_rows, NULL};
static const char *const essentials[] = {"config", "profile", "ca-file", "helo",
                                         "user",   "json",    NULL};
static const struct command command = {
    .name = "doctor",
    .essentials = essentials,
    .synopsis = "[ACCOUNT | SERVER]",
    .summary =
        "Looks at this machine's configuration, trust store, clock and name resolution.\n"
        "Without ACCOUNT, at all accounts. It connects to nobody and fetches no password.",
    .tables = tables,
    .notes =
        "Exit status: 0 nothing is wrong, or nothing but warnings; 78 the configuration is\n"
        "wrong; 1 something else is.\n",
};

struct accounts {
  struct doctor *doctor;
  const struct option_uses *uses;
};

// As if it had been named on the command line.
static void look_at_account(void *arg, char *name) {
  const struct accounts *a = arg;
  struct doctor *d = a->doctor;
  struct option_uses named = *a->uses;
  struct live_options common = d->live;
  named.operands = &name;
  named.num_operands = 1;
  d->live = (struct live_options){.dry_run = true};
  d->account = name;
  if (live_options_resolve_any(&d->live, &command, &named) != 0) {
    say(d, PROBLEM, "configuration", "it cannot be used: %s", complaints_last());
    d->status = EX_CONFIG;
  } else {
    look_at_server(d);
  }
  live_options_free(&d->live);
  d->live = common;
  d->account = NULL;
}

static int run(void *options, const struct option_uses *uses) {
  struct doctor *d = options;
  d->checks = json_array();
  // A mistake in the configuration is told by what reads it, with its line.
  d->status = live_options_resolve_any(&d->live, &command, uses);
  d->json = d->live.json;
  if (d->status == EX_USAGE) {
    json_decref(d->checks);
    return d->status;
  }
  if (d->status != 0) {
    say(d, PROBLEM, "configuration", "it cannot be used: %s", complaints_last());
  } else {
    struct accounts all = {d, uses};
    look_at_server(d);
    if (uses->num_operands == 0) {
      config_each_account(&d->live, uses, look_at_account, &all);
    }
  }
  look_at_trust(d);
  look_at_clock(d);
  look_at_name(d);
  look_at_resolver(d);
  look_at_terminal(d);
  if (d->json) {
    text_print_json(json_pack("{s:b, s:O}", "fine", d->status == 0, "checks", d->checks),
                    JSON_INDENT(2));
  }
  json_decref(d->checks);
  return d->status;
}

int command_doctor(int argc, char **argv) {
  struct doctor d = {.status = 0};
  int status = options_run(&command, argc, argv, &d, run);
  live_options_free(&d.live);
  return status;
}
