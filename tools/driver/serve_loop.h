// The connections of `ehlo serve`, all in one thread: accepted, polled, and told of when they end.
#ifndef EHLO_TOOLS_DRIVER_SERVE_LOOP_H
#define EHLO_TOOLS_DRIVER_SERVE_LOOP_H

#include "tools/driver/serve_connection.h"

// At once. More wait until one of them ends.
#define SERVE_CONNECTIONS_MAX 64

struct serve {
  int listener;
  SSL_CTX *context;  // NULL: no TLS
  const struct ehlo_script *script;
  struct ehlo_faults *faults;
  enum ehlo_serve_tls tls;
  uint32_t speed_permille;
  uint64_t idle_us;        // a connection on which nothing moves for so long is ended
  size_t max_connections;  // in all; 0: until it is stopped
  const char *record;      // path, or NULL
  // Told of each connection when it is over. May be NULL.
  void (*ended)(void *arg, const struct serve_connection *c);
  void *arg;
  // What happened.
  size_t num_connections;
  bool record_incomplete;
};

// Serves until max_connections are over, or SIGINT or SIGTERM comes: then those that are open are
// told with a 421. False, with errno set, if it cannot go on.
bool serve_run(struct serve *s);

#endif  // EHLO_TOOLS_DRIVER_SERVE_LOOP_H
