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

// What is wrong with the words of a server that may say more than the usual ones.
enum ehlo_fuzz_sasl_fault {
  EHLO_FUZZ_SASL_LEGAL,
  EHLO_FUZZ_SASL_CHALLENGE,
  EHLO_FUZZ_SASL_NONCE,
  EHLO_FUZZ_SASL_ITERATIONS,
  EHLO_FUZZ_SASL_EXTENSION,
};

// What the server knows, in UTF-8 and for DIGEST-MD5 in what it hashes.
struct ehlo_fuzz_sasl_account {
  const char *user;
  const char *password;
  const char *hashed_user;
  const char *hashed_password;
  const char *gs2;      // the first field of SCRAM's header
  const char *authzid;  // whom the client wants to be; "" for nobody else
  const char *cnonce;   // of the client
  const char *uri;
  const uint8_t *binding;  // NULL: the mechanism has none
  size_t binding_len;
};

#define EHLO_FUZZ_SASL_TEXT_MAX 2304

struct ehlo_fuzz_sasl_server {
  enum ehlo_fuzz_sasl_family family;
  const EVP_MD *md;
  struct ehlo_fuzz_sasl_account account;
  uint8_t words;  // which ones it says, of those its family has; 0: the usual ones
  unsigned step;
  bool accepts;  // the client has shown what it had to
  bool inexact;  // DIGEST-MD5: the values are not, one by one, what they have to be
  bool over;     // it says 235 or 535
  size_t challenge_len;
  uint8_t challenge[EHLO_FUZZ_SASL_TEXT_MAX];
  size_t first_len;
  uint8_t first[EHLO_FUZZ_SASL_TEXT_MAX];  // of SCRAM: the client's first message
};

enum ehlo_fuzz_sasl_fault ehlo_fuzz_sasl_server_fault(const struct ehlo_fuzz_sasl_server *s);

// Whether a proof on trust is what the words want. An iteration count at its limit takes too long
// for another one.
bool ehlo_fuzz_sasl_server_trusts(const struct ehlo_fuzz_sasl_server *s);

// Takes a response, or NULL where there is no initial one. Then the exchange is over, or there is a
// challenge.
void ehlo_fuzz_sasl_server_take(struct ehlo_fuzz_sasl_server *s, const uint8_t *response,
                                size_t len);

#endif  // EHLO_FUZZ_SASL_SERVER_H
