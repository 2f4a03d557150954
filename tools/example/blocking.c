// The blocking pump needs two things of a program: a transport, here a plain socket, and where the
// message comes from, here memory.
#include "tools/example/blocking.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "replay/pump.h"
#include "replay/submission.h"

// ---- The transport ----------------------------------------------------------------------------------

struct socket_transport {
  struct ehlo_transport base;
  int fd;
};

static uint64_t socket_now_us(struct ehlo_transport *t) {
  struct timespec now;
  (void)t;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// Waits until the socket can be read, or written if there is output. False: the deadline came.
static bool wait_for_socket(struct socket_transport *s, short *out_ready, bool has_output,
                            uint64_t deadline_ms) {
  struct pollfd p = {.fd = s->fd, .events = (short)(POLLIN | (has_output ? POLLOUT : 0))};
  for (;;) {
    uint64_t now_ms = socket_now_us(&s->base) / 1000;
    if (now_ms >= deadline_ms) {
      return false;
    }
    uint64_t left_ms = deadline_ms - now_ms;
    int n = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
    if (n > 0 || (n < 0 && errno != EINTR)) {
      *out_ready = n > 0 ? p.revents : POLLERR;
      return true;
    }
  }
}

// What a server said is read before anything else is sent, and after nothing can be sent any more.
static enum ehlo_status socket_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                        const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                        uint64_t deadline_ms) {
  struct socket_transport *s = (struct socket_transport *)t;
  short ready;
  *out_taken = 0;
  *in_len = 0;
  if (!wait_for_socket(s, &ready, out->span.len > 0, deadline_ms)) {
    return EHLO_E_TIMEOUT;
  }
  if ((ready & ~POLLOUT) != 0) {
    ssize_t n = recv(s->fd, in, in_cap, MSG_DONTWAIT);
    *in_len = n > 0 ? (size_t)n : 0;
    return n > 0 ? EHLO_OK : n == 0 ? EHLO_E_CLOSED : EHLO_E_RESET;
  }
  int more = (out->flags & EHLO_OUTPUT_MORE) != 0 ? MSG_MORE : 0;
  ssize_t n = send(s->fd, out->span.bytes, out->span.len, MSG_NOSIGNAL | MSG_DONTWAIT | more);
  *out_taken = n > 0 ? (size_t)n : 0;
  return n >= 0 || errno == EAGAIN || errno == EINTR ? EHLO_OK : EHLO_E_RESET;
}

static enum ehlo_status socket_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  (void)t;
  (void)deadline_ms;
  return EHLO_E_TLS;  // a TLS library would shake hands here
}

static void socket_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  (void)t;
  snprintf(out, cap, "no TLS here");
}

static void socket_close(struct ehlo_transport *t) {
  (void)t;  // the socket is the caller's
}

static const struct ehlo_transport_ops socket_ops = {
    .exchange = socket_exchange,
    .start_tls = socket_start_tls,
    .describe_tls = socket_describe_tls,
    .close = socket_close,
    .now_us = socket_now_us,
};

// ---- The message ------------------------------------------------------------------------------------

struct memory {
  struct ehlo_span message;
  struct ehlo_span left;
};

static void begin_memory(void *arg, size_t message) {
  struct memory *m = arg;
  (void)message;  // there is one
  m->left = m->message;
}

static enum ehlo_source_state peek_memory(void *arg, struct ehlo_span *out) {
  *out = ((const struct memory *)arg)->left;
  return out->len > 0 ? EHLO_SOURCE_MORE : EHLO_SOURCE_END;
}

static void skip_memory(void *arg, size_t n) {
  struct memory *m = arg;
  m->left = (struct ehlo_span){m->left.bytes + n, m->left.len - n};
}

enum ehlo_outcome submit_blocking(int fd, const struct ehlo_submit_config *cfg,
                                  const struct ehlo_timeouts *timeouts, struct ehlo_span message) {
  struct socket_transport transport = {.base = {&socket_ops}, .fd = fd};
  struct memory memory = {.message = message};
  struct ehlo_source source = {begin_memory, peek_memory, skip_memory, &memory};
  struct ehlo_submission submission;
  struct ehlo_client client;
  uint8_t *buffer = malloc(EHLO_BUFFER_DEFAULT);
  if (buffer == NULL) {
    return EHLO_OUTCOME_OPEN;
  }
  ehlo_client_init(&client, &(struct ehlo_config){.timeouts = *timeouts}, buffer,
                   EHLO_BUFFER_DEFAULT, socket_now_us(&transport.base) / 1000);
  ehlo_submission_init(&submission, cfg, &source);
  struct ehlo_pump pump = {
      .client = &client, .transport = &transport.base, .program = &submission.base};
  ehlo_pump_run(&pump);
  ehlo_client_wipe(&client);
  free(buffer);
  return submission.submit.verdict.outcome;
}
