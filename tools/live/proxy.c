// Speaking to proxies.
#include "tools/live/proxy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tools/live/net.h"

static bool put(int fd, const void *bytes, size_t len, uint64_t end_ms,
                const volatile sig_atomic_t *interrupted) {
  const uint8_t *at = bytes;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
    if (n < 0 && !live_net_wait(fd, POLLOUT, end_ms, interrupted)) {
      return false;
    }
    at += n > 0 ? n : 0;
    len -= n > 0 ? (size_t)n : 0;
  }
  return true;
}

// No more than the proxy's own: what comes behind is somebody else's.
static bool get(struct live_proxy_talk *t, int fd, uint64_t end_ms,
                const volatile sig_atomic_t *interrupted) {
  uint8_t bytes[512];
  size_t wants = live_proxy_talk_wants(t);
  ssize_t n = recv(fd, bytes, wants < sizeof(bytes) ? wants : sizeof(bytes), 0);
  if (n == 0) {
    errno = ECONNRESET;
    return false;
  }
  if (n < 0) {
    return (errno == EAGAIN || errno == EINTR) && live_net_wait(fd, POLLIN, end_ms, interrupted);
  }
  live_proxy_talk_hear(t, bytes, (size_t)n);
  return true;
}

static bool take_step(struct live_proxy_talk *t, int fd, uint64_t end_ms,
                      const volatile sig_atomic_t *interrupted) {
  if (t->state == LIVE_PROXY_HEARS) {
    return get(t, fd, end_ms, interrupted);
  }
  bool sent = put(fd, t->request, t->request_len, end_ms, interrupted);
  live_proxy_talk_said(t);
  return sent;
}

bool live_proxy_ask(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                    uint64_t end_ms, const volatile sig_atomic_t *interrupted, char *error,
                    size_t error_cap) {
  struct live_proxy_talk t;
  live_proxy_talk_begin(&t, p, host, port);
  bool connected = true;
  while (connected && (t.state == LIVE_PROXY_SAYS || t.state == LIVE_PROXY_HEARS)) {
    connected = take_step(&t, fd, end_ms, interrupted);
  }
  if (!connected) {
    snprintf(error, error_cap, "the proxy %s",
             errno == ETIMEDOUT   ? "did not answer in time"
             : errno == ECANCELED ? "was not waited for"
                                  : "closed the connection");
  } else if (t.state == LIVE_PROXY_FAILED) {
    snprintf(error, error_cap, "%s", t.error);
  }
  bool open = t.state == LIVE_PROXY_OPEN;
  live_proxy_talk_wipe(&t);
  return open;
}
