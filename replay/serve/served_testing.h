// A transcript's two sides as bytes, and a served session run to its end over bytes, for tests.
#ifndef EHLO_REPLAY_SERVED_TESTING_H
#define EHLO_REPLAY_SERVED_TESTING_H

#include "replay/serve/served.h"

// Bytes that grow; all zero is empty.
struct ehlo_sides_bytes {
  uint8_t *bytes;
  size_t len;
  size_t cap;
};

// Whether it begins with these bytes.
bool ehlo_sides_begin(const struct ehlo_sides_bytes *b, const void *bytes, size_t len);

struct ehlo_sides {
  struct ehlo_sides_bytes client;  // \{secret} as "c2VjcmV0"
  struct ehlo_sides_bytes server;  // \{secret} as "(hidden)"
};

// Reads a transcript in memory; false if it is none. To be freed either way.
bool ehlo_sides_read(struct ehlo_sides *out, const uint8_t *text, size_t len);
void ehlo_sides_free(struct ehlo_sides *sides);

bool ehlo_script_read_text(struct ehlo_script *out, struct ehlo_transcript_error *out_error,
                           const uint8_t *text, size_t len);

// What a session came to. `said` has all that the server said; `log` has each step in a form of its
// own, so that equal logs mean equal steps.
struct ehlo_served_run {
  struct ehlo_sides_bytes said;
  struct ehlo_sides_bytes log;
  size_t num_handshakes;
  uint64_t delay_us;
  bool ended;
  enum ehlo_ending ending;
  size_t num_steps;
};

// Takes all steps that there are; a handshake succeeds.
void ehlo_served_run_steps(struct ehlo_served_run *run, struct ehlo_served *s);

// Gives the client's bytes, `piece` at a time, and takes the steps that follow. Not the end.
void ehlo_served_run_input(struct ehlo_served_run *run, struct ehlo_served *s, const uint8_t *bytes,
                           size_t len, size_t piece);
void ehlo_served_run_free(struct ehlo_served_run *run);

#endif  // EHLO_REPLAY_SERVED_TESTING_H
