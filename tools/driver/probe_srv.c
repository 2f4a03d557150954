// SRV records through c-ares.
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/select.h>
#include <sysexits.h>

#include "tools/driver/probe.h"
#include "tools/driver/text.h"

struct answer {
  int status;
  bool done;
  bool implicit_tls;
  bool none_offered;  // a target of "." says so
  struct probe_server *servers;
  size_t *num;
};

static void take(void *arg, int status, int timeouts, unsigned char *packet, int len) {
  struct answer *a = arg;
  struct ares_srv_reply *list = NULL;
  (void)timeouts;
  a->done = true;
  a->status = status == ARES_SUCCESS ? ares_parse_srv_reply(packet, len, &list) : status;
  for (const struct ares_srv_reply *r = list; a->status == ARES_SUCCESS && r != NULL; r = r->next) {
    if (r->host[0] == '\0' || strcmp(r->host, ".") == 0) {
      a->none_offered = true;
    } else if (*a->num < PROBE_SRV_MAX) {
      struct probe_server *s = &a->servers[(*a->num)++];
      *s = (struct probe_server){.port = r->port,
                                 .priority = r->priority,
                                 .weight = r->weight,
                                 .implicit_tls = a->implicit_tls};
      snprintf(s->host, sizeof(s->host), "%s", r->host);
    }
  }
  ares_free_data(list);
}

// Runs until both answers are there; c-ares bounds the time itself.
static void wait_for(ares_channel channel) {
  for (;;) {
    fd_set reads;
    fd_set writes;
    struct timeval most = {5, 0};
    struct timeval left;
    FD_ZERO(&reads);
    FD_ZERO(&writes);
    int num = ares_fds(channel, &reads, &writes);
    if (num == 0) {
      return;
    }
    select(num, &reads, &writes, NULL, ares_timeout(channel, &most, &left));
    ares_process(channel, &reads, &writes);
  }
}

static int compare(const void *a, const void *b) {
  const struct probe_server *x = a;
  const struct probe_server *y = b;
  if (x->implicit_tls != y->implicit_tls) {
    return x->implicit_tls ? -1 : 1;
  }
  if (x->priority != y->priority) {
    return x->priority < y->priority ? -1 : 1;
  }
  return x->weight != y->weight ? (x->weight > y->weight ? -1 : 1) : strcasecmp(x->host, y->host);
}

static int complain(const char *domain, const char *why) {
  fputs("ehlo: ", stderr);
  text_print(stderr, ehlo_str(domain));
  fprintf(stderr, ": %s\n", why);
  return EX_NOHOST;
}

int probe_srv(struct probe_server out[PROBE_SRV_MAX], size_t *out_num, const char *domain,
              const char *dns) {
  char name[300];
  struct answer answers[2] = {{.implicit_tls = true, .servers = out, .num = out_num},
                              {.servers = out, .num = out_num}};
  static const char *const services[] = {"_submissions._tcp", "_submission._tcp"};
  struct ares_options options = {.timeout = 3000, .tries = 2};
  ares_channel channel;
  *out_num = 0;
  if (strlen(domain) > 253 ||
      ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    return complain(domain, "it cannot be looked up");
  }
  if (dns != NULL && ares_set_servers_ports_csv(channel, dns) != ARES_SUCCESS) {
    ares_destroy(channel);
    fputs("ehlo: --dns wants the address of a name server, HOST[:PORT]\n", stderr);
    return EX_USAGE;
  }
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof(name), "%s.%s", services[i], domain);
    ares_query(channel, name, ns_c_in, ns_t_srv, take, &answers[i]);
  }
  wait_for(channel);
  ares_destroy(channel);
  qsort(out, *out_num, sizeof(*out), compare);
  if (*out_num > 0) {
    return 0;
  }
  if (answers[0].none_offered || answers[1].none_offered) {
    return complain(domain, "its SRV records say that it offers no submission");
  }
  bool absent = (answers[0].status == ARES_ENOTFOUND || answers[0].status == ARES_ENODATA) &&
                (answers[1].status == ARES_ENOTFOUND || answers[1].status == ARES_ENODATA);
  return complain(domain, absent ? "it has no SRV records for submission (_submissions._tcp, "
                                   "_submission._tcp); ask its mail provider for the host"
                                 : ares_strerror(answers[0].status));
}
