// The message and the content of chunks: engine/SPECIFICATION.md, "The message" and "The content of a chunk".
#include <string.h>

#include "fuzz/model.h"
#include "fuzz/model_parts.h"

// What one octet of text may become: a CR that is repaired, and two dots.
#define TEXT_ROOM 4

// Octets of content. What is put behind the command of a chunk belongs to it.
static void put(struct ehlo_model *m, const void *bytes, size_t len, bool chunk) {
  if (len > 0 && m->num_taken == m->sent.len) {
    m->wait_ms = m->now_ms;
  }
  ehlo_model_put(m, (struct ehlo_span){bytes, len}, EHLO_OUTPUT_BODY);
  if (chunk) {
    m->chunk_left -= len;
    m->pending[m->num_pending - 1].end = m->sent.len;
  }
}

// Octets of text. The last one that a chunk wants is the LF of its last line, and waits for the end.
static void put_text(struct ehlo_model *m, const uint8_t *bytes, size_t len, bool chunk) {
  if (!chunk) {
    put(m, bytes, len, false);
    return;
  }
  uint64_t free = m->chunk_left > 0 ? m->chunk_left - 1 : 0;
  size_t fits = m->chunk_broken || m->chunk_held ? 0 : len < free ? len : (size_t)free;
  if (fits > 0) {
    put(m, bytes, fits, true);
  }
  if (fits == len) {
    return;
  }
  bool last = fits + 1 == len && bytes[fits] == '\n' && !m->chunk_held;
  m->chunk_broken = m->chunk_broken || !last;
  m->chunk_held = true;
}

static void end_line(struct ehlo_model *m, bool chunk) {
  put_text(m, (const uint8_t *)"\r\n", 2, chunk);
  m->in_line = false;
  m->cr = false;
}

// Whether a line may end here, by a CR alone, an LF alone, CR LF, or the end of the text.
static enum ehlo_status judge_end(const struct ehlo_model *m, bool cr, bool lf, bool chunk) {
  if (cr && !lf && m->config.bare_cr == EHLO_BARE_CR_REFUSE) {
    return EHLO_E_BARE_CR;
  }
  if (!cr && m->config.bare_lf == EHLO_BARE_LF_REFUSE) {
    return EHLO_E_BARE_LF;
  }
  bool nul_dot = m->in_line && m->nul_line && m->only_nul_dot && m->num_dots == 1;
  return !chunk && nul_dot ? EHLO_E_NUL_DOT : EHLO_OK;
}

// A run of octets that are no line ends.
static void put_run(struct ehlo_model *m, const uint8_t *bytes, size_t len, bool chunk) {
  if (!m->in_line) {
    m->nul_line = bytes[0] == '\0';
    m->num_dots = 0;
    m->only_nul_dot = true;
    if (!chunk && bytes[0] == '.') {
      put(m, ".", 1, false);
    }
  }
  for (size_t i = 0; m->nul_line && m->only_nul_dot && i < len; i++) {
    m->num_dots += bytes[i] == '.';
    m->only_nul_dot = bytes[i] == '.' || bytes[i] == '\0';
  }
  m->in_line = true;
  put_text(m, bytes, len, chunk);
}

static size_t run_len(const uint8_t *bytes, size_t len) {
  size_t i = 0;
  while (i < len && bytes[i] != '\r' && bytes[i] != '\n') {
    i++;
  }
  return i;
}

// Takes what stands at the front, unless it may not leave.
static void take_some(struct ehlo_model *m, struct ehlo_span *text, bool chunk) {
  size_t len = 1;
  bool lf = text->bytes[0] == '\n';
  if (lf || m->cr) {
    m->refused = judge_end(m, m->cr, lf, chunk);
    if (m->refused != EHLO_OK) {
      return;
    }
    end_line(m, chunk);
    len = lf;
  } else if (text->bytes[0] == '\r') {
    m->cr = true;
  } else {
    len = run_len(text->bytes, text->len);
    put_run(m, text->bytes, len, chunk);
  }
  m->chunk_text = m->chunk_text || (chunk && len > 0);
  *text = ehlo_model_from(*text, len);
}

static enum ehlo_status text_status(const struct ehlo_model *m) {
  return m->chunk_broken ? EHLO_E_CHUNK_SIZE : m->refused;
}

static void take_all(struct ehlo_model *m, struct ehlo_span text, bool chunk) {
  while (text.len > 0 && text_status(m) == EHLO_OK) {
    take_some(m, &text, chunk);
  }
}

enum ehlo_status ehlo_model_text(struct ehlo_model *m, struct ehlo_span text, size_t used) {
  bool chunk = m->intent == EHLO_STATE_CHUNK;
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (chunk ? m->chunk_octets : m->intent != EHLO_STATE_BODY) {
    return EHLO_E_STATE;
  }
  take_all(m, (struct ehlo_span){text.bytes, used}, chunk);
  // What is left had no room, or could not leave.
  if (used < text.len && ehlo_model_has_room(m, TEXT_ROOM)) {
    struct ehlo_span next = {text.bytes + used, 1};
    take_all(m, next, chunk);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, text_status(m) != EHLO_OK);
  }
  return text_status(m);
}

static void finish_chunk(struct ehlo_model *m) {
  if (m->chunk_left == 0) {
    m->intent = m->pending[m->num_pending - 1].last ? EHLO_STATE_READY : EHLO_STATE_CHUNKED;
    ehlo_model_settle(m);
  }
}

enum ehlo_status ehlo_model_octets(struct ehlo_model *m, struct ehlo_span octets, bool hold) {
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (m->intent == EHLO_STATE_CHUNK && m->chunk_broken) {
    return EHLO_E_CHUNK_SIZE;
  }
  if (m->intent != EHLO_STATE_CHUNK || m->chunk_text) {
    return EHLO_E_STATE;
  }
  size_t len = octets.len < m->chunk_left ? octets.len : (size_t)m->chunk_left;
  if (hold) {
    size_t room = ehlo_model_has_room(m, 0) ? m->output_max - (m->sent.len - m->num_taken) : 0;
    len = len < room ? len : room;
  }
  m->chunk_octets = m->chunk_octets || len > 0;
  put(m, octets.bytes, len, true);
  finish_chunk(m);
  return !hold && len < octets.len ? EHLO_E_STATE : EHLO_OK;
}

static enum ehlo_status end_chunk(struct ehlo_model *m) {
  if (m->chunk_octets) {
    return EHLO_E_STATE;
  }
  if (text_status(m) != EHLO_OK) {
    return text_status(m);
  }
  if (m->in_line || m->cr) {
    m->refused = judge_end(m, m->cr, false, true);
    if (m->refused != EHLO_OK) {
      return m->refused;
    }
  }
  if (!ehlo_model_has_room(m, EHLO_BODY_END_MAX)) {
    return EHLO_E_FULL;
  }
  if (m->in_line || m->cr) {
    end_line(m, true);
  }
  m->chunk_broken = m->chunk_broken || !m->chunk_held;
  if (m->chunk_broken) {
    return EHLO_E_CHUNK_SIZE;
  }
  put(m, "\n", 1, true);
  finish_chunk(m);
  return EHLO_OK;
}

enum ehlo_status ehlo_model_text_end(struct ehlo_model *m) {
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  if (m->intent == EHLO_STATE_CHUNK) {
    return end_chunk(m);
  }
  enum ehlo_status status = ehlo_model_order(m, EHLO_VERB_BODY);
  if (status == EHLO_OK) {
    status = m->refused;
  }
  if (status == EHLO_OK && (m->in_line || m->cr)) {
    m->refused = judge_end(m, m->cr, false, false);
    status = m->refused;
  }
  if (status == EHLO_OK && !ehlo_model_has_room(m, EHLO_BODY_END_MAX)) {
    status = EHLO_E_FULL;
  }
  if (status != EHLO_OK) {
    return status;
  }
  if (m->in_line || m->cr) {
    end_line(m, false);
  }
  put(m, ".\r\n", 3, false);
  ehlo_model_push(m, EHLO_VERB_BODY);
  m->intent = EHLO_STATE_READY;
  return EHLO_OK;
}
