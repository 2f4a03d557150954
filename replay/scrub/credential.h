// What a piece of base64 proves to be: a client's answer in one of the SASL mechanisms, by its own form
// and without looking at what stands around it.
#ifndef EHLO_REPLAY_SCRUB_CREDENTIAL_H
#define EHLO_REPLAY_SCRUB_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Characters of base64 that are looked at: RFC 4954 allows 12,288 in a line.
#define SCRUB_BASE64_MAX ((size_t)16384)

// Decodes both alphabets, with the padding or without. False if it is not base64. `out` has room for
// 3 octets for each 4 characters begun.
bool scrub_base64_decode(uint8_t *out, size_t *out_len, const uint8_t *text, size_t len);

struct scrub_credential {
  const char *what;  // "a PLAIN response"; static
  size_t secret_at;  // the secret in the decoded octets
  size_t secret_len;
  bool of_server;  // the server's own proof
  size_t user_at;  // the user's name; none if the length is 0
  size_t user_len;
};

// Whether the octets prove to be a credential. Placeholders that programs put in the place of a
// password are none.
bool scrub_credential_prove(struct scrub_credential *out, const uint8_t *octets, size_t len);

// Whether they may be the beginning of one.
bool scrub_credential_may_begin(const uint8_t *octets, size_t len);

// Whether octets are a placeholder such as "/* secret */".
bool scrub_is_placeholder(const uint8_t *text, size_t len);

// Printable UTF-8 without control characters, and not empty.
bool scrub_is_text(const uint8_t *octets, size_t len);

#endif  // EHLO_REPLAY_SCRUB_CREDENTIAL_H
