// What ended a session where no reply of the server says so: the connection, TLS, a line that is no
// reply, or a rule of ours. Pure.
#ifndef EHLO_TOOLS_EXPLAIN_FAILURE_H
#define EHLO_TOOLS_EXPLAIN_FAILURE_H

#include <stdbool.h>

#include "engine/submit.h"

struct explain_failure {
  enum ehlo_outcome outcome;         // OPEN: not known
  enum ehlo_submit_problem problem;  // NONE: there is none, or it is not known
  enum ehlo_status status;           // of the client; OK likewise
  struct ehlo_span line;             // of the server, that broke the protocol; may be cut; or empty
  bool unfinished;  // a reply had begun when the connection ended or the time was up
};

// Why a line is no reply (RFC 5321 §4.2).
enum explain_line_fault {
  EXPLAIN_LINE_NONE = 0,  // there is no line
  EXPLAIN_LINE_EMPTY,
  EXPLAIN_LINE_TLS,         // a record of TLS
  EXPLAIN_LINE_NUL,         // it holds one
  EXPLAIN_LINE_NO_CODE,     // no digits, or fewer than three
  EXPLAIN_LINE_DIGITS,      // more than three
  EXPLAIN_LINE_CLASS,       // the code is none of 200 to 599
  EXPLAIN_LINE_NO_BLANK,    // something else than a blank or "-" behind the code
  EXPLAIN_LINE_END,         // it begins well: what is wrong is its end, LF or CR alone
  EXPLAIN_LINE_UNFINISHED,  // there is nothing wrong, but there should be more of it
};

enum explain_line_fault explain_line_fault(struct ehlo_span line);

enum explain_cause_kind {
  EXPLAIN_CAUSE_OUTCOME,
  EXPLAIN_CAUSE_STATUS,
  EXPLAIN_CAUSE_LINE,
  EXPLAIN_CAUSE_PROBLEM,
};

// One thing that a failure can be.
struct explain_cause {
  enum explain_cause_kind kind;
  unsigned value;  // of the enumeration that the kind names
};

bool explain_failure_is_any(const struct explain_failure *f);

// Fills in what follows from the rest: the status of a bare "timeout", the problem of "tls-failed"
// at AUTH. What is not known of a record stays so. After the last octet of a message only the doubt
// counts, and not how the connection ended.
void explain_failure_complete(struct explain_failure *f, bool stage_known, enum ehlo_stage stage);

bool explain_failure_has(const struct explain_failure *f, struct explain_cause cause);

#define EXPLAIN_FAILURE_LINE_MAX 1024

// Reads a failure back out of a sentence that ehlo printed of it. `line` is where the server's line
// in it goes, without the escapes; `out` points there. `*out_stage_known` and `*out_stage` are set
// too. False: the text holds none of these sentences.
bool explain_failure_read(struct explain_failure *out, uint8_t line[EXPLAIN_FAILURE_LINE_MAX],
                          bool *out_stage_known, enum ehlo_stage *out_stage, const char *text);

#endif  // EHLO_TOOLS_EXPLAIN_FAILURE_H
