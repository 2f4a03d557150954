// One server reply, from bytes to lines (RFC 5321 §4.2). The parser is pure and copies what it is
// given into the caller's buffer; it must not know which command was sent or what a code means.
#ifndef EHLO_ENGINE_REPLY_H
#define EHLO_ENGINE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that belong to someone else. Never NUL-terminated by promise; `bytes` may be NULL when
// `len` is 0.
struct ehlo_span {
  const uint8_t *bytes;
  size_t len;
};

// An enhanced status code (RFC 3463), `class_code` 0 when the reply carries none. The class is what the
// server wrote, which is not always the class of the reply code.
struct ehlo_enhanced {
  uint16_t class_code;
  uint16_t subject;
  uint16_t detail;
};

// A whole reply. `text` is every line verbatim, each with its CRLF.
struct ehlo_reply {
  uint16_t code;
  struct ehlo_enhanced enhanced;  // of the first line
  size_t num_lines;
  struct ehlo_span text;
};

// One line of a reply. `whole` is the line without its CRLF; `text` is what follows the code and
// its separator; `message` is `text` without a leading enhanced status code.
struct ehlo_reply_line {
  struct ehlo_span whole;
  struct ehlo_span text;
  struct ehlo_span message;
};

// Steps through the lines of `reply`: start with `*pos` at 0. Returns false after the last.
bool ehlo_reply_line(const struct ehlo_reply *reply, size_t *pos, struct ehlo_reply_line *out);

// Limits, in octets with the CRLF. `max_challenge_line` applies in place of `max_line` to a line
// that begins with 334 while `challenge_expected` is set (RFC 4954 §4: 12,288 octets and more).
struct ehlo_reply_limits {
  size_t max_line;
  size_t max_challenge_line;
  size_t max_reply;
  size_t max_lines;
};

struct ehlo_reply_parser {
  uint8_t *buf;
  struct ehlo_reply_limits limits;
  uint64_t offset;    // of buf[0] in the server's stream
  size_t len;         // bytes in buf
  size_t line_start;  // of the unfinished line, in buf
  size_t quick_end;   // up to here in buf the unfinished line may grow without a look at a limit
  size_t num_lines;   // finished ones
  uint16_t code;
  bool complete;
  bool challenge_expected;
  uint64_t error_offset;
};

// `buf` holds at least limits->max_reply bytes and stays the caller's.
void ehlo_reply_parser_init(struct ehlo_reply_parser *p, uint8_t *buf,
                            const struct ehlo_reply_limits *limits);

// Takes bytes until a reply is complete (`p->complete`) or `in` is used up; never a byte beyond the
// reply. Errors: EHLO_E_REPLY_SYNTAX, EHLO_E_REPLY_CODE, EHLO_E_LINE_TOO_LONG,
// EHLO_E_REPLY_TOO_LONG, EHLO_E_TOO_MANY_LINES, with `p->error_offset` at the offending byte. They
// and their offsets do not depend on how the stream was cut.
enum ehlo_status ehlo_reply_feed(struct ehlo_reply_parser *p, size_t *out_used, const uint8_t *in,
                                 size_t len);

// Judges an unfinished line when no more bytes will come: EHLO_E_REPLY_SYNTAX or EHLO_E_REPLY_CODE
// when what is there cannot become a reply line, else EHLO_OK.
enum ehlo_status ehlo_reply_judge_partial(struct ehlo_reply_parser *p);

// The line that an error speaks of: the last one begun, without its CRLF, maybe unfinished.
struct ehlo_span ehlo_reply_last_line(const struct ehlo_reply_parser *p);

// The complete reply. Its spans point into the buffer and live until ehlo_reply_reset.
void ehlo_reply_get(const struct ehlo_reply_parser *p, struct ehlo_reply *out);

// Forgets the complete reply and makes ready for the next.
void ehlo_reply_reset(struct ehlo_reply_parser *p);

// Reads an enhanced status code at the start of `text`; returns its length in octets, 0 if none.
size_t ehlo_enhanced_parse(struct ehlo_enhanced *out, struct ehlo_span text);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_REPLY_H
