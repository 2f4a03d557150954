// A way through a proxy, over a connection to it.
#ifndef EHLO_TOOLS_LIVE_PROXY_H
#define EHLO_TOOLS_LIVE_PROXY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/live/proxy_talk.h"

// Asks the proxy at the other end of `fd` for a connection to host and port. True if it is there;
// else a sentence without a full stop is in `error`. What the server says behind the proxy's answer
// is left for whoever reads next. `end_ms` and `interrupted` are those of live_net_wait().
bool live_proxy_ask(const struct live_proxy *p, int fd, const char *host, uint16_t port,
                    uint64_t end_ms, const volatile sig_atomic_t *interrupted, char *error,
                    size_t error_cap);

#endif  // EHLO_TOOLS_LIVE_PROXY_H
