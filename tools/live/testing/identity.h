// A certificate authority and a server's certificate for tests, made anew each time.
#ifndef EHLO_TOOLS_LIVE_TESTING_IDENTITY_H
#define EHLO_TOOLS_LIVE_TESTING_IDENTITY_H

#include "tools/live/certificate.h"

#define LIVE_TEST_DAY ((int64_t)86400)

struct live_test_identity {
  struct live_certificate authority;  // "CN=Test CA"
  struct live_certificate server;     // "CN=common.example"
};

// `names` is a list with blanks between, for the server's subjectAltName. The server's certificate
// is good from a day ago for `days` days.
void live_test_identity_make(struct live_test_identity *out, const char *names, int64_t days);

void live_test_identity_free(struct live_test_identity *identity);

// Writes `x` as PEM to `path`, replacing it.
void live_test_write_pem(const char *path, X509 *x);

#endif  // EHLO_TOOLS_LIVE_TESTING_IDENTITY_H
