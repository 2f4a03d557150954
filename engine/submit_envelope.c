// Transactions, command by command: MAIL, RCPT, then the message after DATA or in a chunk, as much at
// once as the server allows (RFC 2920, RFC 3030). What the replies mean is submit_reply.c's.
#include <string.h>

#include "engine/parameter.h"
#include "engine/submit_parts.h"

// What of the transaction begun last is to be sent next.
enum composing {
  NOTHING = 0,
  RECIPIENTS,  // and then the command that the message follows
  GO_AHEAD,    // DATA was sent: its 354 is awaited
  MESSAGE,     // the caller gives it
};

struct ehlo_message *ehlo_submit_head(struct ehlo_submit *s) {
  return s->num_under_way > 0 ? &s->config.messages[s->under_way[s->first_under_way]] : NULL;
}

size_t ehlo_submit_last(const struct ehlo_submit *s) {
  return s->under_way[(s->first_under_way + s->num_under_way - 1) % EHLO_SUBMIT_TRANSACTIONS_MAX];
}

static struct ehlo_message *last_under_way(const struct ehlo_submit *s) {
  return &s->config.messages[ehlo_submit_last(s)];
}

static bool is_under_way(const struct ehlo_submit *s, size_t message) {
  for (size_t i = 0; i < s->num_under_way; i++) {
    if (s->under_way[(s->first_under_way + i) % EHLO_SUBMIT_TRANSACTIONS_MAX] == message) {
      return true;
    }
  }
  return false;
}

// The next message that wants a transaction, num_messages if there is none now.
static size_t find_message(struct ehlo_submit *s) {
  size_t i = s->next_message;
  for (; i < s->config.num_messages; i++) {
    bool open = s->config.messages[i].verdict.outcome == EHLO_OUTCOME_OPEN;
    if (open && !is_under_way(s, i)) {
      break;
    }
    s->next_message += !open && i == s->next_message;
  }
  return i;
}

void ehlo_submit_end_composing(struct ehlo_submit *s, struct ehlo_message *m) {
  m->transaction.composed = true;
  s->composing = NOTHING;
}

// ---- MAIL -------------------------------------------------------------------------------------------

// The caller's, which ehlo_submit_check() has seen, and ours, each with its blank.
#define OURS_MAX sizeof(" SIZE=18446744073709551615 BODY=BINARYMIME SMTPUTF8")

struct text {
  char bytes[EHLO_PARAMS_MAX + OURS_MAX];
  size_t len;
};

static void add(struct text *t, struct ehlo_span word) {
  if (word.len == 0) {
    return;
  }
  if (t->len > 0) {
    t->bytes[t->len++] = ' ';
  }
  memcpy(t->bytes + t->len, word.bytes, word.len);
  t->len += word.len;
}

static void add_size(struct text *t, uint64_t size) {
  uint8_t word[32] = "SIZE=";
  uint8_t digits[20];
  size_t at = sizeof(digits);
  do {
    digits[--at] = (uint8_t)('0' + size % 10);
    size /= 10;
  } while (size > 0);
  memcpy(word + 5, digits + at, sizeof(digits) - at);
  add(t, (struct ehlo_span){word, 5 + sizeof(digits) - at});
}

// What the server can know beforehand, it is told.
static enum ehlo_status send_mail(struct ehlo_client *c, const struct ehlo_message *m) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  struct text params = {.len = 0};
  if (caps->size && m->size > 0) {
    add_size(&params, m->size);
  }
  if (m->is_binary) {
    add(&params, ehlo_str("BODY=BINARYMIME"));
  } else if (m->is_8bit && caps->eight_bit_mime) {
    add(&params, ehlo_str("BODY=8BITMIME"));
  }
  if (ehlo_submit_needs_smtputf8(m)) {
    add(&params, ehlo_str("SMTPUTF8"));
  }
  add(&params, m->params);
  return ehlo_send_mail(c, m->from, (struct ehlo_span){(const uint8_t *)params.bytes, params.len});
}

// A transaction that came to no message is still open at the server: nested MAIL is not allowed (RFC
// 5321 §4.1.4).
static bool clear_leftovers(struct ehlo_client *c) {
  enum ehlo_state state = ehlo_client_state(c);
  bool open = state == EHLO_STATE_MAIL || state == EHLO_STATE_RCPT;
  if (!open || ehlo_client_num_pending(c) > 0) {
    return false;
  }
  return ehlo_send_rset(c) == EHLO_OK;
}

static bool refuse_unsent(struct ehlo_submit *s, struct ehlo_message *m,
                          const struct ehlo_verdict *verdict) {
  ehlo_submit_decide_message(s, m, verdict);
  return true;
}

static void begin(struct ehlo_submit *s, size_t message) {
  struct ehlo_message *m = &s->config.messages[message];
  memset(&m->transaction, 0, sizeof(m->transaction));
  m->transaction.num_due = 1;
  m->transaction.ahead = s->num_under_way > 0;
  m->verdict.stage = EHLO_STAGE_MAIL;
  s->under_way[(s->first_under_way + s->num_under_way) % EHLO_SUBMIT_TRANSACTIONS_MAX] = message;
  s->num_under_way++;
  s->num_mail++;
  s->composing = RECIPIENTS;
}

// RFC 2920 §3.1 lets commands follow a message at once, and not every server that announces PIPELINING
// bears it. Dovecot's submission server, 2.4 too, dies of an assertion where a RCPT waits behind a
// message that it has not answered, and takes the reply along; BURL is an extension that hardly any
// other offers. Courier drops what came together with the final dot. Haraka answers it with 503.
static bool takes_one_at_a_time(const struct ehlo_submit *s, const struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  return s->one_at_a_time || caps->burl || caps->xverp_courier;
}

static bool begin_transaction(struct ehlo_submit *s, struct ehlo_client *c) {
  size_t i = find_message(s);
  size_t most = takes_one_at_a_time(s, c) ? 1 : EHLO_SUBMIT_TRANSACTIONS_MAX;
  if (i == s->config.num_messages || s->num_under_way >= most) {
    return false;
  }
  struct ehlo_message *m = &s->config.messages[i];
  uint32_t max_mails = ehlo_client_capabilities(c)->max_mails;
  struct ehlo_verdict verdict = ehlo_submit_check(s, c, m);
  if (verdict.outcome != EHLO_OUTCOME_OPEN) {
    return refuse_unsent(s, m, &verdict);
  }
  if (max_mails > 0 && s->num_mail >= max_mails) {
    if (s->num_under_way > 0) {
      return false;  // what becomes of those may say more
    }
    verdict = (struct ehlo_verdict){.outcome = EHLO_OUTCOME_DEFERRED,
                                    .stage = EHLO_STAGE_MAIL,
                                    .problem = EHLO_PROBLEM_MAIL_MAX};
    return refuse_unsent(s, m, &verdict);
  }
  if (!ehlo_client_may_send(c, EHLO_VERB_MAIL)) {
    // Where RSET is refused, another one would be too.
    verdict = (struct ehlo_verdict){.outcome = ehlo_submit_refusal(s->rset_refusal),
                                    .stage = EHLO_STAGE_MAIL,
                                    .problem = EHLO_PROBLEM_RSET};
    return s->rset_refusal != 0 && ehlo_client_num_pending(c) == 0 ? refuse_unsent(s, m, &verdict)
                                                                   : clear_leftovers(c);
  }
  enum ehlo_status status = send_mail(c, m);
  if (status == EHLO_OK) {
    begin(s, i);
  } else if (status != EHLO_E_FULL) {
    verdict = (struct ehlo_verdict){.outcome = EHLO_OUTCOME_USAGE,
                                    .stage = EHLO_STAGE_MAIL,
                                    .problem = EHLO_PROBLEM_ARGUMENT,
                                    .status = status};
    return refuse_unsent(s, m, &verdict);
  }
  return status == EHLO_OK;
}

// ---- RCPT -------------------------------------------------------------------------------------------

static struct ehlo_span domain_of(const struct ehlo_recipient *r) {
  size_t at = r->address.len;
  while (at > 0 && r->address.bytes[at - 1] != '@') {
    at--;
  }
  return (struct ehlo_span){r->address.bytes + at, r->address.len - at};
}

static bool same_domain(struct ehlo_span a, struct ehlo_span b) {
  bool same = a.len == b.len;
  for (size_t i = 0; same && i < a.len; i++) {
    uint8_t x = a.bytes[i];
    uint8_t y = b.bytes[i];
    bool letter = (x | 0x20) >= 'a' && (x | 0x20) <= 'z';
    same = x == y || (letter && (x ^ y) == 0x20);
  }
  return same;
}

static bool domain_is_known(const struct ehlo_submit *s, const struct ehlo_recipient *r) {
  struct ehlo_span domain = domain_of(r);
  for (size_t i = 0; i < s->num_domains; i++) {
    if (same_domain(domain, s->domains[i])) {
      return true;
    }
  }
  return false;
}

// RFC 9422 §4: RCPTDOMAINMAX bounds the recipients' domains in one session. A bound that is larger than
// our list is left to the server's own replies.
static bool domains_are_bound(const struct ehlo_capabilities *caps) {
  return caps->max_rcpt_domains > 0 && caps->max_rcpt_domains <= EHLO_SUBMIT_DOMAINS_MAX;
}

// Whether this one's domain is, or can be, one of them.
static bool domain_fits(const struct ehlo_submit *s, const struct ehlo_capabilities *caps,
                        const struct ehlo_recipient *r) {
  return !domains_are_bound(caps) || s->num_domains < caps->max_rcpt_domains ||
         domain_is_known(s, r);
}

// RCPT was sent: only then does its domain count.
static void take_domain(struct ehlo_submit *s, const struct ehlo_capabilities *caps,
                        const struct ehlo_recipient *r) {
  if (domains_are_bound(caps) && !domain_is_known(s, r)) {
    s->domains[s->num_domains++] = domain_of(r);
  }
}

static bool is_full(const struct ehlo_submit *s, const struct ehlo_capabilities *caps,
                    const struct ehlo_transaction *t) {
  return (caps->max_rcpts > 0 && t->num_sent >= caps->max_rcpts) ||
         (s->rcpt_max > 0 && t->num_sent >= s->rcpt_max);
}

bool ehlo_submit_has_more_recipients(struct ehlo_submit *s, const struct ehlo_client *c,
                                     struct ehlo_message *m) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  struct ehlo_transaction *t = &m->transaction;
  for (; t->next_send < m->num_to && !t->all_sent && !is_full(s, caps, t); t->next_send++) {
    struct ehlo_recipient *r = &m->to[t->next_send];
    if (r->state == EHLO_RECIPIENT_WAITING && domain_fits(s, caps, r)) {
      return true;
    }
    if (r->state == EHLO_RECIPIENT_WAITING) {
      r->state = EHLO_RECIPIENT_DEFERRED;  // not on this connection
      m->num_deferred++;
      m->num_begun++;
    }
  }
  t->all_sent = true;
  return false;
}

static bool send_recipient(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_message *m,
                           struct ehlo_recipient *r) {
  enum ehlo_status status = ehlo_send_rcpt(c, r->address, r->params);
  if (status == EHLO_OK) {
    r->state = EHLO_RECIPIENT_SENT;
    take_domain(s, ehlo_client_capabilities(c), r);
    m->num_begun++;
    m->transaction.num_sent++;
    m->transaction.num_due++;
  } else if (status != EHLO_E_FULL) {
    struct ehlo_verdict verdict = {.outcome = EHLO_OUTCOME_USAGE,
                                   .stage = EHLO_STAGE_RCPT,
                                   .problem = EHLO_PROBLEM_ARGUMENT,
                                   .status = status};
    ehlo_submit_decide_message(s, m, &verdict);
    ehlo_submit_end_composing(s, m);
  }
  return status == EHLO_OK;
}

// Recipients as far as order and room allow; true when this transaction has them all.
static bool send_recipients(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_message *m) {
  struct ehlo_transaction *t = &m->transaction;
  while (ehlo_submit_has_more_recipients(s, c, m)) {
    if (!ehlo_client_may_send(c, EHLO_VERB_RCPT) ||
        !send_recipient(s, c, m, &m->to[t->next_send])) {
      return false;
    }
    t->next_send++;
  }
  return true;
}

// ---- The message ------------------------------------------------------------------------------------

static bool has_all_replies(const struct ehlo_transaction *t) {
  return t->all_sent && t->num_replies == t->num_sent;
}

// RFC 3030 §2: a chunk needs nobody's leave. A large one is still not sent for nothing, and in LMTP
// the number of its replies has to be known.
static bool send_chunk(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_message *m) {
  struct ehlo_transaction *t = &m->transaction;
  bool small = m->size <= EHLO_SUBMIT_AHEAD_MAX && !s->config.lmtp;
  if (!(small || has_all_replies(t)) || ehlo_send_bdat(c, m->size, true) != EHLO_OK) {
    return false;
  }
  t->num_due++;
  s->composing = MESSAGE;
  s->body_due = true;
  return true;
}

static bool send_data(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_message *m) {
  if (ehlo_send_data(c) != EHLO_OK) {
    return false;
  }
  m->transaction.num_due++;
  s->composing = GO_AHEAD;
  return true;
}

static bool compose_message(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_message *m) {
  struct ehlo_transaction *t = &m->transaction;
  bool nobody = has_all_replies(t) && t->num_taken == 0;
  if (t->again || m->verdict.outcome != EHLO_OUTCOME_OPEN || nobody) {
    ehlo_submit_end_composing(s, m);
    return true;
  }
  if (!ehlo_submit_goes_beyond(s, EHLO_STAGE_MAIL) || !send_recipients(s, c, m) ||
      !ehlo_submit_goes_beyond(s, EHLO_STAGE_RCPT)) {
    return false;
  }
  bool bdat = ehlo_submit_uses_bdat(s, ehlo_client_capabilities(c), m);
  return bdat ? send_chunk(s, c, m) : send_data(s, c, m);
}

void ehlo_submit_compose(struct ehlo_submit *s, struct ehlo_client *c) {
  bool moved = true;
  while (moved && s->verdict.outcome == EHLO_OUTCOME_OPEN) {
    if (s->composing == NOTHING) {
      moved = begin_transaction(s, c);
    } else {
      moved = s->composing == RECIPIENTS && compose_message(s, c, last_under_way(s));
      ehlo_submit_end_transactions(s);
    }
  }
}

// A transaction may leave recipients for another one, so QUIT waits until none can.
bool ehlo_submit_is_composed(const struct ehlo_submit *s) {
  bool done = s->composing == NOTHING;
  size_t num_begun = s->num_decided;
  for (size_t i = 0; done && i < s->num_under_way; i++) {
    size_t at = (s->first_under_way + i) % EHLO_SUBMIT_TRANSACTIONS_MAX;
    const struct ehlo_message *m = &s->config.messages[s->under_way[at]];
    const struct ehlo_transaction *t = &m->transaction;
    bool open = m->verdict.outcome == EHLO_OUTCOME_OPEN;
    num_begun += open;
    bool settled = m->num_begun == m->num_to && (t->num_sent == 1 || has_all_replies(t));
    done = !open || (settled && !t->again);
  }
  return done && num_begun == s->config.num_messages;
}

// RFC 2920 §3.1: with no recipient accepted, an empty message takes the DATA back.
bool ehlo_submit_body_is_wanted(struct ehlo_submit *s, struct ehlo_client *c) {
  struct ehlo_message *m = ehlo_submit_head(s);
  if (m->transaction.num_taken > 0 && m->verdict.outcome == EHLO_OUTCOME_OPEN) {
    s->composing = MESSAGE;
    return true;
  }
  ehlo_send_body_end(c);
  ehlo_submit_end_composing(s, m);
  return false;
}

// ---- The caller's side ------------------------------------------------------------------------------

enum ehlo_status ehlo_submit_body(struct ehlo_submit *s, struct ehlo_client *c, size_t *out_used,
                                  const uint8_t *in, size_t len) {
  *out_used = 0;
  if (s->composing != MESSAGE) {
    return EHLO_E_STATE;
  }
  if (!last_under_way(s)->is_binary) {
    return ehlo_send_body(c, out_used, in, len);
  }
  if (len > c->chunk_left) {
    return EHLO_E_CHUNK_SIZE;  // before the server has a whole chunk of it
  }
  return len > 0 ? ehlo_send_chunk(c, out_used, in, len) : EHLO_OK;
}

static enum ehlo_status end_message(struct ehlo_client *c, const struct ehlo_message *m) {
  if (!m->is_binary) {
    return ehlo_send_body_end(c);
  }
  return ehlo_client_state(c) == EHLO_STATE_CHUNK ? EHLO_E_CHUNK_SIZE : EHLO_OK;
}

enum ehlo_status ehlo_submit_give_end(struct ehlo_submit *s, struct ehlo_client *c) {
  if (s->composing != MESSAGE) {
    return EHLO_E_STATE;
  }
  struct ehlo_message *m = last_under_way(s);
  enum ehlo_status status = end_message(c, m);
  if (status == EHLO_OK) {
    m->transaction.given = true;
    m->transaction.end = c->queued_total;
    ehlo_submit_end_composing(s, m);
  }
  return status;
}
