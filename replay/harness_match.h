// What a foreign client says, held against a transcript. Only for harness.c.
#ifndef EHLO_REPLAY_HARNESS_MATCH_H
#define EHLO_REPLAY_HARNESS_MATCH_H

#include "replay/harness.h"

// Goes on to the next item of the session. False at the end, or if there is none to be had.
bool ehlo_harness_peek(struct ehlo_harness *h);

// The item at hand is used up.
void ehlo_harness_drop(struct ehlo_harness *h);

// Whether the client is to say something now.
bool ehlo_harness_is_turn(struct ehlo_harness *h);

// The item's time passes, once.
void ehlo_harness_pass_time(struct ehlo_harness *h);

// Steps over the rest of a line of the client's that is not compared, over as many items as it is
// written in. False: it does not end in this turn.
bool ehlo_harness_skip_line(struct ehlo_harness *h);

// A divergence at what is expected next. `got` is in words, or NULL: then the octets are quoted.
void ehlo_harness_diverge(struct ehlo_harness *h, const char *got, const uint8_t *bytes,
                          size_t len);

// What the client says after a divergence: as far as it is the line that was quoted, it is quoted too.
void ehlo_harness_quote(struct ehlo_harness *h, const uint8_t *bytes, size_t len);

// Each of the two comparisons takes octets of the client while it is its turn, and returns how many;
size_t ehlo_harness_match_strictly(struct ehlo_harness *h, const uint8_t *bytes, size_t len);
size_t ehlo_harness_match_tolerantly(struct ehlo_harness *h, const uint8_t *bytes, size_t len);
// and says, where the client falls silent in its turn, whether the record has it leave off there as
// well: in the middle of a line, or of a message. If so, that is stepped over.
bool ehlo_harness_leaves_off_strictly(struct ehlo_harness *h);
bool ehlo_harness_leaves_off_tolerantly(struct ehlo_harness *h);

// The server says these: what they ask for decides what the client's next line is.
void ehlo_harness_hear(struct ehlo_harness *h, const uint8_t *bytes, size_t len);

#endif  // EHLO_REPLAY_HARNESS_MATCH_H
