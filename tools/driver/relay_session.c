// The stages of a session and the bytes between its sides. Each side is read only while the other
// has taken all it was given, so buffers stay as large as they are.
#include "tools/driver/relay_session.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/driver/text.h"

#define IDLE_US UINT64_C(600000000)  // RFC 5321 §4.5.3.2.6, the longest wait it has
#define LINGER_US UINT64_C(2000000)  // for a program in front that does not close
#define TURNS_MAX 16                 // of one session, before the others have theirs

// ---- The record ---------------------------------------------------------------------------------

static uint64_t now_us(const struct relay_session *s) {
  return live_net_clock_us() - s->start_us;
}

static void write_fact(struct relay_session *s, const char *text) {
  ehlo_tap_fact(&s->gate.tap, now_us(s), text, strlen(text));
}

// How it ended; the first end counts.
static void write_end(struct relay_session *s, const char *text) {
  if (!s->fact_written) {
    write_fact(s, text);
    s->fact_written = true;
  }
}

static void complain(const struct relay_session *s, const char *what) {
  fprintf(stderr, "ehlo: %s: ", s->client);
  text_print(stderr, ehlo_str(what));
  fputc('\n', stderr);
}

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

// ---- Ends ---------------------------------------------------------------------------------------

static void touch(struct relay_session *s) {
  uint64_t wait_us = s->config->timeout_ms > 0 ? (uint64_t)s->config->timeout_ms * 1000 : IDLE_US;
  s->deadline_us = live_net_clock_us() + wait_us;
}

// The server's side is over; the program in front gets what is left for it.
static void begin_ending(struct relay_session *s) {
  live_channel_shut(&s->behind);
  live_channel_close(&s->behind, false);
  live_channel_shut(&s->front);
  s->stage = RELAY_ENDING;
  s->deadline_us = live_net_clock_us() + LINGER_US;
}

static void reset_both(struct relay_session *s, const char *fact) {
  write_end(s, fact);
  live_channel_close(&s->behind, true);
  live_channel_close(&s->front, true);
  s->stage = RELAY_OVER;
}

// Nothing passes any more; `end` is the fact for the record.
static void fail(struct relay_session *s, int status, const char *why, const char *end) {
  bool tell = s->stage != RELAY_FRONT_TLS && s->gate.state != GATE_BEGINS_FRONT;
  s->status = status;
  complain(s, why);
  if (s->gate.state != GATE_REFUSED && tell) {
    gate_refuse(&s->gate, status, "%s", why);
  }
  write_end(s, end);
  begin_ending(s);
}

// The gate has refused something by itself.
static void end_refused(struct relay_session *s) {
  char text[600];
  snprintf(text, sizeof(text), "note %s", s->gate.why);
  s->status = s->gate.status;
  complain(s, s->gate.why);
  write_fact(s, text);
  write_end(s, "eof C");
  begin_ending(s);
}

static int status_of_tls(const struct live_channel *c, enum ehlo_status status) {
  const struct live_verdict *verdict = &c->tls.info.verdict;
  if (c->tls.info.judged && !(verdict->chain_ok && verdict->name_ok)) {
    return EX_CONFIG;
  }
  return status == EHLO_E_TLS ? EX_CONFIG : EX_IOERR;
}

static void fail_tls_behind(struct relay_session *s, enum ehlo_status status) {
  char why[LIVE_REASON_MAX];
  char fact[LIVE_REASON_MAX + 16];
  live_tls_describe(&s->behind.tls, why, sizeof(why));
  snprintf(fact, sizeof(fact), "tls failed %s", why);
  fail(s, status_of_tls(&s->behind, status), why, fact);
}

// ---- Handshakes ---------------------------------------------------------------------------------

static bool start_behind(struct relay_session *s) {
  const struct relay_config *c = s->config;
  s->begins_tls = live_channel_start_client(&s->behind, c->tls_behind, c->tls_name, c->insecure);
  return s->begins_tls;
}

static void warn_of_insecure(const struct relay_session *s) {
  const struct live_verdict *verdict = &s->behind.tls.info.verdict;
  if (!(verdict->chain_ok && verdict->name_ok)) {
    fprintf(stderr,
            "ehlo: WARNING: the server's certificate is NOT trusted (%s); --insecure goes on\n",
            verdict->reason);
  }
}

// Whether something moved.
static bool shake_behind(struct relay_session *s) {
  char details[LIVE_REASON_MAX];
  if (!s->begins_tls && !start_behind(s)) {
    fail(s, EX_OSERR, "out of memory", "eof C");
    return false;
  }
  enum ehlo_status status = live_channel_handshake(&s->behind);
  if (status != EHLO_OK) {
    fail_tls_behind(s, status);
  } else if (live_channel_is_open(&s->behind)) {
    s->begins_tls = false;
    warn_of_insecure(s);
    live_tls_describe(&s->behind.tls, details, sizeof(details));
    gate_secured_behind(&s->gate, details, now_us(s));
    s->stage = RELAY_PASS;
    return true;
  }
  return false;
}

static void end_front_handshake(struct relay_session *s) {
  char why[LIVE_REASON_MAX + 64];
  char note[sizeof(why) + 8];
  char failure[LIVE_REASON_MAX];
  live_tls_describe(&s->front.tls, failure, sizeof(failure));
  snprintf(why, sizeof(why), "no TLS with the program in front: %s", failure);
  snprintf(note, sizeof(note), "note %s", why);
  write_fact(s, note);
  fail(s, EX_PROTOCOL, why, "eof C");
}

static bool shake_front(struct relay_session *s) {
  char details[LIVE_REASON_MAX];
  if (!s->begins_tls && !live_channel_start_server(&s->front, s->config->tls_front)) {
    fail(s, EX_OSERR, "out of memory", "eof C");
    return false;
  }
  s->begins_tls = true;
  enum ehlo_status status = live_channel_handshake(&s->front);
  if (status != EHLO_OK) {
    end_front_handshake(s);
  } else if (live_channel_is_open(&s->front)) {
    s->begins_tls = false;
    live_tls_describe(&s->front.tls, details, sizeof(details));
    gate_secured_front(&s->gate, details, now_us(s));
    return true;
  }
  return false;
}

// ---- Connecting ---------------------------------------------------------------------------------

static void begin_dial(struct relay_session *s) {
  live_dial_begin(&s->dial, &s->config->place, s->config->timeout_ms);
  s->stage = RELAY_DIAL;
}

static void fail_dial(struct relay_session *s) {
  char why[LIVE_DIAL_REASON_MAX + 400];
  char fact[sizeof(why) + 32];
  snprintf(why, sizeof(why), "cannot connect to %s: %s", s->config->place_name, s->dial.reason);
  snprintf(fact, sizeof(fact), "connect failed %s", why);
  fail(s, s->dial.result == LIVE_NET_TIMEOUT ? EX_TEMPFAIL : EX_IOERR, why, fact);
}

static bool dial(struct relay_session *s) {
  char fact[512];
  live_dial_go(&s->dial);
  if (s->dial.failed) {
    fail_dial(s);
    return false;
  }
  if (!s->dial.connected) {
    return false;
  }
  live_channel_init(&s->behind, s->dial.fd);
  s->dial.fd = -1;
  snprintf(fact, sizeof(fact), "connect %s %s", s->config->place_name, s->dial.address);
  write_fact(s, fact);
  s->stage = s->config->tls == EHLO_TLS_IMPLICIT ? RELAY_BEHIND_TLS : RELAY_PASS;
  touch(s);
  return true;
}

// ---- Passing ------------------------------------------------------------------------------------

static bool reads_front(const struct relay_session *s) {
  return s->front_status == EHLO_OK && s->gate.state == GATE_PASS &&
         live_channel_is_idle(&s->behind) && live_channel_is_idle(&s->front) &&
         s->front_len < sizeof(s->from_front);
}

static bool reads_behind(const struct relay_session *s) {
  bool listens =
      s->gate.state == GATE_PASS || s->gate.state == GATE_HELLO || s->gate.state == GATE_STARTTLS;
  return s->behind_status == EHLO_OK && listens && live_channel_is_idle(&s->front) &&
         s->behind_len < sizeof(s->from_behind);
}

static bool pump_front(struct relay_session *s) {
  size_t n = 0;
  if (reads_front(s)) {
    s->front_status = live_channel_read(&s->front, &n, s->from_front + s->front_len,
                                        sizeof(s->from_front) - s->front_len);
    s->front_len += n;
  }
  if (s->front_len == 0 || !live_channel_is_idle(&s->behind) || !live_channel_is_idle(&s->front)) {
    return n > 0;
  }
  size_t used =
      gate_front(&s->gate, s->from_front, s->front_len, s->front_status != EHLO_OK, now_us(s));
  s->front_len -= used;
  if (s->front_len > 0 && used > 0) {
    memmove(s->from_front, s->from_front + used, s->front_len);
  }
  return n > 0 || used > 0;
}

static void note_late(struct relay_session *s) {
  if (s->front_is_done && !s->late_noted) {
    s->late_noted = true;
    write_fact(s, "note the client had closed its side before this");
  }
}

static bool pump_behind(struct relay_session *s) {
  size_t n = 0;
  if (reads_behind(s)) {
    s->behind_status = live_channel_read(&s->behind, &n, s->from_behind + s->behind_len,
                                         sizeof(s->from_behind) - s->behind_len);
    s->behind_len += n;
  }
  if (s->behind_len == 0 || !live_channel_is_idle(&s->front)) {
    return n > 0;
  }
  note_late(s);
  size_t used =
      gate_behind(&s->gate, s->from_behind, s->behind_len, s->behind_status != EHLO_OK, now_us(s));
  s->behind_len -= used;
  if (s->behind_len > 0 && used > 0) {
    memmove(s->from_behind, s->from_behind + used, s->behind_len);
  }
  return n > 0 || used > 0;
}

// The server's side has come to its end, and all of it has passed.
static void end_behind(struct relay_session *s) {
  const char *fact = s->front_is_done ? "eof C" : "eof S";
  bool said_goodbye = ehlo_tap_last_code(&s->gate.tap) == 221 || s->front_is_done;
  if (s->gate.state != GATE_PASS) {
    fail(s, EX_IOERR, "the server closed the connection before TLS had begun", fact);
  } else if (s->behind_status == EHLO_E_TLS && !said_goodbye) {
    fail_tls_behind(s, EHLO_E_TLS);
  } else {
    write_end(s, fact);
    begin_ending(s);
  }
}

static void check_ends(struct relay_session *s) {
  bool front_reset = s->front_status == EHLO_E_RESET || s->front.broken == EHLO_E_RESET;
  bool behind_reset = s->behind_status == EHLO_E_RESET;
  if (s->gate.state == GATE_REFUSED) {
    end_refused(s);
  } else if (behind_reset && s->behind_len == 0) {
    s->status = EX_IOERR;
    reset_both(s, s->front_is_done ? "eof C" : "reset S");
  } else if (front_reset && !s->front_is_done) {
    reset_both(s, "reset C");
  } else if (s->behind_status != EHLO_OK && s->behind_len == 0) {
    end_behind(s);
  } else if (s->front_is_done && s->front.broken != EHLO_OK) {
    write_end(s, "eof C");  // nobody is there any more
    begin_ending(s);
  } else if (s->front_status != EHLO_OK && s->front_len == 0 && !s->front_is_done) {
    s->front_is_done = true;
    live_channel_shut(&s->behind);
  }
}

static bool pass(struct relay_session *s) {
  bool moved;
  live_channel_flush(&s->front);
  live_channel_flush(&s->behind);
  if (s->gate.state == GATE_BEGINS_BEHIND) {
    moved = shake_behind(s);
  } else if (s->gate.state == GATE_BEGINS_FRONT) {
    moved = shake_front(s);
  } else {
    moved = pump_behind(s);
    moved = pump_front(s) || moved;
  }
  if (s->stage == RELAY_PASS) {
    check_ends(s);
  }
  return moved;
}

// Until the program in front has closed too, lest it lose what it has not read.
static bool ending(struct relay_session *s) {
  size_t n = 0;
  live_channel_flush(&s->front);
  enum ehlo_status status = live_channel_read(&s->front, &n, s->from_front, sizeof(s->from_front));
  bool sent = live_channel_is_idle(&s->front);
  if ((status != EHLO_OK && sent) || s->front.broken != EHLO_OK) {
    s->stage = RELAY_OVER;
  }
  return n > 0;
}

// ---- The loop's calls ---------------------------------------------------------------------------

static bool go_on(struct relay_session *s) {
  switch (s->stage) {
    case RELAY_FRONT_TLS:
      if (shake_front(s)) {
        begin_dial(s);
        return true;
      }
      return false;
    case RELAY_DIAL:
      return dial(s);
    case RELAY_BEHIND_TLS:
      return shake_behind(s);
    case RELAY_PASS:
      return pass(s);
    case RELAY_ENDING:
      return ending(s);
    case RELAY_OVER:
      break;
  }
  return false;
}

static void time_out(struct relay_session *s) {
  if (s->stage == RELAY_ENDING) {
    s->stage = RELAY_OVER;
  } else if (s->stage != RELAY_OVER) {
    write_fact(s, "timeout");
    fail(s, EX_TEMPFAIL, "nothing has moved for too long", "eof C");
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
    touch(s);
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
    fds[1] = (struct pollfd){.fd = s->dial.fd, .events = POLLOUT};
    deadline_us = s->dial.deadline_ms * 1000;
  } else if (s->stage == RELAY_ENDING) {
    want(&fds[0], &s->front, s->front.end == EHLO_OK, wake_us);
  } else {
    bool passes = s->stage == RELAY_PASS;
    want(&fds[0], &s->front, shakes_front || (passes && reads_front(s)), wake_us);
    if (s->stage != RELAY_FRONT_TLS) {
      want(&fds[1], &s->behind, shakes_behind || (passes && reads_behind(s)), wake_us);
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
  write_fact(s, "note the relay was stopped");
  if (s->stage == RELAY_PASS && s->gate.state != GATE_BEGINS_FRONT) {
    gate_refuse(&s->gate, 0, "the relay was stopped");
  }
  write_end(s, "eof C");
  begin_ending(s);
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

// FILE, and then FILE with a number before its suffix.
static void name_record(struct relay_session *s) {
  const char *record = s->config->record;
  const char *slash = strrchr(record, '/');
  const char *name = slash != NULL ? slash + 1 : record;
  const char *dot = strrchr(name, '.');
  const char *end = dot != NULL && dot > name ? dot : record + strlen(record);
  if (s->number == 1) {
    snprintf(s->path, sizeof(s->path), "%s", record);
  } else {
    snprintf(s->path, sizeof(s->path), "%.*s.%" PRIu64 "%s", (int)(end - record), record, s->number,
             end);
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
  name_record(s);
  if (config->verbose) {
    trace_init(&s->trace, stdout, true);
  }
  if (sink_open(&s->sink, s->path, config->verbose ? &s->trace : NULL) != 0) {
    s->sink.incomplete = true;  // told; the session goes on without
  }
  begin_gate(s);
  touch(s);
  if (config->front == EHLO_TLS_IMPLICIT) {
    s->stage = RELAY_FRONT_TLS;
  } else {
    begin_dial(s);
  }
  return s;
}

static void tell(const struct relay_session *s) {
  const char *path = s->sink.incomplete ? "" : s->path;
  unsigned code = ehlo_tap_last_code(&s->gate.tap);
  if (s->config->json) {
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:i, s:s, s:b, s:i}", "client", s->client, "bytes_from_client",
                  (json_int_t)s->front.bytes_in, "bytes_from_server",
                  (json_int_t)s->behind.bytes_in, "last_reply", (int)code, "record", s->path,
                  "complete", !s->sink.incomplete, "status", s->status);
    text_print_json(json, JSON_COMPACT);
  } else if (!s->config->quiet) {
    printf("%s: %" PRIu64 " bytes from the client, %" PRIu64 " from the server, ", s->client,
           s->front.bytes_in, s->behind.bytes_in);
    if (code != 0) {
      printf("last reply %u, ", code);
    }
    printf("%s%s\n", path[0] != '\0' ? "recorded in " : "record incomplete", path);
  }
  fflush(stdout);
}

bool relay_session_end(struct relay_session *s) {
  write_end(s, "eof C");
  ehlo_tap_finish(&s->gate.tap);
  sink_close(&s->sink);
  live_dial_end(&s->dial);
  live_channel_close(&s->front, false);
  live_channel_close(&s->behind, false);
  live_tls_free(&s->front.tls);
  live_tls_free(&s->behind.tls);
  tell(s);
  bool complete = !s->sink.incomplete && !ehlo_tap_failed(&s->gate.tap);
  // What passed may hold passwords.
  memset(s->from_front, 0, sizeof(s->from_front));
  memset(s->front.out, 0, sizeof(s->front.out));
  memset(s->behind.out, 0, sizeof(s->behind.out));
  free(s);
  return complete;
}
