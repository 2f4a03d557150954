// The certificate that a server of ours shows: the user's, or one made for this run, with an
// authority that clients can be told to trust.
#ifndef EHLO_TOOLS_DRIVER_FRONT_CERTIFICATE_H
#define EHLO_TOOLS_DRIVER_FRONT_CERTIFICATE_H

#include <openssl/base.h>
#include <stddef.h>

struct front_certificate {
  // Given: files of the user's, both or neither; where to write the authority, or NULL; the names
  // for a certificate that is made.
  const char *cert_file;
  const char *key_file;
  const char *ca_out;
  const char *const *names;
  size_t num_names;
  // Made.
  SSL_CTX *context;
  char sha256[65];
};

// Fills in what is made. Returns 0 or an exit status, after printing what is wrong.
int front_certificate_get(struct front_certificate *f);

void front_certificate_free(struct front_certificate *f);

#endif  // EHLO_TOOLS_DRIVER_FRONT_CERTIFICATE_H
