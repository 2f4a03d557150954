// Writes down what passes through a transport, as it passes. It must not change what passes, must
// not hold back more than one unfinished server line, and must not let a secret into the record:
// client spans say by their flags that they are one, server lines are shown to the redactor.
#include "replay/recorder.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/reply.h"

#define CODE_LEN ((size_t)3)

// ---- Times --------------------------------------------------------------------------------------

static uint64_t present_us(struct ehlo_recorder *r) {
  return r->closed ? r->last_us : r->inner->ops->now_us(r->inner);
}

// From absolute times to those of the record.
static uint64_t take_delta(struct ehlo_recorder *r, uint64_t time_us) {
  if (time_us == EHLO_NO_TIME || time_us <= r->last_us) {
    return time_us == EHLO_NO_TIME ? EHLO_NO_TIME : 0;
  }
  uint64_t delta = time_us - r->last_us;
  r->last_us = time_us;
  return delta;
}

// ---- The server's side --------------------------------------------------------------------------

static void begin_server(struct ehlo_recorder *r, uint64_t time_us) {
  ehlo_writer_chunk_begin(&r->writer, EHLO_SIDE_SERVER, take_delta(r, time_us));
}

// What is held is in the record, or hidden.
static void mark_written(struct ehlo_recorder *r) {
  r->written = r->held_len;
  r->num_cuts = 0;
  r->line_begun = true;
}

static void write_held(struct ehlo_recorder *r) {
  for (size_t i = 0; i < r->num_cuts; i++) {
    size_t at = r->cuts[i].at;
    size_t end = i + 1 < r->num_cuts ? r->cuts[i + 1].at : r->held_len;
    begin_server(r, r->cuts[i].time_us);
    ehlo_writer_bytes(&r->writer, r->held + at, end - at);
    ehlo_writer_chunk_end(&r->writer);
  }
  r->fresh_us = EHLO_NO_TIME;
  mark_written(r);
}

// How much of the line may stand before its \{secret}: code, separator and enhanced status code.
static size_t shown_len(const struct ehlo_recorder *r) {
  const uint8_t *line = r->held;
  if (r->line_begun || r->held_len <= CODE_LEN) {
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
  struct ehlo_span text = {line + len, r->held_len - len};
  size_t enhanced_len = ehlo_enhanced_parse(&enhanced, text);
  if (enhanced_len > 0 && len + enhanced_len < r->held_len && text.bytes[enhanced_len] == ' ') {
    len += enhanced_len + 1;
  }
  return ehlo_redactor_grazes(r->redactor, line, len) ? 0 : len;
}

// Leaves an open chunk.
static void hide_held(struct ehlo_recorder *r) {
  assert(r->num_cuts > 0);
  begin_server(r, r->cuts[0].time_us);
  ehlo_writer_bytes(&r->writer, r->held, shown_len(r));
  ehlo_writer_secret(&r->writer);
  if (r->num_cuts == 1) {
    r->fresh_us = EHLO_NO_TIME;
  }
  mark_written(r);
}

// Writes what is held of an unfinished line: something else comes before its rest, or nothing does.
static void flush_server(struct ehlo_recorder *r) {
  if (r->written == r->held_len) {
    return;
  }
  if (r->hiding) {
    mark_written(r);
  } else if (r->redactor->full || ehlo_redactor_grazes(r->redactor, r->held, r->held_len)) {
    hide_held(r);
    ehlo_writer_chunk_end(&r->writer);
    r->hiding = true;
  } else {
    write_held(r);
  }
}

// Forgets the line, which may have held what nobody should find.
static void begin_held(struct ehlo_recorder *r) {
  memset(r->held, 0, r->held_len);
  r->held_len = 0;
  r->written = 0;
  r->num_cuts = 0;
  r->line_begun = false;
  r->line_ended = false;
  r->hiding = false;
}

static void end_line(struct ehlo_recorder *r) {
  static const uint8_t crlf[] = {'\r', '\n'};
  if (r->hiding) {
    begin_server(r, r->fresh_us);
    r->fresh_us = EHLO_NO_TIME;
  } else if (!ehlo_redactor_is_empty(r->redactor) &&
             ehlo_redactor_hits(r->redactor, r->held, r->held_len)) {
    hide_held(r);
  } else {
    write_held(r);
    begin_held(r);
    return;
  }
  ehlo_writer_bytes(&r->writer, crlf, sizeof(crlf));
  ehlo_writer_chunk_end(&r->writer);
  begin_held(r);
}

// A line longer than any that the engine takes fills the buffer. With secrets to look for, its rest
// cannot be judged and is hidden.
static void empty_held(struct ehlo_recorder *r) {
  flush_server(r);
  if (!ehlo_redactor_is_empty(r->redactor) && !r->hiding) {
    begin_server(r, r->fresh_us);
    r->fresh_us = EHLO_NO_TIME;
    ehlo_writer_secret(&r->writer);
    ehlo_writer_chunk_end(&r->writer);
    r->hiding = true;
  }
  memset(r->held, 0, r->held_len);
  r->held_len = 0;
  r->written = 0;
}

// Where no cut is free, the bytes count as part of the chunk before.
static void add_cut(struct ehlo_recorder *r) {
  if (r->num_cuts < EHLO_RECORDER_CUTS_MAX) {
    r->cuts[r->num_cuts++] = (struct ehlo_recorder_cut){r->held_len, r->fresh_us};
  }
}

// Takes bytes up to the end of a line; returns how many.
static size_t hold(struct ehlo_recorder *r, const uint8_t *bytes, size_t len) {
  if (r->held_len == sizeof(r->held)) {
    empty_held(r);
  }
  add_cut(r);
  size_t n = 0;
  while (n < len && r->held_len < sizeof(r->held) && !r->line_ended) {
    r->line_ended = r->cr && bytes[n] == '\n';
    r->cr = bytes[n] == '\r';
    r->held[r->held_len++] = bytes[n++];
  }
  return n;
}

static void end_client(struct ehlo_recorder *r) {
  if (r->client_in_chunk) {
    ehlo_writer_chunk_end(&r->writer);
    r->client_in_chunk = false;
  }
}

static void server_bytes(struct ehlo_recorder *r, const uint8_t *bytes, size_t len,
                         uint64_t now_us) {
  end_client(r);
  r->fresh_us = now_us;
  for (size_t at = 0; at < len;) {
    at += hold(r, bytes + at, len - at);
    if (r->line_ended) {
      end_line(r);
    }
  }
  if (ehlo_redactor_is_empty(r->redactor)) {
    flush_server(r);
  }
}

// ---- The client's side, facts and events --------------------------------------------------------

static void client_bytes(struct ehlo_recorder *r, const struct ehlo_output *out, size_t taken,
                         uint64_t now_us) {
  bool secret = (out->flags & EHLO_OUTPUT_SECRET) != 0;
  bool known = secret && (out->flags & EHLO_OUTPUT_CONTINUED) != 0;
  flush_server(r);
  if (!r->client_in_chunk && !known) {
    ehlo_writer_chunk_begin(&r->writer, EHLO_SIDE_CLIENT, take_delta(r, now_us));
    r->client_in_chunk = true;
  }
  if (!secret) {
    ehlo_writer_bytes(&r->writer, out->span.bytes, taken);
  } else if (!known) {
    ehlo_writer_secret(&r->writer);
  }
  if ((out->flags & EHLO_OUTPUT_MORE) == 0) {
    end_client(r);
  }
}

static void write_fact(struct ehlo_recorder *r, uint64_t now_us, const char *text, size_t len) {
  flush_server(r);
  end_client(r);
  ehlo_writer_fact(&r->writer, take_delta(r, now_us), text, len);
}

static void end_fact(struct ehlo_recorder *r, uint64_t now_us, const char *text) {
  if (!r->over) {
    write_fact(r, now_us, text, strlen(text));
  }
  r->over = true;
}

// "tls …" or "tls failed …"
static void tls_fact(struct ehlo_recorder *r, uint64_t now_us, bool failed) {
  char details[4096] = "";  // what a certificate says of itself is long
  char text[sizeof(details) + 16];
  r->inner->ops->describe_tls(r->inner, details, sizeof(details));
  details[sizeof(details) - 1] = '\0';
  snprintf(text, sizeof(text), "tls%s%s%s", failed ? " failed" : "", details[0] != '\0' ? " " : "",
           details);
  if (failed) {
    end_fact(r, now_us, text);
  } else {
    write_fact(r, now_us, text, strlen(text));
  }
}

static void write_status(struct ehlo_recorder *r, uint64_t now_us, enum ehlo_status status) {
  if (status == EHLO_E_TIMEOUT) {
    write_fact(r, now_us, "timeout", strlen("timeout"));
  } else if (status == EHLO_E_CLOSED) {
    end_fact(r, now_us, "eof S");
  } else if (status == EHLO_E_RESET) {
    end_fact(r, now_us, "reset S");
  } else if (status == EHLO_E_TLS) {
    tls_fact(r, now_us, true);
  }
}

// ---- The transport ------------------------------------------------------------------------------

static enum ehlo_status recorder_exchange(struct ehlo_transport *t, size_t *out_taken,
                                          size_t *in_len, const struct ehlo_output *out,
                                          uint8_t *in, size_t in_cap, uint64_t deadline_ms) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  enum ehlo_status status =
      r->inner->ops->exchange(r->inner, out_taken, in_len, out, in, in_cap, deadline_ms);
  uint64_t now_us = present_us(r);
  r->seen_us = now_us;
  assert(*out_taken <= out->span.len && *in_len <= in_cap);
  if (*out_taken > 0) {
    client_bytes(r, out, *out_taken, now_us);
  }
  if (*in_len > 0) {
    server_bytes(r, in, *in_len, now_us);
  }
  write_status(r, now_us, status);
  return status;
}

static enum ehlo_status recorder_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  flush_server(r);
  end_client(r);
  enum ehlo_status status = r->inner->ops->start_tls(r->inner, deadline_ms);
  uint64_t now_us = present_us(r);
  r->seen_us = now_us;
  if (status == EHLO_OK) {
    tls_fact(r, now_us, false);
    begin_held(r);
    r->cr = false;
  } else {
    write_status(r, now_us, status);
  }
  return status;
}

static void recorder_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  r->inner->ops->describe_tls(r->inner, out, cap);
}

static void recorder_close(struct ehlo_transport *t) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  end_fact(r, present_us(r), "eof C");
  ehlo_recorder_finish(r);
  r->closed = true;
  r->inner->ops->close(r->inner);
}

static uint64_t recorder_now_us(struct ehlo_transport *t) {
  return ((struct ehlo_recorder *)t)->seen_us;
}

static const struct ehlo_transport_ops recorder_ops = {
    .exchange = recorder_exchange,
    .start_tls = recorder_start_tls,
    .describe_tls = recorder_describe_tls,
    .close = recorder_close,
    .now_us = recorder_now_us,
};

void ehlo_recorder_init(struct ehlo_recorder *r, struct ehlo_transport *inner,
                        const struct ehlo_redactor *redactor, ehlo_write_fn write, void *arg) {
  static const char header[] = "ehlo-transcript 1";
  memset(r, 0, sizeof(*r));
  r->base.ops = &recorder_ops;
  r->inner = inner;
  r->redactor = redactor;
  r->fresh_us = EHLO_NO_TIME;
  r->seen_us = present_us(r);
  ehlo_writer_init(&r->writer, write, arg);
  ehlo_writer_fact(&r->writer, EHLO_NO_TIME, header, sizeof(header) - 1);
}

void ehlo_recorder_fact(struct ehlo_recorder *r, const char *text, size_t len) {
  r->seen_us = present_us(r);  // a client that begins after this fact begins at its time
  write_fact(r, r->seen_us, text, len);
}

void ehlo_recorder_event(struct ehlo_recorder *r, const char *text) {
  flush_server(r);
  end_client(r);
  ehlo_writer_event(&r->writer, text);
}

void ehlo_recorder_finish(struct ehlo_recorder *r) {
  flush_server(r);
  end_client(r);
}

bool ehlo_recorder_failed(const struct ehlo_recorder *r) {
  return r->writer.failed;
}
