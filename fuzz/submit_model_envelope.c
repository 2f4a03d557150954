// See submit_model.h. This file has the messages: which command a transaction may have next, what its
// replies make of recipients, and when a message is decided.
#include <string.h>

#include "fuzz/submit_model.h"

#define CHECK(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, condition)

#define UNDER_WAY_MAX 8
#define AHEAD_MAX 65536

typedef struct ehlo_model_transaction transaction;

transaction *ehlo_model_last(struct ehlo_submit_model *m) {
  return m->num_transactions == 0 ? NULL : &m->transactions[m->num_transactions - 1];
}

bool ehlo_model_offers(const struct ehlo_submit_model *m, uint32_t what) {
  return (m->offer.bits & what) != 0;
}

static bool one_at_a_time(const struct ehlo_submit_model *m) {
  return m->one_at_a_time || ehlo_model_offers(m, EHLO_OFFER_BURL | EHLO_OFFER_COURIER);
}

// ---- Verdicts -----------------------------------------------------------------------------------

void ehlo_model_decide(struct ehlo_submit_model *m, size_t message, enum ehlo_outcome outcome,
                       int stage, int problem) {
  struct ehlo_model_message *what = &m->messages[message];
  if (what->verdict.outcome != EHLO_OUTCOME_OPEN) {
    return;
  }
  if (what->num_accepted > 0 && outcome != EHLO_OUTCOME_ACCEPTED &&
      outcome != EHLO_OUTCOME_UNKNOWN) {
    outcome = EHLO_OUTCOME_PARTIAL;
  }
  what->verdict = (struct ehlo_model_verdict){outcome, stage, problem, false};
}

void ehlo_model_decide_by_code(struct ehlo_submit_model *m, size_t message, unsigned code,
                               enum ehlo_stage stage, int problem) {
  ehlo_model_decide(m, message, code / 100 == 4 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED,
                    (int)stage, problem);
}

bool ehlo_model_is_decided(const struct ehlo_submit_model *m, size_t message) {
  return m->messages[message].verdict.outcome != EHLO_OUTCOME_OPEN;
}

// ---- Recipients that are left -------------------------------------------------------------------

// The domains are x, y and z, of the recipients 0, 1, 2, 0 ... or all of them x; in the first message
// they may go on beyond ASCII.
static bool fits_domains(struct ehlo_submit_model *m, size_t message, size_t recipient, bool take) {
  uint32_t max = m->offer.max_domains;
  const char *name = m->in->addresses[message][recipient] + 5;
  uint8_t domain = (uint8_t)(name[0] | (name[1] == '\xc3' ? 0x80 : 0));
  if (max == 0 || memchr(m->domains, domain, m->num_domains) != NULL) {
    return true;
  }
  if (m->num_domains >= max) {
    return false;
  }
  if (take) {
    m->domains[m->num_domains++] = domain;
  }
  return true;
}

// The recipient that RCPT names next; num_to if it is nobody's turn. Whose domain is one too many is
// deferred on the way.
static size_t next_recipient(struct ehlo_submit_model *m, const transaction *t) {
  struct ehlo_model_message *message = &m->messages[t->message];
  size_t i = t->num_to > 0 ? t->to[t->num_to - 1] + 1 : 0;
  for (; i < m->in->num_to; i++) {
    if (message->to[i] != EHLO_RECIPIENT_WAITING) {
      continue;
    }
    if (fits_domains(m, t->message, i, false)) {
      break;
    }
    message->to[i] = EHLO_RECIPIENT_DEFERRED;
  }
  return i;
}

static size_t most_recipients(const struct ehlo_submit_model *m) {
  size_t max = m->offer.max_rcpts > 0 ? m->offer.max_rcpts : SIZE_MAX;
  return m->rcpt_max > 0 && m->rcpt_max < max ? m->rcpt_max : max;
}

static bool all_sent(struct ehlo_submit_model *m, const transaction *t) {
  return t->asked || t->no_more || t->full || t->num_to >= most_recipients(m) ||
         next_recipient(m, t) == m->in->num_to;
}

static bool somebody_waits(const struct ehlo_submit_model *m, size_t message) {
  for (size_t i = 0; i < m->in->num_to; i++) {
    if (m->messages[message].to[i] == EHLO_RECIPIENT_WAITING) {
      return true;
    }
  }
  return false;
}

// Whether it is known that nobody takes the message.
static bool is_hopeless(struct ehlo_submit_model *m, const transaction *t) {
  return t->mail_code / 100 > 2 || t->refused ||
         (all_sent(m, t) && t->num_replies == t->num_to && t->num_taken == 0);
}

// Whether nothing more is to be sent in it.
static bool is_composed(struct ehlo_submit_model *m, const transaction *t) {
  return t->given || (is_hopeless(m, t) && t->num_due == 0);
}

// Whether the next one needs RSET first.
bool ehlo_model_needs_rset(const struct ehlo_submit_model *m, const transaction *t) {
  return !t->given && !t->undone && m->left_open;
}

// ---- Whose turn it is ----------------------------------------------------------------------------

// The message whose turn it is, in their order; num_messages if there is none.
static size_t next_message(const struct ehlo_submit_model *m) {
  size_t i = 0;
  while (i < m->in->config.num_messages &&
         (ehlo_model_is_decided(m, i) || m->messages[i].under_way)) {
    i++;
  }
  return i;
}

void ehlo_model_settle(struct ehlo_submit_model *m) {
  transaction *last = ehlo_model_last(m);
  size_t next = next_message(m);
  bool going =
      last != NULL && !last->given && (!is_hopeless(m, last) || (last->asked && !last->refused));
  if (m->ended || going) {
    return;
  }
  while (next < m->in->config.num_messages &&
         (last == NULL || !one_at_a_time(m) || last->num_due == 0) &&
         !ehlo_model_may_begin(m, next)) {
    next = next_message(m);
  }
}

void ehlo_model_begin_envelopes(struct ehlo_submit_model *m) {
  m->want = EHLO_WANT_ENVELOPE;
  if (m->in->config.num_messages == 0) {
    ehlo_model_end_all(m, EHLO_OUTCOME_STOPPED, EHLO_STAGE_AUTH, EHLO_PROBLEM_NONE);
    return;
  }
  ehlo_model_settle(m);
}

// ---- What may be said ---------------------------------------------------------------------------

struct text {
  size_t len;
  uint8_t bytes[192];
};

static void put(struct text *t, const char *text) {
  size_t len = strlen(text);
  EHLO_FUZZ_CHECK(len <= sizeof(t->bytes) - t->len);
  memcpy(t->bytes + t->len, text, len);
  t->len += len;
}

static void put_number(struct text *t, uint64_t number) {
  char digits[21] = "";
  size_t at = 20;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  put(t, digits + at);
}

static bool is(struct ehlo_span line, const struct text *wanted) {
  return line.len == wanted->len && memcmp(line.bytes, wanted->bytes, line.len) == 0;
}

static bool is_line(struct ehlo_span line, const char *wanted) {
  return line.len == strlen(wanted) && memcmp(line.bytes, wanted, line.len) == 0;
}

static bool begins(struct ehlo_span line, const char *with) {
  return line.len >= strlen(with) && memcmp(line.bytes, with, strlen(with)) == 0;
}

static void put_params(struct text *t, const char *params) {
  if (params[0] != '\0') {
    put(t, " ");
    put(t, params);
  }
}

static void write_mail(const struct ehlo_submit_model *m, size_t message, struct text *t) {
  const struct ehlo_server_message *what = &m->in->server.messages[message];
  put(t, "MAIL FROM:<");
  put(t, m->in->addresses[message][EHLO_SERVER_RECIPIENTS_MAX]);
  put(t, ">");
  if (ehlo_model_offers(m, EHLO_OFFER_SIZE | EHLO_OFFER_SIZE_NUMBER) &&
      ehlo_model_size_of(m, message) > 0) {
    put(t, " SIZE=");
    put_number(t, ehlo_model_size_of(m, message));
  }
  if (what->is_binary) {
    put(t, " BODY=BINARYMIME");
  } else if (what->is_8bit && ehlo_model_offers(m, EHLO_OFFER_8BITMIME)) {
    put(t, " BODY=8BITMIME");
  }
  if (ehlo_model_is_utf8(m, message)) {
    put(t, " SMTPUTF8");
  }
  put_params(t, what->params);
}

static size_t num_under_way(const struct ehlo_submit_model *m) {
  size_t n = 0;
  for (size_t i = 0; i < m->in->config.num_messages; i++) {
    n += m->messages[i].under_way;
  }
  return n;
}

static void hear_mail(struct ehlo_submit_model *m, struct ehlo_span line) {
  transaction *last = ehlo_model_last(m);
  size_t message = next_message(m);
  struct text wanted = {0};
  CHECK(last == NULL || (is_composed(m, last) && !ehlo_model_needs_rset(m, last)));
  CHECK(last == NULL || !one_at_a_time(m) || last->num_due == 0);
  CHECK(message < m->in->config.num_messages);
  CHECK(m->offer.max_mails == 0 || m->num_mail < m->offer.max_mails);
  CHECK(num_under_way(m) < UNDER_WAY_MAX);
  write_mail(m, message, &wanted);
  CHECK(is(line, &wanted));
  EHLO_FUZZ_CHECK(m->num_transactions < EHLO_MODEL_TRANSACTIONS_MAX);
  m->transactions[m->num_transactions++] =
      (transaction){.message = message,
                    .full_at = SIZE_MAX,
                    .ahead = last != NULL && last->given && last->num_due > 0};
  m->messages[message].under_way = true;
  m->num_mail++;
  ehlo_model_last(m)->num_due++;
  ehlo_model_push(m, EHLO_MODEL_MAIL, m->num_transactions - 1, 0);
}

// The transaction that a command belongs to; it has no message yet.
static transaction *open_transaction(struct ehlo_submit_model *m) {
  transaction *t = ehlo_model_last(m);
  CHECK(t != NULL && !t->asked && !t->undone);
  return t;
}

static void push_own(struct ehlo_submit_model *m, enum ehlo_model_command command,
                     size_t recipient) {
  ehlo_model_last(m)->num_due++;
  ehlo_model_push(m, command, m->num_transactions - 1, recipient);
}

static void hear_rcpt(struct ehlo_submit_model *m, struct ehlo_span line) {
  transaction *t = open_transaction(m);
  struct text wanted = {0};
  CHECK(t->mail_code / 100 <= 2 && !t->no_more && t->num_to < most_recipients(m));
  CHECK(ehlo_model_goes_beyond(m, EHLO_STAGE_MAIL));
  size_t i = next_recipient(m, t);
  CHECK(i < m->in->num_to);
  fits_domains(m, t->message, i, true);
  put(&wanted, "RCPT TO:<");
  put(&wanted, m->in->addresses[t->message][i]);
  put(&wanted, ">");
  put_params(&wanted, m->in->server.messages[t->message].rcpt_params);
  CHECK(is(line, &wanted));
  m->messages[t->message].to[i] = EHLO_RECIPIENT_SENT;
  t->to[t->num_to++] = i;
  t->full = t->num_to >= most_recipients(m);
  if (!t->full) {
    next_recipient(m, t);  // who cannot be next is deferred at once
  }
  push_own(m, EHLO_MODEL_RCPT, i);
}

static bool goes_in_chunk(const struct ehlo_submit_model *m, size_t message) {
  bool wanted =
      m->in->config.transfer != EHLO_TRANSFER_DATA || m->in->server.messages[message].is_binary;
  return wanted && ehlo_model_offers(m, EHLO_OFFER_CHUNKING) &&
         ehlo_model_size_of(m, message) > 0 && ehlo_model_goes_beyond(m, EHLO_STAGE_DATA);
}

// DATA or BDAT.
static void hear_message(struct ehlo_submit_model *m, struct ehlo_span line) {
  transaction *t = open_transaction(m);
  struct text wanted = {0};
  bool chunk = begins(line, "BDAT");
  CHECK(ehlo_model_goes_beyond(m, EHLO_STAGE_RCPT));
  CHECK(all_sent(m, t) && !is_hopeless(m, t));
  CHECK(chunk == goes_in_chunk(m, t->message));
  put(&wanted, chunk ? "BDAT " : "DATA");
  if (chunk) {
    put_number(&wanted,
               ehlo_mail_server_wanted(&m->in->server.messages[t->message], t->message).len);
    put(&wanted, " LAST");
    bool known = t->num_replies == t->num_to && t->num_taken > 0;
    CHECK(known || (!m->in->config.lmtp && ehlo_model_size_of(m, t->message) <= AHEAD_MAX));
  }
  CHECK(is(line, &wanted));
  t->asked = true;
  push_own(m, chunk ? EHLO_MODEL_BDAT : EHLO_MODEL_DATA, 0);
}

static void hear_rset(struct ehlo_submit_model *m) {
  transaction *t = ehlo_model_last(m);
  CHECK(t != NULL && !t->given && !t->undone && t->num_due == 0);
  CHECK(ehlo_model_needs_rset(m, t) && is_hopeless(m, t) && m->rset_code == 0);
  CHECK(next_message(m) < m->in->config.num_messages);
  t->undone = true;
  ehlo_model_push(m, EHLO_MODEL_RSET, m->num_transactions - 1, 0);
}

// QUIT before all is known: the last message was given, or is for nobody, and no other transaction can
// be needed.
static void hear_quit(struct ehlo_submit_model *m) {
  if (!ehlo_model_all_decided(m)) {
    CHECK(next_message(m) == m->in->config.num_messages &&
          !ehlo_model_offers(m, EHLO_OFFER_COURIER));
    transaction *last = ehlo_model_last(m);
    CHECK(last->given || (last->num_to == 0 && all_sent(m, last)));
    for (size_t i = 0; i < m->num_transactions; i++) {
      const transaction *t = &m->transactions[i];
      bool open = m->messages[t->message].under_way && !ehlo_model_is_decided(m, t->message);
      CHECK(!open || t->num_to <= 1 || t->num_replies == t->num_to);
      CHECK(!open || !somebody_waits(m, t->message));
    }
  }
  m->quit = true;
  m->want = EHLO_WANT_NOTHING;
  ehlo_model_push(m, EHLO_MODEL_QUIT, 0, 0);
}

static void hear_end(struct ehlo_submit_model *m, bool chunk, struct ehlo_span text) {
  transaction *t = ehlo_model_last(m);
  struct ehlo_span wanted =
      ehlo_mail_server_wanted(&m->in->server.messages[t->message], t->message);
  CHECK(t != NULL && t->asked && !t->given);
  if (!chunk && is_hopeless(m, t)) {
    wanted.len = 0;
  }
  CHECK(text.len == wanted.len && memcmp(text.bytes, wanted.bytes, text.len) == 0);
  t->given = true;
  if (!chunk) {
    push_own(m, EHLO_MODEL_BODY, 0);
  } else if (m->in->config.lmtp && m->due[0].command == EHLO_MODEL_BDAT && t->num_taken == 0) {
    CHECK(false);  // over LMTP, all recipients have their replies before it is begun
  }
}

// RFC 2920: what is sent behind a command that has no reply yet.
static bool may_follow(const struct ehlo_submit_model *m) {
  static const uint32_t leading = 1U << EHLO_MODEL_MAIL | 1U << EHLO_MODEL_RCPT |
                                  1U << EHLO_MODEL_RSET | 1U << EHLO_MODEL_BODY |
                                  1U << EHLO_MODEL_BDAT;
  return m->num_due == 0 || (ehlo_model_offers(m, EHLO_OFFER_PIPELINING) &&
                             (leading >> m->due[m->num_due - 1].command & 1) != 0);
}

void ehlo_model_hear_envelope(struct ehlo_submit_model *m, enum ehlo_heard what,
                              struct ehlo_span text) {
  if (what != EHLO_HEARD_LINE) {
    hear_end(m, what == EHLO_HEARD_CHUNK, text);
    ehlo_model_settle(m);
    return;
  }
  CHECK(may_follow(m));
  if (begins(text, "MAIL ")) {
    hear_mail(m, text);
  } else if (begins(text, "RCPT ")) {
    hear_rcpt(m, text);
  } else if (is_line(text, "DATA") || begins(text, "BDAT ")) {
    hear_message(m, text);
  } else if (is_line(text, "RSET")) {
    hear_rset(m);
  } else {
    CHECK(is_line(text, "QUIT"));
    hear_quit(m);
  }
}

// ---- What is answered ---------------------------------------------------------------------------

// Whether replies are due in a transaction, or what follows a 354.
static bool is_going(const transaction *t) {
  return t->num_due > 0 || (t->asked && !t->refused && !t->given);
}

// All that a transaction had to say has its reply: is there more to do for its message?
static void conclude(struct ehlo_submit_model *m, transaction *t) {
  struct ehlo_model_message *message = &m->messages[t->message];
  if (t->num_due == 0 && (t->given || t->refused) && t->full_at == t->num_taken) {
    m->rcpt_max = t->num_taken;
  }
  if (t->again) {
    message->under_way = is_going(t);
    return;
  }
  if (all_sent(m, t) && t->num_replies == t->num_to && t->num_taken == 0 &&
      t->mail_code / 100 == 2) {
    bool later = false;
    for (size_t i = 0; i < m->in->num_to; i++) {
      later = later || message->to[i] == EHLO_RECIPIENT_DEFERRED;
    }
    ehlo_model_decide(m, t->message, later ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED,
                      EHLO_STAGE_RCPT, EHLO_PROBLEM_NONE);
  }
  if (ehlo_model_is_decided(m, t->message)) {
    message->under_way = message->under_way && is_going(t);
  }
}

static void on_mail(struct ehlo_submit_model *m, transaction *t, unsigned code) {
  t->mail_code = (uint16_t)code;
  m->num_accepted = code / 100 == 2 || !m->left_open ? 0 : m->num_accepted;
  if (code / 100 == 2) {
    m->left_open = true;
    ehlo_model_stops(m, EHLO_STAGE_MAIL);
  } else if (code == 503 && t->ahead && !m->quit) {
    t->again = true;
    m->one_at_a_time = true;
  } else {
    ehlo_model_decide_by_code(m, t->message, code, EHLO_STAGE_MAIL, EHLO_PROBLEM_NONE);
  }
}

// 452 with 4.5.3, or with no enhanced code.
static bool is_one_too_many(const struct ehlo_server_reply *reply, bool *out_said) {
  const char *t = reply->text;
  *out_said = reply->code == 452 && strncmp(t, " 4.5.3 ", 7) == 0;
  bool other = t[0] == ' ' && t[1] == '4' && t[2] == '.' && t[4] == '.' && t[6] == ' ';
  return reply->code == 452 && (*out_said || !other);
}

static void on_rcpt(struct ehlo_submit_model *m, transaction *t, size_t recipient,
                    const struct ehlo_server_reply *reply) {
  enum ehlo_recipient_state *state = &m->messages[t->message].to[recipient];
  bool said = false;
  t->num_replies++;
  m->num_accepted += reply->code / 100 == 2 && m->left_open;
  if (t->again) {
    *state = EHLO_RECIPIENT_WAITING;
    return;
  }
  if (reply->code / 100 == 2) {
    *state = EHLO_RECIPIENT_TAKEN;
    t->taken[t->num_taken] = recipient;
    t->num_taken += t->mail_code / 100 == 2;
  } else if (is_one_too_many(reply, &said) && t->num_taken > 0) {
    *state = EHLO_RECIPIENT_WAITING;
    t->full_at = t->full_at == SIZE_MAX ? t->num_taken : t->full_at;
    t->no_more = t->no_more || said;
  } else {
    *state = reply->code / 100 == 4 ? EHLO_RECIPIENT_DEFERRED : EHLO_RECIPIENT_REFUSED;
  }
  if (all_sent(m, t) && t->num_replies == t->num_to) {
    if (t->num_taken > 0) {
      ehlo_model_stops(m, EHLO_STAGE_RCPT);
    }
  }
}

static void on_data(struct ehlo_submit_model *m, transaction *t, unsigned code) {
  if (code == 354) {
    if (ehlo_model_stops(m, EHLO_STAGE_DATA)) {
      m->want = EHLO_WANT_END;
    }
    return;
  }
  t->refused = true;
  if (t->again) {
    return;
  }
  ehlo_model_decide_by_code(m, t->message, code, EHLO_STAGE_DATA, EHLO_PROBLEM_NONE);
}

// The message is over in this transaction, with this last code.
static void end_message(struct ehlo_submit_model *m, transaction *t, unsigned code) {
  struct ehlo_model_message *message = &m->messages[t->message];
  bool kept = false;
  for (size_t i = 0; i < t->num_taken; i++) {
    kept = kept || message->to[t->taken[i]] == EHLO_RECIPIENT_ACCEPTED;
  }
  if (kept && somebody_waits(m, t->message)) {
    message->under_way = false;  // for the others, another transaction
  } else if (code / 100 == 2) {
    bool all = message->num_accepted == m->in->num_to;
    ehlo_model_decide(m, t->message, all ? EHLO_OUTCOME_ACCEPTED : EHLO_OUTCOME_PARTIAL,
                      EHLO_STAGE_QUIT, EHLO_PROBLEM_NONE);
  } else {
    ehlo_model_decide_by_code(m, t->message, code, EHLO_STAGE_BODY, EHLO_PROBLEM_NONE);
  }
}

// A reply to the message. True: it was the last one.
static bool on_message(struct ehlo_submit_model *m, transaction *t, unsigned code) {
  struct ehlo_model_message *message = &m->messages[t->message];
  m->left_open = false;
  if (t->num_taken == 0) {
    return !m->in->config.lmtp || ++t->num_final >= m->num_accepted;
  }
  size_t first = t->num_final;
  t->num_final = m->in->config.lmtp ? first + 1 : t->num_taken;
  for (size_t i = first; i < t->num_final; i++) {
    message->to[t->taken[i]] = code / 100 == 2   ? EHLO_RECIPIENT_ACCEPTED
                               : code / 100 == 4 ? EHLO_RECIPIENT_DEFERRED
                                                 : EHLO_RECIPIENT_REFUSED;
    message->num_accepted += code / 100 == 2;
  }
  t->refusal = code / 100 == 2 ? t->refusal : (uint16_t)code;
  if (t->num_final < t->num_taken) {
    return false;
  }
  end_message(m, t, t->refusal > 0 ? t->refusal : code);
  return true;
}

static void is_about(struct ehlo_submit_model *m, const transaction *t, size_t recipient,
                     size_t due) {
  m->about_recipient = true;
  m->about_message = t->message;
  m->about = recipient;
  m->about_due = due;
}

void ehlo_model_envelope_last(struct ehlo_submit_model *m, const struct ehlo_model_due *due) {
  const transaction *t = &m->transactions[due->transaction];
  if (due->command == EHLO_MODEL_RCPT) {
    is_about(m, t, due->recipient, 0);
  } else if (due->command > EHLO_MODEL_DATA && due->command < EHLO_MODEL_RSET &&
             m->in->config.lmtp && t->num_final < t->num_taken) {
    is_about(m, t, t->taken[t->num_final], 0);
  }
}

static void on_rset(struct ehlo_submit_model *m, transaction *t, unsigned code) {
  if (code / 100 == 2) {
    m->left_open = false;
  } else {
    m->rset_code = (uint16_t)code;
    t->undone = false;
  }
}

void ehlo_model_envelope_reply(struct ehlo_submit_model *m, const struct ehlo_model_due *due,
                               const struct ehlo_server_reply *reply) {
  transaction *t = &m->transactions[due->transaction];
  bool last = true;
  ehlo_model_envelope_last(m, due);
  if (m->about_recipient && due->command != EHLO_MODEL_RCPT) {
    m->about_due = t->num_taken - t->num_final - 1;
  }
  if (due->command == EHLO_MODEL_MAIL) {
    on_mail(m, t, reply->code);
  } else if (due->command == EHLO_MODEL_RCPT) {
    on_rcpt(m, t, due->recipient, reply);
  } else if (due->command == EHLO_MODEL_DATA) {
    on_data(m, t, reply->code);
  } else if (due->command == EHLO_MODEL_RSET) {
    on_rset(m, t, reply->code);
  } else {
    last = on_message(m, t, reply->code);
  }
  if (last) {
    t->num_due -= due->command != EHLO_MODEL_RSET;
    memmove(m->due, m->due + 1, --m->num_due * sizeof(m->due[0]));
  }
  if (m->want == EHLO_WANT_ENVELOPE || m->want == EHLO_WANT_NOTHING) {
    conclude(m, t);
    ehlo_model_settle(m);
  }
}
