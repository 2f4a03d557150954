// All the ports of a host, over both families, side by side.
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/driver/probe.h"
#include "tools/driver/queue.h"
#include "tools/driver/text.h"

#define PLACES 8
#define TIMEOUT_MS 10000  // for each wait, unless --timeout says so

// One port of one address.
struct place {
  struct live_options options;
  const char *port;
  int family;
  bool has_address;
  int status;
  struct session *session;  // NULL: it could not begin
};

static const struct {
  const char *port;
  enum ehlo_tls_mode tls;
} ports[PLACES / 2] = {{"25", EHLO_TLS_STARTTLS},
                       {"465", EHLO_TLS_IMPLICIT},
                       {"587", EHLO_TLS_STARTTLS},
                       {"2525", EHLO_TLS_STARTTLS}};

static bool find_address(char out[256], const char *host, int family) {
  struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  if (getaddrinfo(host, NULL, &hints, &list) != 0) {
    return false;
  }
  bool found = getnameinfo(list->ai_addr, list->ai_addrlen, out, 256, NULL, 0, NI_NUMERICHOST) == 0;
  freeaddrinfo(list);
  return found;
}

static void prepare(struct place *p, const struct probe_options *o, size_t i, int family) {
  p->options = o->live;
  p->port = ports[i].port;
  p->family = family;
  p->options.tls = ports[i].tls;
  p->options.quiet = true;
  p->options.record = p->options.record_on_failure = NULL;
  p->options.tls_name = live_options_tls_name(&o->live);
  p->options.timeout_ms = o->live.timeout_ms != 0 ? o->live.timeout_ms : TIMEOUT_MS;
  snprintf(p->options.server.port, sizeof(p->options.server.port), "%s", ports[i].port);
  p->has_address = find_address(p->options.server.host, o->live.server.host, family);
}

static void *begin(void *arg) {
  return arg;
}

static void end(void *worker) {
  (void)worker;
}

static void work(void *worker, void *job) {
  struct place *p = job;
  (void)worker;
  if (p->has_address) {
    p->session = probe_run(&p->status, &p->options);
  }
}

static void done(void *arg, void *job) {
  (void)arg;
  (void)job;
}

static bool is_good(const struct place *p) {
  const struct live_tls_info *tls =
      p->session != NULL && p->session->connected ? live_tls_information(&p->session->live) : NULL;
  return p->status == 0 && tls != NULL && tls->judged && tls->verdict.chain_ok &&
         tls->verdict.name_ok;
}

static void print_place(const struct place *p) {
  printf("%-5s %-4s %-9s ", p->port, p->family == AF_INET ? "IPv4" : "IPv6",
         p->options.tls == EHLO_TLS_IMPLICIT ? "implicit" : "STARTTLS");
  if (!p->has_address) {
    puts("the host has no such address");
    return;
  }
  if (p->session == NULL) {
    puts("the session cannot begin");
    return;
  }
  const struct session *s = p->session;
  if (s->error[0] != '\0') {
    printf("%s\n", s->error);
    return;
  }
  const struct live_tls_info *tls = live_tls_information(&s->live);
  printf("%s, %s; AUTH %s\n", tls != NULL ? tls->version : "no TLS",
         is_good(p) ? "trusted" : "NOT trusted", ehlo_client_capabilities(&s->client)->mechanisms);
}

static json_t *place_json(const struct place *p) {
  const struct session *s = p->session;
  const struct live_tls_info *tls =
      s != NULL && s->connected ? live_tls_information(&s->live) : NULL;
  const char *error = !p->has_address       ? "the host has no such address"
                      : s == NULL           ? "the session cannot begin"
                      : s->error[0] != '\0' ? s->error
                                            : NULL;
  return json_pack(
      "{s:s, s:s, s:s, s:b, s:s?, s:s?, s:f, s:s?}", "port", p->port, "family",
      p->family == AF_INET ? "IPv4" : "IPv6", "tls",
      p->options.tls == EHLO_TLS_IMPLICIT ? "implicit" : "starttls", "good", is_good(p), "version",
      tls != NULL ? tls->version : NULL, "mechanisms",
      s != NULL && s->connected ? ehlo_client_capabilities(&s->client)->mechanisms : NULL,
      "seconds", s != NULL ? (double)s->report.seconds_us / 1e6 : 0.0, "error", error);
}

// RFC 8314 §3.3: implicit TLS on 465 comes first, then STARTTLS on 587; 25 is for servers among
// each other.
static const struct place *choose(const struct place *places) {
  static const char *const order[] = {"465", "587", "2525", "25"};
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < PLACES; k++) {
      if (strcmp(places[k].port, order[i]) == 0 && is_good(&places[k])) {
        return &places[k];
      }
    }
  }
  return NULL;
}

static void advise(char out[400], const struct probe_options *o, const struct place *best) {
  const char *host = o->live.server.host;
  if (best == NULL) {
    snprintf(out, 400, "none of them can be used with verified TLS");
  } else {
    snprintf(out, 400, "use: ehlo send %s%s%s%s",
             best->options.tls == EHLO_TLS_IMPLICIT ? "smtps://" : "", host,
             strcmp(best->port, "465") == 0 || strcmp(best->port, "587") == 0 ? "" : ":",
             strcmp(best->port, "465") == 0 || strcmp(best->port, "587") == 0 ? "" : best->port);
  }
}

int probe_all(const struct probe_options *o) {
  static const struct queue_ops ops = {begin, end, work, done, NULL};
  struct place *places = calloc(PLACES, sizeof(*places));
  struct queue *queue = places != NULL ? queue_new(&ops, NULL, PLACES) : NULL;
  if (queue == NULL) {
    free(places);
    fputs("ehlo: out of memory\n", stderr);
    return EX_OSERR;
  }
  for (size_t i = 0; i < PLACES; i++) {
    prepare(&places[i], o, i / 2, i % 2 == 0 ? AF_INET : AF_INET6);
    queue_put(queue, &places[i]);
  }
  queue_finish(queue);
  char advice[400];
  json_t *list = json_array();
  const struct place *best = choose(places);
  advise(advice, o, best);
  for (size_t i = 0; i < PLACES; i++) {
    json_array_append_new(list, place_json(&places[i]));
    if (!o->live.json) {
      print_place(&places[i]);
    }
  }
  if (o->live.json) {
    text_print_json(json_pack("{s:O, s:s}", "places", list, "advice", advice), JSON_INDENT(2));
  } else {
    puts(advice);
  }
  json_decref(list);
  for (size_t i = 0; i < PLACES; i++) {
    if (places[i].session != NULL) {
      session_free(places[i].session);
    }
  }
  free(places);
  return best != NULL ? 0 : EX_UNAVAILABLE;
}
