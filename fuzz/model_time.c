// The clock of the model: engine/SPECIFICATION.md, "Time".
#include "fuzz/model.h"
#include "fuzz/model_parts.h"

static uint64_t or_default(uint32_t ms, uint64_t when_zero) {
  return ms > 0 ? ms : when_zero;
}

// What waits begins with message, and belongs to the oldest command or to none.
static bool is_blocked(const struct ehlo_model *m) {
  return m->num_taken < m->sent.len && !ehlo_model_oldest_is_sent(m) &&
         (ehlo_model_run_at(m, m->num_taken).kind & EHLO_OUTPUT_BODY) != 0;
}

static uint64_t bound_of(const struct ehlo_timeouts *t, enum ehlo_verb verb) {
  switch ((int)verb) {
    case EHLO_VERB_GREETING:
      return or_default(t->greeting_ms, 300000);
    case EHLO_VERB_DATA:
      return or_default(t->data_ms, 120000);
    case EHLO_VERB_BODY:
    case EHLO_VERB_BDAT:
      return or_default(t->body_ms, 600000);
    case EHLO_VERB_QUIT:
      return or_default(t->quit_ms, 5000);
    default:
      return or_default(t->command_ms, 300000);
  }
}

uint64_t ehlo_model_deadline(const struct ehlo_model *m) {
  const struct ehlo_timeouts *t = &m->config.timeouts;
  if (ehlo_model_is_over(m)) {
    return EHLO_NEVER;
  }
  if (m->confirmed == EHLO_STATE_TLS) {
    return m->wait_ms + or_default(t->tls_ms, 120000);
  }
  if (is_blocked(m)) {
    return m->wait_ms + or_default(t->block_ms, 180000);
  }
  return m->num_pending > 0 ? m->wait_ms + bound_of(t, m->pending[0].verb) : EHLO_NEVER;
}

void ehlo_model_tick(struct ehlo_model *m, uint64_t now_ms) {
  uint64_t deadline = ehlo_model_deadline(m);
  m->now_ms = now_ms > m->now_ms ? now_ms : m->now_ms;
  if (deadline != EHLO_NEVER && m->now_ms >= deadline) {
    ehlo_model_end_stream(m, EHLO_E_TIMEOUT);
  }
}
