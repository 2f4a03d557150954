// The mechanisms, each a function of the step it has reached.
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

static void add_text(struct ehlo_response *out, const char *text) {
  add(out, (struct ehlo_span){(const uint8_t *)text, strlen(text)});
}

// "user=" user ^A "auth=Bearer " token ^A ^A; a second challenge says why not, and wants an empty
// answer before its 535.
static bool xoauth2_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                            struct ehlo_response *out) {
  const struct ehlo_credentials *cred = auth->credentials;
  unsigned step = auth->step++;
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (step > 0) {
    return step == 1;
  }
  out->secret = true;
  add_text(out, "user=");
  add(out, cred->user);
  add_text(out, "\001auth=Bearer ");
  add(out, cred->password);
  add_text(out, "\001\001");
  return true;
}

// RFC 7628 §3.1: client-resp = gs2-header kvsep *kvpair kvsep, kvsep = %x01; §3.2.3: the answer to an
// error is a kvsep alone. A user name with ',' or '=' would have to be encoded (RFC 5801 §4), so the
// name is only given where it needs no encoding.
static bool oauthbearer_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                                struct ehlo_response *out) {
  const struct ehlo_credentials *cred = auth->credentials;
  unsigned step = auth->step++;
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (step > 0) {
    add_text(out, "\001");
    return step == 1;
  }
  bool plain_name = cred->user.len > 0 && memchr(cred->user.bytes, ',', cred->user.len) == NULL &&
                    memchr(cred->user.bytes, '=', cred->user.len) == NULL;
  out->secret = true;
  add_text(out, plain_name ? "n,a=" : "n,");
  if (plain_name) {
    add(out, cred->user);
  }
  add_text(out, ",\001auth=Bearer ");
  add(out, cred->password);
  add_text(out, "\001\001");
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

const struct ehlo_mechanism ehlo_mechanism_xoauth2 = {
    .name = "XOAUTH2",
    .client_first = true,
    .may_go_first = true,
    .respond = xoauth2_respond,
};

const struct ehlo_mechanism ehlo_mechanism_oauthbearer = {
    .name = "OAUTHBEARER",
    .client_first = true,
    .may_go_first = true,
    .respond = oauthbearer_respond,
};
