// The secrets of a file, and where else in it they stand: in clear or in base64 at any of its three
// alignments, also with escapes in between. It decides nothing about what is a secret.
#ifndef EHLO_REPLAY_SCRUB_KNOWN_H
#define EHLO_REPLAY_SCRUB_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRUB_KNOWN_MAX ((size_t)1024)          // different secrets of one file
#define SCRUB_KNOWN_BYTES_MAX ((size_t)131072)  // octets of all of them together
// What is shorter is not looked for elsewhere: it would be found everywhere and give nothing away.
#define SCRUB_SECRET_MIN ((size_t)4)
#define SCRUB_FORM_MIN ((size_t)6)  // characters of base64
// A form of a secret in a text may be so much longer than its octets: \u00XX for each.
#define SCRUB_ESCAPE_GROWTH ((size_t)6)

// One form of a secret, in `bytes`.
struct scrub_form {
  uint32_t at;
  uint32_t len;
  uint32_t secret;  // whose it is
  uint32_t next;    // another form that begins with the same octet, from 1; 0: none
};

struct scrub_known {
  size_t num;
  bool full;  // there were more secrets than it holds
  size_t used;
  size_t longest;  // octets of the longest form
  size_t num_forms;
  uint32_t first[256];  // by first octet, from 1
  struct scrub_form forms[4 * SCRUB_KNOWN_MAX];
  struct {
    uint32_t at;
    uint32_t len;
  } secrets[SCRUB_KNOWN_MAX];
  size_t bytes_used;
  uint8_t bytes[6 * SCRUB_KNOWN_BYTES_MAX];
};

void scrub_known_init(struct scrub_known *k);
void scrub_known_add(struct scrub_known *k, const uint8_t *secret, size_t len);
// Octets of `text` that are a secret's, if one begins just there, else 0. The longest counts; `out_secret`
// says which it is, unless NULL.
size_t scrub_known_at(const struct scrub_known *k, size_t *out_secret, const uint8_t *text,
                      size_t len);
void scrub_known_wipe(struct scrub_known *k);

#endif  // EHLO_REPLAY_SCRUB_KNOWN_H
