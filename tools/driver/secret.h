// Where a password comes from: a file, a command, the environment or a prompt, never the command
// line. It is kept in one place, locked into memory where that is allowed, and wiped after use.
#ifndef EHLO_TOOLS_DRIVER_SECRET_H
#define EHLO_TOOLS_DRIVER_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_MAX 9000  // octets; base64 of it with a user name stays within RFC 4954 §4

struct secret {
  size_t len;
  uint32_t findings;  // of what followed the first line, bits of engine/credential.h
  uint8_t bytes[SECRET_MAX];
};

struct secret_source {
  const char *file;
  const char *command;
  const char *token_command;  // prints a token, or JSON with an access_token
  int fd;                     // one more than the descriptor; 0: none
  const char *user;           // for the prompt
};

// Fetches it: the file's first line, the command's first line, EHLO_PASSWORD, or a prompt on a
// terminal, in this order. Returns 0 or an exit status, after printing what is wrong.
int secret_get(struct secret *out, const struct secret_source *source);

void secret_wipe(struct secret *s);

#endif  // EHLO_TOOLS_DRIVER_SECRET_H
