// What the mechanisms of this package share: pieces of text, base64 and hexadecimal digits in the
// scratch, keyed hashes. Internal to engine/sasl/.
#ifndef EHLO_ENGINE_SASL_PARTS_H
#define EHLO_ENGINE_SASL_PARTS_H

#include <openssl/digest.h>

#include "engine/auth.h"

// A span over a C string.
struct ehlo_span ehlo_sasl_text(const char *text);

// Whether `text` is `wanted`, byte by byte. Not for secrets.
bool ehlo_sasl_is(struct ehlo_span text, const char *wanted);

// Takes the text up to the first `end`, or all of it, off the front of `rest`, with that `end`.
struct ehlo_span ehlo_sasl_take(struct ehlo_span *rest, char end);

// A client nonce as ehlo_credentials has it.
bool ehlo_sasl_is_nonce(struct ehlo_span nonce);

// Puts the nonce of this attempt into the scratch: the one handed in, and from the second attempt on
// its number behind it.
void ehlo_sasl_put_nonce(struct ehlo_auth *auth);

// Text that proves something: base64, or lower case hexadecimal digits, of at most 64 octets.
void ehlo_sasl_prove_base64(struct ehlo_auth_proof *out, const uint8_t *bytes, size_t len);
void ehlo_sasl_prove_hex(struct ehlo_auth_proof *out, const uint8_t *bytes, size_t len);
// In place of one that nobody computes: EHLO_PROOF_ON_TRUST.
void ehlo_sasl_prove_on_trust(struct ehlo_auth_proof *out);

// HMAC over the parts. False without memory.
bool ehlo_sasl_hmac(uint8_t out[EVP_MAX_MD_SIZE], const EVP_MD *md, struct ehlo_span key,
                    const struct ehlo_span *parts, size_t num_parts);

// A hash over the parts. False likewise.
bool ehlo_sasl_hash(uint8_t out[EVP_MAX_MD_SIZE], const EVP_MD *md, const struct ehlo_span *parts,
                    size_t num_parts);

#endif  // EHLO_ENGINE_SASL_PARTS_H
