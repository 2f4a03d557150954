// The other end of the TLS target's connection: a mail server on plain BoringSSL, none of it shared
// with the client but the library. It answers each command, and does on the way what the input says.
#ifndef EHLO_FUZZ_TLS_SERVER_H
#define EHLO_FUZZ_TLS_SERVER_H

#include <openssl/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/fuzz.h"
#include "fuzz/tls_identity.h"
#include "fuzz/tls_wire.h"

enum ehlo_fuzz_tls_versions {
  EHLO_FUZZ_TLS_ANY = 0,
  EHLO_FUZZ_TLS_ONLY_1_2,
  EHLO_FUZZ_TLS_ONLY_1_3,
  EHLO_FUZZ_TLS_TOO_OLD,
  EHLO_FUZZ_TLS_NUM_VERSIONS
};

// What happens in place of a reply, or before it.
enum ehlo_fuzz_tls_act_what {
  EHLO_FUZZ_TLS_KEY_UPDATE = 0,
  EHLO_FUZZ_TLS_ALERT,
  EHLO_FUZZ_TLS_CLOSE,    // with close_notify
  EHLO_FUZZ_TLS_HANG_UP,  // without
  EHLO_FUZZ_TLS_REFUSE,
  EHLO_FUZZ_TLS_NUM_ACTS
};

struct ehlo_fuzz_tls_act {
  enum ehlo_fuzz_tls_act_what what;
  size_t reply;
  uint8_t value;
};

#define EHLO_FUZZ_TLS_ACTS_MAX 8

struct ehlo_fuzz_tls_settings {
  enum ehlo_fuzz_tls_identity identity;
  enum ehlo_fuzz_tls_versions versions;
  bool implicit;
  bool without_tickets;
  bool bare_end;   // after the 221, without close_notify
  bool in_shreds;  // records of a few octets
  struct ehlo_fuzz_tls_act acts[EHLO_FUZZ_TLS_ACTS_MAX];
  size_t num_acts;
};

struct ehlo_fuzz_tls_server {
  const struct ehlo_fuzz_tls_settings *settings;
  struct ehlo_fuzz_wire *wire;  // to the client
  SSL *ssl;
  BIO *from_client;  // owned by ssl, like to_client
  BIO *to_client;
  bool tls;
  bool open;
  bool over;        // it says and takes nothing more
  bool said_close;  // with close_notify
  bool updated_keys;
  bool acted;  // against the usual course
  bool in_message;
  size_t num_replies;
  size_t lines_done;             // octets of `heard` that were answered
  struct ehlo_fuzz_bytes heard;  // in the clear at first, anew from the start of TLS on
  struct ehlo_fuzz_bytes said;   // under TLS
};

// All zero before. It greets at once, if TLS is not to come first.
void ehlo_fuzz_tls_server_begin(struct ehlo_fuzz_tls_server *s,
                                const struct ehlo_fuzz_tls_settings *settings,
                                struct ehlo_fuzz_wire *wire);
void ehlo_fuzz_tls_server_free(struct ehlo_fuzz_tls_server *s);
void ehlo_fuzz_tls_server_take(struct ehlo_fuzz_tls_server *s, const uint8_t *bytes, size_t len);

#endif  // EHLO_FUZZ_TLS_SERVER_H
