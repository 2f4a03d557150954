// A way through a proxy: SOCKS 5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110 §9.3.6). It takes
// no octet beyond the proxy's own answer, so what the mail server says behind it is left for
// whoever reads next.
#ifndef EHLO_TOOLS_LIVE_PROXY_H
#define EHLO_TOOLS_LIVE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_PROXY_ANSWER_MAX 8192  // octets of an HTTP proxy's answer

enum live_proxy_kind { LIVE_PROXY_SOCKS5, LIVE_PROXY_HTTP };

struct live_proxy {
  enum live_proxy_kind kind;
  char host[256];
  uint16_t port;
  char user[256];        // empty: none
  const char *password;  // the caller's; NULL: none
};

// Reads "socks5://[user@]host[:port]", "socks5h://…" (the same: the proxy looks the name up) or
// "http://…". Ports are 1080 and 8080. Returns NULL, or a sentence on what is wrong.
const char *live_proxy_parse(struct live_proxy *out, const char *url);

// Asks the proxy at the other end of `fd` for a connection to host and port. True if it is there;
// else a sentence without a full stop is in `error`. `end_ms` is on the clock of
// live_net_clock_us().
bool live_proxy_ask(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                    uint64_t end_ms, char *error, size_t error_cap);

#endif  // EHLO_TOOLS_LIVE_PROXY_H
