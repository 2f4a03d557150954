// The mechanisms, each a function of the step it has reached.
#include "engine/auth.h"

#include <string.h>

static void add(struct ehlo_response *out, struct ehlo_span part) {
  out->parts[out->num_parts++] = part;
}

static bool is_nul_free(struct ehlo_span text) {
  return text.len == 0 || memchr(text.bytes, '\0', text.len) == NULL;
}

bool ehlo_auth_is_text(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < 0x20 || text.bytes[i] == 0x7f) {
      return false;
    }
  }
  return true;
}

// A step that no mechanism has: what was refused once stays so.
#define OVER 1000

bool ehlo_auth_refuse(struct ehlo_auth *auth, enum ehlo_auth_problem why) {
  auth->problem = why;
  auth->step = OVER;
  return false;
}

void ehlo_auth_put(struct ehlo_auth *auth, struct ehlo_span text) {
  auth->overflow |= text.len > sizeof(auth->scratch) - auth->scratch_len;
  if (!auth->overflow && text.len > 0) {
    memcpy(auth->scratch + auth->scratch_len, text.bytes, text.len);
    auth->scratch_len += text.len;
  }
}

void ehlo_auth_put_name(struct ehlo_auth *auth, struct ehlo_span name) {
  for (size_t i = 0; i < name.len; i++) {
    struct ehlo_span piece = {name.bytes + i, 1};
    if (name.bytes[i] == ',') {
      piece = (struct ehlo_span){(const uint8_t *)"=2C", 3};
    } else if (name.bytes[i] == '=') {
      piece = (struct ehlo_span){(const uint8_t *)"=3D", 3};
    }
    ehlo_auth_put(auth, piece);
  }
}

// RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
static bool plain_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                          struct ehlo_response *out) {
  static const uint8_t nul[1] = {0};
  const struct ehlo_credentials *cred = auth->credentials;
  (void)challenge;  // empty by the RFC; what servers put there means nothing
  memset(out, 0, sizeof(*out));
  if (auth->step++ > 0) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  if (!is_nul_free(cred->authzid) || !is_nul_free(cred->user) || !is_nul_free(cred->password)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);  // a NUL would part the message elsewhere
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
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  if (!is_nul_free(cred->user) || !is_nul_free(cred->password)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  out->secret = step == 1;
  add(out, step == 0 ? cred->user : cred->password);
  return true;
}

// RFC 4422 appendix A: extern-initial-resp = [ UTF8 without NUL ], nothing more. An empty one leaves
// it to the server who we are.
static bool external_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                             struct ehlo_response *out) {
  const struct ehlo_credentials *cred = auth->credentials;
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (auth->step++ > 0) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  struct ehlo_span name = cred->authzid.len > 0 ? cred->authzid : cred->user;
  if (!ehlo_auth_is_text(name)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  add(out, name);
  return true;
}

static void add_text(struct ehlo_response *out, const char *text) {
  add(out, (struct ehlo_span){(const uint8_t *)text, strlen(text)});
}

// A ^A in the name or the token would begin a key of its own.
static bool is_token_sendable(const struct ehlo_credentials *cred) {
  return ehlo_auth_is_text(cred->user) && ehlo_auth_is_text(cred->password);
}

// The answer to the refusal of a token, which is all that a second challenge can be.
static bool end_token(struct ehlo_auth *auth, unsigned step) {
  if (step > 1) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  return true;
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
    return end_token(auth, step);
  }
  if (!is_token_sendable(cred)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
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
// error is a kvsep alone. The user name is a saslname.
static bool oauthbearer_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                                struct ehlo_response *out) {
  const struct ehlo_credentials *cred = auth->credentials;
  unsigned step = auth->step++;
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (step > 0) {
    add_text(out, "\001");
    return end_token(auth, step);
  }
  auth->scratch_len = 0;
  ehlo_auth_put_name(auth, cred->user);
  if (!is_token_sendable(cred) || auth->overflow) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  out->secret = true;
  add_text(out, cred->user.len > 0 ? "n,a=" : "n,");
  add(out, (struct ehlo_span){auth->scratch, auth->scratch_len});
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

const struct ehlo_mechanism ehlo_mechanism_external = {
    .name = "EXTERNAL",
    .client_first = true,
    .may_go_first = true,
    .respond = external_respond,
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
