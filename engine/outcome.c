// Names, words and exit statuses of how a submission ends.
#include "engine/submit.h"

const char *ehlo_stage_name(enum ehlo_stage stage) {
  static const char *const names[EHLO_NUM_STAGES] = {
      "connect", "greeting", "ehlo", "starttls", "tls",  "auth",
      "mail",    "rcpt",     "data", "body",     "quit",
  };
  return (unsigned)stage < EHLO_NUM_STAGES ? names[stage] : "unknown";
}

static const struct {
  const char *name;
  int exit_status;
} outcomes[EHLO_NUM_OUTCOMES] = {
    [EHLO_OUTCOME_OPEN] = {"open", 70},
    [EHLO_OUTCOME_ACCEPTED] = {"accepted", 0},
    [EHLO_OUTCOME_PARTIAL] = {"partial", 1},
    [EHLO_OUTCOME_REFUSED] = {"refused", 69},
    [EHLO_OUTCOME_DEFERRED] = {"deferred", 75},
    [EHLO_OUTCOME_UNKNOWN] = {"unknown", 79},
    [EHLO_OUTCOME_STOPPED] = {"stopped", 0},
    [EHLO_OUTCOME_AUTH_REFUSED] = {"auth-refused", 77},
    [EHLO_OUTCOME_TLS_FAILED] = {"tls-failed", 78},
    [EHLO_OUTCOME_PROTOCOL_ERROR] = {"protocol-error", 76},
    [EHLO_OUTCOME_TIMEOUT] = {"timeout", 75},
    [EHLO_OUTCOME_CONNECT_FAILED] = {"connect-failed", 74},
    [EHLO_OUTCOME_LOST] = {"lost", 74},
    [EHLO_OUTCOME_USAGE] = {"usage", 64},
};

const char *ehlo_outcome_name(enum ehlo_outcome outcome) {
  return (unsigned)outcome < EHLO_NUM_OUTCOMES ? outcomes[outcome].name : "unknown";
}

// The problem of a partial one is only that of the last message.
int ehlo_submit_exit_status(const struct ehlo_submit *s) {
  bool of_message =
      s->verdict.problem == EHLO_PROBLEM_8BIT || s->verdict.problem == EHLO_PROBLEM_MESSAGE;
  if (s->verdict.outcome == EHLO_OUTCOME_USAGE && of_message) {
    return 65;  // EX_DATAERR
  }
  return outcomes[s->verdict.outcome].exit_status;
}

const char *ehlo_submit_problem_text(enum ehlo_submit_problem problem) {
  switch (problem) {
    case EHLO_PROBLEM_NONE:
      return "no problem";
    case EHLO_PROBLEM_NO_STARTTLS:
      return "the server does not offer STARTTLS, and nothing may be sent without TLS";
    case EHLO_PROBLEM_NO_TLS:
      return "TLS was to come before anything else, and did not";
    case EHLO_PROBLEM_NO_AUTH:
      return "the server does not offer AUTH";
    case EHLO_PROBLEM_NO_MECHANISM:
      return "the server offers no AUTH mechanism that may be used here";
    case EHLO_PROBLEM_CLEARTEXT:
      return "the password would leave without TLS";
    case EHLO_PROBLEM_CHALLENGE:
      return "the server sent an AUTH challenge that the mechanism has no answer to";
    case EHLO_PROBLEM_CREDENTIALS:
      return "the user name or password has what this AUTH mechanism cannot carry";
    case EHLO_PROBLEM_NONCE:
      return "the server's nonce does not extend ours: somebody may be in between";
    case EHLO_PROBLEM_ITERATIONS:
      return "the server's iteration count is not between 4096 and 600000";
    case EHLO_PROBLEM_EXTENSION:
      return "the server demands an extension of the AUTH mechanism that is not known";
    case EHLO_PROBLEM_SERVER_ERROR:
      return "the server ended the AUTH exchange with an error of its own";
    case EHLO_PROBLEM_PROOF:
      return "the server did not prove that it knows the password";
    case EHLO_PROBLEM_TOO_BIG:
      return "the message is bigger than the SIZE that the server accepts";
    case EHLO_PROBLEM_8BIT:
      return "the message has 8-bit characters and the server does not offer 8BITMIME";
    case EHLO_PROBLEM_UNSUPPORTED:
      return "the server does not offer an extension that this needs";
    case EHLO_PROBLEM_RSET:
      return "the server refuses to end the transaction before (RSET); nothing of this was sent";
    case EHLO_PROBLEM_MAIL_MAX:
      return "the server takes no more messages on this connection";
    case EHLO_PROBLEM_ARGUMENT:
      return "an argument cannot be sent";
    case EHLO_PROBLEM_MESSAGE:
      return "the message cannot be sent";
  }
  return "unknown problem";
}
