// What the files of the tap share. Not for anybody else.
#ifndef EHLO_REPLAY_TAP_PARTS_H
#define EHLO_REPLAY_TAP_PARTS_H

#include "replay/tap/tap.h"

// Writes bytes of the client's, as part of the chunk at hand.
void ehlo_tap_put(struct ehlo_tap *t, const uint8_t *bytes, size_t len);

// Adds to the line what is no line end; a CR is only counted in once it is known to end no line.
void ehlo_tap_line_add(struct ehlo_tap *t, const uint8_t *bytes, size_t len);
// Adds to what is kept of the line and nothing else.
void ehlo_tap_line_keep(struct ehlo_tap *t, const uint8_t *bytes, size_t len);
// Writes what may be shown of the line, or that the rest is a secret. `whole`: it ends here.
void ehlo_tap_judge(struct ehlo_tap *t, bool whole);
// Acts on a whole line.
void ehlo_tap_line_take(struct ehlo_tap *t);
void ehlo_tap_line_begin(struct ehlo_tap *t);
bool ehlo_tap_at_line_start(const struct ehlo_tap *t);
// Something else comes before the rest of the line: what may turn out to be a secret becomes one.
void ehlo_tap_line_interrupt(struct ehlo_tap *t);

// The line that was sent last is an AUTH command; `mechanism` empty: none that is known.
void ehlo_tap_open_exchange(struct ehlo_tap *t, struct ehlo_span mechanism);

// Acts on whole replies.
void ehlo_tap_read_replies(struct ehlo_tap *t, const uint8_t *bytes, size_t len);

#endif  // EHLO_REPLAY_TAP_PARTS_H
