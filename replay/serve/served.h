// A server that plays a script to any client, without sockets: the client's bytes in, steps out
// (say these bytes after that delay, begin TLS, end the connection). Commands are matched by what
// they mean, never by their words; replay/serve/SERVE.md has the rules. It takes no clock and no memory
// of its own, and what it does depends on the client's bytes alone, never on how they were cut.
#ifndef EHLO_REPLAY_SERVED_H
#define EHLO_REPLAY_SERVED_H

#include "replay/serve/fault.h"
#include "replay/serve/script.h"
#include "replay/unstuff.h"

#define EHLO_SERVED_LINE_MAX \
  ((size_t)12290)                     // RFC 4954 §4, with its CRLF; a longer line gets a 500
#define EHLO_SERVED_TOLD_COMMANDS 64  // what a report keeps of each
#define EHLO_SERVED_TOLD_RECIPIENTS 32
#define EHLO_SERVED_TOLD_ADDRESS 256
#define EHLO_SERVED_TOLD_REACTIONS 32

enum ehlo_serve_tls {
  EHLO_SERVE_RECORDED,  // as the transcript has it; STARTTLS as well where its server offers that
  EHLO_SERVE_CLEARTEXT,
  EHLO_SERVE_STARTTLS,
  EHLO_SERVE_IMPLICIT,
};

// What came after a fault.
enum ehlo_reaction_type {
  EHLO_REACTION_NONE,     // the connection was over with it
  EHLO_REACTION_RETRIED,  // the same command again
  EHLO_REACTION_WENT_ON,  // another command, or TLS
  EHLO_REACTION_QUIT,
  EHLO_REACTION_CLOSED,  // the client closed without QUIT
};

struct ehlo_reaction {
  size_t fault;  // in ehlo_faults.list
  enum ehlo_reaction_type type;
};

// A command and how often it came in a row. The words of an unknown one are not kept: they may be
// anything, a password too.
struct ehlo_told_command {
  enum ehlo_meaning meaning;  // CHUNK: BDAT with LAST or without
  size_t count;
};

struct ehlo_told_recipient {
  char address[EHLO_SERVED_TOLD_ADDRESS];  // as it came, cut if longer, NUL-terminated
  bool accepted;
};

// What a client did. Of lists the first members are kept; `num_` counts all.
struct ehlo_served_report {
  size_t num_commands;
  size_t num_runs;
  struct ehlo_told_command commands[EHLO_SERVED_TOLD_COMMANDS];
  bool came[EHLO_NUM_MEANINGS];
  size_t num_too_long;  // lines
  bool greeted;
  bool tls;
  bool tls_failed;
  bool authenticated;
  size_t num_attempts;
  char mechanism
      [EHLO_MECHANISM_MAX];  // the last one tried that is a word of ours, "other", or empty
  bool no_proof;             // an exchange ended for want of what the transcript hides
  size_t num_recipients;
  size_t num_accepted;
  struct ehlo_told_recipient recipients[EHLO_SERVED_TOLD_RECIPIENTS];
  size_t num_messages;           // that came whole
  size_t num_accepted_messages;  // by a 2yz, to any of the recipients
  uint64_t message_octets;       // of all of them, without dots of the stuffing
  uint64_t octets;               // from the client
  size_t dropped;                // octets in the clear behind STARTTLS, which were not looked at
  bool quit;
  enum ehlo_ending ending;  // NOT: the client closed
  size_t num_reactions;
  struct ehlo_reaction reactions[EHLO_SERVED_TOLD_REACTIONS];
  // The first step that was of another kind than the recorded client's. GREETING: there was none.
  bool differs;
  size_t differs_at;  // step, from 1
  struct ehlo_script_step recorded;
  struct ehlo_script_step done;
};

enum ehlo_step_type {
  EHLO_STEP_NONE,  // the client's turn, or nothing will come any more
  EHLO_STEP_SAY,
  EHLO_STEP_START_TLS,  // what the client said before is to be dropped; then ehlo_served_tls_done()
  EHLO_STEP_END,
};

struct ehlo_served_step {
  enum ehlo_step_type type;
  uint64_t delay_us;     // real time to let pass before
  bool apart;            // SAY: in a packet of its own
  const uint8_t *bytes;  // SAY; valid until the next call of any function here
  size_t len;
  enum ehlo_ending ending;  // END: how. SILENT: stay connected, and say nothing more
};

enum ehlo_served_place {
  EHLO_AT_COMMAND,
  EHLO_AT_RESPONSE,
  EHLO_AT_MESSAGE,
  EHLO_AT_CHUNK,
  EHLO_AT_HANDSHAKE,
  EHLO_AT_SILENCE,
  EHLO_AT_END,
};

// What is being said.
struct ehlo_saying {
  bool active;
  const uint8_t *bytes;
  size_t len;
  size_t at;
  const struct ehlo_piece *piece;  // the one at hand; NULL: all in one
  size_t piece_at;
  uint64_t delay_us;  // before what comes next
  bool drip;
  size_t stop_at;
  const struct ehlo_fault *inject;
  enum ehlo_ending ending;
};

#define EHLO_SERVED_MECHANISMS_MAX 8
struct ehlo_served_auth {
  const struct ehlo_attempt *attempt;  // NULL: none was recorded with this mechanism
  size_t next;                         // its answer
  bool owes_first;                     // the client's first response has still to come
  size_t num_responses;
  char mechanism[EHLO_MECHANISM_MAX];
  size_t num_used;
  struct {
    char name[EHLO_MECHANISM_MAX];
    size_t times;
  } used[EHLO_SERVED_MECHANISMS_MAX];
};

// Private from here to the end of the struct, but for `report`.
struct ehlo_served {
  const struct ehlo_script *script;
  struct ehlo_faults *faults;
  enum ehlo_serve_tls tls;
  uint32_t speed_permille;
  size_t connection;
  struct ehlo_course course;
  enum ehlo_served_place place;
  struct ehlo_saying saying;
  bool tls_due;       // behind what is being said
  bool tls_begins;    // now
  size_t final_left;  // replies that a message of LMTP still has to get
  size_t final_index;
  bool message_is_chunks;
  bool message_told;  // some reply of this message was a 2yz
  struct ehlo_strike session;
  uint64_t said;
  size_t occurrences[EHLO_NUM_FAULT_STAGES];
  size_t num_hello[2];  // in cleartext, under TLS
  size_t nth[EHLO_NUM_MEANINGS];
  size_t nth_in_transaction[EHLO_NUM_MEANINGS];
  bool offers_auth;
  bool offers_chunking;
  uint32_t verb;
  struct ehlo_served_auth auth;
  size_t num_steps;  // of the client, as ehlo_script_step
  struct ehlo_script_step last_step;
  uint64_t open_faults;  // bit n: what the client does about the nth is still to be seen
  enum ehlo_meaning struck;
  struct ehlo_unstuff unstuff;
  uint64_t chunk_left;
  bool chunk_last;
  uint64_t body_octets;  // of the message under way
  size_t line_len;
  bool line_too_long;
  uint8_t line[EHLO_SERVED_LINE_MAX];
  uint8_t scratch[2 * EHLO_SERVED_LINE_MAX];
  struct ehlo_served_report report;
};

// How TLS will come, given what was asked for: never RECORDED.
enum ehlo_serve_tls ehlo_serve_tls_of(const struct ehlo_script *script, enum ehlo_serve_tls asked);

// Begins the `connection`th connection, from 1. `script` and `faults` are to outlive it; `faults`
// is shared and changes. Recorded times pass in speed_permille thousandths of their pace: 1000 is
// as recorded, 0 without any wait.
void ehlo_served_init(struct ehlo_served *s, const struct ehlo_script *script,
                      struct ehlo_faults *faults, enum ehlo_serve_tls tls, uint32_t speed_permille,
                      size_t connection);

// The next thing to do. To be called until NONE: the client's bytes are taken only then.
struct ehlo_served_step ehlo_served_next(struct ehlo_served *s);

// Takes the client's bytes, to the end of one command at the most, and returns how many: 0 only
// while there are steps to take. After a whole command there are steps, but for BDAT LAST to
// nobody in LMTP, which has no reply. In SILENCE and behind the END everything is taken and
// dropped.
size_t ehlo_served_input(struct ehlo_served *s, const uint8_t *in, size_t len);

// The handshake is over, or failed. `dropped`: octets that had come behind STARTTLS.
void ehlo_served_tls_done(struct ehlo_served *s, bool good, size_t dropped);

// The server is to stop: between commands, that is told with a 421. Steps follow.
void ehlo_served_stop(struct ehlo_served *s, const char *reply);

// The connection is over; the report is complete.
void ehlo_served_finish(struct ehlo_served *s);

#endif  // EHLO_REPLAY_SERVED_H
