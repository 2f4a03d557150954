// A certificate in words: what a report, a record or a refusal says about it. Everything in here is
// printable ASCII, since a certificate holds whatever its maker liked. It judges nothing.
#ifndef EHLO_TOOLS_LIVE_DESCRIBE_H
#define EHLO_TOOLS_LIVE_DESCRIBE_H

#include <stddef.h>

#include <openssl/base.h>

#include "tools/live/text.h"

#define LIVE_TIME_MAX 32  // chars of "2024-01-31T12:00:00Z", with room for absurd years

struct live_certificate_info {
  char subject[256];  // RFC 4514, "CN=mail.example,O=Example"
  char issuer[256];
  char not_before[LIVE_TIME_MAX];  // ISO 8601, UTC; "?" where the certificate holds no time
  char not_after[LIVE_TIME_MAX];
  char sha256[65];       // of the whole certificate, hexadecimal
  char spki_sha256[65];  // of its SubjectPublicKeyInfo
  char names[1024];      // host names and IP addresses of subjectAltName, joined with ", "
  size_t num_names;      // how many there are, also of those that `names` has no room for
};

void live_describe_certificate(struct live_certificate_info *out, X509 *x);

// Appends up to `max` host names and IP addresses of subjectAltName, joined with ", ", and returns
// how many the certificate has.
size_t live_describe_names(struct live_text *t, X509 *x, size_t max);

// Appends a distinguished name.
void live_describe_subject(struct live_text *t, X509_NAME *name);

// Writes a time as ISO 8601 in UTC.
void live_describe_time(char out[LIVE_TIME_MAX], const ASN1_TIME *when);

#endif  // EHLO_TOOLS_LIVE_DESCRIBE_H
