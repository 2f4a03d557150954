// Two channels over a pair of sockets: what one writes the other reads, in cleartext and under TLS,
// however little the sockets take, and each way to end is told apart. And connecting without waiting.
#include "tools/live/channel.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/live/dial.h"
#include "tools/live/testing/identity.h"

#define MUCH ((size_t)3000000)

static struct live_channel a;
static struct live_channel b;
static SSL_CTX *client_context;
static SSL_CTX *server_context;

static void start(void) {
  int fds[2];
  int small = 4096;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  cr_assert_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  live_channel_init(&a, fds[0]);
  live_channel_init(&b, fds[1]);
}

static void end(void) {
  live_channel_close(&a, false);
  live_channel_close(&b, false);
  live_tls_free(&a.tls);
  live_tls_free(&b.tls);
  SSL_CTX_free(client_context);
  SSL_CTX_free(server_context);
  client_context = server_context = NULL;
}

// Shakes hands as far as it goes; the status of the client's end.
static enum ehlo_status begin_tls(const char *name) {
  struct live_test_identity identity;
  char error[LIVE_REASON_MAX];
  live_test_identity_make(&identity, "mail.example", 3);
  struct live_roots roots = {.root = identity.authority.x509};
  client_context = live_tls_client_context(error, sizeof error, &roots);
  server_context = live_tls_server_context(&identity.server, NULL);
  cr_assert(client_context != NULL && server_context != NULL);
  live_test_identity_free(&identity);
  cr_assert(live_channel_start_client(&a, client_context, name, false));
  cr_assert(live_channel_start_server(&b, server_context));
  enum ehlo_status status = EHLO_OK;
  for (int i = 0; i < 10 && status == EHLO_OK; i++) {
    status = live_channel_handshake(&a);
    (void)live_channel_handshake(&b);
  }
  return status;
}

static void start_server_alone(void) {
  struct live_test_identity identity;
  live_test_identity_make(&identity, "mail.example", 3);
  server_context = live_tls_server_context(&identity.server, NULL);
  live_test_identity_free(&identity);
  cr_assert(live_channel_start_server(&b, server_context));
}

static uint8_t octet(size_t at) {
  return (uint8_t)(at * 7 + at / 251);
}

// Sends MUCH octets from `a` to `b`, as a relay does: the next piece once the last one is out.
static void expect_much_passes(void) {
  static uint8_t piece[LIVE_CHANNEL_READ_MAX];
  static uint8_t got[LIVE_CHANNEL_READ_MAX];
  size_t sent = 0;
  size_t received = 0;
  bool waited = false;
  for (int turn = 0; received < MUCH; turn++) {
    cr_assert_lt(turn, 1000000, "it does not end");
    if (live_channel_is_idle(&a) && sent < MUCH) {
      size_t n = MUCH - sent < sizeof piece ? MUCH - sent : sizeof piece;
      for (size_t i = 0; i < n; i++) {
        piece[i] = octet(sent + i);
      }
      live_channel_write(&a, piece, n);
      sent += n;
    }
    waited = waited || !live_channel_is_idle(&a);
    live_channel_flush(&a);
    size_t n = 0;
    cr_assert_eq(live_channel_read(&b, &n, got, sizeof got), EHLO_OK);
    for (size_t i = 0; i < n; i++) {
      cr_assert_eq(got[i], octet(received + i), "at %zu", received + i);
    }
    received += n;
  }
  cr_expect(waited, "the socket took everything at once, which tests nothing");
  cr_expect_eq(a.bytes_out, MUCH);
  cr_expect_eq(b.bytes_in, MUCH);
}

static void expect_end(enum ehlo_status wanted) {
  uint8_t octets[100];
  size_t n = 1;
  enum ehlo_status status = EHLO_OK;
  for (int i = 0; i < 10 && status == EHLO_OK; i++) {
    status = live_channel_read(&b, &n, octets, sizeof octets);
  }
  cr_expect_eq(status, wanted);
  cr_expect_eq(n, 0u);
}

Test(channel, cleartext) {
  start();
  expect_much_passes();
  uint8_t none[10];
  size_t n = 1;
  cr_expect_eq(live_channel_read(&b, &n, none, sizeof none), EHLO_OK);
  cr_expect(n == 0 && !b.may_have_more);
  live_channel_shut(&a);
  expect_end(EHLO_E_CLOSED);
  live_channel_write(&b, (const uint8_t *)"late", 4);  // the other direction is open
  cr_expect_eq(live_channel_read(&a, &n, none, sizeof none), EHLO_OK);
  cr_expect_eq(n, 4u);
  end();
}

Test(channel, tls) {
  start();
  cr_assert_eq(begin_tls("mail.example"), EHLO_OK);
  cr_assert(live_channel_is_open(&a) && live_channel_is_open(&b));
  expect_much_passes();
  live_channel_shut(&a);
  expect_end(EHLO_E_CLOSED);
  end();
}

// The end of what was sent waits until all of it is out.
Test(channel, shut_waits) {
  static uint8_t octets[100000];
  start();
  live_channel_write(&a, octets, sizeof octets);
  cr_assert_not(live_channel_is_idle(&a));
  live_channel_shut(&a);
  cr_expect_not(a.shut_done);
  size_t received = 0;
  enum ehlo_status status = EHLO_OK;
  while (status == EHLO_OK) {
    size_t n = 0;
    status = live_channel_read(&b, &n, octets, sizeof octets);
    received += n;
    live_channel_flush(&a);
  }
  cr_expect_eq(status, EHLO_E_CLOSED);
  cr_expect_eq(received, sizeof octets);
  end();
}

Test(channel, wrong_name) {
  start();
  cr_expect_eq(begin_tls("other.example"), EHLO_E_TLS);
  cr_expect_not(live_channel_is_open(&a));
  end();
}

Test(channel, cut_off) {
  start();
  cr_assert_eq(begin_tls("mail.example"), EHLO_OK);
  live_channel_close(&a, false);  // without a close_notify
  expect_end(EHLO_E_TLS);
  end();
}

Test(channel, cut_off_keeps_what_was_said) {
  uint8_t octets[64];
  size_t n = 0;
  start();
  cr_assert_eq(begin_tls("mail.example"), EHLO_OK);
  live_channel_write(&a, (const uint8_t *)"221 bye\r\n", 9);
  live_channel_cut(&a);
  cr_expect_eq(live_channel_read(&b, &n, octets, sizeof octets), EHLO_OK);
  cr_expect_eq(n, 9);
  expect_end(EHLO_E_TLS);
  end();
}

Test(channel, tls_after_the_end_fails_at_once) {
  uint8_t octets[64];
  size_t n = 0;
  start();
  live_channel_close(&a, false);
  cr_expect_eq(live_channel_read(&b, &n, octets, sizeof octets), EHLO_E_CLOSED);
  start_server_alone();
  cr_expect_neq(live_channel_handshake(&b), EHLO_OK);
  end();
}

Test(channel, counts_what_the_socket_moves) {
  uint8_t octets[64];
  size_t n = 0;
  start();
  live_channel_write(&a, (const uint8_t *)"NOOP\r\n", 6);
  cr_expect_eq(live_channel_read(&b, &n, octets, sizeof octets), EHLO_OK);
  cr_expect_eq(a.moved, 6);
  cr_expect_eq(b.moved, 6);
  cr_expect_eq(live_channel_read(&b, &n, octets, sizeof octets), EHLO_OK);
  cr_expect_eq(b.moved, 6);
  end();
}

// What a socket took and what arrived are not the same: the peer's kernel has room for only so much.
Test(channel, knows_when_all_has_arrived) {
  static uint8_t octets[LIVE_CHANNEL_READ_MAX];
  char error[LIVE_REASON_MAX];
  uint16_t port = 0;
  struct live_net_connection connection;
  struct live_net_bounds bounds = {0};
  int listener = live_net_listen(&port, error, sizeof error, "127.0.0.1", 0);
  cr_assert_geq(listener, 0, "%s", error);
  cr_assert_eq(live_net_connect(&connection, error, sizeof error, "127.0.0.1", port, &bounds),
               LIVE_NET_OK);
  live_channel_init(&a, connection.fd);
  live_channel_init(&b, live_net_accept(listener, 1000));
  cr_expect(live_channel_has_arrived(&a));
  while (live_channel_is_idle(&a)) {
    live_channel_write(&a, octets, sizeof octets);
  }
  cr_expect_not(live_channel_has_arrived(&a));
  for (int turn = 0; !live_channel_has_arrived(&a); turn++) {
    size_t n;
    cr_assert_lt(turn, 1000000, "it does not end");
    cr_assert_eq(live_channel_read(&b, &n, octets, sizeof octets), EHLO_OK);
    live_channel_flush(&a);
  }
  close(listener);
  end();
}

// ---- Connecting ---------------------------------------------------------------------------------

static void dial(struct live_dial *d, const struct live_place *place) {
  live_dial_begin(d, place, 0);
  for (int i = 0; i < 100 && !d->connected && !d->failed; i++) {
    struct pollfd p = {.fd = d->fd, .events = POLLOUT};
    (void)poll(&p, 1, 100);
    live_dial_go(d);
  }
}

Test(dial, connects_or_says_why) {
  char error[LIVE_REASON_MAX];
  uint16_t port = 0;
  struct live_place place;
  static struct live_dial d;
  int fd = live_net_listen(&port, error, sizeof error, "127.0.0.1", 0);
  cr_assert_geq(fd, 0);
  cr_assert_eq(live_place_find(&place, error, sizeof error, "127.0.0.1", port, NULL, NULL),
               LIVE_NET_OK);
  dial(&d, &place);
  cr_expect(d.connected && !d.failed);
  cr_expect_str_eq(d.address, "127.0.0.1");
  close(d.fd);
  close(fd);
  dial(&d, &place);
  cr_expect(d.failed && !d.connected && d.fd < 0);
  cr_expect_eq(d.result, LIVE_NET_REFUSED);
  cr_expect_str_eq(d.reason, "127.0.0.1: Connection refused");
  live_place_free(&place);
}

Test(dial, nobody_there) {
  char error[LIVE_REASON_MAX];
  struct live_place place;
  static struct live_dial d;
  cr_expect_eq(live_place_find(&place, error, sizeof error, "nobody.invalid", 25, NULL, NULL),
               LIVE_NET_UNKNOWN_HOST);
  cr_expect(strstr(error, "nobody.invalid") != NULL);
  cr_assert_eq(live_place_find(&place, error, sizeof error, "", 0, "/nowhere/socket", NULL),
               LIVE_NET_OK);
  dial(&d, &place);
  cr_expect(d.failed && d.result == LIVE_NET_REFUSED);
  cr_expect(strstr(d.reason, "No such file") != NULL, "%s", d.reason);
}
