// The state machine of an SMTP client session (RFC 5321 §4.1.4 order of commands, §4.3.2 reply
// sequences; RFC 2920 pipelining; RFC 3030 BDAT; RFC 3207 STARTTLS; RFC 4954 AUTH; RFC 2033 LMTP).
//
// Two states are kept by the client: the one that the replies have confirmed, and the intent, where
// the session will be if everything outstanding succeeds. Commands are judged by the intent
// (ehlo_state_is_legal, ehlo_state_on_send), replies move the confirmed state
// (ehlo_state_on_reply). With nothing outstanding both are the same.
//
// Replies by class: 2yz succeeds, 4yz and 5yz leave the session where it was, 3yz belongs to DATA
// (354) and AUTH (334) alone. A 421 ends the session whatever was asked (RFC 5321 §3.8).
#include "engine/state.h"

#define VERB(v) (1U << EHLO_VERB_##v)
#define ANY_TIME (VERB(NOOP) | VERB(HELP) | VERB(QUIT) | VERB(OTHER))
#define INQUIRY (VERB(VRFY) | VERB(EXPN))
#define HELLO (VERB(EHLO) | VERB(HELO) | VERB(LHLO))

// state × verb. What is not here is not legal.
static const uint32_t legal[EHLO_NUM_STATES] = {
    [EHLO_STATE_CONNECT] = 0,
    [EHLO_STATE_GREETED] = HELLO | VERB(RSET) | INQUIRY | ANY_TIME,
    [EHLO_STATE_REFUSED] = VERB(QUIT),
    [EHLO_STATE_READY] = HELLO | VERB(STARTTLS) | VERB(AUTH) | VERB(MAIL) | VERB(RSET) | INQUIRY |
                         VERB(ETRN) | VERB(XCLIENT) | ANY_TIME,
    [EHLO_STATE_TLS] = 0,
    [EHLO_STATE_AUTH] = VERB(AUTH),
    [EHLO_STATE_MAIL] = HELLO | VERB(RCPT) | VERB(RSET) | INQUIRY | ANY_TIME,
    [EHLO_STATE_RCPT] =
        HELLO | VERB(RCPT) | VERB(DATA) | VERB(BDAT) | VERB(RSET) | INQUIRY | ANY_TIME,
    [EHLO_STATE_DATA] = 0,
    [EHLO_STATE_BODY] = VERB(BODY),
    [EHLO_STATE_CHUNK] = 0,
    [EHLO_STATE_CHUNKED] = VERB(BDAT) | VERB(RSET) | VERB(NOOP) | VERB(QUIT),
    [EHLO_STATE_QUIT] = 0,
    [EHLO_STATE_CLOSED] = 0,
    [EHLO_STATE_FAILED] = 0,
};

bool ehlo_state_is_legal(enum ehlo_state state, enum ehlo_verb verb) {
  return (legal[state] >> verb & 1) != 0;
}

bool ehlo_state_may_follow(enum ehlo_verb verb) {
  const uint32_t anywhere = VERB(MAIL) | VERB(RCPT) | VERB(RSET) | VERB(BODY) | VERB(BDAT);
  return (anywhere >> verb & 1) != 0;
}

enum ehlo_state ehlo_state_on_send(enum ehlo_state state, enum ehlo_verb verb) {
  switch (verb) {
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
    case EHLO_VERB_AUTH:
    case EHLO_VERB_BODY:
      return EHLO_STATE_READY;
    case EHLO_VERB_XCLIENT:
      return EHLO_STATE_GREETED;
    case EHLO_VERB_STARTTLS:
      return EHLO_STATE_TLS;
    case EHLO_VERB_MAIL:
      return EHLO_STATE_MAIL;
    case EHLO_VERB_RCPT:
      return EHLO_STATE_RCPT;
    case EHLO_VERB_DATA:
      return EHLO_STATE_DATA;
    case EHLO_VERB_BDAT:
      return EHLO_STATE_CHUNK;
    case EHLO_VERB_RSET:
      return state == EHLO_STATE_GREETED ? EHLO_STATE_GREETED : EHLO_STATE_READY;
    case EHLO_VERB_QUIT:
      return EHLO_STATE_QUIT;
    case EHLO_VERB_NONE:
    case EHLO_VERB_GREETING:
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_ETRN:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      return state;
  }
  return state;
}

static struct ehlo_transition go(enum ehlo_state next) {
  return (struct ehlo_transition){next, EHLO_EVENT_NONE, EHLO_OK};
}

static struct ehlo_transition go_then(enum ehlo_state next, enum ehlo_event_type follow_up) {
  return (struct ehlo_transition){next, follow_up, EHLO_OK};
}

static struct ehlo_transition impossible(void) {
  return (struct ehlo_transition){EHLO_STATE_FAILED, EHLO_EVENT_NONE, EHLO_E_REPLY_IMPOSSIBLE};
}

// For commands that only ever succeed or fail: 2yz leads to `success`, 4yz and 5yz to `state`.
static struct ehlo_transition succeed_or_stay(enum ehlo_state state, enum ehlo_state success,
                                              uint16_t code) {
  if (code / 100 == 3) {
    return impossible();
  }
  return go(code / 100 == 2 ? success : state);
}

static struct ehlo_transition on_greeting(uint16_t code) {
  if (code == 220) {
    return go(EHLO_STATE_GREETED);
  }
  return code >= 400 ? go(EHLO_STATE_REFUSED) : impossible();
}

// RFC 3207 §4.2: TLS does not begin under TLS, whatever a server says to a line that asks for it.
static struct ehlo_transition on_starttls(enum ehlo_state state, uint16_t code, unsigned context) {
  if (code == 220 && (context & EHLO_REPLY_SECURE) == 0) {
    return go_then(EHLO_STATE_TLS, EHLO_EVENT_TLS_WANTED);
  }
  return code >= 400 ? go(state) : impossible();
}

static struct ehlo_transition on_auth(enum ehlo_state state, uint16_t code) {
  if (code == 334) {
    return go(EHLO_STATE_AUTH);
  }
  return succeed_or_stay(state == EHLO_STATE_AUTH ? EHLO_STATE_READY : state, EHLO_STATE_READY,
                         code);
}

// RFC 5321 §3.3: a recipient belongs to the transaction that MAIL opened. A 2yz where no MAIL was
// accepted opens none.
static struct ehlo_transition on_rcpt(enum ehlo_state state, uint16_t code) {
  bool open = state == EHLO_STATE_MAIL || state == EHLO_STATE_RCPT;
  return succeed_or_stay(state, open ? EHLO_STATE_RCPT : state, code);
}

// RFC 2033 §4.2: without an accepted recipient an LMTP server refuses DATA. The replies to the message
// would be none, and its fate unknown.
static struct ehlo_transition on_data(enum ehlo_state state, uint16_t code, unsigned context) {
  bool no_recipient = (context & EHLO_REPLY_LMTP) != 0 && state != EHLO_STATE_RCPT;
  if (code == 354 && !no_recipient) {
    return go_then(EHLO_STATE_BODY, EHLO_EVENT_BODY_WANTED);
  }
  return code >= 400 ? go(state) : impossible();
}

// After the message the transaction is over either way, in LMTP with the last of its replies.
static struct ehlo_transition on_body(enum ehlo_state state, uint16_t code, unsigned context) {
  enum ehlo_state next = (context & EHLO_REPLY_MORE_DUE) != 0 ? state : EHLO_STATE_READY;
  return succeed_or_stay(next, next, code);
}

enum ehlo_state ehlo_state_on_chunk(bool last_chunk) {
  return last_chunk ? EHLO_STATE_READY : EHLO_STATE_CHUNKED;
}

// RFC 3030 §2: a chunk that is refused spoils the message; only RSET or QUIT make sense after it.
// Where no EHLO was accepted there is no message either.
static struct ehlo_transition on_bdat(enum ehlo_state state, uint16_t code, unsigned context) {
  if (state == EHLO_STATE_GREETED || state == EHLO_STATE_REFUSED) {
    return succeed_or_stay(state, state, code);
  }
  if ((context & EHLO_REPLY_LAST_CHUNK) != 0) {
    return on_body(state, code, context);
  }
  enum ehlo_state next = ehlo_state_on_chunk(false);
  return succeed_or_stay(next, next, code);
}

static struct ehlo_transition on_rset(enum ehlo_state state, uint16_t code) {
  return succeed_or_stay(state, ehlo_state_on_send(state, EHLO_VERB_RSET), code);
}

struct ehlo_transition ehlo_state_on_reply(enum ehlo_state state, enum ehlo_verb verb,
                                           uint16_t code, unsigned context) {
  if (code == 421) {
    return go_then(EHLO_STATE_CLOSED, EHLO_EVENT_CLOSED);
  }
  switch (verb) {
    case EHLO_VERB_GREETING:
      return on_greeting(code);
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
      return succeed_or_stay(state, EHLO_STATE_READY, code);
    case EHLO_VERB_XCLIENT:
      return succeed_or_stay(state, EHLO_STATE_GREETED, code);
    case EHLO_VERB_STARTTLS:
      return on_starttls(state, code, context);
    case EHLO_VERB_AUTH:
      return on_auth(state, code);
    case EHLO_VERB_MAIL:
      return succeed_or_stay(state, EHLO_STATE_MAIL, code);
    case EHLO_VERB_RCPT:
      return on_rcpt(state, code);
    case EHLO_VERB_DATA:
      return on_data(state, code, context);
    case EHLO_VERB_BODY:
      return on_body(state, code, context);
    case EHLO_VERB_BDAT:
      return on_bdat(state, code, context);
    case EHLO_VERB_RSET:
      return on_rset(state, code);
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_ETRN:
      return succeed_or_stay(state, state, code);
    case EHLO_VERB_OTHER:
      return go(state);
    case EHLO_VERB_QUIT:
      return go_then(EHLO_STATE_CLOSED, EHLO_EVENT_CLOSED);
    case EHLO_VERB_NONE:
    case EHLO_NUM_VERBS:
      break;
  }
  return (struct ehlo_transition){EHLO_STATE_FAILED, EHLO_EVENT_NONE, EHLO_E_REPLY_UNEXPECTED};
}

enum ehlo_state ehlo_state_on_tls(enum ehlo_state state) {
  return state == EHLO_STATE_TLS ? EHLO_STATE_GREETED : state;
}
