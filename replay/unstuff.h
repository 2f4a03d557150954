// The message as the server would have it: dots taken off, the end of data found (RFC 5321 §4.5.2).
// The encoder's counterpart, written apart from it so that each can show the other wrong.
#ifndef EHLO_REPLAY_UNSTUFF_H
#define EHLO_REPLAY_UNSTUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ehlo_unstuff {
  uint8_t place;  // in the line, private
  bool bare_lf;   // an LF by itself ends a line, also the one with the dot
  bool ended;     // the end of data was seen
};

void ehlo_unstuff_init(struct ehlo_unstuff *u);
// For a client that ends its lines with LF alone. Not every one doubles dots then: behind an LF they are
// left as they are, but for the one that is a line.
void ehlo_unstuff_init_bare_lf(struct ehlo_unstuff *u);

// Whether what came last is the beginning of a line end or of the end of data.
bool ehlo_unstuff_is_amid(const struct ehlo_unstuff *u);

// Reads up to the end of data or the end of `in`; `out` has room for in_len + 2 bytes.
void ehlo_unstuff_feed(struct ehlo_unstuff *u, size_t *out_used, size_t *out_len, uint8_t *out,
                       const uint8_t *in, size_t in_len);

#endif  // EHLO_REPLAY_UNSTUFF_H
