// Finds a credential that a server says back to us. It knows the secrets of one session and tells
// which server lines may not be shown or recorded; it never decides what is a secret.
//
// A secret is looked for as it is and as base64 (RFC 4648 §4 and §5) at each of its three
// alignments, whatever the letter case, and with control bytes and blanks in between. Any window of
// eight characters of one of these counts, or the whole where it is shorter. Base64 forms under
// four characters are not looked for: they would be found everywhere and give nothing away.
#ifndef EHLO_REPLAY_REDACT_H
#define EHLO_REPLAY_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_REDACT_MAX 24           // secrets: a password, and two proofs for each attempt
#define EHLO_REDACT_BYTES_MAX 32768  // octets of all of them together
#define EHLO_REDACT_FILTER_MAX 4096  // words of the filter

struct ehlo_redactor {
  size_t num;
  size_t len[EHLO_REDACT_MAX];
  size_t used;
  bool full;  // more was given than it holds: every server line counts as an echo
  // What blocks of the secrets leave in a Bloom filter: a line that touches none of it says none of
  // them. It grows with them.
  size_t num_blocks;                     // in the filter, some of them more than once
  size_t shortest;                       // characters of the shortest window
  unsigned filter_bits;                  // 1 << filter_bits words are in use
  uint8_t folded[256];                   // what is compared of an octet, 0: nothing
  uint8_t bytes[EHLO_REDACT_BYTES_MAX];  // of these, `used`
  uint64_t filter[EHLO_REDACT_FILTER_MAX];
};

// Touches only what counts while it is empty; it is no way to forget secrets.
void ehlo_redactor_init(struct ehlo_redactor *r);
// Adds a secret: the bytes themselves, without what surrounds them in the protocol (a user name in
// front of a password would be a secret too). Empty ones, and ones it has, are not added.
void ehlo_redactor_add(struct ehlo_redactor *r, const uint8_t *bytes, size_t len);
bool ehlo_redactor_is_empty(const struct ehlo_redactor *r);
// Whether `line` (one server line, with or without CRLF) says any of the secrets.
bool ehlo_redactor_hits(const struct ehlo_redactor *r, const uint8_t *line, size_t len);
// The same with windows of four: for a line that is not whole, or what is to be shown of one.
// Judges by the secrets that it holds, also when it is full.
bool ehlo_redactor_grazes(const struct ehlo_redactor *r, const uint8_t *text, size_t len);
// Zeroes all that it held.
void ehlo_redactor_wipe(struct ehlo_redactor *r);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_REDACT_H
