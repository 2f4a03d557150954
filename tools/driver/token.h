// Tokens of OAuth: fetched from a command, and looked at before they are sent. What is said of one
// never holds a part of it.
#ifndef EHLO_TOOLS_DRIVER_TOKEN_H
#define EHLO_TOOLS_DRIVER_TOKEN_H

#include <time.h>

#include "engine/reply.h"
#include "tools/driver/secret.h"
#include "tools/driver/warnings.h"

// Runs the command and takes what it prints: a token in its first line, or a JSON object with an
// "access_token". Returns 0 or an exit status, after printing what is wrong.
int token_get(struct secret *out, const char *command);

// Warns of what is wrong with a token that can be read (a JWT of Microsoft Entra): audience, scope
// or role, time and user. One that cannot be read, such as Google's, is passed over. No signature
// is verified.
void token_look(struct warnings *w, struct ehlo_span token, const char *user, time_t now);

#endif  // EHLO_TOOLS_DRIVER_TOKEN_H
