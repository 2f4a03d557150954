// What a whole reply does: engine/SPECIFICATION.md, "Where a reply leads" to "421".
#include "fuzz/model.h"
#include "fuzz/model_parts.h"
#include "fuzz/reference.h"

// What the table says, one row for each verb. SAME is "=", WRONG is "!", the others are names of states.
#define SAME (-1)
#define WRONG (-2)
#define OWN (-3)  // in words, below
static const struct {
  int two;
  int three;
  int four_five;
} rows[EHLO_NUM_VERBS] = {
    [EHLO_VERB_GREETING] = {OWN, WRONG, EHLO_STATE_REFUSED},
    [EHLO_VERB_EHLO] = {EHLO_STATE_READY, WRONG, SAME},
    [EHLO_VERB_HELO] = {EHLO_STATE_READY, WRONG, SAME},
    [EHLO_VERB_LHLO] = {EHLO_STATE_READY, WRONG, SAME},
    [EHLO_VERB_STARTTLS] = {OWN, WRONG, SAME},
    [EHLO_VERB_AUTH] = {EHLO_STATE_READY, OWN, OWN},
    [EHLO_VERB_MAIL] = {EHLO_STATE_MAIL, WRONG, SAME},
    [EHLO_VERB_RCPT] = {OWN, WRONG, SAME},
    [EHLO_VERB_DATA] = {WRONG, OWN, SAME},
    [EHLO_VERB_BODY] = {OWN, WRONG, OWN},
    [EHLO_VERB_BDAT] = {OWN, WRONG, OWN},
    [EHLO_VERB_RSET] = {OWN, WRONG, SAME},
    [EHLO_VERB_XCLIENT] = {EHLO_STATE_GREETED, WRONG, SAME},
    [EHLO_VERB_NOOP] = {SAME, WRONG, SAME},
    [EHLO_VERB_VRFY] = {SAME, WRONG, SAME},
    [EHLO_VERB_EXPN] = {SAME, WRONG, SAME},
    [EHLO_VERB_HELP] = {SAME, WRONG, SAME},
    [EHLO_VERB_ETRN] = {SAME, WRONG, SAME},
    [EHLO_VERB_OTHER] = {SAME, SAME, SAME},
    [EHLO_VERB_QUIT] = {EHLO_STATE_CLOSED, EHLO_STATE_CLOSED, EHLO_STATE_CLOSED},
};

// Whether the oldest command gets one reply for each recipient, and how many are still to come then.
static bool by_recipient(const struct ehlo_model *m) {
  return m->lmtp && m->num_pending > 0 &&
         (m->pending[0].verb == EHLO_VERB_BODY ||
          (m->pending[0].verb == EHLO_VERB_BDAT && m->pending[0].last));
}

static size_t num_due(const struct ehlo_model *m) {
  return by_recipient(m) ? m->num_accepted - m->num_had - 1 : 0;
}

static int after_message(const struct ehlo_model *m) {
  return num_due(m) > 0 ? SAME : EHLO_STATE_READY;
}

static int after_chunk(const struct ehlo_model *m) {
  if (m->confirmed == EHLO_STATE_GREETED || m->confirmed == EHLO_STATE_REFUSED) {
    return SAME;
  }
  return m->pending[0].last ? after_message(m) : EHLO_STATE_CHUNKED;
}

// The cells that the table says in words.
static int own(const struct ehlo_model *m, enum ehlo_verb verb) {
  bool open = m->confirmed == EHLO_STATE_MAIL || m->confirmed == EHLO_STATE_RCPT;
  switch ((int)verb) {
    case EHLO_VERB_GREETING:
      return m->code == 220 ? EHLO_STATE_GREETED : WRONG;
    case EHLO_VERB_STARTTLS:
      return m->code == 220 && !m->secure ? EHLO_STATE_TLS : WRONG;
    case EHLO_VERB_AUTH:
      if (m->code / 100 == 3) {
        return m->code == 334 ? EHLO_STATE_AUTH : WRONG;
      }
      return m->confirmed == EHLO_STATE_AUTH ? EHLO_STATE_READY : SAME;
    case EHLO_VERB_RCPT:
      return open ? EHLO_STATE_RCPT : SAME;
    case EHLO_VERB_DATA:
      return m->code == 354 && (!m->lmtp || m->confirmed == EHLO_STATE_RCPT) ? EHLO_STATE_BODY
                                                                             : WRONG;
    case EHLO_VERB_BODY:
      return after_message(m);
    case EHLO_VERB_BDAT:
      return after_chunk(m);
    case EHLO_VERB_RSET:
      return m->confirmed == EHLO_STATE_GREETED ? SAME : EHLO_STATE_READY;
    default:
      EHLO_FUZZ_CHECK(!"a cell in words");
      return WRONG;
  }
}

static int leads_to(const struct ehlo_model *m, enum ehlo_verb verb) {
  int class = m->code / 100;
  int cell = class == 2 ? rows[verb].two : class == 3 ? rows[verb].three : rows[verb].four_five;
  return cell == OWN ? own(m, verb) : cell;
}

// RFC 3463, section 2: class "." subject "." detail, at the front of the first line's text, up to a blank,
// which a tab is too.
static struct ehlo_enhanced read_enhanced(struct ehlo_span reply) {
  struct ehlo_enhanced none = {0, 0, 0};
  size_t end = ehlo_model_find(reply, "\r");
  struct ehlo_span text = {reply.bytes + 4, end > 4 ? end - 4 : 0};
  struct ehlo_span code = ehlo_model_take_word(&text, " \t");
  struct ehlo_span class = ehlo_model_take_word(&code, ".");
  struct ehlo_span subject = ehlo_model_take_word(&code, ".");
  uint64_t s;
  uint64_t d;
  bool is_class = class.len == 1 && ehlo_model_is_one_of(class.bytes[0], "245");
  if (!is_class || subject.len > 3 || code.len > 3 || !ehlo_model_number(&s, subject, 999) ||
      !ehlo_model_number(&d, code, 999)) {
    return none;
  }
  return (struct ehlo_enhanced){(uint16_t)(class.bytes[0] - '0'), (uint16_t)s, (uint16_t)d};
}

static struct ehlo_span reply_text(const struct ehlo_model *m) {
  return (struct ehlo_span){m->server.bytes + m->reply_at, m->line_at - m->reply_at};
}

static void read_challenge(struct ehlo_model *m, struct ehlo_model_event *event) {
  struct ehlo_span text = reply_text(m);
  size_t from = text.len > 6 ? 4 : text.len - 2;
  event->type = EHLO_EVENT_CHALLENGE;
  event->challenge.at = m->challenges.len;
  event->challenge_valid =
      m->num_lines == 1 &&
      ehlo_reference_unbase64(&m->challenges, text.bytes + from, text.len - 2 - from);
  if (!event->challenge_valid) {
    m->challenges.len = event->challenge.at;
  }
  event->challenge.len = m->challenges.len - event->challenge.at;
}

static struct ehlo_model_event *add_reply(struct ehlo_model *m, enum ehlo_verb verb) {
  struct ehlo_model_event *event = ehlo_model_add_event(m, EHLO_EVENT_REPLY);
  event->verb = verb;
  event->code = m->code;
  event->enhanced = read_enhanced(reply_text(m));
  event->num_lines = m->num_lines;
  event->text = (struct ehlo_model_range){m->reply_at, m->line_at - m->reply_at};
  event->of_recipient = verb == EHLO_VERB_RCPT || by_recipient(m);
  event->recipient = verb == EHLO_VERB_RCPT ? m->num_recipients : by_recipient(m) ? m->num_had : 0;
  return event;
}

// "What is remembered besides".
static void remember(struct ehlo_model *m, enum ehlo_verb verb) {
  bool success = m->code / 100 == 2;
  bool open = m->confirmed == EHLO_STATE_MAIL || m->confirmed == EHLO_STATE_RCPT;
  if (success && (verb == EHLO_VERB_EHLO || verb == EHLO_VERB_HELO || verb == EHLO_VERB_LHLO ||
                  verb == EHLO_VERB_XCLIENT)) {
    m->lmtp = verb == EHLO_VERB_LHLO;
    ehlo_model_forget_offers(m);
  }
  if (success && (verb == EHLO_VERB_EHLO || verb == EHLO_VERB_LHLO)) {
    ehlo_model_learn_offers(m, reply_text(m));
  }
  if (success && (verb == EHLO_VERB_AUTH || verb == EHLO_VERB_XCLIENT)) {
    m->authenticated = verb == EHLO_VERB_AUTH;
  }
  if (verb == EHLO_VERB_MAIL && (success || !(open || m->confirmed == EHLO_STATE_CHUNKED))) {
    m->num_recipients = 0;
    m->num_accepted = 0;
  }
  if (verb == EHLO_VERB_RCPT) {
    m->num_recipients++;
    m->num_accepted += success && open;
  }
}

// What comes right behind the event of the reply.
static void follow(struct ehlo_model *m, enum ehlo_verb verb) {
  if (verb == EHLO_VERB_STARTTLS && m->confirmed == EHLO_STATE_TLS) {
    ehlo_model_add_event(m, EHLO_EVENT_TLS_WANTED);
  } else if (verb == EHLO_VERB_DATA && m->confirmed == EHLO_STATE_BODY) {
    ehlo_model_add_event(m, EHLO_EVENT_BODY_WANTED);
    m->refused = EHLO_OK;
    m->in_line = false;
    m->cr = false;
  } else if (m->confirmed == EHLO_STATE_CLOSED) {
    ehlo_model_close(m);
  }
}

// 2 to 5 of "A whole reply": why it cannot be.
static enum ehlo_status wrong(const struct ehlo_model *m, enum ehlo_verb verb) {
  if (verb == EHLO_VERB_NONE) {
    return EHLO_E_REPLY_UNEXPECTED;
  }
  if (!ehlo_model_oldest_is_sent(m)) {
    return EHLO_E_REPLY_EARLY;
  }
  if (leads_to(m, verb) == WRONG) {
    return EHLO_E_REPLY_IMPOSSIBLE;
  }
  bool challenge = verb == EHLO_VERB_AUTH && m->code == 334;
  return challenge && m->num_challenges == EHLO_CHALLENGES_MAX ? EHLO_E_TOO_MANY_CHALLENGES
                                                               : EHLO_OK;
}

void ehlo_model_reply(struct ehlo_model *m, struct ehlo_model_range last_line) {
  enum ehlo_verb verb = ehlo_model_oldest(m);
  if (m->code == 421) {
    add_reply(m, verb);
    ehlo_model_close(m);
    return;
  }
  enum ehlo_status status = wrong(m, verb);
  if (status != EHLO_OK) {
    ehlo_model_fail(m, status, m->reply_at, last_line);
    return;
  }
  struct ehlo_model_event *event = add_reply(m, verb);
  event->num_due = num_due(m);
  if (verb == EHLO_VERB_AUTH && m->code == 334) {
    read_challenge(m, event);
    m->num_challenges++;
  }
  int to = leads_to(m, verb);
  bool answered = event->num_due == 0;
  remember(m, verb);
  m->confirmed = to == SAME ? m->confirmed : (enum ehlo_state)to;
  m->wait_ms = m->now_ms;
  if (answered) {
    ehlo_model_pop(m);
  } else {
    m->num_had++;
  }
  follow(m, verb);
  ehlo_model_settle(m);
}
