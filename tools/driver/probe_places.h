// Several places that a server may be at, an address and a port each, looked at side by side.
#ifndef EHLO_TOOLS_DRIVER_PROBE_PLACES_H
#define EHLO_TOOLS_DRIVER_PROBE_PLACES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/driver/probe.h"

struct probe_place {
  struct live_options options;
  int family;
  bool has_address;
  int status;
  struct session *session;  // NULL: it could not begin
};

// One address of the host, of this family, if it has any. All zero before; `host` stays.
void probe_place_prepare(struct probe_place *p, const struct probe_options *o, const char *host,
                         const char *port, enum ehlo_tls_mode tls, int family);

// Runs a session with each that has an address, as far as TLS. False without memory.
bool probe_places_look(struct probe_place *places, size_t num);

// Ends the sessions; the array is the caller's.
void probe_places_free(struct probe_place *places, size_t num);

// Whether TLS is there and the certificate is trusted.
bool probe_place_is_good(const struct probe_place *p);

// The end of a line: family, TLS, and what became of it.
void probe_place_print(const struct probe_place *p);

// The same as an object, a new reference.
json_t *probe_place_json(const struct probe_place *p);

#endif  // EHLO_TOOLS_DRIVER_PROBE_PLACES_H
