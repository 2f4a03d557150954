// ehlo record: a relay in front of a server, for any program to submit through. What it is told on
// the command line is checked here, before anything listens; the relay itself is in relay.c.
#include <errno.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/credential_options.h"
#include "tools/driver/front_certificate.h"
#include "tools/driver/listen.h"
#include "tools/driver/live_options.h"
#include "tools/driver/plan.h"
#include "tools/driver/relay.h"
#include "tools/driver/text.h"
#include "tools/live/tls.h"
#include "tools/live/trust.h"

struct record_options {
  struct live_options live;  // first
  struct listen_place place;
  bool has_listen;
  enum ehlo_tls_mode listen_tls;
  const char *tls_cert;
  const char *tls_key;
  const char *ca_out;
  uint64_t connections;
  bool allow_cleartext_listen;
};

static const char *set_listen_tls(void *o, const char *value) {
  struct record_options *options = o;
  if (strcmp(value, "starttls") == 0) {
    options->listen_tls = EHLO_TLS_STARTTLS;
  } else if (strcmp(value, "implicit") == 0) {
    options->listen_tls = EHLO_TLS_IMPLICIT;
  } else if (strcmp(value, "none") == 0) {
    options->listen_tls = EHLO_TLS_NONE;
  } else {
    return "it is one of none, starttls and implicit";
  }
  return NULL;
}

// What --to says is taken as the operand of other commands is. In an account, "to" is a recipient.
static const char *set_to(void *o, const char *value) {
  (void)o;
  (void)value;
  return NULL;
}

static const char *set_connections(void *o, const char *value) {
  char *end;
  errno = 0;
  unsigned long long n = strtoull(value, &end, 10);
  if (value[0] < '1' || value[0] > '9' || *end != '\0' || errno != 0) {
    return "it is a number from 1 on";
  }
  ((struct record_options *)o)->connections = n;
  return NULL;
}

static const char *set_listen(void *o, const char *value) {
  struct record_options *options = o;
  options->has_listen = true;
  return listen_parse(&options->place, value);
}

#define TEXT_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    ((struct record_options *)o)->field = value;               \
    return NULL;                                               \
  }
TEXT_SETTER(tls_cert)
TEXT_SETTER(tls_key)
TEXT_SETTER(ca_out)

static const char *set_allow_cleartext_listen(void *o, const char *value) {
  (void)value;
  ((struct record_options *)o)->allow_cleartext_listen = true;
  return NULL;
}

const struct option_row record_option_rows[] = {
    {"listen", 0, "HOST:PORT", "where programs connect; port 0 takes a free one", set_listen},
    {"to", 0, "SERVER", "the server behind, or an account", set_to},
    {"listen-tls", 0, "starttls|implicit|none", "in front (default: starttls)", set_listen_tls},
    {"tls-cert", 0, "FILE", "the certificate in front (default: one made now)", set_tls_cert},
    {"tls-key", 0, "FILE", "its key", set_tls_key},
    {"ca-out", 0, "FILE", "write the authority of the one made now", set_ca_out},
    {"connections", 0, "N", "end after N connections (default: never)", set_connections},
    {"allow-cleartext-listen", 0, NULL, "let other hosts log in without TLS in front",
     set_allow_cleartext_listen},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct option_row *const tables[] = {record_option_rows,
                                                  plan_option_rows,
                                                  network_option_rows,
                                                  credential_option_rows,
                                                  live_option_rows,
                                                  colour_option_rows,
                                                  NULL};
static const char *const essentials[] = {"listen", "to",      "listen-tls", "ca-out", "record",
                                         "tls",    "ca-file", "json",       NULL};
static const struct command command = {
    .name = "record",
    .essentials = essentials,
    .synopsis = "--listen HOST:PORT --to SERVER --record FILE",
    .summary =
        "Relays other programs' sessions to a server and records them, without their\n"
        "passwords. The options below that are not about listening speak of the server.",
    .tables = tables,
    .notes =
        "The first line of standard output is the address it listens on, ADDRESS:PORT;\n"
        "with --json it is in an object.\n"
        "The first session is recorded in FILE, the next ones in FILE with .2, .3 …\n"
        "before its suffix. With TLS behind, the relay begins it by itself before any\n"
        "login passes; a program in front may speak TLS or not. It logs in by itself,\n"
        "so options about that are refused here. SIGINT and SIGTERM end the relay.\n"
        "With --record-on-failure, sessions in which nothing was refused leave none.\n",
};

// ---- What is asked for --------------------------------------------------------------------------

// Options of live commands that a relay has no use for: programs log in by themselves.
static bool has_idle_option(const struct option_uses *uses) {
  static const char *const idle[] = {"user",          "password-file",   "password-command",
                                     "token-command", "password-fd",     "auth",
                                     "auth-attempts", "initial-response"};
  for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
    for (size_t k = 0; k < uses->num; k++) {
      if (strcmp(uses->uses[k].row->name, idle[i]) == 0) {
        options_complain(&command, "--%s: the program in front logs in, not the relay", idle[i]);
        return true;
      }
    }
  }
  return false;
}

static const char *record_path(const struct record_options *o) {
  return o->live.record != NULL ? o->live.record : o->live.record_on_failure;
}

static const char *what_is_wrong(const struct record_options *o) {
  bool makes = o->tls_cert == NULL && o->listen_tls != EHLO_TLS_NONE;
  if (!o->has_listen) {
    return "--listen is missing";
  }
  if (record_path(o) == NULL) {
    return "--record is missing";
  }
  if ((o->tls_cert == NULL) != (o->tls_key == NULL)) {
    return "--tls-cert and --tls-key go together";
  }
  if (o->tls_cert != NULL && o->listen_tls == EHLO_TLS_NONE) {
    return "--tls-cert has no use with --listen-tls none";
  }
  if (o->ca_out != NULL && !makes) {
    return "--ca-out has no use where no certificate is made";
  }
  return NULL;
}

static bool is_loopback(const char *address) {
  return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
         strncmp(address, "::ffff:127.", 11) == 0;
}

// Told before a program has sent its message, and not after.
static int check_record(const char *path) {
  char directory[4096];
  const char *slash = strrchr(path, '/');
  size_t len = slash != NULL ? (size_t)(slash - path) + (slash == path ? 1 : 0) : 1;
  if (len >= sizeof(directory)) {
    fprintf(complaints(), "ehlo: the name of the transcript is too long\n");
    return EX_USAGE;
  }
  memcpy(directory, slash != NULL ? path : ".", len);
  directory[len] = '\0';
  if (access(path, F_OK) == 0 ? access(path, W_OK) != 0 : access(directory, W_OK | X_OK) != 0) {
    fprintf(complaints(), "ehlo: cannot write the transcript %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
  }
  return 0;
}

// ---- Preparing ----------------------------------------------------------------------------------

struct record {
  const struct record_options *options;
  struct relay_config relay;
  struct front_certificate certificate;
  char place_name[400];
  struct listening listening;
};

static int listen_in_front(struct record *r) {
  const struct record_options *o = r->options;
  char error[LIVE_REASON_MAX];
  if (!listen_open(&r->listening, error, sizeof(error), &o->place)) {
    fprintf(complaints(), "ehlo: %s\n", error);
    return EX_IOERR;  // as any other connection that cannot be had; 69 is a server's refusal
  }
  r->relay.listen_fd = r->listening.fd;
  bool open = !is_loopback(r->listening.address) && !o->allow_cleartext_listen;
  if (open && o->listen_tls == EHLO_TLS_NONE) {
    fprintf(complaints(),
            "ehlo: %s is open to other hosts, whose passwords would go in cleartext;"
            " use --listen-tls, a loopback address, or --allow-cleartext-listen\n",
            r->listening.name);
    return EX_CONFIG;
  }
  r->relay.requires_front_tls = open && o->listen_tls == EHLO_TLS_STARTTLS;
  return 0;
}

static int prepare_front_tls(struct record *r) {
  const struct record_options *o = r->options;
  if (o->listen_tls == EHLO_TLS_NONE) {
    return 0;
  }
  const char *name = live_options_tls_name(&o->live);
  const char *names[5] = {"localhost", "127.0.0.1", "::1", o->place.host};
  r->certificate = (struct front_certificate){.cert_file = o->tls_cert,
                                              .key_file = o->tls_key,
                                              .ca_out = o->ca_out,
                                              .names = names,
                                              .num_names = 4};
  if (name[0] != '\0') {
    names[r->certificate.num_names++] = name;
  }
  int status = front_certificate_get(&r->certificate);
  r->certificate.names = NULL;
  r->relay.tls_front = r->certificate.context;
  return status;
}

static int prepare_behind(struct record *r) {
  const struct live_options *o = &r->options->live;
  const struct server_address *server = &o->server;
  char error[LIVE_REASON_MAX];
  if (o->tls != EHLO_TLS_NONE) {
    struct live_roots roots = {.file = o->ca_file};
    r->relay.tls_behind = live_tls_client_context(error, sizeof(error), &roots);
    if (r->relay.tls_behind == NULL) {
      fprintf(complaints(), "ehlo: %s\n", error);
      return EX_NOINPUT;
    }
    int status = network_options_dress(&r->options->live.network, r->relay.tls_behind);
    if (status != 0) {
      return status;
    }
  }
  if (server->path[0] != '\0') {
    snprintf(r->place_name, sizeof(r->place_name), "unix:%s", server->path);
  } else {
    snprintf(r->place_name, sizeof(r->place_name),
             strchr(server->host, ':') != NULL ? "[%s]:%s" : "%s:%s", server->host, server->port);
  }
  if (live_place_find(&r->relay.place, error, sizeof(error), server->host,
                      (uint16_t)strtoul(server->port, NULL, 10), server->path,
                      network_options_route(&o->network)) != LIVE_NET_OK) {
    fprintf(complaints(), "ehlo: %s\n", error);
    return EX_NOHOST;
  }
  return 0;
}

static void announce(const struct record *r) {
  const struct record_options *o = r->options;
  if (o->live.json) {
    text_print_json(json_pack("{s:s, s:s?}", "listening", r->listening.name, "certificate_sha256",
                              r->certificate.sha256[0] != '\0' ? r->certificate.sha256 : NULL),
                    JSON_COMPACT);
  } else {
    listen_announce(&r->listening);
    if (r->certificate.sha256[0] != '\0' && !o->live.quiet) {
      printf("the certificate in front%s: SHA-256 %s\n",
             o->tls_cert == NULL ? ", made just now" : "", r->certificate.sha256);
    }
    if (o->ca_out != NULL && !o->live.quiet) {
      printf("its authority, for programs to trust: %s\n", o->ca_out);
    }
  }
  fflush(stdout);
}

static int serve(struct record *r) {
  const struct record_options *o = r->options;
  r->relay.record = record_path(o);
  r->relay.on_failure = o->live.record_on_failure != NULL;
  r->relay.connections = o->connections;
  r->relay.place_name = r->place_name;
  r->relay.tls = o->live.tls;
  r->relay.tls_name = live_options_tls_name(&o->live);
  r->relay.insecure = o->live.insecure;
  r->relay.allow_cleartext_auth = o->live.allow_cleartext_auth;
  r->relay.helo = o->live.helo != NULL ? o->live.helo : "[127.0.0.1]";
  r->relay.timeout_ms = o->live.timeout_ms;
  r->relay.front = o->listen_tls;
  r->relay.quiet = o->live.quiet;
  r->relay.json = o->live.json;
  r->relay.verbose = o->live.verbose;
  announce(r);
  return relay_run(&r->relay);
}

static int prepare_and_serve(struct record *r) {
  int status = check_record(record_path(r->options));
  status = status == 0 ? prepare_behind(r) : status;
  status = status == 0 ? listen_in_front(r) : status;
  status = status == 0 ? prepare_front_tls(r) : status;
  status = status == 0 ? serve(r) : status;
  if (r->relay.listen_fd >= 0) {
    close(r->relay.listen_fd);
  }
  front_certificate_free(&r->certificate);
  SSL_CTX_free(r->relay.tls_behind);
  live_place_free(&r->relay.place);
  return status;
}

static int run(void *arg, const struct option_uses *uses) {
  struct record_options *options = arg;
  struct option_uses with_server = *uses;
  char *to = (char *)options_last(uses, "to");
  if (to != NULL && uses->num_operands > 0) {
    options_complain(&command, "the server is given by --to, and \"%s\" is too many",
                     uses->operands[0]);
    return EX_USAGE;
  }
  if (to != NULL) {
    with_server.operands = &to;
    with_server.num_operands = 1;
  }
  int status = live_options_resolve(&options->live, &command, &with_server);
  if (status == 0) {
    const char *wrong = what_is_wrong(options);
    if (wrong != NULL) {
      options_complain(&command, "%s", wrong);
      status = EX_USAGE;
    } else if (has_idle_option(uses)) {
      status = EX_USAGE;
    }
  }
  if (status == 0 && options->live.dry_run) {
    plan_show(&options->live);
  } else if (status == 0) {
    struct record record = {.options = options, .relay = {.listen_fd = -1}};
    status = prepare_and_serve(&record);
  }
  live_options_free(&options->live);
  return status;
}

int command_record(int argc, char **argv) {
  struct record_options options = {.live.server_word = "--to", .listen_tls = EHLO_TLS_STARTTLS};
  return options_run(&command, argc, argv, &options, run);
}
