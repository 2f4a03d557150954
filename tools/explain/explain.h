// What a refusal means, who can act, and whether to try again: from the code, the enhanced status
// code and the stage alone. It is the layer of general truths; what a certain provider means by its
// own words is for a catalogue on top of it. Pure: no memory, no output, no clock.
#ifndef EHLO_TOOLS_EXPLAIN_EXPLAIN_H
#define EHLO_TOOLS_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/submit.h"
#include "tools/explain/enhanced.h"

#define EXPLAIN_FIX_MAX 3

struct explanation {
  char meaning[320];                 // a sentence
  const char *fix[EXPLAIN_FIX_MAX];  // sentences, static; the last one says whether to try again
  size_t num_fix;
  enum explain_who who;
  bool retry;        // the same, unchanged, may be accepted later
  char source[240];  // where it is defined
};

// Explains a reply of class 4 or 5 that came at `stage`. An enhanced status code of another class
// than the code's, or one that is not registered, is passed over; class 0 is none. False, with `out`
// unchanged, for a code of another class.
bool explain_reply(struct explanation *out, enum ehlo_stage stage, unsigned code,
                   struct ehlo_enhanced enhanced);

// "the sender", "who runs the server" …; NULL for EXPLAIN_NOBODY.
const char *explain_who_text(enum explain_who who);

#endif  // EHLO_TOOLS_EXPLAIN_EXPLAIN_H
