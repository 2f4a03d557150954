// One connection of `ehlo serve`: a socket, TLS once it is asked for, and the session that is
// served over them. It never waits: whoever polls asks it what to wait for. What is said and
// when, the session decides.
#ifndef EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H
#define EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/serve/served.h"
#include "tools/live/channel.h"
#include "tools/live/net.h"

#define SERVE_BUFFER_MAX ((size_t)16384)

enum serve_state {
  SERVE_OPEN,
  SERVE_DRAINING,   // the last words are out: what the client still says is dropped until it closes
  SERVE_RESETTING,  // ... and the RST follows once they have arrived
  SERVE_DONE,
};

struct serve_connection {
  enum serve_state state;
  SSL_CTX *context;
  char peer[LIVE_ADDRESS_MAX];
  uint64_t start_us;
  uint64_t active_us;  // when something last moved
  uint64_t end_us;     // DRAINING, RESETTING: not for longer
  bool peer_ended;
  bool in_handshake;
  bool holds_step;  // `step` waits for its time, or for room
  uint64_t due_us;
  size_t step_at;
  struct ehlo_served_step step;
  uint64_t moved;  // of the channel, when it was last looked at
  size_t out_len;
  size_t in_at;
  size_t in_len;
  uint8_t out[SERVE_BUFFER_MAX];  // plaintext that goes in one write
  uint8_t in[SERVE_BUFFER_MAX];   // plaintext that came
  struct ehlo_served served;
  // Told of the plaintext of both sides and of what became of the connection; may be NULL.
  struct serve_tap *tap;
  struct live_channel channel;
};

// Takes over `fd`, non-blocking, as the `number`th connection. `c` is not to be moved.
void serve_connection_init(struct serve_connection *c, int fd, SSL_CTX *context,
                           const struct ehlo_script *script, struct ehlo_faults *faults,
                           enum ehlo_serve_tls tls, uint32_t speed_permille, size_t number);

// Does all that can be done without waiting.
void serve_connection_advance(struct serve_connection *c);

// The events to poll for, and until when at the longest: a clock time of live_net_clock_us().
short serve_connection_events(const struct serve_connection *c);
uint64_t serve_connection_deadline_us(const struct serve_connection *c, uint64_t idle_us);

// Whether something may be there to be read without the socket saying so.
bool serve_connection_may_read(const struct serve_connection *c);

// To be called when it polled readable, or when it may read. serve_connection_advance() is to follow.
void serve_connection_read(struct serve_connection *c);

// Nothing moved for too long, or the program is to end.
void serve_connection_stop(struct serve_connection *c, const char *reply);

// Closes what is open.
void serve_connection_free(struct serve_connection *c);

#endif  // EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H
