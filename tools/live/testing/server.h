// A server for tests: a thread that listens on a free port of 127.0.0.1, takes one connection and
// does with it what the test says.
#ifndef EHLO_TOOLS_LIVE_TESTING_SERVER_H
#define EHLO_TOOLS_LIVE_TESTING_SERVER_H

#include <pthread.h>
#include <stdint.h>

struct live_test_server {
  uint16_t port;
  int listen_fd;  // -1 once it is over
  pthread_t thread;
  void (*serve)(int fd, void *context);  // owns the non-blocking `fd`
  void *context;
};

void live_test_server_start(struct live_test_server *s, void (*serve)(int fd, void *context),
                            void *context);

// Waits until `serve` has returned. A second call does nothing.
void live_test_server_join(struct live_test_server *s);

#endif  // EHLO_TOOLS_LIVE_TESTING_SERVER_H
