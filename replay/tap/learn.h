// Takes the secrets out of what a client of somebody else's said in an AUTH exchange, so that a
// server's line that says one back can be found, and knows a server's proof by its looks.
#ifndef EHLO_REPLAY_LEARN_H
#define EHLO_REPLAY_LEARN_H

#include "engine/reply.h"
#include "replay/redact.h"

// Adds the secret of one response: of PLAIN the password and not the user name, of LOGIN any answer
// but the first (`step` 0), of XOAUTH2 and OAUTHBEARER the token, of CRAM-MD5, DIGEST-MD5 and SCRAM
// the proof, of any other mechanism all of it. `text` is the response as it was sent; if it is no
// base64, it is the secret as it stands.
void ehlo_learn_response(struct ehlo_redactor *r, struct ehlo_span mechanism, unsigned step,
                         struct ehlo_span text);

// Whether a server's line holds its own proof: SCRAM's "v=" (RFC 5802 §7) or DIGEST-MD5's
// "rspauth=" (RFC 2831 §2.1.3). Whoever has it can try passwords at leisure.
bool ehlo_learn_is_proof(const uint8_t *line, size_t len);

#endif  // EHLO_REPLAY_LEARN_H
