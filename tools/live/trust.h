// Whom to trust, and why not: the roots of trust and the judgement on a server's certificate. Two
// questions are kept apart, since people need different help with each: does the chain lead to a
// root, and is the certificate for the name that was asked for.
#ifndef EHLO_TOOLS_LIVE_TRUST_H
#define EHLO_TOOLS_LIVE_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/base.h>

#define LIVE_REASON_MAX 512  // chars of a reason in words, NUL included

// Where trust begins. All NULL: the system's store, which SSL_CERT_FILE and SSL_CERT_DIR replace.
struct live_roots {
  const char *file;  // PEM certificates, in place of the system's
  X509 *root;        // this one alone
};

struct live_verdict {
  bool chain_ok;
  bool name_ok;
  char reason[LIVE_REASON_MAX];  // empty if both hold
};

// Makes `store` trust `roots`. On failure false, and the reason in `error`.
bool live_trust_load(X509_STORE *store, char *error, size_t error_cap,
                     const struct live_roots *roots);

// Whether `name` is an IP address literal, and not a host name.
bool live_trust_is_address(const char *name);

// Judges the chain that `chain` was set up for. `name` is the host name or IP address literal that
// the leaf must carry in its subjectAltName; the common name never counts (RFC 9525 §2).
void live_trust_judge(struct live_verdict *out, X509_STORE_CTX *chain, const char *name);

#endif  // EHLO_TOOLS_LIVE_TRUST_H
