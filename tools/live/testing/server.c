// One thread, one connection. A failure in here ends the test program.
#include "tools/live/testing/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/live/net.h"

#define ACCEPT_MS 10000

static void *run(void *argument) {
  struct live_test_server *s = argument;
  int fd = live_net_accept(s->listen_fd, ACCEPT_MS);
  if (fd >= 0) {
    s->serve(fd, s->context);
  }
  return NULL;
}

void live_test_server_start(struct live_test_server *s, void (*serve)(int fd, void *context),
                            void *context) {
  char error[128];
  s->serve = serve;
  s->context = context;
  s->listen_fd = live_net_listen(&s->port, error, sizeof error, "127.0.0.1", 0);
  if (s->listen_fd < 0 || pthread_create(&s->thread, NULL, run, s) != 0) {
    (void)fprintf(stderr, "test server: %s\n", error);
    abort();
  }
}

void live_test_server_join(struct live_test_server *s) {
  if (s->listen_fd >= 0) {
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listen_fd);
    s->listen_fd = -1;
  }
}
