// One direction of the connection between the TLS target's two ends: what is put on it record by
// record comes out with the input's edits, in pieces of any size. It keeps whether an edit was one
// that TLS has to notice. A piece of cleartext counts as a record,
// and of several edits to one record the first is done.
#ifndef EHLO_FUZZ_TLS_WIRE_H
#define EHLO_FUZZ_TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/fuzz.h"

enum ehlo_fuzz_edit_what {
  EHLO_FUZZ_EDIT_FLIP = 0,  // bits of an octet
  EHLO_FUZZ_EDIT_LOSE,      // an octet
  EHLO_FUZZ_EDIT_INSERT,    // cleartext, or a record of the attacker's
  EHLO_FUZZ_EDIT_DROP,      // the record
  EHLO_FUZZ_EDIT_REPEAT,    // the record
  EHLO_FUZZ_EDIT_TRUNCATE,  // the connection ends here
  EHLO_FUZZ_NUM_EDITS
};

struct ehlo_fuzz_edit {
  enum ehlo_fuzz_edit_what what;
  size_t record;
  uint16_t at;  // an offset, from 0x8000 on one from the end; taken modulo the length
  uint8_t value;
};

#define EHLO_FUZZ_EDITS_MAX 8

// All zero, but for `edits`, is an empty one; ended by ehlo_fuzz_wire_free().
struct ehlo_fuzz_wire {
  struct ehlo_fuzz_edit edits[EHLO_FUZZ_EDITS_MAX];
  size_t num_edits;
  size_t num_records;
  struct ehlo_fuzz_bytes sent;  // as it was put on
  struct ehlo_fuzz_bytes out;   // as it comes out
  size_t given;
  bool protects;  // from here on, all is encrypted
  bool finishes;  // a close_notify is put on: what is behind it does not count
  bool cut_off;
  bool edited;
  bool edited_clear;  // something that nothing protects
  bool broken;        // an edit was of something that TLS protects
};

void ehlo_fuzz_wire_free(struct ehlo_fuzz_wire *w);

void ehlo_fuzz_wire_add_clear(struct ehlo_fuzz_wire *w, const uint8_t *bytes, size_t len);

// Whole TLS records.
void ehlo_fuzz_wire_add(struct ehlo_fuzz_wire *w, const uint8_t *bytes, size_t len);

// Gives the next piece; false if nothing is on the way. To be freed.
bool ehlo_fuzz_wire_take(struct ehlo_fuzz_wire *w, struct ehlo_fuzz_cuts *cuts, uint8_t **out,
                         size_t *out_len);

#endif  // EHLO_FUZZ_TLS_WIRE_H
