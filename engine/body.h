// The message on its way out: line ends become CRLF, the last line is ended, and for DATA a leading
// dot is doubled (RFC 5321 §4.5.2). What comes out never has a bare CR or a bare LF, whatever goes
// in, and for DATA no line but the last that any server known takes for the end of data: not with
// line ends of another kind, and not with NUL dropped.
#ifndef EHLO_ENGINE_BODY_H
#define EHLO_ENGINE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// What to do with a CR that no LF follows.
enum ehlo_bare_cr {
  EHLO_BARE_CR_REFUSE,  // EHLO_E_BARE_CR
  EHLO_BARE_CR_REPAIR,  // it counts as a line end
};

// What to do with an LF that no CR precedes, and with a last line that has no end. With both this
// and ehlo_bare_cr at REFUSE, what leaves is, but for doubled dots and the end of data, the message
// byte for byte.
enum ehlo_bare_lf {
  EHLO_BARE_LF_NORMALISE,  // it leaves as CRLF
  EHLO_BARE_LF_REFUSE,     // EHLO_E_BARE_LF
};

struct ehlo_body {
  uint8_t bare_cr;     // enum ehlo_bare_cr
  uint8_t bare_lf;     // enum ehlo_bare_lf
  uint8_t refused;     // enum ehlo_status, once there was one
  uint8_t nul_line;    // of a line that begins with NUL: what it is without NULs, so far
  bool dots;           // for DATA: a leading dot is doubled and a lone one ends it
  bool in_line;        // something was written since the last CRLF
  bool cr;             // the last input byte was a CR, not written yet
  uint64_t num_lines;  // finished ones, for messages to people
};

// For DATA, and for the text of a BDAT chunk (RFC 3030), where a dot is like any other octet.
void ehlo_body_init(struct ehlo_body *b, enum ehlo_bare_cr bare_cr);
void ehlo_body_init_chunk(struct ehlo_body *b, enum ehlo_bare_cr bare_cr);

// To be called before the first octet. EHLO_BARE_LF_NORMALISE unless it is.
void ehlo_body_set_bare_lf(struct ehlo_body *b, enum ehlo_bare_lf bare_lf);

// Encodes as much of `in` as fits into `out` (at least 4 bytes of room make progress certain). Any
// cut of the input or of the output gives the same bytes. EHLO_E_BARE_CR: `*out_used` bytes were
// good, the CR is the byte before. EHLO_E_BARE_LF, EHLO_E_NUL_DOT: the byte that was not taken
// would end the line. The encoder stays there.
enum ehlo_status ehlo_body_encode(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                  uint8_t *out, size_t out_cap, const uint8_t *in, size_t in_len);

// Writes the end: a CRLF where the last line lacks it, and for DATA ".\r\n". Needs
// EHLO_BODY_END_MAX bytes of room, else EHLO_E_FULL and nothing happened. A pending bare CR:
// EHLO_E_BARE_CR; a last line that may not end here: EHLO_E_BARE_LF or EHLO_E_NUL_DOT.
#define EHLO_BODY_END_MAX 5
enum ehlo_status ehlo_body_end(struct ehlo_body *b, size_t *out_len, uint8_t *out, size_t out_cap);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_BODY_H
