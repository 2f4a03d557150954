// The one seam between the engine and whatever carries its bytes: a socket under TLS, a transcript,
// a recorder around either. A transport moves bytes and knows the time; it never looks at SMTP.
#ifndef EHLO_REPLAY_TRANSPORT_H
#define EHLO_REPLAY_TRANSPORT_H

#include "engine/ehlo.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ehlo_transport;

struct ehlo_transport_ops {
  // Offers `out` (empty when there is nothing to send) and takes input, and returns as soon as some
  // of either moved. `*out_taken` of the offered bytes were taken, `*in_len` bytes came. With
  // EHLO_OUTPUT_MORE the bytes may be held back until a call without it. Waits until
  // `deadline_ms` at the most (EHLO_NEVER: without end).
  // Returns EHLO_OK; EHLO_E_TIMEOUT: the deadline came and nothing moved; EHLO_E_CLOSED,
  // EHLO_E_RESET, EHLO_E_TLS: the connection is over and nothing moved in this call.
  enum ehlo_status (*exchange)(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                               const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                               uint64_t deadline_ms);
  // Turns TLS on, client side, certificate verified. EHLO_OK, EHLO_E_TLS, EHLO_E_TIMEOUT,
  // EHLO_E_CLOSED or EHLO_E_RESET; EHLO_E_STARTTLS_INJECTION: plaintext is there although the server
  // has nothing to say before the handshake, to be had with exchange().
  enum ehlo_status (*start_tls)(struct ehlo_transport *t, uint64_t deadline_ms);
  // What is known of TLS, for people and the record, NUL-terminated: after success the version,
  // cipher, group and certificate ("TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok
  // sha256=…"), after a failure its reason.
  void (*describe_tls)(struct ehlo_transport *t, char *out, size_t cap);
  // Ends the connection. Later calls are not allowed.
  void (*close)(struct ehlo_transport *t);
  // Microseconds since the transport was made; never goes back.
  uint64_t (*now_us)(struct ehlo_transport *t);
};

// To be the first member of a transport's own struct.
struct ehlo_transport {
  const struct ehlo_transport_ops *ops;
};

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_TRANSPORT_H
