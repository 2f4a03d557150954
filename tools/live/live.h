// The live transport: a socket, and TLS over it once that is asked for. It moves bytes, counts them
// and knows the time; it never looks at SMTP. Not to be moved once it is connected.
#ifndef EHLO_TOOLS_LIVE_LIVE_H
#define EHLO_TOOLS_LIVE_LIVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/base.h>

#include "replay/transport.h"
#include "tools/live/net.h"
#include "tools/live/route.h"
#include "tools/live/tls.h"

#define LIVE_OUT_MAX 32768  // plaintext held back at the most; as much again may wait, encrypted
#define LIVE_IN_MAX 16384   // ciphertext read at once

// Where to connect, and what start_tls does there.
struct live_config {
  const char *host;
  uint16_t port;
  const char *unix_path;  // in place of host and port
  struct live_net_bounds bounds;
  const struct live_net_route *route;  // NULL: the shortest
  SSL_CTX *tls;                        // from live_tls_client_context(); NULL: start_tls fails
  const char *tls_name;                // what the certificate must carry
  bool insecure;
  const volatile sig_atomic_t *interrupted;  // not 0: waits end with EHLO_E_STATE. NULL: never
};

// What the session cost. A flight is everything written between two times of receiving something.
struct live_counters {
  uint64_t flights;
  uint64_t writes;  // calls of send(2)
  uint64_t bytes_in;
  uint64_t bytes_out;
};

// Private from here to the end of the struct: complete only so that callers can allocate it.
struct live {
  struct ehlo_transport transport;  // first: pass &live->transport where one is wanted
  int fd;
  uint64_t start_us;
  SSL_CTX *tls_context;
  const char *tls_name;
  bool insecure;
  bool is_server;
  const volatile sig_atomic_t *interrupted;
  bool tls_on;
  bool received;         // since the last write
  bool broken;           // nothing can be written any more
  enum ehlo_status end;  // of the connection under TLS
  size_t out_start;
  size_t out_end;
  struct live_counters counters;
  struct live_net_connection connection;
  struct live_tls tls;
  char reason[LIVE_REASON_MAX];
  uint8_t out[LIVE_OUT_MAX];
  uint8_t in[LIVE_IN_MAX];
};

// Connects. The clock of now_us starts here. What `cfg` points to must outlive the connection. On
// failure live_reason() says why, and nothing is to be closed.
enum live_net_result live_connect(struct live *l, const struct live_config *cfg);

// Takes over `fd`, which must be non-blocking, as the server's end; start_tls shows the certificate
// of `tls`, from live_tls_server_context(), or fails if it is NULL. A call of exchange that took
// output reads nothing, so start_tls may follow the 220 at once.
void live_adopt(struct live *l, int fd, SSL_CTX *tls);

// Why connecting, TLS or the connection failed, as a sentence without a full stop; or empty.
const char *live_reason(const struct live *l);

// No signal ends an exchange any more: what is left to be said is said.
void live_be_deaf(struct live *l);

// The address that was reached.
const char *live_address(const struct live *l);

// The address that this end has, numeric; empty where it has none.
void live_local_address(const struct live *l, char out[LIVE_ADDRESS_MAX]);

// What is known of TLS, complete or not; NULL before start_tls. Like live_reason(), it stays good
// after close.
const struct live_tls_info *live_tls_information(const struct live *l);

// The channel binding of the TLS session; empty without one.
void live_get_binding(const struct live *l, struct live_tls_binding *out);

// The socket, to be waited for together with others; nobody else reads from it or writes to it.
int live_descriptor(const struct live *l);

struct live_counters live_counters(const struct live *l);

#endif  // EHLO_TOOLS_LIVE_LIVE_H
