// Who the TLS target's server says it is, and whom its client trusts: one key and certificates that
// are fixed, and a fixed time of day, so that an input does the same in every process.
#ifndef EHLO_FUZZ_TLS_IDENTITY_H
#define EHLO_FUZZ_TLS_IDENTITY_H

#include <openssl/base.h>

#define EHLO_FUZZ_TLS_NAME "mail.example"  // whom the client wants

enum ehlo_fuzz_tls_identity {
  EHLO_FUZZ_TLS_GOOD = 0,
  EHLO_FUZZ_TLS_OTHER_NAME,
  EHLO_FUZZ_TLS_UNTRUSTED,
  EHLO_FUZZ_TLS_EXPIRED,
  EHLO_FUZZ_TLS_EARLY,
  EHLO_FUZZ_TLS_NUM_IDENTITIES
};

// Made once in a process, and owned by it.
SSL_CTX *ehlo_fuzz_tls_client(void);
SSL_CTX *ehlo_fuzz_tls_server(enum ehlo_fuzz_tls_identity identity);

#endif  // EHLO_FUZZ_TLS_IDENTITY_H
