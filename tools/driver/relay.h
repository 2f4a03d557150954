// A relay that records: programs connect in front, each gets a connection to one server behind, and
// what passes between them is written down. One thread, any number of sessions, none of which can
// hold another up.
#ifndef EHLO_TOOLS_DRIVER_RELAY_H
#define EHLO_TOOLS_DRIVER_RELAY_H

#include <openssl/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/submit.h"
#include "tools/live/dial.h"

// Sessions at once. Further programs wait in the queue of the listening socket.
#define RELAY_SESSIONS_MAX ((size_t)128)

struct relay_config {
  int listen_fd;
  const char *record;  // of the first session; FILE.2, FILE.3 … follow, the number before a suffix
  bool on_failure;     // only of sessions in which something was refused, or that broke
  uint64_t connections;  // to serve; 0: without end
  // Behind.
  struct live_place place;
  const char *place_name;  // "host:port", for the record
  enum ehlo_tls_mode tls;
  SSL_CTX *tls_behind;
  const char *tls_name;
  bool insecure;
  bool allow_cleartext_auth;
  const char *helo;
  uint32_t timeout_ms;  // for each wait; 0: ten minutes
  // In front.
  enum ehlo_tls_mode front;
  SSL_CTX *tls_front;
  bool requires_front_tls;
  // What is told.
  bool quiet;
  bool json;
  bool verbose;
};

// Serves until `connections` are over, or SIGINT or SIGTERM comes. Returns the exit status: that of
// the session if there was to be one alone; 73 if a record is not complete; else 0.
int relay_run(const struct relay_config *config);

#endif  // EHLO_TOOLS_DRIVER_RELAY_H
