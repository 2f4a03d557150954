// A transport over a script, for tests: the server says a line once it has got what it waits for.
// How much it takes and gives at a time is the test's to choose.
#ifndef EHLO_REPLAY_TESTING_H
#define EHLO_REPLAY_TESTING_H

#include "replay/transport.h"

#define EHLO_SCRIPTED_BYTES_MAX ((size_t)262144)

// Once the client has sent exactly `client` since the turn before, the server says `server`.
struct ehlo_turn {
  const char *client;
  const char *server;
  uint64_t delay_ms;
};

struct ehlo_scripted {
  struct ehlo_transport base;
  const struct ehlo_turn *turns;
  size_t num_turns;
  size_t out_max;        // bytes taken in one call
  size_t in_max;         // bytes given in one call
  enum ehlo_status end;  // after the last turn; EHLO_OK: silence, so the deadline comes
  enum ehlo_status tls;  // what a handshake gives
  size_t out_limit;      // bytes taken in all; then no more
  // What happened.
  size_t turn;
  size_t server_pos;
  bool replying;
  size_t num_handshakes;
  size_t num_exchanges;
  size_t got_at_turn;  // `got_len` when the present turn began
  size_t got_len;
  uint64_t now_us;
  char got[EHLO_SCRIPTED_BYTES_MAX];
};

void ehlo_scripted_init(struct ehlo_scripted *s, const struct ehlo_turn *turns, size_t num_turns);

#endif  // EHLO_REPLAY_TESTING_H
