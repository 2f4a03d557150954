// What the server said it can do in its EHLO reply (RFC 5321 §4.1.1.1). Keywords are compared whole
// and without case; unknown ones are left to whoever reads the reply itself.
#ifndef EHLO_ENGINE_CAPABILITIES_H
#define EHLO_ENGINE_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/reply.h"

#define EHLO_AUTH_LIST_MAX 320

struct ehlo_capabilities {
  bool esmtp;  // EHLO was accepted; false after HELO
  bool starttls;
  bool pipelining;
  bool eight_bit_mime;
  bool smtputf8;
  bool chunking;
  bool binary_mime;
  bool dsn;
  bool enhanced_status_codes;
  bool size;          // SIZE was offered (RFC 1870)
  bool auth;          // AUTH was offered, with or without a mechanism
  bool auth_cut;      // more mechanisms were offered than `mechanisms` holds
  uint64_t max_size;  // octets; 0 means that no limit was told
  // SASL mechanism names in upper case, each with one blank before and after it.
  char mechanisms[EHLO_AUTH_LIST_MAX];
};

// Reads the lines of a 2yz reply to EHLO. Repeated keywords add up; leading blanks and the old form
// "AUTH=LOGIN" are understood.
void ehlo_capabilities_parse(struct ehlo_capabilities *out, const struct ehlo_reply *reply);

// Whether AUTH offered this mechanism, compared whole and without case.
bool ehlo_capabilities_has_mechanism(const struct ehlo_capabilities *caps, const char *mechanism);

#endif  // EHLO_ENGINE_CAPABILITIES_H
