// Connecting on a way of one's own.
#include "tools/live/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/live/text.h"

#define TOTAL_MS 60000

const char *live_route_target(char out[64], const struct live_net_route *r, const char *host,
                              uint16_t port) {
  char begin[300];
  int len = snprintf(begin, sizeof(begin), "%s:%u:", host, port);
  for (size_t i = 0; len > 0 && (size_t)len < sizeof(begin) && i < r->num_resolves; i++) {
    if (strncasecmp(r->resolves[i], begin, (size_t)len) == 0) {
      snprintf(out, 64, "%s", r->resolves[i] + len);
      return out;
    }
  }
  return host;
}

static struct addrinfo *find(const struct live_net_route *r, const char *host, uint16_t port,
                             struct live_text *error) {
  struct addrinfo hints = {
      .ai_family = r->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  char service[8];
  char address[64];
  (void)snprintf(service, sizeof service, "%u", (unsigned)port);
  int why = getaddrinfo(live_route_target(address, r, host, port), service, &hints, &list);
  if (why != 0) {
    live_text_format(error, "cannot find%s the host \"",
                     r->family == AF_INET6  ? " an IPv6 address of"
                     : r->family == AF_INET ? " an IPv4 address of"
                                            : "");
    live_text_bytes(error, host, strlen(host));
    live_text_format(error, "\": %s", why == EAI_SYSTEM ? strerror(errno) : gai_strerror(why));
    return NULL;
  }
  return list;
}

struct addrinfo *live_route_find(const struct live_net_route *r, const char *host, uint16_t port,
                                 char *error, size_t error_cap) {
  struct live_text t;
  live_text_init(&t, error, error_cap);
  return r->proxy != NULL ? find(r, r->proxy->host, r->proxy->port, &t) : find(r, host, port, &t);
}

static enum live_net_result connect_to(struct live_net_connection *out, char *error, size_t cap,
                                       const struct live_net_route *r, const char *host,
                                       uint16_t port, const struct live_net_bounds *bounds) {
  char tried[512];
  struct live_net_bounds from = *bounds;
  struct live_text t;
  from.source = r->source;
  live_text_init(&t, error, cap);
  struct addrinfo *list = find(r, host, port, &t);
  if (list == NULL) {
    return LIVE_NET_UNKNOWN_HOST;
  }
  enum live_net_result result = live_net_connect_addresses(out, tried, sizeof tried, list, &from);
  freeaddrinfo(list);
  if (result != LIVE_NET_OK) {
    live_text_format(&t, "cannot connect to ");
    live_text_bytes(&t, host, strlen(host));
    live_text_format(&t, " port %u: %s", (unsigned)port, tried);
  }
  return result;
}

// ---- The PROXY protocol -----------------------------------------------------------------------------

// Both ends of the connection, as bytes and as text.
struct ends {
  bool is_ipv6;
  uint8_t source[16];
  uint8_t target[16];
  uint16_t source_port;
  uint16_t target_port;
};

static uint16_t take(uint8_t out[16], const struct sockaddr_storage *a) {
  if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
    memcpy(out, &in6->sin6_addr, 16);
    return ntohs(in6->sin6_port);
  }
  const struct sockaddr_in *in = (const struct sockaddr_in *)a;
  memcpy(out, &in->sin_addr, 4);
  return ntohs(in->sin_port);
}

static bool find_ends(struct ends *out, int fd) {
  struct sockaddr_storage here;
  struct sockaddr_storage there;
  socklen_t here_len = sizeof here;
  socklen_t there_len = sizeof there;
  if (getsockname(fd, (struct sockaddr *)&here, &here_len) != 0 ||
      getpeername(fd, (struct sockaddr *)&there, &there_len) != 0) {
    return false;
  }
  out->is_ipv6 = here.ss_family == AF_INET6;
  out->source_port = take(out->source, &here);
  out->target_port = take(out->target, &there);
  return true;
}

// haproxy's proxy-protocol.txt §2.1 and §2.2.
static size_t make_header(uint8_t out[128], const struct ends *e, int version) {
  static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
  int family = e->is_ipv6 ? AF_INET6 : AF_INET;
  size_t len = e->is_ipv6 ? 16 : 4;
  if (version == 1) {
    char source[INET6_ADDRSTRLEN];
    char target[INET6_ADDRSTRLEN];
    inet_ntop(family, e->source, source, sizeof source);
    inet_ntop(family, e->target, target, sizeof target);
    return (size_t)snprintf((char *)out, 128, "PROXY TCP%d %s %s %u %u\r\n", e->is_ipv6 ? 6 : 4,
                            source, target, e->source_port, e->target_port);
  }
  memcpy(out, signature, 12);
  out[12] = 0x21;                      // version 2, PROXY
  out[13] = e->is_ipv6 ? 0x21 : 0x11;  // TCP over that family
  out[14] = 0;
  out[15] = (uint8_t)(2 * len + 4);
  memcpy(out + 16, e->source, len);
  memcpy(out + 16 + len, e->target, len);
  uint8_t *ports = out + 16 + 2 * len;
  ports[0] = (uint8_t)(e->source_port >> 8);
  ports[1] = (uint8_t)e->source_port;
  ports[2] = (uint8_t)(e->target_port >> 8);
  ports[3] = (uint8_t)e->target_port;
  return 16 + 2 * len + 4;
}

// The buffer of a new connection is empty, so they fit.
bool live_route_send_header(int fd, int version) {
  uint8_t header[128];
  struct ends ends;
  if (!find_ends(&ends, fd)) {
    return false;
  }
  size_t len = make_header(header, &ends, version);
  return send(fd, header, len, MSG_NOSIGNAL) == (ssize_t)len;
}

// ---- All of it --------------------------------------------------------------------------------------

static enum live_net_result give_up(struct live_net_connection *out) {
  close(out->fd);
  out->fd = -1;
  return LIVE_NET_REFUSED;
}

enum live_net_result live_route_connect(struct live_net_connection *out, char *error,
                                        size_t error_cap, const struct live_net_route *route,
                                        const char *host, uint16_t port,
                                        const struct live_net_bounds *bounds) {
  const struct live_proxy *proxy = route->proxy;
  uint32_t total_ms = bounds->total_ms > 0 ? bounds->total_ms : TOTAL_MS;
  uint64_t end_ms = live_net_clock_us() / 1000 + total_ms;
  enum live_net_result result =
      connect_to(out, error, error_cap, route, proxy != NULL ? proxy->host : host,
                 proxy != NULL ? proxy->port : port, bounds);
  if (result != LIVE_NET_OK) {
    return result;
  }
  char why[300];
  char address[64];
  const char *target = live_route_target(address, route, host, port);
  if (proxy != NULL &&
      !live_proxy_ask(proxy, out->fd, target, port, end_ms, bounds->interrupted, why, sizeof why)) {
    struct live_text t;
    live_text_init(&t, error, error_cap);
    live_text_format(&t, "cannot connect to ");
    live_text_bytes(&t, host, strlen(host));
    live_text_format(&t, " port %u: %s", port, why);
    return give_up(out);
  }
  if (route->proxy_protocol != 0 && !live_route_send_header(out->fd, route->proxy_protocol)) {
    snprintf(error, error_cap, "cannot send the header of the PROXY protocol: %s", strerror(errno));
    return give_up(out);
  }
  return LIVE_NET_OK;
}
