// Follows a session on its bytes: to which side they belong, and which of the client's are lines, text
// of a message or a chunk. What a line hides is decided in tap_line.c, what a reply changes in
// tap_reply.c.
#include "replay/tap/tap.h"

#include <string.h>

#include "replay/tap/learn.h"
#include "replay/tap/tap_parts.h"

bool ehlo_tap_wants_command(const struct ehlo_tap *t) {
  return ehlo_tap_at_line_start(t) && !t->open;
}

bool ehlo_tap_is_answered(const struct ehlo_tap *t) {
  return t->num_answered >= t->num_sent;
}

unsigned ehlo_tap_last_code(const struct ehlo_tap *t) {
  return t->last_code;
}

bool ehlo_tap_was_refused(const struct ehlo_tap *t) {
  return t->was_refused;
}

// ---- The client's bytes -------------------------------------------------------------------------

// Octets of a line that are kept of one that may be shown: enough for its command.
#define SHOWN_KEPT_MAX ((size_t)256)

static void pass_line(struct ehlo_tap *t, const uint8_t *bytes, size_t len, size_t with_end) {
  if (t->line_len < SHOWN_KEPT_MAX) {
    size_t room = SHOWN_KEPT_MAX - t->line_len;
    ehlo_tap_line_keep(t, bytes, len < room ? len : room);
  }
  ehlo_tap_put(t, bytes, with_end);
}

// Takes bytes up to the end of a line; returns how many.
static size_t take_lines(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  const uint8_t *lf = memchr(bytes, '\n', len);
  size_t n = lf != NULL ? (size_t)(lf - bytes) : len;
  size_t with_end = lf != NULL ? n + 1 : n;
  if (t->shows) {
    pass_line(t, bytes, n, with_end);
  } else {
    ehlo_tap_line_add(t, bytes, n);
    ehlo_tap_judge(t, lf != NULL);
    if (lf != NULL) {
      ehlo_tap_put(t, (const uint8_t *)"\r\n" + (t->cr ? 0 : 1), t->cr ? 2 : 1);
    }
  }
  if (lf != NULL) {
    ehlo_tap_line_take(t);
    ehlo_tap_line_begin(t);
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
  ehlo_tap_put(t, bytes, at);
  if (t->text_place == 5) {
    t->mode = EHLO_TAP_LINES;
    t->num_sent++;
  }
  return at;
}

static size_t take_chunk(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  size_t n = len < t->chunk_left ? len : (size_t)t->chunk_left;
  ehlo_tap_put(t, bytes, n);
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

// The time of a chunk, EHLO_NO_TIME for a further piece of the one before.
static uint64_t chunk_time(struct ehlo_tap *t, enum ehlo_side side, uint64_t time_us) {
  bool goes_on = t->has_side && t->side == side && t->time_us == time_us;
  t->has_side = true;
  t->side = side;
  t->time_us = time_us;
  return goes_on ? EHLO_NO_TIME : time_us;
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

// ---- The server's bytes -------------------------------------------------------------------------

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
  ehlo_tap_line_interrupt(t);
  bool was_open = t->open;
  ehlo_tap_read_replies(t, bytes, len);
  t->scribe.guarded = was_open || t->open || may_hold_proof(t);
  ehlo_scribe_server(&t->scribe, bytes, len, chunk_us);
  ehlo_scribe_push(&t->scribe);
}

// ---- Facts, begin and end -----------------------------------------------------------------------

static void begin_stream(struct ehlo_tap *t) {
  bool nothing_came = t->num_answered == 0 && t->num_sent == 1;
  ehlo_tap_line_begin(t);
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
  ehlo_tap_line_interrupt(t);
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
  ehlo_tap_line_interrupt(t);
  if (t->cr && !t->hides) {
    ehlo_tap_put(t, (const uint8_t *)"\r", 1);
  }
  ehlo_scribe_flush(&t->scribe);
  ehlo_tap_line_begin(t);
  ehlo_scribe_new_stream(&t->scribe);
  ehlo_redactor_wipe(&t->redactor);
}

bool ehlo_tap_failed(const struct ehlo_tap *t) {
  return t->scribe.writer.failed;
}
