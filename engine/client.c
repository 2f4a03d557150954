// The client: takes bytes and time in, gives events and a deadline out. What may be sent and where a
// reply leads is state.c's; this file keeps the books between the two.
#include <string.h>

#include "engine/base64.h"
#include "engine/check.h"
#include "engine/client.h"
#include "engine/state.h"

// "334 " and CRLF around a token.
#define CHALLENGE_LINE_MAX (EHLO_TOKEN_MAX + 6)

static void set_timeout(uint32_t *ms, uint32_t value) {
  if (*ms == 0) {
    *ms = value;
  }
}

// RFC 5321 §4.5.3.2
static void default_timeouts(struct ehlo_timeouts *t) {
  set_timeout(&t->greeting_ms, 300000);
  set_timeout(&t->command_ms, 300000);
  set_timeout(&t->tls_ms, 120000);
  set_timeout(&t->data_ms, 120000);
  set_timeout(&t->block_ms, 180000);
  set_timeout(&t->body_ms, 600000);
  set_timeout(&t->quit_ms, 5000);
}

static size_t min_size(size_t a, size_t b) {
  return a < b ? a : b;
}

// Divides the buffer: output in front, the reply behind it.
static void lay_out(struct ehlo_client *c, uint8_t *buf, size_t buf_len) {
  EHLO_ASSERT(buf_len >= EHLO_BUFFER_MIN);
  c->out = buf;
  c->out_cap = min_size(buf_len / 4, EHLO_OUTPUT_FULL);
  size_t reply_room = min_size(buf_len - c->out_cap, EHLO_REPLY_MAX);
  c->out_cap = buf_len - reply_room;
  // A challenge is decoded behind its own line: with it, it takes at most 7/4 of the line.
  c->parser.limits = (struct ehlo_reply_limits){
      .max_line = min_size(EHLO_REPLY_LINE_MAX, reply_room),
      .max_challenge_line = min_size(CHALLENGE_LINE_MAX, reply_room / 7 * 4),
      .max_reply = reply_room,
      .max_lines = EHLO_REPLY_LINES_MAX,
  };
  c->parser.buf = buf + c->out_cap;
}

void ehlo_client_init(struct ehlo_client *c, const struct ehlo_config *cfg, uint8_t *buf,
                      size_t buf_len, uint64_t now_ms) {
  memset(c, 0, sizeof(*c));
  c->config = *cfg;
  default_timeouts(&c->config.timeouts);
  lay_out(c, buf, buf_len);
  struct ehlo_reply_limits limits = c->parser.limits;
  ehlo_reply_parser_init(&c->parser, c->parser.buf, &limits);
  c->now_ms = now_ms;
  c->wait_start_ms = now_ms;
  ehlo_client_push(c, EHLO_VERB_GREETING);
}

void ehlo_client_rebase(struct ehlo_client *c, uint8_t *buf) {
  c->out = buf;
  c->parser.buf = buf + c->out_cap;
}

static void wipe_buffer(struct ehlo_client *c) {
  ehlo_wipe(c->out, c->out_cap + c->parser.limits.max_reply);
}

void ehlo_client_wipe(struct ehlo_client *c) {
  if (c->out != NULL) {
    wipe_buffer(c);
  }
  ehlo_wipe(c, sizeof(*c));
}

static bool is_over(const struct ehlo_client *c) {
  return c->state == EHLO_STATE_CLOSED || c->state == EHLO_STATE_FAILED;
}

enum ehlo_status ehlo_client_move(struct ehlo_client *c, uint8_t *buf, size_t buf_len) {
  if (c->status != EHLO_OK) {
    return c->status;
  }
  bool reply_begun = !c->parser.complete && c->parser.len > 0;
  if (is_over(c) || c->num_pending > 0 || c->num_segments > 0 || c->reply_ready ||
      c->follow_up != EHLO_EVENT_NONE || reply_begun) {
    return EHLO_E_STATE;
  }
  wipe_buffer(c);
  lay_out(c, buf, buf_len);
  ehlo_reply_reset(&c->parser);  // which looks at the new limits
  return EHLO_OK;
}

static enum ehlo_verb pending_at(const struct ehlo_client *c, size_t i) {
  uint8_t entry = c->pending[(c->pending_first + i) % EHLO_PENDING_MAX];
  return (enum ehlo_verb)(entry & ~EHLO_PENDING_LAST_CHUNK);
}

static enum ehlo_verb head_pending(const struct ehlo_client *c) {
  return c->num_pending > 0 ? pending_at(c, 0) : EHLO_VERB_NONE;
}

enum ehlo_verb ehlo_client_last_pending(const struct ehlo_client *c) {
  return c->num_pending > 0 ? pending_at(c, c->num_pending - 1U) : EHLO_VERB_NONE;
}

static bool head_is_sent(const struct ehlo_client *c) {
  bool chunk_open = c->intent == EHLO_STATE_CHUNK && c->num_pending == 1;
  return c->num_pending > 0 && !chunk_open && c->pending_end[c->pending_first] <= c->acked_total;
}

void ehlo_client_push(struct ehlo_client *c, enum ehlo_verb verb) {
  EHLO_ASSERT(c->num_pending < EHLO_PENDING_MAX);
  size_t at = (c->pending_first + c->num_pending) % EHLO_PENDING_MAX;
  bool last = verb == EHLO_VERB_BDAT && c->chunk_last;
  c->pending[at] = (uint8_t)(verb | (last ? EHLO_PENDING_LAST_CHUNK : 0));
  c->pending_end[at] = c->queued_total;
  if (c->num_pending == 0) {
    c->wait_start_ms = c->now_ms;
  }
  c->num_pending++;
  c->intent = (uint8_t)ehlo_state_on_send((enum ehlo_state)c->intent, verb);
}

void ehlo_client_chunk_taken(struct ehlo_client *c, size_t n) {
  c->chunk_left -= n;
  if (c->chunk_left > 0) {
    return;
  }
  size_t last = (c->pending_first + c->num_pending - 1U) % EHLO_PENDING_MAX;
  c->pending_end[last] = c->queued_total;
  c->intent = (uint8_t)ehlo_state_on_chunk(c->chunk_last);
  ehlo_client_settle(c);
}

// What stands in the way of a verb that the state allows: STARTTLS under TLS (RFC 3207 §4.2), a second
// AUTH (RFC 4954 §4), DATA after BODY=BINARYMIME (RFC 3030 §3).
static bool is_barred(const struct ehlo_client *c, enum ehlo_verb verb) {
  return (verb == EHLO_VERB_STARTTLS && c->secure) ||
         (verb == EHLO_VERB_AUTH && c->authenticated && c->intent != EHLO_STATE_AUTH) ||
         (verb == EHLO_VERB_DATA && c->params.binary_mime);
}

enum ehlo_status ehlo_client_check(const struct ehlo_client *c, enum ehlo_verb verb) {
  if (c->status != EHLO_OK) {
    return c->status;
  }
  if (!ehlo_state_is_legal((enum ehlo_state)c->intent, verb)) {
    return EHLO_E_STATE;
  }
  bool behind = c->num_pending > 0;
  if (behind && (!c->caps.pipelining || !ehlo_state_may_follow(ehlo_client_last_pending(c)))) {
    return EHLO_E_STATE;
  }
  if (c->num_pending == EHLO_PENDING_MAX) {
    return EHLO_E_FULL;
  }
  return is_barred(c, verb) ? EHLO_E_STATE : EHLO_OK;
}

// ---- Ending -----------------------------------------------------------------------------------------

static enum ehlo_status fail(struct ehlo_client *c, enum ehlo_status status, uint64_t offset,
                             bool has_line) {
  c->status = status;
  c->error_offset = offset;
  c->error_has_line = has_line;
  c->error_verb = (uint8_t)head_pending(c);
  c->error_verb_sent = head_is_sent(c);
  c->state = EHLO_STATE_FAILED;
  c->intent = EHLO_STATE_FAILED;
  c->follow_up = EHLO_EVENT_NONE;
  ehlo_output_drop(c);
  return status;
}

static void close_session(struct ehlo_client *c) {
  c->state = EHLO_STATE_CLOSED;
  c->intent = EHLO_STATE_CLOSED;
  c->num_pending = 0;
  c->follow_up = EHLO_EVENT_CLOSED;
  ehlo_output_drop(c);
}

// The stream has no more to say: what is there of a line is judged, and wins if it is no reply.
static enum ehlo_status fail_at_end(struct ehlo_client *c, enum ehlo_status why) {
  struct ehlo_reply_parser *p = &c->parser;
  enum ehlo_status status = ehlo_reply_judge_partial(p);
  if (status != EHLO_OK) {
    return fail(c, status, p->error_offset, true);
  }
  return fail(c, why, p->offset + p->len, !p->complete && p->len > p->line_start);
}

enum ehlo_status ehlo_input_end(struct ehlo_client *c, enum ehlo_status why) {
  EHLO_ASSERT(ehlo_status_class(why) == EHLO_CLASS_TRANSPORT);
  if (is_over(c)) {
    return c->status;
  }
  if (head_pending(c) == EHLO_VERB_QUIT) {
    close_session(c);
    return EHLO_OK;
  }
  return fail_at_end(c, why);
}

// ---- Time -------------------------------------------------------------------------------------------

static uint32_t timeout_for(const struct ehlo_timeouts *t, enum ehlo_verb verb) {
  switch (verb) {
    case EHLO_VERB_GREETING:
      return t->greeting_ms;
    case EHLO_VERB_DATA:
      return t->data_ms;
    case EHLO_VERB_BODY:
    case EHLO_VERB_BDAT:
      return t->body_ms;
    case EHLO_VERB_QUIT:
      return t->quit_ms;
    case EHLO_VERB_NONE:
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
    case EHLO_VERB_STARTTLS:
    case EHLO_VERB_AUTH:
    case EHLO_VERB_MAIL:
    case EHLO_VERB_RCPT:
    case EHLO_VERB_RSET:
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_ETRN:
    case EHLO_VERB_XCLIENT:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      break;
  }
  return t->command_ms;
}

// When the present wait ends by itself, whatever the hurry.
static uint64_t wait_end(const struct ehlo_client *c) {
  const struct ehlo_timeouts *t = &c->config.timeouts;
  if (c->state == EHLO_STATE_TLS) {
    return c->wait_start_ms + t->tls_ms;
  }
  if (c->num_segments > 0 && !head_is_sent(c)) {
    bool body = (c->segments[0].flags & EHLO_OUTPUT_BODY) != 0;
    return c->wait_start_ms + (body ? t->block_ms : timeout_for(t, head_pending(c)));
  }
  return c->num_pending > 0 ? c->wait_start_ms + timeout_for(t, head_pending(c)) : EHLO_NEVER;
}

uint64_t ehlo_deadline(const struct ehlo_client *c) {
  uint64_t end = is_over(c) ? EHLO_NEVER : wait_end(c);
  return end != EHLO_NEVER && c->hurry_end_ms != 0 && c->hurry_end_ms < end ? c->hurry_end_ms : end;
}

void ehlo_hurry(struct ehlo_client *c) {
  if (c->hurry_end_ms == 0) {
    c->hurry_end_ms = c->now_ms + c->config.timeouts.quit_ms;
  }
}

void ehlo_tick(struct ehlo_client *c, uint64_t now_ms) {
  if (now_ms > c->now_ms) {
    c->now_ms = now_ms;
  }
  uint64_t deadline = ehlo_deadline(c);
  if (deadline != EHLO_NEVER && c->now_ms >= deadline) {
    fail_at_end(c, EHLO_E_TIMEOUT);
  }
}

// ---- Input ------------------------------------------------------------------------------------------

// All that was learnt of the server: what a handshake (RFC 3207 §4.2) and XCLIENT make void.
static void forget(struct ehlo_client *c) {
  memset(&c->caps, 0, sizeof(c->caps));
  c->authenticated = false;
  c->lmtp = false;
}

static void learn_hello(struct ehlo_client *c, enum ehlo_verb verb,
                        const struct ehlo_reply *reply) {
  memset(&c->caps, 0, sizeof(c->caps));
  c->lmtp = verb == EHLO_VERB_LHLO;
  if (verb != EHLO_VERB_HELO) {
    ehlo_capabilities_parse(&c->caps, reply);
    c->caps.requiretls = c->caps.requiretls && c->secure;  // RFC 8689 §2: void without TLS
  }
}

static bool in_transaction(const struct ehlo_client *c) {
  return c->state == EHLO_STATE_MAIL || c->state == EHLO_STATE_RCPT;
}

// What the client remembers of a reply, apart from the state it leads to.
static void learn(struct ehlo_client *c, enum ehlo_verb verb, const struct ehlo_reply *reply) {
  bool success = reply->code / 100 == 2;
  bool hello = verb == EHLO_VERB_EHLO || verb == EHLO_VERB_HELO || verb == EHLO_VERB_LHLO;
  c->reply_recipient = 0;
  if (hello && success) {
    learn_hello(c, verb, reply);
  } else if (verb == EHLO_VERB_XCLIENT && success) {
    forget(c);
  } else if (verb == EHLO_VERB_AUTH && success) {
    c->authenticated = true;
  } else if (verb == EHLO_VERB_MAIL &&
             (success || !(in_transaction(c) || c->state == EHLO_STATE_CHUNKED))) {
    c->num_rcpt_replies = 0;
    c->num_accepted = 0;
  } else if (verb == EHLO_VERB_RCPT) {
    c->reply_recipient = c->num_rcpt_replies++;
    c->num_accepted += success && in_transaction(c);
  }
}

static void pop_pending(struct ehlo_client *c) {
  c->pending_first = (uint8_t)((c->pending_first + 1) % EHLO_PENDING_MAX);
  c->num_pending--;
  c->num_body_replies = 0;
  if (c->num_pending == 0) {
    c->intent = c->state;
  }
}

static bool head_is_last_chunk(const struct ehlo_client *c) {
  return (c->pending[c->pending_first] & EHLO_PENDING_LAST_CHUNK) != 0;
}

// Whether the oldest command is a message in LMTP: each accepted recipient gets a reply (RFC 2033
// §4.2, §4.3).
static bool head_replies_by_recipient(const struct ehlo_client *c) {
  return c->lmtp && (head_pending(c) == EHLO_VERB_BODY ||
                     (head_pending(c) == EHLO_VERB_BDAT && head_is_last_chunk(c)));
}

// RFC 2033 §4.3: without an accepted recipient the last chunk gets no reply.
void ehlo_client_settle(struct ehlo_client *c) {
  while (head_replies_by_recipient(c) && c->num_accepted == 0 && head_is_sent(c)) {
    c->state = (uint8_t)ehlo_state_on_chunk(true);
    pop_pending(c);
  }
}

// The reply to come closes, or belongs to, the oldest command.
static unsigned reply_context(const struct ehlo_client *c) {
  unsigned context = c->lmtp ? EHLO_REPLY_LMTP : 0;
  context |= c->secure ? EHLO_REPLY_SECURE : 0;
  context |= head_is_last_chunk(c) ? EHLO_REPLY_LAST_CHUNK : 0;
  bool more = head_replies_by_recipient(c) && c->num_body_replies + 1 < c->num_accepted;
  return context | (more ? EHLO_REPLY_MORE_DUE : 0);
}

// Notes which recipient a reply to the message is about, and takes a command that is answered off.
static void count_reply(struct ehlo_client *c, unsigned context) {
  c->reply_num_due = 0;
  c->wait_start_ms = c->now_ms;
  if (head_replies_by_recipient(c)) {
    c->reply_recipient = c->num_body_replies++;
    c->reply_num_due = c->num_accepted - c->num_body_replies;
    c->reply_of_recipient = true;
  }
  if ((context & EHLO_REPLY_MORE_DUE) == 0) {
    pop_pending(c);
  }
}

// A 421 answers the oldest command, if there is one, and ends the session.
static void take_421(struct ehlo_client *c, enum ehlo_verb verb) {
  bool by_recipient = head_replies_by_recipient(c);
  c->reply_verb = (uint8_t)verb;
  c->reply_of_recipient = by_recipient || verb == EHLO_VERB_RCPT;
  c->reply_recipient = by_recipient             ? c->num_body_replies
                       : verb == EHLO_VERB_RCPT ? c->num_rcpt_replies
                                                : 0;
  c->reply_num_due = 0;
  c->reply_ready = true;
  close_session(c);
}

// A whole reply is there: finds its command and goes where it leads.
static enum ehlo_status take_reply(struct ehlo_client *c) {
  struct ehlo_reply reply;
  ehlo_reply_get(&c->parser, &reply);
  enum ehlo_verb verb = head_pending(c);
  if (reply.code == 421) {
    take_421(c, verb);
    return EHLO_OK;
  }
  if (verb == EHLO_VERB_NONE) {
    return fail(c, EHLO_E_REPLY_UNEXPECTED, c->parser.offset, true);
  }
  if (!head_is_sent(c)) {
    return fail(c, EHLO_E_REPLY_EARLY, c->parser.offset, true);
  }
  unsigned context = reply_context(c);
  struct ehlo_transition t =
      ehlo_state_on_reply((enum ehlo_state)c->state, verb, reply.code, context);
  if (t.status != EHLO_OK) {
    return fail(c, t.status, c->parser.offset, true);
  }
  if (t.next == EHLO_STATE_AUTH && ++c->num_challenges > EHLO_CHALLENGES_MAX) {
    return fail(c, EHLO_E_TOO_MANY_CHALLENGES, c->parser.offset, true);
  }
  learn(c, verb, &reply);
  c->reply_of_recipient = verb == EHLO_VERB_RCPT;
  c->state = (uint8_t)t.next;
  count_reply(c, context);
  c->follow_up = (uint8_t)t.follow_up;
  c->reply_verb = (uint8_t)verb;
  c->reply_ready = true;
  c->parser.challenge_expected = false;
  ehlo_client_settle(c);
  return EHLO_OK;
}

// RFC 3207 §4: nothing may stand between the 220 and the handshake. A man in the middle who adds
// commands' replies there would have them taken for the server's.
static enum ehlo_status refuse_injection(struct ehlo_client *c) {
  return fail(c, EHLO_E_STARTTLS_INJECTION, c->parser.offset + c->parser.len, false);
}

enum ehlo_status ehlo_input(struct ehlo_client *c, size_t *out_used, const uint8_t *in, size_t len,
                            uint64_t now_ms) {
  *out_used = 0;
  ehlo_tick(c, now_ms);
  if (len > 0 && c->state == EHLO_STATE_TLS) {
    return refuse_injection(c);
  }
  if (is_over(c)) {
    *out_used = c->reply_ready ? 0 : len;
    return c->status;
  }
  if (c->reply_ready || len == 0) {
    return EHLO_OK;
  }
  if (c->parser.complete) {
    ehlo_reply_reset(&c->parser);
  }
  c->parser.challenge_expected = head_pending(c) == EHLO_VERB_AUTH;
  enum ehlo_status status = ehlo_reply_feed(&c->parser, out_used, in, len);
  if (status != EHLO_OK) {
    return fail(c, status, c->parser.error_offset, true);
  }
  if (!c->parser.complete) {
    return EHLO_OK;
  }
  status = take_reply(c);
  if (c->state == EHLO_STATE_TLS && *out_used < len) {
    status = refuse_injection(c);
    c->follow_up = EHLO_EVENT_TLS_WANTED;  // as if the bytes had come on their own
  }
  return status;
}

enum ehlo_status ehlo_tls_done(struct ehlo_client *c, uint64_t now_ms) {
  ehlo_tick(c, now_ms);
  if (c->status != EHLO_OK) {
    return c->status;
  }
  bool first = c->state == EHLO_STATE_CONNECT && c->parser.offset + c->parser.len == 0;
  bool asked = c->state == EHLO_STATE_TLS && !c->reply_ready && c->follow_up == EHLO_EVENT_NONE;
  if (c->secure || !(first || asked)) {
    return EHLO_E_STATE;
  }
  c->secure = true;
  forget(c);
  c->wait_start_ms = c->now_ms;
  c->state = (uint8_t)ehlo_state_on_tls((enum ehlo_state)c->state);
  c->intent = c->state;
  return EHLO_OK;
}

// ---- Events -----------------------------------------------------------------------------------------

// Decodes the text of a 334 into the room behind the reply (RFC 4954 §4: it has one line).
static void decode_challenge(struct ehlo_client *c, struct ehlo_event *out) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  uint8_t *room = c->parser.buf + c->parser.len;
  if (!ehlo_reply_line(&out->reply, &pos, &line) || out->reply.num_lines != 1 ||
      line.text.len / 4 * 3 > c->parser.limits.max_reply - c->parser.len) {
    return;
  }
  out->challenge.bytes = room;
  out->challenge_valid = ehlo_base64_decode(room, &out->challenge.len, line.text);
}

static enum ehlo_event_type give_reply(struct ehlo_client *c, struct ehlo_event *out) {
  c->reply_ready = false;
  ehlo_reply_get(&c->parser, &out->reply);
  out->verb = (enum ehlo_verb)c->reply_verb;
  out->of_recipient = c->reply_of_recipient;
  out->recipient = c->reply_recipient;
  out->num_due = c->reply_num_due;
  out->type = EHLO_EVENT_REPLY;
  if (out->verb == EHLO_VERB_AUTH && out->reply.code == 334) {
    out->type = EHLO_EVENT_CHALLENGE;
    decode_challenge(c, out);
  }
  return out->type;
}

static enum ehlo_event_type give_failure(struct ehlo_client *c, struct ehlo_event *out) {
  c->error_told = true;
  out->error.status = c->status;
  out->error.offset = c->error_offset;
  out->error.verb = (enum ehlo_verb)c->error_verb;
  out->error.verb_sent = c->error_verb_sent;
  if (c->error_has_line) {
    out->error.line = ehlo_reply_last_line(&c->parser);
  }
  out->verb = out->error.verb;
  out->type = EHLO_EVENT_FAILED;
  return out->type;
}

enum ehlo_event_type ehlo_next(struct ehlo_client *c, struct ehlo_event *out) {
  memset(out, 0, sizeof(*out));
  if (c->reply_ready) {
    return give_reply(c, out);
  }
  if (c->follow_up != EHLO_EVENT_NONE) {
    out->type = (enum ehlo_event_type)c->follow_up;
    c->follow_up = EHLO_EVENT_NONE;
    return out->type;
  }
  if (c->status != EHLO_OK && !c->error_told) {
    return give_failure(c, out);
  }
  return EHLO_EVENT_NONE;
}
