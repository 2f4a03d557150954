// Non-blocking reads and writes. Every error of the socket ends in `end` or `broken` and stays there.
#include "tools/live/channel.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// Ciphertext read at once: two records.
#define FEED_MAX ((size_t)33280)

void live_channel_init(struct live_channel *c, int fd) {
  // `out` is large and needs no value.
  memset(c, 0, offsetof(struct live_channel, out));
  c->fd = fd;
}

static bool would_block(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

static void note_write_error(struct live_channel *c) {
  c->broken = EHLO_E_RESET;
  c->out_len = 0;
}

// ---- Writing ------------------------------------------------------------------------------------

// Sends what it can; returns how much.
static size_t send_some(struct live_channel *c, const uint8_t *bytes, size_t len) {
  size_t at = 0;
  while (at < len && c->broken == EHLO_OK) {
    ssize_t n = send(c->fd, bytes + at, len - at, MSG_NOSIGNAL);
    if (n >= 0) {
      at += (size_t)n;
      c->moved += (size_t)n;
    } else if (would_block()) {
      break;
    } else if (errno != EINTR) {
      note_write_error(c);
    }
  }
  return at;
}

static void flush_tls(struct live_channel *c) {
  const uint8_t *bytes;
  size_t len;
  while (c->broken == EHLO_OK && live_tls_output(&c->tls, &bytes, &len)) {
    size_t n = send_some(c, bytes, len);
    live_tls_output_ack(&c->tls, n);
    if (n < len) {
      break;
    }
  }
}

static void flush_cleartext(struct live_channel *c) {
  size_t n = send_some(c, c->out + c->out_start, c->out_len);
  if (c->broken != EHLO_OK) {
    return;
  }
  c->out_start += n;
  c->out_len -= n;
  if (c->out_len == 0) {
    c->out_start = 0;
  }
}

static void finish_shut(struct live_channel *c) {
  if (c->shut && !c->shut_done && live_channel_is_idle(c)) {
    c->shut_done = true;
    (void)shutdown(c->fd, SHUT_WR);
  }
}

void live_channel_flush(struct live_channel *c) {
  if (c->fd < 0) {
    return;
  }
  if (c->out_len > 0) {
    flush_cleartext(c);
  }
  if (c->has_tls && c->out_len == 0) {
    flush_tls(c);
  }
  finish_shut(c);
}

bool live_channel_is_idle(const struct live_channel *c) {
  const uint8_t *bytes;
  size_t len;
  if (c->fd < 0 || c->broken != EHLO_OK) {
    return true;
  }
  return c->out_len == 0 && !(c->has_tls && live_tls_output(&c->tls, &bytes, &len));
}

static void keep(struct live_channel *c, const uint8_t *bytes, size_t len) {
  if (c->out_start > 0) {
    memmove(c->out, c->out + c->out_start, c->out_len);
    c->out_start = 0;
  }
  assert(len <= sizeof c->out - c->out_len);
  memcpy(c->out + c->out_len, bytes, len);
  c->out_len += len;
}

void live_channel_write(struct live_channel *c, const uint8_t *bytes, size_t len) {
  if (c->fd < 0 || c->broken != EHLO_OK || c->shut || len == 0) {
    return;
  }
  c->bytes_out += len;
  if (c->has_tls) {
    if (live_tls_write(&c->tls, bytes, len) != EHLO_OK) {
      c->broken = EHLO_E_TLS;
    }
    flush_tls(c);
    return;
  }
  size_t n = c->out_len == 0 ? send_some(c, bytes, len) : 0;
  if (n < len && c->broken == EHLO_OK) {
    keep(c, bytes + n, len - n);
  }
}

// ---- Reading ------------------------------------------------------------------------------------

static void note_read_end(struct live_channel *c, ssize_t n) {
  c->end = n == 0 ? EHLO_E_CLOSED : EHLO_E_RESET;
}

static size_t receive(struct live_channel *c, uint8_t *out, size_t cap) {
  for (;;) {
    ssize_t n = recv(c->fd, out, cap, 0);
    if (n > 0) {
      c->moved += (size_t)n;
      return (size_t)n;
    }
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n == 0 || !would_block()) {
      note_read_end(c, n);
    }
    return 0;
  }
}

// Ciphertext from the socket; whether there was any, or its end.
static bool feed(struct live_channel *c) {
  uint8_t in[FEED_MAX];
  if (c->end != EHLO_OK) {
    return false;
  }
  size_t n = receive(c, in, sizeof in);
  if (n > 0) {
    live_tls_feed(&c->tls, in, n);
  } else if (c->end != EHLO_OK) {
    live_tls_feed_end(&c->tls, c->end);
  }
  return n > 0 || c->end != EHLO_OK;
}

static enum ehlo_status read_tls(struct live_channel *c, size_t *out_len, uint8_t *out,
                                 size_t cap) {
  enum ehlo_status status = EHLO_OK;
  *out_len = 0;
  do {
    size_t n = 0;
    status = live_tls_read(&c->tls, &n, out + *out_len, cap - *out_len);
    *out_len += n;
    if (status != EHLO_OK || *out_len == cap || (n == 0 && !feed(c))) {
      break;
    }
  } while (true);
  flush_tls(c);  // an alert, or an answer to a key update
  return *out_len > 0 ? EHLO_OK : status;
}

enum ehlo_status live_channel_read(struct live_channel *c, size_t *out_len, uint8_t *out,
                                   size_t cap) {
  *out_len = 0;
  if (c->fd < 0) {
    return EHLO_E_CLOSED;
  }
  enum ehlo_status status;
  if (c->has_tls) {
    status = read_tls(c, out_len, out, cap);
  } else {
    *out_len = c->end == EHLO_OK ? receive(c, out, cap) : 0;
    status = *out_len > 0 ? EHLO_OK : c->end;
  }
  c->may_have_more = *out_len > 0;
  c->bytes_in += *out_len;
  return status;
}

// ---- TLS ----------------------------------------------------------------------------------------

static bool started(struct live_channel *c, bool good) {
  c->has_tls = good;
  if (good && c->end != EHLO_OK) {
    live_tls_feed_end(&c->tls, c->end);
  }
  return good;
}

bool live_channel_start_client(struct live_channel *c, SSL_CTX *context, const char *name,
                               bool insecure) {
  return started(c, live_tls_init_client(&c->tls, context, name, insecure));
}

bool live_channel_start_server(struct live_channel *c, SSL_CTX *context) {
  return started(c, live_tls_init_server(&c->tls, context));
}

bool live_channel_is_open(const struct live_channel *c) {
  return c->has_tls && live_tls_is_open(&c->tls);
}

enum ehlo_status live_channel_handshake(struct live_channel *c) {
  enum ehlo_status status;
  if (c->out_len > 0) {
    live_channel_flush(c);  // the reply to STARTTLS goes first
    return c->broken;
  }
  do {
    status = live_tls_handshake(&c->tls);
  } while (status == EHLO_OK && !live_tls_is_open(&c->tls) && feed(c));
  flush_tls(c);
  c->may_have_more = live_tls_is_open(&c->tls);  // what came behind the peer's last flight
  return status;
}

// ---- Ends ---------------------------------------------------------------------------------------

void live_channel_shut(struct live_channel *c) {
  if (c->has_tls && c->fd >= 0 && !c->shut) {
    live_tls_close(&c->tls);
  }
  live_channel_cut(c);
}

void live_channel_cut(struct live_channel *c) {
  c->shut = true;
  live_channel_flush(c);
}

bool live_channel_has_arrived(const struct live_channel *c) {
  int unsent = 0;
  return c->fd < 0 || c->broken != EHLO_OK || c->end == EHLO_E_RESET ||
         (live_channel_is_idle(c) && (ioctl(c->fd, SIOCOUTQ, &unsent) != 0 || unsent == 0));
}

void live_channel_close(struct live_channel *c, bool reset) {
  if (c->fd < 0) {
    return;
  }
  if (reset) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(c->fd);
  c->fd = -1;
}
