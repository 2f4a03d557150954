// The recorder over a scripted transport: what passes is unchanged, the record says what passed and
// when, and no secret is in it. Each case is a script of steps and the record that it has to leave.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/recorder.h"

#define SECRET EHLO_OUTPUT_SECRET
#define MORE EHLO_OUTPUT_MORE
#define CONTINUED EHLO_OUTPUT_CONTINUED

// ---- A transport that does what it is told ------------------------------------------------------

enum step_type {
  STEP_END,
  STEP_EXCHANGE,
  STEP_TLS,
  STEP_CLOSE,
  STEP_FACT,
  STEP_SETTING,
  STEP_EVENT,
  STEP_LEARN
};

struct step {
  enum step_type type;
  uint64_t wait_us;    // passes first, within the call
  const char *client;  // offered
  unsigned flags;
  size_t not_taken;  // of what was offered
  const char *server;
  enum ehlo_status status;
  const char *text;  // FACT, EVENT, LEARN; TLS and EXCHANGE: the description of TLS
};

#define CLIENT(wait, bytes, its_flags) \
  { .type = STEP_EXCHANGE, .wait_us = (wait), .client = (bytes), .flags = (its_flags) }
#define CLIENT_PART(wait, bytes, its_flags, left)                                      \
  {                                                                                    \
    .type = STEP_EXCHANGE, .wait_us = (wait), .client = (bytes), .flags = (its_flags), \
    .not_taken = (left)                                                                \
  }
#define SERVER(wait, bytes) \
  { .type = STEP_EXCHANGE, .wait_us = (wait), .server = (bytes) }
#define STATUS(wait, its_status, description) \
  { .type = STEP_EXCHANGE, .wait_us = (wait), .status = (its_status), .text = (description) }
#define TLS(wait, its_status, description) \
  { .type = STEP_TLS, .wait_us = (wait), .status = (its_status), .text = (description) }
#define CLOSE(wait) \
  { .type = STEP_CLOSE, .wait_us = (wait) }
#define FACT(its_text) \
  { .type = STEP_FACT, .text = (its_text) }
#define SETTING(its_text) \
  { .type = STEP_SETTING, .text = (its_text) }
#define EVENT(its_text) \
  { .type = STEP_EVENT, .text = (its_text) }
#define LEARN(secret) \
  { .type = STEP_LEARN, .text = (secret) }

static struct ehlo_recorder recorder;

struct script {
  struct ehlo_transport base;
  const struct step *step;
  uint64_t now_us;
  bool closed;
};

static enum ehlo_status script_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                        const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                        uint64_t deadline_ms) {
  struct script *s = (struct script *)t;
  cr_assert_eq(deadline_ms, 12345u);
  cr_assert_eq(s->step->type, STEP_EXCHANGE);
  s->now_us += s->step->wait_us;
  *out_taken = out->span.len - s->step->not_taken;
  *in_len = s->step->server != NULL ? strlen(s->step->server) : 0;
  cr_assert_leq(*in_len, in_cap);
  memcpy(in, s->step->server != NULL ? s->step->server : "", *in_len);
  return s->step->status;
}

static enum ehlo_status script_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct script *s = (struct script *)t;
  cr_assert_eq(deadline_ms, 12345u);
  // Nothing is held while the handshake lasts.
  cr_expect(recorder.scribe.written == recorder.scribe.held_len &&
            !recorder.scribe.client_in_chunk);
  s->now_us += s->step->wait_us;
  return s->step->status;
}

static void script_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  const char *text = ((struct script *)t)->step->text;
  cr_assert_lt(strlen(text), cap);
  memcpy(out, text, strlen(text) + 1);
}

static void script_close(struct ehlo_transport *t) {
  ((struct script *)t)->closed = true;
}

static uint64_t script_now_us(struct ehlo_transport *t) {
  cr_assert(!((struct script *)t)->closed);
  return ((struct script *)t)->now_us;
}

static const struct ehlo_transport_ops script_ops = {
    .exchange = script_exchange,
    .start_tls = script_start_tls,
    .describe_tls = script_describe_tls,
    .close = script_close,
    .now_us = script_now_us,
};

// ---- Running a script ---------------------------------------------------------------------------

static struct script script;
static struct ehlo_redactor redactor;
static char record[1 << 18];
static size_t record_len;

static bool record_write(void *arg, const char *text, size_t len) {
  (void)arg;
  cr_assert_lt(len, sizeof(record) - record_len);
  memcpy(record + record_len, text, len);
  record_len += len;
  record[record_len] = '\0';
  cr_assert(len > 0 && text[len - 1] == '\n');
  return true;
}

static void start(void) {
  memset(&script, 0, sizeof(script));
  script.base.ops = &script_ops;
  record_len = 0;
  ehlo_redactor_init(&redactor);
  ehlo_recorder_init(&recorder, &script.base, &redactor, record_write, NULL);
}

static void do_exchange(const struct step *step) {
  static uint8_t in[1 << 16];
  const char *client = step->client != NULL ? step->client : "";
  struct ehlo_output out = {{(const uint8_t *)client, strlen(client)}, step->flags};
  const char *server = step->server != NULL ? step->server : "";
  size_t taken = 99;
  size_t in_len = 99;
  struct ehlo_transport *t = &recorder.base;
  cr_expect_eq(t->ops->exchange(t, &taken, &in_len, &out, in, sizeof(in), 12345), step->status);
  cr_expect_eq(taken, strlen(client) - step->not_taken);
  cr_expect_eq(in_len, strlen(server));
  cr_expect_eq(memcmp(in, server, in_len), 0);
}

static void do_step(const struct step *step) {
  struct ehlo_transport *t = &recorder.base;
  script.step = step;
  switch (step->type) {
    case STEP_END:
      break;
    case STEP_EXCHANGE:
      do_exchange(step);
      break;
    case STEP_TLS:
      cr_expect_eq(t->ops->start_tls(t, 12345), step->status);
      break;
    case STEP_CLOSE:
      script.now_us += step->wait_us;
      t->ops->close(t);
      cr_expect(script.closed);
      break;
    case STEP_FACT:
      ehlo_recorder_fact(&recorder, step->text, strlen(step->text));
      break;
    case STEP_SETTING:
      ehlo_recorder_setting(&recorder, step->text, strlen(step->text));
      break;
    case STEP_EVENT:
      ehlo_recorder_event(&recorder, step->text);
      break;
    case STEP_LEARN:
      ehlo_redactor_add(&redactor, (const uint8_t *)step->text, strlen(step->text));
      break;
  }
}

// The hash of what was recorded, from the record alone.
struct record_source {
  size_t pos;
};

static long record_read(void *arg, uint8_t *buf, size_t cap) {
  struct record_source *s = arg;
  size_t n = record_len - s->pos < cap ? record_len - s->pos : cap;
  memcpy(buf, record + s->pos, n);
  s->pos += n;
  return (long)n;
}

static uint64_t hash_of_record(void) {
  static struct ehlo_reader reader;
  struct record_source source = {0};
  struct ehlo_digest digest;
  struct ehlo_item item;
  uint64_t time_us = 0;
  ehlo_digest_init(&digest);
  ehlo_reader_init(&reader, record_read, &source);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    time_us += item.has_time ? item.delta_us : 0;
    ehlo_digest_item(&digest, time_us, &item);
    if (item.type == EHLO_ITEM_EVENT) {
      char words[200] = "";
      cr_assert_lt(item.bytes_len, sizeof(words));
      memcpy(words, item.bytes, item.bytes_len);
      ehlo_digest_words(&digest, words);
    }
  }
  cr_assert_null(reader.error.message);
  return ehlo_digest_value(&digest);
}

#define MAX_STEPS 12
struct row {
  const char *name;
  struct step steps[MAX_STEPS];
  const char *record;  // after the header
};

static void run_rows(const struct row *rows, size_t num_rows) {
  static const char header[] = "! ehlo-transcript 1\n";
  for (size_t i = 0; i < num_rows; i++) {
    start();
    for (size_t k = 0; k < MAX_STEPS; k++) {
      do_step(&rows[i].steps[k]);
    }
    ehlo_recorder_finish(&recorder);
    cr_expect(!ehlo_recorder_failed(&recorder));
    cr_assert_eq(strncmp(record, header, sizeof(header) - 1), 0);
    cr_expect_str_eq(record + sizeof(header) - 1, rows[i].record, "%s:\n%swanted:\n%s",
                     rows[i].name, record + sizeof(header) - 1, rows[i].record);
    cr_expect_eq(ehlo_recorder_hash(&recorder), hash_of_record(), "%s: another hash", rows[i].name);
  }
}
#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

// ---- What passes --------------------------------------------------------------------------------

static const struct row plain_rows[] = {
    {"nothing", {{0}}, ""},
    {"chunks and their times",
     {SERVER(41235, "220 a\r\n250-b\r\n250 STA"), SERVER(180000, "RTTLS\r\n"),
      CLIENT(200, "STARTTLS\r\n", 0), CLIENT(0, "", 0), CLIENT(5, "NOOP\r\n", 0)},
     "+0.041235  S: 220 a\n           S: 250-b\n           S: 250 STA\\\n"
     "+0.180000  S: RTTLS\n"
     "+0.000200  C: STARTTLS\n"
     "+0.000005  C: NOOP\n"},
    // The time goes by on the fact that took it.
    {"a setting has no time",
     {SERVER(7, "220 a\r\n"), CLIENT(2, "", 0), SETTING("submit lmtp"), FACT("connect a:25 b")},
     "+0.000007  S: 220 a\n"
     "! submit lmtp\n"
     "+0.000002  ! connect a:25 b\n"},
    {"client bytes that go on",
     {CLIENT(10, "AUTH PLAIN ", MORE), CLIENT(10, "c2VjcmV0", SECRET | MORE), CLIENT(10, "\r\n", 0),
      CLIENT(10, "QUIT\r\n", 0)},
     "+0.000010  C: AUTH PLAIN \\{secret}\n"
     "+0.000030  C: QUIT\n"},
    {"client bytes in parts",
     {CLIENT_PART(10, "EHLO a\r\n", 0, 5), CLIENT(10, "O a\r\n", CONTINUED)},
     "+0.000010  C: EHL\\\n"
     "+0.000010  C: O a\n"},
    {"a secret in parts",
     {CLIENT_PART(10, "c2VjcmV0", SECRET | MORE, 6),
      CLIENT_PART(10, "VjcmV0", SECRET | MORE | CONTINUED, 1),
      CLIENT(10, "0", SECRET | MORE | CONTINUED), CLIENT(10, "\r\n", 0)},
     "+0.000010  C: \\{secret}\n"},
    {"a secret in parts that a reply cuts",
     {CLIENT_PART(10, "c2VjcmV0", SECRET | MORE, 6), SERVER(10, "421 bye\r\n"),
      CLIENT(10, "VjcmV0", SECRET | MORE | CONTINUED), CLIENT(10, "\r\n", 0)},
     "+0.000010  C: \\{secret}\\\n"
     "+0.000010  S: 421 bye\n"
     "+0.000020  C:\n"},
    {"a secret in parts, without more",
     {CLIENT_PART(10, "c2VjcmV0", SECRET, 6), CLIENT(10, "VjcmV0", SECRET | CONTINUED),
      CLIENT(10, "\r\n", 0)},
     "+0.000010  C: \\{secret}\\\n"
     "+0.000020  C:\n"},
    {"both sides in one call: the client first",
     {{.type = STEP_EXCHANGE,
       .wait_us = 7,
       .client = "A\r\n",
       .flags = MORE,
       .server = "250 b\r\n"}},
     "+0.000007  C: A\n"
     "+0.000000  S: 250 b\n"},
    {"a clock that goes back",
     {SERVER(5, "220 a\r\n"), SERVER((uint64_t)-2, "220 b\r\n"), SERVER(3, "220 c\r\n")},
     "+0.000005  S: 220 a\n+0.000000  S: 220 b\n+0.000001  S: 220 c\n"},
    {"a cut between CR and LF",
     {SERVER(1, "220 a\r"), SERVER(1, "\n")},
     "+0.000001  S: 220 a\\r\\\n"
     "+0.000001  S: \\n\\\n"},
    {"facts and events",
     {FACT("connect a:25 192.0.2.1"), SERVER(1, "220 a"), EVENT("thing \\ \x01"),
      CLIENT(1, "x", MORE), EVENT("more"), CLIENT(1, "y\r\n", 0), FACT("note z")},
     "+0.000000  ! connect a:25 192.0.2.1\n"
     "+0.000001  S: 220 a\\\n"
     "= thing \\\\ \\x01\n"
     "+0.000001  C: x\\\n"
     "= more\n"
     "+0.000001  C: y\n"
     "+0.000000  ! note z\n"},
};

Test(recorder, writes_down_what_passes) {
  RUN(plain_rows);
}

#define LONG_100                                                                      \
  "0123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 " \
  "----------~~~~~~~~~~"
#define LONG \
  LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100

static const struct row end_rows[] = {
    {"eof", {STATUS(9, EHLO_E_CLOSED, ""), CLOSE(1)}, "+0.000009  ! eof S\n"},
    {"reset", {STATUS(9, EHLO_E_RESET, ""), CLOSE(1)}, "+0.000009  ! reset S\n"},
    {"eof comes once",
     {STATUS(9, EHLO_E_CLOSED, ""), STATUS(9, EHLO_E_CLOSED, "")},
     "+0.000009  ! eof S\n"},
    {"timeout",
     {STATUS(9, EHLO_E_TIMEOUT, ""), CLOSE(1)},
     "+0.000009  ! timeout\n+0.000001  ! eof C\n"},
    {"broken tls",
     {STATUS(9, EHLO_E_TLS, "bad\x01record"), CLOSE(1)},
     "+0.000009  ! tls failed bad\\x01record\n"},
    {"our end",
     {SERVER(1, "220 a"), CLOSE(3), FACT("note after")},
     "+0.000001  S: 220 a\\\n+0.000003  ! eof C\n+0.000000  ! note after\n"},
    {"tls",
     {TLS(61000, EHLO_OK, "TLSv1.3 x=\xc3\xa9 "), CLOSE(1)},
     "+0.061000  ! tls TLSv1.3 x=\\xc3\\xa9\\x20\n+0.000001  ! eof C\n"},
    {"tls without a word", {TLS(1, EHLO_OK, "")}, "+0.000001  ! tls\n"},
    {"tls refused", {TLS(1, EHLO_E_TLS, "expired"), CLOSE(1)}, "+0.000001  ! tls failed expired\n"},
    {"tls refused without a word", {TLS(1, EHLO_E_TLS, "")}, "+0.000001  ! tls failed\n"},
    {"tls with all that a certificate may say",
     {TLS(1, EHLO_OK, LONG LONG LONG)},
     "+0.000001  ! tls " LONG LONG LONG "\n"},
    {"tls timeout",
     {TLS(1, EHLO_E_TIMEOUT, "x"), CLOSE(1)},
     "+0.000001  ! timeout\n+0.000001  ! eof C\n"},
    {"tls eof", {TLS(1, EHLO_E_CLOSED, "x")}, "+0.000001  ! eof S\n"},
    {"tls reset", {TLS(1, EHLO_E_RESET, "x")}, "+0.000001  ! reset S\n"},
    {"tls with an open client chunk",
     {CLIENT(1, "STARTTLS", MORE), TLS(1, EHLO_OK, "x")},
     "+0.000001  C: STARTTLS\\\n+0.000001  ! tls x\n"},
};

Test(recorder, writes_down_how_it_ends) {
  RUN(end_rows);
}

// ---- What is hidden -----------------------------------------------------------------------------

static const struct row secret_rows[] = {
    {"an echo",
     {LEARN("hunter2secret"), SERVER(1, "535 5.7.8 no such password hunter2secret\r\n")},
     "+0.000001  S: 535 5.7.8 \\{secret}\n"},
    {"an echo without an enhanced code, within a reply",
     {LEARN("hunter2secret"), SERVER(1, "250-ok\r\n250-HUNTER2secret\r\n250 ok\r\n")},
     "+0.000001  S: 250-ok\n           S: 250-\\{secret}\n           S: 250 ok\n"},
    {"an echo in what is no reply",
     {LEARN("hunter2secret"),
      SERVER(1, "hunter2secret\r\n53x hunter2secret\r\n535hunter2secret\r\n")},
     "+0.000001  S: \\{secret}\n           S: \\{secret}\n           S: \\{secret}\n"},
    {"an enhanced code with nothing after it is a part of the rest",
     {LEARN("5.7.8secret"), SERVER(1, "535 5.7.8secret\r\n")},
     "+0.000001  S: 535 \\{secret}\n"},
    {"a secret that is a code",
     {LEARN("5355.7.8"), SERVER(1, "535 5.7.8 no\r\n")},
     "+0.000001  S: \\{secret}\n"},
    {"a challenge",
     {LEARN("hunter2secret"), SERVER(1, "334 aHVudGVyMnNlY3JldA==\r\n334 UGFzc3dvcmQ6\r\n")},
     "+0.000001  S: 334 \\{secret}\n           S: 334 UGFzc3dvcmQ6\n"},
    {"an echo in two chunks, and more in the second",
     {LEARN("hunter2secret"), SERVER(1, "535 hunter2"), SERVER(4, "secret\r\n250 a\r\n"),
      SERVER(8, "250 b\r\n")},
     "+0.000001  S: 535 \\{secret}\n"
     "+0.000004  S: 250 a\n"
     "+0.000008  S: 250 b\n"},
    {"what is no echo is written as it came",
     {LEARN("hunter2secret"), SERVER(1, "250-a\r\n250 STA"), SERVER(2, "RTT"), SERVER(4, "LS\r\n2"),
      SERVER(8, "50 x\r\n")},
     "+0.000001  S: 250-a\n           S: 250 STA\\\n"
     "+0.000002  S: RTT\\\n"
     "+0.000004  S: LS\n           S: 2\\\n"
     "+0.000008  S: 50 x\n"},
    {"an unfinished line at the end",
     {LEARN("hunter2secret"), SERVER(1, "250 STA"), STATUS(2, EHLO_E_CLOSED, "")},
     "+0.000001  S: 250 STA\\\n+0.000002  ! eof S\n"},
    {"an unfinished echo at the end: four bytes of it",
     {LEARN("hunter2secret"), SERVER(1, "250 hunt"), STATUS(2, EHLO_E_CLOSED, "")},
     "+0.000001  S: 250 \\{secret}\\\n+0.000002  ! eof S\n"},
    {"an unfinished echo at the end: three bytes of it",
     {LEARN("hunter2secret"), SERVER(1, "250 hun"), STATUS(2, EHLO_E_CLOSED, "")},
     "+0.000001  S: 250 hun\\\n+0.000002  ! eof S\n"},
    {"an echo that the client cuts",
     {LEARN("hunter2secret"), SERVER(1, "250 hunter"), CLIENT(2, "X\r\n", 0), SERVER(4, "2sec"),
      CLIENT(8, "Y\r\n", 0), SERVER(16, "ret\r\n250 a\r\n")},
     "+0.000001  S: 250 \\{secret}\\\n"
     "+0.000002  C: X\n"
     "+0.000012  C: Y\n"
     "+0.000016  S:\n           S: 250 a\n"},
    {"an echo that the client cuts after three bytes",
     {LEARN("hunter2secret"), SERVER(1, "250 hun"), CLIENT(2, "X\r\n", 0), SERVER(4, "ter2 z\r\n")},
     "+0.000001  S: 250 hun\\\n"
     "+0.000002  C: X\n"
     "+0.000004  S: ter2 z\n"},
    {"an echo that the client cuts after three bytes, and goes on long enough",
     {LEARN("hunter2secret"), SERVER(1, "250 hun"), CLIENT(2, "X\r\n", 0),
      SERVER(4, "ter2s z\r\n")},
     "+0.000001  S: 250 hun\\\n"
     "+0.000002  C: X\n"
     "+0.000004  S: \\{secret}\n"},
    {"a short secret cut in two",
     {LEARN("hunter"), SERVER(1, "250 hun"), EVENT("e"), SERVER(4, "ter\r\n")},
     "+0.000001  S: 250 hun\\\n= e\n+0.000004  S: \\{secret}\n"},
    {"a line begun before the secret was known",
     {SERVER(1, "250 hun"), LEARN("hunter2secret"), SERVER(4, "ter2secret\r\n250 a\r\n")},
     "+0.000001  S: 250 hun\\\n+0.000004  S: \\{secret}\n           S: 250 a\n"},
    {"bare line feeds do not part an echo",
     {LEARN("hunter2secret"), SERVER(1, "535 hunter\n2sec"), SERVER(1, "ret\n\r\n")},
     "+0.000001  S: 535 \\{secret}\n"},
    {"CR and LF in two chunks",
     {LEARN("hunter2secret"), SERVER(1, "535 hunter2secret\r"), SERVER(2, "\n250 a\r\n")},
     "+0.000001  S: 535 \\{secret}\n+0.000002  S: 250 a\n"},
    {"four bytes of an echo in two pieces",
     {LEARN("hunter2secret"), SERVER(1, "250 hun"), EVENT("e"), SERVER(2, "t"), EVENT("f"),
      SERVER(4, "\r\n")},
     "+0.000001  S: 250 hun\\\n= e\n+0.000002  S: \\{secret}\\\n= f\n+0.000004  S:\n"},
    {"a tab after the enhanced code",
     {LEARN("hunter2secret"), SERVER(1, "535 5.7.8\thunter2secret\r\n")},
     "+0.000001  S: 535 \\{secret}\n"},
    {"a line of its own after TLS",
     {LEARN("hunter2secret"), SERVER(1, "220 g\r"), TLS(2, EHLO_OK, "x"),
      SERVER(4, "535 hunter2secret\r\n")},
     "+0.000001  S: 220 g\\r\\\n+0.000002  ! tls x\n+0.000004  S: 535 \\{secret}\n"},
    {"a fact or TLS comes after what is held",
     {LEARN("hunter2secret"), SERVER(1, "220 g"), TLS(2, EHLO_OK, "x"), SERVER(4, "o"),
      FACT("note n")},
     "+0.000001  S: 220 g\\\n+0.000002  ! tls x\n+0.000004  S: o\\\n+0.000000  ! note n\n"},
};

Test(recorder, hides_echoes) {
  RUN(secret_rows);
}

Test(recorder, takes_every_line_for_an_echo_when_the_redactor_is_full) {
  start();
  for (char c = 'a'; c < 'a' + EHLO_REDACT_MAX + 1; c++) {
    char secret[] = "?-secret";
    secret[0] = c;
    do_step(&(struct step)LEARN(secret));
  }
  do_step(&(struct step)SERVER(1, "250-2.0.0 fine\r\n250 x"));
  ehlo_recorder_finish(&recorder);
  cr_expect_str_eq(strchr(record, '\n') + 1,
                   "+0.000001  S: 250-2.0.0 \\{secret}\n           S: 250 \\{secret}\\\n");
}

// ---- Limits -------------------------------------------------------------------------------------

static char big[2 * sizeof(((struct ehlo_scribe *)0)->held)];

// A line up to the size of the buffer is judged as a whole; of a longer one the end is hidden.
Test(recorder, hides_the_rest_of_endless_lines) {
  const size_t cap = sizeof(recorder.scribe.held);
  for (size_t over = 0; over < 2; over++) {
    start();
    do_step(&(struct step)LEARN("hunter2secret"));
    memset(big, 'a', cap);
    memcpy(big, "250 ", 4);
    memcpy(big + cap - 2 + over, over == 0 ? "\r\n250 b\r\n" : "zz\r\n250 b\r\n", 10 + 2 * over);
    do_step(&(struct step)SERVER(1, big));
    cr_expect_eq(strstr(record, "{secret}") != NULL, over != 0);
    cr_expect(strstr(record, "zz") == NULL);
    static const char after[] = "\n           S: 250 b\n";
    cr_expect_str_eq(record + record_len - (sizeof(after) - 1), after);
  }
}

Test(recorder, copies_endless_lines_without_secrets) {
  start();
  memset(big, 'a', sizeof(big) - 3);
  memcpy(big + sizeof(big) - 3, "\r\n", 3);
  do_step(&(struct step)SERVER(1, big));
  size_t num = 0;
  for (size_t i = 0; i < record_len; i++) {
    num += record[i] == 'a' ? 1 : 0;
  }
  cr_expect_eq(num, sizeof(big) - 3 + 1);  // and one in the header
  cr_expect(strstr(record, "secret") == NULL);
}

// Cuts up to the limit are kept; past it they merge, and no byte is lost.
Test(recorder, merges_cuts_past_the_limit) {
  for (size_t over = 0; over < 2; over++) {
    start();
    do_step(&(struct step)LEARN("hunter2secret"));
    for (size_t i = 0; i < EHLO_SCRIBE_CUTS_MAX - 1 + over; i++) {
      do_step(&(struct step)SERVER(1, "x"));
    }
    do_step(&(struct step)SERVER(1, "y\r\nz\r\n"));
    size_t times = 0;
    for (const char *s = record; (s = strstr(s, "+0.000001")) != NULL; s++) {
      times++;
    }
    cr_expect_eq(times, EHLO_SCRIBE_CUTS_MAX);
    cr_expect(strstr(record, over == 0 ? "S: y\n           S: z\n" : "S: xy\n           S: z\n"));
  }
}

Test(recorder, forgets_what_it_held) {
  start();
  do_step(&(struct step)LEARN("hunter2secret"));
  do_step(&(struct step)SERVER(1, "535 hunter2secret\r\n"));
  for (size_t i = 0; i < sizeof(recorder.scribe.held); i++) {
    cr_assert_eq(recorder.scribe.held[i], 0);
  }
}

// ---- At random ----------------------------------------------------------------------------------

static bool has_four_bytes_of(const char *secret) {
  for (size_t at = 0; at + 4 <= strlen(secret); at++) {
    char piece[5] = {secret[at], secret[at + 1], secret[at + 2], secret[at + 3], '\0'};
    if (strstr(record, piece) != NULL) {
      return true;
    }
  }
  return false;
}

// Echoes of the whole secret, cut anywhere and with anything in between.
Test(recorder, leaves_no_four_bytes_of_an_echo) {
  static const char secret[] = "Kq7Zw9Xj5Vm3";
  static const char *const echoes[] = {"535 5.7.8 <Kq7Zw9Xj5Vm3>\r\n",
                                       "Kq7Zw9Xj5Vm3Kq7Zw9Xj5Vm3\r\n",
                                       "250-Kq7Zw9Xj5Vm3\r\n250 ok Kq7Zw9Xj5Vm3\r\n"};
  srand(5);
  for (int round = 0; round < 3000; round++) {
    start();
    do_step(&(struct step)LEARN(secret));
    const char *echo = echoes[rand() % 3];
    size_t end = rand() % 4 == 0 ? (size_t)rand() % strlen(echo) : strlen(echo);
    for (size_t at = 0; at < end;) {
      char piece[64] = "";
      size_t n = 1 + (size_t)rand() % 6;
      n = n < end - at ? n : end - at;
      memcpy(piece, echo + at, n);
      at += n;
      do_step(&(struct step)SERVER(1, piece));
      if (rand() % 10 == 0) {
        do_step(rand() % 2 == 0 ? &(struct step)EVENT("between")
                                : &(struct step)CLIENT(1, "between\r\n", 0));
      }
    }
    ehlo_recorder_finish(&recorder);
    cr_assert(!has_four_bytes_of(secret), "round %d:\n%s", round, record);
    cr_assert_eq(ehlo_recorder_hash(&recorder), hash_of_record(), "round %d:\n%s", round, record);
  }
}
