// What one run of an input leaves behind that another run has to leave as well, entry by entry. It is
// kept as a hash for each kind of thing, and where the second run leaves the trail of the first it is
// found at that entry, and what differed is said: two faults are two findings.
#ifndef EHLO_FUZZ_TRAIL_H
#define EHLO_FUZZ_TRAIL_H

#include "fuzz/fuzz.h"

// Of what differs in one entry, the first of these is said.
enum ehlo_fuzz_trail_kind {
  EHLO_FUZZ_TRAIL_ERROR,    // why a stream or a session failed, and where
  EHLO_FUZZ_TRAIL_EVENT,    // what was told, without its text
  EHLO_FUZZ_TRAIL_TEXT,     // the octets of replies and challenges
  EHLO_FUZZ_TRAIL_OUTPUT,   // what was sent
  EHLO_FUZZ_TRAIL_STATUS,   // what calls returned
  EHLO_FUZZ_TRAIL_STATE,    // where the entry ended
  EHLO_FUZZ_TRAIL_WAITING,  // which deadline is set, and how many commands have no reply
  EHLO_FUZZ_NUM_TRAIL_KINDS,
};

// All zero is one that was not begun. It keeps its room from one input to the next.
struct ehlo_fuzz_trail {
  const struct ehlo_fuzz_trail *first;       // the one to be followed; NULL: this is the first
  uint64_t hash[EHLO_FUZZ_NUM_TRAIL_KINDS];  // of all that was added
  struct ehlo_fuzz_bytes marks;              // the hashes at the end of each entry
  size_t num_marks;
};

void ehlo_fuzz_trail_begin(struct ehlo_fuzz_trail *t, const struct ehlo_fuzz_trail *first);

// Bytes, of which only the order counts, not in how many calls they came.
void ehlo_fuzz_trail_add(struct ehlo_fuzz_trail *t, enum ehlo_fuzz_trail_kind kind,
                         const uint8_t *bytes, size_t len);
void ehlo_fuzz_trail_add_numbers(struct ehlo_fuzz_trail *t, enum ehlo_fuzz_trail_kind kind,
                                 const uint64_t *numbers, size_t num);

// The entry is whole. If the first run's was another, that is a finding, which names the entry.
void ehlo_fuzz_trail_mark(struct ehlo_fuzz_trail *t);

// The run is over, and so has the first to be.
void ehlo_fuzz_trail_end(const struct ehlo_fuzz_trail *t);

#endif  // EHLO_FUZZ_TRAIL_H
