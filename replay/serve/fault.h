// Faults of a played server: told as text, and exact. Which answer they strike is counted, never
// drawn, and a rate is measured on a virtual clock, so a run repeats. replay/serve/SERVE.md is the
// grammar.
#ifndef EHLO_REPLAY_FAULT_H
#define EHLO_REPLAY_FAULT_H

#include "replay/serve/script.h"

#define EHLO_FAULTS_MAX 32
#define EHLO_FAULT_TEXT_MAX ((size_t)4096)  // octets of a reply or of raw bytes
#define EHLO_FAULT_LIMIT_MAX 1000           // the N of a rate
#define EHLO_FAULT_SECONDS_MAX UINT64_C(1000000)

enum ehlo_fault_stage {
  EHLO_FAULT_AT_GREETING,
  EHLO_FAULT_AT_EHLO,  // HELO and LHLO too
  EHLO_FAULT_AT_STARTTLS,
  EHLO_FAULT_AT_TLS,   // the handshake
  EHLO_FAULT_AT_AUTH,  // the command, and each line of its exchange
  EHLO_FAULT_AT_MAIL,
  EHLO_FAULT_AT_RCPT,
  EHLO_FAULT_AT_DATA,
  EHLO_FAULT_AT_BDAT,  // without LAST
  EHLO_FAULT_AT_BODY,  // the end of a message, each of its replies in LMTP
  EHLO_FAULT_AT_RSET,
  EHLO_FAULT_AT_NOOP,
  EHLO_FAULT_AT_QUIT,
  EHLO_FAULT_AT_OTHER,
  EHLO_FAULT_AT_SESSION,  // all that the server says in one connection
  EHLO_NUM_FAULT_STAGES,
};

enum ehlo_fault_kind {
  EHLO_FAULT_REPLY,   // another reply
  EHLO_FAULT_RAW,     // bytes in place of the reply, as they are
  EHLO_FAULT_LIMIT,   // another reply to what is more than N in S seconds
  EHLO_FAULT_HANG,    // no reply, ever
  EHLO_FAULT_DELAY,   // a reply that comes late
  EHLO_FAULT_DRIP,    // one byte a packet
  EHLO_FAULT_INJECT,  // bytes behind the reply, in the same packet
  EHLO_FAULT_CLOSE,   // the connection ends after K octets
  EHLO_FAULT_CUT,     // ... without close_notify
  EHLO_FAULT_RESET,   // ... with a RST
};

#define EHLO_FAULT_ALL SIZE_MAX  // behind the whole reply

struct ehlo_fault {
  enum ehlo_fault_stage stage;
  enum ehlo_fault_kind kind;
  size_t occurrence;  // in a connection, from 1; 0: each
  size_t connection;  // from 1; 0: each
  size_t most;        // times in all; 0: always
  size_t at;          // CLOSE, CUT, RESET: octets, or EHLO_FAULT_ALL
  uint64_t time_us;   // DELAY: how long. LIMIT: in which time
  size_t rate;        // LIMIT: how many
  size_t text_len;
  uint8_t text[EHLO_FAULT_TEXT_MAX];  // REPLY, RAW, LIMIT, INJECT; a reply with its last CRLF
  // What happened.
  size_t used;
  size_t num_taken;                         // LIMIT: in all
  uint64_t taken_us[EHLO_FAULT_LIMIT_MAX];  // the last `rate` of them
};

// All faults of a server, and the virtual clock: shared by its connections, in the order in which
// their commands come. All zero is none.
struct ehlo_faults {
  struct ehlo_fault list[EHLO_FAULTS_MAX];
  size_t num;
  uint64_t clock_us;
  uint64_t command_us;     // that each command advances the clock by
  uint64_t connection_us;  // ... each connection
};

// Reads one fault. NULL, or a sentence on what is wrong and its column in `*out_column`, from 1.
const char *ehlo_fault_read(struct ehlo_fault *out, size_t *out_column, const char *text);

// "mail", "session": static.
const char *ehlo_fault_stage_name(enum ehlo_fault_stage stage);
const char *ehlo_fault_kind_name(enum ehlo_fault_kind kind);
enum ehlo_fault_stage ehlo_fault_stage_of(enum ehlo_meaning meaning);

// What strikes one answer, all faults together.
struct ehlo_strike {
  const struct ehlo_fault *reply;   // REPLY, RAW, LIMIT or HANG; NULL: none
  const struct ehlo_fault *inject;  // NULL: none
  uint64_t delay_us;
  bool drip;
  enum ehlo_ending ending;  // after `at` octets
  size_t at;
  uint64_t faults;  // bit n: the nth fault is in here
};

// Time passes on the virtual clock, which stops at its greatest value.
void ehlo_faults_advance(struct ehlo_faults *f, uint64_t time_us);

// What strikes the `occurrence`th answer at this stage of the `connection`th connection, both
// from 1. Uses it up, and moves the clock by delays.
struct ehlo_strike ehlo_faults_strike(struct ehlo_faults *f, enum ehlo_fault_stage stage,
                                      size_t occurrence, size_t connection);

#endif  // EHLO_REPLAY_FAULT_H
