// Base64 for AUTH (RFC 4648 §4), in time that depends on lengths and never on the bytes, since
// what passes here is mostly secret. No line breaks, no white space, padding required.
#ifndef EHLO_ENGINE_BASE64_H
#define EHLO_ENGINE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reply.h"

#ifdef __cplusplus
extern "C" {
#endif

// Octets of base64 for `len` octets.
size_t ehlo_base64_encoded_len(size_t len);

// Encodes the joined parts; `out` has room for ehlo_base64_encoded_len() of their length. Returns
// the octets written.
size_t ehlo_base64_encode(uint8_t *out, const struct ehlo_span *parts, size_t num_parts);

// Decodes `in` into `out`, which has room for in.len / 4 * 3 octets. False if `in` is not base64;
// `*out_len` is 0 then.
bool ehlo_base64_decode(uint8_t *out, size_t *out_len, struct ehlo_span in);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_BASE64_H
