// Parts of `ehlo probe`: what one session saw as facts, all ports of a host, the servers of a
// domain, and what changed since a baseline was taken.
#ifndef EHLO_TOOLS_DRIVER_PROBE_H
#define EHLO_TOOLS_DRIVER_PROBE_H

#include "tools/driver/session.h"

struct probe_options {
  struct live_options live;  // first: the shared rows see it
  bool all;
  bool srv;
  bool mx;
  bool quick;
  const char *dns;  // HOST[:PORT] of a name server; NULL: the system's
  const char *baseline;
  bool update_baseline;
  unsigned warn_days;  // before a certificate expires
};

// The versions of TLS that are tried, from the oldest.
#define PROBE_VERSIONS 4
extern const char *const probe_version_names[PROBE_VERSIONS];

enum probe_version_state { PROBE_VERSION_UNKNOWN, PROBE_VERSION_TAKEN, PROBE_VERSION_REFUSED };

// Runs one session as far as TLS. NULL with `*out_status` if it cannot begin. Free with
// session_free().
struct session *probe_run(int *out_status, const struct live_options *options);

// Tries each version of TLS in a connection of its own.
void probe_versions(enum probe_version_state out[PROBE_VERSIONS],
                    const struct live_options *options);

// Days until the first certificate of the chain that expires does; false without certificates.
bool probe_days_left(long *out_days, const struct live_tls_info *info);

// What does not change from one connection to the next: for a baseline.
json_t *probe_facts(const struct session *s,
                    const enum probe_version_state versions[PROBE_VERSIONS]);

// Compares with the facts in the file, or writes them where there is none or `update` says so.
// Prints what changed, to standard output. Returns 0, 1 for a change, or an exit status after a
// complaint.
int probe_baseline(const char *path, json_t *facts, bool update, bool quiet);

// Tries 25, 465, 587 and 2525 over IPv4 and IPv6, side by side, and says which to use.
int probe_all(const struct probe_options *o);

// Looks at each host that takes the domain's mail, over IPv4 and IPv6, in the order in which they
// are preferred: 16 of them at most.
int probe_mx(const struct probe_options *o);

#define PROBE_SRV_MAX 16
struct probe_server {
  char host[256];
  uint16_t port;
  uint16_t priority;
  uint16_t weight;
  bool implicit_tls;
};

// The submission servers of a domain by their SRV records (RFC 6186 §3.3, RFC 8314 §5.1), in the
// order in which they are to be tried: implicit TLS first, then by priority and weight. Returns 0
// or an exit status, after printing what is wrong.
int probe_srv(struct probe_server out[PROBE_SRV_MAX], size_t *out_num, const char *domain,
              const char *dns);

#endif  // EHLO_TOOLS_DRIVER_PROBE_H
