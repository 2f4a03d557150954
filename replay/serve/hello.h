// Replies to EHLO as text: what they offer, and the same reply with one offer more or less. It
// judges no client and keeps nothing.
#ifndef EHLO_REPLAY_HELLO_H
#define EHLO_REPLAY_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether a line of the reply has the keyword (upper case), which the reply may write in any
// case. The first line is the greeting and offers nothing.
bool ehlo_hello_offers(const uint8_t *reply, size_t len, const char *keyword);

// Whether "AUTH" (or its old form "AUTH=") lists the mechanism, in upper case; NULL: any.
bool ehlo_hello_offers_mechanism(const uint8_t *reply, size_t len, const char *mechanism);

// Copies the reply without the lines of the keyword `drop` and with a line `add`; either may be
// NULL. Returns the octets written, 0 if they do not fit into `cap`.
size_t ehlo_hello_edit(uint8_t *out, size_t cap, const uint8_t *reply, size_t len, const char *drop,
                       const char *add);

// Copies the first line alone, as the whole reply to a HELO. 0 if it does not fit.
size_t ehlo_hello_first_line(uint8_t *out, size_t cap, const uint8_t *reply, size_t len);

#endif  // EHLO_REPLAY_HELLO_H
