// Credentials that stand in clear beside a name that says so: settings of mail programs, options on a
// command line, headers with a bearer token, keys of TLS sessions.
#ifndef EHLO_REPLAY_SCRUB_FIELDS_H
#define EHLO_REPLAY_SCRUB_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scrub_field {
  size_t at;  // of the value in the line
  size_t len;
  const char *what;  // static
};

// The first such value that begins at `from` or behind. False if there is none.
bool scrub_field_next(struct scrub_field *out, const uint8_t *line, size_t len, size_t from);

#endif  // EHLO_REPLAY_SCRUB_FIELDS_H
