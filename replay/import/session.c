// From pieces of dialogue to a transcript. It reads just enough of each line to know the state of
// the session, keeps no line whole, and leaves secrets to the tap and to those it was given.
#include "replay/import/session.h"

#include <stdio.h>
#include <string.h>

// ---- Writing ------------------------------------------------------------------------------------

// Characters of a transcript's line before its mark: a time, and blanks.
static size_t mark_at(const char *line, size_t len) {
  size_t at = 0;
  if (line[0] == '+') {
    while (at < len && line[at] != ' ') {
      at++;
    }
  }
  while (at < len && line[at] == ' ') {
    at++;
  }
  return at;
}

// What a line that says a secret becomes, behind its time.
static const char *substitute(const char *mark, size_t len) {
  if (mark[0] == '#') {
    return "# (a line of the log with a credential in it is left out)\n";
  }
  if (mark[0] == 'C') {
    return "C: \\{secret}\n";
  }
  if (mark[0] == 'S') {
    return "S: \\{secret}\n";
  }
  bool tls = len > 6 && memcmp(mark, "! tls ", 6) == 0 && memcmp(mark, "! tls f", 7) != 0;
  return tls ? "! tls\n" : "! note (what stood here says a credential)\n";
}

// The tap hides what it sees pass; what stands elsewhere, or in a log without the server's lines, is
// known from before.
static bool write_line(void *arg, const char *text, size_t len) {
  struct ehlo_import_session *s = arg;
  char line[128];
  size_t at = mark_at(text, len);
  size_t skipped = at + (at < len && text[at] == '#' ? 2 : 3);
  bool is_header = len > 18 && memcmp(text, "! ehlo-transcript ", 18) == 0;
  if (s->learned == NULL || is_header || skipped >= len ||
      !ehlo_scrub_is_said(s->learned, (const uint8_t *)text + skipped, len - skipped)) {
    return s->write(s->arg, text, len);
  }
  int line_len = snprintf(line, sizeof(line), "%.*s%s", (int)(at < 40 ? at : 40), text,
                          substitute(text + at, len - at));
  return s->write(s->arg, line, (size_t)line_len);
}

void ehlo_import_session_init(struct ehlo_import_session *s, const struct ehlo_scrub *learned,
                              ehlo_write_fn write, void *arg) {
  memset(s, 0, sizeof(*s));
  s->write = write;
  s->arg = arg;
  s->learned = learned;
  s->message_line_whole = true;
  s->held_us = EHLO_NO_TIME;
  ehlo_tap_init(&s->tap, write_line, s);
  ehlo_writer_init(&s->comments, write_line, s);
}

// ---- To the tap ---------------------------------------------------------------------------------

static void give(struct ehlo_import_session *s, size_t len) {
  if (len == 0) {
    return;
  }
  if (s->held_side == EHLO_SIDE_CLIENT) {
    ehlo_tap_client(&s->tap, s->held, len, s->held_us);
  } else {
    ehlo_tap_server(&s->tap, s->held, len, s->held_us);
  }
  s->held_us = EHLO_NO_TIME;
  s->held_len -= len;
  memmove(s->held, s->held + len, s->held_len);
}

static void hold(struct ehlo_import_session *s, enum ehlo_side side, const uint8_t *bytes,
                 size_t len, uint64_t time_us) {
  if (s->held_side != side || time_us != EHLO_NO_TIME) {
    give(s, s->held_len);
    s->held_side = side;
    s->held_us = time_us;
  }
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    size_t n = lf != NULL ? (size_t)(lf - bytes) + 1 - at : len - at;
    size_t room = sizeof(s->held) - s->held_len;
    n = n < room ? n : room;
    memcpy(s->held + s->held_len, bytes + at, n);
    s->held_len += n;
    at += n;
    if (s->held[s->held_len - 1] == '\n' || s->held_len == sizeof(s->held)) {
      give(s, s->held_len);
    }
  }
}

static void fact(struct ehlo_import_session *s, const char *text, uint64_t time_us) {
  give(s, s->held_len);
  ehlo_tap_fact(&s->tap, time_us, text, strlen(text));
}

void ehlo_import_session_knows(struct ehlo_import_session *s, bool times, bool chunks) {
  s->knows_times = times;
  s->knows_chunks = chunks;
}

// Behind the header, once the first line of the log has told.
static void write_notes(struct ehlo_import_session *s) {
  if (s->notes_written) {
    return;
  }
  s->notes_written = true;
  if (!s->knows_chunks) {
    fact(s, "note unknown chunks", EHLO_NO_TIME);
  }
  if (!s->knows_times) {
    fact(s, "note unknown times", EHLO_NO_TIME);
  }
}

#define DAY_US UINT64_C(86400000000)

// Time since the first item. A clock that goes back by more than half a day passed midnight; one that
// goes back by less stands still.
static uint64_t session_time(struct ehlo_import_session *s, uint64_t time_us) {
  if (!s->knows_times || time_us == EHLO_NO_TIME) {
    return EHLO_NO_TIME;
  }
  if (!s->has_first) {
    s->has_first = true;
    s->first_us = time_us;
    s->last_us = time_us;
  }
  time_us += s->days_us;
  if (time_us + DAY_US / 2 < s->last_us) {
    s->days_us += DAY_US;
    time_us += DAY_US;
  }
  s->last_us = time_us > s->last_us ? time_us : s->last_us;
  return s->last_us - s->first_us;
}

void ehlo_import_fact(struct ehlo_import_session *s, const char *text, uint64_t time_us) {
  write_notes(s);
  s->begun = s->begun || strncmp(text, "connect failed", strlen("connect failed")) == 0;
  fact(s, text, session_time(s, time_us));
}

void ehlo_import_comment(struct ehlo_import_session *s, const uint8_t *text, size_t len) {
  char line[1024];
  if (!s->notes_wait) {
    write_notes(s);
  }
  if (s->learned != NULL && ehlo_scrub_is_said(s->learned, text, len)) {
    static const char left_out[] = "(a line of the log with a credential in it is left out)";
    ehlo_writer_comment(&s->comments, left_out);
    return;
  }
  do {
    size_t n = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
    for (size_t i = 0; i < n; i++) {
      line[i] = text[i] == '\0' || text[i] == '\n' ? ' ' : (char)text[i];
    }
    line[n] = '\0';
    ehlo_writer_comment(&s->comments, line);
    text += n;
    len -= n;
  } while (len > 0);
}

// ---- TLS ----------------------------------------------------------------------------------------

static void begin_tls(struct ehlo_import_session *s, uint64_t time_us) {
  char text[200] = "tls";
  if (s->tls_details[0] != '\0') {
    snprintf(text, sizeof(text), "tls %s", s->tls_details);
  }
  s->tls_due = false;
  s->tls_details[0] = '\0';
  write_notes(s);
  fact(s, text, time_us);
}

void ehlo_import_tls(struct ehlo_import_session *s, const uint8_t *details, size_t len,
                     uint64_t time_us) {
  size_t used = 0;
  for (size_t i = 0; i < len && used < sizeof(s->tls_details) - 1; i++) {
    bool fits = details[i] > 0x20 && details[i] < 0x7f;
    bool blank = !fits && used > 0 && s->tls_details[used - 1] != ' ';
    if (fits || blank) {
      s->tls_details[used++] = fits ? (char)details[i] : ' ';
    }
  }
  while (used > 0 && s->tls_details[used - 1] == ' ') {
    used--;
  }
  s->tls_details[used] = '\0';
  begin_tls(s, session_time(s, time_us));
}

// ---- The dialogue -------------------------------------------------------------------------------

static bool is_verb(const struct ehlo_import_line *line, const char *verb) {
  size_t len = strlen(verb);
  for (size_t i = 0; i < len && line->len >= len; i++) {
    uint8_t c = line->head[i];
    if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != verb[i]) {
      return false;
    }
  }
  return line->len == len;
}

// Adds a byte; true when it ended the line, whose beginning is in `line` until the next byte.
static bool add_byte(struct ehlo_import_line *line, uint8_t byte) {
  if (byte == '\n') {
    line->cr = false;
    return true;
  }
  if (line->cr && line->len < sizeof(line->head)) {
    line->head[line->len] = '\r';
  }
  line->len += line->cr;
  line->cr = byte == '\r';
  if (!line->cr) {
    if (line->len < sizeof(line->head)) {
      line->head[line->len] = byte;
    }
    line->len++;
  }
  return false;
}

static void on_client_line(struct ehlo_import_session *s, const struct ehlo_import_line *line) {
  if (s->in_message) {
    s->message_begun = true;
    if (line->len == 1 && line->head[0] == '.') {
      s->in_message = false;
      s->num_waiting++;
    }
    return;
  }
  s->starttls_sent = is_verb(line, "STARTTLS");
  s->num_waiting++;
}

static void on_server_line(struct ehlo_import_session *s, const struct ehlo_import_line *line) {
  const uint8_t *h = line->head;
  if (line->len < 3 || h[0] < '1' || h[0] > '9' || (line->len > 3 && h[3] == '-')) {
    return;
  }
  s->greeted = true;
  s->num_waiting -= s->num_waiting > 0;
  if (memcmp(h, "354", 3) == 0 && !s->answers_unknown) {
    s->in_message = true;
    s->message_begun = false;
  } else if (s->starttls_sent && memcmp(h, "220", 3) == 0) {
    s->tls_due = true;
  }
  s->starttls_sent = false;
  s->answers_unknown = false;
}

static void follow(struct ehlo_import_session *s, struct ehlo_import_line *line,
                   void (*on_line)(struct ehlo_import_session *, const struct ehlo_import_line *),
                   const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (add_byte(line, bytes[i])) {
      on_line(s, line);
      line->len = 0;
    }
  }
}

static uint64_t begin(struct ehlo_import_session *s, uint64_t time_us) {
  uint64_t time = session_time(s, time_us);
  write_notes(s);
  if (s->tls_due) {
    begin_tls(s, time);
  }
  s->begun = true;
  return time;
}

void ehlo_import_client(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                        uint64_t time_us) {
  if (len == 0) {
    return;
  }
  uint64_t time = begin(s, time_us);
  hold(s, EHLO_SIDE_CLIENT, bytes, len, time);
  s->message_begun = s->message_begun || s->in_message;
  s->message_line_whole = bytes[len - 1] == '\n';
  follow(s, &s->client, on_client_line, bytes, len);
}

// The server speaks though the log has not shown the end of the message, as curl's does not: the
// reply proves that it was sent.
static void end_message(struct ehlo_import_session *s) {
  static const uint8_t end[] = "\r\n.\r\n";
  size_t skip = s->message_line_whole ? 2 : 0;
  if (!s->message_begun) {
    fact(s, "note unknown message: the log does not show it", EHLO_NO_TIME);
  }
  fact(s, "note reconstructed the end of the message", EHLO_NO_TIME);
  ehlo_import_client(s, end + skip, sizeof(end) - 1 - skip, EHLO_NO_TIME);
}

void ehlo_import_server(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                        uint64_t time_us) {
  if (len == 0) {
    return;
  }
  if (s->in_message && s->server.len == 0) {
    end_message(s);
  }
  uint64_t time = begin(s, time_us);
  if (s->greeted && s->num_waiting == 0 && s->server.len == 0) {
    fact(s, "note unknown command: the log does not show what this answers", EHLO_NO_TIME);
    s->num_waiting = 1;
    s->answers_unknown = true;
  }
  hold(s, EHLO_SIDE_SERVER, bytes, len, time);
  follow(s, &s->server, on_server_line, bytes, len);
}

void ehlo_import_client_line(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                             uint64_t time_us) {
  ehlo_import_client(s, bytes, len, time_us);
  ehlo_import_client(s, (const uint8_t *)"\r\n", 2, len > 0 ? EHLO_NO_TIME : time_us);
}

void ehlo_import_server_line(struct ehlo_import_session *s, const uint8_t *bytes, size_t len,
                             uint64_t time_us) {
  ehlo_import_server(s, bytes, len, time_us);
  ehlo_import_server(s, (const uint8_t *)"\r\n", 2, len > 0 ? EHLO_NO_TIME : time_us);
}

void ehlo_import_session_finish(struct ehlo_import_session *s) {
  write_notes(s);
  give(s, s->held_len);
  ehlo_tap_finish(&s->tap);
}

bool ehlo_import_session_failed(const struct ehlo_import_session *s) {
  return ehlo_tap_failed(&s->tap) || s->comments.failed;
}
