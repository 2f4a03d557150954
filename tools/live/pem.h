// Certificates and keys of the user's, as PEM files.
#ifndef EHLO_TOOLS_LIVE_PEM_H
#define EHLO_TOOLS_LIVE_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/base.h>

// A server's context that shows the first certificate of `cert_file`, with any others in it as its
// chain, and has the key in `key_file`. NULL, and a sentence in `error`.
SSL_CTX *live_pem_server_context(char *error, size_t error_cap, const char *cert_file,
                                 const char *key_file);

// Writes a certificate for others to trust; an existing file is replaced. False with errno set.
bool live_pem_write(const char *path, X509 *x);

#endif  // EHLO_TOOLS_LIVE_PEM_H
