// The frame of the model: what is outstanding, what is for the server, and how a session ends. See model.h.
#include "fuzz/model.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/model_parts.h"

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

// So many runs of one kind waiting, and nothing more has room.
#define RUNS_FULL 10

// "A quarter of it and at most 13,824" for output, 65,536 at most for a reply, the rest for output again.
static void set_room(struct ehlo_model *m, size_t buf_len) {
  m->output_max = smaller(buf_len / 4, EHLO_OUTPUT_FULL);
  m->reply_max = smaller(buf_len - m->output_max, EHLO_REPLY_MAX);
  m->output_max = buf_len - m->reply_max;
}

void ehlo_model_begin(struct ehlo_model *m, const struct ehlo_config *config, size_t buf_len) {
  memset(m, 0, offsetof(struct ehlo_model, offers));
  ehlo_fuzz_clear(&m->sent);
  ehlo_fuzz_clear(&m->server);
  ehlo_fuzz_clear(&m->challenges);
  ehlo_model_forget_offers(m);
  m->config = *config;
  set_room(m, buf_len);
  ehlo_model_push(m, EHLO_VERB_GREETING);
}

void ehlo_model_forget_events(struct ehlo_model *m) {
  m->num_events = 0;
  ehlo_fuzz_clear(&m->challenges);
}

bool ehlo_model_is_over(const struct ehlo_model *m) {
  return m->confirmed == EHLO_STATE_CLOSED || m->confirmed == EHLO_STATE_FAILED;
}

// ---- What is for the server ---------------------------------------------------------------------

void ehlo_model_put(struct ehlo_model *m, struct ehlo_span bytes, unsigned kind) {
  if (bytes.len == 0) {
    return;
  }
  ehlo_fuzz_add(&m->sent, bytes.bytes, bytes.len);
  bool same = m->num_runs > 0 && m->runs[m->num_runs - 1].kind == kind;
  if (!same && m->num_runs == m->runs_cap) {
    m->runs_cap = m->runs_cap * 2 + 64;
    m->runs = realloc(m->runs, m->runs_cap * sizeof(*m->runs));
    EHLO_FUZZ_CHECK(m->runs != NULL);
  }
  m->num_runs += !same;
  m->runs[m->num_runs - 1] = (struct ehlo_model_run){m->sent.len, kind};
}

bool ehlo_model_has_room(const struct ehlo_model *m, size_t len) {
  size_t num_waiting = 0;
  for (size_t i = m->num_runs; i > 0 && m->runs[i - 1].end > m->num_taken; i--) {
    num_waiting++;
  }
  return num_waiting < RUNS_FULL && m->sent.len - m->num_taken + len <= m->output_max;
}

// The last run that begins at or before it.
struct ehlo_model_run ehlo_model_run_at(const struct ehlo_model *m, size_t at) {
  size_t from = 0;
  size_t to = m->num_runs;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (m->runs[middle].end <= at) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  EHLO_FUZZ_CHECK(from < m->num_runs);
  return m->runs[from];
}

void ehlo_model_take(struct ehlo_model *m, size_t max) {
  size_t len = smaller(max, m->sent.len - m->num_taken);
  if (len == 0) {
    return;
  }
  m->num_taken += len;
  m->wait_ms = m->now_ms;
  ehlo_model_settle(m);
}

// ---- What is outstanding ------------------------------------------------------------------------

void ehlo_model_push(struct ehlo_model *m, enum ehlo_verb verb) {
  if (m->num_pending == 0) {
    m->wait_ms = m->now_ms;
  }
  EHLO_FUZZ_CHECK(m->num_pending < EHLO_PENDING_MAX);
  m->pending[m->num_pending++] = (struct ehlo_model_command){verb, m->sent.len, false};
}

void ehlo_model_pop(struct ehlo_model *m) {
  m->num_pending--;
  m->num_had = 0;
  memmove(m->pending, m->pending + 1, m->num_pending * sizeof(m->pending[0]));
  if (m->num_pending == 0) {
    m->intent = m->confirmed;
  }
}

enum ehlo_verb ehlo_model_oldest(const struct ehlo_model *m) {
  return m->num_pending > 0 ? m->pending[0].verb : EHLO_VERB_NONE;
}

// Of the chunk, too, which stands behind its command as long as that is the last one.
bool ehlo_model_oldest_is_sent(const struct ehlo_model *m) {
  return m->num_pending > 0 && m->pending[0].end <= m->num_taken &&
         (m->num_pending > 1 || m->pending[0].verb != EHLO_VERB_BDAT || m->chunk_left == 0);
}

void ehlo_model_settle(struct ehlo_model *m) {
  while (m->lmtp && m->num_accepted == 0 && ehlo_model_oldest(m) == EHLO_VERB_BDAT &&
         m->pending[0].last && ehlo_model_oldest_is_sent(m)) {
    m->confirmed = EHLO_STATE_READY;
    ehlo_model_pop(m);
  }
}

// ---- How it ends --------------------------------------------------------------------------------

struct ehlo_model_event *ehlo_model_add_event(struct ehlo_model *m, enum ehlo_event_type type) {
  EHLO_FUZZ_CHECK(m->num_events < EHLO_MODEL_EVENTS_MAX);
  struct ehlo_model_event *event = &m->events[m->num_events++];
  memset(event, 0, sizeof(*event));
  event->type = type;
  event->num_sent = m->num_taken;
  return event;
}

static void end(struct ehlo_model *m, enum ehlo_state state) {
  m->confirmed = state;
  m->intent = state;
  m->sent.len = m->num_taken;
}

void ehlo_model_close(struct ehlo_model *m) {
  ehlo_model_add_event(m, EHLO_EVENT_CLOSED);
  m->num_pending = 0;
  end(m, EHLO_STATE_CLOSED);
}

void ehlo_model_fail(struct ehlo_model *m, enum ehlo_status status, size_t offset,
                     struct ehlo_model_range line) {
  struct ehlo_model_event *event = ehlo_model_add_event(m, EHLO_EVENT_FAILED);
  event->status = status;
  event->offset = offset;
  event->line = line;
  event->error_verb = ehlo_model_oldest(m);
  event->verb_sent = ehlo_model_oldest_is_sent(m);
  m->error = status;
  end(m, EHLO_STATE_FAILED);
}

// ---- Calls of the transport that are about no octets ----------------------------------------------

enum ehlo_status ehlo_model_input_end(struct ehlo_model *m, enum ehlo_status why) {
  if (ehlo_model_is_over(m)) {
    return m->error;
  }
  if (ehlo_model_oldest(m) == EHLO_VERB_QUIT) {
    ehlo_model_close(m);
  } else {
    ehlo_model_end_stream(m, why);
  }
  return m->error;
}

enum ehlo_status ehlo_model_tls_done(struct ehlo_model *m) {
  bool first = m->confirmed == EHLO_STATE_CONNECT && m->server.len == 0;
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (m->tls_tried || (m->confirmed != EHLO_STATE_TLS && !first)) {
    return EHLO_E_STATE;
  }
  m->tls_tried = true;
  m->secure = true;
  m->authenticated = false;
  m->lmtp = false;
  ehlo_model_forget_offers(m);
  m->wait_ms = m->now_ms;
  if (!first) {
    m->confirmed = EHLO_STATE_GREETED;
    m->intent = EHLO_STATE_GREETED;
  }
  return EHLO_OK;
}

enum ehlo_status ehlo_model_move(struct ehlo_model *m, size_t buf_len) {
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (m->confirmed == EHLO_STATE_CLOSED || m->num_pending > 0 || m->num_taken < m->sent.len ||
      m->reply_at < m->server.len) {
    return EHLO_E_STATE;
  }
  set_room(m, buf_len);
  return EHLO_OK;
}
