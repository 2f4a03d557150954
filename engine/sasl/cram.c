// CRAM-MD5 (RFC 2195) and the same with other hashes: the server's challenge, keyed with the
// password. The server proves nothing.
#include <openssl/mem.h>
#include <string.h>

#include "engine/sasl/parts.h"
#include "engine/sasl/sasl.h"

// RFC 2195 §2: response = name SP digest, the digest in lower case hexadecimal digits
static bool respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                    struct ehlo_response *out, const EVP_MD *md) {
  const struct ehlo_credentials *cred = auth->credentials;
  uint8_t digest[EVP_MAX_MD_SIZE];
  memset(out, 0, sizeof(*out));
  if (auth->step++ > 0 || challenge == NULL || challenge->len == 0) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  if (cred->user.len == 0 || !ehlo_auth_is_text(cred->user) || !ehlo_auth_is_text(cred->password)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  if (cred->on_trust) {
    memset(digest, 0, sizeof(digest));
  } else if (!ehlo_sasl_hmac(digest, md, cred->password, challenge, 1)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  ehlo_sasl_prove_hex(&auth->ours, digest, EVP_MD_size(md));
  OPENSSL_cleanse(digest, sizeof(digest));
  out->secret = true;
  out->parts[0] = cred->user;
  out->parts[1] = ehlo_sasl_text(" ");
  out->parts[2] = (struct ehlo_span){auth->ours.text, auth->ours.len};
  out->num_parts = 3;
  return true;
}

#define CRAM(variable, sasl_name, md)                                                       \
  static bool respond_##variable(struct ehlo_auth *auth, const struct ehlo_span *challenge, \
                                 struct ehlo_response *out) {                               \
    return respond(auth, challenge, out, md());                                             \
  }                                                                                         \
  const struct ehlo_mechanism ehlo_mechanism_cram_##variable = {                            \
      .name = sasl_name,                                                                    \
      .reads_challenge = true,                                                              \
      .ends_name = true,                                                                    \
      .respond = respond_##variable,                                                        \
  }

CRAM(md5, "CRAM-MD5", EVP_md5);
CRAM(sha1, "CRAM-SHA1", EVP_sha1);
CRAM(sha256, "CRAM-SHA256", EVP_sha256);
