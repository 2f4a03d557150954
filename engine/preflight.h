// Looks at a message before it is sent: what RFC 5321 and RFC 5322 forbid, with line numbers, and
// its size as sent. It only reports; the encoder (engine/body.h) refuses what may never leave.
#ifndef EHLO_ENGINE_PREFLIGHT_H
#define EHLO_ENGINE_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EHLO_TEXT_LINE_MAX 998  // octets without CRLF, RFC 5321 §4.5.3.1.6

// A finding: how often, and the line where it was met first (from 1).
struct ehlo_finding {
  uint64_t count;
  uint64_t first_line;
};

struct ehlo_preflight {
  struct ehlo_finding bare_cr;
  struct ehlo_finding nul;
  struct ehlo_finding long_line;
  struct ehlo_finding eight_bit;   // octets over 127
  struct ehlo_finding bad_header;  // a line of the header that is neither a field nor goes on one
  uint64_t num_lines;              // the last one counts without a line end too
  uint64_t num_fields;
  uint64_t wire_size;  // octets with CRLF line ends, dots not doubled: what SIZE means (RFC 1870)
  // Private.
  uint64_t line_len;
  uint8_t header;   // where in the header the line stands
  bool in_body;
  bool cr;
};

void ehlo_preflight_init(struct ehlo_preflight *p);
void ehlo_preflight_feed(struct ehlo_preflight *p, const uint8_t *in, size_t len);
// To be called once, after the last piece.
void ehlo_preflight_end(struct ehlo_preflight *p);

// Whether it begins with at least one header field (RFC 5322 §2.2), as a message does.
bool ehlo_preflight_is_message(const struct ehlo_preflight *p);

#endif  // EHLO_ENGINE_PREFLIGHT_H
