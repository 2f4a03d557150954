// The message to send: read from a file or standard input, looked at before anything is sent, and
// given to the client in pieces. A file is mapped, so its size costs no memory.
#ifndef EHLO_TOOLS_DRIVER_MESSAGE_H
#define EHLO_TOOLS_DRIVER_MESSAGE_H

#include "engine/preflight.h"
#include "replay/submission.h"

#define MESSAGE_MAX ((size_t)1 << 30)  // octets

struct message {
  const uint8_t *bytes;
  size_t len;
  size_t pos;
  bool mapped;
  struct ehlo_preflight preflight;
};

// Reads `path`, "-" for standard input. Returns 0 or an exit status, after printing what is wrong.
int message_read(struct message *out, const char *path);

// Refuses what may not be sent: no message at all, a bare CR unless `fix_eol`, and unless `force`
// NUL and lines over 998 octets. Returns 0 or EX_DATAERR with a sentence in `error`.
int message_check(char *error, size_t error_cap, const struct message *m, const char *path,
                  bool fix_eol, bool force);

// What is left of it, as a source for the submission gives it; whoever takes some moves `pos` on.
enum ehlo_source_state message_peek(const struct message *m, struct ehlo_span *out);

void message_free(struct message *m);

#endif  // EHLO_TOOLS_DRIVER_MESSAGE_H
