// Connecting, one attempt at a time.
#include "tools/live/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/live/text.h"

#define ATTEMPT_MS 10000

enum live_net_result live_place_find(struct live_place *out, char *error, size_t error_cap,
                                     const char *host, uint16_t port, const char *path) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  char service[8];
  *out = (struct live_place){.path = path != NULL && path[0] != '\0' ? path : NULL};
  if (out->path != NULL) {
    return LIVE_NET_OK;
  }
  (void)snprintf(service, sizeof service, "%u", (unsigned)port);
  int why = getaddrinfo(host, service, &hints, &out->list);
  if (why == 0) {
    return LIVE_NET_OK;
  }
  struct live_text t;
  out->list = NULL;
  live_text_init(&t, error, error_cap);
  live_text_format(&t, "cannot find the host \"");
  live_text_bytes(&t, host, strlen(host));
  live_text_format(&t, "\": %s", why == EAI_SYSTEM ? strerror(errno) : gai_strerror(why));
  return LIVE_NET_UNKNOWN_HOST;
}

void live_place_free(struct live_place *p) {
  if (p->list != NULL) {
    freeaddrinfo(p->list);
    p->list = NULL;
  }
}

static uint64_t clock_ms(void) {
  return live_net_clock_us() / 1000;
}

static void note_failure(struct live_dial *d, int why) {
  struct live_text t = {d->reason, sizeof d->reason, strlen(d->reason)};
  live_text_format(&t, "%s%s: %s", t.len > 0 ? "; " : "", d->address, strerror(why));
  if (d->fd >= 0) {
    close(d->fd);
    d->fd = -1;
  }
  if (why != ETIMEDOUT) {
    d->result = LIVE_NET_REFUSED;
  }
}

static void begin_attempt(struct live_dial *d, const struct sockaddr *address, socklen_t len) {
  int on = 1;
  d->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  d->deadline_ms = clock_ms() + d->attempt_ms;
  if (d->fd < 0) {
    note_failure(d, errno);
    return;
  }
  (void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(d->fd, address, len) == 0) {
    d->connected = true;
  } else if (errno != EINPROGRESS && errno != EINTR) {
    note_failure(d, errno);
  }
}

static void begin_next(struct live_dial *d) {
  const struct addrinfo *a = d->next;
  d->next = a->ai_next;
  if (getnameinfo(a->ai_addr, a->ai_addrlen, d->address, sizeof d->address, NULL, 0,
                  NI_NUMERICHOST) != 0) {
    (void)snprintf(d->address, sizeof d->address, "?");
  }
  begin_attempt(d, a->ai_addr, a->ai_addrlen);
}

static void begin_unix(struct live_dial *d) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t len = strlen(d->place->path);
  struct live_text t;
  live_text_init(&t, d->address, sizeof d->address);
  live_text_bytes(&t, d->place->path, len);
  if (len >= sizeof address.sun_path) {
    note_failure(d, ENAMETOOLONG);
    return;
  }
  memcpy(address.sun_path, d->place->path, len + 1);
  begin_attempt(d, (const struct sockaddr *)&address, sizeof address);
}

// Looks at the attempt under way; whether it has come to an end.
static bool attempt_is_over(struct live_dial *d) {
  struct pollfd p = {.fd = d->fd, .events = POLLOUT};
  int why = 0;
  socklen_t len = sizeof why;
  if (poll(&p, 1, 0) <= 0) {
    if (clock_ms() < d->deadline_ms) {
      return false;
    }
    why = ETIMEDOUT;
  } else if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0) {
    why = errno;
  }
  if (why == 0) {
    d->connected = true;
  } else {
    note_failure(d, why);
  }
  return true;
}

void live_dial_go(struct live_dial *d) {
  while (!d->connected && !d->failed) {
    if (d->fd >= 0) {
      if (!attempt_is_over(d)) {
        return;
      }
    } else if (d->next != NULL) {
      begin_next(d);
    } else {
      d->failed = true;
    }
  }
}

void live_dial_begin(struct live_dial *d, const struct live_place *place, uint32_t attempt_ms) {
  memset(d, 0, sizeof *d);
  d->place = place;
  d->next = place->list;
  d->attempt_ms = attempt_ms > 0 ? attempt_ms : ATTEMPT_MS;
  d->fd = -1;
  d->result = LIVE_NET_TIMEOUT;
  if (place->path != NULL) {
    begin_unix(d);
  }
  live_dial_go(d);
}

void live_dial_end(struct live_dial *d) {
  if (d->fd >= 0) {
    close(d->fd);
    d->fd = -1;
  }
  d->failed = true;
}
