// Where a command listens: HOST:PORT on the command line, and the address that it has come to.
#ifndef EHLO_TOOLS_DRIVER_LISTEN_H
#define EHLO_TOOLS_DRIVER_LISTEN_H

#include <stdint.h>

#include "tools/live/net.h"

struct listen_place {
  char host[256];  // a name or a numeric address, without brackets
  uint16_t port;   // 0: any that is free
};

// Reads HOST:PORT or [V6]:PORT. NULL, or what is wrong with it, which is nobody's to free.
const char *listen_parse(struct listen_place *out, const char *text);

struct listening {
  int fd;                            // -1: it does not listen
  char address[LIVE_ADDRESS_MAX];    // "127.0.0.1", "::1"
  char name[LIVE_ADDRESS_MAX + 16];  // with the port: "127.0.0.1:2525", "[::1]:2525"
};

// Listens. False with `fd` -1 after telling why in `error`. The caller closes `fd`.
bool listen_open(struct listening *out, char *error, size_t error_cap,
                 const struct listen_place *place);

// Writes the name to standard output, a line of its own, at once: whoever started the command waits
// for it.
void listen_announce(const struct listening *l);

#endif  // EHLO_TOOLS_DRIVER_LISTEN_H
