// Questions to the DNS, through c-ares.
#ifndef EHLO_TOOLS_DRIVER_PROBE_DNS_H
#define EHLO_TOOLS_DRIVER_PROBE_DNS_H

#include <ares.h>
#include <stddef.h>

struct probe_question {
  char name[300];
  int type;            // ns_t_mx and so on
  ares_callback take;  // called once, before the return
  void *arg;
};

// Asks them all at once, of the name server `dns`, HOST[:PORT], or with NULL of the system's.
// Returns 0 once each has been answered or given up, or an exit status after printing what is
// wrong.
int probe_dns_ask(const struct probe_question *questions, size_t num, const char *domain,
                  const char *dns);

// Prints "ehlo: DOMAIN: WHY" and returns the exit status of an unknown host.
int probe_dns_complain(const char *domain, const char *why);

#endif  // EHLO_TOOLS_DRIVER_PROBE_DNS_H
