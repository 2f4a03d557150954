// Writes transcripts in their canonical layout. Whatever it is given, what it writes the reader
// reads back as the same bytes at the same times; it must never put a file together that is not a
// transcript. Lines are made where they wait to be handed over.
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "replay/escape.h"
#include "replay/transcript.h"

// Where a mark stands after a time, and where S: and C: stand without one.
#define TIME_WIDTH 11
// Kept free in a line: it may still get a backslash, or have its last blank escaped.
#define RESERVE ((size_t)3)

#define LINE_ROOM (EHLO_TRANSCRIPT_LINE_MAX + 1)

// ---- Handing over -------------------------------------------------------------------------------

void ehlo_writer_flush(struct ehlo_writer *w) {
  size_t len = w->out_len;
  if (len == 0) {
    return;
  }
  w->failed = w->failed || !w->write(w->arg, w->out, len);
  w->out_len = 0;
  memmove(w->out, w->out + len, w->line_len);
}

// The line under way. It has room for any line and its line feed.
static char *line_of(struct ehlo_writer *w) {
  if (sizeof(w->out) - w->out_len < LINE_ROOM) {
    ehlo_writer_flush(w);
  }
  return w->out + w->out_len;
}

static void end_item(struct ehlo_writer *w) {
  if (!w->gathers) {
    ehlo_writer_flush(w);
  }
}

// Puts a line feed behind the line under way: it is whole.
static void emit_line(struct ehlo_writer *w) {
  assert(w->line_len <= EHLO_TRANSCRIPT_LINE_MAX);
  w->out[w->out_len + w->line_len] = '\n';
  w->out_len += w->failed ? 0 : w->line_len + 1;
  w->line_len = 0;
}

// To be called before a line is begun.
static void pay_line_feed(struct ehlo_writer *w) {
  if (w->owes_line_feed) {
    w->owes_line_feed = false;
    line_of(w)[0] = '\n';
    w->out_len += w->failed ? 0 : 1;
  }
}

void ehlo_writer_init(struct ehlo_writer *w, ehlo_write_fn write, void *arg) {
  memset(w, 0, offsetof(struct ehlo_writer, out));
  w->write = write;
  w->arg = arg;
}

void ehlo_writer_init_gathering(struct ehlo_writer *w, ehlo_write_fn write, void *arg) {
  ehlo_writer_init(w, write, arg);
  w->gathers = true;
}

static size_t put_digits(char *out, uint64_t number, size_t least) {
  char digits[20];
  size_t len = 0;
  for (; number > 0 || len < least; number /= 10) {
    digits[len++] = (char)('0' + number % 10);
  }
  for (size_t i = 0; i < len; i++) {
    out[i] = digits[len - 1 - i];
  }
  return len;
}

// Writes the time field; returns its width.
static size_t put_time(char *line, uint64_t delta_us) {
  size_t len = 0;
  if (delta_us != EHLO_NO_TIME) {
    uint64_t us =
        delta_us <= EHLO_TRANSCRIPT_DELTA_MAX_US ? delta_us : EHLO_TRANSCRIPT_DELTA_MAX_US;
    line[len++] = '+';
    len += put_digits(line + len, us / 1000000, 1);
    line[len++] = '.';
    len += put_digits(line + len, us % 1000000, 6);
    line[len++] = ' ';
  }
  while (len < TIME_WIDTH) {
    line[len++] = ' ';
  }
  return len;
}

// ---- Chunks -------------------------------------------------------------------------------------

static void begin_line(struct ehlo_writer *w) {
  pay_line_feed(w);
  char *line = line_of(w);
  size_t len = put_time(line, w->delta_us);
  w->delta_us = EHLO_NO_TIME;
  memcpy(line + len, w->side == EHLO_SIDE_SERVER ? "S: " : "C: ", 3);
  w->line_len = len + 3;
  w->text_at = w->line_len;
  w->num_secrets = 0;
}

// Ends the line where no CRLF is.
static void break_line(struct ehlo_writer *w) {
  w->out[w->out_len + w->line_len++] = '\\';
  emit_line(w);
}

// Ends the line where a CRLF is.
static void end_line(struct ehlo_writer *w) {
  if (w->line_len == 0) {
    begin_line(w);
  }
  char *end = w->out + w->out_len + w->line_len;
  if (w->line_len == w->text_at) {
    w->line_len--;
  } else if (end[-1] == ' ') {
    memcpy(end - 1, "\\x20", 4);
    w->line_len += 3;
  }
  emit_line(w);
}

// Makes sure that a line is begun with room for `len` characters that belong together.
static char *room_for(struct ehlo_writer *w, size_t len) {
  if (w->line_len + len + RESERVE > EHLO_TRANSCRIPT_LINE_MAX) {
    break_line(w);
  }
  if (w->line_len == 0) {
    begin_line(w);
  }
  return w->out + w->out_len + w->line_len;
}

static void put(struct ehlo_writer *w, const char *piece, size_t len) {
  memcpy(room_for(w, len), piece, len);
  w->line_len += len;
}

// A CR that no LF followed.
static void put_lone_cr(struct ehlo_writer *w) {
  if (w->cr) {
    w->cr = false;
    put(w, "\\r", 2);
  }
}

// A byte that does not stand for itself, or what follows a CR.
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

// Bytes that stand for themselves, as many of them as fit into the line; returns how many.
static size_t put_plain(struct ehlo_writer *w, const uint8_t *bytes, size_t len) {
  char *to = room_for(w, 1);
  size_t room = EHLO_TRANSCRIPT_LINE_MAX - RESERVE - w->line_len;
  size_t n = len < room ? len : room;
  memcpy(to, bytes, n);
  w->line_len += n;
  return n;
}

void ehlo_writer_chunk_begin(struct ehlo_writer *w, enum ehlo_side side, uint64_t delta_us) {
  ehlo_writer_chunk_end(w);
  w->in_chunk = true;
  w->side = side;
  w->delta_us = delta_us;
}

void ehlo_writer_bytes(struct ehlo_writer *w, const uint8_t *bytes, size_t len) {
  assert(w->in_chunk);
  size_t at = 0;
  while (at < len) {
    size_t plain = w->cr ? 0 : ehlo_escape_plain(bytes + at, len - at);
    if (plain > 0) {
      at += put_plain(w, bytes + at, plain);
    } else {
      put_byte(w, bytes[at++]);
    }
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

static void leave_chunk(struct ehlo_writer *w) {
  put_lone_cr(w);
  if (w->line_len > 0) {
    break_line(w);
  }
  w->in_chunk = false;
}

void ehlo_writer_chunk_end(struct ehlo_writer *w) {
  leave_chunk(w);
  end_item(w);
}

// ---- The other lines ----------------------------------------------------------------------------

// Begins a line that is none of a chunk's.
static char *begin_other_line(struct ehlo_writer *w) {
  leave_chunk(w);
  pay_line_feed(w);
  return line_of(w);
}

void ehlo_writer_raw_line(struct ehlo_writer *w, const char *raw, size_t len, bool has_line_feed) {
  assert(len <= EHLO_TRANSCRIPT_LINE_MAX);
  memcpy(begin_other_line(w), raw, len);
  w->line_len = len;
  emit_line(w);
  if (!has_line_feed && !w->failed) {
    w->out_len--;
    w->owes_line_feed = true;
  }
  end_item(w);
}

// One line of a comment from the start of `text`; returns how much of it fits.
static size_t comment_line(struct ehlo_writer *w, const char *text, size_t len) {
  char *line = begin_other_line(w);
  size_t line_len = 2;
  size_t at = 0;
  memcpy(line, "# ", 2);
  for (; at < len && line_len + EHLO_ESCAPE_BYTE_MAX + RESERVE <= EHLO_TRANSCRIPT_LINE_MAX; at++) {
    if (text[at] == '\\') {
      // Nothing is decoded in a comment, so a backslash is only that.
      line[line_len++] = '\\';
    } else {
      line_len += ehlo_escape_put(line + line_len, (uint8_t)text[at]);
    }
  }
  while (line[line_len - 1] == ' ') {
    line_len--;
  }
  w->line_len = line_len;
  emit_line(w);
  return at;
}

void ehlo_writer_comment(struct ehlo_writer *w, const char *text) {
  for (;;) {
    size_t len = strcspn(text, "\n");
    size_t used = comment_line(w, text, len);
    text += used;
    if (used == len && *text == '\0') {
      break;
    }
    text += used == len ? 1 : 0;
  }
  end_item(w);
}

// A fact or an event: `len` characters of the line are its start.
static void marked_line(struct ehlo_writer *w, char *line, size_t len, const uint8_t *text,
                        size_t text_len) {
  assert(text_len > 0);
  size_t escaped_len;
  if (!ehlo_text_escape(line + len, &escaped_len, LINE_ROOM - len, text, text_len)) {
    ehlo_writer_flush(w);
    w->failed = true;
    return;
  }
  w->line_len = len + escaped_len;
  emit_line(w);
  end_item(w);
}

void ehlo_writer_fact(struct ehlo_writer *w, uint64_t delta_us, const char *text, size_t len) {
  char *line = begin_other_line(w);
  size_t start = delta_us != EHLO_NO_TIME ? put_time(line, delta_us) : 0;
  memcpy(line + start, "! ", 2);
  marked_line(w, line, start + 2, (const uint8_t *)text, len);
}

void ehlo_writer_event(struct ehlo_writer *w, const char *text) {
  char *line = begin_other_line(w);
  memcpy(line, "= ", 2);
  marked_line(w, line, 2, (const uint8_t *)text, strlen(text));
}
