// Follows a session on its bytes. Which reply answers which command is known by counting; codes that
// can only belong to AUTH set the count right where a side broke the protocol. Whatever cannot be
// told for certain is decided so that nothing is shown which might be a secret.
#include "replay/tap.h"

#include <string.h>

#include "replay/learn.h"

// ---- The client's chunk -------------------------------------------------------------------------

// The time of a chunk, EHLO_NO_TIME for a further piece of the one before.
static uint64_t chunk_time(struct ehlo_tap *t, enum ehlo_side side, uint64_t time_us) {
  bool goes_on = t->has_side && t->side == side && t->time_us == time_us;
  t->has_side = true;
  t->side = side;
  t->time_us = time_us;
  return goes_on ? EHLO_NO_TIME : time_us;
}

static void begin_chunk(struct ehlo_tap *t) {
  ehlo_scribe_client_begin(&t->scribe, t->client_us);
  t->client_us = EHLO_NO_TIME;
}

static void put(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
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
    put(t, t->line + t->written, end - t->written);
    t->written = end;
  }
}

static void judge(struct ehlo_tap *t, bool whole) {
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
      put(t, (const uint8_t *)"\r", 1);
      t->cr = false;
    }
  }
}

static void keep(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  size_t room = sizeof(t->line) - t->line_len;
  size_t n = len < room ? len : room;
  memcpy(t->line + t->line_len, bytes, n);
  t->line_len += n;
  t->overlong = t->overlong || n < len;
}

// Adds to the line what is no line end. A CR is only added once it is known to end no line.
static void add_to_line(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  if (len == 0) {
    return;
  }
  if (t->cr) {
    keep(t, (const uint8_t *)"\r", 1);
  }
  t->cr = bytes[len - 1] == '\r';
  keep(t, bytes, len - (t->cr ? 1 : 0));
}

static void begin_line(struct ehlo_tap *t) {
  memset(t->line, 0, t->line_len);
  t->line_len = 0;
  t->written = 0;
  t->shows = false;
  t->hides = false;
  t->cr = false;
  t->overlong = false;
}

// Something else comes before the rest of the line: what may turn out to be a secret becomes one.
static void interrupt_client(struct ehlo_tap *t) {
  if (!t->shows && !t->hides && t->line_len > t->written) {
    hide_rest(t);
  }
  ehlo_scribe_client_end(&t->scribe);
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

static void open_exchange(struct ehlo_tap *t, struct ehlo_span mechanism) {
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
  open_exchange(t, known ? auth->mechanism : none);
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

static void take_line(struct ehlo_tap *t) {
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

static bool at_line_start(const struct ehlo_tap *t) {
  return t->mode == EHLO_TAP_LINES && t->line_len == 0 && !t->shows && !t->hides && !t->cr;
}

bool ehlo_tap_wants_command(const struct ehlo_tap *t) {
  return at_line_start(t) && !t->open;
}

bool ehlo_tap_is_answered(const struct ehlo_tap *t) {
  return t->num_answered >= t->num_sent;
}

unsigned ehlo_tap_last_code(const struct ehlo_tap *t) {
  return t->last_code;
}

// ---- The client's bytes -------------------------------------------------------------------------

// Octets of a line that are kept of one that may be shown: enough for its command.
#define SHOWN_KEPT_MAX ((size_t)256)

static void pass_line(struct ehlo_tap *t, const uint8_t *bytes, size_t len, size_t with_end) {
  if (t->line_len < SHOWN_KEPT_MAX) {
    size_t room = SHOWN_KEPT_MAX - t->line_len;
    keep(t, bytes, len < room ? len : room);
  }
  put(t, bytes, with_end);
}

// Takes bytes up to the end of a line; returns how many.
static size_t take_lines(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  const uint8_t *lf = memchr(bytes, '\n', len);
  size_t n = lf != NULL ? (size_t)(lf - bytes) : len;
  size_t with_end = lf != NULL ? n + 1 : n;
  if (t->shows) {
    pass_line(t, bytes, n, with_end);
  } else {
    add_to_line(t, bytes, n);
    judge(t, lf != NULL);
    if (lf != NULL) {
      put(t, (const uint8_t *)"\r\n" + (t->cr ? 0 : 1), t->cr ? 2 : 1);
    }
  }
  if (lf != NULL) {
    take_line(t);
    begin_line(t);
  }
  return with_end;
}

// The place in CRLF.CRLF after one more octet: 1 to 4, 5 at its end, 0 outside (RFC 5321 §4.5.2).
static uint8_t next_place(uint8_t place, uint8_t c) {
  static const char end[] = "\r\n.\r\n";
  if (c == (uint8_t)end[place]) {
    return (uint8_t)(place + 1);
  }
  return c == '\r' ? 1 : 0;
}

// Takes the text of a message up to its end; returns how many octets.
static size_t take_text(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  size_t at = 0;
  while (at < len && t->text_place != 5) {
    if (t->text_place == 0) {
      const uint8_t *cr = memchr(bytes + at, '\r', len - at);
      at = cr != NULL ? (size_t)(cr - bytes) : len;
    }
    if (at < len) {
      t->text_place = next_place(t->text_place, bytes[at++]);
    }
  }
  put(t, bytes, at);
  if (t->text_place == 5) {
    t->mode = EHLO_TAP_LINES;
    t->num_sent++;
  }
  return at;
}

static size_t take_chunk(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  size_t n = len < t->chunk_left ? len : (size_t)t->chunk_left;
  put(t, bytes, n);
  t->chunk_begun = true;
  t->chunk_left -= n;
  if (t->chunk_left == 0) {
    t->mode = EHLO_TAP_LINES;
  }
  return n;
}

static size_t take_some(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  switch (t->mode) {
    case EHLO_TAP_TEXT:
      return take_text(t, bytes, len);
    case EHLO_TAP_CHUNK:
      return take_chunk(t, bytes, len);
    case EHLO_TAP_LINES:
      break;
  }
  return take_lines(t, bytes, len);
}

static void begin_client(struct ehlo_tap *t, uint64_t time_us) {
  uint64_t chunk_us = chunk_time(t, EHLO_SIDE_CLIENT, time_us);
  if (chunk_us != EHLO_NO_TIME) {
    t->client_us = chunk_us;
  }
  ehlo_scribe_flush_server(&t->scribe);
}

size_t ehlo_tap_client_some(struct ehlo_tap *t, const uint8_t *bytes, size_t len,
                            uint64_t time_us) {
  if (len == 0) {
    return 0;
  }
  begin_client(t, time_us);
  size_t taken = take_some(t, bytes, len);
  ehlo_scribe_client_end(&t->scribe);
  return taken;
}

void ehlo_tap_client(struct ehlo_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us) {
  if (len == 0) {
    return;
  }
  begin_client(t, time_us);
  for (size_t at = 0; at < len;) {
    at += take_some(t, bytes + at, len - at);
  }
  ehlo_scribe_client_end(&t->scribe);
  ehlo_scribe_push(&t->scribe);
}

void ehlo_tap_push(struct ehlo_tap *t) {
  ehlo_scribe_push(&t->scribe);
}

// ---- Replies ------------------------------------------------------------------------------------

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

// Whatever was text is over.
static void end_doubt(struct ehlo_tap *t) {
  t->unsure = false;
  if (t->shows) {
    begin_line(t);
  }
}

static void close_exchange(struct ehlo_tap *t) {
  t->open = false;
  t->doubt = true;
  if (t->unsure) {
    end_doubt(t);
  }
}

static void reply_to_auth(struct ehlo_tap *t, unsigned code, uint64_t at, bool unasked) {
  if (code == 334) {
    t->num_answered = least(t->auth_at, t->num_sent);
    t->auth_at++;
  } else if (unasked || at >= t->auth_at || code == 235 || code == 535) {
    close_exchange(t);
    if (t->num_answered < t->auth_at) {
      t->num_answered = least(t->auth_at, t->num_sent);
    }
  }
}

// The reply to DATA, which asks for the text. An exchange that began behind DATA began in the text.
static bool asks_for_text(const struct ehlo_tap *t, unsigned code) {
  bool before_auth = t->num_answered == t->data_at && t->data_at < t->auth_at;
  return code == 354 && t->data_at != 0 && (!t->open || before_auth);
}

// It is the text for certain only if the client has waited.
static void begin_text(struct ehlo_tap *t) {
  if (t->num_sent == t->data_at && at_line_start(t)) {
    t->mode = EHLO_TAP_TEXT;
    t->text_place = 2;
  } else {
    t->unsure = true;
    t->auth_at = t->num_sent + 1;
  }
  t->num_answered = t->num_sent;
}

// The server has answered in the middle of what is taken for text.
static void doubt_text(struct ehlo_tap *t) {
  static const uint8_t passed[] = {'.', '\r'};
  if (t->mode == EHLO_TAP_TEXT && t->text_place != 2) {
    t->shows = true;  // the rest of this line is text in any case
    keep(t, t->text_place > 2 ? passed : passed + 1, t->text_place == 4 ? 2 : 1);
  }
  t->mode = EHLO_TAP_LINES;
  t->unsure = true;
}

static void reply_elsewhere(struct ehlo_tap *t, unsigned code, uint64_t at) {
  bool chunk_is_refused = t->mode == EHLO_TAP_CHUNK && !t->chunk_begun && at >= t->chunk_at;
  if (t->mode == EHLO_TAP_TEXT || chunk_is_refused) {
    doubt_text(t);
  } else if (t->unsure) {
    end_doubt(t);
  } else if (code == 334) {
    t->num_answered = t->num_sent;
    open_exchange(t, (struct ehlo_span){NULL, 0});
    t->auth_at++;
  }
}

static void take_reply(struct ehlo_tap *t, unsigned code) {
  bool unasked = t->num_answered == t->num_sent;
  t->last_code = code;
  if (!unasked) {
    t->num_answered++;
  }
  if (asks_for_text(t, code)) {
    begin_text(t);
  } else if (t->open) {
    reply_to_auth(t, code, t->num_answered, unasked);
  } else {
    reply_elsewhere(t, code, t->num_answered);
  }
  if (t->num_answered >= t->data_at) {
    t->data_at = 0;
  }
}

// The code of a reply's last line; 0 for any other line.
static unsigned final_code(const struct ehlo_tap *t) {
  unsigned code = 0;
  if (t->reply_len < 3 || (t->reply_len > 3 && t->reply[3] == '-')) {
    return 0;
  }
  for (size_t i = 0; i < 3; i++) {
    if (t->reply[i] < '0' || t->reply[i] > '9') {
      return 0;
    }
    code = code * 10 + (unsigned)(t->reply[i] - '0');
  }
  return code;
}

static void take_reply_line(struct ehlo_tap *t) {
  if (!t->reply_overlong) {
    ehlo_offered_add(&t->offered, (struct ehlo_span){t->reply, t->reply_len});
  }
  unsigned code = final_code(t);
  if (code != 0) {
    take_reply(t, code);
  }
  t->reply_len = 0;
  t->reply_overlong = false;
}

static void read_replies(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    size_t n = lf != NULL ? (size_t)(lf - bytes) - at : len - at;
    size_t room = sizeof(t->reply) - t->reply_len;
    size_t kept = n < room ? n : room;
    memcpy(t->reply + t->reply_len, bytes + at, kept);
    t->reply_len += kept;
    t->reply_overlong = t->reply_overlong || kept < n;
    if (lf != NULL) {
      take_reply_line(t);
    }
    at += lf != NULL ? n + 1 : n;
  }
}

// Whether the server's unfinished line may become one with a proof in it, expected or not.
static bool may_hold_proof(const struct ehlo_tap *t) {
  size_t len = t->reply_len < 3 ? t->reply_len : 3;
  return len > 0 && (memcmp(t->reply, "334", len) == 0 || memcmp(t->reply, "235", len) == 0);
}

void ehlo_tap_server(struct ehlo_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us) {
  if (len == 0) {
    return;
  }
  uint64_t chunk_us = chunk_time(t, EHLO_SIDE_SERVER, time_us);
  interrupt_client(t);
  bool was_open = t->open;
  read_replies(t, bytes, len);
  t->scribe.guarded = was_open || t->open || may_hold_proof(t);
  ehlo_scribe_server(&t->scribe, bytes, len, chunk_us);
  ehlo_scribe_push(&t->scribe);
}

// ---- Facts, begin and end -----------------------------------------------------------------------

static void begin_stream(struct ehlo_tap *t) {
  bool nothing_came = t->num_answered == 0 && t->num_sent == 1;
  begin_line(t);
  ehlo_scribe_new_stream(&t->scribe);
  t->mode = EHLO_TAP_LINES;
  t->unsure = false;
  t->open = false;
  t->doubt = false;
  t->data_at = 0;
  t->offered.len = 0;
  t->reply_len = 0;
  t->reply_overlong = false;
  t->num_answered = nothing_came ? 0 : t->num_sent;
}

void ehlo_tap_fact(struct ehlo_tap *t, uint64_t time_us, const char *text, size_t len) {
  static const char tls[] = "tls";
  static const char failed[] = "tls failed";
  bool begins_tls = len >= sizeof(tls) - 1 && memcmp(text, tls, sizeof(tls) - 1) == 0;
  if (len >= sizeof(failed) - 1 && memcmp(text, failed, sizeof(failed) - 1) == 0) {
    begins_tls = false;
  }
  interrupt_client(t);
  ehlo_scribe_fact(&t->scribe, time_us, text, len);
  ehlo_scribe_push(&t->scribe);
  t->has_side = false;
  if (begins_tls) {
    begin_stream(t);
  }
}

void ehlo_tap_init(struct ehlo_tap *t, ehlo_write_fn write, void *arg) {
  memset(t, 0, sizeof(*t));
  ehlo_redactor_init(&t->redactor);
  ehlo_scribe_init(&t->scribe, &t->redactor, write, arg);
  t->scribe.conceals = ehlo_learn_is_proof;
  t->client_us = EHLO_NO_TIME;
  t->num_sent = 1;  // as if the client had asked for the greeting
}

void ehlo_tap_finish(struct ehlo_tap *t) {
  interrupt_client(t);
  if (t->cr && !t->hides) {
    put(t, (const uint8_t *)"\r", 1);
  }
  ehlo_scribe_flush(&t->scribe);
  begin_line(t);
  ehlo_scribe_new_stream(&t->scribe);
  ehlo_redactor_wipe(&t->redactor);
}

bool ehlo_tap_failed(const struct ehlo_tap *t) {
  return t->scribe.writer.failed;
}
