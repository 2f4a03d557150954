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

// Takes octets of the client while it is its turn; returns how many.
size_t ehlo_harness_match(struct ehlo_harness *h, const uint8_t *bytes, size_t len);

// It is the client's turn, and it says nothing more. That is a divergence, unless it was left off there
// as well: in the middle of a line, or of a message.
void ehlo_harness_fall_silent(struct ehlo_harness *h, const char *got);

// The server says these: what they ask for decides what the client's next line is.
void ehlo_harness_hear(struct ehlo_harness *h, const uint8_t *bytes, size_t len);

// A divergence at what is expected next. `got` is in words, or NULL: then the octets are quoted.
void ehlo_harness_diverge(struct ehlo_harness *h, const char *got, const uint8_t *bytes,
                          size_t len);

#endif  // EHLO_REPLAY_HARNESS_MATCH_H
