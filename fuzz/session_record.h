// An input of the session target as a transcript (replay/FORMAT.md). What the client says and which events
// come is what the model says and not what the engine does, so that a finding becomes a file that
// `ehlo replay` shows failing, and passing once the fault is mended.
//
// A replay has one kind of client: its buffer is the largest, its output is taken at once, and it makes no
// mistakes. What an input has beyond that is left out, and told.
#ifndef EHLO_FUZZ_SESSION_RECORD_H
#define EHLO_FUZZ_SESSION_RECORD_H

#include "fuzz/fuzz.h"
#include "replay/transcript.h"

// Told of what is left out: `step` from 1, 0 for the settings.
typedef void (*ehlo_session_record_left_out)(void *arg, size_t step, const char *what);

// False: there is no room for it, or it could not be written. Returns how much was left out in `*out_left`.
bool ehlo_session_record(struct ehlo_writer *w, size_t *out_left, const uint8_t *data, size_t size,
                         ehlo_session_record_left_out left_out, void *arg);

#endif  // EHLO_FUZZ_SESSION_RECORD_H
