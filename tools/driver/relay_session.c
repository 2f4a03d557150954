// A session of the relay from its first call to its last: which stage it is in, and what it waits for.
#include "tools/driver/relay_session.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/numbered.h"
#include "tools/driver/relay_parts.h"
#include "tools/driver/text.h"

#define TURNS_MAX 16  // of one session, before the others have theirs

// ---- The gate's wishes --------------------------------------------------------------------------

static void to_front(void *arg, const uint8_t *bytes, size_t len) {
  struct relay_session *s = arg;
  live_channel_write(&s->front, bytes, len);
}

static void to_behind(void *arg, const uint8_t *bytes, size_t len) {
  struct relay_session *s = arg;
  live_channel_write(&s->behind, bytes, len);
}

static void begin_gate(struct relay_session *s) {
  const struct relay_config *c = s->config;
  struct gate_config config = {
      .starttls_behind = c->tls == EHLO_TLS_STARTTLS,
      .secure_behind = c->tls == EHLO_TLS_IMPLICIT,
      .allow_cleartext_auth = c->allow_cleartext_auth,
      .offers_starttls = c->front == EHLO_TLS_STARTTLS,
      .secure_front = c->front == EHLO_TLS_IMPLICIT,
      .requires_front_tls = c->requires_front_tls,
      .helo = c->helo,
  };
  struct gate_out out = {to_front, to_behind, s};
  gate_init(&s->gate, &config, &out, sink_write, &s->sink);
}

// ---- The loop's calls ---------------------------------------------------------------------------

static bool go_on(struct relay_session *s) {
  switch (s->stage) {
    case RELAY_FRONT_TLS:
      if (relay_shake_front(s)) {
        relay_begin_dial(s);
        return true;
      }
      return false;
    case RELAY_DIAL:
      return relay_dial(s);
    case RELAY_BEHIND_TLS:
      return relay_shake_behind(s);
    case RELAY_PASS:
      return relay_pass(s);
    case RELAY_ENDING:
      return relay_ending(s);
    case RELAY_OVER:
      break;
  }
  return false;
}

static void time_out(struct relay_session *s) {
  if (s->stage == RELAY_ENDING) {
    s->stage = RELAY_OVER;
  } else if (s->stage != RELAY_OVER) {
    relay_write_fact(s, "timeout");
    relay_fail(s, EX_TEMPFAIL, "nothing has moved for too long", "eof C");
  }
}

void relay_session_go(struct relay_session *s) {
  enum relay_stage stage = s->stage;
  bool moved = false;
  for (int turn = 0; turn < TURNS_MAX; turn++) {
    if (!go_on(s)) {
      break;
    }
    moved = true;
  }
  if (moved && s->stage == RELAY_PASS) {
    relay_touch(s);
  }
  if (s->stage == stage && s->stage != RELAY_DIAL && live_net_clock_us() >= s->deadline_us) {
    time_out(s);
  }
}

static void want(struct pollfd *p, const struct live_channel *c, bool reads, uint64_t *wake_us) {
  p->fd = c->fd;
  p->events = (short)((reads ? POLLIN : 0) | (live_channel_is_idle(c) ? 0 : POLLOUT));
  if (p->events == 0) {
    p->fd = -1;  // an error is not waited for either, or it would be reported without end
  }
  if (reads && c->may_have_more) {
    *wake_us = 0;
  }
}

void relay_session_wait(const struct relay_session *s, struct pollfd fds[2], uint64_t *wake_us) {
  bool shakes_front = s->stage == RELAY_FRONT_TLS || s->gate.state == GATE_BEGINS_FRONT;
  bool shakes_behind = s->stage == RELAY_BEHIND_TLS || s->gate.state == GATE_BEGINS_BEHIND;
  fds[0] = (struct pollfd){.fd = -1};
  fds[1] = (struct pollfd){.fd = -1};
  uint64_t deadline_us = s->deadline_us;
  if (s->stage == RELAY_DIAL) {
    fds[1] = (struct pollfd){.fd = s->dial.fd, .events = live_dial_events(&s->dial)};
    deadline_us = s->dial.deadline_ms * 1000;
  } else if (s->stage == RELAY_ENDING) {
    want(&fds[0], &s->front, s->front.end == EHLO_OK, wake_us);
  } else {
    bool passes = s->stage == RELAY_PASS;
    want(&fds[0], &s->front, shakes_front || (passes && relay_reads_front(s)), wake_us);
    if (s->stage != RELAY_FRONT_TLS) {
      want(&fds[1], &s->behind, shakes_behind || (passes && relay_reads_behind(s)), wake_us);
    }
  }
  if (deadline_us < *wake_us) {
    *wake_us = deadline_us;
  }
}

void relay_session_stop(struct relay_session *s) {
  if (s->stage == RELAY_OVER || s->stage == RELAY_ENDING) {
    return;
  }
  relay_write_fact(s, "note the relay was stopped");
  if (s->stage == RELAY_PASS && s->gate.state != GATE_BEGINS_FRONT) {
    gate_refuse(&s->gate, 0, "the relay was stopped");
  }
  relay_write_end(s, "eof C");
  relay_begin_ending(s);
}

static void name_client(struct relay_session *s, int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof(address);
  char host[LIVE_ADDRESS_MAX];
  char port[8];
  snprintf(s->client, sizeof(s->client), "?");
  if (getpeername(fd, (struct sockaddr *)&address, &len) == 0 &&
      getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                  NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    snprintf(s->client, sizeof(s->client), strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host,
             port);
  }
}

static void open_record(struct relay_session *s) {
  struct trace *trace = s->config->verbose ? &s->trace : NULL;
  if (!numbered_path(s->path, sizeof(s->path), s->config->record, s->number)) {
    fprintf(complaints(), "ehlo: cannot write a transcript: its name is too long\n");
    s->sink = (struct sink){.fd = -1, .trace = trace, .incomplete = true};
  } else if ((s->config->on_failure ? sink_open_withheld : sink_open)(&s->sink, s->path, trace) !=
             0) {
    s->sink.incomplete = true;  // told; the session goes on without
  }
}

struct relay_session *relay_session_begin(const struct relay_config *config, int fd,
                                          uint64_t number) {
  struct relay_session *s = malloc(sizeof(*s));
  if (s == NULL) {
    return NULL;
  }
  memset(s, 0, offsetof(struct relay_session, from_front));
  s->config = config;
  s->number = number;
  s->start_us = live_net_clock_us();
  s->dial.fd = -1;
  live_channel_init(&s->front, fd);
  live_channel_init(&s->behind, -1);
  name_client(s, fd);
  if (config->verbose) {
    trace_init(&s->trace, stdout, true);
  }
  open_record(s);
  begin_gate(s);
  relay_touch(s);
  if (config->front == EHLO_TLS_IMPLICIT) {
    s->stage = RELAY_FRONT_TLS;
  } else {
    relay_begin_dial(s);
  }
  return s;
}

static void end_record(struct relay_session *s) {
  ehlo_tap_finish(&s->gate.tap);
  if (s->status != 0 || ehlo_tap_was_refused(&s->gate.tap)) {
    sink_keep(&s->sink);
  }
  sink_close(&s->sink);
}

// What became of the record, in words.
static const char *record_words(const struct relay_session *s) {
  bool wanted = !s->config->on_failure || sink_is_kept(&s->sink);
  return !wanted ? "not recorded" : s->sink.incomplete ? "record incomplete" : "recorded in ";
}

static void tell(const struct relay_session *s) {
  bool whole = sink_is_kept(&s->sink) && !s->sink.incomplete;
  unsigned code = ehlo_tap_last_code(&s->gate.tap);
  if (s->config->json) {
    bool given_up = s->config->on_failure && !sink_is_kept(&s->sink);
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:i, s:s?, s:b, s:i}", "client", s->client, "bytes_from_client",
                  (json_int_t)s->front.bytes_in, "bytes_from_server",
                  (json_int_t)s->behind.bytes_in, "last_reply", (int)code, "record",
                  given_up ? NULL : s->path, "complete", !s->sink.incomplete, "status", s->status);
    text_print_json(json, JSON_COMPACT);
  } else if (!s->config->quiet) {
    printf("%s: %" PRIu64 " bytes from the client, %" PRIu64 " from the server, ", s->client,
           s->front.bytes_in, s->behind.bytes_in);
    if (code != 0) {
      printf("last reply %u, ", code);
    }
    printf("%s%s\n", record_words(s), whole ? s->path : "");
  }
  fflush(stdout);
}

bool relay_session_end(struct relay_session *s) {
  relay_write_end(s, "eof C");
  end_record(s);
  live_dial_end(&s->dial);
  live_channel_close(&s->front, false);
  live_channel_close(&s->behind, false);
  live_tls_free(&s->front.tls);
  live_tls_free(&s->behind.tls);
  tell(s);
  bool wanted = !s->config->on_failure || sink_is_kept(&s->sink);
  bool complete = !wanted || (!s->sink.incomplete && !ehlo_tap_failed(&s->gate.tap));
  // What passed may hold passwords.
  memset(s->from_front, 0, sizeof(s->from_front));
  memset(s->front.out, 0, sizeof(s->front.out));
  memset(s->behind.out, 0, sizeof(s->behind.out));
  free(s);
  return complete;
}
