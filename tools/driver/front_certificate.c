// Getting a certificate to show. A key that is made here is never written anywhere.
#include "tools/driver/front_certificate.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "tools/driver/complaints.h"
#include "tools/live/certificate.h"
#include "tools/live/describe.h"
#include "tools/live/pem.h"
#include "tools/live/tls.h"

#define VALID_SECONDS ((int64_t)30 * 24 * 3600)

static void describe(struct front_certificate *f) {
  struct live_certificate_info info;
  live_describe_certificate(&info, SSL_CTX_get0_certificate(f->context));
  snprintf(f->sha256, sizeof(f->sha256), "%s", info.sha256);
}

static int use_files(struct front_certificate *f) {
  char error[LIVE_REASON_MAX];
  f->context = live_pem_server_context(error, sizeof(error), f->cert_file, f->key_file);
  if (f->context == NULL) {
    fprintf(complaints(), "ehlo: %s\n", error);
    return EX_NOINPUT;
  }
  describe(f);
  return 0;
}

static int write_authority(const struct front_certificate *f, X509 *authority) {
  if (f->ca_out == NULL || live_pem_write(f->ca_out, authority)) {
    return 0;
  }
  fprintf(complaints(), "ehlo: cannot write the certificate %s: %s\n", f->ca_out, strerror(errno));
  return EX_CANTCREAT;
}

static int out_of_memory(void) {
  fprintf(complaints(), "ehlo: out of memory\n");
  return EX_OSERR;
}

static int make(struct front_certificate *f) {
  int64_t now = (int64_t)time(NULL);
  struct live_certificate authority;
  struct live_certificate own;
  struct live_certificate_request request = {
      .common_name = "ehlo, an authority made for one run",
      .not_before = now - 3600,
      .not_after = now + VALID_SECONDS,
      .is_authority = true,
  };
  if (!live_certificate_make(&authority, &request, NULL)) {
    return out_of_memory();
  }
  request.common_name = f->names[0];
  request.names = f->names;
  request.num_names = f->num_names;
  request.is_authority = false;
  int status = EX_OSERR;
  if (live_certificate_make(&own, &request, &authority)) {
    f->context = live_tls_server_context(&own, &authority);
    live_certificate_free(&own);
  }
  status = f->context != NULL ? write_authority(f, authority.x509) : out_of_memory();
  live_certificate_free(&authority);
  if (f->context != NULL) {
    describe(f);
  }
  return status;
}

int front_certificate_get(struct front_certificate *f) {
  return f->cert_file != NULL ? use_files(f) : make(f);
}

void front_certificate_free(struct front_certificate *f) {
  SSL_CTX_free(f->context);
  f->context = NULL;
}
