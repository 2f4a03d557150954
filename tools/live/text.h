// Text for people, written into an array that the caller owns: always NUL-terminated, never past
// its end, and printable ASCII whatever a server put into it. What does not fit is cut, visibly.
#ifndef EHLO_TOOLS_LIVE_TEXT_H
#define EHLO_TOOLS_LIVE_TEXT_H

#include <stddef.h>

struct live_text {
  char *out;
  size_t cap;
  size_t len;
};

// Starts an empty text in `out`, which has room for `cap` chars, at least 4.
void live_text_init(struct live_text *t, char *out, size_t cap);

// Appends as printf does. For our own words and for arguments that are ours: nothing is escaped.
void live_text_format(struct live_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Appends bytes that are someone else's: whatever is not printable ASCII, and a double quote, as
// \xHH.
void live_text_bytes(struct live_text *t, const void *bytes, size_t len);

#endif  // EHLO_TOOLS_LIVE_TEXT_H
