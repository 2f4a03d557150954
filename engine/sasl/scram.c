// SCRAM (RFC 5802 §5 to §7; RFC 7677), client side:
//
//   client-first  gs2-header "n=" name ",r=" our-nonce
//   server-first  ["m=" value ","] "r=" nonce ",s=" base64 ",i=" number *("," attr-val)
//   client-final  "c=" base64(gs2-header [channel-binding]) ",r=" nonce ",p=" base64(proof)
//   server-final  ("e=" value / "v=" base64(signature)) *("," attr-val)
//   gs2-header    ("n" / "y" / "p=" name) "," ["a=" name] ","
//
// What was sent is not kept: it is made again where it is hashed, since it depends on the
// credentials alone.
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/sasl/parts.h"
#include "engine/sasl/sasl.h"

// ---- Writing ------------------------------------------------------------------------------------

static void put_text(struct ehlo_auth *auth, const char *text) {
  ehlo_auth_put(auth, ehlo_sasl_text(text));
}

static struct ehlo_span channel_binding(const struct ehlo_credentials *cred) {
  return cred->tls_exporter.len > 0 ? cred->tls_exporter : cred->tls_unique;
}

// RFC 5802 §6: "y" says that we could bind the channel and believe that the server cannot. A server
// that did offer it knows then that somebody took that away.
static const char *binding_flag(const struct ehlo_auth *auth, bool plus) {
  const struct ehlo_credentials *cred = auth->credentials;
  if (plus) {
    return cred->tls_exporter.len > 0 ? "p=tls-exporter," : "p=tls-unique,";
  }
  return channel_binding(cred).len > 0 && !auth->server_binds ? "y," : "n,";
}

static void put_gs2_header(struct ehlo_auth *auth, bool plus) {
  struct ehlo_span authzid = auth->credentials->authzid;
  put_text(auth, binding_flag(auth, plus));
  put_text(auth, authzid.len > 0 ? "a=" : "");
  ehlo_auth_put_name(auth, authzid);
  put_text(auth, ",");
}

// client-first-message-bare
static void put_bare(struct ehlo_auth *auth) {
  put_text(auth, "n=");
  ehlo_auth_put_name(auth, auth->credentials->user);
  put_text(auth, ",r=");
  ehlo_sasl_put_nonce(auth);
}

static bool can_send(const struct ehlo_credentials *cred, bool plus) {
  return cred->user.len > 0 && ehlo_auth_is_text(cred->user) && ehlo_auth_is_text(cred->authzid) &&
         ehlo_auth_is_text(cred->password) && ehlo_sasl_is_nonce(cred->nonce) &&
         cred->nonce.len <= EHLO_NONCE_MAX && (!plus || channel_binding(cred).len > 0);
}

// The scratch is the response, if all of it is there.
static bool give_scratch(struct ehlo_response *out, struct ehlo_auth *auth, bool secret) {
  if (auth->overflow) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  out->parts[0] = (struct ehlo_span){auth->scratch, auth->scratch_len};
  out->num_parts = 1;
  out->secret = secret;
  return true;
}

static bool client_first(struct ehlo_auth *auth, struct ehlo_response *out, bool plus) {
  if (!can_send(auth->credentials, plus)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  put_gs2_header(auth, plus);
  put_bare(auth);
  return give_scratch(out, auth, false);
}

// ---- What the server says -----------------------------------------------------------------------

struct server_first {
  struct ehlo_span whole;
  struct ehlo_span nonce;
  size_t salt_len;
  unsigned iterations;
  uint8_t salt[EHLO_SCRAM_SALT_MAX + 3];
};

// attr-val = ALPHA "=" value, value = 1*value-char without NUL and ","
static bool is_attribute(struct ehlo_span attr) {
  uint8_t lower = attr.len > 0 ? attr.bytes[0] | 0x20 : 0;
  return attr.len > 2 && lower >= 'a' && lower <= 'z' && attr.bytes[1] == '=' &&
         memchr(attr.bytes, '\0', attr.len) == NULL;
}

// The next attribute, if it is the one with this letter.
static bool take_value(struct ehlo_span *out, struct ehlo_span *rest, uint8_t letter) {
  struct ehlo_span attr = ehlo_sasl_take(rest, ',');
  if (!is_attribute(attr) || attr.bytes[0] != letter) {
    return false;
  }
  *out = (struct ehlo_span){attr.bytes + 2, attr.len - 2};
  return true;
}

// Extensions may follow, and mean nothing here. `more` is false where the last comma had nothing
// behind it.
static bool skip_extensions(struct ehlo_auth *auth, struct ehlo_span rest, bool more) {
  while (more) {
    struct ehlo_span before = rest;
    struct ehlo_span attr = ehlo_sasl_take(&rest, ',');
    if (!is_attribute(attr) || memchr("rsi", attr.bytes[0], 3) != NULL) {
      return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
    }
    if (attr.bytes[0] == 'm') {
      return ehlo_auth_refuse(auth, EHLO_AUTH_EXTENSION);
    }
    more = attr.len < before.len;
  }
  return true;
}

// posit-number = %x31-39 *DIGIT
static bool read_iterations(struct ehlo_auth *auth, unsigned *out, struct ehlo_span text) {
  unsigned value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < (i == 0 ? '1' : '0') || text.bytes[i] > '9') {
      return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
    }
    if (value <= EHLO_SCRAM_ITERATIONS_MAX) {
      value = value * 10 + (unsigned)(text.bytes[i] - '0');
    }
  }
  if (value < EHLO_SCRAM_ITERATIONS_MIN || value > EHLO_SCRAM_ITERATIONS_MAX) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_ITERATIONS);
  }
  *out = value;
  return true;
}

// Ours, and something of the server's behind it.
static bool extends_our_nonce(struct ehlo_auth *auth, struct ehlo_span nonce) {
  size_t start = auth->scratch_len;
  ehlo_sasl_put_nonce(auth);
  size_t len = auth->scratch_len - start;
  bool extends = nonce.len > len && nonce.len <= EHLO_SERVER_NONCE_MAX &&
                 memcmp(nonce.bytes, auth->scratch + start, len) == 0 && ehlo_sasl_is_nonce(nonce);
  auth->scratch_len = start;
  return extends;
}

static bool read_server_first(struct ehlo_auth *auth, struct server_first *out,
                              struct ehlo_span text) {
  struct ehlo_span rest = text;
  struct ehlo_span salt;
  struct ehlo_span iterations;
  out->whole = text;
  if (text.len > 1 && text.bytes[0] == 'm' && text.bytes[1] == '=') {
    return ehlo_auth_refuse(auth, EHLO_AUTH_EXTENSION);
  }
  if (text.len > 1 && text.bytes[0] == 'e' && text.bytes[1] == '=') {
    return ehlo_auth_refuse(auth, EHLO_AUTH_SERVER);
  }
  if (!take_value(&out->nonce, &rest, 'r') || !take_value(&salt, &rest, 's') ||
      !take_value(&iterations, &rest, 'i')) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  bool more = iterations.bytes + iterations.len < text.bytes + text.len;
  if (!skip_extensions(auth, rest, more)) {
    return false;
  }
  if (!extends_our_nonce(auth, out->nonce)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_NONCE);
  }
  if (salt.len / 4 * 3 > sizeof(out->salt) ||
      !ehlo_base64_decode(out->salt, &out->salt_len, salt) || out->salt_len > EHLO_SCRAM_SALT_MAX) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  return read_iterations(auth, &out->iterations, iterations);
}

// ---- Proofs -------------------------------------------------------------------------------------

struct keys {
  uint8_t salted_password[EVP_MAX_MD_SIZE];
  uint8_t client_key[EVP_MAX_MD_SIZE];
  uint8_t stored_key[EVP_MAX_MD_SIZE];
  uint8_t client_signature[EVP_MAX_MD_SIZE];
  uint8_t server_key[EVP_MAX_MD_SIZE];
  uint8_t server_signature[EVP_MAX_MD_SIZE];
};

// RFC 5802 §3, in its order and by its names. `message` is the AuthMessage in parts.
static bool derive(struct keys *k, const EVP_MD *md, struct ehlo_span password,
                   const struct server_first *first, const struct ehlo_span *message,
                   size_t num_parts) {
  size_t len = EVP_MD_size(md);
  struct ehlo_span salted = {k->salted_password, len};
  struct ehlo_span client_key = {k->client_key, len};
  struct ehlo_span stored_key = {k->stored_key, len};
  struct ehlo_span server_key = {k->server_key, len};
  struct ehlo_span client_text = ehlo_sasl_text("Client Key");
  struct ehlo_span server_text = ehlo_sasl_text("Server Key");
  const char *bytes = password.len > 0 ? (const char *)password.bytes : "";
  return PKCS5_PBKDF2_HMAC(bytes, password.len, first->salt, first->salt_len, first->iterations, md,
                           len, k->salted_password) == 1 &&
         ehlo_sasl_hmac(k->client_key, md, salted, &client_text, 1) &&
         ehlo_sasl_hash(k->stored_key, md, &client_key, 1) &&
         ehlo_sasl_hmac(k->client_signature, md, stored_key, message, num_parts) &&
         ehlo_sasl_hmac(k->server_key, md, salted, &server_text, 1) &&
         ehlo_sasl_hmac(k->server_signature, md, server_key, message, num_parts);
}

// Computes both proofs. `without_proof` is the client-final-message so far, in the scratch.
static bool prove(struct ehlo_auth *auth, const EVP_MD *md, const struct server_first *first,
                  struct ehlo_span without_proof) {
  struct keys k;
  uint8_t proof[EVP_MAX_MD_SIZE];
  size_t len = EVP_MD_size(md);
  if (auth->credentials->on_trust) {
    ehlo_sasl_prove_on_trust(&auth->ours);
    return true;
  }
  size_t start = auth->scratch_len;
  put_bare(auth);
  struct ehlo_span comma = ehlo_sasl_text(",");
  struct ehlo_span message[] = {{auth->scratch + start, auth->scratch_len - start},
                                comma,
                                first->whole,
                                comma,
                                without_proof};
  bool done = derive(&k, md, auth->credentials->password, first, message, 5);
  auth->scratch_len = start;
  for (size_t i = 0; done && i < len; i++) {
    proof[i] = k.client_key[i] ^ k.client_signature[i];
  }
  if (done) {
    ehlo_sasl_prove_base64(&auth->ours, proof, len);
    ehlo_sasl_prove_base64(&auth->expected, k.server_signature, len);
  }
  OPENSSL_cleanse(&k, sizeof(k));
  OPENSSL_cleanse(proof, sizeof(proof));
  return done;
}

// "c=" base64(gs2-header and binding)
static void put_binding(struct ehlo_auth *auth, bool plus) {
  uint8_t encoded[EHLO_AUTH_SCRATCH_MAX];
  struct ehlo_span none = {NULL, 0};
  size_t start = auth->scratch_len;
  put_gs2_header(auth, plus);
  struct ehlo_span parts[] = {{auth->scratch + start, auth->scratch_len - start},
                              plus ? channel_binding(auth->credentials) : none};
  size_t len = ehlo_base64_encoded_len(parts[0].len + parts[1].len);
  auth->scratch_len = start;
  auth->overflow |= len > sizeof(encoded);
  if (!auth->overflow) {
    ehlo_base64_encode(encoded, parts, 2);
    put_text(auth, "c=");
    ehlo_auth_put(auth, (struct ehlo_span){encoded, len});
  }
}

static bool client_final(struct ehlo_auth *auth, struct ehlo_response *out, const EVP_MD *md,
                         bool plus, struct ehlo_span challenge) {
  struct server_first first;
  if (!read_server_first(auth, &first, challenge)) {
    return false;
  }
  put_binding(auth, plus);
  put_text(auth, ",r=");
  ehlo_auth_put(auth, first.nonce);
  struct ehlo_span without_proof = {auth->scratch, auth->scratch_len};
  if (!prove(auth, md, &first, without_proof)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  put_text(auth, ",p=");
  ehlo_auth_put(auth, (struct ehlo_span){auth->ours.text, auth->ours.len});
  return give_scratch(out, auth, true);
}

// As text: of octets there is one base64 alone (RFC 4648 §3.5). It is never empty, ours may be.
static bool is_expected(const struct ehlo_auth *auth, struct ehlo_span signature) {
  return signature.len == auth->expected.len &&
         CRYPTO_memcmp(signature.bytes, auth->expected.text, signature.len) == 0;
}

// The response to the server's proof is empty: RFC 4954 has no room for it in the 235.
static bool check_server(struct ehlo_auth *auth, struct ehlo_span challenge) {
  struct ehlo_span rest = challenge;
  struct ehlo_span signature;
  if (auth->credentials->on_trust && ehlo_sasl_is(challenge, EHLO_PROOF_ON_TRUST)) {
    auth->proved = true;
    return true;
  }
  if (challenge.len > 1 && challenge.bytes[0] == 'e' && challenge.bytes[1] == '=') {
    return ehlo_auth_refuse(auth, EHLO_AUTH_SERVER);
  }
  if (!take_value(&signature, &rest, 'v')) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  if (!skip_extensions(auth, rest, signature.len + 2 < challenge.len)) {
    return false;
  }
  auth->proved = is_expected(auth, signature);
  if (!auth->proved) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_PROOF);
  }
  return true;
}

static bool respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                    struct ehlo_response *out, const EVP_MD *md, bool plus) {
  memset(out, 0, sizeof(*out));
  auth->scratch_len = 0;
  switch (auth->step++) {
    case 0:  // without an initial response the server asks for it with an empty challenge
      return challenge == NULL || challenge->len == 0 ? client_first(auth, out, plus)
                                                      : ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
    case 1:
      return client_final(auth, out, md, plus, *challenge);
    case 2:
      return check_server(auth, *challenge);
    default:
      return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
}

// ---- The mechanisms -----------------------------------------------------------------------------

#define SCRAM(variable, sasl_name, md, plus)                                                \
  static bool respond_##variable(struct ehlo_auth *auth, const struct ehlo_span *challenge, \
                                 struct ehlo_response *out) {                               \
    return respond(auth, challenge, out, md(), plus);                                       \
  }                                                                                         \
  const struct ehlo_mechanism ehlo_mechanism_scram_##variable = {                           \
      .name = sasl_name,                                                                    \
      .client_first = true,                                                                 \
      .may_go_first = true,                                                                 \
      .reads_challenge = true,                                                              \
      .binds = plus,                                                                        \
      .mutual = true,                                                                       \
      .respond = respond_##variable,                                                        \
  }

SCRAM(sha_512_plus, "SCRAM-SHA-512-PLUS", EVP_sha512, true);
SCRAM(sha_256_plus, "SCRAM-SHA-256-PLUS", EVP_sha256, true);
SCRAM(sha_1_plus, "SCRAM-SHA-1-PLUS", EVP_sha1, true);
SCRAM(sha_512, "SCRAM-SHA-512", EVP_sha512, false);
SCRAM(sha_384, "SCRAM-SHA-384", EVP_sha384, false);
SCRAM(sha_256, "SCRAM-SHA-256", EVP_sha256, false);
SCRAM(sha_224, "SCRAM-SHA-224", EVP_sha224, false);
SCRAM(sha_1, "SCRAM-SHA-1", EVP_sha1, false);
