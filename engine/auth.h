// SASL mechanisms that need no cryptography (PLAIN, RFC 4616; LOGIN and XOAUTH2 as servers have them;
// OAUTHBEARER, RFC 7628), as pure functions from a challenge to a response. They never see base64 and
// never decide to fall back.
#ifndef EHLO_ENGINE_AUTH_H
#define EHLO_ENGINE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/reply.h"

struct ehlo_credentials {
  struct ehlo_span authzid;  // may be empty
  struct ehlo_span user;
  struct ehlo_span password;  // the access token of XOAUTH2 and OAUTHBEARER
};

#define EHLO_RESPONSE_PARTS 6

// A response in parts, so that no copy of the secret is made: they are sent joined.
struct ehlo_response {
  struct ehlo_span parts[EHLO_RESPONSE_PARTS];
  size_t num_parts;
  bool secret;
};

// The state of one exchange.
struct ehlo_auth {
  const struct ehlo_credentials *credentials;
  unsigned step;  // responses given so far
};

// One mechanism. `respond` answers the next challenge, or gives the initial response when
// `challenge` is NULL; false: it has no answer, and the exchange is to be cancelled.
struct ehlo_mechanism {
  const char *name;
  bool client_first;         // its specification has an initial response
  bool may_go_first;         // servers take one all the same
  bool reads_challenge;      // a challenge that is not base64 cannot be answered
  bool (*respond)(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                  struct ehlo_response *out);
};

extern const struct ehlo_mechanism ehlo_mechanism_plain;
extern const struct ehlo_mechanism ehlo_mechanism_login;
// A token that is refused comes back as a 334 with JSON in the challenge; both answer it as they must,
// so that the server's final 535 follows.
extern const struct ehlo_mechanism ehlo_mechanism_xoauth2;
extern const struct ehlo_mechanism ehlo_mechanism_oauthbearer;

#endif  // EHLO_ENGINE_AUTH_H
