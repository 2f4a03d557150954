// TCP and local sockets: finding a server, connecting to it, listening. All sockets that it gives
// are non-blocking, close on exec, and send without delay. It moves no data.
#ifndef EHLO_TOOLS_LIVE_NET_H
#define EHLO_TOOLS_LIVE_NET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_ADDRESS_MAX 112  // chars of a numeric address or of a socket's path, NUL included

enum live_net_result {
  LIVE_NET_OK = 0,
  LIVE_NET_UNKNOWN_HOST,  // the name has no address
  LIVE_NET_REFUSED,       // refused, unreachable, or no such socket
  LIVE_NET_TIMEOUT,       // nobody answered in time
};

// How an address is tried. Bounds are in milliseconds; 0 takes the default.
struct live_net_bounds {
  uint32_t attempt_ms;  // on each address: 10,000
  uint32_t total_ms;    // on all of them: 60,000. Looking up the name is bounded by the resolver.
  const char *source;   // numeric address to connect from; NULL: any
  const volatile sig_atomic_t *interrupted;  // not 0: it is given up, as refused. NULL: never
};

struct live_net_connection {
  int fd;
  bool was_reset;  // already: nothing more can be sent, but what the server said can be read
  char address[LIVE_ADDRESS_MAX];  // whom it reached: "203.0.113.7", "2001:db8::1" or a path
};

struct addrinfo;

// Waits until one of `events` of poll(), or an error, is there on `fd`. False, with errno, where none
// came until `end_ms` of the clock below (ETIMEDOUT), or `interrupted` is not 0 (ECANCELED, within a
// quarter of a second).
bool live_net_wait(int fd, short events, uint64_t end_ms, const volatile sig_atomic_t *interrupted);

// Binds `fd` to a numeric address of that family; NULL: does nothing. 0 or the errno.
int live_net_bind_source(int fd, int family, const char *source);

// Microseconds of a clock that never goes back, from an arbitrary start.
uint64_t live_net_clock_us(void);

// Connects to the first address of `host` that answers. On failure `error` says in one sentence
// which were tried and why each failed.
enum live_net_result live_net_connect(struct live_net_connection *out, char *error,
                                      size_t error_cap, const char *host, uint16_t port,
                                      const struct live_net_bounds *bounds);

// The same for addresses already known, in the order given. `error` then has only the list.
enum live_net_result live_net_connect_addresses(struct live_net_connection *out, char *error,
                                                size_t error_cap, const struct addrinfo *list,
                                                const struct live_net_bounds *bounds);

// Connects to a local socket.
enum live_net_result live_net_connect_unix(struct live_net_connection *out, char *error,
                                           size_t error_cap, const char *path);

// The numeric address of this end of a TCP connection; empty if it has none.
void live_net_local_address(char out[LIVE_ADDRESS_MAX], int fd);

// Listens on the first address of `host` that can be had; port 0 takes any that is free, and
// `*out_port` says which. The descriptor, or -1 and the reason in `error`.
int live_net_listen(uint16_t *out_port, char *error, size_t error_cap, const char *host,
                    uint16_t port);

// Waits for a connection, `timeout_ms` at the most (negative: without end). The descriptor, or -1;
// with errno 0 if none came, or the one that did is gone.
int live_net_accept(int listen_fd, int timeout_ms);

// Whether errno says that there is nothing left to accept a connection with. It goes on waiting,
// and whoever polls for it does not: look again after LIVE_NET_STARVED_US.
bool live_net_is_starved(int error);
#define LIVE_NET_STARVED_US UINT64_C(100000)

#endif  // EHLO_TOOLS_LIVE_NET_H
