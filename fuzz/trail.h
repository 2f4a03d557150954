// What one run of an input leaves behind that another run has to leave as well, entry by entry. It is
// kept as a hash, and where the second run leaves the trail of the first it is found at that entry.
#ifndef EHLO_FUZZ_TRAIL_H
#define EHLO_FUZZ_TRAIL_H

#include "fuzz/fuzz.h"

// All zero is one that was not begun. It keeps its room from one input to the next.
struct ehlo_fuzz_trail {
  const struct ehlo_fuzz_trail *first;  // the one to be followed; NULL: this is the first
  uint64_t hash;                        // of all that was added
  struct ehlo_fuzz_bytes marks;         // the hash at the end of each entry
  size_t num_marks;
};

void ehlo_fuzz_trail_begin(struct ehlo_fuzz_trail *t, const struct ehlo_fuzz_trail *first);

// Bytes, of which only the order counts, not in how many calls they came.
void ehlo_fuzz_trail_add(struct ehlo_fuzz_trail *t, const uint8_t *bytes, size_t len);
void ehlo_fuzz_trail_add_number(struct ehlo_fuzz_trail *t, uint64_t number);
void ehlo_fuzz_trail_add_numbers(struct ehlo_fuzz_trail *t, const uint64_t *numbers, size_t num);

// The entry is whole. If the first run's was another, that is a finding, which names the entry.
void ehlo_fuzz_trail_mark(struct ehlo_fuzz_trail *t);

// The run is over, and so has the first to be.
void ehlo_fuzz_trail_end(const struct ehlo_fuzz_trail *t);

#endif  // EHLO_FUZZ_TRAIL_H
