// A server's side of each SASL mechanism, by the RFCs and over BoringSSL, none of it shared with the
// engine: what it says and whether it lets a client in. It never sees base64 around a message.
#ifndef EHLO_FUZZ_SASL_SERVER_H
#define EHLO_FUZZ_SASL_SERVER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ehlo_fuzz_sasl_family {
  EHLO_FUZZ_SASL_PLAIN,
  EHLO_FUZZ_SASL_LOGIN,
  EHLO_FUZZ_SASL_EXTERNAL,
  EHLO_FUZZ_SASL_XOAUTH2,
  EHLO_FUZZ_SASL_OAUTHBEARER,
  EHLO_FUZZ_SASL_CRAM,
  EHLO_FUZZ_SASL_DIGEST,
  EHLO_FUZZ_SASL_SCRAM,
};

// What the server knows. Strings without a comma, an equals sign or a quotation mark.
struct ehlo_fuzz_sasl_account {
  const char *user;
  const char *password;
  const char *authzid;  // whom the client wants to be; "" for nobody else
  const char *cnonce;   // of the client
  const char *uri;
  const uint8_t *binding;  // NULL: the mechanism has none
  size_t binding_len;
};

#define EHLO_FUZZ_SASL_TEXT_MAX 512

struct ehlo_fuzz_sasl_server {
  enum ehlo_fuzz_sasl_family family;
  const EVP_MD *md;
  struct ehlo_fuzz_sasl_account account;
  unsigned step;
  bool accepts;  // the client has shown what it had to
  bool over;     // it says 235 or 535
  size_t challenge_len;
  uint8_t challenge[EHLO_FUZZ_SASL_TEXT_MAX];
  size_t first_len;
  uint8_t first[EHLO_FUZZ_SASL_TEXT_MAX];  // of SCRAM: the client's first message
};

// Takes a response, or NULL where there is no initial one. Then the exchange is over, or there is a
// challenge.
void ehlo_fuzz_sasl_server_take(struct ehlo_fuzz_sasl_server *s, const uint8_t *response,
                                size_t len);

#endif  // EHLO_FUZZ_SASL_SERVER_H
