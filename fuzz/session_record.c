// See session_record.h. Each step is done by the model alone, and what it made of it is written down.
#include "fuzz/session_record.h"

#include <stdio.h>
#include <string.h>

#include "fuzz/session_model.h"
#include "replay/event_text.h"

struct record {
  struct ehlo_session_model session;
  struct ehlo_writer *writer;
  uint64_t written_ms;  // the time of what was written last
  size_t num_written;   // of the client's octets
  size_t num_steps;
  size_t num_left_out;
  ehlo_session_record_left_out left_out;
  void *arg;
};

static void leave_out(struct record *r, const char *what) {
  r->num_left_out++;
  r->left_out(r->arg, r->num_steps, what);
}

// The time since what was written before; what is written now has it.
static uint64_t delta_us(struct record *r) {
  uint64_t now = r->session.model.now_ms;
  uint64_t delta = (now - r->written_ms) * 1000;
  r->written_ms = now;
  return delta;
}

static void put_fact(struct record *r, const char *text) {
  ehlo_writer_fact(r->writer, delta_us(r), text, strlen(text));
}

// ---- What came of a step ------------------------------------------------------------------------

static void put_event(struct record *r, const struct ehlo_model_event *from) {
  char text[EHLO_EVENT_TEXT_MAX];
  struct ehlo_event event = {
      .type = from->type,
      .verb = from->verb,
      .challenge_valid = from->challenge_valid,
      .reply = {.code = from->code, .enhanced = from->enhanced},
      .error = {.status = from->status, .offset = from->offset},
  };
  ehlo_event_text(text, &event);
  ehlo_writer_event(r->writer, text);
}

static void put_events(struct record *r) {
  const struct ehlo_model *m = &r->session.model;
  for (size_t i = 0; i < m->num_events; i++) {
    put_event(r, &m->events[i]);
  }
}

// What the client has said since. Octets that leave with the end of a session are none.
static void put_client(struct record *r) {
  const struct ehlo_model *m = &r->session.model;
  if (r->num_written == m->num_taken) {
    return;
  }
  ehlo_writer_chunk_begin(r->writer, EHLO_SIDE_CLIENT, delta_us(r));
  while (r->num_written < m->num_taken) {
    struct ehlo_model_run run = ehlo_model_run_at(m, r->num_written);
    if ((run.kind & EHLO_OUTPUT_SECRET) != 0) {
      ehlo_writer_secret(r->writer);
    } else {
      ehlo_writer_bytes(r->writer, m->sent.bytes + r->num_written, run.end - r->num_written);
    }
    r->num_written = run.end;
  }
  ehlo_writer_chunk_end(r->writer);
}

static bool is_over(const struct record *r) {
  return ehlo_model_is_over(&r->session.model);
}

// ---- Steps --------------------------------------------------------------------------------------

static void put_server(struct record *r, size_t from) {
  const struct ehlo_model *m = &r->session.model;
  if (from == m->server.len) {
    return;
  }
  ehlo_writer_chunk_begin(r->writer, EHLO_SIDE_SERVER, delta_us(r));
  ehlo_writer_bytes(r->writer, m->server.bytes + from, m->server.len - from);
  ehlo_writer_chunk_end(r->writer);
}

static const char *end_fact(struct ehlo_span text) {
  switch (text.len > 0 ? text.bytes[0] : '\0') {
    case 'r':
      return "reset S";
    case 't':
      return "tls failed as the input has it";
    case 'x':
      return "connect failed as the input has it";
    default:
      return "eof S";
  }
}

// What has no counterpart in a transcript.
static const char *why_not(char what) {
  switch (what) {
    case 'A':
      return "output that is taken in parts";
    case 'K':
      return "a client that is copied";
    case 'M':
      return "a client that moves to another buffer";
    default:
      return NULL;
  }
}

static void put_step(struct record *r, struct ehlo_fuzz_step step) {
  struct ehlo_session_model *s = &r->session;
  size_t from = s->model.server.len;
  const char *unsaid = why_not(step.what);
  if (unsaid != NULL) {
    leave_out(r, unsaid);
    return;
  }
  ehlo_session_model_step(s, step);
  if (ehlo_status_class(s->status) == EHLO_CLASS_CALLER) {
    char text[80];
    snprintf(text, sizeof(text), "a mistake of the program's: %s", ehlo_status_name(s->status));
    leave_out(r, text);
  }
  if (step.what == 'S' || step.what == 's') {
    put_server(r, from);
  } else if (step.what == 'E') {
    put_fact(r, end_fact(step.text));
  } else if (step.what == 'T' && s->status == EHLO_OK) {
    put_fact(r, "tls as the input has it");
  } else if (step.what == '+' && is_over(r)) {
    put_fact(r, "timeout");
  }
  put_events(r);
  put_client(r);
}

static void begin(struct record *r, uint8_t octet) {
  struct ehlo_fuzz_session_settings settings = ehlo_fuzz_session_settings_read(octet);
  if (settings.hold) {
    leave_out(r, "output that is held back");
  }
  if (settings.room != EHLO_FUZZ_NUM_ROOMS - 1) {
    leave_out(r, "a buffer that is smaller");
  }
  settings.hold = false;
  settings.room = EHLO_FUZZ_NUM_ROOMS - 1;
  ehlo_session_model_begin(&r->session, &settings);
  ehlo_writer_fact(r->writer, EHLO_NO_TIME, "ehlo-transcript 1", strlen("ehlo-transcript 1"));
}

// Nobody says anything more. What is waited for does not come.
static void finish(struct record *r) {
  ehlo_session_model_wait(&r->session);
  if (r->session.model.num_events > 0) {
    put_fact(r, "timeout");
    put_events(r);
  }
}

bool ehlo_session_record(struct ehlo_writer *w, size_t *out_left, const uint8_t *data, size_t size,
                         ehlo_session_record_left_out left_out, void *arg) {
  static struct record r;
  static struct ehlo_fuzz_block text;
  r.writer = w;
  r.written_ms = 0;
  r.num_written = 0;
  r.num_steps = 0;
  r.num_left_out = 0;
  r.left_out = left_out;
  r.arg = arg;
  begin(&r, size > 0 ? data[0] : 0);
  for (size_t at = EHLO_FUZZ_NUM_SETTINGS; at < size && !is_over(&r);) {
    struct ehlo_fuzz_step step = ehlo_fuzz_step_read(&text, data, &at, size);
    r.num_steps++;
    put_step(&r, step);
    ehlo_fuzz_return(&text);
  }
  finish(&r);
  ehlo_writer_flush(w);
  *out_left = r.num_left_out;
  return !w->failed;
}
