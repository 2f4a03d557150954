// See submit_run.h.
#include "fuzz/submit_run.h"

#include <string.h>

#define SECRET(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, condition)
#define LIVE(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, condition)
#define SAME(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, condition)

// Turns of the loop that no session needs.
#define TURNS_MAX 60000
// ---- The caller ---------------------------------------------------------------------------------

static void log_number(struct ehlo_submit_run *r, size_t number) {
  uint8_t octets[2] = {(uint8_t)(number >> 8), (uint8_t)number};
  EHLO_FUZZ_CHECK(sizeof(r->log.bytes) - r->log.len >= 2);
  memcpy(r->log.bytes + r->log.len, octets, 2);
  r->log.len += 2;
}

static void log_event(struct ehlo_submit_run *r, const struct ehlo_event *event) {
  bool reply = event->type == EHLO_EVENT_REPLY || event->type == EHLO_EVENT_CHALLENGE;
  log_number(r, event->type);
  log_number(r, r->submit.message);
  log_number(r, reply ? event->verb : event->error.verb);
  log_number(r, reply ? event->reply.code : event->error.status);
  log_number(r, event->type == EHLO_EVENT_FAILED ? event->error.offset : 0);
  if (reply && event->of_recipient) {
    log_number(r, event->recipient);
    log_number(r, event->num_due);
  }
}

// What an exchange computed is gone with its last reply.
static void look_at_auth(const struct ehlo_submit_run *r) {
  SECRET(ehlo_fuzz_is_zero(r->submit.auth.scratch, sizeof(r->submit.auth.scratch)));
  SECRET(r->submit.auth.ours.len == 0 && r->submit.auth.expected.len == 0);
}

static void take_event(struct ehlo_submit_run *r, const struct ehlo_event *event) {
  size_t num = r->submit.config.num_messages;
  log_event(r, event);
  EHLO_FUZZ_CHECK(r->submit.message < num || num == 0);
  if (event->type == EHLO_EVENT_BODY_WANTED) {
    const struct ehlo_server_message *m = &r->in->server.messages[r->submit.message];
    EHLO_FUZZ_CHECK(!r->giving && !r->submit.finished);
    r->giving = true;
    r->left = ehlo_mail_server_message(m, r->submit.message);
  }
  r->tls_wanted = r->tls_wanted || event->type == EHLO_EVENT_TLS_WANTED;
  // After a refusal another attempt may have begun.
  if (event->type == EHLO_EVENT_REPLY && event->verb == EHLO_VERB_AUTH &&
      (event->reply.code / 100 != 5 || r->submit.finished)) {
    look_at_auth(r);
  }
  ehlo_submit_model_event(&r->model, r->submit.message, event);
}

static void take_events(struct ehlo_submit_run *r) {
  struct ehlo_event event;
  while (ehlo_submit_next(&r->submit, &r->client, &event) != EHLO_EVENT_NONE) {
    take_event(r, &event);
  }
}

// Gives what the client takes of the message; true if that was anything.
static bool give_message(struct ehlo_submit_run *r) {
  size_t used = 0;
  if (!r->giving || r->submit.finished) {
    return false;
  }
  enum ehlo_status status =
      ehlo_submit_body(&r->submit, &r->client, &used, r->left.bytes, r->left.len);
  EHLO_FUZZ_CHECK(status == EHLO_OK);
  r->left.bytes += used;
  r->left.len -= used;
  if (r->left.len == 0) {
    status = ehlo_submit_body_end(&r->submit, &r->client);
    EHLO_FUZZ_CHECK(status == EHLO_OK || status == EHLO_E_FULL);
    r->giving = status == EHLO_E_FULL;
  }
  return used > 0 || !r->giving;
}

// ---- The transport ------------------------------------------------------------------------------

static void hear(void *context, enum ehlo_heard what, struct ehlo_span text) {
  struct ehlo_submit_run *r = context;
  ehlo_submit_model_hear(&r->model, what, text, r->num_secret);
  r->num_secret = 0;
}

// The next piece of output goes; not when the transport has taken its fill.
static bool send_output(struct ehlo_submit_run *r) {
  struct ehlo_output out;
  size_t room = r->in->transport_max - r->sent;
  if (room == 0 || !ehlo_output_peek(&r->client, &out)) {
    return false;
  }
  size_t n = ehlo_fuzz_next_cut(&r->cuts, out.span.len < room ? out.span.len : room);
  bool secret = (out.flags & EHLO_OUTPUT_SECRET) != 0;
  r->num_secret += secret ? n : 0;
  ehlo_mail_server_take(&r->server, out.span.bytes, n, hear, r);
  ehlo_output_ack(&r->client, n, r->now_ms);
  r->sent += n;
  return true;
}

// A piece ends where the heap block or array ends that it is read from, so that a sanitizer sees a
// read beyond.
static uint8_t input[2048];

static bool read_input(struct ehlo_submit_run *r) {
  const struct ehlo_server_bytes *replies = &r->server.replies;
  size_t len = replies->len - r->replies_given;
  size_t used = 0;
  if (len == 0) {
    return false;
  }
  len = ehlo_fuzz_next_cut(&r->cuts, len < sizeof(input) ? len : sizeof(input));
  uint8_t *exact = input + sizeof(input) - len;
  memcpy(exact, replies->bytes + r->replies_given, len);
  ehlo_input(&r->client, &used, exact, len, r->now_ms);
  r->replies_given += used;
  while (r->num_replies < r->server.num_replies &&
         r->server.said[r->num_replies].end <= r->replies_given) {
    ehlo_submit_model_reply(&r->model, &r->server.said[r->num_replies++]);
  }
  if (r->model.want == EHLO_WANT_TLS && r->replies_given < replies->len) {
    ehlo_submit_model_inject(&r->model);
  }
  return true;
}

static void end_connection(struct ehlo_submit_run *r, enum ehlo_status why) {
  struct ehlo_output out;
  ehlo_submit_model_end(&r->model, why, !ehlo_output_peek(&r->client, &out));
  r->over = true;
  if (why == EHLO_E_TIMEOUT) {
    uint64_t deadline = ehlo_deadline(&r->client);
    LIVE(deadline != EHLO_NEVER);
    r->now_ms = deadline;
    ehlo_tick(&r->client, deadline);
  } else {
    ehlo_input_end(&r->client, why);
  }
}

// The input decides how the handshake goes.
static void shake_hands(struct ehlo_submit_run *r) {
  static const enum ehlo_status ends[8] = {
      [1] = EHLO_E_TLS, [2] = EHLO_E_RESET, [3] = EHLO_E_TIMEOUT};
  enum ehlo_status end = ends[ehlo_mail_server_choose(&r->server) % 8];
  if (r->server.closed) {
    end = EHLO_E_CLOSED;
  } else if (r->server.silent) {
    end = EHLO_E_TIMEOUT;
  }
  r->tls_wanted = false;
  if (end != EHLO_OK) {
    end_connection(r, end);
    return;
  }
  EHLO_FUZZ_CHECK(ehlo_tls_done(&r->client, r->now_ms) == EHLO_OK);
  r->sent_in_clear = r->sent;
  ehlo_mail_server_tls_done(&r->server);
  ehlo_submit_model_tls(&r->model);
}

// Nothing moves: the connection ends, or the time passes.
static void wait_for_the_end(struct ehlo_submit_run *r) {
  struct ehlo_output out;
  bool blocked = ehlo_output_peek(&r->client, &out);
  LIVE(!r->over);
  if (blocked) {
    bool tls = r->in->transport_end == EHLO_E_TLS && !r->server.secure;
    end_connection(r, tls ? EHLO_E_RESET : r->in->transport_end);
  } else if (r->server.closed) {
    end_connection(r, r->server.reset ? EHLO_E_RESET : EHLO_E_CLOSED);
  } else {
    LIVE(r->server.silent || r->server.strayed);
    end_connection(r, EHLO_E_TIMEOUT);
  }
}

// All that can be said is said before anything is read, so that no cut changes who comes first.
static void run_session(struct ehlo_submit_run *r) {
  for (size_t turn = 0; !r->submit.finished; turn++) {
    LIVE(turn < TURNS_MAX);
    take_events(r);
    if (r->submit.finished || give_message(r) || send_output(r) || read_input(r)) {
      continue;
    }
    if (r->tls_wanted) {
      shake_hands(r);
    } else {
      wait_for_the_end(r);
    }
  }
  while (!r->over && send_output(r)) {
  }
}

// ---- The claims ---------------------------------------------------------------------------------

// The password is three octets over and over, so these are its marks in any base64.
static void look_for_secrets(const uint8_t *bytes, size_t len) {
  static const char *const marks[] = {"Zq9Zq9", "WnE5WnE5", "cTlacTla", "OVpxOVpx"};
  if (!EHLO_FUZZ_HAS(EHLO_FUZZ_SECRECY)) {
    return;
  }
  for (size_t i = 0; i < 4; i++) {
    const uint8_t *at = bytes;
    while ((at = memchr(at, marks[i][0], len - (size_t)(at - bytes))) != NULL) {
      size_t left = len - (size_t)(at - bytes);
      SECRET(left < 6 || memcmp(at, marks[i], 6) != 0);
      at++;
    }
  }
}

static void judge_secrecy(const struct ehlo_submit_run *r) {
  size_t in_clear = r->server.secure ? r->sent_in_clear : r->server.heard.len;
  look_for_secrets(r->buffer, r->in->buf_len);
  look_at_auth(r);
  if (!r->in->client.allow_cleartext_auth) {
    look_for_secrets(r->server.heard.bytes, in_clear);
  }
}

static void judge_recipient(const struct ehlo_submit_run *r, const struct ehlo_message *m,
                            enum ehlo_recipient_state state, unsigned num_delivered) {
  bool in_doubt = m->verdict.outcome == EHLO_OUTCOME_UNKNOWN || m->verdict.may_have;
  EHLO_FUZZ_CHECK(r->server.strayed || num_delivered <= 1);
  EHLO_FUZZ_CHECK(r->server.strayed || state != EHLO_RECIPIENT_ACCEPTED || num_delivered == 1);
  EHLO_FUZZ_CHECK(r->server.strayed || num_delivered == 0 || state == EHLO_RECIPIENT_ACCEPTED ||
                  in_doubt);
}

static void judge_message(const struct ehlo_submit_run *r, size_t i) {
  const struct ehlo_message *m = &r->messages[i];
  const struct ehlo_server_copy *copy = &r->server.copies[i];
  size_t accepted = 0;
  for (size_t k = 0; k < m->num_to; k++) {
    judge_recipient(r, m, m->to[k].state, copy->num_delivered[k]);
    accepted += m->to[k].state == EHLO_RECIPIENT_ACCEPTED;
  }
  enum ehlo_outcome outcome = m->verdict.outcome;
  EHLO_FUZZ_CHECK(outcome != EHLO_OUTCOME_OPEN && accepted == m->num_accepted);
  EHLO_FUZZ_CHECK((outcome == EHLO_OUTCOME_ACCEPTED) == (accepted == m->num_to && accepted > 0));
  EHLO_FUZZ_CHECK(outcome != EHLO_OUTCOME_PARTIAL || accepted > 0);
  EHLO_FUZZ_CHECK(accepted == 0 || accepted == m->num_to || outcome == EHLO_OUTCOME_PARTIAL ||
                  outcome == EHLO_OUTCOME_UNKNOWN);
  ehlo_fuzz_reach(outcome);
  ehlo_fuzz_reach(EHLO_SUBMIT_GOAL_STAGE + m->verdict.stage);
  if (m->verdict.problem != EHLO_PROBLEM_NONE) {
    ehlo_fuzz_reach(EHLO_SUBMIT_GOAL_PROBLEM + (size_t)m->verdict.problem);
  }
}

static void reach(const struct ehlo_submit_run *r, size_t accepted) {
  const struct ehlo_submit *s = &r->submit;
  const struct {
    bool is;
    enum ehlo_submit_goal goal;
  } goals[] = {
      {accepted > 1, EHLO_SUBMIT_GOAL_SEVERAL},
      {r->server.num_mails > s->config.num_messages,
       s->one_at_a_time ? EHLO_SUBMIT_GOAL_AGAIN : EHLO_SUBMIT_GOAL_SPLIT},
      {accepted > 0 && r->server.secure,
       s->config.tls == EHLO_TLS_STARTTLS ? EHLO_SUBMIT_GOAL_TLS : EHLO_SUBMIT_GOAL_IMPLICIT},
      {accepted > 0 && s->helo_sent, EHLO_SUBMIT_GOAL_HELO},
      {accepted > 0 && s->config.xclient.len > 0, EHLO_SUBMIT_GOAL_XCLIENT},
      {accepted > 0 && s->mechanism != NULL,
       r->server.secure ? EHLO_SUBMIT_GOAL_AUTH : EHLO_SUBMIT_GOAL_AUTH_CLEAR},
      {accepted > 0 && s->mechanism == &ehlo_submit_x_bind, EHLO_SUBMIT_GOAL_AUTH_BOUND},
      {accepted > 0 && s->num_auth_attempts > 1, EHLO_SUBMIT_GOAL_AUTH_SECOND},
      {s->auth_cancelled, EHLO_SUBMIT_GOAL_CANCEL},
      {accepted > 0 && s->config.transfer == EHLO_TRANSFER_BDAT, EHLO_SUBMIT_GOAL_CHUNK},
      {accepted > 0 && s->config.lmtp, EHLO_SUBMIT_GOAL_LMTP},
  };
  for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
    if (goals[i].is) {
      ehlo_fuzz_reach(goals[i].goal);
    }
  }
}

static void judge(const struct ehlo_submit_run *r) {
  size_t num = r->submit.config.num_messages;
  size_t accepted = 0;
  for (size_t i = 0; i < num; i++) {
    judge_message(r, i);
    accepted += r->messages[i].verdict.outcome == EHLO_OUTCOME_ACCEPTED;
  }
  EHLO_FUZZ_CHECK(r->submit.verdict.outcome != EHLO_OUTCOME_OPEN);
  EHLO_FUZZ_CHECK((r->submit.verdict.outcome == EHLO_OUTCOME_ACCEPTED) ==
                  (accepted == num && num > 0));
  judge_secrecy(r);
  // Behind a reply that nobody asked for, the server may take commands for a message.
  bool misheard = r->server.strayed && r->server.in_data;
  ehlo_submit_model_judge(&r->model, &r->submit, r->sent < r->in->transport_max && !misheard);
  reach(r, accepted);
}

// ---- Two runs -----------------------------------------------------------------------------------

void ehlo_submit_run(struct ehlo_submit_run *r, const struct ehlo_submit_input *in,
                     enum ehlo_fuzz_cut cut, const uint8_t *data, size_t size) {
  memset(&r->client, 0,
         offsetof(struct ehlo_submit_run, log) - offsetof(struct ehlo_submit_run, client));
  r->in = in;
  r->log.len = 0;
  r->cuts = in->cuts;
  r->cuts.cut = cut;
  struct ehlo_submit_config config;
  ehlo_submit_input_address(in, &config, r->messages, r->to);
  ehlo_mail_server_init(&r->server, &in->server, data, size);
  ehlo_submit_model_init(&r->model, in);
  ehlo_client_init(&r->client, &in->client, r->buffer, in->buf_len, 0);
  ehlo_submit_init(&r->submit, &config);
  if (in->tls_begins) {
    shake_hands(r);
  }
  run_session(r);
  judge(r);
}

static bool same_bytes(const struct ehlo_server_bytes *a, const struct ehlo_server_bytes *b) {
  return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

void ehlo_submit_run_compare(const struct ehlo_submit_run *a, const struct ehlo_submit_run *b) {
  SAME(same_bytes(&a->log, &b->log));
  SAME(same_bytes(&a->server.heard, &b->server.heard));
  SAME(a->now_ms == b->now_ms);
  for (size_t i = 0; i < a->submit.config.num_messages; i++) {
    const struct ehlo_verdict *v = &a->messages[i].verdict;
    const struct ehlo_verdict *w = &b->messages[i].verdict;
    SAME(v->outcome == w->outcome && v->stage == w->stage && v->problem == w->problem &&
         v->status == w->status && v->may_have == w->may_have);
  }
}
