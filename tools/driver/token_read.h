// Tokens of OAuth as text: taken from what a command printed, and looked at before they are sent.
// What is said of one never holds a part of it. Pure.
#ifndef EHLO_TOOLS_DRIVER_TOKEN_READ_H
#define EHLO_TOOLS_DRIVER_TOKEN_READ_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "engine/reply.h"
#include "tools/driver/warnings.h"

// Takes the first line of the text, or "access_token" of a JSON object. Returns NULL, or a static
// sentence without a full stop on what is wrong; `*out_len` is 0 then.
const char *token_take(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len);

// Warns of what is wrong with a token that can be read (a JWT of Microsoft Entra): audience, scope
// or role, time and user. One that cannot be read, such as Google's, is passed over. No signature
// is verified. `user` is NULL where nobody logs in.
void token_look(struct warnings *w, struct ehlo_span token, const char *user, time_t now);

#endif  // EHLO_TOOLS_DRIVER_TOKEN_READ_H
