// Places side by side, and a line on each.
#include "tools/driver/probe_places.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/driver/queue.h"

#define THREADS_MAX 16
#define TIMEOUT_MS 10000  // for each wait, unless --timeout says so

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

void probe_place_prepare(struct probe_place *p, const struct probe_options *o, const char *host,
                         const char *port, enum ehlo_tls_mode tls, int family) {
  p->options = o->live;
  p->family = family;
  p->options.tls = tls;
  p->options.quiet = true;
  p->options.record = p->options.record_on_failure = NULL;
  p->options.tls_name = o->live.tls_name != NULL ? o->live.tls_name : host;
  p->options.timeout_ms = o->live.timeout_ms != 0 ? o->live.timeout_ms : TIMEOUT_MS;
  snprintf(p->options.server.port, sizeof(p->options.server.port), "%s", port);
  p->has_address = find_address(p->options.server.host, host, family);
}

static void *begin(void *arg) {
  return arg;
}

static void end(void *worker) {
  (void)worker;
}

static void work(void *worker, void *job) {
  struct probe_place *p = job;
  (void)worker;
  if (p->has_address) {
    p->session = probe_run(&p->status, &p->options);
  }
}

static void done(void *arg, void *job) {
  (void)arg;
  (void)job;
}

bool probe_places_look(struct probe_place *places, size_t num) {
  static const struct queue_ops ops = {begin, end, work, done, NULL};
  struct queue *queue = queue_new(&ops, NULL, num < THREADS_MAX ? num : THREADS_MAX);
  if (queue == NULL) {
    return false;
  }
  for (size_t i = 0; i < num; i++) {
    queue_put(queue, &places[i]);
  }
  queue_finish(queue);
  return true;
}

void probe_places_free(struct probe_place *places, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (places[i].session != NULL) {
      session_free(places[i].session);
    }
  }
}

static const struct live_tls_info *tls_of(const struct probe_place *p) {
  const struct session *s = p->session;
  return s != NULL && s->connected ? live_tls_information(&s->live) : NULL;
}

bool probe_place_is_good(const struct probe_place *p) {
  const struct live_tls_info *tls = tls_of(p);
  return p->status == 0 && tls != NULL && tls->judged && tls->verdict.chain_ok &&
         tls->verdict.name_ok;
}

// NULL where there is none.
static const char *error_of(const struct probe_place *p) {
  return !p->has_address                ? "the host has no such address"
         : p->session == NULL           ? "the session cannot begin"
         : p->session->error[0] != '\0' ? p->session->error
                                        : NULL;
}

static void print_mechanisms(const char *at) {
  at += strspn(at, " ");
  fputs(*at != '\0' ? " AUTH" : " no AUTH", stdout);
  while (*at != '\0') {
    size_t len = strcspn(at, " ");
    printf(" %.*s", (int)len, at);
    at += len;
    at += strspn(at, " ");
  }
  putchar('\n');
}

void probe_place_print(const struct probe_place *p) {
  const char *error = error_of(p);
  printf("%-4s %-9s ", p->family == AF_INET ? "IPv4" : "IPv6",
         p->options.tls == EHLO_TLS_IMPLICIT ? "implicit" : "STARTTLS");
  if (error != NULL) {
    puts(error);
    return;
  }
  const struct live_tls_info *tls = tls_of(p);
  printf("%s, %s;", tls != NULL ? tls->version : "no TLS",
         probe_place_is_good(p) ? "trusted" : "NOT trusted");
  print_mechanisms(ehlo_client_capabilities(&p->session->client)->mechanisms);
}

json_t *probe_place_json(const struct probe_place *p) {
  const struct session *s = p->session;
  const struct live_tls_info *tls = tls_of(p);
  return json_pack(
      "{s:s, s:s, s:s, s:b, s:s?, s:s?, s:f, s:s?}", "port", p->options.server.port, "family",
      p->family == AF_INET ? "IPv4" : "IPv6", "tls",
      p->options.tls == EHLO_TLS_IMPLICIT ? "implicit" : "starttls", "good", probe_place_is_good(p),
      "version", tls != NULL ? tls->version : NULL, "mechanisms",
      s != NULL && s->connected ? ehlo_client_capabilities(&s->client)->mechanisms : NULL,
      "seconds", s != NULL ? (double)s->report.seconds_us / 1e6 : 0.0, "error", error_of(p));
}
