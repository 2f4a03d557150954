// What a line typed into the shell is: a helper of the shell's own, or a line for the server, and
// which part of it is a credential. Pure: it looks at the text alone, and when in doubt takes it
// for a secret.
#ifndef EHLO_TOOLS_DRIVER_SHELL_LINE_H
#define EHLO_TOOLS_DRIVER_SHELL_LINE_H

#include "engine/ehlo.h"

// Octets of a typed line, without its end.
#define SHELL_LINE_MAX ((size_t)16384)

struct shell_line {
  bool helper;            // begins with ":", and `text` is what follows
  bool raw;               // asked for with ":raw": no warning is wanted
  struct ehlo_span text;  // for the server: as it is to be sent, without CRLF
  enum ehlo_verb verb;
  // Of `text`: the credential in it (RFC 4954 §4), which goes to its end; empty where there is
  // none.
  struct ehlo_span secret;
};

// Reads `typed`, a line without its end. ":x" is a helper; "::x" sends ":x"; ":raw x" sends "x".
// `after_auth`: an AUTH was refused just now, and what comes and is no known command may be the
// response that was prepared for it, so all of it is a secret.
void shell_line_read(struct shell_line *out, struct ehlo_span typed, bool after_auth);

// Whether what was typed so far ends where a credential begins, "AUTH PLAIN ": what follows is not
// to be shown as it is typed.
bool shell_line_secret_follows(struct ehlo_span typed);

// A response within an AUTH exchange, to a 334: base64 of at most EHLO_TOKEN_MAX octets, decoded
// into `out`, which has room for as many. False: it is none, and cannot be sent.
bool shell_line_response(uint8_t *out, size_t *out_len, struct ehlo_span typed);

// The part of a decoded credential that must not be shown where a server says it back: of PLAIN the
// password behind the last NUL, of any other all of it.
struct ehlo_span shell_line_kernel(struct ehlo_span decoded);

// Whether a line of a message ends it (RFC 5321 §4.1.1.4): "." alone.
bool shell_line_ends_data(struct ehlo_span typed);

#endif  // EHLO_TOOLS_DRIVER_SHELL_LINE_H
