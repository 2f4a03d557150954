// PLAIN and LOGIN.
#include "engine/auth.h"

#include <string.h>

static void add(struct ehlo_response *out, struct ehlo_span part) {
  out->parts[out->num_parts++] = part;
}

// RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
static bool plain_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                          struct ehlo_response *out) {
  static const uint8_t nul[1] = {0};
  const struct ehlo_credentials *cred = auth->credentials;
  (void)challenge;  // empty by the RFC; what servers put there means nothing
  memset(out, 0, sizeof(*out));
  if (auth->step++ > 0) {
    return false;
  }
  out->secret = true;
  add(out, cred->authzid);
  add(out, (struct ehlo_span){nul, 1});
  add(out, cred->user);
  add(out, (struct ehlo_span){nul, 1});
  add(out, cred->password);
  return true;
}

// LOGIN has no RFC. The name is asked for first and the password second, in whatever words: the
// order decides, never the text.
static bool login_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                          struct ehlo_response *out) {
  const struct ehlo_credentials *cred = auth->credentials;
  unsigned step = auth->step++;
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (step > 1) {
    return false;
  }
  out->secret = step == 1;
  add(out, step == 0 ? cred->user : cred->password);
  return true;
}

const struct ehlo_mechanism ehlo_mechanism_plain = {
    .name = "PLAIN",
    .client_first = true,
    .may_go_first = true,
    .respond = plain_respond,
};

const struct ehlo_mechanism ehlo_mechanism_login = {
    .name = "LOGIN",
    .may_go_first = true,
    .respond = login_respond,
};
