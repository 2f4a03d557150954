// The way to a server, where it is not the shortest: one family of addresses, a source address, an
// address of one's own for a name, a proxy, and a header of the PROXY protocol in front of all.
#ifndef EHLO_TOOLS_LIVE_ROUTE_H
#define EHLO_TOOLS_LIVE_ROUTE_H

#include "tools/live/net.h"
#include "tools/live/proxy.h"

#define LIVE_NET_RESOLVES_MAX 8

// Zeros are the shortest way. What it points to is the caller's.
struct live_net_route {
  int family;                                   // AF_INET or AF_INET6; 0: both
  const char *source;                           // numeric address of this machine; NULL: any
  const char *resolves[LIVE_NET_RESOLVES_MAX];  // "HOST:PORT:ADDRESS"
  size_t num_resolves;
  const struct live_proxy *proxy;  // NULL: none
  int proxy_protocol;              // version 1 or 2 of the header; 0: none
};

// As live_net_connect(), on this way. With a proxy `out->address` is the proxy's.
enum live_net_result live_route_connect(struct live_net_connection *out, char *error,
                                        size_t error_cap, const struct live_net_route *route,
                                        const char *host, uint16_t port,
                                        const struct live_net_bounds *bounds);

// The parts of it, for those who connect by themselves.

struct addrinfo;

// The addresses to try for host and port on this way, which are the proxy's where there is one; to
// be freed by freeaddrinfo(). NULL with a sentence in `error`.
struct addrinfo *live_route_find(const struct live_net_route *route, const char *host,
                                 uint16_t port, char *error, size_t error_cap);

// What the proxy is asked for: the address that the user gave the name, in `out`, or the name.
const char *live_route_target(char out[64], const struct live_net_route *route, const char *host,
                              uint16_t port);

// Sends the header of the PROXY protocol as the first octets of a connection. False: errno.
bool live_route_send_header(int fd, int version);

#endif  // EHLO_TOOLS_LIVE_ROUTE_H
