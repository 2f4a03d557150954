// What is kept of one session to be compared. Private to the comparison.
#ifndef EHLO_REPLAY_COMPARE_SESSION_H
#define EHLO_REPLAY_COMPARE_SESSION_H

#include "replay/compare/compare.h"
#include "replay/dialogue.h"

// A TLS handshake has its place among the exchanges.
#define EHLO_COMPARE_TLS EHLO_NUM_EXCHANGE_KINDS

// Words are offsets into `words`: NUL-terminated printable ASCII; 0 is the empty one.
struct ehlo_compare_exchange {
  int kind;               // enum ehlo_exchange_kind, or EHLO_COMPARE_TLS
  bool secure;            // under TLS
  size_t ordinal;         // among those of its kind, from 1
  size_t line;            // where it begins
  size_t reply_line;      // 0: it was not answered
  uint64_t asked_us;      // when its last octet was sent
  uint64_t waited_us;     // for the last line of its last reply
  uint32_t command;       // as it was sent, or the details of TLS
  uint64_t command_hash;  // without the size of the message, which is compared there
  uint64_t spoken_hash;   // as it was sent
  bool failed;            // TLS
  unsigned code;          // of the last reply
  char codes[64];         // of all its replies, with their enhanced codes; 334 aside
  uint64_t codes_hash;
  uint32_t reply;       // its first words
  uint64_t reply_hash;  // of all that follows the codes
  size_t num_pieces;    // that its replies came in
  size_t first_capability;
  size_t num_capabilities;
  // Of a message or chunk.
  uint64_t octets;
  uint64_t text_hash;
  uint64_t lasting_hash;  // without what is different in each message
  size_t first_text_line;
  size_t num_text_lines;  // that are kept; `text_line_count` is all of them
  size_t text_line_count;
};

struct ehlo_compare_capability {
  uint32_t keyword;     // upper case
  uint32_t parameters;  // as they stand
  size_t line;
};

struct ehlo_compare_text_line {
  uint32_t hash;
  bool fleeting;  // different in each message by nature: Date and the like
  uint32_t words;
  size_t line;
};

struct ehlo_compare_setting {
  uint32_t text;
  size_t line;
};

// How the connection ended.
enum ehlo_compare_end {
  EHLO_COMPARE_CUT_OFF,
  EHLO_COMPARE_EOF_S,
  EHLO_COMPARE_EOF_C,
  EHLO_COMPARE_RESET_S,
  EHLO_COMPARE_RESET_C,
};

struct ehlo_compare_session {
  struct ehlo_compare_exchange *exchanges;
  size_t num_exchanges;
  size_t exchanges_cap;
  size_t num_more;     // that are not kept
  uint64_t more_hash;  // of them
  struct ehlo_compare_capability *capabilities;
  size_t num_capabilities;
  size_t capabilities_cap;
  struct ehlo_compare_text_line *text_lines;
  size_t num_text_lines;
  size_t text_lines_cap;
  struct ehlo_compare_setting *settings;
  size_t num_settings;
  size_t settings_cap;
  bool has_settings;
  char *words;
  size_t words_len;
  size_t words_cap;
  bool knows_times;
  bool knows_pieces;      // where chunks begin and end
  bool greeted_in_clear;  // an EHLO came before TLS
  uint32_t connect;       // what the fact says
  bool connect_failed;
  size_t connect_line;
  enum ehlo_compare_end end;
  size_t end_line;
  bool timed_out;
  uint32_t outcome;  // "accepted at quit", where an event says so
  size_t outcome_line;
  uint32_t failure;  // "reply-syntax", likewise
  size_t failure_line;
};

// Reads all of a transcript. EHLO_READ_END: it was one. To be freed whatever comes. `*out_memory` is
// false where there was not enough.
enum ehlo_read_result ehlo_compare_read(struct ehlo_compare_session *out,
                                        struct ehlo_transcript_error *out_error, bool *out_memory,
                                        ehlo_read_fn read, void *arg);
void ehlo_compare_session_free(struct ehlo_compare_session *s);

const char *ehlo_compare_words(const struct ehlo_compare_session *s, uint32_t words);

#endif  // EHLO_REPLAY_COMPARE_SESSION_H
