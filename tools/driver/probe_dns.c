// Asking the DNS.
#include "tools/driver/probe_dns.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sysexits.h>

#include "engine/ehlo.h"
#include "tools/driver/complaints.h"
#include "tools/driver/text.h"

// Runs until all answers are there; c-ares bounds the time itself.
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

int probe_dns_complain(const char *domain, const char *why) {
  FILE *out = complaints();
  fputs("ehlo: ", out);
  text_print(out, ehlo_str(domain));
  fprintf(out, ": %s\n", why);
  return EX_NOHOST;
}

int probe_dns_ask(const struct probe_question *questions, size_t num, const char *domain,
                  const char *dns) {
  struct ares_options options = {.timeout = 3000, .tries = 2};
  ares_channel channel;
  if (strlen(domain) > 253 ||
      ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    return probe_dns_complain(domain, "it cannot be looked up");
  }
  if (dns != NULL && ares_set_servers_ports_csv(channel, dns) != ARES_SUCCESS) {
    ares_destroy(channel);
    fputs("ehlo: --dns wants the address of a name server, HOST[:PORT]\n", complaints());
    return EX_USAGE;
  }
  for (size_t i = 0; i < num; i++) {
    const struct probe_question *q = &questions[i];
    ares_query(channel, q->name, ns_c_in, q->type, q->take, q->arg);
  }
  wait_for(channel);
  ares_destroy(channel);
  return 0;
}
