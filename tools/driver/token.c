// Running what prints a token.
#include "tools/driver/token.h"

#include <errno.h>
#include <openssl/mem.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/driver/token_read.h"

int token_get(struct secret *out, const char *command) {
  char text[2 * SECRET_MAX + 1];
  size_t len = 0;
  ssize_t n;
  FILE *pipe = popen(command, "re");
  if (pipe == NULL) {
    fprintf(complaints(), "ehlo: cannot run the token command: %s\n", strerror(errno));
    return EX_NOINPUT;
  }
  while (len < sizeof(text) - 1 &&
         ((n = read(fileno(pipe), text + len, sizeof(text) - 1 - len)) > 0 ||
          (n < 0 && errno == EINTR))) {
    len += n > 0 ? (size_t)n : 0;
  }
  bool too_long = len == sizeof(text) - 1;
  text[len] = '\0';
  int status = pclose(pipe) != 0 && !too_long ? EX_NOINPUT : 0;
  if (status != 0) {
    fputs("ehlo: the token command failed\n", complaints());
  } else if (too_long) {
    fprintf(complaints(), "ehlo: the token command printed more than %zu octets\n",
            sizeof(text) - 1);
    status = EX_DATAERR;
  } else {
    const char *wrong = token_take(out->bytes, &out->len, sizeof(out->bytes), text, len);
    if (wrong != NULL) {
      fprintf(complaints(), "ehlo: %s\n", wrong);
      status = EX_DATAERR;
    }
  }
  OPENSSL_cleanse(text, sizeof(text));
  return status;
}
