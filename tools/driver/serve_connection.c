// See serve_connection.h. Steps are gathered into one write as long as nothing parts them: a pause, a
// packet of its own, TLS, the end.
#include "tools/driver/serve_connection.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/mem.h>

#include "tools/driver/serve_tap.h"

#define DRAIN_US 2000000
#define RESET_US 1000000
#define RESET_POLL_US 1000

static void note_peer(char out[LIVE_ADDRESS_MAX], int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof(address);
  if (getpeername(fd, (struct sockaddr *)&address, &len) != 0 ||
      getnameinfo((struct sockaddr *)&address, len, out, LIVE_ADDRESS_MAX, NULL, 0,
                  NI_NUMERICHOST) != 0) {
    snprintf(out, LIVE_ADDRESS_MAX, "?");
  }
}

void serve_connection_init(struct serve_connection *c, int fd, SSL_CTX *context,
                           const struct ehlo_script *script, struct ehlo_faults *faults,
                           enum ehlo_serve_tls tls, uint32_t speed_permille, size_t number) {
  memset(c, 0, sizeof(*c));
  c->fd = fd;
  c->context = context;
  c->start_us = live_net_clock_us();
  c->active_us = c->start_us;
  note_peer(c->peer, fd);
  ehlo_served_init(&c->served, script, faults, tls, speed_permille, number);
}

// ---- Out ---------------------------------------------------------------------------------------

// One send; false if nothing was taken.
static bool send_some(struct serve_connection *c, const uint8_t *bytes, size_t len,
                      size_t *out_sent) {
  ssize_t n;
  do {
    n = send(c->fd, bytes, len, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    c->broken = c->broken || (errno != EAGAIN && errno != EWOULDBLOCK);
    c->peer_ended = c->peer_ended || c->broken;
    return false;
  }
  c->active_us = live_net_clock_us();
  *out_sent = (size_t)n;
  return true;
}

static bool flush_tls(struct serve_connection *c) {
  const uint8_t *bytes;
  size_t len;
  size_t sent;
  while (!c->broken && live_tls_output(&c->tls, &bytes, &len)) {
    if (!send_some(c, bytes, len, &sent)) {
      return c->broken;
    }
    live_tls_output_ack(&c->tls, sent);
  }
  return true;
}

// Writes what was gathered. False: the socket has no room for now. What a broken one does not take is
// gone.
static bool flush(struct serve_connection *c) {
  size_t sent;
  serve_tap_server(c->tap, c->out + c->out_at + c->out_told, c->out_len - c->out_told,
                   live_net_clock_us() - c->start_us);
  c->out_told = c->out_len;
  if (c->tls_on && c->out_len > 0) {
    c->broken = live_tls_write(&c->tls, c->out, c->out_len) != EHLO_OK || c->broken;
    c->out_len = 0;
  }
  while (!c->tls_on && c->out_len > 0 && !c->broken) {
    if (!send_some(c, c->out + c->out_at, c->out_len, &sent)) {
      break;
    }
    c->out_at += sent;
    c->out_len -= sent;
  }
  c->out_len = c->broken ? 0 : c->out_len;
  c->out_at = c->out_len == 0 ? 0 : c->out_at;
  c->out_told = c->out_len;
  return c->out_len == 0 && (!c->tls_on || flush_tls(c));
}

// ---- In ----------------------------------------------------------------------------------------

static size_t receive(struct serve_connection *c, uint8_t *out, size_t cap) {
  ssize_t n;
  do {
    n = recv(c->fd, out, cap, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    c->active_us = live_net_clock_us();
    return (size_t)n;
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return 0;
  }
  c->peer_ended = true;
  c->broken = c->broken || n < 0;
  if (c->tls_on) {
    live_tls_feed_end(&c->tls, n == 0 ? EHLO_E_CLOSED : EHLO_E_RESET);
  }
  return 0;
}

// Takes plaintext out of TLS, as far as there is room.
static void take_plaintext(struct serve_connection *c) {
  size_t n = 0;
  if (!c->tls_on || c->in_handshake || c->in_len > 0) {
    return;
  }
  c->in_at = 0;
  if (live_tls_read(&c->tls, &n, c->in, sizeof(c->in)) != EHLO_OK) {
    c->peer_ended = true;
  }
  c->in_len = n;
  serve_tap_client(c->tap, c->in, n, live_net_clock_us() - c->start_us);
}

void serve_connection_read(struct serve_connection *c) {
  uint8_t buf[SERVE_BUFFER_MAX];
  size_t n = receive(c, buf, sizeof(buf));
  if (c->state != SERVE_OPEN) {
    return;
  }
  if (c->tls_on) {
    live_tls_feed(&c->tls, buf, n);
  } else if (n > 0) {  // there was nothing unread: see serve_connection_events()
    memcpy(c->in, buf, n);
    c->in_at = 0;
    c->in_len = n;
    serve_tap_client(c->tap, c->in, n, live_net_clock_us() - c->start_us);
  }
  OPENSSL_cleanse(buf, n);
}

// ---- Steps -------------------------------------------------------------------------------------

// Copies what fits of the step's bytes; false while there is no room for the rest.
static bool perform_say(struct serve_connection *c) {
  if (c->step.apart && c->step_at == 0 && !flush(c)) {
    return false;
  }
  while (c->step_at < c->step.len) {
    if (c->out_at + c->out_len == sizeof(c->out) && !flush(c)) {
      return false;
    }
    size_t room = sizeof(c->out) - c->out_at - c->out_len;
    size_t left = c->step.len - c->step_at;
    size_t n = left < room ? left : room;
    memcpy(c->out + c->out_at + c->out_len, c->step.bytes + c->step_at, n);
    c->out_len += n;
    c->step_at += n;
  }
  return true;
}

static void end_handshake(struct serve_connection *c, bool good, size_t dropped) {
  char details[LIVE_REASON_MAX] = "";
  char fact[LIVE_REASON_MAX + 16];
  c->in_handshake = false;
  live_tls_describe(&c->tls, details, sizeof(details));
  snprintf(fact, sizeof(fact), "tls %s%s", good ? "" : "failed ", details);
  serve_tap_fact(c->tap, live_net_clock_us() - c->start_us, fact);
  ehlo_served_tls_done(&c->served, good, dropped);
}

static bool perform_tls(struct serve_connection *c) {
  if (!flush(c)) {
    return false;
  }
  c->served.report.dropped += c->in_len;  // came in the clear, before the 220 that it should await
  c->in_len = 0;
  if (c->context == NULL || !live_tls_init_server(&c->tls, c->context)) {
    ehlo_served_tls_done(&c->served, false, 0);
    return true;
  }
  c->tls_on = true;
  c->in_handshake = true;
  if (c->peer_ended) {
    live_tls_feed_end(&c->tls, EHLO_E_CLOSED);
  }
  return true;
}

// Half a close: the client has all that was said, and what it still says does not reset that.
static void begin_draining(struct serve_connection *c) {
  (void)shutdown(c->fd, SHUT_WR);
  c->end_us = live_net_clock_us() + DRAIN_US;
  c->state = SERVE_DRAINING;
  c->in_len = 0;
}

static bool perform_end(struct serve_connection *c) {
  if (c->step.ending == EHLO_ENDS_CLOSED && c->tls_on && !c->in_handshake && c->out_len == 0) {
    live_tls_close(&c->tls);
  }
  if (!flush(c)) {
    return false;
  }
  if (c->step.ending == EHLO_ENDS_SILENT) {
    return true;
  }
  bool reset = c->step.ending == EHLO_ENDS_RESET;
  serve_tap_fact(c->tap, live_net_clock_us() - c->start_us, reset ? "reset S" : "eof S");
  if (reset) {
    c->state = SERVE_RESETTING;
    c->end_us = live_net_clock_us() + RESET_US;
  } else {
    begin_draining(c);
  }
  return true;
}

// False: not now.
static bool perform(struct serve_connection *c) {
  if (live_net_clock_us() < c->due_us) {
    (void)flush(c);  // what was said before the pause is on its way
    return false;
  }
  bool done = true;
  switch (c->step.type) {
    case EHLO_STEP_SAY:
      done = (c->step.delay_us == 0 || c->step_at > 0 || flush(c)) && perform_say(c);
      break;
    case EHLO_STEP_START_TLS:
      done = perform_tls(c);
      break;
    case EHLO_STEP_END:
      done = flush(c) && perform_end(c);
      break;
    case EHLO_STEP_NONE:
      break;
  }
  c->holds_step = !done;
  return done;
}

// ---- All of it ---------------------------------------------------------------------------------

static void end_by_peer(struct serve_connection *c) {
  serve_tap_fact(c->tap, live_net_clock_us() - c->start_us, c->broken ? "reset C" : "eof C");
  c->state = SERVE_DONE;
}

// The client's turn: gives the session what came. False: nothing is there.
static bool listen_to_client(struct serve_connection *c) {
  take_plaintext(c);
  if (c->in_len > 0) {
    size_t used = ehlo_served_input(&c->served, c->in + c->in_at, c->in_len);
    OPENSSL_cleanse(c->in + c->in_at, used);
    c->in_at += used;
    c->in_len -= used;
    return true;
  }
  if (!flush(c)) {
    return false;
  }
  if (c->peer_ended || c->served.place == EHLO_AT_END) {
    end_by_peer(c);
  }
  return false;
}

static bool go_on(struct serve_connection *c) {
  if (c->in_handshake) {
    enum ehlo_status status = live_tls_handshake(&c->tls);
    bool open = live_tls_is_open(&c->tls);
    (void)flush_tls(c);
    if (open || status != EHLO_OK) {
      end_handshake(c, open, 0);
    }
    return open || status != EHLO_OK;
  }
  if (c->holds_step) {
    return perform(c);
  }
  c->step = ehlo_served_next(&c->served);
  if (c->step.type == EHLO_STEP_NONE) {
    return listen_to_client(c);
  }
  c->holds_step = true;
  c->step_at = 0;
  c->due_us = c->step.delay_us > 0 ? live_net_clock_us() + c->step.delay_us : 0;
  return true;
}

// The RST overtakes nothing: it is sent when the peer has acknowledged all there is.
static void reset(struct serve_connection *c) {
  struct linger hard = {.l_onoff = 1, .l_linger = 0};
  int unsent = 0;
  if (!c->broken && ioctl(c->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 &&
      live_net_clock_us() < c->end_us) {
    return;
  }
  (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  c->state = SERVE_DONE;
}

void serve_connection_advance(struct serve_connection *c) {
  while (c->state == SERVE_OPEN && go_on(c)) {
  }
  if (c->state == SERVE_RESETTING) {
    reset(c);
  }
  if (c->state == SERVE_DRAINING &&
      (c->peer_ended || c->broken || live_net_clock_us() >= c->end_us)) {
    c->state = SERVE_DONE;
  }
}

short serve_connection_events(const struct serve_connection *c) {
  const uint8_t *bytes;
  size_t len;
  bool unsent = c->out_len > 0 || (c->tls_on && live_tls_output(&c->tls, &bytes, &len));
  bool reading =
      !c->peer_ended && (c->state == SERVE_DRAINING || (c->state == SERVE_OPEN && c->in_len == 0));
  return (short)((reading ? POLLIN : 0) | (unsent && c->state == SERVE_OPEN ? POLLOUT : 0));
}

uint64_t serve_connection_deadline_us(const struct serve_connection *c, uint64_t idle_us) {
  if (c->state == SERVE_DONE || c->state == SERVE_DRAINING) {
    return c->state == SERVE_DONE ? 0 : c->end_us;
  }
  if (c->state == SERVE_RESETTING) {
    return live_net_clock_us() + RESET_POLL_US;
  }
  uint64_t end_us = c->active_us + idle_us;
  return c->holds_step && c->due_us > 0 ? c->due_us : end_us;
}

void serve_connection_stop(struct serve_connection *c, const char *reply) {
  if (c->state == SERVE_OPEN && !c->holds_step) {
    ehlo_served_stop(&c->served, reply);
    serve_connection_advance(c);
  }
  if (c->state == SERVE_OPEN) {
    begin_draining(c);
  }
}

void serve_connection_free(struct serve_connection *c) {
  if (c->fd >= 0) {
    close(c->fd);
  }
  if (c->tls_on) {
    live_tls_free(&c->tls);
  }
  c->fd = -1;
  OPENSSL_cleanse(c->in, sizeof(c->in));
}
