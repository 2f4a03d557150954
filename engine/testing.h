// Runs sessions that are written as scripts, for the tests of the client.
//
// A script has one step a line:
//   S: text          the server sends the text and CRLF; a trailing "\" means no CRLF
//   C: text          the client has sent exactly this line; {…} is a secret span
//   C+ text          the same without its CRLF
//   > verb …         the program calls ehlo_send_…; "-> status" at the end where it is refused
//   = event          the next event, in the words of ehlo_script_event()
//   ! tls            the handshake is done; "-> status" where that is refused
//   ! end status     the connection ended
//   ! at MS          the clock stands at MS, and ehlo_tick() is called
//   ! hold           the transport takes nothing more, until "! take N" (bytes) or "! release"
//   ? what value     state, deadline, pending, accepted, secure, lmtp, flights, or may / may-not VERB
// Escapes are \xHH, \r, \n, \\ and \{c*N} for N times the character c. A C line takes the output in
// order, and before each step of the world, "S" or "!", and at the end there must be none left.
#ifndef EHLO_ENGINE_TESTING_H
#define EHLO_ENGINE_TESTING_H

#include "engine/ehlo.h"

struct ehlo_script {
  const char *name;
  const char *text;
  struct ehlo_config config;
  size_t buf_len;  // 0: EHLO_BUFFER_DEFAULT
};

// How one run handles what no event may depend on.
struct ehlo_script_mode {
  size_t cut;         // the server's stream is cut here too; SIZE_MAX for nowhere
  bool every_byte;    // it comes byte by byte, and the output is taken so
  bool copies;        // the client moves to a copy of itself before each step
  size_t stop_after;  // the run ends after so many bytes of the server; SIZE_MAX for never
  bool effects_only;  // events and output that the script does not name are no mistake
};

#define EHLO_SCRIPT_WHOLE ((struct ehlo_script_mode){.cut = SIZE_MAX, .stop_after = SIZE_MAX})
#define EHLO_SCRIPT_TEXT_MAX 300000

// A session under test. `sent` is what the client sent and no C line has taken yet.
struct ehlo_session {
  const struct ehlo_script *script;
  struct ehlo_script_mode mode;
  struct ehlo_client client;
  uint8_t *buf;  // on the heap, of exactly the size, so that a sanitizer sees a step beyond
  size_t buf_len;
  uint64_t now_ms;
  char sent[EHLO_SCRIPT_TEXT_MAX];
  size_t sent_len;
  size_t sent_pos;
  char events[8192];  // those not expected yet, a line each
  size_t server_bytes;
  size_t flights;     // how often output followed input
  bool output_since;  // output has come since the last input
  bool hold;
  bool stopped;  // `stop_after` was reached
  int line;
};

// Runs a script once. Mismatches are Criterion failures that name script and line.
void ehlo_script_run_once(struct ehlo_session *s, const struct ehlo_script *script,
                          struct ehlo_script_mode mode);

// Runs it whole, at all two-way splits, byte by byte, and with copies.
void ehlo_script_run(const struct ehlo_script *script);

// Runs a table of {name, text} so.
void ehlo_script_run_table(const char *const (*table)[2], size_t num,
                           const struct ehlo_config *config);

// Octets that the server sends in it.
size_t ehlo_script_server_bytes(const struct ehlo_script *script);

// Takes the events that are due into s->events, and the output into s->sent.
void ehlo_session_collect(struct ehlo_session *s);
void ehlo_session_drain(struct ehlo_session *s, size_t max);
// Hands bytes of the server in, at the cuts of the mode.
void ehlo_session_feed(struct ehlo_session *s, const uint8_t *in, size_t len);
void ehlo_session_free(struct ehlo_session *s);

// Writes an event in words: "reply RCPT 250 #1", "reply body 250 #0 +1"
// where LMTP owes another reply, "challenge [user]", "challenge invalid",
// "tls-wanted", "body-wanted", "closed", "failed reset @12 [250 a] MAIL sent", where "unsent"
// stands for a command that had not left whole.
void ehlo_script_event(char *out, size_t out_cap, const struct ehlo_event *event);

#endif  // EHLO_ENGINE_TESTING_H
