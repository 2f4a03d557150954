// Connecting and listening. An address that fails is noted and the next one tried; the failures are
// told together, since with several addresses the first reason is seldom the interesting one.
#include "tools/live/net.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/live/text.h"

#define ATTEMPT_MS 10000
#define TOTAL_MS 60000
#define BACKLOG 128

uint64_t live_net_clock_us(void) {
  struct timespec ts;
  (void)clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t clock_ms(void) {
  return live_net_clock_us() / 1000;
}

// A signal may come between a look at the flag and the wait, so nobody waits longer than this.
#define LOOK_MS 250

bool live_net_wait(int fd, short events, uint64_t end_ms,
                   const volatile sig_atomic_t *interrupted) {
  struct pollfd p = {.fd = fd, .events = events};
  int most_ms = interrupted != NULL ? LOOK_MS : INT_MAX;
  for (;;) {
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = now_ms < end_ms ? end_ms - now_ms : 0;
    if (interrupted != NULL && *interrupted != 0) {
      errno = ECANCELED;
      return false;
    }
    int n = poll(&p, 1, left_ms < (uint64_t)most_ms ? (int)left_ms : most_ms);
    if (n > 0) {
      return true;
    }
    if (n < 0 && errno != EINTR) {
      return false;
    }
    if (n == 0 && left_ms == 0) {
      errno = ETIMEDOUT;
      return false;
    }
  }
}

// Sets what only TCP has; on a local socket it fails, and does no harm.
static void set_no_delay(int fd) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int open_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Connects `fd` and returns 0 or the errno of why not.
static int connect_until(int fd, const struct sockaddr *address, socklen_t len, uint64_t end_ms,
                         const volatile sig_atomic_t *interrupted) {
  if (connect(fd, address, len) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS && errno != EINTR) {
    return errno;
  }
  if (!live_net_wait(fd, POLLOUT, end_ms, interrupted)) {
    return errno;
  }
  int error = 0;
  socklen_t error_len = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0 ? error : errno;
}

int live_net_bind_source(int fd, int family, const char *source) {
  struct sockaddr_in in = {.sin_family = AF_INET};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
  if (source == NULL) {
    return 0;
  }
  if (family == AF_INET && inet_pton(AF_INET, source, &in.sin_addr) == 1) {
    return bind(fd, (const struct sockaddr *)&in, sizeof in) == 0 ? 0 : errno;
  }
  if (family == AF_INET6 && inet_pton(AF_INET6, source, &in6.sin6_addr) == 1) {
    return bind(fd, (const struct sockaddr *)&in6, sizeof in6) == 0 ? 0 : errno;
  }
  return EAFNOSUPPORT;
}

// One address: 0 and the connection, or the errno.
static int connect_one(struct live_net_connection *out, const struct sockaddr *address,
                       socklen_t len, const struct live_net_bounds *bounds, uint64_t end_ms) {
  int fd = open_socket(address->sa_family);
  int error = fd < 0 ? errno : live_net_bind_source(fd, address->sa_family, bounds->source);
  error = error == 0 ? connect_until(fd, address, len, end_ms, bounds->interrupted) : error;
  out->was_reset = error == ECONNRESET;  // after it came about: before, it would be refused
  if (out->was_reset) {
    error = 0;
  }
  if (error != 0) {
    if (fd >= 0) {
      close(fd);
    }
    return error;
  }
  set_no_delay(fd);
  out->fd = fd;
  return 0;
}

static void say_address(char out[LIVE_ADDRESS_MAX], const struct addrinfo *a) {
  if (getnameinfo(a->ai_addr, a->ai_addrlen, out, LIVE_ADDRESS_MAX, NULL, 0, NI_NUMERICHOST) != 0) {
    (void)snprintf(out, LIVE_ADDRESS_MAX, "?");
  }
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms) {
  return a_ms < b_ms ? a_ms : b_ms;
}

enum live_net_result live_net_connect_addresses(struct live_net_connection *out, char *error,
                                                size_t error_cap, const struct addrinfo *list,
                                                const struct live_net_bounds *bounds) {
  uint64_t attempt_ms = bounds->attempt_ms > 0 ? bounds->attempt_ms : ATTEMPT_MS;
  uint64_t end_ms = clock_ms() + (bounds->total_ms > 0 ? bounds->total_ms : TOTAL_MS);
  enum live_net_result result = LIVE_NET_TIMEOUT;
  struct live_text t;
  live_text_init(&t, error, error_cap);
  for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
    say_address(out->address, a);
    uint64_t now_ms = clock_ms();
    if (now_ms >= end_ms) {
      live_text_format(&t, "%s%s: not tried, the time was up", t.len > 0 ? "; " : "", out->address);
      continue;
    }
    int why =
        connect_one(out, a->ai_addr, a->ai_addrlen, bounds, earlier(now_ms + attempt_ms, end_ms));
    if (why == 0) {
      error[0] = '\0';
      return LIVE_NET_OK;
    }
    live_text_format(&t, "%s%s: %s", t.len > 0 ? "; " : "", out->address, strerror(why));
    if (why != ETIMEDOUT) {
      result = LIVE_NET_REFUSED;  // somebody answered, which tells more than silence
    }
    if (why == ECANCELED) {
      break;
    }
  }
  return result;
}

static enum live_net_result fail_lookup(char *error, size_t error_cap, const char *host, int why) {
  struct live_text t;
  live_text_init(&t, error, error_cap);
  live_text_format(&t, "cannot find the host \"");
  live_text_bytes(&t, host, strlen(host));
  live_text_format(&t, "\": %s", why == EAI_SYSTEM ? strerror(errno) : gai_strerror(why));
  return LIVE_NET_UNKNOWN_HOST;
}

enum live_net_result live_net_connect(struct live_net_connection *out, char *error,
                                      size_t error_cap, const char *host, uint16_t port,
                                      const struct live_net_bounds *bounds) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  char service[8];
  char tried[512];
  (void)snprintf(service, sizeof service, "%u", (unsigned)port);
  int why = getaddrinfo(host, service, &hints, &list);
  if (why != 0) {
    return fail_lookup(error, error_cap, host, why);
  }
  enum live_net_result result = live_net_connect_addresses(out, tried, sizeof tried, list, bounds);
  freeaddrinfo(list);
  struct live_text t;
  live_text_init(&t, error, error_cap);
  if (result != LIVE_NET_OK) {
    size_t len = strlen(host);
    bool told = strncmp(tried, host, len) == 0 && strncmp(tried + len, ": ", 2) == 0;
    live_text_format(&t, "cannot connect to ");
    live_text_bytes(&t, host, len);
    live_text_format(&t, " port %s: %s", service, told ? tried + len + 2 : tried);
  }
  return result;
}

enum live_net_result live_net_connect_unix(struct live_net_connection *out, char *error,
                                           size_t error_cap, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(path);
  int why = len == 0 ? ENOENT : len < sizeof address.sun_path ? 0 : ENAMETOOLONG;
  if (why == 0) {
    memcpy(address.sun_path, path, len + 1);
    static const struct live_net_bounds none;
    why = connect_one(out, (const struct sockaddr *)&address, sizeof address, &none, clock_ms());
  }
  struct live_text t;
  live_text_init(&t, out->address, sizeof out->address);
  live_text_bytes(&t, path, len);
  live_text_init(&t, error, error_cap);
  if (why == 0) {
    return LIVE_NET_OK;
  }
  live_text_format(&t, "cannot connect to the socket %s: %s", out->address, strerror(why));
  return LIVE_NET_REFUSED;
}

// ---- Listening ----------------------------------------------------------------------------------

void live_net_local_address(char out[LIVE_ADDRESS_MAX], int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  out[0] = '\0';
  if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
      getnameinfo((struct sockaddr *)&address, len, out, LIVE_ADDRESS_MAX, NULL, 0,
                  NI_NUMERICHOST) != 0 ||
      address.ss_family == AF_UNIX) {
    out[0] = '\0';
  }
}

static int listen_one(const struct addrinfo *a) {
  int on = 1;
  int fd = open_socket(a->ai_family);
  if (fd < 0) {
    return -1;
  }
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
    int why = errno;
    close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

static uint16_t local_port(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
  } address;
  socklen_t len = sizeof address;
  memset(&address, 0, sizeof address);
  (void)getsockname(fd, &address.any, &len);
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

int live_net_listen(uint16_t *out_port, char *error, size_t error_cap, const char *host,
                    uint16_t port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *list = NULL;
  char service[8];
  (void)snprintf(service, sizeof service, "%u", (unsigned)port);
  int why = getaddrinfo(host, service, &hints, &list);
  if (why != 0) {
    (void)fail_lookup(error, error_cap, host, why);
    return -1;
  }
  int fd = -1;
  for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
    fd = listen_one(a);
  }
  int failed = errno;
  freeaddrinfo(list);
  struct live_text t;
  live_text_init(&t, error, error_cap);
  if (fd < 0) {
    live_text_format(&t, "cannot listen on ");
    live_text_bytes(&t, host, strlen(host));
    live_text_format(&t, " port %s: %s", service, strerror(failed));
    return -1;
  }
  *out_port = local_port(fd);
  return fd;
}

bool live_net_is_starved(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int live_net_accept(int listen_fd, int timeout_ms) {
  struct pollfd p = {.fd = listen_fd, .events = POLLIN};
  int fd;
  do {
    if (poll(&p, 1, timeout_ms) == 0) {
      errno = 0;
      return -1;
    }
    fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0) {
    set_no_delay(fd);
  }
  return fd;
}
