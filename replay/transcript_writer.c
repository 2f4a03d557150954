// Writes transcripts in their canonical layout. Whatever it is given, what it writes the reader
// reads back as the same bytes at the same times; it must never put a file together that is not a
// transcript, and it never holds back a line that is complete.
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/escape.h"
#include "replay/transcript.h"

// Where a mark stands after a time, and where S: and C: stand without one.
#define TIME_WIDTH 11
// Kept free in a line: it may still get a backslash, or have its last blank escaped.
#define RESERVE ((size_t)3)

static void emit(struct ehlo_writer *w, const char *text, size_t len) {
  if (w->owes_line_feed) {
    w->owes_line_feed = false;
    emit(w, "\n", 1);
  }
  if (!w->failed && !w->write(w->arg, text, len)) {
    w->failed = true;
  }
}

void ehlo_writer_init(struct ehlo_writer *w, ehlo_write_fn write, void *arg) {
  memset(w, 0, sizeof(*w));
  w->write = write;
  w->arg = arg;
}

// Writes the time field; returns its width.
static size_t put_time(char *line, uint64_t delta_us) {
  char time[32] = "";
  if (delta_us != EHLO_NO_TIME) {
    uint64_t us =
        delta_us <= EHLO_TRANSCRIPT_DELTA_MAX_US ? delta_us : EHLO_TRANSCRIPT_DELTA_MAX_US;
    snprintf(time, sizeof(time), "+%" PRIu64 ".%06" PRIu64 " ", us / 1000000, us % 1000000);
  }
  return (size_t)snprintf(line, sizeof(time), "%-*s", TIME_WIDTH, time);
}

// ---- Chunks -------------------------------------------------------------------------------------

static void begin_line(struct ehlo_writer *w) {
  size_t len = put_time(w->line, w->delta_us);
  w->delta_us = EHLO_NO_TIME;
  memcpy(w->line + len, w->side == EHLO_SIDE_SERVER ? "S: " : "C: ", 3);
  w->line_len = len + 3;
  w->text_at = w->line_len;
  w->num_secrets = 0;
}

static void emit_line(struct ehlo_writer *w) {
  assert(w->line_len <= EHLO_TRANSCRIPT_LINE_MAX);
  w->line[w->line_len] = '\n';
  emit(w, w->line, w->line_len + 1);
  w->line_len = 0;
}

// Ends the line where no CRLF is.
static void break_line(struct ehlo_writer *w) {
  w->line[w->line_len++] = '\\';
  emit_line(w);
}

// Ends the line where a CRLF is.
static void end_line(struct ehlo_writer *w) {
  if (w->line_len == 0) {
    begin_line(w);
  }
  if (w->line_len == w->text_at) {
    w->line_len--;
  } else if (w->line[w->line_len - 1] == ' ') {
    memcpy(w->line + w->line_len - 1, "\\x20", 4);
    w->line_len += 3;
  }
  emit_line(w);
}

// Puts characters that belong together.
static void put(struct ehlo_writer *w, const char *piece, size_t len) {
  if (w->line_len + len + RESERVE > EHLO_TRANSCRIPT_LINE_MAX) {
    break_line(w);
  }
  if (w->line_len == 0) {
    begin_line(w);
  }
  memcpy(w->line + w->line_len, piece, len);
  w->line_len += len;
}

// A CR that no LF followed.
static void put_lone_cr(struct ehlo_writer *w) {
  if (w->cr) {
    w->cr = false;
    put(w, "\\r", 2);
  }
}

static void put_byte(struct ehlo_writer *w, uint8_t byte) {
  if (w->cr && byte == '\n') {
    w->cr = false;
    end_line(w);
    return;
  }
  put_lone_cr(w);
  if (byte == '\r') {
    w->cr = true;
    return;
  }
  char piece[EHLO_ESCAPE_BYTE_MAX];
  put(w, piece, ehlo_escape_put(piece, byte));
}

void ehlo_writer_chunk_begin(struct ehlo_writer *w, enum ehlo_side side, uint64_t delta_us) {
  ehlo_writer_chunk_end(w);
  w->in_chunk = true;
  w->side = side;
  w->delta_us = delta_us;
}

void ehlo_writer_bytes(struct ehlo_writer *w, const uint8_t *bytes, size_t len) {
  assert(w->in_chunk);
  for (size_t i = 0; i < len; i++) {
    put_byte(w, bytes[i]);
  }
}

void ehlo_writer_secret(struct ehlo_writer *w) {
  assert(w->in_chunk);
  put_lone_cr(w);
  if (w->line_len > 0 && w->num_secrets == EHLO_TRANSCRIPT_SECRETS_MAX) {
    break_line(w);
  }
  put(w, EHLO_ESCAPE_SECRET_TEXT, sizeof(EHLO_ESCAPE_SECRET_TEXT) - 1);
  w->num_secrets++;
}

void ehlo_writer_chunk_end(struct ehlo_writer *w) {
  put_lone_cr(w);
  if (w->line_len > 0) {
    break_line(w);
  }
  w->in_chunk = false;
}

// ---- The other lines ----------------------------------------------------------------------------

void ehlo_writer_raw_line(struct ehlo_writer *w, const char *raw, size_t len, bool has_line_feed) {
  ehlo_writer_chunk_end(w);
  emit(w, raw, len);
  if (has_line_feed) {
    emit(w, "\n", 1);
  }
  w->owes_line_feed = !has_line_feed;
}

// One line of a comment from the start of `text`; returns how much of it fits.
static size_t comment_line(struct ehlo_writer *w, const char *text, size_t len) {
  size_t at = 0;
  memcpy(w->line, "# ", 2);
  w->line_len = 2;
  for (; at < len && w->line_len + EHLO_ESCAPE_BYTE_MAX + RESERVE <= EHLO_TRANSCRIPT_LINE_MAX;
       at++) {
    if (text[at] == '\\') {
      // Nothing is decoded in a comment, so a backslash is only that.
      w->line[w->line_len++] = '\\';
    } else {
      w->line_len += ehlo_escape_put(w->line + w->line_len, (uint8_t)text[at]);
    }
  }
  while (w->line[w->line_len - 1] == ' ') {
    w->line_len--;
  }
  emit_line(w);
  return at;
}

void ehlo_writer_comment(struct ehlo_writer *w, const char *text) {
  ehlo_writer_chunk_end(w);
  for (;;) {
    size_t len = strcspn(text, "\n");
    size_t used = comment_line(w, text, len);
    text += used;
    if (used == len && *text == '\0') {
      return;
    }
    text += used == len ? 1 : 0;
  }
}

// A fact or an event: `len` characters of w->line are its start.
static void marked_line(struct ehlo_writer *w, size_t len, const uint8_t *text, size_t text_len) {
  assert(text_len > 0);
  size_t escaped_len;
  if (!ehlo_text_escape(w->line + len, &escaped_len, sizeof(w->line) - len, text, text_len)) {
    w->failed = true;
    return;
  }
  w->line_len = len + escaped_len;
  emit_line(w);
}

void ehlo_writer_fact(struct ehlo_writer *w, uint64_t delta_us, const char *text, size_t len) {
  ehlo_writer_chunk_end(w);
  size_t start = delta_us != EHLO_NO_TIME ? put_time(w->line, delta_us) : 0;
  memcpy(w->line + start, "! ", 2);
  marked_line(w, start + 2, (const uint8_t *)text, len);
}

void ehlo_writer_event(struct ehlo_writer *w, const char *text) {
  ehlo_writer_chunk_end(w);
  memcpy(w->line, "= ", 2);
  marked_line(w, 2, (const uint8_t *)text, strlen(text));
}
