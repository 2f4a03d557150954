// Looks at a message before it is sent: what RFC 5321 and RFC 5322 forbid or advise against, with
// line numbers, and its size as sent. It only reports, in memory that does not grow with the
// message; the encoder (engine/body.h) refuses what may never leave.
#ifndef EHLO_ENGINE_PREFLIGHT_H
#define EHLO_ENGINE_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_TEXT_LINE_MAX 998  // octets without CRLF, RFC 5321 §4.5.3.1.6

// What there is to find. Which of them stops a message is the caller's to say.
enum ehlo_finding_kind {
  EHLO_FINDING_NO_HEADER = 0,  // it does not begin with a header field (RFC 5322 §2.2)
  EHLO_FINDING_BARE_CR,        // a CR without LF: the encoder refuses it or makes it a line end
  EHLO_FINDING_NUL_DOT,        // a line of NUL and a lone dot: the encoder refuses it
  EHLO_FINDING_NUL,
  EHLO_FINDING_LONG_LINE,    // of more than EHLO_TEXT_LINE_MAX octets
  EHLO_FINDING_BARE_LF,      // a line end without CR: only of matter where nothing may be altered
  EHLO_FINDING_NO_LAST_END,  // the last line has no line end: the same
  EHLO_FINDING_MIXED_ENDS,   // LF and CRLF; `other_line` is the first line of the other kind
  EHLO_FINDING_EIGHT_BIT_HEADER,  // octets over 127: they need SMTPUTF8 (RFC 6532)
  EHLO_FINDING_EIGHT_BIT_BODY,    // octets over 127: they need 8BITMIME (RFC 6152)
  EHLO_FINDING_BAD_HEADER,        // a line of the header that is neither a field nor goes on one
  EHLO_FINDING_NO_BLANK_LINE,     // there is a header and nothing but a header
  EHLO_FINDING_TWICE,    // a field that may stand once (RFC 5322 §3.6); `other_line` has the first
  EHLO_FINDING_MISSING,  // a field that has to be there; `line` is where the header ends
  EHLO_NUM_FINDINGS
};

// One finding: how often, and the line where it was met first (from 1). For TWICE that is the line
// of the second, and `count` is the number of fields.
struct ehlo_finding {
  enum ehlo_finding_kind kind;
  const char *field;  // TWICE, MISSING: the field's name, else NULL
  uint64_t count;     // octets for NUL and 8-bit, lines for the rest
  uint64_t line;
  uint64_t other_line;  // MIXED_ENDS, TWICE, else 0
};

// A fixed name such as "bare-cr"; never NULL.
const char *ehlo_finding_name(enum ehlo_finding_kind kind);

// Half a sentence for people, such as "a NUL byte"; never NULL. For TWICE and MISSING the name of
// the field goes before it.
const char *ehlo_finding_text(enum ehlo_finding_kind kind);

// Private: how often and where.
struct ehlo_found {
  uint64_t count;
  uint64_t line;
};

#define EHLO_NUM_SINGLE_FIELDS 11  // of RFC 5322 §3.6: those that may stand once
#define EHLO_FIELD_NAME_LEN 12     // octets of a name that are looked at, the longest and one more

struct ehlo_preflight {
  uint64_t num_lines;  // the last one counts without a line end too
  uint64_t num_fields;
  uint64_t wire_size;  // octets with CRLF line ends, dots not doubled: what SIZE means (RFC 1870)
  // Private.
  struct ehlo_found found[EHLO_NUM_FINDINGS];
  struct ehlo_found fields[EHLO_NUM_SINGLE_FIELDS];
  uint64_t second_line[EHLO_NUM_SINGLE_FIELDS];
  struct ehlo_found crlf;
  uint64_t line_len;
  uint64_t line_nuls;
  uint64_t line_dots;
  uint64_t header_lines;              // up to the blank line
  uint8_t name[EHLO_FIELD_NAME_LEN];  // of the field, in lower case
  uint8_t name_len;
  uint8_t header;  // where in the header the line stands
  bool begins_with_nul;
  bool in_body;
  bool cr;
};

// Any cut of the message into pieces gives the same.
void ehlo_preflight_init(struct ehlo_preflight *p);
void ehlo_preflight_feed(struct ehlo_preflight *p, const uint8_t *in, size_t len);
// To be called once, after the last piece.
void ehlo_preflight_end(struct ehlo_preflight *p);

// After the end: gives the findings one by one, in the order of their kinds. `*pos` begins at 0.
// False: there are no more.
bool ehlo_preflight_next(const struct ehlo_preflight *p, size_t *pos, struct ehlo_finding *out);

// After the end: how often; for MIXED_ENDS, TWICE and MISSING the number of findings.
uint64_t ehlo_preflight_count(const struct ehlo_preflight *p, enum ehlo_finding_kind kind);

// Whether it begins with at least one header field, as a message does.
bool ehlo_preflight_is_message(const struct ehlo_preflight *p);

// Whether it has octets over 127, in the header or in the body.
bool ehlo_preflight_is_8bit(const struct ehlo_preflight *p);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_PREFLIGHT_H
