// SERVER as the user writes it: a host, a URL or a socket's path.
#ifndef EHLO_TOOLS_DRIVER_SERVER_H
#define EHLO_TOOLS_DRIVER_SERVER_H

#include <stdbool.h>

struct server_address {
  char host[256];  // name or address, without brackets; empty for a socket's path
  char port[8];
  char path[108];  // of a Unix socket
  bool has_port;
  bool implicit_tls;  // smtps://
  bool lmtp;          // lmtp://
};

// Reads `host`, `host:port`, `[v6]:port`, `smtp://`, `smtps://`, `lmtp://`, `unix:PATH`, or a socket's
// path for LMTP as `lmtp:///PATH`. The port is 587, 465 for smtps, 24 for lmtp. Returns NULL, or a sentence on what is wrong.
const char *server_parse(struct server_address *out, const char *text);

#endif  // EHLO_TOOLS_DRIVER_SERVER_H
