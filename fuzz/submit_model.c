// See submit_model.h. This file has the way to the messages, but for AUTH, which is in lock-step:
// at each point there is one line that may be said, or none.
#include "fuzz/submit_model.h"

#include <string.h>

#define CHECK(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, condition)

// ---- Lines --------------------------------------------------------------------------------------

static void put(struct ehlo_submit_model *m, const void *bytes, size_t len) {
  EHLO_FUZZ_CHECK(len <= sizeof(m->line) - m->line_len);
  if (len > 0) {
    memcpy(m->line + m->line_len, bytes, len);
  }
  m->line_len += len;
}

static void put_text(struct ehlo_submit_model *m, const char *text) {
  put(m, text, strlen(text));
}

void ehlo_model_want(struct ehlo_submit_model *m, enum ehlo_model_command command, const char *verb,
                     struct ehlo_span argument) {
  m->want = EHLO_WANT_LINE;
  m->line_command = command;
  m->line_len = 0;
  m->line_secret = 0;
  put_text(m, verb);
  put(m, argument.bytes, argument.len);
}

const struct ehlo_span ehlo_model_nothing = {NULL, 0};

void ehlo_model_want_quit(struct ehlo_submit_model *m) {
  ehlo_model_want(m, EHLO_MODEL_QUIT, "QUIT", ehlo_model_nothing);
}

static void want_hello(struct ehlo_submit_model *m) {
  ehlo_model_want(m, EHLO_MODEL_EHLO, m->in->config.lmtp ? "LHLO " : "EHLO ",
                  m->in->config.helo_name);
}

// ---- The session --------------------------------------------------------------------------------

void ehlo_model_push(struct ehlo_submit_model *m, enum ehlo_model_command command,
                     size_t transaction, size_t recipient) {
  CHECK(m->num_due < EHLO_PENDING_MAX);
  m->due[m->num_due++] = (struct ehlo_model_due){command, transaction, recipient};
}

bool ehlo_model_all_decided(const struct ehlo_submit_model *m) {
  for (size_t i = 0; i < m->in->config.num_messages; i++) {
    if (m->messages[i].verdict.outcome == EHLO_OUTCOME_OPEN) {
      return false;
    }
  }
  return true;
}

void ehlo_model_end_all(struct ehlo_submit_model *m, enum ehlo_outcome outcome, int stage,
                        int problem) {
  for (size_t i = 0; i < m->in->config.num_messages; i++) {
    ehlo_model_decide(m, i, outcome, stage, problem);
  }
  if (m->in->config.num_messages == 0 && m->verdict.outcome == EHLO_OUTCOME_OPEN) {
    m->verdict = (struct ehlo_model_verdict){outcome, stage, problem, false};
  }
  ehlo_model_want_quit(m);
}

void ehlo_model_end_by_code(struct ehlo_submit_model *m, unsigned code, enum ehlo_stage stage) {
  ehlo_model_end_all(m, code / 100 == 4 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED, (int)stage,
                     EHLO_PROBLEM_NONE);
}

// Ends after a stage, where that was asked for.
bool ehlo_model_stops(struct ehlo_submit_model *m, enum ehlo_stage stage) {
  if (!m->in->config.stop || m->in->config.stop_after != stage) {
    return false;
  }
  ehlo_model_end_all(m, EHLO_OUTCOME_STOPPED, (int)stage, EHLO_PROBLEM_NONE);
  return true;
}

void ehlo_submit_model_init(struct ehlo_submit_model *m, const struct ehlo_submit_input *in) {
  memset(m, 0, sizeof(*m));
  m->in = in;
  ehlo_model_push(m, EHLO_MODEL_GREETING, 0, 0);
}

// ---- From the greeting on -----------------------------------------------------------------------

static void want_login(struct ehlo_submit_model *m) {
  if (m->in->config.credentials != NULL) {
    ehlo_model_want_auth(m);
  } else if (!ehlo_model_stops(m, EHLO_STAGE_AUTH)) {
    ehlo_model_begin_envelopes(m);
  }
}

// After STARTTLS is after TLS: behind the 220 nothing may be said before it.
static bool stops_short_of_tls(struct ehlo_submit_model *m) {
  if (!m->in->config.stop || m->in->config.stop_after != EHLO_STAGE_STARTTLS) {
    return false;
  }
  ehlo_model_end_all(m, EHLO_OUTCOME_STOPPED, EHLO_STAGE_TLS, EHLO_PROBLEM_NONE);
  return true;
}

// An EHLO, or HELO, was accepted.
static void on_hello(struct ehlo_submit_model *m) {
  bool tls_due = m->in->config.tls == EHLO_TLS_STARTTLS && !m->secure;
  if (ehlo_model_stops(m, EHLO_STAGE_EHLO)) {
    return;
  }
  if (!tls_due && (ehlo_model_stops(m, EHLO_STAGE_TLS) || stops_short_of_tls(m))) {
    return;
  }
  if (tls_due) {
    if ((m->offer.bits & EHLO_OFFER_STARTTLS) == 0) {
      ehlo_model_end_all(m, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS, EHLO_PROBLEM_NO_STARTTLS);
    } else {
      ehlo_model_want(m, EHLO_MODEL_STARTTLS, "STARTTLS", ehlo_model_nothing);
    }
  } else if (m->in->config.xclient.len > 0 && !m->greeted_anew) {
    if ((m->offer.bits & EHLO_OFFER_XCLIENT) == 0) {
      ehlo_model_end_all(m, EHLO_OUTCOME_USAGE, EHLO_STAGE_EHLO, EHLO_PROBLEM_UNSUPPORTED);
    } else {
      ehlo_model_want(m, EHLO_MODEL_XCLIENT, "XCLIENT ", m->in->config.xclient);
    }
  } else {
    want_login(m);
  }
}

static void on_hello_refused(struct ehlo_submit_model *m, enum ehlo_model_command what,
                             unsigned code) {
  bool tls_due = m->in->config.tls == EHLO_TLS_STARTTLS && !m->secure;
  bool unknown = code == 500 || code == 502 || code == 504;
  if (tls_due && unknown) {
    ehlo_model_end_all(m, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS, EHLO_PROBLEM_NO_STARTTLS);
  } else if (code / 100 == 5 && what == EHLO_MODEL_EHLO && !m->in->config.lmtp && !tls_due) {
    ehlo_model_want(m, EHLO_MODEL_HELO, "HELO ", m->in->config.helo_name);
  } else {
    ehlo_model_end_by_code(m, code, EHLO_STAGE_EHLO);
  }
}

static void on_greeting(struct ehlo_submit_model *m, unsigned code) {
  if (m->in->config.tls == EHLO_TLS_IMPLICIT && !m->secure) {
    ehlo_model_end_all(m, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_TLS, EHLO_PROBLEM_NO_TLS);
  } else if (ehlo_model_stops(m, EHLO_STAGE_CONNECT)) {
  } else if (code != 220) {
    ehlo_model_end_by_code(m, code, EHLO_STAGE_GREETING);
  } else if (!ehlo_model_stops(m, EHLO_STAGE_GREETING)) {
    want_hello(m);
  }
}

static void on_starttls(struct ehlo_submit_model *m, unsigned code) {
  if (code != 220) {
    ehlo_model_end_all(m, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS, EHLO_PROBLEM_NONE);
    return;
  }
  m->want = EHLO_WANT_TLS;
}

void ehlo_submit_model_tls(struct ehlo_submit_model *m) {
  CHECK(m->want == EHLO_WANT_TLS || m->due[0].command == EHLO_MODEL_GREETING);
  m->secure = true;
  memset(&m->offer, 0, sizeof(m->offer));  // RFC 3207, section 4.2
  if (m->want == EHLO_WANT_TLS && !ehlo_model_stops(m, EHLO_STAGE_STARTTLS)) {
    want_hello(m);
  }
}

static void on_hello_reply(struct ehlo_submit_model *m, enum ehlo_model_command command,
                           const struct ehlo_server_reply *reply) {
  if (reply->code / 100 != 2) {
    on_hello_refused(m, command, reply->code);
    return;
  }
  memset(&m->offer, 0, sizeof(m->offer));
  if (reply->offer != NULL && command == EHLO_MODEL_EHLO) {
    m->offer = *reply->offer;
  }
  on_hello(m);
}

static void on_xclient(struct ehlo_submit_model *m, unsigned code) {
  if (code / 100 != 2) {
    ehlo_model_end_by_code(m, code, EHLO_STAGE_EHLO);
  } else {
    memset(&m->offer, 0, sizeof(m->offer));
    m->greeted_anew = true;
    want_hello(m);
  }
}

static void on_session_reply(struct ehlo_submit_model *m, enum ehlo_model_command command,
                             const struct ehlo_server_reply *reply) {
  if (command == EHLO_MODEL_GREETING) {
    on_greeting(m, reply->code);
  } else if (command == EHLO_MODEL_EHLO || command == EHLO_MODEL_HELO) {
    on_hello_reply(m, command, reply);
  } else if (command == EHLO_MODEL_STARTTLS) {
    on_starttls(m, reply->code);
  } else if (command == EHLO_MODEL_XCLIENT) {
    on_xclient(m, reply->code);
  } else if (command == EHLO_MODEL_AUTH) {
    ehlo_model_on_auth_reply(m, reply, !reply->several);
  } else {
    ehlo_model_on_cancelled(m, reply->code);
  }
}

// ---- What is said -------------------------------------------------------------------------------

// Whether a command can have this code, engine/SPECIFICATION.md: "Where a reply leads". A chunk has none
// before its end.
static bool is_possible(const struct ehlo_submit_model *m, enum ehlo_model_command command,
                        unsigned code) {
  static const uint16_t only[EHLO_MODEL_QUIT + 1] = {// besides refusals
                                                     [EHLO_MODEL_GREETING] = 220,
                                                     [EHLO_MODEL_STARTTLS] = 220,
                                                     [EHLO_MODEL_DATA] = 354};
  bool challenge = command == EHLO_MODEL_AUTH || command == EHLO_MODEL_CANCEL;
  if (command == EHLO_MODEL_BDAT && !m->transactions[m->due[0].transaction].given) {
    return false;
  }
  if (code >= 400 || command == EHLO_MODEL_QUIT) {
    return true;
  }
  if (command == EHLO_MODEL_STARTTLS && m->secure) {
    return false;
  }
  if (command == EHLO_MODEL_DATA && m->in->config.lmtp && m->num_accepted == 0) {
    return false;
  }
  return only[command] != 0 ? code == only[command] : code < 300 || (challenge && code == 334);
}

// Where a command stands in a session.
static enum ehlo_stage stage_of(const struct ehlo_submit_model *m,
                                const struct ehlo_model_due *due) {
  static const enum ehlo_stage stages[] = {
      [EHLO_MODEL_GREETING] = EHLO_STAGE_GREETING, [EHLO_MODEL_EHLO] = EHLO_STAGE_EHLO,
      [EHLO_MODEL_HELO] = EHLO_STAGE_EHLO,         [EHLO_MODEL_STARTTLS] = EHLO_STAGE_STARTTLS,
      [EHLO_MODEL_XCLIENT] = EHLO_STAGE_EHLO,      [EHLO_MODEL_AUTH] = EHLO_STAGE_AUTH,
      [EHLO_MODEL_CANCEL] = EHLO_STAGE_AUTH,       [EHLO_MODEL_MAIL] = EHLO_STAGE_MAIL,
      [EHLO_MODEL_RCPT] = EHLO_STAGE_RCPT,         [EHLO_MODEL_DATA] = EHLO_STAGE_DATA,
      [EHLO_MODEL_BODY] = EHLO_STAGE_BODY,         [EHLO_MODEL_BDAT] = EHLO_STAGE_BODY,
      [EHLO_MODEL_RSET] = EHLO_STAGE_MAIL,         [EHLO_MODEL_QUIT] = EHLO_STAGE_QUIT,
  };
  bool tls =
      due->command == EHLO_MODEL_GREETING && !m->secure && m->in->config.tls == EHLO_TLS_IMPLICIT;
  return tls ? EHLO_STAGE_TLS : stages[due->command];
}

// The stage of the oldest command of this message that has no reply, or else of the session.
static int oldest_stage(const struct ehlo_submit_model *m, size_t message) {
  if (m->num_due == 0) {
    return m->want == EHLO_WANT_TLS ? EHLO_STAGE_TLS : -1;
  }
  for (size_t i = 0; i < m->num_due; i++) {
    const struct ehlo_model_due *due = &m->due[i];
    bool envelope = due->command >= EHLO_MODEL_MAIL && due->command < EHLO_MODEL_RSET;
    if (envelope && m->transactions[due->transaction].message == message) {
      return (int)stage_of(m, due);
    }
  }
  return (int)stage_of(m, &m->due[0]);
}

// The session is over: nothing more may be said. A 421 is for all messages at the command that it
// answers.
static void end(struct ehlo_submit_model *m, enum ehlo_outcome outcome, bool sent) {
  size_t num = m->in->config.num_messages;
  for (size_t i = 0; i < num && outcome != EHLO_OUTCOME_DEFERRED; i++) {
    ehlo_model_decide(m, i, outcome, sent ? oldest_stage(m, i) : -1, EHLO_PROBLEM_NONE);
  }
  ehlo_model_end_all(m, outcome, sent ? oldest_stage(m, num) : -1, EHLO_PROBLEM_NONE);
  m->want = EHLO_WANT_END;
  m->ended = true;
}

// RFC 3207, section 6: whoever stands in between may have put it there.
void ehlo_submit_model_inject(struct ehlo_submit_model *m) {
  end(m, EHLO_OUTCOME_PROTOCOL_ERROR, false);
}

void ehlo_submit_model_reply(struct ehlo_submit_model *m, const struct ehlo_server_reply *reply) {
  m->about_recipient = false;
  if (m->ended) {
    return;
  }
  if (reply->code == 421 && m->want != EHLO_WANT_TLS) {
    if (m->num_due > 0 && m->due[0].command == EHLO_MODEL_GREETING) {
      ehlo_model_end_all(m, EHLO_OUTCOME_DEFERRED, EHLO_STAGE_GREETING, EHLO_PROBLEM_NONE);
    }
    if (m->num_due > 0) {
      ehlo_model_envelope_last(m, &m->due[0]);
    }
    end(m, EHLO_OUTCOME_DEFERRED, true);
    return;
  }
  if (reply->code < 200 || m->num_due == 0 || m->want == EHLO_WANT_TLS ||
      !is_possible(m, m->due[0].command, reply->code) ||
      ehlo_model_is_challenge_too_many(m, m->due[0].command, reply->code)) {
    end(m, EHLO_OUTCOME_PROTOCOL_ERROR, true);
    return;
  }
  struct ehlo_model_due due = m->due[0];
  if (due.command == EHLO_MODEL_QUIT) {
    m->want = EHLO_WANT_END;
    m->ended = true;
  } else if (due.command >= EHLO_MODEL_MAIL) {
    ehlo_model_envelope_reply(m, &due, reply);
  } else {
    memmove(m->due, m->due + 1, --m->num_due * sizeof(m->due[0]));
    on_session_reply(m, due.command, reply);
  }
}

static void mark_in_doubt(struct ehlo_submit_model *m, bool decide) {
  for (size_t i = 0; i < m->num_transactions; i++) {
    struct ehlo_model_transaction *t = &m->transactions[i];
    struct ehlo_model_message *message = &m->messages[t->message];
    bool somebody = t->num_taken > t->num_final || t->num_replies < t->num_to;
    if (message->under_way && t->given && t->num_due > 0 && t->mail_code / 100 <= 2 && somebody &&
        message->verdict.outcome == EHLO_OUTCOME_OPEN && decide) {
      ehlo_model_decide(m, t->message, EHLO_OUTCOME_UNKNOWN, EHLO_STAGE_BODY, EHLO_PROBLEM_NONE);
    }
  }
}

void ehlo_submit_model_end(struct ehlo_submit_model *m, enum ehlo_status why, bool sent) {
  if (m->ended) {
    return;
  }
  // RFC 5321, section 4.1.1.10: with QUIT outstanding the end is an end in order.
  bool orderly = why != EHLO_E_TIMEOUT && m->num_due > 0 && m->due[0].command == EHLO_MODEL_QUIT;
  enum ehlo_outcome outcome = why == EHLO_E_TIMEOUT             ? EHLO_OUTCOME_TIMEOUT
                              : why == EHLO_E_TLS && !m->secure ? EHLO_OUTCOME_TLS_FAILED
                                                                : EHLO_OUTCOME_LOST;
  if (!orderly) {
    mark_in_doubt(m, true);
  }
  end(m, outcome, sent);
}

void ehlo_submit_model_hear(struct ehlo_submit_model *m, enum ehlo_heard what,
                            struct ehlo_span text, size_t num_secret) {
  if (m->want == EHLO_WANT_ENVELOPE) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, num_secret == 0);
    ehlo_model_hear_envelope(m, what, text);
    return;
  }
  CHECK(m->want == EHLO_WANT_LINE && what == EHLO_HEARD_LINE);
  if (m->line_command == EHLO_MODEL_AUTH) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, m->secure || m->in->client.allow_cleartext_auth);
  }
  CHECK(text.len == m->line_len && memcmp(text.bytes, m->line, text.len) == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, num_secret == m->line_secret);
  m->want = EHLO_WANT_NOTHING;
  m->quit = m->line_command == EHLO_MODEL_QUIT;
  ehlo_model_push(m, m->line_command, 0, 0);
}
