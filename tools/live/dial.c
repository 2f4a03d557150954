// Connecting, one attempt at a time.
#include "tools/live/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/live/text.h"

#define ATTEMPT_MS 10000

enum live_net_result live_place_find(struct live_place *out, char *error, size_t error_cap,
                                     const char *host, uint16_t port, const char *path,
                                     const struct live_net_route *route) {
  static const struct live_net_route shortest;
  *out = (struct live_place){
      .path = path != NULL && path[0] != '\0' ? path : NULL,
      .route = route != NULL ? route : &shortest,
      .host = host,
      .port = port,
  };
  if (out->path != NULL) {
    return LIVE_NET_OK;
  }
  out->list = live_route_find(out->route, host, port, error, error_cap);
  return out->list != NULL ? LIVE_NET_OK : LIVE_NET_UNKNOWN_HOST;
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

// ---- Proxies ------------------------------------------------------------------------------------

static void end_talk(struct live_dial *d) {
  if (d->talk != NULL) {
    live_proxy_talk_wipe(d->talk);
    free(d->talk);
    d->talk = NULL;
  }
}

// The proxy has spoken, so no other address of it is tried.
static void fail_talk(struct live_dial *d, const char *why) {
  struct live_text t = {d->reason, sizeof d->reason, strlen(d->reason)};
  live_text_format(&t, "%s%s", t.len > 0 ? "; " : "", why);
  close(d->fd);
  d->fd = -1;
  d->next = NULL;
  d->result = LIVE_NET_REFUSED;
  end_talk(d);
}

// The way is open: the header of the PROXY protocol goes first.
static void open_way(struct live_dial *d) {
  int version = d->place->route->proxy_protocol;
  end_talk(d);
  if (version != 0 && !live_route_send_header(d->fd, version)) {
    note_failure(d, errno);
  } else {
    d->connected = true;
  }
}

// A connection is there, to the server or to the proxy.
static void reach(struct live_dial *d) {
  const struct live_net_route *route = d->place->route;
  if (route->proxy == NULL) {
    open_way(d);
    return;
  }
  d->talk = malloc(sizeof *d->talk);
  if (d->talk == NULL) {
    note_failure(d, ENOMEM);
    return;
  }
  d->deadline_ms = clock_ms() + d->attempt_ms;
  live_proxy_talk_begin(d->talk, route->proxy,
                        live_route_target(d->target, route, d->place->host, d->place->port),
                        d->place->port);
}

// A request is small, and the buffer of the connection empty.
static bool say_to_proxy(struct live_dial *d) {
  struct live_proxy_talk *t = d->talk;
  bool sent = send(d->fd, t->request, t->request_len, MSG_NOSIGNAL) == (ssize_t)t->request_len;
  live_proxy_talk_said(t);
  return sent;
}

// No more than the proxy's own: what comes behind is the server's. False: nothing is there yet.
static bool hear_proxy(struct live_dial *d) {
  uint8_t bytes[512];
  size_t wants = live_proxy_talk_wants(d->talk);
  ssize_t n = recv(d->fd, bytes, wants < sizeof bytes ? wants : sizeof bytes, 0);
  if (n > 0) {
    live_proxy_talk_hear(d->talk, bytes, (size_t)n);
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (clock_ms() < d->deadline_ms) {
      return false;
    }
    fail_talk(d, "the proxy did not answer in time");
  } else {
    fail_talk(d, "the proxy closed the connection");
  }
  return true;
}

// Whether the talk has come to an end.
static bool talk_is_over(struct live_dial *d) {
  while (d->talk != NULL) {
    switch (d->talk->state) {
      case LIVE_PROXY_SAYS:
        if (!say_to_proxy(d)) {
          fail_talk(d, "the proxy closed the connection");
        }
        break;
      case LIVE_PROXY_HEARS:
        if (!hear_proxy(d)) {
          return false;
        }
        break;
      case LIVE_PROXY_OPEN:
        open_way(d);
        break;
      case LIVE_PROXY_FAILED:
        fail_talk(d, d->talk->error);
        break;
    }
  }
  return true;
}

short live_dial_events(const struct live_dial *d) {
  return d->talk != NULL ? POLLIN : POLLOUT;
}

// ---- Attempts -----------------------------------------------------------------------------------

static void begin_attempt(struct live_dial *d, const struct sockaddr *address, socklen_t len) {
  int on = 1;
  d->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  d->deadline_ms = clock_ms() + d->attempt_ms;
  if (d->fd < 0) {
    note_failure(d, errno);
    return;
  }
  (void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int why = live_net_bind_source(d->fd, address->sa_family, d->place->route->source);
  if (why != 0) {
    note_failure(d, why);
  } else if (connect(d->fd, address, len) == 0) {
    reach(d);
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
    reach(d);
  } else {
    note_failure(d, why);
  }
  return true;
}

void live_dial_go(struct live_dial *d) {
  while (!d->connected && !d->failed) {
    if (d->talk != NULL) {
      if (!talk_is_over(d)) {
        return;
      }
    } else if (d->fd >= 0) {
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
  end_talk(d);
  if (d->fd >= 0) {
    close(d->fd);
    d->fd = -1;
  }
  d->failed = true;
}
