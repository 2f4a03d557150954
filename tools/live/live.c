// The loop over one non-blocking socket. Output is gathered in `out`, under TLS then encrypted as a
// whole and sent, so that a flight is one record and one write where it fits. A write that fails
// ends writing alone: what the server said before it hung up is still in the socket, and is worth
// more than the error.
#include "tools/live/live.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/mem.h>

#include "tools/live/text.h"

#define DRAIN_MAX (256 * 1024)  // octets read and dropped at a close

static uint64_t now_us(struct ehlo_transport *t) {
  return live_net_clock_us() - ((const struct live *)t)->start_us;
}

static void note_reason(struct live *l, const char *what, const char *why) {
  struct live_text t;
  if (l->reason[0] == '\0') {
    live_text_init(&t, l->reason, sizeof l->reason);
    live_text_format(&t, "%s: %s", what, why);
  }
}

// ---- Output -------------------------------------------------------------------------------------

// Takes over what fits of `bytes`, and returns how much that was.
static size_t stage(struct live *l, struct ehlo_span bytes) {
  if (l->broken) {
    return 0;
  }
  if (l->out_start == l->out_end) {
    l->out_start = 0;
    l->out_end = 0;
  }
  size_t room = LIVE_OUT_MAX - l->out_end;
  size_t n = bytes.len < room ? bytes.len : room;
  if (n > 0) {
    memcpy(l->out + l->out_end, bytes.bytes, n);
    l->out_end += n;
  }
  return n;
}

// `n` of the staged bytes have left: there may be a credential among them.
static void unstage(struct live *l, size_t n) {
  OPENSSL_cleanse(l->out + l->out_start, n);
  l->out_start += n;
}

static bool is_full(const struct live *l) {
  return l->out_end == LIVE_OUT_MAX;
}

// Encrypts what is staged, behind the end of a handshake where that still waits, so that both leave
// together. While more ciphertext waits than that, the staged bytes do too: memory stays bounded.
static void encrypt(struct live *l) {
  const uint8_t *waiting;
  size_t num_waiting;
  size_t staged = l->out_end - l->out_start;
  bool busy = live_tls_output(&l->tls, &waiting, &num_waiting) && num_waiting > LIVE_IN_MAX;
  if (staged > 0 && !busy) {
    (void)live_tls_write(&l->tls, l->out + l->out_start, staged);
    unstage(l, staged);
  }
}

// The bytes that the socket is to get next; false if there are none.
static bool next_output(struct live *l, const uint8_t **out, size_t *out_len) {
  if (l->tls_on) {
    encrypt(l);
    return live_tls_output(&l->tls, out, out_len);
  }
  *out = l->out + l->out_start;
  *out_len = l->out_end - l->out_start;
  return *out_len > 0;
}

static void acknowledge(struct live *l, size_t n) {
  if (l->tls_on) {
    live_tls_output_ack(&l->tls, n);
  } else {
    unstage(l, n);
  }
}

static void count_write(struct live *l, size_t n) {
  l->counters.flights += l->received;
  l->received = false;
  l->counters.writes++;
  l->counters.bytes_out += n;
}

// Writes what the socket takes now. True if something is left for later.
static bool push(struct live *l) {
  const uint8_t *bytes;
  size_t len;
  while (!l->broken && next_output(l, &bytes, &len)) {
    ssize_t n = send(l->fd, bytes, len, MSG_NOSIGNAL);
    if (n >= 0) {
      count_write(l, (size_t)n);
      acknowledge(l, (size_t)n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    } else if (errno != EINTR) {
      l->broken = true;
      unstage(l, l->out_end - l->out_start);
    }
  }
  return false;
}

// ---- Input --------------------------------------------------------------------------------------

static void note_end(struct live *l, ssize_t n, int why) {
  // After a failed write an end of stream is the same reset, reported once already.
  l->end = n == 0 && !l->broken ? EHLO_E_CLOSED : EHLO_E_RESET;
  if (l->end == EHLO_E_RESET) {
    note_reason(l, "the connection broke", strerror(n == 0 ? ECONNRESET : why));
  }
  if (l->tls_on) {
    live_tls_feed_end(&l->tls, l->end);
  }
}

// Reads from the socket without waiting: the number of bytes, 0 if there are none now or no more.
static size_t receive(struct live *l, uint8_t *in, size_t cap) {
  ssize_t n;
  if (l->end != EHLO_OK) {
    return 0;
  }
  do {
    n = recv(l->fd, in, cap, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    l->received = true;
    l->counters.bytes_in += (uint64_t)n;
    return (size_t)n;
  }
  if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
    note_end(l, n, errno);
  }
  return 0;
}

// Gives TLS what the socket has. False if there was nothing.
static bool receive_ciphertext(struct live *l) {
  size_t n = receive(l, l->in, sizeof l->in);
  live_tls_feed(&l->tls, l->in, n);
  return n > 0;
}

// Plaintext that is there now. The end of the connection shows only when nothing is before it.
static enum ehlo_status pull(struct live *l, size_t *in_len, uint8_t *in, size_t cap) {
  if (!l->tls_on) {
    *in_len = receive(l, in, cap);
    return *in_len > 0 ? EHLO_OK : l->end;
  }
  for (;;) {
    enum ehlo_status status = live_tls_read(&l->tls, in_len, in, cap);
    if (*in_len > 0 || status != EHLO_OK) {
      return status;
    }
    if (!receive_ciphertext(l) && l->end == EHLO_OK) {
      return EHLO_OK;
    }
  }
}

// ---- The transport ------------------------------------------------------------------------------

static int poll_timeout(struct live *l, uint64_t deadline_ms) {
  if (deadline_ms == EHLO_NEVER) {
    return -1;
  }
  uint64_t now_ms = now_us(&l->transport) / 1000;
  uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
  return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

// Waits for input, and for room to write if `writing`. EHLO_OK also when it was woken for nothing.
static enum ehlo_status wait_for(struct live *l, bool writing, uint64_t deadline_ms) {
  int timeout_ms = poll_timeout(l, deadline_ms);
  struct pollfd p = {.fd = l->fd, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
  if (timeout_ms == 0) {
    return EHLO_E_TIMEOUT;
  }
  (void)poll(&p, 1, timeout_ms);
  return EHLO_OK;
}

// Whoever runs the session wants it to end. Not an end of the connection: more may be exchanged once
// it has let go of the flag.
static bool is_interrupted(const struct live *l) {
  return l->interrupted != NULL && *l->interrupted != 0;
}

static enum ehlo_status exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                 const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                 uint64_t deadline_ms) {
  struct live *l = (struct live *)t;
  bool hold = out->span.len > 0 && (out->flags & EHLO_OUTPUT_MORE) != 0;
  assert(in_cap > 0);
  *out_taken = *in_len = 0;
  for (;;) {
    if (is_interrupted(l)) {
      return EHLO_E_STATE;
    }
    if (is_full(l)) {
      (void)push(l);
    }
    *out_taken = stage(l, out->span);
    *in_len = 0;
    bool writing = (!hold || is_full(l)) && push(l);
    if (*out_taken > 0 && (l->is_server || (out->flags & EHLO_OUTPUT_BODY) == 0)) {
      // What comes is for the next call. A client may answer a 220 with TLS, which must not be read
      // as cleartext; and a record has to tell what was said before a reply was known from what was
      // said after it. Only within a message an early reply is looked for at each piece.
      return EHLO_OK;
    }
    enum ehlo_status status = pull(l, in_len, in, in_cap);
    // Who has nothing more to say will take no message either: the next call tells.
    l->broken = l->broken || status != EHLO_OK;
    if (*out_taken > 0 || *in_len > 0) {
      return EHLO_OK;
    }
    if (status == EHLO_OK) {
      // What was not taken waits for room, also when the last push has just made some.
      status = wait_for(l, writing || (out->span.len > 0 && !l->broken), deadline_ms);
    }
    if (status != EHLO_OK) {
      return status;
    }
  }
}

// Writes all of the cleartext that was taken: none of it may end up inside TLS.
static enum ehlo_status flush_cleartext(struct live *l, uint64_t deadline_ms) {
  while (push(l)) {
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    int timeout_ms = poll_timeout(l, deadline_ms);
    if (is_interrupted(l)) {
      return EHLO_E_STATE;
    }
    if (timeout_ms == 0) {
      return EHLO_E_TIMEOUT;
    }
    (void)poll(&p, 1, timeout_ms);
  }
  return l->broken ? EHLO_E_RESET : EHLO_OK;
}

// RFC 3207 §4: a server that agreed to STARTTLS waits for the client. Where TLS comes first there
// was no cleartext to be added to, and what the server says is TLS's to judge.
static bool speaks_before_handshake(const struct live *l) {
  char c;
  return !l->is_server && l->counters.bytes_in > 0 &&
         recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static bool init_tls(struct live *l) {
  if (l->tls_context == NULL) {
    note_reason(l, "TLS cannot begin", "it was not set up");
    return false;
  }
  l->tls_on = l->is_server
                  ? live_tls_init_server(&l->tls, l->tls_context)
                  : live_tls_init_client(&l->tls, l->tls_context, l->tls_name, l->insecure);
  if (!l->tls_on) {
    note_reason(l, "TLS cannot begin", "out of memory");
  }
  return l->tls_on;
}

// The last message of a handshake stays in the output: it travels with the first data.
static enum ehlo_status run_handshake(struct live *l, uint64_t deadline_ms) {
  for (;;) {
    if (is_interrupted(l)) {
      return EHLO_E_STATE;
    }
    enum ehlo_status status = live_tls_handshake(&l->tls);
    if (status == EHLO_OK && live_tls_is_open(&l->tls)) {
      return EHLO_OK;
    }
    bool writing = push(l);
    if (status != EHLO_OK) {
      return status;
    }
    if (!receive_ciphertext(l) && l->end == EHLO_OK &&
        wait_for(l, writing, deadline_ms) != EHLO_OK) {
      live_tls_feed_end(&l->tls, EHLO_E_TIMEOUT);
    }
  }
}

static enum ehlo_status start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct live *l = (struct live *)t;
  assert(!l->tls_on);
  enum ehlo_status status = flush_cleartext(l, deadline_ms);
  if (status != EHLO_OK) {
    return status;
  }
  if (speaks_before_handshake(l)) {
    return EHLO_E_STARTTLS_INJECTION;
  }
  if (!init_tls(l)) {
    return EHLO_E_TLS;
  }
  if (l->end != EHLO_OK) {
    live_tls_feed_end(&l->tls, l->end);
  }
  return run_handshake(l, deadline_ms);
}

static void describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct live *l = (struct live *)t;
  struct live_text text;
  if (l->tls_on) {
    live_tls_describe(&l->tls, out, cap);
    return;
  }
  live_text_init(&text, out, cap);
  live_text_format(&text, "%s", l->reason);
}

// Closing a socket with unread input resets the connection, and the reset may overtake the last
// words. So the input is read first, as far as it is there.
static void close_socket(struct live *l) {
  (void)shutdown(l->fd, SHUT_WR);
  for (size_t dropped = 0, n = 1; n > 0 && dropped < DRAIN_MAX; dropped += n) {
    n = receive(l, l->in, sizeof l->in);
  }
  (void)close(l->fd);
  l->fd = -1;
}

static void close_transport(struct ehlo_transport *t) {
  struct live *l = (struct live *)t;
  (void)push(l);
  if (l->tls_on) {
    live_tls_close(&l->tls);
    (void)push(l);
  }
  close_socket(l);
  if (l->tls_on) {
    live_tls_free(&l->tls);
  }
  OPENSSL_cleanse(l->out, sizeof l->out);
  OPENSSL_cleanse(l->in, sizeof l->in);
}

static const struct ehlo_transport_ops ops = {
    .exchange = exchange,
    .start_tls = start_tls,
    .describe_tls = describe_tls,
    .close = close_transport,
    .now_us = now_us,
};

static void init(struct live *l) {
  memset(l, 0, sizeof *l);
  l->transport.ops = &ops;
  l->fd = -1;
  l->start_us = live_net_clock_us();
  l->received = true;
}

enum live_net_result live_connect(struct live *l, const struct live_config *cfg) {
  init(l);
  l->tls_context = cfg->tls;
  l->tls_name = cfg->tls_name;
  l->insecure = cfg->insecure;
  l->interrupted = cfg->interrupted;
  struct live_net_bounds bounds = cfg->bounds;
  bounds.interrupted = cfg->interrupted;
  enum live_net_result result =
      cfg->unix_path != NULL
          ? live_net_connect_unix(&l->connection, l->reason, sizeof l->reason, cfg->unix_path)
      : cfg->route != NULL ? live_route_connect(&l->connection, l->reason, sizeof l->reason,
                                                cfg->route, cfg->host, cfg->port, &bounds)
                           : live_net_connect(&l->connection, l->reason, sizeof l->reason,
                                              cfg->host, cfg->port, &bounds);
  l->fd = result == LIVE_NET_OK ? l->connection.fd : -1;
  l->broken = l->connection.was_reset;
  return result;
}

void live_adopt(struct live *l, int fd, SSL_CTX *tls) {
  init(l);
  l->fd = fd;
  l->tls_context = tls;
  l->is_server = true;
}

const char *live_reason(const struct live *l) {
  const char *failure = l->tls_on ? live_tls_failure(&l->tls) : "";
  return failure[0] != '\0' ? failure : l->reason;
}

void live_be_deaf(struct live *l) {
  l->interrupted = NULL;
}

const char *live_address(const struct live *l) {
  return l->connection.address;
}

void live_local_address(const struct live *l, char out[LIVE_ADDRESS_MAX]) {
  live_net_local_address(out, l->fd);
}

const struct live_tls_info *live_tls_information(const struct live *l) {
  return l->tls_on ? &l->tls.info : NULL;
}

void live_get_binding(const struct live *l, struct live_tls_binding *out) {
  memset(out, 0, sizeof *out);
  if (l->tls_on) {
    live_tls_get_binding(&l->tls, out);
  }
}

int live_descriptor(const struct live *l) {
  return l->fd;
}

struct live_counters live_counters(const struct live *l) {
  return l->counters;
}
