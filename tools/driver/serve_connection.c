// See serve_connection.h. Steps are gathered into one write as long as nothing parts them: a
// pause, a packet of its own, TLS, the end.
#include "tools/driver/serve_connection.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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
  memset(c, 0, offsetof(struct serve_connection, channel));
  live_channel_init(&c->channel, fd);
  c->context = context;
  c->start_us = live_net_clock_us();
  c->active_us = c->start_us;
  note_peer(c->peer, fd);
  ehlo_served_init(&c->served, script, faults, tls, speed_permille, number);
}

// ---- Out and in --------------------------------------------------------------------------------

// Writes what was gathered, in one piece. False: the socket has no room for now. What a broken one
// does not take is gone.
static bool flush(struct serve_connection *c) {
  live_channel_flush(&c->channel);
  if (c->out_len > 0 && live_channel_is_idle(&c->channel)) {
    serve_tap_server(c->tap, c->out, c->out_len, live_net_clock_us() - c->start_us);
    live_channel_write(&c->channel, c->out, c->out_len);
    c->out_len = 0;
  }
  return c->out_len == 0 && live_channel_is_idle(&c->channel);
}

static bool is_broken(const struct serve_connection *c) {
  return c->channel.broken != EHLO_OK || c->channel.end == EHLO_E_RESET;
}

static bool is_reading(const struct serve_connection *c) {
  return !c->peer_ended &&
         (c->state == SERVE_DRAINING || (c->state == SERVE_OPEN && c->in_len == 0));
}

bool serve_connection_may_read(const struct serve_connection *c) {
  return is_reading(c) && !c->in_handshake && c->channel.may_have_more;
}

void serve_connection_read(struct serve_connection *c) {
  if (!is_reading(c) || c->in_handshake) {
    return;
  }
  c->peer_ended = live_channel_read(&c->channel, &c->in_len, c->in, sizeof(c->in)) != EHLO_OK;
  c->in_at = 0;
  if (c->state == SERVE_OPEN) {
    serve_tap_client(c->tap, c->in, c->in_len, live_net_clock_us() - c->start_us);
  } else {
    OPENSSL_cleanse(c->in, c->in_len);
    c->in_len = 0;
  }
}

// ---- Steps -------------------------------------------------------------------------------------

// Copies what fits of the step's bytes; false while there is no room for the rest.
static bool perform_say(struct serve_connection *c) {
  if (c->step.apart && c->step_at == 0 && !flush(c)) {
    return false;
  }
  while (c->step_at < c->step.len) {
    if (c->out_len == sizeof(c->out) && !flush(c)) {
      return false;
    }
    size_t room = sizeof(c->out) - c->out_len;
    size_t left = c->step.len - c->step_at;
    size_t n = left < room ? left : room;
    memcpy(c->out + c->out_len, c->step.bytes + c->step_at, n);
    c->out_len += n;
    c->step_at += n;
  }
  return true;
}

static void end_handshake(struct serve_connection *c, bool good, size_t dropped) {
  char details[LIVE_REASON_MAX] = "";
  char fact[LIVE_REASON_MAX + 16];
  c->in_handshake = false;
  live_tls_describe(&c->channel.tls, details, sizeof(details));
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
  if (c->context == NULL || !live_channel_start_server(&c->channel, c->context)) {
    ehlo_served_tls_done(&c->served, false, 0);
    return true;
  }
  c->in_handshake = true;
  return true;
}

// Half a close: the client has all that was said, and what it still says does not reset that.
static void begin_draining(struct serve_connection *c) {
  live_channel_cut(&c->channel);
  c->end_us = live_net_clock_us() + DRAIN_US;
  c->state = SERVE_DRAINING;
  c->in_len = 0;
}

static bool perform_end(struct serve_connection *c) {
  if (c->step.ending == EHLO_ENDS_SILENT) {
    return true;
  }
  bool reset = c->step.ending == EHLO_ENDS_RESET;
  serve_tap_fact(c->tap, live_net_clock_us() - c->start_us, reset ? "reset S" : "eof S");
  if (reset) {
    c->state = SERVE_RESETTING;
    c->end_us = live_net_clock_us() + RESET_US;
  } else {
    if (c->step.ending == EHLO_ENDS_CLOSED && !c->in_handshake) {
      live_channel_shut(&c->channel);
    }
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
  serve_tap_fact(c->tap, live_net_clock_us() - c->start_us, is_broken(c) ? "reset C" : "eof C");
  c->state = SERVE_DONE;
}

// The client's turn: gives the session what came. False: nothing is there.
static bool listen_to_client(struct serve_connection *c) {
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
  if (c->peer_ended || is_broken(c) || c->served.place == EHLO_AT_END) {
    end_by_peer(c);
  }
  return false;
}

static bool go_on(struct serve_connection *c) {
  if (c->in_handshake) {
    enum ehlo_status status = live_channel_handshake(&c->channel);
    bool open = live_channel_is_open(&c->channel);
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
  if (live_channel_has_arrived(&c->channel) || live_net_clock_us() >= c->end_us) {
    live_channel_close(&c->channel, true);
    c->state = SERVE_DONE;
  }
}

void serve_connection_advance(struct serve_connection *c) {
  while (c->state == SERVE_OPEN && go_on(c)) {
  }
  if (c->state == SERVE_RESETTING) {
    reset(c);
  }
  if (c->state == SERVE_DRAINING) {
    live_channel_flush(&c->channel);
    if (c->peer_ended || is_broken(c) || live_net_clock_us() >= c->end_us) {
      c->state = SERVE_DONE;
    }
  }
  if (c->channel.moved != c->moved) {
    c->moved = c->channel.moved;
    c->active_us = live_net_clock_us();
  }
}

short serve_connection_events(const struct serve_connection *c) {
  bool unsent = c->out_len > 0 || !live_channel_is_idle(&c->channel);
  bool writing = unsent && (c->state == SERVE_OPEN || c->state == SERVE_DRAINING);
  return (short)((is_reading(c) ? POLLIN : 0) | (writing ? POLLOUT : 0));
}

uint64_t serve_connection_deadline_us(const struct serve_connection *c, uint64_t idle_us) {
  if (serve_connection_may_read(c)) {
    return 0;
  }
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
  live_channel_close(&c->channel, false);
  live_tls_free(&c->channel.tls);
  OPENSSL_cleanse(c->in, sizeof(c->in));
}
