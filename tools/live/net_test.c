// Connecting on loopback: addresses that refuse, that are silent and that answer.
#include "tools/live/net.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define SILENT_MS 60
#define FILLERS 4  // connections that leave no room in a backlog of 0

struct address {
  struct sockaddr_in in;
  struct addrinfo info;
};

static void address_set(struct address *a, const char *ip, uint16_t port, struct address *next) {
  memset(a, 0, sizeof *a);
  a->in.sin_family = AF_INET;
  a->in.sin_port = htons(port);
  cr_assert_eq(inet_pton(AF_INET, ip, &a->in.sin_addr), 1);
  a->info.ai_family = AF_INET;
  a->info.ai_socktype = SOCK_STREAM;
  a->info.ai_addr = (struct sockaddr *)&a->in;
  a->info.ai_addrlen = sizeof a->in;
  a->info.ai_next = next != NULL ? &next->info : NULL;
}

static int must_listen(uint16_t *out_port, const char *ip) {
  char error[256];
  int fd = live_net_listen(out_port, error, sizeof error, ip, 0);
  cr_assert(fd >= 0, "%s", error);
  return fd;
}

// A port of 127.0.0.1 where nobody listens.
static uint16_t closed_port(void) {
  uint16_t port;
  close(must_listen(&port, "127.0.0.1"));
  return port;
}

// A listener on `ip` that answers nobody any more: its queue is full.
struct silent {
  int listen_fd;
  int fillers[FILLERS];
  uint16_t port;
};

static void silent_make(struct silent *s, const char *ip) {
  struct address a;
  s->listen_fd = must_listen(&s->port, ip);
  cr_assert_eq(listen(s->listen_fd, 0), 0);
  address_set(&a, ip, s->port, NULL);
  for (size_t i = 0; i < FILLERS; i++) {
    s->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(s->fillers[i], a.info.ai_addr, a.info.ai_addrlen);
  }
}

static void silent_free(struct silent *s) {
  for (size_t i = 0; i < FILLERS; i++) {
    close(s->fillers[i]);
  }
  close(s->listen_fd);
}

Test(live_net, connects_without_delay) {
  struct live_net_bounds bounds = {0};
  struct live_net_connection c;
  char error[256];
  uint16_t port;
  int on = 0;
  socklen_t on_len = sizeof on;
  int listen_fd = must_listen(&port, "127.0.0.1");
  cr_assert_eq(live_net_connect(&c, error, sizeof error, "127.0.0.1", port, &bounds), LIVE_NET_OK);
  cr_assert_str_eq(error, "");
  cr_assert_str_eq(c.address, "127.0.0.1");
  int fd = live_net_accept(listen_fd, 1000);
  cr_assert(fd >= 0);
  cr_assert_eq(getsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, &on_len), 0);
  cr_assert(on != 0);
  cr_assert_eq(live_net_accept(listen_fd, 0), -1);
  close(fd);
  close(c.fd);
  close(listen_fd);
}

Test(live_net, says_that_a_port_is_closed) {
  struct live_net_bounds bounds = {0};
  struct live_net_connection c;
  char error[256];
  char want[256];
  uint16_t port = closed_port();
  cr_assert_eq(live_net_connect(&c, error, sizeof error, "127.0.0.1", port, &bounds),
               LIVE_NET_REFUSED);
  (void)snprintf(want, sizeof want, "cannot connect to 127.0.0.1 port %u: Connection refused",
                 (unsigned)port);
  cr_assert_str_eq(error, want);
}

Test(live_net, says_that_a_host_is_unknown) {
  struct live_net_bounds bounds = {0};
  struct live_net_connection c;
  char error[256];
  cr_assert_eq(live_net_connect(&c, error, sizeof error, "no host\x1b", 25, &bounds),
               LIVE_NET_UNKNOWN_HOST);
  const char *want = "cannot find the host \"no host\\x1b\": ";
  cr_assert_eq(strncmp(error, want, strlen(want)), 0, "%s", error);
}

Test(live_net, tries_each_address_in_turn) {
  struct live_net_bounds bounds = {0};
  struct live_net_connection c;
  struct address closed;
  struct address open;
  char error[256];
  uint16_t port;
  int listen_fd = must_listen(&port, "127.0.0.2");
  address_set(&open, "127.0.0.2", port, NULL);
  address_set(&closed, "127.0.0.1", closed_port(), &open);
  cr_assert_eq(live_net_connect_addresses(&c, error, sizeof error, &closed.info, &bounds),
               LIVE_NET_OK);
  cr_assert_str_eq(c.address, "127.0.0.2");
  cr_assert_str_eq(error, "");
  close(c.fd);
  close(listen_fd);
}

Test(live_net, tells_every_address_that_failed) {
  struct live_net_bounds bounds = {0};
  struct live_net_connection c;
  struct address first;
  struct address second;
  char error[256];
  uint16_t port = closed_port();
  address_set(&second, "127.0.0.3", port, NULL);
  address_set(&first, "127.0.0.1", port, &second);
  cr_assert_eq(live_net_connect_addresses(&c, error, sizeof error, &first.info, &bounds),
               LIVE_NET_REFUSED);
  cr_assert_str_eq(error, "127.0.0.1: Connection refused; 127.0.0.3: Connection refused");
}

Test(live_net, does_not_wait_for_ever_on_one_address) {
  struct live_net_bounds bounds = {.attempt_ms = SILENT_MS};
  struct live_net_connection c;
  struct silent silent;
  struct address first;
  struct address second;
  char error[256];
  uint16_t port;
  silent_make(&silent, "127.0.0.1");
  int listen_fd = must_listen(&port, "127.0.0.2");
  address_set(&second, "127.0.0.2", port, NULL);
  address_set(&first, "127.0.0.1", silent.port, &second);
  cr_assert_eq(live_net_connect_addresses(&c, error, sizeof error, &first.info, &bounds),
               LIVE_NET_OK);
  cr_assert_str_eq(c.address, "127.0.0.2");
  close(c.fd);

  first.info.ai_next = NULL;
  uint64_t start_us = live_net_clock_us();
  cr_assert_eq(live_net_connect_addresses(&c, error, sizeof error, &first.info, &bounds),
               LIVE_NET_TIMEOUT);
  cr_assert(live_net_clock_us() - start_us >= (SILENT_MS - 1) * 1000);
  cr_assert_str_eq(error, "127.0.0.1: Connection timed out");
  close(listen_fd);
  silent_free(&silent);
}

Test(live_net, bounds_all_addresses_together) {
  struct live_net_bounds bounds = {.attempt_ms = 60000, .total_ms = SILENT_MS};
  struct live_net_connection c;
  struct silent silent;
  struct address first;
  struct address second;
  char error[256];
  silent_make(&silent, "127.0.0.1");
  address_set(&second, "127.0.0.2", silent.port, NULL);
  address_set(&first, "127.0.0.1", silent.port, &second);
  cr_assert_eq(live_net_connect_addresses(&c, error, sizeof error, &first.info, &bounds),
               LIVE_NET_TIMEOUT);
  cr_assert_str_eq(error, "127.0.0.1: Connection timed out; 127.0.0.2: not tried, the time was up");
  silent_free(&silent);
}

Test(live_net, connects_to_a_path) {
  struct live_net_connection c;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char error[256];
  char dir[] = "/tmp/ehlo-net-XXXXXX";
  cr_assert(mkdtemp(dir) != NULL);
  (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
  cr_assert_eq(live_net_connect_unix(&c, error, sizeof error, address.sun_path), LIVE_NET_REFUSED);
  cr_assert(strstr(error, "/s: No such file or directory") != NULL, "%s", error);
  int listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(bind(listen_fd, (struct sockaddr *)&address, sizeof address), 0);
  cr_assert_eq(listen(listen_fd, 1), 0);
  cr_assert_eq(live_net_connect_unix(&c, error, sizeof error, address.sun_path), LIVE_NET_OK);
  cr_assert_str_eq(c.address, address.sun_path);
  close(c.fd);
  close(listen_fd);
  unlink(address.sun_path);
  rmdir(dir);
}

Test(live_net, refuses_a_path_that_does_not_fit) {
  struct live_net_connection c;
  char error[256];
  char path[200];
  memset(path, 'a', sizeof path - 1);
  path[sizeof path - 1] = '\0';
  cr_assert_eq(live_net_connect_unix(&c, error, sizeof error, path), LIVE_NET_REFUSED);
  cr_assert(strstr(error, "File name too long") != NULL, "%s", error);
}

Test(live_net, says_why_it_cannot_listen) {
  char error[256];
  uint16_t port;
  int fd = must_listen(&port, "127.0.0.1");
  uint16_t again;
  cr_assert_eq(live_net_listen(&again, error, sizeof error, "127.0.0.1", port), -1);
  cr_assert(strstr(error, "Address already in use") != NULL, "%s", error);
  close(fd);
}
