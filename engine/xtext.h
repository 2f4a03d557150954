// xtext (RFC 3461 §4): how any octets travel in the value of an ESMTP parameter or an XCLIENT
// attribute. It must not know which parameter that is.
#ifndef EHLO_ENGINE_XTEXT_H
#define EHLO_ENGINE_XTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reply.h"

// Octets that `len` octets need at the most.
#define EHLO_XTEXT_MAX(len) ((len)*3)

// Encodes into `out`, which is not terminated: graphic ASCII but "+" and "=" stays, all else becomes
// "+" and two upper-case hexadecimal digits. Returns the octets of the whole text; if that is more
// than `cap`, nothing was written. `out` and `in` do not overlap.
size_t ehlo_xtext_encode(uint8_t *out, size_t cap, struct ehlo_span in);

// Whether `text` is xtext whose octets, decoded, are printable ASCII and blanks: what a server may
// copy into a message without harm. Empty text is.
bool ehlo_xtext_is_printable(struct ehlo_span text);

#endif  // EHLO_ENGINE_XTEXT_H
