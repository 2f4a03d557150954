// Writes the transcript of a session between two programs that are not ours, as it passes: bytes of
// both sides go in, lines of a transcript come out, credentials hidden whichever mechanism the
// client used. It follows the protocol by itself, at any cut, in constant memory and without the
// engine; it never changes, delays or judges what passes.
//
// Hidden are: what follows AUTH and its mechanism (the mechanism too, unless it is known or was
// offered), every line of the client's until the server's final reply to AUTH but a lone "*" and an
// empty one, lines right after an exchange that are no known command, a server's proof, and server
// lines that say a secret back (redact.h). The text of a message, once a server has asked for it or
// BDAT has announced it, is not looked into. Where client and server do not seem to agree about
// what is text, each line is judged as if it were a command.
#ifndef EHLO_REPLAY_TAP_H
#define EHLO_REPLAY_TAP_H

#include "replay/scribe.h"
#include "replay/tap/hide.h"

// Octets of a line of the client's that are kept to be judged. What of a secret goes beyond is hidden
// and cannot be found again: every server line is hidden from there on.
#define EHLO_TAP_LINE_MAX (EHLO_TOKEN_MAX + 512)
// Octets of a server's line that are read: mechanisms that are offered beyond are not known.
#define EHLO_TAP_REPLY_MAX ((size_t)1024)

enum ehlo_tap_mode { EHLO_TAP_LINES, EHLO_TAP_TEXT, EHLO_TAP_CHUNK };

// All members are private.
struct ehlo_tap {
  struct ehlo_scribe scribe;
  struct ehlo_redactor redactor;
  // When what came: pieces of one side at one time are one chunk.
  bool has_side;
  enum ehlo_side side;
  uint64_t time_us;
  uint64_t client_us;  // of the client's chunk at hand; EHLO_NO_TIME once part of it is written
  // Which reply answers which line. Commands are counted as they are sent, the greeting as the first.
  uint64_t num_sent;
  uint64_t num_answered;
  uint64_t data_at;   // the DATA that waits for its reply; 0: none
  uint64_t chunk_at;  // the last BDAT
  bool open;          // an exchange is
  uint64_t auth_at;   // the line whose reply says how it goes on
  unsigned step;      // responses sent in it
  bool doubt;         // it has ended, and no known command has come since
  size_t mechanism_len;
  uint8_t mechanism[64];
  struct ehlo_offered offered;
  // The client's side.
  enum ehlo_tap_mode mode;
  bool unsure;  // what comes may be text; lines are judged and not counted
  uint64_t chunk_left;
  bool chunk_begun;
  uint8_t text_place;  // how much of CRLF.CRLF was seen
  bool shows;          // the rest of this line may be shown
  bool hides;          // the rest is a secret, whose place is in the record
  bool cr;             // a CR stands behind `line`
  bool overlong;       // `line` is not all of it
  size_t written;      // of `line`
  size_t line_len;
  uint8_t line[EHLO_TAP_LINE_MAX];
  // The server's side.
  unsigned last_code;
  bool was_refused;
  bool reply_overlong;
  size_t reply_len;
  uint8_t reply[EHLO_TAP_REPLY_MAX];
};

// `write` gets whole lines, as many at once as a call has given.
void ehlo_tap_init(struct ehlo_tap *t, ehlo_write_fn write, void *arg);

// What one side sent, in the order in which it passed. `time_us` is the time of the session, absolute
// and never going back; EHLO_NO_TIME: unknown, and the bytes are of the same chunk as those of this
// side before them. All that may be shown is written at once, but for an unfinished server line
// while there are secrets to look for, and an unfinished word of the client's that has to be judged.
void ehlo_tap_client(struct ehlo_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us);
void ehlo_tap_server(struct ehlo_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us);

// For a relay, which has to see a command before it passes. The first takes bytes only up to where
// the next command may begin, one line, one message or one chunk at the most, and returns how many;
// they are in the record once ehlo_tap_push() was called.
// The two after these tell whether the client's next octet begins a command, and whether the server owes no
// reply.
size_t ehlo_tap_client_some(struct ehlo_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us);
void ehlo_tap_push(struct ehlo_tap *t);
bool ehlo_tap_wants_command(const struct ehlo_tap *t);
bool ehlo_tap_is_answered(const struct ehlo_tap *t);
// The code of the last whole reply, 0 before any.
unsigned ehlo_tap_last_code(const struct ehlo_tap *t);
// Whether some reply refused something: 4yz or 5yz.
bool ehlo_tap_was_refused(const struct ehlo_tap *t);

// "connect …", "tls …", "eof S", "note …". "tls" (but not "tls failed") begins a stream anew: what was
// unfinished, open or offered before is forgotten; what is a secret stays one.
void ehlo_tap_fact(struct ehlo_tap *t, uint64_t time_us, const char *text, size_t len);

// Writes what is held back and wipes what must not stay in memory. To be called once, at the end.
void ehlo_tap_finish(struct ehlo_tap *t);

// Some of the record could not be written.
bool ehlo_tap_failed(const struct ehlo_tap *t);

#endif  // EHLO_REPLAY_TAP_H
