// Connecting without waiting: the name is looked up once, each call of live_dial_go() tries as far
// as it gets, one address after the other. For programs that connect while they do other things;
// net.h connects for those that have nothing else to do.
#ifndef EHLO_TOOLS_LIVE_DIAL_H
#define EHLO_TOOLS_LIVE_DIAL_H

#include "tools/live/net.h"
#include "tools/live/route.h"

#define LIVE_DIAL_REASON_MAX 512

// Where to connect: the addresses of a name, or a socket's path. On a way with a proxy they are the
// proxy's.
struct live_place {
  struct addrinfo *list;  // owned
  const char *path;       // the caller's, as all below
  const struct live_net_route *route;
  const char *host;
  uint16_t port;
};

// Looks `host` up; with `path` not NULL or empty, it is the place. `route` NULL is the shortest way.
// Waits as long as the resolver does.
enum live_net_result live_place_find(struct live_place *out, char *error, size_t error_cap,
                                     const char *host, uint16_t port, const char *path,
                                     const struct live_net_route *route);
void live_place_free(struct live_place *p);

struct live_dial {
  const struct live_place *place;
  const struct addrinfo *next;  // to be tried
  uint64_t attempt_ms;          // for each address
  uint64_t deadline_ms;         // of the attempt under way, on the clock of live_net_clock_us()
  int fd;                       // of the attempt under way, or the connection; -1: none
  bool connected;
  bool failed;
  struct live_proxy_talk *talk;  // owned; with the proxy at the other end of `fd`, or NULL
  char target[64];               // its host, where that is an address
  enum live_net_result result;
  char address[LIVE_ADDRESS_MAX];
  char reason[LIVE_DIAL_REASON_MAX];  // why each address failed
};

// Begins. `attempt_ms` 0 is 10 seconds.
void live_dial_begin(struct live_dial *d, const struct live_place *place, uint32_t attempt_ms);
// What `fd` is to be polled for.
short live_dial_events(const struct live_dial *d);
// Goes on, once that is there or the deadline is. Then `connected`, with `fd` the
// caller's, or `failed`, or neither: to be called again.
void live_dial_go(struct live_dial *d);
// Gives up what is under way.
void live_dial_end(struct live_dial *d);

#endif  // EHLO_TOOLS_LIVE_DIAL_H
