// What there is to find in a message, by a reference that has all of it before it and looks at it
// line by line, once for each kind of finding.
#ifndef EHLO_FUZZ_REFERENCE_MESSAGE_H
#define EHLO_FUZZ_REFERENCE_MESSAGE_H

#include "engine/preflight.h"
#include "fuzz/fuzz.h"

struct ehlo_reference_message {
  struct ehlo_finding findings[EHLO_NUM_FINDINGS + 2 * EHLO_NUM_SINGLE_FIELDS];
  size_t num_findings;
  uint64_t num_lines;
  uint64_t num_fields;
  uint64_t size;  // with CRLF line ends
};

void ehlo_reference_message(struct ehlo_reference_message *out, const uint8_t *message, size_t len);

#endif  // EHLO_FUZZ_REFERENCE_MESSAGE_H
