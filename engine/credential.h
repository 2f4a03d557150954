// Looks at a user name and a password, or a token in its place, before they are used: what no
// mechanism can send, and what is seldom meant. It is a function of its inputs, keeps no copy,
// alters nothing and never says what it saw, only what it looks like.
#ifndef EHLO_ENGINE_CREDENTIAL_H
#define EHLO_ENGINE_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/reply.h"

enum ehlo_credential_finding {
  // No mechanism can send it: to be refused before anything is sent.
  EHLO_CREDENTIAL_USER_EMPTY = 0,
  EHLO_CREDENTIAL_USER_CONTROL,  // CR, LF, NUL or another control byte (RFC 4616 §2, RFC 4013 §2.3)
  EHLO_CREDENTIAL_PASSWORD_NUL,  // RFC 4616 §2
  // Warnings.
  EHLO_CREDENTIAL_USER_BLANK,   // a blank at an end
  EHLO_CREDENTIAL_USER_BASE64,  // base64 of a name
  EHLO_CREDENTIAL_PASSWORD_EMPTY,
  EHLO_CREDENTIAL_PASSWORD_NEWLINE,   // a CR or LF at its end
  EHLO_CREDENTIAL_PASSWORD_BLANK,     // a blank at an end
  EHLO_CREDENTIAL_PASSWORD_CONTROL,   // another control byte
  EHLO_CREDENTIAL_PASSWORD_UNSEEN,    // a no-break or zero-width space, or a byte order mark
  EHLO_CREDENTIAL_PASSWORD_WRAPPED,   // base64 in several lines
  EHLO_CREDENTIAL_PASSWORD_RESPONSE,  // base64 of a whole PLAIN, XOAUTH2 or OAUTHBEARER response
  EHLO_CREDENTIAL_PASSWORD_BASE64,    // base64 of text
  EHLO_CREDENTIAL_PASSWORD_GROUPS,    // an app password in four groups of four letters
  EHLO_CREDENTIAL_TOKEN_BEARER,       // it begins with "Bearer "
  EHLO_CREDENTIAL_TOKEN_JSON,         // the whole answer of a token server
  EHLO_CREDENTIAL_TOKEN_CUT,          // a JSON Web Token (RFC 7519) without its third part
  EHLO_NUM_CREDENTIAL_FINDINGS
};

// The findings as bits, 1 << finding each; 0: nothing is odd. Base64 is looked for in passwords of
// any length, and said to be one only where what it decodes to leaves little doubt.
uint32_t ehlo_credential_look(struct ehlo_span user, struct ehlo_span password);

// Whether the finding is a reason to refuse, and not a warning.
bool ehlo_credential_is_refusal(enum ehlo_credential_finding finding);

// A fixed name such as "password-newline"; never NULL.
const char *ehlo_credential_name(enum ehlo_credential_finding finding);

// A sentence for people that holds nothing of the credential; never NULL.
const char *ehlo_credential_text(enum ehlo_credential_finding finding);

#endif  // EHLO_ENGINE_CREDENTIAL_H
