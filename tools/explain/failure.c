// Failures, by kind and back out of words. The words are the engine's own, so that a new one of
// them is known here without a change.
#include "tools/explain/failure.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

enum explain_line_fault explain_line_fault(struct ehlo_span line) {
  const uint8_t *b = line.bytes;
  size_t digits = 0;
  if (line.len == 0) {
    return EXPLAIN_LINE_NONE;
  }
  while (digits < line.len && is_digit(b[digits])) {
    digits++;
  }
  if (b[0] == '\r' || b[0] == '\n') {
    return EXPLAIN_LINE_EMPTY;
  }
  // The content types of a record are 20 to 23, and its version begins with 3 (RFC 8446 §5.1).
  if (line.len > 1 && b[0] >= 20 && b[0] <= 23 && b[1] == 3) {
    return EXPLAIN_LINE_TLS;
  }
  if (memchr(b, 0, line.len) != NULL) {
    return EXPLAIN_LINE_NUL;
  }
  if (digits < 3) {
    return EXPLAIN_LINE_NO_CODE;
  }
  if (digits > 3) {
    return EXPLAIN_LINE_DIGITS;
  }
  if (b[0] < '2' || b[0] > '5') {
    return EXPLAIN_LINE_CLASS;
  }
  bool ends = line.len == 3 || b[3] == '\r' || b[3] == '\n';
  return ends || b[3] == ' ' || b[3] == '-' ? EXPLAIN_LINE_END : EXPLAIN_LINE_NO_BLANK;
}

bool explain_failure_is_any(const struct explain_failure *f) {
  return f->outcome != EHLO_OUTCOME_OPEN || f->problem != EHLO_PROBLEM_NONE ||
         f->status != EHLO_OK || f->line.len > 0;
}

// ---- What follows -----------------------------------------------------------------------------------

static enum ehlo_status status_of(enum ehlo_outcome outcome, enum ehlo_stage stage) {
  if (outcome == EHLO_OUTCOME_TIMEOUT) {
    return EHLO_E_TIMEOUT;
  }
  if (outcome == EHLO_OUTCOME_CONNECT_FAILED) {
    return EHLO_E_CONNECT;
  }
  if (outcome == EHLO_OUTCOME_LOST) {
    return EHLO_E_CLOSED;
  }
  return outcome == EHLO_OUTCOME_TLS_FAILED && stage == EHLO_STAGE_TLS ? EHLO_E_TLS : EHLO_OK;
}

static enum ehlo_submit_problem problem_of(enum ehlo_outcome outcome, enum ehlo_stage stage) {
  if (outcome == EHLO_OUTCOME_TLS_FAILED && stage == EHLO_STAGE_STARTTLS) {
    return EHLO_PROBLEM_NO_STARTTLS;
  }
  if (outcome == EHLO_OUTCOME_TLS_FAILED && stage == EHLO_STAGE_AUTH) {
    return EHLO_PROBLEM_CLEARTEXT;
  }
  return outcome == EHLO_OUTCOME_REFUSED && stage == EHLO_STAGE_MAIL ? EHLO_PROBLEM_TOO_BIG
                                                                     : EHLO_PROBLEM_NONE;
}

void explain_failure_complete(struct explain_failure *f, bool stage_known, enum ehlo_stage stage) {
  if (f->outcome == EHLO_OUTCOME_UNKNOWN) {
    *f = (struct explain_failure){.outcome = EHLO_OUTCOME_UNKNOWN};
  } else if (f->problem == EHLO_PROBLEM_NONE && f->status == EHLO_OK && stage_known) {
    f->problem = problem_of(f->outcome, stage);
    f->status = f->problem == EHLO_PROBLEM_NONE ? status_of(f->outcome, stage) : EHLO_OK;
  }
}

bool explain_failure_has(const struct explain_failure *f, struct explain_cause cause) {
  bool line_counts = f->status == EHLO_OK || f->status == EHLO_E_REPLY_SYNTAX;
  switch (cause.kind) {
    case EXPLAIN_CAUSE_OUTCOME:
      return f->outcome == (enum ehlo_outcome)cause.value;
    case EXPLAIN_CAUSE_STATUS:
      return f->status == (enum ehlo_status)cause.value;
    case EXPLAIN_CAUSE_LINE:
      return cause.value == EXPLAIN_LINE_UNFINISHED
                 ? f->unfinished
                 : line_counts &&
                       explain_line_fault(f->line) == (enum explain_line_fault)cause.value;
    case EXPLAIN_CAUSE_PROBLEM:
      return f->problem == (enum ehlo_submit_problem)cause.value;
  }
  return false;
}

// ---- Words ------------------------------------------------------------------------------------------

static const char *behind(const char *text, const char *what) {
  const char *place = strstr(text, what);
  return place != NULL ? place + strlen(what) : NULL;
}

// "at greeting: "
static bool read_stage(enum ehlo_stage *out, const char *text) {
  char begin[32];
  for (unsigned s = 0; s < EHLO_NUM_STAGES; s++) {
    snprintf(begin, sizeof(begin), "at %s: ", ehlo_stage_name((enum ehlo_stage)s));
    const char *place = strstr(text, begin);
    if (place != NULL && (place == text || place[-1] == ' ')) {
      *out = (enum ehlo_stage)s;
      return true;
    }
  }
  return false;
}

static int hex(char c) {
  const char *digits = "0123456789abcdef";
  const char *place = c != '\0' ? strchr(digits, c) : NULL;
  return place != NULL ? (int)(place - digits) : -1;
}

// The server's line between quotes; its escapes are those of transcripts.
static size_t read_line(uint8_t line[EXPLAIN_FAILURE_LINE_MAX], const char *text) {
  const char *at = behind(text, ": \"");
  const char *end = at != NULL ? strrchr(at, '"') : NULL;
  size_t len = 0;
  while (end != NULL && at < end && len < EXPLAIN_FAILURE_LINE_MAX) {
    bool escaped = at[0] == '\\' && at[1] == 'x' && hex(at[2]) >= 0 && hex(at[3]) >= 0;
    line[len++] = escaped ? (uint8_t)(hex(at[2]) << 4 | hex(at[3])) : (uint8_t)*at;
    at += escaped ? 4 : 1;
  }
  return len;
}

static const char *read_problem(struct explain_failure *out, const char *text) {
  const char *found = NULL;
  for (int p = EHLO_PROBLEM_NONE + 1; p <= EHLO_PROBLEM_MESSAGE && found == NULL; p++) {
    found = behind(text, ehlo_submit_problem_text((enum ehlo_submit_problem)p));
    out->problem = found != NULL ? (enum ehlo_submit_problem)p : EHLO_PROBLEM_NONE;
  }
  // The extension is named in place of the engine's words.
  if (strstr(text, "the server does not offer ") != NULL && strstr(text, "; nothing was sent")) {
    out->problem = EHLO_PROBLEM_UNSUPPORTED;
    found = text;
  }
  return found;
}

// What the system says of a connection that there was.
static const char *read_system(struct explain_failure *out, const char *text) {
  static const char *const broken[] = {"the connection broke", "Connection reset by peer",
                                       "ECONNRESET", "Broken pipe", "EPIPE"};
  const char *found = NULL;
  for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]) && found == NULL; i++) {
    found = behind(text, broken[i]);
  }
  out->status = found != NULL ? EHLO_E_RESET : EHLO_OK;
  return found;
}

static const char *read_status(struct explain_failure *out, const char *text) {
  const char *found = NULL;
  for (int s = EHLO_OK + 1; s < EHLO_NUM_STATUS && found == NULL; s++) {
    found = behind(text, ehlo_status_text((enum ehlo_status)s));
    out->status = found != NULL ? (enum ehlo_status)s : EHLO_OK;
  }
  return found != NULL ? found : read_system(out, text);
}

bool explain_failure_read(struct explain_failure *out, uint8_t line[EXPLAIN_FAILURE_LINE_MAX],
                          bool *out_stage_known, enum ehlo_stage *out_stage, const char *text) {
  *out = (struct explain_failure){0};
  *out_stage_known = read_stage(out_stage, text);
  const char *found = read_problem(out, text);
  found = found != NULL ? found : read_status(out, text);
  if (strstr(text, "the server may have") != NULL) {
    out->outcome = EHLO_OUTCOME_UNKNOWN;
    return true;
  }
  if (found != NULL && ehlo_status_class(out->status) == EHLO_CLASS_CALLER) {
    out->problem = EHLO_PROBLEM_ARGUMENT;
  }
  if (found != NULL) {
    out->line = (struct ehlo_span){line, read_line(line, found)};
    out->unfinished = ehlo_status_class(out->status) == EHLO_CLASS_TRANSPORT &&
                      (out->line.len > 0 || strstr(found, "the reply was not finished") != NULL);
  }
  return found != NULL;
}
