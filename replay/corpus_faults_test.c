// The connection ends, for every reason, at every octet of every session of the corpus, the client's
// octets and the server's: at each of these places a copy of client and submission is ended so and
// has to say what is documented, as wire.c reads the place off the bytes. The session itself goes on.
//
// A place is before an octet that the transport takes or gives, before a handshake, and where the
// transcript itself ends the connection. Octets of a secret are places too.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/submit.h"
#include "replay/corpus.h"
#include "replay/wire.h"

// How the end reaches the client: by ehlo_input_end(), or by the clock.
static const struct reason {
  const char *name;
  enum ehlo_status why;
  bool by_clock;
  bool at_start_only;  // there is no connection yet
} reasons[] = {
    {"closed", EHLO_E_CLOSED, false, false},   {"reset", EHLO_E_RESET, false, false},
    {"tls", EHLO_E_TLS, false, false},         {"timeout", EHLO_E_TIMEOUT, false, false},
    {"deadline", EHLO_E_TIMEOUT, true, false}, {"connect", EHLO_E_CONNECT, false, true},
};
#define NUM_REASONS (sizeof(reasons) / sizeof(reasons[0]))

// README, "Exit status".
static const int exit_statuses[EHLO_NUM_OUTCOMES] = {
    [EHLO_OUTCOME_ACCEPTED] = 0,        [EHLO_OUTCOME_PARTIAL] = 1,
    [EHLO_OUTCOME_REFUSED] = 69,        [EHLO_OUTCOME_DEFERRED] = 75,
    [EHLO_OUTCOME_UNKNOWN] = 79,        [EHLO_OUTCOME_STOPPED] = 0,
    [EHLO_OUTCOME_AUTH_REFUSED] = 77,   [EHLO_OUTCOME_TLS_FAILED] = 78,
    [EHLO_OUTCOME_PROTOCOL_ERROR] = 76, [EHLO_OUTCOME_TIMEOUT] = 75,
    [EHLO_OUTCOME_CONNECT_FAILED] = 74, [EHLO_OUTCOME_LOST] = 74,
    [EHLO_OUTCOME_USAGE] = 64,
};

// A transport around the player: one octet at a time, and faults before each.
struct saboteur {
  struct ehlo_transport base;
  struct ehlo_transport *inner;
  const struct ehlo_corpus_file *file;
  const struct ehlo_client *client;
  const struct ehlo_submit *submit;  // NULL: verbs
  struct ehlo_wire wire;
  size_t moved;       // octets of both sides so far
  size_t num_places;  // in all files, to be shared among the shards
  size_t num_faults;
  size_t num_by_outcome[EHLO_NUM_OUTCOMES];  // of submissions that the fault decided
  size_t num_of_verbs;
};

#define MESSAGES_MAX 16
#define RECIPIENTS_MAX 1024

// A copy of the session, to be broken.
struct victim {
  struct ehlo_client client;
  struct ehlo_submit submit;
  struct ehlo_message messages[MESSAGES_MAX];
  struct ehlo_recipient recipients[RECIPIENTS_MAX];
  uint8_t buffer[EHLO_BUFFER_FULL];
};

// What becomes of messages and recipients is kept with them.
static void copy_messages(struct victim *v) {
  size_t num = 0;
  cr_assert_leq(v->submit.config.num_messages, MESSAGES_MAX);
  for (size_t i = 0; i < v->submit.config.num_messages; i++) {
    struct ehlo_message *m = &v->messages[i];
    *m = v->submit.config.messages[i];
    cr_assert_leq(num + m->num_to, RECIPIENTS_MAX);
    memcpy(v->recipients + num, m->to, m->num_to * sizeof(m->to[0]));
    m->to = v->recipients + num;
    num += m->num_to;
  }
  v->submit.config.messages = v->messages;
}

static void copy_session(struct victim *v, const struct saboteur *s) {
  v->client = *s->client;
  memcpy(v->buffer, s->client->out, sizeof(v->buffer));
  ehlo_client_rebase(&v->client, v->buffer);
  if (s->submit != NULL) {
    v->submit = *s->submit;
    copy_messages(v);
  }
}

// ---- What has to come of it -----------------------------------------------------------------------

// The sticky status afterwards: EHLO_OK where only QUIT was outstanding, which is an end in order.
// Line and limit errors win over the reason, so an unfinished line that is none is the server's.
static bool status_is_right(const struct saboteur *s, const struct reason *r,
                            enum ehlo_status status) {
  const struct ehlo_wire *w = &s->wire;
  bool quit = ehlo_client_state(s->client) == EHLO_STATE_QUIT &&
              ehlo_client_num_pending(s->client) == 1 &&
              (w->num_pending == 0 || w->pending[0] == EHLO_WIRE_QUIT);
  if (quit && !r->by_clock) {
    return status == EHLO_OK;
  }
  if (!w->tls_is_due && ehlo_wire_line_is_broken(w)) {
    return status == EHLO_E_REPLY_SYNTAX || status == EHLO_E_REPLY_CODE;
  }
  return status == r->why;
}

static enum ehlo_outcome expected_outcome(const struct saboteur *s, const struct reason *r) {
  const struct ehlo_wire *w = &s->wire;
  if (s->submit->verdict.outcome != EHLO_OUTCOME_OPEN) {
    return s->submit->verdict.outcome;  // what was known before stays
  }
  bool broken = !w->tls_is_due && ehlo_wire_line_is_broken(w);
  if (ehlo_wire_is_in_doubt(w) && !broken) {
    return EHLO_OUTCOME_UNKNOWN;
  }
  if (w->message_answered) {
    return EHLO_OUTCOME_PARTIAL;  // an earlier message, or some recipients of this one
  }
  if (broken) {
    return EHLO_OUTCOME_PROTOCOL_ERROR;
  }
  if (r->why == EHLO_E_CONNECT) {
    return EHLO_OUTCOME_CONNECT_FAILED;
  }
  if (r->why == EHLO_E_TIMEOUT) {
    return EHLO_OUTCOME_TIMEOUT;
  }
  bool implicit = s->submit->config.tls == EHLO_TLS_IMPLICIT && !ehlo_client_is_secure(s->client);
  bool handshake = w->tls_is_due || implicit;
  return r->why == EHLO_E_TLS && handshake ? EHLO_OUTCOME_TLS_FAILED : EHLO_OUTCOME_LOST;
}

// ---- Breaking it ------------------------------------------------------------------------------------

#define FAILURES_TOLD 40
static size_t num_failures;  // those beyond are not told: one mistake shows at very many places

#define EXPECT(condition, ...)                                                             \
  do {                                                                                     \
    if (!(condition) && num_failures++ < FAILURES_TOLD) {                                  \
      cr_expect(false, "%s: \"%s\" after %zu octets (S %zu of a line): " #condition " %s", \
                s->file->path, r->name, s->moved, s->wire.server_len, __VA_ARGS__);        \
    }                                                                                      \
  } while (false)

// Nothing is left to send, to wait for or to be told, and no verb is taken.
static void expect_over(const struct saboteur *s, const struct reason *r, struct victim *v) {
  struct ehlo_output out;
  struct ehlo_event event;
  enum ehlo_state state = ehlo_client_state(&v->client);
  EXPECT(state == EHLO_STATE_CLOSED || state == EHLO_STATE_FAILED, ehlo_state_name(state));
  EXPECT(state == EHLO_STATE_FAILED || v->client.status == EHLO_OK, "");
  EXPECT(status_is_right(s, r, v->client.status), ehlo_status_name(v->client.status));
  EXPECT(!ehlo_output_peek(&v->client, &out), "");
  EXPECT(ehlo_deadline(&v->client) == EHLO_NEVER, "");
  EXPECT(ehlo_next(&v->client, &event) == EHLO_EVENT_NONE, "");
  EXPECT(ehlo_send_noop(&v->client, ehlo_str("")) != EHLO_OK, "");
  EXPECT(ehlo_send_quit(&v->client) != EHLO_OK, "");
}

static void expect_outcome(struct saboteur *s, const struct reason *r, struct victim *v) {
  enum ehlo_outcome was = s->submit->verdict.outcome;
  enum ehlo_outcome outcome = v->submit.verdict.outcome;
  enum ehlo_outcome want = expected_outcome(s, r);
  bool delivered = outcome == EHLO_OUTCOME_ACCEPTED || outcome == EHLO_OUTCOME_PARTIAL;
  EXPECT(v->submit.finished, "");
  EXPECT(outcome == want, ehlo_outcome_name(outcome));
  EXPECT(outcome != EHLO_OUTCOME_OPEN, "");
  EXPECT(!delivered || s->wire.message_answered, ehlo_outcome_name(outcome));
  bool documented = ehlo_submit_exit_status(&v->submit) == exit_statuses[outcome] ||
                    v->submit.verdict.problem != EHLO_PROBLEM_NONE;
  EXPECT(documented, ehlo_outcome_name(outcome));
  if (was == EHLO_OUTCOME_OPEN) {
    s->num_by_outcome[outcome]++;
  }
}

// Takes the events of the end: a last one, CLOSED or FAILED, and no other.
static void drain(const struct saboteur *s, const struct reason *r, struct victim *v) {
  struct ehlo_event event;
  enum ehlo_event_type last = EHLO_EVENT_NONE;
  for (size_t i = 0; i < 4; i++) {
    enum ehlo_event_type type = s->submit != NULL ? ehlo_submit_next(&v->submit, &v->client, &event)
                                                  : ehlo_next(&v->client, &event);
    if (type == EHLO_EVENT_NONE) {
      break;
    }
    EXPECT(last == EHLO_EVENT_NONE, "two events");
    last = type;
  }
  EXPECT(last == EHLO_EVENT_CLOSED || last == EHLO_EVENT_FAILED, "no end");
}

// Ends a copy of the session, of which the transport took `acked` more octets.
static void break_so(struct saboteur *s, const struct reason *r, size_t acked) {
  static struct victim v;
  copy_session(&v, s);
  if (acked > 0) {
    ehlo_output_ack(&v.client, acked, v.client.now_ms);
  }
  uint64_t deadline = ehlo_deadline(&v.client);
  if (r->by_clock && deadline == EHLO_NEVER) {
    return;  // nothing is awaited, so no time runs out
  }
  if (r->by_clock) {
    ehlo_tick(&v.client, deadline);
  } else {
    EXPECT(ehlo_input_end(&v.client, r->why) == v.client.status, "");
  }
  drain(s, r, &v);
  expect_over(s, r, &v);
  if (s->submit != NULL) {
    expect_outcome(s, r, &v);
  } else {
    s->num_of_verbs++;
  }
  s->num_faults++;
}

// A session that is over already has nothing to lose.
static void break_here(struct saboteur *s, size_t acked) {
  enum ehlo_state state = ehlo_client_state(s->client);
  if (state == EHLO_STATE_CLOSED || state == EHLO_STATE_FAILED ||
      !ehlo_corpus_is_mine(s->num_places++)) {
    return;
  }
  for (size_t i = 0; i < NUM_REASONS; i++) {
    if (!reasons[i].at_start_only || s->moved == 0) {
      break_so(s, &reasons[i], acked);
    }
  }
}

// ---- The transport ----------------------------------------------------------------------------------

static enum ehlo_status sabotage_exchange(struct ehlo_transport *t, size_t *out_taken,
                                          size_t *in_len, const struct ehlo_output *out,
                                          uint8_t *in, size_t in_cap, uint64_t deadline_ms) {
  struct saboteur *s = (struct saboteur *)t;
  cr_assert_gt(in_cap, 0);
  enum ehlo_status status =
      s->inner->ops->exchange(s->inner, out_taken, in_len, out, in, 1, deadline_ms);
  bool caller = ehlo_status_class(status) == EHLO_CLASS_CALLER;  // the transcript is at its end
  if (*out_taken == 0 && (*in_len > 0 || (status != EHLO_OK && !caller))) {
    break_here(s, 0);
  }
  for (size_t i = 0; i < *out_taken; i++) {
    break_here(s, i);
    ehlo_wire_client(&s->wire, out->span.bytes + i, 1);
    s->moved++;
  }
  if (*in_len > 0) {
    ehlo_wire_server(&s->wire, in[0]);
    s->moved++;
  }
  return status;
}

static enum ehlo_status sabotage_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct saboteur *s = (struct saboteur *)t;
  break_here(s, 0);
  enum ehlo_status status = s->inner->ops->start_tls(s->inner, deadline_ms);
  if (status == EHLO_OK) {
    ehlo_wire_tls(&s->wire);
  }
  return status;
}

static void sabotage_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct saboteur *s = (struct saboteur *)t;
  s->inner->ops->describe_tls(s->inner, out, cap);
}

static void sabotage_close(struct ehlo_transport *t) {
  struct saboteur *s = (struct saboteur *)t;
  s->inner->ops->close(s->inner);
}

static uint64_t sabotage_now_us(struct ehlo_transport *t) {
  struct saboteur *s = (struct saboteur *)t;
  return s->inner->ops->now_us(s->inner);
}

static struct ehlo_transport *put_around(void *arg, struct ehlo_transport *player,
                                         const struct ehlo_client *c,
                                         const struct ehlo_submit *submit) {
  struct saboteur *s = arg;
  s->inner = player;
  s->client = c;
  s->submit = submit;
  s->moved = 0;
  ehlo_wire_init(&s->wire);
  return &s->base;
}

static void run_file(struct saboteur *s, const struct ehlo_corpus_file *file) {
  struct ehlo_replay_result r;
  s->file = file;
  ehlo_corpus_replay(&r, file,
                     &(struct ehlo_replay_options){.around = put_around, .around_arg = s});
  ehlo_corpus_expect_same(&r, file, "byte by byte, with faults beside it");
}

Test(corpus_faults, every_end_has_its_outcome) {
  static const struct ehlo_transport_ops ops = {
      .exchange = sabotage_exchange,
      .start_tls = sabotage_start_tls,
      .describe_tls = sabotage_describe_tls,
      .close = sabotage_close,
      .now_us = sabotage_now_us,
  };
  static struct saboteur s = {.base = {&ops}};
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    run_file(&s, &corpus->files[i]);
  }
  printf("%zu faults injected here, at this shard's part of %zu places in %zu transcripts; ",
         s.num_faults, s.num_places, corpus->num_files);
  printf("verbs: %zu", s.num_of_verbs);
  for (int i = 0; i < EHLO_NUM_OUTCOMES; i++) {
    if (s.num_by_outcome[i] > 0) {
      printf(", %s: %zu", ehlo_outcome_name((enum ehlo_outcome)i), s.num_by_outcome[i]);
    }
  }
  printf("\n");
  // Each kind of end is among them.
  static const enum ehlo_outcome kinds[] = {
      EHLO_OUTCOME_UNKNOWN, EHLO_OUTCOME_TLS_FAILED, EHLO_OUTCOME_PROTOCOL_ERROR,
      EHLO_OUTCOME_TIMEOUT, EHLO_OUTCOME_LOST,
  };
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    cr_expect_gt(s.num_by_outcome[kinds[i]], 0, "%s", ehlo_outcome_name(kinds[i]));
  }
  cr_expect_gt(s.num_of_verbs, 0);
}
