// The hash of a session: one number over its settings, the bytes of both sides with their times, what
// became of the connection, and the events that the engine made of it. Two runs with the same hash are
// the same session; a live one and the replay of its record have it when the replay reproduced it.
// replay/FORMAT.md, "The hash", says what counts.
//
// Settings, facts, each side's bytes, and events are hashed apart and brought together at the end, so
// that it does not matter in which order one kind is told with regard to another.
#ifndef EHLO_REPLAY_DIGEST_H
#define EHLO_REPLAY_DIGEST_H

#include "engine/ehlo.h"
#include "replay/transcript.h"

#ifdef __cplusplus
extern "C" {
#endif

// One kind of thing. Private.
struct ehlo_digest_lane {
  uint64_t hash;   // of all whole words
  uint64_t word;   // the bytes since then
  uint64_t len;    // bytes in all
  uint64_t marks;  // hash of what is no byte: its place, what it is and its value
  uint64_t num_secrets;
  uint64_t time_us;  // of the last byte
};

struct ehlo_digest {
  struct ehlo_digest_lane settings;
  struct ehlo_digest_lane sides[2];  // by enum ehlo_side
  struct ehlo_digest_lane facts;
  struct ehlo_digest_lane events;
  struct ehlo_digest_lane details;  // of events: what is not known where a server's line was hidden
};

void ehlo_digest_init(struct ehlo_digest *d);

// Bytes that one side sent, or the place of a secret, at a time since the session's begin. How bytes
// are cut into calls makes no difference.
void ehlo_digest_bytes(struct ehlo_digest *d, enum ehlo_side side, uint64_t time_us,
                       const uint8_t *bytes, size_t len);
void ehlo_digest_secret(struct ehlo_digest *d, enum ehlo_side side, uint64_t time_us);

// A fact's text, not escaped. Settings ("submit …") count without their time; notes and the header do
// not count.
void ehlo_digest_fact(struct ehlo_digest *d, uint64_t time_us, const uint8_t *text, size_t len);

// An item of a transcript: of the dialogue, or a fact. Comments and listed events do not count.
void ehlo_digest_item(struct ehlo_digest *d, uint64_t time_us, const struct ehlo_item *item);

// An event of the engine that a transcript may list, with its words; and words alone, such as those
// of the outcome.
void ehlo_digest_event(struct ehlo_digest *d, const struct ehlo_event *event, const char *text);
void ehlo_digest_words(struct ehlo_digest *d, const char *text);

// The hash of all of it up to now.
uint64_t ehlo_digest_value(const struct ehlo_digest *d);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_DIGEST_H
