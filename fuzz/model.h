// A model of a client session, to hold the engine against: what engine/SPECIFICATION.md says, as plainly as
// it is said there, with its tables as tables. It gives the status of each call, the events, the bytes for
// the server, the state, the deadline, and what the server offered. It shares no idea and no line with
// the engine, whose header it takes the names of things from; it is not to be made like the engine where the
// two differ, but the specification made to say which is right.
//
// It is a whole client, and can be asked without one: a call of ehlo.h is a call here, with the same meaning,
// and its events are in `events` when it returns. Memory is kept from one session to the next.
#ifndef EHLO_FUZZ_MODEL_H
#define EHLO_FUZZ_MODEL_H

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"
#include "fuzz/session_text.h"

// A part of the server's stream, or of another store.
struct ehlo_model_range {
  size_t at;
  size_t len;
};

// A command without its reply.
struct ehlo_model_command {
  enum ehlo_verb verb;
  size_t end;  // in `sent`: it is sent when as much was taken
  bool last;   // BDAT LAST
};

struct ehlo_model_event {
  enum ehlo_event_type type;
  enum ehlo_verb verb;
  bool of_recipient;
  size_t recipient;
  size_t num_due;
  uint16_t code;
  struct ehlo_enhanced enhanced;
  size_t num_lines;
  struct ehlo_model_range text;  // in `server`
  bool challenge_valid;
  struct ehlo_model_range challenge;  // in `challenges`
  enum ehlo_status status;            // FAILED, and what follows
  size_t offset;
  struct ehlo_model_range line;  // in `server`
  enum ehlo_verb error_verb;
  bool verb_sent;
  size_t num_sent;  // octets that the server was given before
};

// More than the longest text of a step can bring.
#define EHLO_MODEL_EVENTS_MAX 4096

// Extensions, each one bit of what the server offered.
enum ehlo_model_offer {
  EHLO_MODEL_STARTTLS = 1 << 0,
  EHLO_MODEL_PIPELINING = 1 << 1,
  EHLO_MODEL_8BITMIME = 1 << 2,
  EHLO_MODEL_SMTPUTF8 = 1 << 3,
  EHLO_MODEL_CHUNKING = 1 << 4,
  EHLO_MODEL_BINARYMIME = 1 << 5,
  EHLO_MODEL_DSN = 1 << 6,
  EHLO_MODEL_SIZE = 1 << 7,
  EHLO_MODEL_AUTH = 1 << 8,
  EHLO_MODEL_REQUIRETLS = 1 << 9,
  EHLO_MODEL_FUTURERELEASE = 1 << 10,
  EHLO_MODEL_DELIVERBY = 1 << 11,
  EHLO_MODEL_MT_PRIORITY = 1 << 12,
  EHLO_MODEL_ETRN = 1 << 13,
  EHLO_MODEL_XCLIENT = 1 << 14,
  EHLO_MODEL_ESMTP = 1 << 15,  // the reply was EHLO's or LHLO's at all
};

#define EHLO_MODEL_NAME_MAX 20
#define EHLO_MODEL_NAMES_MAX 160

// Names in upper case, as many as find a place.
struct ehlo_model_names {
  size_t octets;  // of all of them, with a blank between two and one at each end
  size_t num;
  char name[EHLO_MODEL_NAMES_MAX][EHLO_MODEL_NAME_MAX + 1];
};

struct ehlo_model_offers {
  unsigned bits;
  uint64_t max_size;
  uint32_t max_hold_s;
  uint32_t min_by_s;
  struct ehlo_model_names mechanisms;
  struct ehlo_model_names attributes;  // of XCLIENT
};

// A run of octets for the server that are of one kind.
struct ehlo_model_run {
  size_t end;     // in `sent`
  unsigned kind;  // flags SECRET and BODY
};

struct ehlo_model {
  struct ehlo_config config;
  size_t reply_max;  // what the buffer leaves for a reply
  size_t output_max;
  uint64_t now_ms;
  uint64_t wait_ms;  // when the present wait began
  enum ehlo_state confirmed;
  enum ehlo_state intent;
  enum ehlo_status error;  // once failed
  bool secure;
  bool tls_tried;  // ehlo_tls_done() was had
  bool authenticated;
  bool lmtp;
  // Replies
  size_t reply_at;  // in `server`: what no event has given begins here
  size_t line_at;   // and its unfinished line
  size_t num_lines;
  uint16_t code;
  size_t num_challenges;
  size_t num_recipients;
  size_t num_accepted;
  size_t num_had;  // LMTP: replies to the oldest command so far
  // Commands
  size_t num_pending;
  bool utf8;         // the last MAIL had SMTPUTF8
  bool binary_mime;  // or BODY=BINARYMIME
  size_t num_taken;  // of `sent`
  size_t num_runs;
  // The message, or the text of a chunk
  enum ehlo_status refused;
  bool in_line;
  bool cr;
  bool nul_line;  // the line began with NUL, and there was
  size_t num_dots;
  bool only_nul_dot;  // nothing but NUL and dots in it
  uint64_t chunk_left;
  bool chunk_octets;
  bool chunk_text;
  bool chunk_held;  // all but the last LF of the text was given
  bool chunk_broken;
  size_t num_events;
  // Kept from session to session; what is in use of it is told above.
  struct ehlo_model_offers offers;
  struct ehlo_model_command pending[EHLO_PENDING_MAX];
  struct ehlo_fuzz_bytes sent;  // all that is for the server, taken or waiting
  struct ehlo_fuzz_bytes server;
  struct ehlo_fuzz_bytes challenges;
  struct ehlo_fuzz_bytes base64;
  struct ehlo_model_run *runs;
  size_t runs_cap;
  struct ehlo_model_event events[EHLO_MODEL_EVENTS_MAX];
};

void ehlo_model_begin(struct ehlo_model *m, const struct ehlo_config *config, size_t buf_len);

// What the calls before this one brought has been looked at.
void ehlo_model_forget_events(struct ehlo_model *m);

// ---- The transport's side -----------------------------------------------------------------------

enum ehlo_status ehlo_model_input(struct ehlo_model *m, struct ehlo_span bytes);
enum ehlo_status ehlo_model_input_end(struct ehlo_model *m, enum ehlo_status why);
enum ehlo_status ehlo_model_tls_done(struct ehlo_model *m);
void ehlo_model_tick(struct ehlo_model *m, uint64_t now_ms);
void ehlo_model_take(struct ehlo_model *m, size_t max);  // output
enum ehlo_status ehlo_model_move(struct ehlo_model *m, size_t buf_len);

// ---- The program's side -------------------------------------------------------------------------

enum ehlo_status ehlo_model_command(struct ehlo_model *m, const struct ehlo_fuzz_command *command);
enum ehlo_status ehlo_model_raw_secret(struct ehlo_model *m, struct ehlo_span head,
                                       struct ehlo_span secret, struct ehlo_span tail);
enum ehlo_status ehlo_model_respond(struct ehlo_model *m, struct ehlo_span text, bool secret);
enum ehlo_status ehlo_model_cancel(struct ehlo_model *m);

// Text of a message or a chunk. How much of it has room is for the client to say, as long as it leaves no
// room for any octet: `used`, or all of it if the transport takes what there is again and again.
enum ehlo_status ehlo_model_text(struct ehlo_model *m, struct ehlo_span text, size_t used);
// Octets of a chunk, given once with `hold`, else again and again until all are taken. The end of text.
enum ehlo_status ehlo_model_octets(struct ehlo_model *m, struct ehlo_span octets, bool hold);
enum ehlo_status ehlo_model_text_end(struct ehlo_model *m);

// ---- What can be asked --------------------------------------------------------------------------

bool ehlo_model_is_over(const struct ehlo_model *m);
bool ehlo_model_may_send(const struct ehlo_model *m, enum ehlo_verb verb);
uint64_t ehlo_model_deadline(const struct ehlo_model *m);

// The run that the octet at `at` of `sent` is in.
struct ehlo_model_run ehlo_model_run_at(const struct ehlo_model *m, size_t at);

#endif  // EHLO_FUZZ_MODEL_H
