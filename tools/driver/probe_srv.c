// SRV records through c-ares.
#include <ares.h>
#include <arpa/nameser.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/driver/probe.h"
#include "tools/driver/probe_dns.h"

struct answer {
  int status;
  bool implicit_tls;
  bool none_offered;  // a target of "." says so
  struct probe_server *servers;
  size_t *num;
};

static void take(void *arg, int status, int timeouts, unsigned char *packet, int len) {
  struct answer *a = arg;
  struct ares_srv_reply *list = NULL;
  (void)timeouts;
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

int probe_srv(struct probe_server out[PROBE_SRV_MAX], size_t *out_num, const char *domain,
              const char *dns) {
  struct answer answers[2] = {{.implicit_tls = true, .servers = out, .num = out_num},
                              {.servers = out, .num = out_num}};
  static const char *const services[] = {"_submissions._tcp", "_submission._tcp"};
  struct probe_question questions[2];
  *out_num = 0;
  for (int i = 0; i < 2; i++) {
    questions[i] = (struct probe_question){.type = ns_t_srv, .take = take, .arg = &answers[i]};
    snprintf(questions[i].name, sizeof(questions[i].name), "%s.%s", services[i], domain);
  }
  int status = probe_dns_ask(questions, 2, domain, dns);
  if (status != 0) {
    return status;
  }
  qsort(out, *out_num, sizeof(*out), compare);
  if (*out_num > 0) {
    return 0;
  }
  if (answers[0].none_offered || answers[1].none_offered) {
    return probe_dns_complain(domain, "its SRV records say that it offers no submission");
  }
  bool absent = (answers[0].status == ARES_ENOTFOUND || answers[0].status == ARES_ENODATA) &&
                (answers[1].status == ARES_ENOTFOUND || answers[1].status == ARES_ENODATA);
  return probe_dns_complain(domain,
                            absent ? "it has no SRV records for submission (_submissions._tcp, "
                                     "_submission._tcp); ask its mail provider for the host"
                                   : ares_strerror(answers[0].status));
}
