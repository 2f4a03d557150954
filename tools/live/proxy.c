// Speaking to proxies.
#include "tools/live/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/live/net.h"
#include "tools/live/text.h"

const char *live_proxy_parse(struct live_proxy *out, const char *url) {
  static const struct {
    const char *scheme;
    enum live_proxy_kind kind;
    uint16_t port;
  } kinds[] = {{"socks5://", LIVE_PROXY_SOCKS5, 1080},
               {"socks5h://", LIVE_PROXY_SOCKS5, 1080},
               {"http://", LIVE_PROXY_HTTP, 8080}};
  memset(out, 0, sizeof(*out));
  const char *rest = NULL;
  for (size_t i = 0; i < 3; i++) {
    size_t len = strlen(kinds[i].scheme);
    if (strncmp(url, kinds[i].scheme, len) == 0) {
      out->kind = kinds[i].kind;
      out->port = kinds[i].port;
      rest = url + len;
    }
  }
  if (rest == NULL) {
    return "it is socks5://HOST[:PORT] or http://HOST[:PORT]";
  }
  const char *at = strrchr(rest, '@');
  if (at != NULL) {
    size_t len = (size_t)(at - rest);
    if (memchr(rest, ':', len) != NULL) {
      return "a password does not belong there; use --proxy-password-file";
    }
    if (len == 0 || len >= sizeof(out->user)) {
      return "the user name is empty or too long";
    }
    memcpy(out->user, rest, len);
    rest = at + 1;
  }
  size_t len = rest[0] == '[' ? strcspn(rest, "]") : strcspn(rest, ":/");
  const char *host = rest[0] == '[' ? rest + 1 : rest;
  size_t host_len = rest[0] == '[' ? len - 1 : len;
  const char *end = rest[0] == '[' && rest[len] == ']' ? rest + len + 1 : rest + len;
  if (host_len == 0 || host_len >= sizeof(out->host) || (rest[0] == '[' && rest[len] != ']')) {
    return "the host is missing or too long";
  }
  memcpy(out->host, host, host_len);
  if (*end == ':') {
    char *after;
    unsigned long port = strtoul(end + 1, &after, 10);
    if (after == end + 1 || port == 0 || port > 65535) {
      return "the port is a number from 1 to 65535";
    }
    out->port = (uint16_t)port;
    end = after;
  }
  return *end == '\0' || strcmp(end, "/") == 0 ? NULL : "nothing may follow the port";
}

// ---- Octets -----------------------------------------------------------------------------------------

static bool wait_for(int fd, short events, uint64_t end_ms) {
  struct pollfd p = {.fd = fd, .events = events};
  for (;;) {
    uint64_t now_ms = live_net_clock_us() / 1000;
    uint64_t left = now_ms < end_ms ? end_ms - now_ms : 0;
    int n = poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX);
    if (n > 0) {
      return true;
    }
    if (n == 0 || errno != EINTR) {
      errno = n == 0 ? ETIMEDOUT : errno;
      return false;
    }
  }
}

static bool put(int fd, const void *bytes, size_t len, uint64_t end_ms) {
  const uint8_t *at = bytes;
  while (len > 0) {
    ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
    if (n < 0 && !wait_for(fd, POLLOUT, end_ms)) {
      return false;
    }
    at += n > 0 ? n : 0;
    len -= n > 0 ? (size_t)n : 0;
  }
  return true;
}

// Exactly so many: what comes behind them is somebody else's.
static bool get(int fd, void *out, size_t len, uint64_t end_ms) {
  uint8_t *at = out;
  while (len > 0) {
    ssize_t n = recv(fd, at, len, 0);
    if (n == 0) {
      errno = ECONNRESET;
      return false;
    }
    if (n < 0 && ((errno != EAGAIN && errno != EINTR) || !wait_for(fd, POLLIN, end_ms))) {
      return false;
    }
    at += n > 0 ? n : 0;
    len -= n > 0 ? (size_t)n : 0;
  }
  return true;
}

static bool broke(char *error, size_t cap) {
  snprintf(error, cap, "the proxy %s",
           errno == ETIMEDOUT ? "did not answer in time" : "closed the connection");
  return false;
}

// ---- SOCKS 5 ----------------------------------------------------------------------------------------

static const char *socks_reason(uint8_t code) {
  static const char *const reasons[] = {"",
                                        "it failed, and it does not say why",
                                        "its rules do not allow it",
                                        "the network cannot be reached from there",
                                        "the host cannot be reached from there",
                                        "the connection was refused",
                                        "the time to live expired",
                                        "it does not know how to connect",
                                        "it does not know this kind of address"};
  return code < sizeof(reasons) / sizeof(reasons[0]) ? reasons[code]
                                                     : "it gave a reason nobody knows";
}

static bool socks_login(const struct live_proxy *p, int fd, uint64_t end_ms, char *error,
                        size_t cap) {
  uint8_t out[515];
  uint8_t in[2];
  size_t user = strlen(p->user);
  size_t password = p->password != NULL ? strlen(p->password) : 0;
  if (user > 255 || password > 255) {
    snprintf(error, cap, "SOCKS takes a user name and a password of at most 255 octets");
    return false;
  }
  out[0] = 1;
  out[1] = (uint8_t)user;
  memcpy(out + 2, p->user, user);
  out[2 + user] = (uint8_t)password;
  if (password > 0) {
    memcpy(out + 3 + user, p->password, password);
  }
  bool good = put(fd, out, 3 + user + password, end_ms) && get(fd, in, 2, end_ms);
  OPENSSL_cleanse(out, sizeof(out));
  if (!good) {
    return broke(error, cap);
  }
  if (in[1] != 0) {
    snprintf(error, cap, "the proxy refused user name or password");
    return false;
  }
  return true;
}

static bool socks_greet(const struct live_proxy *p, int fd, uint64_t end_ms, char *error,
                        size_t cap) {
  uint8_t hello[4] = {5, 1, 0, 2};
  uint8_t in[2];
  size_t len = 3;
  if (p->user[0] != '\0') {
    hello[1] = 2;
    len = 4;
  }
  if (!put(fd, hello, len, end_ms) || !get(fd, in, 2, end_ms)) {
    return broke(error, cap);
  }
  if (in[0] != 5) {
    snprintf(error, cap, "what answers is no SOCKS 5 proxy");
    return false;
  }
  if (in[1] == 2 && p->user[0] != '\0') {
    return socks_login(p, fd, end_ms, error, cap);
  }
  if (in[1] != 0) {
    snprintf(
        error, cap, "the proxy wants %s",
        p->user[0] != '\0' ? "another way to log in" : "a user name: --proxy socks5://USER@HOST");
    return false;
  }
  return true;
}

// The address that the proxy bound, which nobody needs.
static bool socks_skip_address(int fd, uint8_t type, uint64_t end_ms) {
  uint8_t rest[258];
  uint8_t len = type == 1 ? 4 : 16;
  if (type == 3 && !get(fd, &len, 1, end_ms)) {
    return false;
  }
  return get(fd, rest, (size_t)len + 2, end_ms);
}

static size_t socks_address(uint8_t *out, const char *host, uint16_t port) {
  size_t len;
  if (inet_pton(AF_INET, host, out + 1) == 1) {
    out[0] = 1;
    len = 5;
  } else if (inet_pton(AF_INET6, host, out + 1) == 1) {
    out[0] = 4;
    len = 17;
  } else {
    size_t n = strlen(host) < 255 ? strlen(host) : 255;
    out[0] = 3;
    out[1] = (uint8_t)n;
    memcpy(out + 2, host, n);
    len = 2 + n;
  }
  out[len] = (uint8_t)(port >> 8);
  out[len + 1] = (uint8_t)port;
  return len + 2;
}

static bool ask_socks(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                      uint64_t end_ms, char *error, size_t cap) {
  uint8_t out[3 + 260] = {5, 1, 0};
  uint8_t in[4];
  if (!socks_greet(p, fd, end_ms, error, cap)) {
    return false;
  }
  size_t len = 3 + socks_address(out + 3, host, port);
  if (!put(fd, out, len, end_ms) || !get(fd, in, 4, end_ms)) {
    return broke(error, cap);
  }
  if (in[0] != 5 || (in[3] != 1 && in[3] != 3 && in[3] != 4)) {
    snprintf(error, cap, "the proxy's answer is none of SOCKS 5");
    return false;
  }
  if (in[1] != 0) {
    snprintf(error, cap, "the proxy cannot connect: %s", socks_reason(in[1]));
    return false;
  }
  return socks_skip_address(fd, in[3], end_ms) || broke(error, cap);
}

// ---- HTTP -------------------------------------------------------------------------------------------

static size_t http_login(char *out, size_t cap, const struct live_proxy *p) {
  char plain[600];
  uint8_t base64[820];
  int n = snprintf(plain, sizeof(plain), "%s:%s", p->user, p->password != NULL ? p->password : "");
  size_t len = 0;
  if (p->user[0] != '\0' && n > 0 && (size_t)n < sizeof(plain)) {
    EVP_EncodeBlock(base64, (const uint8_t *)plain, (size_t)n);
    len = (size_t)snprintf(out, cap, "Proxy-Authorization: Basic %s\r\n", (const char *)base64);
  }
  OPENSSL_cleanse(plain, sizeof(plain));
  OPENSSL_cleanse(base64, sizeof(base64));
  return len;
}

// "HTTP/1.1 200 …": the status, 0 if it is no such line.
static int http_status(const char *answer) {
  int status = 0;
  if (strncmp(answer, "HTTP/1.", 7) != 0 || answer[8] != ' ') {
    return 0;
  }
  for (int i = 9; i < 12; i++) {
    if (answer[i] < '0' || answer[i] > '9') {
      return 0;
    }
    status = status * 10 + (answer[i] - '0');
  }
  return status;
}

static bool ask_http(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                     uint64_t end_ms, char *error, size_t cap) {
  char out[2048];
  char in[LIVE_PROXY_ANSWER_MAX + 1];
  const char *open = strchr(host, ':') != NULL ? "[" : "";
  const char *close = open[0] != '\0' ? "]" : "";
  size_t len = (size_t)snprintf(out, 1000, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n",
                                open, host, close, port, open, host, close, port);
  len += http_login(out + len, sizeof(out) - len - 3, p);
  memcpy(out + len, "\r\n", 3);
  bool sent = put(fd, out, len + 2, end_ms);
  OPENSSL_cleanse(out, sizeof(out));
  // Octet by octet, so that none behind the empty line is taken.
  size_t got = 0;
  while (sent && got < LIVE_PROXY_ANSWER_MAX && get(fd, in + got, 1, end_ms)) {
    got++;
    if (got >= 4 && memcmp(in + got - 4, "\r\n\r\n", 4) == 0) {
      in[got] = '\0';
      int status = http_status(in);
      if (status / 100 == 2) {
        return true;
      }
      struct live_text t;
      live_text_init(&t, error, cap);
      live_text_format(&t, "the proxy says ");
      live_text_bytes(&t, (const uint8_t *)in,
                      strcspn(in, "\r\n") < 120 ? strcspn(in, "\r\n") : 120);
      live_text_format(&t, "%s",
                       status == 407 ? " (it wants a user name: --proxy http://USER@HOST)" : "");
      return false;
    }
  }
  if (got == LIVE_PROXY_ANSWER_MAX) {
    snprintf(error, cap, "the proxy's answer does not end within %d octets", LIVE_PROXY_ANSWER_MAX);
    return false;
  }
  return broke(error, cap);
}

bool live_proxy_ask(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                    uint64_t end_ms, char *error, size_t error_cap) {
  if (strlen(host) > 255 || strpbrk(host, "\r\n ") != NULL) {
    snprintf(error, error_cap, "the host's name cannot be told to a proxy");
    return false;
  }
  return p->kind == LIVE_PROXY_SOCKS5 ? ask_socks(p, fd, host, port, end_ms, error, error_cap)
                                      : ask_http(p, fd, host, port, end_ms, error, error_cap);
}
