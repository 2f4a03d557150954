// TLS without sockets: ciphertext in and out of memory, plaintext in and out of memory, for either
// end of a connection. It decides when a certificate is refused, and keeps the reason; it does not
// know where the bytes travel, nor what they mean.
//
//     socket --live_tls_feed--> struct live_tls --live_tls_read--> program
//     socket <--live_tls_output--               <--live_tls_write-- program
#ifndef EHLO_TOOLS_LIVE_TLS_H
#define EHLO_TOOLS_LIVE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/base.h>

#include "engine/status.h"
#include "tools/live/certificate.h"
#include "tools/live/describe.h"
#include "tools/live/pins.h"
#include "tools/live/trust.h"

#define LIVE_TLS_CHAIN_MAX 8  // certificates kept for the report

// What a report says about a session. Strings are printable ASCII, empty where nothing is known.
struct live_tls_info {
  char version[16];  // "TLSv1.3"
  char cipher[64];   // "TLS_AES_256_GCM_SHA384"
  char group[32];    // "X25519"; "none" where keys are exchanged without one
  bool judged;       // the peer's certificate came and was looked at
  struct live_verdict verdict;
  size_t num_certificates;  // as the peer sent them, its own first
  struct live_certificate_info certificates[LIVE_TLS_CHAIN_MAX];
};

enum live_tls_state {
  LIVE_TLS_HANDSHAKE = 0,
  LIVE_TLS_OPEN,
  LIVE_TLS_CLOSED,  // the peer said close_notify
  LIVE_TLS_FAILED,
};

// Not to be moved between init and free.
struct live_tls {
  SSL *ssl;
  BIO *from_peer;  // owned by ssl, like to_peer
  BIO *to_peer;
  enum live_tls_state state;
  enum ehlo_status status;  // why it FAILED, or that it was CLOSED
  enum ehlo_status end;     // how the connection under it ended
  bool is_server;
  bool insecure;
  bool has_input;
  bool unpinned;  // the certificate has none of the pins
  char name[256];
  struct live_tls_info info;
  char failure[LIVE_REASON_MAX];
};

// A context holds what sessions share; it may be freed (SSL_CTX_free) while sessions still use it.
// NULL, and the reason in `error`, if the roots cannot be loaded.
SSL_CTX *live_tls_client_context(char *error, size_t error_cap, const struct live_roots *roots);

// From here on a certificate has to have one of the pins besides being trusted; with `insecure` the
// pins alone decide. They are the caller's, and outlive the context.
void live_tls_pin(SSL_CTX *context, const struct live_pins *pins);

// A server that shows `own`, signed by `authority` (NULL: nobody worth sending). NULL if out of
// memory, or if the key is not that of the certificate.
SSL_CTX *live_tls_server_context(const struct live_certificate *own,
                                 const struct live_certificate *authority);

// A client's end. `name` is the host name or IP address literal to find in the certificate. With
// `insecure` an untrusted certificate is judged all the same, and the session goes on. False: out
// of memory.
bool live_tls_init_client(struct live_tls *tls, SSL_CTX *context, const char *name, bool insecure);

bool live_tls_init_server(struct live_tls *tls, SSL_CTX *context);

void live_tls_free(struct live_tls *tls);

// Takes ciphertext that came from the peer.
void live_tls_feed(struct live_tls *tls, const uint8_t *in, size_t len);

// No more will come: EHLO_E_CLOSED, EHLO_E_RESET, or EHLO_E_TIMEOUT of the handshake. What was fed
// before can still be read.
void live_tls_feed_end(struct live_tls *tls, enum ehlo_status why);

// Gives the ciphertext for the peer that is not yet acknowledged; false if there is none. It stays
// valid until the next call that takes a non-const live_tls.
bool live_tls_output(const struct live_tls *tls, const uint8_t **out, size_t *out_len);
void live_tls_output_ack(struct live_tls *tls, size_t len);

// Goes on with the handshake as far as the input allows: EHLO_OK while nothing is wrong, see
// live_tls_is_open(). A failure stays; it may leave an alert in the output.
enum ehlo_status live_tls_handshake(struct live_tls *tls);

bool live_tls_is_open(const struct live_tls *tls);

// What binds an authentication to this very session: a man in the middle has two sessions, and
// other bytes in each. One of the two, by the version; the other is empty.
struct live_tls_binding {
  size_t exporter_len;
  size_t unique_len;
  uint8_t exporter[32];  // TLS 1.3: tls-exporter (RFC 9266)
  uint8_t unique[64];    // TLS 1.2: tls-unique (RFC 5929 §3), which is what servers know there
};

// Both are empty before the session is open.
void live_tls_get_binding(const struct live_tls *tls, struct live_tls_binding *out);

// Reads plaintext. EHLO_OK with `*out_len` 0: more ciphertext is needed. EHLO_E_CLOSED: the peer
// said so. EHLO_E_TLS: a broken stream, or one that ended without close_notify. EHLO_E_RESET.
enum ehlo_status live_tls_read(struct live_tls *tls, size_t *out_len, uint8_t *out, size_t cap);

// Encrypts all of `in`, in as few records as hold it.
enum ehlo_status live_tls_write(struct live_tls *tls, const uint8_t *in, size_t len);

// Puts a close_notify into the output.
void live_tls_close(struct live_tls *tls);

// Why the session failed, as a sentence without a full stop; empty if it did not.
const char *live_tls_failure(const struct live_tls *tls);

// Chars that hold every description: the fields of a certificate, the reason and the words between.
#define LIVE_TLS_DESCRIPTION_MAX 4096

// One line, the DETAILS of a "tls" fact in replay/FORMAT.md: the failure, or else version, cipher,
// group, verdict, fingerprint and what the certificate says of itself. Empty before the handshake
// is over.
void live_tls_describe(const struct live_tls *tls, char *out, size_t cap);

#endif  // EHLO_TOOLS_LIVE_TLS_H
