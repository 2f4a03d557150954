// SASL mechanisms as pure functions from a challenge to a response. They never see base64 and never
// decide to fall back. Those that need no cryptography are declared here (PLAIN, RFC 4616; EXTERNAL,
// RFC 4422 appendix A; OAUTHBEARER, RFC 7628; LOGIN and XOAUTH2 as servers have them); those that do
// are in engine/sasl/, over the same types.
//
// Names and passwords go out as they are given: no SASLprep (RFC 4013), so what is not ASCII should
// be UTF-8 in the form that the server knows (mostly NFC). What cannot be sent is refused before
// anything leaves: NUL everywhere, and for all but PLAIN and LOGIN other control bytes too.
#ifndef EHLO_ENGINE_AUTH_H
#define EHLO_ENGINE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/reply.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is handed in. Everything pointed to is the caller's and must outlive the submission.
struct ehlo_credentials {
  struct ehlo_span authzid;   // act as somebody else; may be empty
  struct ehlo_span user;      // EXTERNAL: who to be, where `authzid` does not say it; may be empty
  struct ehlo_span password;  // the access token of XOAUTH2 and OAUTHBEARER
  // For SCRAM and DIGEST-MD5, which end without it: 1 to EHLO_NONCE_MAX printable characters, no
  // comma, drawn anew for each session from a source that nobody can foresee.
  struct ehlo_span nonce;
  struct ehlo_span digest_uri;  // of DIGEST-MD5: "smtp/" and the server's name
  // Channel bindings, to be filled in between the TLS handshake and the next event; empty where
  // there is none. The first one that is not empty is used: 32 octets of tls-exporter (RFC 9266),
  // tls-unique (RFC 5929 §3).
  struct ehlo_span tls_exporter;
  struct ehlo_span tls_unique;
  // There is no password, as in a replay: nothing is computed, responses that need one have any
  // text, and the server's proof counts as right where it reads EHLO_PROOF_ON_TRUST.
  bool on_trust;
};

#define EHLO_NONCE_MAX ((size_t)128)
// What a player puts in place of a server's text that was not recorded.
#define EHLO_PROOF_ON_TRUST "hidden"

#define EHLO_RESPONSE_PARTS 6

// A response in parts, so that no copy of the secret is made: they are sent joined.
struct ehlo_response {
  struct ehlo_span parts[EHLO_RESPONSE_PARTS];
  size_t num_parts;
  bool secret;
};

// Why a mechanism has no answer.
enum ehlo_auth_problem {
  EHLO_AUTH_CHALLENGE = 0,  // not what the mechanism expects here
  EHLO_AUTH_CREDENTIALS,    // the name, password or nonce is nothing that the mechanism can send
  EHLO_AUTH_NONCE,          // the server's nonce does not extend ours
  EHLO_AUTH_ITERATIONS,     // the iteration count is out of bounds
  EHLO_AUTH_EXTENSION,      // an extension that is mandatory and not known
  EHLO_AUTH_SERVER,         // the server ended the exchange with an error of the mechanism's
  EHLO_AUTH_PROOF,          // the server's proof is wrong
};

#define EHLO_AUTH_SCRATCH_MAX ((size_t)2048)
#define EHLO_AUTH_PROOF_MAX ((size_t)96)

// Text that proves one side to the other: base64 or hexadecimal digits.
struct ehlo_auth_proof {
  size_t len;
  uint8_t text[EHLO_AUTH_PROOF_MAX];
};

// The state of one exchange, the mechanism's own but for the first three. Wiped when it is over.
struct ehlo_auth {
  const struct ehlo_credentials *credentials;
  unsigned step;                    // responses given so far
  unsigned attempt;                 // of this session, from 0: no two use the same nonce
  bool server_binds;                // it offered a mechanism with channel binding, used or not
  bool proved;                      // the server has shown that it knows the password
  enum ehlo_auth_problem problem;   // where `respond` returned false
  struct ehlo_auth_proof ours;      // in the response just given: hide it where it is said back
  struct ehlo_auth_proof expected;  // of the server: whoever has it can try passwords offline
  bool overflow;                    // more was put into the scratch than it holds
  size_t scratch_len;
  uint8_t scratch[EHLO_AUTH_SCRATCH_MAX];
};

// One mechanism. `respond` answers the next challenge, or gives the initial response when
// `challenge` is NULL; the parts may lie in `auth`. False: it has no answer, `auth->problem` says
// why, and the exchange is to be cancelled.
struct ehlo_mechanism {
  const char *name;
  bool client_first;     // its specification has an initial response
  bool may_go_first;     // servers take one all the same
  bool reads_challenge;  // a challenge that is not base64 cannot be answered
  bool binds;            // needs a channel binding, so TLS
  bool mutual;           // success counts only once `auth->proved` is true
  bool ends_name;        // with a blank, at which servers take a name with one apart
  bool (*respond)(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                  struct ehlo_response *out);
};

// ---- For mechanisms -------------------------------------------------------------------------------

// Whether a name or password is free of control bytes.
bool ehlo_auth_is_text(struct ehlo_span text);

// Appends to the scratch. Without room it sets `overflow`, which stays: to be asked before anything of
// the scratch is given away.
void ehlo_auth_put(struct ehlo_auth *auth, struct ehlo_span text);

// The same for a saslname (RFC 5801 §4): "," as =2C and "=" as =3D.
void ehlo_auth_put_name(struct ehlo_auth *auth, struct ehlo_span name);

// Notes `why` and returns false. No further response is to be had.
bool ehlo_auth_refuse(struct ehlo_auth *auth, enum ehlo_auth_problem why);

// ---- The mechanisms -------------------------------------------------------------------------------

extern const struct ehlo_mechanism ehlo_mechanism_plain;
extern const struct ehlo_mechanism ehlo_mechanism_login;
// The identity comes from elsewhere, such as a client certificate; the response may name one.
extern const struct ehlo_mechanism ehlo_mechanism_external;
// A token that is refused comes back as a 334 with JSON in the challenge; both answer it as they must,
// so that the server's final 535 follows.
extern const struct ehlo_mechanism ehlo_mechanism_xoauth2;
extern const struct ehlo_mechanism ehlo_mechanism_oauthbearer;

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_AUTH_H
