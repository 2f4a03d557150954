// The transport over real sockets on loopback, with a server in a thread: what is sent in how many
// writes, in which order data and ends arrive, and that nothing is lost on a slow connection.
#include "tools/live/live.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <criterion/criterion.h>

#include "tools/live/net.h"
#include "tools/live/testing/identity.h"
#include "tools/live/testing/server.h"

#define WAIT_MS 10000  // for what is bound to come
#define LONG_LEN ((size_t)3 * 1000 * 1000)

// For what the server's thread runs too: Criterion's own checks jump, and only its thread may.
#define MUST(condition, why) must(condition, __LINE__, #condition, why)

static void must(bool ok, int line, const char *condition, const char *why) {
  if (!ok) {
    (void)fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, line, condition, why);
    abort();
  }
}

// ---- Both ends ----------------------------------------------------------------------------------

static uint64_t in_ms(struct live *l, uint64_t ms) {
  return l->transport.ops->now_us(&l->transport) / 1000 + ms;
}

static enum ehlo_status call(struct live *l, size_t *taken, size_t *got, const char *out,
                             size_t out_len, unsigned flags, uint8_t *in, size_t in_cap,
                             uint64_t ms) {
  struct ehlo_output output = {.span = {(const uint8_t *)out, out_len}, .flags = flags};
  return l->transport.ops->exchange(&l->transport, taken, got, &output, in, in_cap, in_ms(l, ms));
}

// What came and was not yet asked for. Each thread has one end.
static _Thread_local char inbox[256];
static _Thread_local size_t inbox_len;

// Offers all of `text`.
static void give(struct live *l, const char *text, unsigned flags) {
  size_t taken;
  size_t got;
  size_t len = strlen(text);
  enum ehlo_status status = call(l, &taken, &got, text, len, flags, (uint8_t *)inbox + inbox_len,
                                 sizeof inbox - inbox_len, WAIT_MS);
  MUST(status == EHLO_OK, live_reason(l));
  MUST(taken == len, live_reason(l));
  inbox_len += got;
}

// Waits for `text` and no more.
static void take(struct live *l, const char *text) {
  size_t len = strlen(text);
  while (inbox_len < len) {
    size_t taken;
    size_t got;
    enum ehlo_status status = call(l, &taken, &got, NULL, 0, 0, (uint8_t *)inbox + inbox_len,
                                   sizeof inbox - inbox_len, WAIT_MS);
    MUST(status == EHLO_OK, live_reason(l));
    inbox_len += got;
  }
  MUST(inbox_len == len && memcmp(inbox, text, len) == 0, text);
  inbox_len = 0;
}

static enum ehlo_status take_end(struct live *l) {
  uint8_t in[16];
  size_t taken;
  size_t got;
  // With nothing to send, flags have no meaning.
  enum ehlo_status status =
      call(l, &taken, &got, NULL, 0, EHLO_OUTPUT_MORE, in, sizeof in, WAIT_MS);
  MUST(got == 0, live_reason(l));
  return status;
}

static enum ehlo_status begin_tls(struct live *l) {
  return l->transport.ops->start_tls(&l->transport, in_ms(l, WAIT_MS));
}

static void end(struct live *l) {
  l->transport.ops->close(&l->transport);
}

struct scene {
  struct live_test_identity identity;
  SSL_CTX *client_context;
  SSL_CTX *server_context;
  struct live_test_server server;
  struct live client;
  sem_t connected;  // posted once the client knows that it is
};

// A server that does `serve` with the scene as its context, and a client connected to it.
static struct scene *begin(void (*serve)(int fd, void *scene)) {
  char error[256];
  struct scene *s = calloc(1, sizeof *s);
  cr_assert(s != NULL);
  live_test_identity_make(&s->identity, "mail.example", 30);
  struct live_roots roots = {.root = s->identity.authority.x509};
  s->client_context = live_tls_client_context(error, sizeof error, &roots);
  s->server_context = live_tls_server_context(&s->identity.server, NULL);
  cr_assert(s->client_context != NULL && s->server_context != NULL);
  MUST(sem_init(&s->connected, 0, 0) == 0, "");
  live_test_server_start(&s->server, serve, s);
  struct live_config cfg = {.host = "127.0.0.1",
                            .port = s->server.port,
                            .tls = s->client_context,
                            .tls_name = "mail.example"};
  cr_assert_eq(live_connect(&s->client, &cfg), LIVE_NET_OK, "%s", live_reason(&s->client));
  MUST(sem_post(&s->connected) == 0, "");
  return s;
}

static void finish(struct scene *s) {
  if (s->client.fd >= 0) {
    end(&s->client);
  }
  live_test_server_join(&s->server);
  SSL_CTX_free(s->client_context);
  SSL_CTX_free(s->server_context);
  live_test_identity_free(&s->identity);
  (void)sem_destroy(&s->connected);
  free(s);
}

// ---- A dialogue ---------------------------------------------------------------------------------

static void serve_starttls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  give(&l, "220 mail.example\r\n", 0);
  take(&l, "EHLO a\r\n");
  give(&l, "250 STARTTLS\r\n", 0);
  take(&l, "STARTTLS\r\n");
  give(&l, "220 go\r\n", 0);
  MUST(begin_tls(&l) == EHLO_OK, live_reason(&l));
  take(&l, "EHLO a\r\n");
  give(&l, "250 AUTH\r\n", 0);
  take(&l, "MAIL\r\nRCPT\r\nDATA\r\n");
  give(&l, "250 a\r\n", EHLO_OUTPUT_MORE);
  give(&l, "354 b\r\n", 0);
  take(&l, "QUIT\r\n");
  give(&l, "221 bye\r\n", 0);
  end(&l);
}

Test(live, spends_one_write_on_each_flight) {
  struct scene *s = begin(serve_starttls);
  struct live *l = &s->client;
  char line[256];
  take(l, "220 mail.example\r\n");
  give(l, "EHLO a\r\n", 0);
  take(l, "250 STARTTLS\r\n");
  give(l, "STARTTLS\r\n", 0);
  take(l, "220 go\r\n");
  cr_assert_eq(live_counters(l).writes, 2);
  cr_assert_null(live_tls_information(l));
  cr_assert_eq(begin_tls(l), EHLO_OK, "%s", live_reason(l));
  cr_assert_eq(live_counters(l).writes, 3);  // the ClientHello; Finished waits for company
  give(l, "EHLO a\r\n", 0);
  cr_assert_eq(live_counters(l).writes, 4);
  take(l, "250 AUTH\r\n");
  give(l, "MAIL\r\n", EHLO_OUTPUT_MORE);
  give(l, "RCPT\r\n", EHLO_OUTPUT_MORE);
  cr_assert_eq(live_counters(l).writes, 4);
  give(l, "DATA\r\n", 0);
  take(l, "250 a\r\n354 b\r\n");
  give(l, "QUIT\r\n", 0);
  take(l, "221 bye\r\n");
  cr_assert_eq(live_counters(l).writes, 6);
  cr_assert_eq(live_counters(l).flights, 6);
  cr_assert(live_counters(l).bytes_in > 100 && live_counters(l).bytes_out > 100);
  l->transport.ops->describe_tls(&l->transport, line, sizeof line);
  cr_assert(strstr(line, " name=ok chain=ok sha256=") != NULL, "%s", line);
  cr_assert(live_tls_information(l)->verdict.chain_ok);
  cr_assert_eq(take_end(l), EHLO_E_CLOSED);
  cr_assert_str_eq(live_reason(l), "");
  finish(s);
}

static void serve_quiet_tls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  MUST(begin_tls(&l) == EHLO_OK, live_reason(&l));
  give(&l, "220 implicit\r\n", 0);
  take(&l, "QUIT\r\n");
  end(&l);
}

// With nothing to say after the handshake, its last message goes out while the client waits.
Test(live, completes_the_handshake_while_it_waits) {
  struct scene *s = begin(serve_quiet_tls);
  cr_assert_eq(begin_tls(&s->client), EHLO_OK, "%s", live_reason(&s->client));
  take(&s->client, "220 implicit\r\n");
  cr_assert_eq(live_counters(&s->client).writes, 2);
  // What is held back goes out as well when the client begins to wait.
  give(&s->client, "QUIT\r\n", EHLO_OUTPUT_MORE);
  cr_assert_eq(live_counters(&s->client).writes, 2);
  cr_assert_eq(take_end(&s->client), EHLO_E_CLOSED);
  cr_assert_eq(live_counters(&s->client).writes, 3);
  finish(s);
}

// ---- Much data ----------------------------------------------------------------------------------

static uint8_t pattern(size_t i) {
  return (uint8_t)(i * 31 + i / 251);
}

static void set_buffer(int fd, int option) {
  int size = 2048;
  MUST(setsockopt(fd, SOL_SOCKET, option, &size, sizeof size) == 0, "");
}

static void check_long(struct live *l) {
  uint8_t in[5000];
  size_t taken;
  size_t got;
  for (size_t len = 0; len < LONG_LEN; len += got) {
    enum ehlo_status status = call(l, &taken, &got, NULL, 0, 0, in, sizeof in, WAIT_MS);
    MUST(status == EHLO_OK, live_reason(l));
    for (size_t i = 0; i < got; i++) {
      MUST(in[i] == pattern(len + i), live_reason(l));
    }
  }
  give(l, "250 all\r\n", 0);
  end(l);
}

static void serve_long(int fd, void *scene) {
  static struct live l;
  (void)scene;
  live_adopt(&l, fd, NULL);
  check_long(&l);
}

static void serve_long_tls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  MUST(begin_tls(&l) == EHLO_OK, live_reason(&l));
  check_long(&l);
}

static void send_long(struct live *l) {
  char *data = malloc(LONG_LEN);
  uint8_t in[16];
  size_t taken;
  size_t got;
  cr_assert(data != NULL);
  for (size_t i = 0; i < LONG_LEN; i++) {
    data[i] = (char)pattern(i);
  }
  for (size_t sent = 0; sent < LONG_LEN; sent += taken) {
    // Spans of changing size, most with more to follow, as a message gives them.
    size_t len = LONG_LEN - sent < sent % 40009 + 1 ? LONG_LEN - sent : sent % 40009 + 1;
    unsigned flags = sent % 5 == 0 ? 0 : EHLO_OUTPUT_MORE;
    cr_assert_eq(call(l, &taken, &got, data + sent, len, flags, in, sizeof in, WAIT_MS), EHLO_OK);
    cr_assert_eq(got, 0);
  }
  free(data);
  take(l, "250 all\r\n");
}

Test(live, loses_nothing_in_cleartext) {
  struct scene *s = begin(serve_long);
  set_buffer(s->client.fd, SO_SNDBUF);
  send_long(&s->client);
  cr_assert_eq(live_counters(&s->client).bytes_out, LONG_LEN);
  finish(s);
}

Test(live, loses_nothing_under_tls) {
  struct scene *s = begin(serve_long_tls);
  set_buffer(s->client.fd, SO_SNDBUF);
  cr_assert_eq(begin_tls(&s->client), EHLO_OK);
  send_long(&s->client);
  finish(s);
}

// A local socket with a small buffer takes a write in parts, as TCP on loopback does not.
Test(live, loses_nothing_of_a_partial_write) {
  static struct live l;
  static char data[LIVE_OUT_MAX];
  static uint8_t got[1000];
  int fds[2];
  size_t num_read = 0;
  size_t taken = 1;
  size_t num_in;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  live_adopt(&l, fds[0], NULL);
  set_buffer(fds[0], SO_SNDBUF);
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (char)pattern(i);
  }
  cr_assert_eq(call(&l, &taken, &num_in, data, sizeof data, 0, got, 1, 0), EHLO_OK);
  cr_assert_eq(taken, sizeof data);
  cr_assert(live_counters(&l).bytes_out > 0 && live_counters(&l).bytes_out < sizeof data);
  while (num_read < sizeof data) {
    ssize_t n = read(fds[1], got, sizeof got);
    cr_assert(n > 0, "after %zu octets", num_read);
    cr_assert(memcmp(got, data + num_read, (size_t)n) == 0, "after %zu octets", num_read);
    num_read += (size_t)n;
    cr_assert_eq(call(&l, &taken, &num_in, NULL, 0, 0, got, 1, 0), EHLO_E_TIMEOUT);
  }
  end(&l);
  close(fds[1]);
}

// Says something and then reads no more than it must.
static void turn_deaf(struct live *l) {
  uint8_t in[1];
  size_t taken;
  size_t got;
  give(l, "421 enough\r\n", 0);
  (void)call(l, &taken, &got, NULL, 0, 0, in, sizeof in, WAIT_MS);
  usleep(300 * 1000);
  end(l);
}

static void serve_deaf(int fd, void *scene) {
  static struct live l;
  (void)scene;
  live_adopt(&l, fd, NULL);
  turn_deaf(&l);
}

static void serve_deaf_tls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  MUST(begin_tls(&l) == EHLO_OK, live_reason(&l));
  turn_deaf(&l);
}

// A client that cannot write still reads, holds little, and its wait ends.
static void talk_to_the_deaf(struct live *l) {
  static char data[65536];
  char in[16];
  size_t taken = 1;
  size_t total = 0;
  size_t got;
  size_t num_in = 0;
  enum ehlo_status status = EHLO_OK;
  set_buffer(l->fd, SO_SNDBUF);
  while (status == EHLO_OK && total < (size_t)64 * 1024 * 1024) {
    status =
        call(l, &taken, &got, data, sizeof data, 0, (uint8_t *)in + num_in, sizeof in - num_in, 50);
    total += taken;
    num_in += got;
  }
  cr_assert_eq(status, EHLO_E_TIMEOUT);
  cr_assert_eq(num_in, 12);
  cr_assert(memcmp(in, "421 enough\r\n", 12) == 0);
  cr_assert(total < live_counters(l).bytes_out + (size_t)3 * LIVE_OUT_MAX);
}

Test(live, is_bounded_when_nobody_reads) {
  struct scene *s = begin(serve_deaf);
  talk_to_the_deaf(&s->client);
  finish(s);
}

Test(live, is_bounded_under_tls_too) {
  struct scene *s = begin(serve_deaf_tls);
  cr_assert_eq(begin_tls(&s->client), EHLO_OK);
  talk_to_the_deaf(&s->client);
  finish(s);
}

// ---- Ends ---------------------------------------------------------------------------------------

static void serve_refusal(int fd, void *scene) {
  (void)scene;
  MUST(write(fd, "554 no\r\n", 8) == 8, "");
  close(fd);
}

Test(live, gives_data_before_the_end) {
  struct scene *s = begin(serve_refusal);
  live_test_server_join(&s->server);
  take(&s->client, "554 no\r\n");
  cr_assert_eq(take_end(&s->client), EHLO_E_CLOSED);
  cr_assert_eq(take_end(&s->client), EHLO_E_CLOSED);
  finish(s);
}

static void reset(int fd) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "");
  close(fd);
}

// Not before the client knows that it is connected: else it would write nothing at all.
static void serve_reset(int fd, void *scene) {
  MUST(sem_wait(&((struct scene *)scene)->connected) == 0, "");
  MUST(write(fd, "554 no\r\n", 8) == 8, "");
  reset(fd);
}

Test(live, gives_data_before_a_reset) {
  struct scene *s = begin(serve_reset);
  live_test_server_join(&s->server);
  take(&s->client, "554 no\r\n");
  cr_assert_eq(take_end(&s->client), EHLO_E_RESET);
  cr_assert_eq(take_end(&s->client), EHLO_E_RESET);
  cr_assert(strstr(live_reason(&s->client), "Connection reset") != NULL);
  finish(s);
}

// The same when the client learns of it by writing.
Test(live, gives_data_after_a_failed_write) {
  struct scene *s = begin(serve_reset);
  uint8_t in[16];
  size_t taken;
  size_t got;
  live_test_server_join(&s->server);
  cr_assert_eq(call(&s->client, &taken, &got, "EHLO a\r\n", 8, 0, in, sizeof in, WAIT_MS), EHLO_OK);
  cr_assert_eq(taken, 8);
  cr_assert_eq(call(&s->client, &taken, &got, "QUIT\r\n", 6, 0, in, sizeof in, WAIT_MS), EHLO_OK);
  cr_assert_eq(got, 8);
  cr_assert(memcmp(in, "554 no\r\n", 8) == 0);
  cr_assert_eq(call(&s->client, &taken, &got, "QUIT\r\n", 6, 0, in, sizeof in, WAIT_MS),
               EHLO_E_RESET);
  cr_assert_eq(taken + got, 0);
  finish(s);
}

// A server may go on to TLS right after its 220: what comes behind that is not cleartext.
Test(live, a_server_that_sends_does_not_read) {
  static struct live l;
  uint8_t in[8];
  size_t taken;
  size_t got;
  int fds[2];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  live_adopt(&l, fds[0], NULL);
  cr_assert_eq(write(fds[1], "early", 5), 5);
  cr_assert_eq(call(&l, &taken, &got, "220\r\n", 5, 0, in, sizeof in, WAIT_MS), EHLO_OK);
  cr_assert_eq(taken, 5);
  cr_assert_eq(got, 0);
  cr_assert_eq(read(fds[1], in, sizeof in), 5);
  cr_assert_eq(call(&l, &taken, &got, NULL, 0, 0, in, sizeof in, WAIT_MS), EHLO_OK);
  cr_assert_eq(got, 5);
  end(&l);
  close(fds[1]);
}

// A client takes what came already only after its own words, which were chosen without it: but within a
// message it does, since the server may have refused the rest.
Test(live, a_client_that_sends_reads_within_a_message_alone) {
  static const unsigned flags[] = {0, EHLO_OUTPUT_MORE, EHLO_OUTPUT_BODY,
                                   EHLO_OUTPUT_BODY | EHLO_OUTPUT_MORE};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    struct scene *s = begin(serve_refusal);
    uint8_t in[16];
    size_t taken;
    size_t got;
    live_test_server_join(&s->server);
    cr_assert_eq(call(&s->client, &taken, &got, "text", 4, flags[i], in, sizeof in, WAIT_MS),
                 EHLO_OK);
    cr_assert_eq(taken, 4);
    cr_assert_eq(got, (flags[i] & EHLO_OUTPUT_BODY) != 0 ? 8 : 0, "%zu: %zu", i, got);
    inbox_len = 0;
    if (got == 0) {
      take(&s->client, "554 no\r\n");
    }
    finish(s);
  }
}

Test(live, survives_a_broken_pipe) {
  static struct live l;
  uint8_t in[8];
  size_t taken;
  size_t got;
  int fds[2];
  cr_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  live_adopt(&l, fds[0], NULL);
  close(fds[1]);
  cr_assert_eq(call(&l, &taken, &got, "QUIT\r\n", 6, 0, in, sizeof in, WAIT_MS), EHLO_OK);
  cr_assert_eq(take_end(&l), EHLO_E_RESET);
  end(&l);
}

static void serve_cut_tls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  MUST(begin_tls(&l) == EHLO_OK, live_reason(&l));
  give(&l, "250 done\r\n", 0);
  live_tls_free(&l.tls);
  (void)shutdown(fd, SHUT_WR);
  usleep(100 * 1000);
  close(fd);
}

Test(live, tells_a_tls_stream_that_is_cut) {
  struct scene *s = begin(serve_cut_tls);
  char line[128];
  cr_assert_eq(begin_tls(&s->client), EHLO_OK);
  take(&s->client, "250 done\r\n");
  cr_assert_eq(take_end(&s->client), EHLO_E_TLS);
  s->client.transport.ops->describe_tls(&s->client.transport, line, sizeof line);
  cr_assert_str_eq(line, "closed without close_notify (the stream may be cut)");
  finish(s);
}

// ---- STARTTLS that goes wrong -------------------------------------------------------------------

static void serve_injection(int fd, void *scene) {
  (void)scene;
  MUST(write(fd, "220 go\r\n250 injected\r\n", 22) == 22, "");
  usleep(100 * 1000);
  close(fd);
}

// Cleartext behind the 220 is given as input, for the engine to refuse, and never as TLS.
Test(live, gives_injected_cleartext_as_what_it_is) {
  struct scene *s = begin(serve_injection);
  take(&s->client, "220 go\r\n250 injected\r\n");
  finish(s);
}

static void serve_cleartext(int fd, void *scene) {
  (void)scene;
  MUST(write(fd, "220 mail.example\r\n", 18) == 18, "");
  usleep(100 * 1000);
  close(fd);
}

Test(live, says_what_came_in_place_of_tls) {
  struct scene *s = begin(serve_cleartext);
  char line[256];
  cr_assert_eq(begin_tls(&s->client), EHLO_E_TLS);
  s->client.transport.ops->describe_tls(&s->client.transport, line, sizeof line);
  cr_assert_str_eq(line,
                   "the server sent cleartext where TLS was expected: "
                   "\"220 mail.example\\x0d\\x0a\"");
  end(&s->client);
  cr_assert_str_eq(live_reason(&s->client), line);  // also afterwards
  finish(s);
}

static void serve_refused_tls(int fd, void *scene) {
  static struct live l;
  live_adopt(&l, fd, ((struct scene *)scene)->server_context);
  (void)begin_tls(&l);
  uint8_t in[1];
  size_t taken;
  size_t got;
  if (live_tls_is_open(&l.tls)) {
    MUST(call(&l, &taken, &got, NULL, 0, 0, in, 1, WAIT_MS) == EHLO_E_TLS, live_reason(&l));
  }
  MUST(strstr(live_reason(&l), "the client ended TLS with the alert") != NULL, live_reason(&l));
  end(&l);
}

Test(live, refuses_a_certificate_and_tells_the_server) {
  struct scene *s = begin(serve_refused_tls);
  s->client.tls_name = "other.example";
  cr_assert_eq(begin_tls(&s->client), EHLO_E_TLS);
  cr_assert_str_eq(live_reason(&s->client),
                   "the certificate is for \"mail.example\", not for \"other.example\"");
  cr_assert_eq(live_tls_information(&s->client)->num_certificates, 1);
  finish(s);
}

// ---- Time ---------------------------------------------------------------------------------------

static void serve_silence(int fd, void *scene) {
  char in[64];
  (void)scene;
  for (int i = 0; i < 100 && read(fd, in, sizeof in) != 0; i++) {
    usleep(10 * 1000);
  }
  close(fd);
}

Test(live, keeps_deadlines) {
  struct scene *s = begin(serve_silence);
  struct live *l = &s->client;
  uint8_t in[4];
  size_t taken;
  size_t got;
  uint64_t before_us = l->transport.ops->now_us(&l->transport);
  cr_assert_eq(call(l, &taken, &got, NULL, 0, 0, in, sizeof in, 40), EHLO_E_TIMEOUT);
  uint64_t after_us = l->transport.ops->now_us(&l->transport);
  cr_assert(after_us - before_us >= 39000 && after_us - before_us < 5000000);
  cr_assert_eq(call(l, &taken, &got, NULL, 0, 0, in, sizeof in, 0), EHLO_E_TIMEOUT);
  // A deadline that has passed does not keep output from being taken.
  cr_assert_eq(call(l, &taken, &got, "x", 1, 0, in, sizeof in, 0), EHLO_OK);
  cr_assert_eq(taken, 1);
  cr_assert_eq(l->transport.ops->start_tls(&l->transport, in_ms(l, 40)), EHLO_E_TIMEOUT);
  cr_assert_str_eq(live_reason(l), "the server did not answer in time during the TLS handshake");
  finish(s);
}

// ---- Secrets ------------------------------------------------------------------------------------

Test(live, keeps_no_plaintext_that_was_sent) {
  struct scene *s = begin(serve_silence);
  give(&s->client, "c2VjcmV0\r\n", EHLO_OUTPUT_SECRET | EHLO_OUTPUT_MORE);
  cr_assert(memcmp(s->client.out, "c2VjcmV0", 8) == 0);
  give(&s->client, "NOOP\r\n", 0);
  for (size_t i = 0; i < sizeof s->client.out; i++) {
    cr_assert_eq(s->client.out[i], 0, "octet %zu", i);
  }
  finish(s);
}

Test(live, has_no_tls_where_none_was_set_up) {
  struct scene *s = begin(serve_silence);
  char line[64];
  s->client.tls_context = NULL;
  cr_assert_eq(begin_tls(&s->client), EHLO_E_TLS);
  s->client.transport.ops->describe_tls(&s->client.transport, line, sizeof line);
  cr_assert_str_eq(line, "TLS cannot begin: it was not set up");
  finish(s);
}

Test(live, does_not_connect_to_a_closed_port) {
  static struct live l;
  char error[64];
  struct live_config cfg = {.host = "127.0.0.1"};
  close(live_net_listen(&cfg.port, error, sizeof error, "127.0.0.1", 0));
  cr_assert_eq(live_connect(&l, &cfg), LIVE_NET_REFUSED);
  cr_assert(strstr(live_reason(&l), "Connection refused") != NULL, "%s", live_reason(&l));
}
