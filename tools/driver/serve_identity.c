// See serve_identity.h.
#include "tools/driver/serve_identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "tools/live/certificate.h"
#include "tools/live/tls.h"

#define LIFE_SECONDS (30 * 86400)

// ---- The user's --------------------------------------------------------------------------------

static FILE *open_pem(const char *path, int *out_status) {
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    fprintf(stderr, "ehlo serve: cannot read %s: %s\n", path, strerror(errno));
    *out_status = EX_NOINPUT;
  }
  return file;
}

static int complain(const char *path, const char *what) {
  fprintf(stderr, "ehlo serve: %s holds no %s in PEM\n", path, what);
  return EX_DATAERR;
}

static int load_key(EVP_PKEY **out, const char *path) {
  int status = 0;
  FILE *file = open_pem(path, &status);
  if (file == NULL) {
    return status;
  }
  // Without a callback a passphrase would be asked for on the terminal.
  *out = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
  fclose(file);
  return *out != NULL ? 0 : complain(path, "private key without a passphrase");
}

// What stands behind the certificate is its chain.
static void add_chain(SSL_CTX *context, FILE *file) {
  X509 *next;
  while ((next = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
    (void)SSL_CTX_add1_chain_cert(context, next);
    X509_free(next);
  }
  ERR_clear_error();
}

int serve_identity_load(SSL_CTX **out, const char *certificate_path, const char *key_path) {
  struct live_certificate own = {NULL, NULL};
  int status = load_key(&own.key, key_path);
  FILE *file = status == 0 ? open_pem(certificate_path, &status) : NULL;
  if (file == NULL) {
    EVP_PKEY_free(own.key);
    return status;
  }
  own.x509 = PEM_read_X509(file, NULL, NULL, NULL);
  if (own.x509 == NULL) {
    status = complain(certificate_path, "certificate");
  } else if ((*out = live_tls_server_context(&own, NULL)) == NULL) {
    fprintf(stderr, "ehlo serve: the key in %s is not that of the certificate in %s\n", key_path,
            certificate_path);
    status = EX_DATAERR;
  } else {
    add_chain(*out, file);
  }
  fclose(file);
  live_certificate_free(&own);
  ERR_clear_error();
  return status;
}

// ---- Made at start -----------------------------------------------------------------------------

static int write_authority(const char *path, const struct live_certificate *authority) {
  FILE *file = fopen(path, "we");
  bool good = file != NULL && PEM_write_X509(file, authority->x509) == 1;
  int why = errno;
  if (file != NULL && fclose(file) != 0) {
    why = errno;
    good = false;
  }
  if (!good) {
    fprintf(stderr, "ehlo serve: cannot write %s: %s\n", path, strerror(why));
  }
  return good ? 0 : EX_CANTCREAT;
}

static bool make(struct live_certificate *authority, struct live_certificate *own,
                 const char *name) {
  const char *const names[] = {"localhost", "127.0.0.1", "::1", name};
  int64_t now = (int64_t)time(NULL);
  struct live_certificate_request of_authority = {
      .common_name = "ehlo serve authority",
      .not_before = now - 3600,
      .not_after = now + LIFE_SECONDS,
      .is_authority = true,
  };
  struct live_certificate_request of_server = {
      .common_name = "ehlo serve",
      .names = names,
      .num_names = name != NULL && name[0] != '\0' ? 4 : 3,
      .not_before = now - 3600,
      .not_after = now + LIFE_SECONDS,
  };
  if (!live_certificate_make(authority, &of_authority, NULL)) {
    return false;
  }
  if (!live_certificate_make(own, &of_server, authority)) {
    live_certificate_free(authority);
    return false;
  }
  return true;
}

int serve_identity_make(SSL_CTX **out, const char *name, const char *ca_path) {
  struct live_certificate authority;
  struct live_certificate own;
  if (!make(&authority, &own, name)) {
    fprintf(stderr, "ehlo serve: cannot make a certificate\n");
    return EX_OSERR;
  }
  int status = ca_path != NULL ? write_authority(ca_path, &authority) : 0;
  if (status == 0 && (*out = live_tls_server_context(&own, &authority)) == NULL) {
    fprintf(stderr, "ehlo serve: cannot make a certificate\n");
    status = EX_OSERR;
  }
  live_certificate_free(&authority);
  live_certificate_free(&own);
  return status;
}
