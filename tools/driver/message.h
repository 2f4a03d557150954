// A message to send: read from a file or standard input, or made; looked at before anything is
// sent, and given to the client in pieces.
#ifndef EHLO_TOOLS_DRIVER_MESSAGE_H
#define EHLO_TOOLS_DRIVER_MESSAGE_H

#include "engine/preflight.h"
#include "replay/submission.h"
#include "tools/driver/contents.h"
#include "tools/driver/warnings.h"

struct message {
  char *name;  // where it is from: a path, "-", or what it is called
  struct contents contents;
  bool is_shared;  // the contents are another message's
  size_t pos;
  struct ehlo_preflight preflight;
};

// Reads `path`, "-" for standard input. Returns 0 or an exit status, after printing what is wrong.
int message_read(struct message *out, const char *path);

// A message that was made: `bytes`, from malloc(), are the message's from here on. False without
// memory.
bool message_take(struct message *out, const char *name, uint8_t *bytes, size_t len);

// The same message once more, while `from` lasts. False without memory.
bool message_share(struct message *out, const char *name, const struct message *from);

// What the user asked for.
struct message_rules {
  bool fix_eol;  // a bare CR is a line end
  bool force;    // NUL, lines over 998 octets and what is no message may go
  bool exact;    // it is sent byte for byte, or not at all
};

// What it is called in a sentence.
const char *message_name(const struct message *m);

#define MESSAGE_SENTENCE_MAX 512

// Says of each finding where it is, `FILE:LINE: …`, and refuses what may not be sent: a line that
// ends the message to some servers always; a bare CR, NUL, long lines, no header and line ends that
// are not CRLF as the rules have it. The rest are warnings, and so is what a rule lets pass.
// Returns 0, or EX_DATAERR with the first refusal in `error`; all are on standard error.
int message_check(char *error, size_t error_cap, struct warnings *warnings, const struct message *m,
                  const struct message_rules *rules);

// Adds to a sentence on 8-bit characters where the first of them is.
void message_add_place(char *error, size_t error_cap, const struct message *m);

// What is left of it, as a source for the submission gives it; whoever takes some moves `pos` on.
enum ehlo_source_state message_peek(const struct message *m, struct ehlo_span *out);

void message_free(struct message *m);

#endif  // EHLO_TOOLS_DRIVER_MESSAGE_H
