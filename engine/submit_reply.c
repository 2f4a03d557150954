// What the replies of a transaction make of its message and its recipients. They come in the order
// of the commands, so each belongs to the message that is under way longest.
#include "engine/submit_parts.h"

// RFC 5321 §4.5.3.1.10: too many recipients, so those that were refused go into another transaction.
// Without an enhanced code 452 may mean other things too, and is tried again in the same way. Where
// the server took none, another transaction would not help.
static bool is_too_many(const struct ehlo_reply *reply, const struct ehlo_transaction *t) {
  const struct ehlo_enhanced *e = &reply->enhanced;
  bool said = e->class_code == 4 && e->subject == 5 && e->detail == 3;
  return reply->code == 452 && (said || e->class_code == 0) && t->num_taken > 0;
}

static void refuse(struct ehlo_submit *s, struct ehlo_message *m, enum ehlo_stage stage,
                   uint16_t code) {
  m->transaction.refusal = code;
  struct ehlo_verdict verdict = {.outcome = ehlo_submit_refusal(code), .stage = stage};
  ehlo_submit_decide_message(s, m, &verdict);
}

static void enter(struct ehlo_submit *s, struct ehlo_message *m, enum ehlo_stage stage) {
  if (m->verdict.outcome == EHLO_OUTCOME_OPEN) {
    m->verdict.stage = stage;
  }
  ehlo_submit_enter(s, stage);
}

// The next recipient, from `*next` on, that is in `state`; num_to if there is none.
static size_t find_recipient(const struct ehlo_message *m, size_t *next,
                             enum ehlo_recipient_state state) {
  while (*next < m->num_to && m->to[*next].state != state) {
    ++*next;
  }
  return *next;
}

size_t ehlo_submit_find_recipient(struct ehlo_message *m, enum ehlo_verb verb) {
  struct ehlo_transaction *t = &m->transaction;
  return verb == EHLO_VERB_RCPT ? find_recipient(m, &t->next_reply, EHLO_RECIPIENT_SENT)
                                : find_recipient(m, &t->next_final, EHLO_RECIPIENT_TAKEN);
}

// Haraka refuses what came together with the final dot, since that is how messages are smuggled.
// Nothing of such a transaction was taken: it is sent once more, and from then on each waits for the
// one before it.
static bool came_too_early(const struct ehlo_client *c, const struct ehlo_transaction *t,
                           uint16_t code) {
  return code == 503 && t->ahead && ehlo_client_state(c) != EHLO_STATE_QUIT;
}

static void on_mail(struct ehlo_submit *s, const struct ehlo_client *c, struct ehlo_message *m,
                    uint16_t code) {
  enter(s, m, EHLO_STAGE_MAIL);
  if (came_too_early(c, &m->transaction, code)) {
    s->one_at_a_time = true;
    m->transaction.again = true;
    return;
  }
  if (code / 100 != 2) {
    refuse(s, m, EHLO_STAGE_MAIL, code);
    return;
  }
  m->transaction.mail_taken = true;
  ehlo_submit_stop_at(s, EHLO_STAGE_MAIL);
}

// A message without a recipient goes no further. With a temporary refusal among them, trying again
// may help.
static void on_last_recipient(struct ehlo_submit *s, struct ehlo_message *m) {
  if (m->transaction.num_taken > 0) {
    ehlo_submit_stop_at(s, EHLO_STAGE_RCPT);
    return;
  }
  struct ehlo_verdict verdict = {
      .outcome = m->num_deferred > 0 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED,
      .stage = EHLO_STAGE_RCPT,
  };
  ehlo_submit_decide_message(s, m, &verdict);
}

static void judge_recipient(struct ehlo_message *m, struct ehlo_recipient *r,
                            const struct ehlo_reply *reply) {
  struct ehlo_transaction *t = &m->transaction;
  if (t->again) {
    r->state = EHLO_RECIPIENT_WAITING;
    m->num_begun--;
  } else if (reply->code / 100 == 2) {
    r->state = EHLO_RECIPIENT_TAKEN;
    t->num_taken += t->mail_taken;
  } else if (is_too_many(reply, t)) {
    r->state = EHLO_RECIPIENT_WAITING;
    m->num_begun--;
    t->taken_at_split = t->split ? t->taken_at_split : t->num_taken;
    t->split = true;
    t->all_sent = t->all_sent || reply->enhanced.class_code != 0;
  } else if (reply->code / 100 == 4) {
    r->state = EHLO_RECIPIENT_DEFERRED;
    m->num_deferred++;
  } else {
    r->state = EHLO_RECIPIENT_REFUSED;
  }
}

static void on_rcpt(struct ehlo_submit *s, const struct ehlo_client *c, struct ehlo_message *m,
                    struct ehlo_event *event) {
  struct ehlo_transaction *t = &m->transaction;
  enter(s, m, EHLO_STAGE_RCPT);
  event->recipient = ehlo_submit_find_recipient(m, event->verb);
  if (event->recipient < m->num_to) {
    judge_recipient(m, &m->to[event->recipient], &event->reply);
  }
  t->num_replies++;
  if (!t->again && t->num_replies == t->num_sent && !ehlo_submit_has_more_recipients(s, c, m)) {
    on_last_recipient(s, m);
  }
}

static void on_data(struct ehlo_submit *s, struct ehlo_message *m, uint16_t code) {
  enter(s, m, EHLO_STAGE_DATA);
  if (code != 354) {
    if (!m->transaction.again) {
      refuse(s, m, EHLO_STAGE_DATA, code);
    }
    ehlo_submit_end_composing(s, m);
    return;
  }
  m->transaction.num_due++;  // the message will have a reply, be it only a dot
  if (ehlo_submit_stop_at(s, EHLO_STAGE_DATA)) {
    s->finished = true;  // QUIT would be message text here: only closing takes the message back
  }
}

// ---- The final reply ----------------------------------------------------------------------------------

static void settle_recipient(struct ehlo_message *m, struct ehlo_recipient *r, uint16_t code) {
  if (code / 100 == 2) {
    r->state = EHLO_RECIPIENT_ACCEPTED;
    m->num_accepted++;
    m->transaction.num_accepted++;
  } else if (code / 100 == 4) {
    r->state = EHLO_RECIPIENT_DEFERRED;
    m->num_deferred++;
  } else {
    r->state = EHLO_RECIPIENT_REFUSED;
  }
}

// Over SMTP one reply speaks for all, in LMTP each for one of them, in order (RFC 2033 §4.2).
static void on_body(struct ehlo_submit *s, struct ehlo_message *m, struct ehlo_event *event) {
  struct ehlo_transaction *t = &m->transaction;
  uint16_t code = event->reply.code;
  enter(s, m, EHLO_STAGE_BODY);
  if (t->num_taken == 0) {
    return;  // for nobody, whatever the server says
  }
  if (code / 100 != 2) {
    t->refusal = code;
  }
  do {
    size_t i = ehlo_submit_find_recipient(m, event->verb);
    if (i < m->num_to) {
      settle_recipient(m, &m->to[i], code);
      event->recipient = i;
    }
  } while (!event->of_recipient && t->next_final < m->num_to);
}

// The transaction is over. A message that was accepted, and whose other recipients wait, goes into
// another one.
static void settle_message(struct ehlo_submit *s, struct ehlo_message *m) {
  const struct ehlo_transaction *t = &m->transaction;
  struct ehlo_verdict verdict = {.outcome = EHLO_OUTCOME_PARTIAL, .stage = EHLO_STAGE_QUIT};
  if (m->verdict.outcome != EHLO_OUTCOME_OPEN) {
    return;
  }
  if (t->again || (t->num_accepted > 0 && m->num_begun < m->num_to)) {
    return;
  }
  if (t->refusal != 0) {
    verdict.stage = EHLO_STAGE_BODY;
    verdict.outcome = ehlo_submit_refusal(t->refusal);
  } else if (m->num_accepted == m->num_to) {
    verdict.outcome = EHLO_OUTCOME_ACCEPTED;
  } else if (m->num_accepted == 0) {
    verdict.stage = EHLO_STAGE_RCPT;  // none was asked for: they fit into another session only
    verdict.outcome = EHLO_OUTCOME_DEFERRED;
  }
  ehlo_submit_decide_message(s, m, &verdict);
}

static void end_transaction(struct ehlo_submit *s, struct ehlo_message *m) {
  s->first_under_way = (s->first_under_way + 1) % EHLO_SUBMIT_TRANSACTIONS_MAX;
  s->num_under_way--;
  // Where it took no more after the first one too many, this is what it takes.
  if (m->transaction.split && m->transaction.taken_at_split == m->transaction.num_taken) {
    s->rcpt_max = m->transaction.num_taken;
  }
  settle_message(s, m);
}

void ehlo_submit_on_mail_reply(struct ehlo_submit *s, const struct ehlo_client *c,
                               struct ehlo_event *event) {
  struct ehlo_message *m = ehlo_submit_head(s);
  uint16_t code = event->reply.code;
  if (m == NULL) {
    return;
  }
  s->message = (size_t)(m - s->config.messages);
  if (event->verb == EHLO_VERB_MAIL) {
    on_mail(s, c, m, code);
  } else if (event->verb == EHLO_VERB_RCPT) {
    on_rcpt(s, c, m, event);
  } else if (event->verb == EHLO_VERB_DATA) {
    on_data(s, m, code);
  } else {
    on_body(s, m, event);
  }
  m->transaction.num_due -= event->num_due == 0;
  ehlo_submit_end_transactions(s);
}

void ehlo_submit_end_transactions(struct ehlo_submit *s) {
  struct ehlo_message *m = ehlo_submit_head(s);
  while (m != NULL && m->transaction.composed && m->transaction.num_due == 0) {
    end_transaction(s, m);
    m = ehlo_submit_head(s);
  }
}
