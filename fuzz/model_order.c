// The order of commands: engine/SPECIFICATION.md, "Which command is legal" and where sending leads.
#include "fuzz/model_parts.h"

#define NUM_COLUMNS 19

// The columns of the table, in its order.
static const enum ehlo_verb columns[NUM_COLUMNS] = {
    EHLO_VERB_EHLO, EHLO_VERB_HELO,    EHLO_VERB_LHLO, EHLO_VERB_STARTTLS, EHLO_VERB_AUTH,
    EHLO_VERB_MAIL, EHLO_VERB_RCPT,    EHLO_VERB_DATA, EHLO_VERB_BODY,     EHLO_VERB_BDAT,
    EHLO_VERB_RSET, EHLO_VERB_NOOP,    EHLO_VERB_VRFY, EHLO_VERB_EXPN,     EHLO_VERB_HELP,
    EHLO_VERB_ETRN, EHLO_VERB_XCLIENT, EHLO_VERB_QUIT, EHLO_VERB_OTHER};

//   E H L S A M R D b B R N V E X E X Q o
static const char *const table[EHLO_NUM_STATES] = {
    [EHLO_STATE_CONNECT] = "...................",  //
    [EHLO_STATE_GREETED] = "xxx.......xxxxx..xx", [EHLO_STATE_REFUSED] = ".................x.",
    [EHLO_STATE_READY] = "xxxxxx....xxxxxxxxx",   [EHLO_STATE_TLS] = "...................",
    [EHLO_STATE_AUTH] = "....x..............",    [EHLO_STATE_MAIL] = "xxx...x...xxxxx..xx",
    [EHLO_STATE_RCPT] = "xxx...xx.xxxxxx..xx",    [EHLO_STATE_DATA] = "...................",
    [EHLO_STATE_BODY] = "........x..........",    [EHLO_STATE_CHUNK] = "...................",
    [EHLO_STATE_CHUNKED] = ".........xxx.....x.", [EHLO_STATE_QUIT] = "...................",
    [EHLO_STATE_CLOSED] = "...................",  [EHLO_STATE_FAILED] = "...................",
};

static bool in_table(enum ehlo_state state, enum ehlo_verb verb) {
  for (size_t i = 0; i < NUM_COLUMNS; i++) {
    if (columns[i] == verb) {
      return table[state][i] == 'x';
    }
  }
  return false;
}

// RFC 2920, section 3.1: what another command may be sent behind.
static bool may_stand_behind(const struct ehlo_model *m) {
  if (m->num_pending == 0) {
    return true;
  }
  enum ehlo_verb last = m->pending[m->num_pending - 1].verb;
  return (m->offers.bits & EHLO_MODEL_PIPELINING) != 0 &&
         (last == EHLO_VERB_MAIL || last == EHLO_VERB_RCPT || last == EHLO_VERB_RSET ||
          last == EHLO_VERB_BODY || last == EHLO_VERB_BDAT);
}

static enum ehlo_status order(const struct ehlo_model *m, bool legal) {
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (!legal) {
    return EHLO_E_STATE;
  }
  return m->num_pending == EHLO_PENDING_MAX ? EHLO_E_FULL : EHLO_OK;
}

enum ehlo_status ehlo_model_order(const struct ehlo_model *m, enum ehlo_verb verb) {
  return order(m, in_table(m->intent, verb) && may_stand_behind(m));
}

enum ehlo_status ehlo_model_order_raw(const struct ehlo_model *m) {
  return order(m, in_table(m->intent, EHLO_VERB_QUIT) && m->num_pending == 0);
}

enum ehlo_status ehlo_model_special(const struct ehlo_model *m, enum ehlo_verb verb) {
  bool refused = (verb == EHLO_VERB_STARTTLS && m->secure) ||
                 (verb == EHLO_VERB_AUTH && m->authenticated && m->intent != EHLO_STATE_AUTH) ||
                 (verb == EHLO_VERB_DATA && m->binary_mime);
  return refused ? EHLO_E_STATE : EHLO_OK;
}

enum ehlo_state ehlo_model_intent(const struct ehlo_model *m, enum ehlo_verb verb) {
  static const struct {
    enum ehlo_verb verb;
    enum ehlo_state leads_to;
  } rows[] = {
      {EHLO_VERB_EHLO, EHLO_STATE_READY}, {EHLO_VERB_HELO, EHLO_STATE_READY},
      {EHLO_VERB_LHLO, EHLO_STATE_READY}, {EHLO_VERB_AUTH, EHLO_STATE_READY},
      {EHLO_VERB_BODY, EHLO_STATE_READY}, {EHLO_VERB_STARTTLS, EHLO_STATE_TLS},
      {EHLO_VERB_MAIL, EHLO_STATE_MAIL},  {EHLO_VERB_RCPT, EHLO_STATE_RCPT},
      {EHLO_VERB_DATA, EHLO_STATE_DATA},  {EHLO_VERB_BDAT, EHLO_STATE_CHUNK},
      {EHLO_VERB_RSET, EHLO_STATE_READY}, {EHLO_VERB_XCLIENT, EHLO_STATE_GREETED},
      {EHLO_VERB_QUIT, EHLO_STATE_QUIT},
  };
  if (verb == EHLO_VERB_RSET && m->intent == EHLO_STATE_GREETED) {
    return m->intent;
  }
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (rows[i].verb == verb) {
      return rows[i].leads_to;
    }
  }
  return m->intent;
}

bool ehlo_model_may_send(const struct ehlo_model *m, enum ehlo_verb verb) {
  return ehlo_model_order(m, verb) == EHLO_OK && ehlo_model_special(m, verb) == EHLO_OK;
}
