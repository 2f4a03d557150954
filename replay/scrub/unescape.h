// Characters of text that some program wrote with escapes: JSON, C and Python strings, HTML entities,
// URLs. A log may hold any of them, so what is read here is one of several readings of a place.
#ifndef EHLO_REPLAY_SCRUB_UNESCAPE_H
#define EHLO_REPLAY_SCRUB_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scrub_unit {
  size_t raw_len;    // octets of the text
  size_t num_bytes;  // that they stand for, at most 3
  uint8_t bytes[3];
};

// The escape at the beginning of `text`. False if there is none.
bool scrub_unescape(struct scrub_unit *out, const uint8_t *text, size_t len);

#endif  // EHLO_REPLAY_SCRUB_UNESCAPE_H
