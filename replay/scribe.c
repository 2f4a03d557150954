// Writes a session between two sides that speak for themselves: the dialogue in absolute times, and
// each server line only once it was judged. It knows secrets by the redactor alone; which of the
// client's bytes are one is told by the caller.
#include "replay/scribe.h"

#include <assert.h>
#include <string.h>

#include "engine/reply.h"

#define CODE_LEN ((size_t)3)

// ---- Times --------------------------------------------------------------------------------------

// From absolute times to those of the record.
static uint64_t take_delta(struct ehlo_scribe *s, uint64_t time_us) {
  if (time_us == EHLO_NO_TIME || time_us <= s->last_us) {
    return time_us == EHLO_NO_TIME ? EHLO_NO_TIME : 0;
  }
  uint64_t delta = time_us - s->last_us;
  s->last_us = time_us;
  return delta;
}

// ---- What is written ----------------------------------------------------------------------------

// All of it goes into the digest as well, at the time that the record has: a reader adds up the times
// that were written.
static void write_bytes(struct ehlo_scribe *s, enum ehlo_side side, const uint8_t *bytes,
                        size_t len) {
  s->seen_gathered = true;
  ehlo_writer_bytes(&s->writer, bytes, len);
  if (s->digest != NULL) {
    ehlo_digest_bytes(s->digest, side, s->last_us, bytes, len);
  }
}

static void write_secret(struct ehlo_scribe *s, enum ehlo_side side) {
  s->seen_gathered = true;
  ehlo_writer_secret(&s->writer);
  if (s->digest != NULL) {
    ehlo_digest_secret(s->digest, side, s->last_us);
  }
}

// ---- The server's side --------------------------------------------------------------------------

static void begin_server(struct ehlo_scribe *s, uint64_t time_us) {
  ehlo_writer_chunk_begin(&s->writer, EHLO_SIDE_SERVER, take_delta(s, time_us));
}

// What is held is in the record, or hidden.
static void mark_written(struct ehlo_scribe *s) {
  s->written = s->held_len;
  s->num_cuts = 0;
  s->line_begun = true;
}

static void write_held(struct ehlo_scribe *s) {
  for (size_t i = 0; i < s->num_cuts; i++) {
    size_t at = s->cuts[i].at;
    size_t end = i + 1 < s->num_cuts ? s->cuts[i + 1].at : s->held_len;
    begin_server(s, s->cuts[i].time_us);
    write_bytes(s, EHLO_SIDE_SERVER, s->held + at, end - at);
    ehlo_writer_chunk_end(&s->writer);
  }
  s->fresh_us = EHLO_NO_TIME;
  mark_written(s);
}

// How much of the line may stand before its \{secret}: code, separator and enhanced status code.
static size_t shown_len(const struct ehlo_scribe *s) {
  const uint8_t *line = s->held;
  if (s->line_begun || s->held_len <= CODE_LEN) {
    return 0;
  }
  for (size_t i = 0; i < CODE_LEN; i++) {
    if (line[i] < '0' || line[i] > '9') {
      return 0;
    }
  }
  if (line[CODE_LEN] != ' ' && line[CODE_LEN] != '-') {
    return 0;
  }
  size_t len = CODE_LEN + 1;
  struct ehlo_enhanced enhanced;
  struct ehlo_span text = {line + len, s->held_len - len};
  size_t enhanced_len = ehlo_enhanced_parse(&enhanced, text);
  if (enhanced_len > 0 && len + enhanced_len < s->held_len && text.bytes[enhanced_len] == ' ') {
    len += enhanced_len + 1;
  }
  return ehlo_redactor_grazes(s->redactor, line, len) ? 0 : len;
}

// Leaves an open chunk.
static void hide_held(struct ehlo_scribe *s) {
  assert(s->num_cuts > 0);
  begin_server(s, s->cuts[0].time_us);
  write_bytes(s, EHLO_SIDE_SERVER, s->held, shown_len(s));
  write_secret(s, EHLO_SIDE_SERVER);
  if (s->num_cuts == 1) {
    s->fresh_us = EHLO_NO_TIME;
  }
  mark_written(s);
}

// Whether a line has to be whole before any of it is written.
static bool judges(const struct ehlo_scribe *s) {
  return s->guarded || !ehlo_redactor_is_empty(s->redactor);
}

void ehlo_scribe_flush_server(struct ehlo_scribe *s) {
  if (s->written == s->held_len) {
    return;
  }
  if (s->hiding) {
    mark_written(s);
  } else if ((s->guarded && s->held_len > CODE_LEN + 1) || s->redactor->full ||
             ehlo_redactor_grazes(s->redactor, s->held, s->held_len)) {
    hide_held(s);
    ehlo_writer_chunk_end(&s->writer);
    s->hiding = true;
  } else {
    write_held(s);
  }
}

// Forgets the line, which may have held what nobody should find.
static void begin_held(struct ehlo_scribe *s) {
  memset(s->held, 0, s->held_len);
  s->held_len = 0;
  s->written = 0;
  s->num_cuts = 0;
  s->line_begun = false;
  s->line_ended = false;
  s->hiding = false;
}

static bool is_secret_line(const struct ehlo_scribe *s) {
  if (s->conceals != NULL && s->conceals(s->held, s->held_len)) {
    return true;
  }
  return !ehlo_redactor_is_empty(s->redactor) &&
         ehlo_redactor_hits(s->redactor, s->held, s->held_len);
}

static void end_line(struct ehlo_scribe *s) {
  static const uint8_t crlf[] = {'\r', '\n'};
  if (s->hiding) {
    begin_server(s, s->fresh_us);
    s->fresh_us = EHLO_NO_TIME;
  } else if (is_secret_line(s)) {
    hide_held(s);
  } else {
    write_held(s);
    begin_held(s);
    return;
  }
  write_bytes(s, EHLO_SIDE_SERVER, crlf, sizeof(crlf));
  ehlo_writer_chunk_end(&s->writer);
  begin_held(s);
}

// A line longer than any that the engine takes fills the buffer. With secrets to look for, its rest
// cannot be judged and is hidden.
static void empty_held(struct ehlo_scribe *s) {
  ehlo_scribe_flush_server(s);
  if (judges(s) && !s->hiding) {
    begin_server(s, s->fresh_us);
    s->fresh_us = EHLO_NO_TIME;
    write_secret(s, EHLO_SIDE_SERVER);
    ehlo_writer_chunk_end(&s->writer);
    s->hiding = true;
  }
  memset(s->held, 0, s->held_len);
  s->held_len = 0;
  s->written = 0;
}

// Where no cut is free, the bytes count as part of the chunk before.
static void add_cut(struct ehlo_scribe *s) {
  if (s->num_cuts < EHLO_SCRIBE_CUTS_MAX) {
    s->cuts[s->num_cuts++] = (struct ehlo_scribe_cut){s->held_len, s->fresh_us};
  }
}

// Where the line that is held ends in `bytes`: the number of bytes with its LF, 0 if it goes on.
static size_t find_end(const struct ehlo_scribe *s, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    if (lf == NULL) {
      return 0;
    }
    size_t end = (size_t)(lf - bytes) + 1;
    if (end > 1 ? lf[-1] == '\r' : s->cr) {
      return end;
    }
    at = end;
  }
  return 0;
}

// Takes bytes up to the end of a line; returns how many.
static size_t hold(struct ehlo_scribe *s, const uint8_t *bytes, size_t len) {
  if (s->held_len == sizeof(s->held)) {
    empty_held(s);
  }
  add_cut(s);
  size_t room = sizeof(s->held) - s->held_len;
  size_t end = find_end(s, bytes, len < room ? len : room);
  size_t n = end > 0 ? end : len < room ? len : room;
  memcpy(s->held + s->held_len, bytes, n);
  s->held_len += n;
  s->line_ended = end > 0;
  s->cr = bytes[n - 1] == '\r';
  return n;
}

void ehlo_scribe_server(struct ehlo_scribe *s, const uint8_t *bytes, size_t len, uint64_t time_us) {
  ehlo_scribe_client_end(s);
  s->fresh_us = time_us;
  for (size_t at = 0; at < len;) {
    at += hold(s, bytes + at, len - at);
    if (s->line_ended) {
      end_line(s);
    }
  }
  if (!judges(s)) {
    ehlo_scribe_flush_server(s);
  }
}

void ehlo_scribe_new_stream(struct ehlo_scribe *s) {
  begin_held(s);
  s->cr = false;
}

// ---- The client's side, facts and events --------------------------------------------------------

void ehlo_scribe_client_begin(struct ehlo_scribe *s, uint64_t time_us) {
  ehlo_scribe_flush_server(s);
  if (!s->client_in_chunk) {
    ehlo_writer_chunk_begin(&s->writer, EHLO_SIDE_CLIENT, take_delta(s, time_us));
    s->client_in_chunk = true;
  }
}

void ehlo_scribe_client_bytes(struct ehlo_scribe *s, const uint8_t *bytes, size_t len) {
  write_bytes(s, EHLO_SIDE_CLIENT, bytes, len);
}

void ehlo_scribe_client_secret(struct ehlo_scribe *s) {
  write_secret(s, EHLO_SIDE_CLIENT);
}

void ehlo_scribe_client_end(struct ehlo_scribe *s) {
  if (s->client_in_chunk) {
    ehlo_writer_chunk_end(&s->writer);  // with what was begun of a line
    s->seen_gathered = true;
    s->client_in_chunk = false;
  }
}

// Before what belongs to no side.
static void end_sides(struct ehlo_scribe *s) {
  ehlo_scribe_flush_server(s);
  ehlo_scribe_client_end(s);
}

void ehlo_scribe_push(struct ehlo_scribe *s) {
  ehlo_writer_flush(&s->writer);
  s->seen_gathered = false;
}

void ehlo_scribe_push_seen(struct ehlo_scribe *s) {
  if (s->seen_gathered) {
    ehlo_scribe_push(s);
  }
}

void ehlo_scribe_flush(struct ehlo_scribe *s) {
  end_sides(s);
  ehlo_scribe_push(s);
}

void ehlo_scribe_fact(struct ehlo_scribe *s, uint64_t time_us, const char *text, size_t len) {
  end_sides(s);
  s->seen_gathered = true;
  ehlo_writer_fact(&s->writer, take_delta(s, time_us), text, len);
  if (s->digest != NULL) {
    ehlo_digest_fact(s->digest, s->last_us, (const uint8_t *)text, len);
  }
}

void ehlo_scribe_event(struct ehlo_scribe *s, const char *text) {
  end_sides(s);
  ehlo_writer_event(&s->writer, text);
}

void ehlo_scribe_init(struct ehlo_scribe *s, const struct ehlo_redactor *redactor,
                      ehlo_write_fn write, void *arg) {
  static const char header[] = "ehlo-transcript 1";
  memset(s, 0, sizeof(*s));
  s->redactor = redactor;
  s->fresh_us = EHLO_NO_TIME;
  ehlo_writer_init_gathering(&s->writer, write, arg);
  ehlo_writer_fact(&s->writer, EHLO_NO_TIME, header, sizeof(header) - 1);
}
