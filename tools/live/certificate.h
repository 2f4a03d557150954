// Making certificates: a P-256 key and an X.509 certificate for it, signed by itself or by another.
// For servers that live only as long as the program, such as a demonstration or a test; what is
// made here is never written anywhere.
#ifndef EHLO_TOOLS_LIVE_CERTIFICATE_H
#define EHLO_TOOLS_LIVE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/base.h>

struct live_certificate {
  X509 *x509;
  EVP_PKEY *key;
};

struct live_certificate_request {
  const char *common_name;
  const char *const *names;  // host names and IP address literals, for subjectAltName
  size_t num_names;
  int64_t not_before;  // seconds since 1970
  int64_t not_after;
  bool is_authority;  // may sign others
};

// Makes a certificate, signed by `issuer`, or by itself where that is NULL. False if BoringSSL ran
// out of memory or a name is no name. `out` is to be freed after success only.
bool live_certificate_make(struct live_certificate *out,
                           const struct live_certificate_request *request,
                           const struct live_certificate *issuer);

void live_certificate_free(struct live_certificate *c);

#endif  // EHLO_TOOLS_LIVE_CERTIFICATE_H
