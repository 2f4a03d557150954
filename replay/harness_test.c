// The harness with clients that say given lines: what counts as the same, where a difference is told,
// and what the client is told of the connection.
#include "replay/harness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// Says the next of its answers to each whole reply, and writes down what happened.
struct client {
  const char *const *answers;  // up to a NULL; "" says nothing, "close" closes
  size_t reply_len;            // of the line under way
  char fourth;
  size_t num_calls;
  char log[1024];
};

static void say(struct client *c, struct ehlo_harness *h) {
  const char *answer = *c->answers;
  if (answer == NULL) {
    return;
  }
  c->answers++;
  if (strcmp(answer, "close") == 0) {
    ehlo_harness_close(h);
  } else {
    ehlo_harness_send(h, answer, strlen(answer));
  }
}

static void note(struct client *c, const char *what, uint64_t now_us) {
  size_t len = strlen(c->log);
  snprintf(c->log + len, sizeof(c->log) - len, "%s@%u ", what, (unsigned)(now_us / 1000));
}

static void converse(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  static const char *const names[] = {"bytes",  "tls",   "tls-failed",    "timeout",
                                      "closed", "reset", "connect-failed"};
  struct client *c = arg;
  c->num_calls++;
  note(c, names[in->happening], in->now_us);
  cr_expect_eq(in->len > 0, in->happening == EHLO_HARNESS_BYTES);
  for (size_t i = 0; i < in->len; i++) {
    c->reply_len++;
    c->fourth = c->reply_len == 4 ? (char)in->bytes[i] : c->fourth;
    if (in->bytes[i] == '\n') {
      c->reply_len = 0;
      if (c->fourth == ' ') {
        say(c, h);
      }
    }
  }
  if (in->happening != EHLO_HARNESS_BYTES) {
    say(c, h);
  }
}

static struct ehlo_harness harness;

static void run(struct ehlo_harness_result *out, struct client *c, const char *transcript,
                const char *const *answers, struct ehlo_harness_options options) {
  struct ehlo_memory memory = {transcript, strlen(transcript), 0};
  *c = (struct client){.answers = answers};
  memset(&harness, 0xa5, sizeof(harness));  // nothing of it need be set up
  ehlo_harness_run(&harness, out, ehlo_memory_read, &memory, &options, converse, c);
}

#define GREETED "S: 220 a\nC: EHLO b\nS: 250-a\nS: 250 SIZE\n"
#define MAIL "C: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
#define TLS "C: STARTTLS\nS: 220 go\n! tls\nC: EHLO b\n"
#define AUTH GREETED "C: AUTH PLAIN \\{secret}\nS: 235 ok\nC: QUIT\nS: 221 bye\n"
#define LOGIN \
  GREETED "C: AUTH LOGIN\nS: 334 a\nC: YQ==\nS: 334 b\nC: \\{secret}\nS: 235 ok\nC: QUIT\n"
#define DATA \
  "C: DATA\nS: 354 go\nC: a: b\nC:\nC: text\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye\n! eof S\n"
#define BDAT                                          \
  "C: BDAT 8\nC: ab\nC: c\\\nS: 250 early\nC: de\\\n" \
  "C: fBDAT 2 LAST\nC:\nS: 250 ok\nC: QUIT\n"
#define GROUP "MAIL FROM:<a@b>\r\nRCPT TO:<c@"
#define ENVELOPE "EHLO x\r\n", "MAIL x\r\n", "RCPT x\r\n"

#define SAME NULL, NULL, NULL
#define Q(text) "\"" text "\""
#define WAITS "nothing: the client waits for the server"
#define END "the end of the transcript"

static const struct row {
  const char *transcript;
  const char *answers[8];
  bool tolerant;
  const char *place;  // NULL: no divergence
  const char *expected;
  const char *got;
} rows[] = {
    // clang-format off
    {"", {NULL}, false, SAME},
    {"S: 220 a\n", {NULL}, false, SAME},
    {GREETED, {"EHLO b\r\n"}, false, SAME},
    {GREETED "C: QUIT\n", {"EHLO b\r\n", "QUIT\r\n"}, false, SAME},

    // The first octet that differs is the place.
    {GREETED, {"EHLO c\r\n"}, false, "2:9", Q("b\\r\\n"), Q("c\\r\\n")},
    {GREETED, {"ehlo b\r\n"}, false, "2:4", Q("EHLO b\\r\\n"), Q("ehlo b\\r\\n")},
    {GREETED, {"EHLO b\n"}, false, "2:10", Q("\\r\\n"), Q("\\n")},
    {GREETED, {"EHLO b \r\n"}, false, "2:10", Q("\\r\\n"), Q(" \\r\\n")},
    {GREETED, {"EHLO"}, false, "2:8", Q(" b\\r\\n"), WAITS},
    {GREETED, {""}, false, "2:4", Q("EHLO b\\r\\n"), WAITS},
    {GREETED, {"close"}, false, "2:4", Q("EHLO b\\r\\n"), "nothing: the connection is over"},
    {GREETED, {"EHLO b\r\n", "QUIT\r\n"}, false, "4:1", END, Q("QUIT\\r\\n")},
    {GREETED "! eof S\n", {"EHLO b\r\n", "QUIT\r\n"}, false, "5:3", "eof S", Q("QUIT\\r\\n")},
    {GREETED "! timeout\nC: QUIT\n", {"EHLO b\r\n", "", "QUIT\r\n"}, false, SAME},
    {GREETED "C: \\xe9\\\\\\x00x\n", {"EHLO b\r\n", "\xe9\\"}, false, "5:10", Q("\\x00x\\r\\n"), WAITS},
    {GREETED "C: \\xe9\\\\!\n", {"EHLO b\r\n", "\xe9\\?\r\n"}, false, "5:10", Q("!\\r\\n"), Q("?\\r\\n")},

    // A line in pieces is one line, and may be left off where the record leaves off.
    {"S: 220 a\nC: EH\\\nC: LO \\\n+1 C: b\n", {"EHLO b\r\n"}, false, SAME},
    {"S: 220 a\nC: EH\\\nC: LO \\\n+1 C: b\n", {"EHLO c\r\n"}, false, "4:7", Q("b\\r\\n"), Q("c\\r\\n")},
    {"S: 220 a\nC: EHLO\\\n! eof S\n", {"EHLO"}, false, SAME},
    {"S: 220 a\nC: EHLO\\\n! eof S\n", {"EHL"}, false, "2:7", Q("O\\"), WAITS},
    {"S: 220 a\nC: EHLO\\\n! eof S\n", {"EHLO b\r\n"}, false, "3:3", "eof S", Q(" b\\r\\n")},
    {"S: 220 a\nC: a \\{secret}\\\n! eof S\n", {"a xyz"}, false, SAME},
    {"S: 220 a\nC: EHLO b\\\n! eof S\n", {"EHLO"}, true, SAME},
    {"S: 220 a\nC: EHLO b\\\n! eof S\n", {"HELO"}, true, "2:4", Q("EHLO b"), WAITS},

    // What comes early waits, and is compared then.
    {GREETED MAIL, {"EHLO b\r\n" GROUP "d>\r\n"}, false, SAME},
    {GREETED MAIL, {"EHLO b\r\n" GROUP "e>\r\n"}, false, "7:15", Q("d>\\r\\n"), Q("e>\\r\\n")},
    {GREETED TLS, {"EHLO b\r\n", "STARTTLS\r\n", "", "EHLO b\r\n"}, false, SAME},
    {GREETED TLS, {"EHLO b\r\n", "STARTTLS\r\nEHLO b\r\n"}, false, "7:3", "tls", Q("EHLO b\\r\\n")},

    // A secret is whatever stands there.
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN AGEAYg==\r\n", "QUIT\r\n"}, false, SAME},
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN \r\n", "QUIT\r\n"}, false, SAME},
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN AG\rE=\r\n", "QUIT\r\n"}, false, SAME},
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN AGEA\n", "QUIT\r\n"}, false, "5:24", Q("\\r\\n"), Q("\\n")},
    {AUTH, {"EHLO b\r\n", "AUTH LOGIN\r\n"}, false, "5:9", Q("PLAIN \\{secret}\\r\\n"), Q("LOGIN\\r\\n")},
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN AGEA"}, false, "5:24", Q("\\r\\n"), WAITS},
    {AUTH, {"EHLO b\r\n", "AUTH PLAIN AGEA\r\n", "NOOP\r\n"}, false, "7:4", Q("QUIT\\r\\n"), Q("NOOP\\r\\n")},
    {GREETED "C: a \\{secret} b \\{secret} c\\\nC: d\nC: QUIT\n", {"EHLO b\r\n", "a x\r\nQUIT\r\n"}, false, SAME},

    // Tolerant: the same commands.
    {GREETED MAIL, {"ehlo x.y\r\n", "mail from:<x@y> SIZE=3\r\n", "Rcpt To:<z>\r\n"}, true, SAME},
    {GREETED MAIL, {"EHLO b\r\n", "RCPT TO:<c>\r\n"}, true, "5:4", Q("MAIL FROM:<a@b>\\r\\n"), Q("RCPT TO:<c>\\r\\n")},
    {GREETED, {"EHLOX b\r\n"}, true, "2:4", Q("EHLO b\\r\\n"), Q("EHLOX b\\r\\n")},
    {GREETED, {"EHL\r\n"}, true, "2:4", Q("EHLO b\\r\\n"), Q("EHL\\r\\n")},
    {GREETED, {"EHLO x"}, true, "2:4", Q("EHLO b\\r\\n"), WAITS},
    {GREETED, {"EHLO x\r\n", "QUIT\r\n"}, true, "4:1", END, Q("QUIT\\r\\n")},
    {LOGIN, {"EHLO b\r\n", "AUTH LOGIN\r\n", "eA==\r\n", "eA==\r\n", "QUIT\r\n"}, true, SAME},
    {LOGIN, {"EHLO b\r\n", "AUTH LOGIN\r\n", "*\r\n", "QUIT\r\n", "NOOP\r\n"}, true, "11:4", Q("QUIT\\r\\n"), Q("NOOP\\r\\n")},
    {GREETED MAIL DATA, {ENVELOPE, "DATA\r\n", "QUIT\r\n..\r\n.x\r\n.\r\n", "QUIT\r\n"}, true, SAME},
    {GREETED MAIL DATA, {ENVELOPE, "DATA\r\n", ".\r\nQUIT\r\n"}, true, SAME},
    {GREETED MAIL DATA, {ENVELOPE, "DATA\r\n", "x\r\n.\r\n", "RSET\r\n"}, true, "16:4", Q("QUIT\\r\\n"), Q("RSET\\r\\n")},
    {GREETED MAIL DATA, {ENVELOPE, "DATA\r\n", "x\r\n"}, true, "11:4", Q("a: b\\r\\n"), WAITS},
    {GREETED MAIL "C: DATA\nS: 354 go\nC: a\nS: 421 b\n", {ENVELOPE, "DATA\r\n", "x\r\ny"}, true, SAME},
    {GREETED MAIL BDAT, {ENVELOPE, "BDAT 20\r\nQUIT\r\n45678901234\r\n9bdat 0 last\r\n", "QUIT\r\n"}, true, SAME},
    {GREETED MAIL BDAT, {ENVELOPE, "BDAT 1\r\nxRSET\r\n"}, true, "14:5", Q("BDAT 2 LAST\\r\\n"), Q("RSET\\r\\n")},
    {GREETED MAIL BDAT, {ENVELOPE, "BDAT 1\r\nx", ""}, true, "14:5", Q("BDAT 2 LAST\\r\\n"), WAITS},
    // clang-format on
};

static const enum ehlo_chunks all_chunks[] = {EHLO_CHUNKS_RECORDED, EHLO_CHUNKS_LINE,
                                              EHLO_CHUNKS_BYTE};

static void check_row(size_t i, enum ehlo_chunks chunks) {
  const struct row *row = &rows[i];
  struct ehlo_harness_result r;
  struct client c;
  char place[32];
  run(&r, &c, row->transcript, row->answers,
      (struct ehlo_harness_options){.chunks = chunks, .tolerant = row->tolerant});
  const struct ehlo_divergence *d = &r.divergence;
  bool same = row->place == NULL;
  snprintf(place, sizeof(place), "%zu:%zu", d->line, d->column);
  cr_expect_eq(r.verdict, same ? EHLO_REPLAY_SAME : EHLO_REPLAY_DIVERGED,
               "row %zu: verdict %d, %s: %s: expected %s got %s", i, (int)r.verdict, place,
               r.error.message != NULL ? r.error.message : "", d->expected, d->got);
  cr_expect_eq(d->found, !same, "row %zu", i);
  if (!same) {
    cr_expect_str_eq(place, row->place, "row %zu: at %s", i, place);
    cr_expect_str_eq(d->expected, row->expected, "row %zu: expected %s", i, d->expected);
    cr_expect_str_eq(d->got, row->got, "row %zu: got %s", i, d->got);
  }
}

Test(harness, tells_the_first_difference) {
  for (size_t i = 0; i < NUM(rows); i++) {
    for (size_t k = 0; k < NUM(all_chunks); k++) {
      check_row(i, all_chunks[k]);
    }
  }
}

static const char *const nothing[] = {NULL};

Test(harness, tells_what_becomes_of_the_connection) {
  static const struct {
    const char *transcript;
    const char *log;
  } ends[] = {
      {"+0.5 S: 220 a\n+1 ! eof S\n", "bytes@500 closed@1500 "},
      {"+0.5 S: 220 a\n+1 ! reset S\n", "bytes@500 reset@1500 "},
      {"+0.5 S: 220 a\n+1 ! eof C\n", "bytes@500 "},
      {"+0.5 S: 220 a\n+1 ! reset C\n", "bytes@500 "},
      {"! connect a:25 b\n+300 ! timeout\n! eof C\n", "timeout@300000 "},
      {"! submit tls implicit\n+1 ! tls failed expired\n", "tls-failed@1000 "},
      {"+2 ! tls x\n+3 S: 220 a\n= reply 220 to greeting\n", "tls@2000 bytes@5000 "},
      {"! connect failed refused\n", "connect-failed@0 "},
      {"+1 ! note a\n# b\n+1 S: 220 a\n", "bytes@2000 "},
  };
  for (size_t i = 0; i < NUM(ends); i++) {
    struct ehlo_harness_result r;
    struct client c;
    run(&r, &c, ends[i].transcript, nothing, (struct ehlo_harness_options){0});
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s", ends[i].transcript);
    cr_expect_str_eq(c.log, ends[i].log, "%s: %s", ends[i].transcript, c.log);
  }
}

// After the end nobody hears what the client says.
Test(harness, ends_where_the_connection_ends) {
  static const char *const answers[] = {"", "QUIT\r\n", NULL};
  static const char *const transcripts[] = {"S: 220 a\n! eof S\n", "S: 220 a\n! reset S\n",
                                            "S: 220 a\n! tls failed x\n"};
  for (size_t i = 0; i < NUM(transcripts); i++) {
    struct ehlo_harness_result r;
    struct client c;
    run(&r, &c, transcripts[i], answers, (struct ehlo_harness_options){0});
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s: got %s", transcripts[i], r.divergence.got);
    cr_expect_null(*c.answers, "the client was not asked");
  }
}

Test(harness, does_not_call_who_has_closed) {
  static const char *const answers[] = {"close", NULL};
  struct ehlo_harness_result r;
  struct client c;
  run(&r, &c, "S: 220 a\n+1 S: 421 b\n! eof S\n", answers, (struct ehlo_harness_options){0});
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME);
  cr_expect_eq(c.num_calls, 1);
}

Test(harness, cuts_as_it_is_told) {
  static const char text[] = "S: 220-abc\nS: 220 b\n+1 S: 2\\\nS: 20 c\n";
  static const size_t calls[] = {2, 4, 9 + 7 + 1 + 6};
  for (size_t i = 0; i < NUM(calls); i++) {
    struct ehlo_harness_result r;
    struct client c;
    run(&r, &c, text, nothing, (struct ehlo_harness_options){.chunks = all_chunks[i]});
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME);
    cr_expect_eq(c.num_calls, calls[i], "%zu calls", c.num_calls);
    cr_expect_eq(r.end_us, 1000000);
  }
}

Test(harness, counts_what_comes_early) {
  static const char *const early[] = {"EHLO b\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", NULL};
  static const char *const polite[] = {"EHLO b\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n",
                                       NULL};
  struct ehlo_harness_result r;
  struct client c;
  run(&r, &c, GREETED MAIL, early, (struct ehlo_harness_options){0});
  cr_expect_eq(r.num_early, strlen("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"), "%zu", r.num_early);
  run(&r, &c, GREETED MAIL, polite, (struct ehlo_harness_options){0});
  cr_expect_eq(r.num_early, 0, "%zu", r.num_early);
}

static void flood(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  size_t *left = arg;
  (void)in;
  for (; *left > 0; --*left) {
    ehlo_harness_send(h, "x", 1);
  }
}

Test(harness, holds_so_much_and_no_more) {
  for (size_t over = 0; over < 2; over++) {
    static const char text[] = "S: 220 a\nS: 220 b\n";
    struct ehlo_memory memory = {text, sizeof(text) - 1, 0};
    struct ehlo_harness_options options = {.chunks = EHLO_CHUNKS_LINE};
    struct ehlo_harness_result r;
    size_t num = EHLO_HARNESS_HELD_MAX + over;
    ehlo_harness_run(&harness, &r, ehlo_memory_read, &memory, &options, flood, &num);
    cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED);
    cr_expect_eq(strncmp(r.divergence.got, "more than 64 KiB", 16) == 0, over == 1, "%s",
                 r.divergence.got);
  }
}

// However the client hands it over, the rest of its line is quoted.
static void mumble(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  (void)in;
  for (const char *p = arg; *p != '\0'; p++) {
    ehlo_harness_send(h, p, 1);
  }
}

Test(harness, quotes_what_came) {
  static const struct {
    const char *says;
    const char *got;
  } said[] = {
      {"EHLO c\r\nMAIL\r\n", Q("c\\r\\n")},
      {"EHLO c", Q("c")},
      {"EHLO \x01\xff\\\r\n", Q("\\x01\\xff\\\\\\r\\n")},
  };
  for (size_t i = 0; i < NUM(said); i++) {
    struct ehlo_memory memory = {GREETED, sizeof(GREETED) - 1, 0};
    struct ehlo_harness_options options = {.tolerant = false};
    struct ehlo_harness_result r;
    char says[64];
    snprintf(says, sizeof(says), "%s", said[i].says);
    ehlo_harness_run(&harness, &r, ehlo_memory_read, &memory, &options, mumble, says);
    cr_expect_str_eq(r.divergence.got, said[i].got, "%s", r.divergence.got);
  }
}

// A line without end is cut where there is no more room.
Test(harness, quotes_so_much_and_no_more) {
  struct ehlo_memory memory = {GREETED, sizeof(GREETED) - 1, 0};
  struct ehlo_harness_options options = {.tolerant = false};
  struct ehlo_harness_result r;
  size_t num = 10000;
  ehlo_harness_run(&harness, &r, ehlo_memory_read, &memory, &options, flood, &num);
  cr_expect_eq(strspn(r.divergence.got, "\"x"), strlen(r.divergence.got));
  cr_expect(strlen(r.divergence.got) > 180 && strlen(r.divergence.got) < 200);
}

static long read_piecemeal(void *arg, uint8_t *buf, size_t cap) {
  (void)cap;
  return ehlo_memory_read(arg, buf, 1);
}

static long fail_to_read(void *arg, uint8_t *buf, size_t cap) {
  (void)arg;
  (void)buf;
  (void)cap;
  return -1;
}

Test(harness, tells_what_is_no_transcript) {
  static const struct {
    const char *text;
    size_t line;
    size_t column;
  } bad[] = {
      {"nonsense\n", 1, 1},
      {"S: 220 a\nC: EHLO \\q\n", 2, 9},
      {GREETED "! ehlo-transcript 1\n", 5, 3},
      {"! ehlo-transcript 2\n", 1, 19},
      {"S: 220 a\n\n", 2, 1},
  };
  static const char *const answers[] = {"EHLO b\r\n", NULL};
  for (size_t i = 0; i < NUM(bad); i++) {
    struct ehlo_harness_result r;
    struct client c;
    run(&r, &c, bad[i].text, answers, (struct ehlo_harness_options){0});
    cr_expect_eq(r.verdict, EHLO_REPLAY_BAD, "%s", bad[i].text);
    cr_expect(r.error.line == bad[i].line && r.error.column == bad[i].column, "%s: %zu:%zu",
              bad[i].text, r.error.line, r.error.column);
    cr_expect_not_null(r.error.message);
  }
}

Test(harness, reads_in_any_pieces_and_tells_a_failure) {
  static const char *const answers[] = {"EHLO b\r\n", NULL};
  struct ehlo_memory memory = {GREETED, sizeof(GREETED) - 1, 0};
  struct ehlo_harness_options options = {.chunks = EHLO_CHUNKS_RECORDED};
  struct ehlo_harness_result r;
  struct client c = {.answers = answers};
  ehlo_harness_run(&harness, &r, read_piecemeal, &memory, &options, converse, &c);
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME);
  ehlo_harness_run(&harness, &r, fail_to_read, NULL, &options, converse, &c);
  cr_expect_eq(r.verdict, EHLO_REPLAY_FAILED);
}
