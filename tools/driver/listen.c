// See listen.h. It accepts nothing; that is for whoever listens.
#include "tools/driver/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Digits alone, to 65535.
static bool parse_port(uint16_t *out, const char *text) {
  size_t len = strspn(text, "0123456789");
  unsigned long port = len > 0 ? strtoul(text, NULL, 10) : UINT16_MAX + 1UL;
  *out = (uint16_t)port;
  return text[len] == '\0' && port <= UINT16_MAX;
}

const char *listen_parse(struct listen_place *out, const char *text) {
  const char *colon = strrchr(text, ':');
  if (colon == NULL || !parse_port(&out->port, colon + 1)) {
    return "it is HOST:PORT, the port a number to 65535";
  }
  size_t len = (size_t)(colon - text);
  if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  } else if (memchr(text, ':', len) != NULL || memchr(text, '[', len) != NULL) {
    return "an IPv6 address stands in brackets: [::1]:2525";
  }
  if (len == 0 || len >= sizeof(out->host)) {
    return "the host is missing or too long";
  }
  memcpy(out->host, text, len);
  out->host[len] = '\0';
  return NULL;
}

bool listen_open(struct listening *out, char *error, size_t error_cap,
                 const struct listen_place *place) {
  uint16_t port = 0;
  out->fd = live_net_listen(&port, error, error_cap, place->host, place->port);
  if (out->fd < 0) {
    return false;
  }
  live_net_local_address(out->address, out->fd);
  bool is_v6 = strchr(out->address, ':') != NULL;
  snprintf(out->name, sizeof(out->name), is_v6 ? "[%s]:%u" : "%s:%u", out->address, (unsigned)port);
  return true;
}

void listen_announce(const struct listening *l) {
  puts(l->name);
  fflush(stdout);
}
