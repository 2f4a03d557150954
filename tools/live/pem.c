// Reading and writing PEM. A key is never written.
#include "tools/live/pem.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "tools/live/certificate.h"
#include "tools/live/text.h"
#include "tools/live/tls.h"

static void say(char *error, size_t cap, const char *path, const char *what) {
  struct live_text t;
  live_text_init(&t, error, cap);
  live_text_format(&t, "%s: %s", path, what);
}

static BIO *open_file(const char *path, char *error, size_t cap) {
  errno = 0;
  BIO *file = BIO_new_file(path, "r");
  if (file == NULL) {
    say(error, cap, path, errno != 0 ? strerror(errno) : "cannot be read");
    ERR_clear_error();
  }
  return file;
}

// A key that is encrypted is not asked for: there may be nobody to answer.
static int no_password(char *buf, int size, int writing, void *arg) {
  (void)buf;
  (void)size;
  (void)writing;
  (void)arg;
  return -1;
}

static EVP_PKEY *read_key(const char *path, char *error, size_t cap) {
  BIO *file = open_file(path, error, cap);
  if (file == NULL) {
    return NULL;
  }
  EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, no_password, NULL);
  BIO_free(file);
  if (key == NULL) {
    say(error, cap, path, "there is no private key in it that can be read without a password");
    ERR_clear_error();
  }
  return key;
}

// The certificates behind the first.
static bool add_chain(SSL_CTX *context, BIO *file) {
  X509 *x;
  bool ok = true;
  while (ok && (x = PEM_read_bio_X509(file, NULL, no_password, NULL)) != NULL) {
    ok = SSL_CTX_add1_chain_cert(context, x) == 1;
    X509_free(x);
  }
  ERR_clear_error();  // of the end of the file
  return ok;
}

SSL_CTX *live_pem_server_context(char *error, size_t error_cap, const char *cert_file,
                                 const char *key_file) {
  struct live_certificate own = {NULL, read_key(key_file, error, error_cap)};
  SSL_CTX *context = NULL;
  BIO *file = own.key != NULL ? open_file(cert_file, error, error_cap) : NULL;
  if (file != NULL) {
    own.x509 = PEM_read_bio_X509(file, NULL, no_password, NULL);
    if (own.x509 == NULL) {
      say(error, error_cap, cert_file, "there is no certificate in it");
      ERR_clear_error();
    } else {
      say(error, error_cap, key_file, "it is not the key of the certificate");
      context = live_tls_server_context(&own, NULL);
    }
  }
  if (context != NULL && !add_chain(context, file)) {
    SSL_CTX_free(context);
    context = NULL;
  }
  BIO_free(file);
  live_certificate_free(&own);
  return context;
}

bool live_pem_write(const char *path, X509 *x) {
  errno = 0;
  BIO *file = BIO_new_file(path, "w");
  bool ok = file != NULL && PEM_write_bio_X509(file, x) == 1 && BIO_flush(file) == 1;
  BIO_free(file);
  ERR_clear_error();
  return ok;
}
