// Tokens of OAuth, fetched from a command.
#ifndef EHLO_TOOLS_DRIVER_TOKEN_H
#define EHLO_TOOLS_DRIVER_TOKEN_H

#include "tools/driver/secret.h"

// Runs the command and takes what it prints: a token in its first line, or a JSON object with an
// "access_token". Returns 0 or an exit status, after printing what is wrong.
int token_get(struct secret *out, const char *command);

#endif  // EHLO_TOOLS_DRIVER_TOKEN_H
