// A transcript read for its server: a table of what the server said to which command at which point
// of the session. It is read once and can then be played any number of times, by ehlo_served.
#ifndef EHLO_REPLAY_SCRIPT_H
#define EHLO_REPLAY_SCRIPT_H

#include "replay/course.h"
#include "replay/transcript.h"

// What is more than that in one transcript makes it EHLO_SCRIPT_BAD.
#define EHLO_SCRIPT_TEXT_MAX ((size_t)16777216)  // octets that the server said
#define EHLO_SCRIPT_ANSWERS_MAX ((size_t)65536)
#define EHLO_SCRIPT_PENDING_MAX ((size_t)4096)  // commands that wait for their replies at once
#define EHLO_MECHANISM_MAX 32                   // octets of a mechanism's name, with a NUL

// What becomes of the connection behind an answer.
enum ehlo_ending {
  EHLO_ENDS_NOT = 0,
  EHLO_ENDS_CLOSED,  // in order, under TLS with close_notify
  EHLO_ENDS_CUT,     // under TLS without close_notify
  EHLO_ENDS_RESET,
  EHLO_ENDS_SILENT,  // the server never speaks again
};

#define EHLO_NO_ANSWER SIZE_MAX

// A piece of what was said, as it was cut; the pieces of an answer join without a gap.
struct ehlo_piece {
  size_t at;  // in script->text
  size_t len;
  uint64_t delay_us;  // before it
  bool is_chunk;      // it was a chunk of its own: not to be joined to what went before
};

// What the server said to one command. Replies that nobody had asked for stand behind the answer
// that they followed.
struct ehlo_answer {
  enum ehlo_meaning meaning;
  unsigned bits;       // EHLO_COURSE_…, when it was given
  size_t transaction;  // as in ehlo_course
  unsigned code;       // 0: none, or its reply is not whole
  bool is_hidden;      // a challenge that the transcript keeps secret
  bool to_cancel;      // RESPONSE: the client had sent "*"
  uint32_t verb;       // of the command, as in ehlo_command_line
  size_t first_piece;
  size_t num_pieces;
  enum ehlo_ending ending;
  uint64_t clock_us;  // since the end of the answer before it, as recorded
  size_t next;        // with this meaning, or EHLO_NO_ANSWER
};

// One exchange of AUTH; its answers stand in a row.
struct ehlo_attempt {
  char mechanism[EHLO_MECHANISM_MAX];  // upper case
  bool has_initial;                    // a response stood in the command line
  char response[512];  // SCRAM: the client's first, base64, NUL-terminated; empty if unknown
  size_t first_answer;
  size_t num_answers;
  unsigned bits;
};

// What the recorded client did, to be compared with. Neighbours of one kind are one step.
struct ehlo_script_step {
  enum ehlo_meaning meaning;  // CHUNK for every BDAT
  char mechanism[EHLO_MECHANISM_MAX];
};

struct ehlo_script {
  uint8_t *text;
  size_t text_len;
  struct ehlo_piece *pieces;
  size_t num_pieces;
  struct ehlo_answer *answers;
  size_t num_answers;
  struct ehlo_attempt *attempts;
  size_t num_attempts;
  struct ehlo_script_step *steps;
  size_t num_steps;
  size_t first[EHLO_NUM_MEANINGS];  // answers, linked by `next`
  size_t last[EHLO_NUM_MEANINGS];
  size_t num_transactions;  // the greatest number of one that has an answer
  bool implicit_tls;        // a "tls" fact before the greeting
  bool starttls;            // ... or later
  bool offers_starttls;     // some reply to EHLO in cleartext does
  bool lmtp;
  char host
      [256];  // of the connect fact, printable, without port and brackets; empty if there is none
  size_t caps[5];  // private
};

enum ehlo_script_result {
  EHLO_SCRIPT_OK,
  EHLO_SCRIPT_BAD,  // no transcript, or one that cannot be played: `*out_error` says where and why
  EHLO_SCRIPT_FAILED,  // the read function failed
  EHLO_SCRIPT_MEMORY,
};

// Reads all that `read` gives. With EHLO_SCRIPT_OK the script is to be freed.
enum ehlo_script_result ehlo_script_read(struct ehlo_script *out,
                                         struct ehlo_transcript_error *out_error, ehlo_read_fn read,
                                         void *arg);
void ehlo_script_free(struct ehlo_script *s);

// All octets of an answer: `*out_len` of them.
const uint8_t *ehlo_answer_text(const struct ehlo_script *s, size_t *out_len,
                                const struct ehlo_answer *answer);

#endif  // EHLO_REPLAY_SCRIPT_H
