// The way to the server, whom to take for it, and what to show it: options that every live command
// shares besides those of live_options.h.
#ifndef EHLO_TOOLS_DRIVER_NETWORK_OPTIONS_H
#define EHLO_TOOLS_DRIVER_NETWORK_OPTIONS_H

#include <openssl/base.h>

#include "tools/driver/options.h"
#include "tools/live/pins.h"
#include "tools/live/route.h"

// A member of struct live_options.
struct network_options {
  struct live_net_route route;
  struct live_proxy proxy;  // the route points to it where there is one
  const char *proxy_password_file;
  struct live_pins pins;
  const char *client_cert;
  const char *client_key;
  const char *keylog;
};

// Over struct live_options.
extern const struct option_row network_option_rows[];

// The way, NULL where it is the shortest.
const struct live_net_route *network_options_route(const struct network_options *n);

// Reads the proxy's password. Returns 0 or an exit status, after printing what is wrong.
int network_options_settle(struct network_options *n);

// Gives the context pins, client certificate and key log. The same returns.
int network_options_dress(const struct network_options *n, SSL_CTX *context);

#endif  // EHLO_TOOLS_DRIVER_NETWORK_OPTIONS_H
