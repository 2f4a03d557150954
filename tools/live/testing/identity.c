// Certificates for tests. A failure in here ends the test program.
#include "tools/live/testing/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#define MAX_NAMES 16

static void must(bool ok, const char *what) {
  if (!ok) {
    (void)fprintf(stderr, "test identity: cannot %s\n", what);
    abort();
  }
}

// Cuts `names` at its blanks.
static size_t split(char *names, const char *out[MAX_NAMES]) {
  size_t n = 0;
  while (*names != '\0') {
    must(n < MAX_NAMES, "hold so many names");
    out[n++] = names;
    names += strcspn(names, " ");
    if (*names == ' ') {
      *names++ = '\0';
    }
  }
  return n;
}

void live_test_identity_make(struct live_test_identity *out, const char *names, int64_t days) {
  char copy[512];
  const char *list[MAX_NAMES];
  int64_t now = (int64_t)time(NULL);
  must(strlen(names) < sizeof copy, "hold such names");
  memcpy(copy, names, strlen(names) + 1);
  struct live_certificate_request authority = {
      .common_name = "Test CA",
      .not_before = now - 30 * LIVE_TEST_DAY,
      .not_after = now + 30 * LIVE_TEST_DAY,
      .is_authority = true,
  };
  struct live_certificate_request server = {
      .common_name = "common.example",
      .names = list,
      .num_names = split(copy, list),
      .not_before = now - LIVE_TEST_DAY,
      .not_after = now - LIVE_TEST_DAY + days * LIVE_TEST_DAY,
  };
  must(live_certificate_make(&out->authority, &authority, NULL), "make a CA");
  must(live_certificate_make(&out->server, &server, &out->authority), "make a certificate");
}

void live_test_identity_free(struct live_test_identity *identity) {
  live_certificate_free(&identity->authority);
  live_certificate_free(&identity->server);
}

void live_test_write_pem(const char *path, X509 *x) {
  FILE *f = fopen(path, "w");
  must(f != NULL, "open a file");
  must(PEM_write_X509(f, x) == 1, "write PEM");
  must(fclose(f) == 0, "close a file");
}
