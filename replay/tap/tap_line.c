// A line of the client's: what of it is shown, and once it is whole, what it means for what follows.
// Whatever cannot be told for certain is decided so that nothing is shown which might be a secret.
#include <string.h>

#include "replay/tap/learn.h"
#include "replay/tap/tap_parts.h"

// ---- What is written ----------------------------------------------------------------------------

static void begin_chunk(struct ehlo_tap *t) {
  ehlo_scribe_client_begin(&t->scribe, t->client_us);
  t->client_us = EHLO_NO_TIME;
}

void ehlo_tap_put(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  if (len > 0) {
    begin_chunk(t);
    ehlo_scribe_client_bytes(&t->scribe, bytes, len);
  }
}

static void put_secret(struct ehlo_tap *t) {
  begin_chunk(t);
  ehlo_scribe_client_secret(&t->scribe);
}

// ---- A line of the client's, judged -------------------------------------------------------------

static struct ehlo_span line_of(const struct ehlo_tap *t) {
  return (struct ehlo_span){t->line, t->line_len};
}

static enum ehlo_hide_place place_of(const struct ehlo_tap *t) {
  if (t->open) {
    return EHLO_HIDE_RESPONSE;
  }
  return t->doubt ? EHLO_HIDE_DOUBT : EHLO_HIDE_COMMAND;
}

static void hide_rest(struct ehlo_tap *t) {
  put_secret(t);
  t->hides = true;
}

static void show_to(struct ehlo_tap *t, size_t end) {
  if (end > t->written) {
    ehlo_tap_put(t, t->line + t->written, end - t->written);
    t->written = end;
  }
}

void ehlo_tap_judge(struct ehlo_tap *t, bool whole) {
  if (t->shows || t->hides) {
    return;
  }
  struct ehlo_hide_verdict verdict = ehlo_hide_judge(place_of(t), line_of(t), whole, &t->offered);
  show_to(t, verdict.shown);
  if (verdict.hides || (t->overlong && !verdict.final)) {
    hide_rest(t);
  } else if (verdict.final) {
    t->shows = true;
    if (t->cr && !whole) {
      ehlo_tap_put(t, (const uint8_t *)"\r", 1);
      t->cr = false;
    }
  }
}

void ehlo_tap_line_keep(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  size_t room = sizeof(t->line) - t->line_len;
  size_t n = len < room ? len : room;
  memcpy(t->line + t->line_len, bytes, n);
  t->line_len += n;
  t->overlong = t->overlong || n < len;
}

// Adds to the line what is no line end. A CR is only added once it is known to end no line.
void ehlo_tap_line_add(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  if (len == 0) {
    return;
  }
  if (t->cr) {
    ehlo_tap_line_keep(t, (const uint8_t *)"\r", 1);
  }
  t->cr = bytes[len - 1] == '\r';
  ehlo_tap_line_keep(t, bytes, len - (t->cr ? 1 : 0));
}

void ehlo_tap_line_begin(struct ehlo_tap *t) {
  memset(t->line, 0, t->line_len);
  t->line_len = 0;
  t->written = 0;
  t->shows = false;
  t->hides = false;
  t->cr = false;
  t->overlong = false;
}

// Something else comes before the rest of the line: what may turn out to be a secret becomes one.
void ehlo_tap_line_interrupt(struct ehlo_tap *t) {
  if (!t->shows && !t->hides && t->line_len > t->written) {
    hide_rest(t);
  }
  ehlo_scribe_client_end(&t->scribe);
}

bool ehlo_tap_at_line_start(const struct ehlo_tap *t) {
  return t->mode == EHLO_TAP_LINES && t->line_len == 0 && !t->shows && !t->hides && !t->cr;
}

// ---- What a whole line means --------------------------------------------------------------------

static void learn(struct ehlo_tap *t, struct ehlo_span mechanism, struct ehlo_span text) {
  if (t->overlong) {
    t->redactor.full = true;
  } else {
    ehlo_learn_response(&t->redactor, mechanism, t->step, text);
  }
}

// The words of a text, each as a response of its own: what stands there is not what it should be.
static void learn_words(struct ehlo_tap *t, struct ehlo_span mechanism, struct ehlo_span text) {
  size_t at = 0;
  while (at < text.len) {
    size_t end = at;
    while (end < text.len && text.bytes[end] > ' ') {
      end++;
    }
    if (end > at) {
      learn(t, mechanism, (struct ehlo_span){text.bytes + at, end - at});
    }
    at = end + 1;
  }
}

void ehlo_tap_open_exchange(struct ehlo_tap *t, struct ehlo_span mechanism) {
  t->open = true;
  t->auth_at = t->num_sent;
  t->step = 0;
  t->mechanism_len = mechanism.len < sizeof(t->mechanism) ? mechanism.len : 0;
  if (t->mechanism_len > 0) {
    memcpy(t->mechanism, mechanism.bytes, t->mechanism_len);
  }
}

static struct ehlo_span mechanism_of(const struct ehlo_tap *t) {
  return (struct ehlo_span){t->mechanism, t->mechanism_len};
}

static void take_auth(struct ehlo_tap *t, const struct ehlo_auth_line *auth) {
  struct ehlo_span none = {NULL, 0};
  bool known = ehlo_hide_is_mechanism(auth->mechanism, &t->offered);
  ehlo_tap_open_exchange(t, known ? auth->mechanism : none);
  if (!known) {
    learn_words(t, none, auth->mechanism);
  }
  if (auth->rest.len > 0) {
    bool empty = auth->rest.len == 1 && auth->rest.bytes[0] == '=';
    if (!empty) {
      learn_words(t, mechanism_of(t), auth->rest);
    }
    t->step++;
  }
}

static void take_response(struct ehlo_tap *t) {
  struct ehlo_span verb = ehlo_hide_verb(line_of(t));
  if (ehlo_hide_same(verb, "DATA")) {
    t->data_at = t->num_sent;
  }
  if (t->hides && !ehlo_hide_is_verb(verb)) {
    learn_words(t, mechanism_of(t), line_of(t));
  }
  t->step++;
}

// "BDAT 86 LAST"
static void take_bdat(struct ehlo_tap *t, struct ehlo_span verb) {
  struct ehlo_span line = line_of(t);
  size_t at = (size_t)(verb.bytes - line.bytes) + verb.len;
  uint64_t len = 0;
  while (at < line.len && line.bytes[at] == ' ') {
    at++;
  }
  for (size_t digits = 0; at < line.len && digits < 18; digits++, at++) {
    if (line.bytes[at] < '0' || line.bytes[at] > '9') {
      break;
    }
    len = len * 10 + (uint64_t)(line.bytes[at] - '0');
  }
  t->chunk_at = t->num_sent;
  t->chunk_left = len;
  t->chunk_begun = false;
  t->mode = len > 0 ? EHLO_TAP_CHUNK : EHLO_TAP_LINES;
}

static void take_command(struct ehlo_tap *t) {
  struct ehlo_span verb = ehlo_hide_verb(line_of(t));
  t->doubt = t->doubt && !ehlo_hide_is_verb(verb);
  if (t->hides) {
    learn_words(t, (struct ehlo_span){NULL, 0}, line_of(t));
  }
  if (ehlo_hide_same(verb, "DATA")) {
    t->data_at = t->num_sent;
  } else if (ehlo_hide_same(verb, "BDAT")) {
    take_bdat(t, verb);
  }
}

// Of a line that may be text, only what can hurt counts, and the dot that ends it.
static void take_unsure(struct ehlo_tap *t) {
  bool with_cr = t->line_len == 2 && t->line[1] == '\r';
  if ((t->line_len == 1 || with_cr) && t->line[0] == '.') {
    t->unsure = false;
    t->num_sent++;
  } else if (t->hides) {
    learn_words(t, (struct ehlo_span){NULL, 0}, line_of(t));
  }
}

void ehlo_tap_line_take(struct ehlo_tap *t) {
  struct ehlo_auth_line auth;
  if (!t->open && ehlo_auth_line_parse(&auth, line_of(t))) {
    t->num_sent++;
    take_auth(t, &auth);
  } else if (t->open) {
    t->num_sent++;
    take_response(t);
  } else if (t->unsure) {
    take_unsure(t);
  } else {
    t->num_sent++;
    take_command(t);
  }
}
