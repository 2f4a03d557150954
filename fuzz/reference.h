// Independent implementations that targets hold the engine against. They are slow and plain, written
// from the RFCs and the specification, and share no idea with the engine's code.
#ifndef EHLO_FUZZ_REFERENCE_H
#define EHLO_FUZZ_REFERENCE_H

#include "engine/status.h"
#include "fuzz/fuzz.h"

// Base64 (RFC 4648 §4): appends the text.
void ehlo_reference_base64(struct ehlo_fuzz_bytes *out, const uint8_t *bytes, size_t len);

// Base64 decoded, appended. False: it is none. What the pad bits hold is of no matter.
bool ehlo_reference_unbase64(struct ehlo_fuzz_bytes *out, const uint8_t *text, size_t len);

// The lines of a message with CRLF at the end of each (RFC 5321 §2.3.8). An LF ends a line, with or
// without a CR before it; a CR without an LF ends one too, which is what the repair does. Returns
// where the first such CR stands, or `len`.
size_t ehlo_reference_lines(struct ehlo_fuzz_bytes *out, const uint8_t *message, size_t len);

// Why the message may not leave, EHLO_OK if it may, and how many of its octets are taken until then:
// a CR alone with `refuse_cr`; a line end that is not CRLF, or none, with `refuse_lf`; a line that
// begins with NUL and is a lone dot without its NULs.
enum ehlo_status ehlo_reference_refusal(size_t *out_used, const uint8_t *message, size_t len,
                                        bool refuse_cr, bool refuse_lf);

// Those lines as they are sent (§4.5.2): each leading dot doubled, without the end of data.
void ehlo_reference_stuff(struct ehlo_fuzz_bytes *out, const uint8_t *lines, size_t len);

#endif  // EHLO_FUZZ_REFERENCE_H
