// Where the parsers' findings go: it follows the dialogue far enough to know where TLS began and a
// message ended if the log does not say so, and writes it through the tap, which hides credentials.
// What a log leaves out it marks; it never guesses a command.
#ifndef EHLO_REPLAY_IMPORT_SESSION_H
#define EHLO_REPLAY_IMPORT_SESSION_H

#include "replay/scrub/scrub.h"
#include "replay/tap/tap.h"

// The beginning of a line of the dialogue: enough to tell verbs and codes by.
struct ehlo_import_line {
  size_t len;
  bool cr;
  uint8_t head[16];
};

struct ehlo_import_session {
  struct ehlo_tap tap;
  struct ehlo_writer comments;
  ehlo_write_fn write;
  void *arg;
  const struct ehlo_scrub *learned;
  bool begun;        // something of the dialogue was told
  bool knows_times;  // what the log tells, for the notes behind the header
  bool knows_chunks;
  bool notes_written;
  bool notes_wait;  // a comment does not bring them about: what the log tells is not known yet
  bool has_first;   // a time was seen; `first_us` is the moment of the transcript's beginning
  uint64_t first_us;
  uint64_t days_us;  // added to a clock that shows the time of day and passed midnight
  uint64_t last_us;
  // The dialogue.
  struct ehlo_import_line client;
  struct ehlo_import_line server;
  bool starttls_sent;
  bool tls_due;  // 220 to STARTTLS came
  bool greeted;
  bool answers_unknown;  // the reply under way is to a command that the log does not show
  bool in_message;
  bool message_begun;
  bool message_line_whole;
  size_t num_waiting;  // commands without a reply yet
  char tls_details[160];
  // A line on its way to the tap, which takes what it is given for whole pieces of a chunk.
  enum ehlo_side held_side;
  uint64_t held_us;  // of the chunk, EHLO_NO_TIME once part of it has gone
  size_t held_len;
  uint8_t held[16384];
};

void ehlo_import_session_init(struct ehlo_import_session *s, const struct ehlo_scrub *learned,
                              ehlo_write_fn write, void *arg);
// To be told before the first of anything else: whether the log gives times, and the real chunks.
void ehlo_import_session_knows(struct ehlo_import_session *s, bool times, bool chunks);

// What a side said, in pieces of any size. `time_us`: any clock, EHLO_NO_TIME if the log has none;
// with the same side's next piece EHLO_NO_TIME goes on with the chunk.
void ehlo_import_client(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                        uint64_t time_us);
void ehlo_import_server(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                        uint64_t time_us);
// The same with a CRLF behind it.
void ehlo_import_client_line(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                             uint64_t time_us);
void ehlo_import_server_line(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                             uint64_t time_us);

// TLS began, with what the log says of it (static or not; copied; "" for nothing).
void ehlo_import_tls(struct ehlo_import_session *s, const uint8_t *details, size_t len,
                     uint64_t time_us);
// A fact in words of replay/FORMAT.md: "connect …", "eof S", "note …".
void ehlo_import_fact(struct ehlo_import_session *s, const char *text, uint64_t time_us);
// A line of the log that is not dialogue; left out where it says a secret.
void ehlo_import_comment(struct ehlo_import_session *s, const uint8_t *text, size_t len);

void ehlo_import_session_finish(struct ehlo_import_session *s);
bool ehlo_import_session_failed(const struct ehlo_import_session *s);

#endif  // EHLO_REPLAY_IMPORT_SESSION_H
