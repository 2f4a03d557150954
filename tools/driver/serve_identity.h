// Who a listening ehlo is under TLS: a certificate of the user's, or one made at start by an
// authority that lives as long as the program.
#ifndef EHLO_TOOLS_DRIVER_SERVE_IDENTITY_H
#define EHLO_TOOLS_DRIVER_SERVE_IDENTITY_H

#include <openssl/base.h>

// What a server shows. Returns 0, or an exit status after printing what is wrong. The context is to
// be freed with SSL_CTX_free().

// From PEM files: the certificate with whatever chain follows it, and its key.
int serve_identity_load(SSL_CTX **out, const char *certificate_path, const char *key_path);

// Makes one for localhost, 127.0.0.1, ::1 and `name` (NULL or empty: nothing more). The authority's
// certificate is written to `ca_path`, if that is not NULL; its key is kept nowhere.
int serve_identity_make(SSL_CTX **out, const char *name, const char *ca_path);

#endif  // EHLO_TOOLS_DRIVER_SERVE_IDENTITY_H
