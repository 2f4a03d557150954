// The escapes of transcripts: how bytes are written in printable ASCII, and read back. It knows
// nothing of lines: which may end in a backslash, or hold a secret, is for others to say.
//
//     escape = "\" ( "\" / "r" / "n" / "t" / "x" 2HEXDIG / "{secret}" )
#ifndef EHLO_REPLAY_ESCAPE_H
#define EHLO_REPLAY_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EHLO_ESCAPE_SECRET_TEXT "\\{secret}"
// Characters that one byte may become.
#define EHLO_ESCAPE_BYTE_MAX ((size_t)4)

enum ehlo_escape {
  EHLO_ESCAPE_UNKNOWN,
  EHLO_ESCAPE_BYTE,
  EHLO_ESCAPE_SECRET,
  EHLO_ESCAPE_END,  // a backslash with nothing after it
};

// Reads the escape that `text` begins with, `*out_used` characters of it. `len` is at least 1 and
// the first character a backslash.
enum ehlo_escape ehlo_escape_take(uint8_t *out_byte, size_t *out_used, const char *text,
                                  size_t len);

// Writes one byte, escaped if it is not printable; returns the number of characters. A blank stays
// a blank, and a backslash is doubled.
size_t ehlo_escape_put(char out[EHLO_ESCAPE_BYTE_MAX], uint8_t byte);

// The number of bytes at the front of `bytes` that are printable ASCII, 0x20 to 0x7E; and of those that
// stand for themselves where they are written, which a backslash does not.
size_t ehlo_escape_printable(const uint8_t *bytes, size_t len);
size_t ehlo_escape_plain(const uint8_t *bytes, size_t len);

// Decodes a piece of a fact's or event's text, such as one field of it. False, with nothing
// promised of `out`: an escape is none, or \{secret}, or the text does not fit into `cap`.
bool ehlo_text_unescape(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len);

// The inverse, NUL-terminated and without a trailing blank. False: it does not fit into `cap`.
bool ehlo_text_escape(char *out, size_t *out_len, size_t cap, const uint8_t *text, size_t len);

#endif  // EHLO_REPLAY_ESCAPE_H
