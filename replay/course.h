// The course of a session as a server sees it: what a client's line means, and what the reply to it
// changes. Whoever reads a transcript and whoever plays it follow the same course, so that a command
// is looked up by what it meant then. It knows no text of any reply.
#ifndef EHLO_REPLAY_COURSE_H
#define EHLO_REPLAY_COURSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a reply answers.
enum ehlo_meaning {
  EHLO_MEANS_GREETING = 0,  // nothing: the server speaks first
  EHLO_MEANS_EHLO,
  EHLO_MEANS_HELO,
  EHLO_MEANS_LHLO,
  EHLO_MEANS_STARTTLS,
  EHLO_MEANS_AUTH,
  EHLO_MEANS_RESPONSE,  // a line of an AUTH exchange
  EHLO_MEANS_MAIL,
  EHLO_MEANS_RCPT,
  EHLO_MEANS_DATA,
  EHLO_MEANS_CHUNK,    // BDAT without LAST, and its octets
  EHLO_MEANS_MESSAGE,  // the end of one: the dot, or BDAT LAST and its octets
  EHLO_MEANS_RSET,
  EHLO_MEANS_NOOP,
  EHLO_MEANS_QUIT,
  EHLO_MEANS_VRFY,
  EHLO_MEANS_EXPN,
  EHLO_MEANS_HELP,
  EHLO_MEANS_XCLIENT,
  EHLO_MEANS_OTHER,
  EHLO_NUM_MEANINGS,
};

// "EHLO", "message", "other": static.
const char *ehlo_meaning_name(enum ehlo_meaning meaning);

// One command line, without its line end.
struct ehlo_command_line {
  enum ehlo_meaning meaning;  // never GREETING or RESPONSE; MESSAGE: BDAT with LAST
  bool is_bdat;
  uint64_t octets;  // of BDAT
  uint32_t verb;    // a hash of it in upper case: equal for equal verbs
  // What follows the verb and blanks; for MAIL and RCPT the path between < and >, without them.
  const uint8_t *argument;
  size_t argument_len;
};

// Verbs are read in any case, and blanks where others would not have them. BDAT without a number is
// OTHER.
void ehlo_command_read(struct ehlo_command_line *out, const uint8_t *line, size_t len);

// Parts of the course that decide which reply fits.
#define EHLO_COURSE_TLS 1u
#define EHLO_COURSE_GREETED 2u  // EHLO, HELO or LHLO was accepted
#define EHLO_COURSE_AUTHENTICATED 4u
#define EHLO_COURSE_IN_MAIL 8u     // MAIL was accepted, and the transaction goes on
#define EHLO_COURSE_RECIPIENT 16u  // ... and somebody was accepted
struct ehlo_course {
  unsigned bits;
  bool lmtp;
  size_t num_accepted;  // recipients of this transaction
  size_t transaction;   // MAIL commands so far
};

// After the reply with `code` (0: none that counts) to what means `meaning`. A message of LMTP has a
// reply for each recipient: this is to be called after the last.
void ehlo_course_take(struct ehlo_course *course, enum ehlo_meaning meaning, unsigned code);

// The code of a reply that begins with `text`; 0 if that is not three digits.
unsigned ehlo_code_of(const uint8_t *text, size_t len);

#endif  // EHLO_REPLAY_COURSE_H
