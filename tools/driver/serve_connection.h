// One connection of `ehlo serve`: a socket, TLS once it is asked for, and the session that is served
// over them. It never waits: whoever polls asks it what to wait for. What is said and when, the
// session decides.
#ifndef EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H
#define EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/served.h"
#include "tools/live/net.h"
#include "tools/live/tls.h"

#define SERVE_BUFFER_MAX ((size_t)16384)

enum serve_state {
  SERVE_OPEN,
  SERVE_DRAINING,   // the last words are out: what the client still says is dropped until it closes
  SERVE_RESETTING,  // ... and the RST follows once they have arrived
  SERVE_DONE,
};

struct serve_connection {
  int fd;
  enum serve_state state;
  SSL_CTX *context;
  char peer[LIVE_ADDRESS_MAX];
  uint64_t start_us;
  uint64_t active_us;  // when something last moved
  uint64_t end_us;     // DRAINING, RESETTING: not for longer
  bool peer_ended;
  bool broken;  // nothing can be written any more
  bool tls_on;
  bool in_handshake;
  bool holds_step;  // `step` waits for its time, or for room
  uint64_t due_us;
  size_t step_at;
  struct ehlo_served_step step;
  size_t out_at;
  size_t out_len;
  size_t out_told;  // of these, to the tap
  size_t in_at;
  size_t in_len;
  uint8_t out[SERVE_BUFFER_MAX];  // plaintext that goes in one write
  uint8_t in[SERVE_BUFFER_MAX];   // plaintext that came
  struct live_tls tls;
  struct ehlo_served served;
  // Told of the plaintext of both sides and of what became of the connection; may be NULL.
  struct serve_tap *tap;
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

// To be called when it polled readable. serve_connection_advance() is to follow.
void serve_connection_read(struct serve_connection *c);

// Nothing moved for too long, or the program is to end.
void serve_connection_stop(struct serve_connection *c, const char *reply);

// Closes what is open.
void serve_connection_free(struct serve_connection *c);

#endif  // EHLO_TOOLS_DRIVER_SERVE_CONNECTION_H
