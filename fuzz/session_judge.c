// Whether a client did what the model did. See session_model.h.
#include <stdio.h>
#include <string.h>

#include "fuzz/session_model.h"

#define CHECK(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, condition)

// Two numbers that are to be the same. Where they are not, both are said.
static bool is_same(const struct ehlo_session_model *s, uint64_t client, uint64_t model) {
  if (client != model && EHLO_FUZZ_HAS(EHLO_FUZZ_MODEL)) {
    fprintf(stderr, "step %zu (%c): the client has %llu, the model %llu\n", s->num_steps, s->what,
            (unsigned long long)client, (unsigned long long)model);
  }
  return client == model;
}
#define SAME(client, model) CHECK(is_same(s, client, model))

// The flags by which spans are told apart; the others depend on what is queued.
#define KINDS (EHLO_OUTPUT_SECRET | EHLO_OUTPUT_BODY)

static bool same_bytes(const struct ehlo_fuzz_bytes *store, struct ehlo_model_range range,
                       struct ehlo_span span) {
  return range.len == span.len &&
         (span.len == 0 || memcmp(store->bytes + range.at, span.bytes, span.len) == 0);
}

static void judge_reply(const struct ehlo_session_model *s, const struct ehlo_model_event *want,
                        const struct ehlo_event *got) {
  SAME(got->verb, want->verb);
  SAME(got->reply.code, want->code);
  SAME(got->reply.num_lines, want->num_lines);
  SAME(got->reply.enhanced.class_code, want->enhanced.class_code);
  SAME(got->reply.enhanced.subject, want->enhanced.subject);
  SAME(got->reply.enhanced.detail, want->enhanced.detail);
  CHECK(same_bytes(&s->model.server, want->text, got->reply.text));
  SAME(got->of_recipient, want->of_recipient);
  SAME(got->recipient, want->recipient);
  SAME(got->num_due, want->num_due);
}

static void judge_error(const struct ehlo_session_model *s, const struct ehlo_model_event *want,
                        const struct ehlo_error *got) {
  SAME(got->status, want->status);
  SAME(got->offset, want->offset);
  CHECK(same_bytes(&s->model.server, want->line, got->line));
  SAME(got->verb, want->error_verb);
  SAME(got->verb_sent, want->verb_sent);
}

void ehlo_session_model_see_event(struct ehlo_session_model *s, const struct ehlo_event *event) {
  const struct ehlo_model *m = &s->model;
  SAME(s->num_seen < m->num_events, true);
  const struct ehlo_model_event *want = &m->events[s->num_seen++];
  SAME(event->type, want->type);
  switch (event->type) {
    case EHLO_EVENT_CHALLENGE:
      SAME(event->challenge_valid, want->challenge_valid);
      CHECK(same_bytes(&m->challenges, want->challenge, event->challenge));
      judge_reply(s, want, event);
      break;
    case EHLO_EVENT_REPLY:
      judge_reply(s, want, event);
      break;
    case EHLO_EVENT_FAILED:
      judge_error(s, want, &event->error);
      break;
    case EHLO_EVENT_NONE:
    case EHLO_EVENT_TLS_WANTED:
    case EHLO_EVENT_BODY_WANTED:
    case EHLO_EVENT_CLOSED:
      break;
  }
}

void ehlo_session_model_see_output(struct ehlo_session_model *s, const struct ehlo_output *out,
                                   size_t taken) {
  const struct ehlo_model *m = &s->model;
  SAME(taken <= m->sent.len - s->num_sent, true);
  CHECK(taken == 0 || memcmp(out->span.bytes, m->sent.bytes + s->num_sent, taken) == 0);
  for (size_t i = 0; i < taken;) {
    struct ehlo_model_run run = ehlo_model_run_at(m, s->num_sent + i);
    SAME(out->flags & KINDS, run.kind);
    i = run.end - s->num_sent;
  }
  s->num_sent += taken;
}

static bool same_names(const struct ehlo_model_names *names, const char *list) {
  size_t at = 0;
  for (size_t i = 0; i < names->num; i++) {
    size_t len = strlen(names->name[i]);
    if (list[at] != ' ' || strncmp(list + at + 1, names->name[i], len) != 0) {
      return false;
    }
    at += 1 + len;
  }
  return names->num == 0 ? list[0] == '\0' : strcmp(list + at, " ") == 0;
}

static unsigned bits_of(const struct ehlo_capabilities *caps) {
  return (caps->esmtp ? EHLO_MODEL_ESMTP : 0U) | (caps->starttls ? EHLO_MODEL_STARTTLS : 0U) |
         (caps->pipelining ? EHLO_MODEL_PIPELINING : 0U) |
         (caps->eight_bit_mime ? EHLO_MODEL_8BITMIME : 0U) |
         (caps->smtputf8 ? EHLO_MODEL_SMTPUTF8 : 0U) | (caps->chunking ? EHLO_MODEL_CHUNKING : 0U) |
         (caps->binary_mime ? EHLO_MODEL_BINARYMIME : 0U) | (caps->dsn ? EHLO_MODEL_DSN : 0U) |
         (caps->size ? EHLO_MODEL_SIZE : 0U) | (caps->auth ? EHLO_MODEL_AUTH : 0U) |
         (caps->requiretls ? EHLO_MODEL_REQUIRETLS : 0U) |
         (caps->future_release ? EHLO_MODEL_FUTURERELEASE : 0U) |
         (caps->deliver_by ? EHLO_MODEL_DELIVERBY : 0U) |
         (caps->mt_priority ? EHLO_MODEL_MT_PRIORITY : 0U) | (caps->etrn ? EHLO_MODEL_ETRN : 0U) |
         (caps->xclient ? EHLO_MODEL_XCLIENT : 0U);
}

static void judge_offers(const struct ehlo_session_model *s, const struct ehlo_capabilities *caps) {
  const struct ehlo_model_offers *want = &s->model.offers;
  SAME(bits_of(caps), want->bits);
  SAME(caps->max_size, want->max_size);
  SAME(caps->max_hold_s, want->max_hold_s);
  SAME(caps->min_by_s, want->min_by_s);
  CHECK(same_names(&want->mechanisms, caps->mechanisms));
  CHECK(same_names(&want->attributes, caps->xclient_names));
}

void ehlo_session_model_see_rest(struct ehlo_session_model *s, const struct ehlo_client *c,
                                 enum ehlo_status status) {
  const struct ehlo_model *m = &s->model;
  struct ehlo_output out;
  SAME(status, s->status);
  SAME(s->num_seen, m->num_events);
  SAME(s->num_sent, m->num_taken);
  CHECK(ehlo_output_peek(c, &out) == (m->num_taken < m->sent.len));
  SAME(ehlo_client_state(c), m->intent);
  SAME(ehlo_deadline(c), ehlo_model_deadline(m));
  SAME(ehlo_client_num_pending(c), m->num_pending);
  SAME(ehlo_client_is_secure(c), m->secure);
  SAME(ehlo_client_is_authenticated(c), m->authenticated);
  SAME(ehlo_client_is_lmtp(c), m->lmtp);
  SAME(ehlo_client_num_accepted(c), m->num_accepted);
  judge_offers(s, ehlo_client_capabilities(c));
  // One verb a step: a session has enough of them.
  enum ehlo_verb verb = (enum ehlo_verb)(s->num_steps % EHLO_NUM_VERBS);

  SAME(ehlo_client_may_send(c, verb), ehlo_model_may_send(m, verb));
}
