// A transcript read for its server: to which command each reply goes, what is told of the whole,
// and what cannot be played, with its place.
#include "replay/serve/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/serve/hello.h"
#include "replay/serve/served_testing.h"

static struct ehlo_script script;

static void read_good(const char *text) {
  struct ehlo_transcript_error error;
  cr_assert(ehlo_script_read_text(&script, &error, (const uint8_t *)text, strlen(text)), "%s:%zu",
            text, error.line);
}

// "EHLO 250, MAIL 451": each answer with its code, in order.
static void expect_answers(const char *text, const char *answers) {
  char told[1024];
  size_t len = 0;
  read_good(text);
  told[0] = '\0';
  for (size_t i = 0; i < script.num_answers; i++) {
    const struct ehlo_answer *a = &script.answers[i];
    len += (size_t)snprintf(told + len, sizeof(told) - len, "%s%s/%zu %u", i > 0 ? ", " : "",
                            ehlo_meaning_name(a->meaning), a->transaction, a->code);
  }
  cr_expect_str_eq(told, answers, "%s: %s", text, told);
  ehlo_script_free(&script);
}

Test(script, replies_go_to_commands_in_order) {
  expect_answers("S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 SIZE\n", "greeting/0 220, EHLO/0 250");
  expect_answers(
      "S: 220 mx\nC: MAIL FROM:<>\nC: RCPT TO:<b>\nC: DATA\nS: 250 m\nS: 550 r\nS: 503 d\n"
      "C: MAIL FROM:<>\nS: 451 m\n",
      "greeting/0 220, MAIL/1 250, RCPT/1 550, DATA/1 503, MAIL/2 451");
  expect_answers(
      "S: 220 mx\nC: DATA\nS: 354 go\nC: RCPT TO:<text>\nC: ..\nC: .\nC: QUIT\nS: 250 k\n"
      "S: 221 q\n",
      "greeting/0 220, DATA/0 354, message/0 250, QUIT/0 221");
  expect_answers("S: 220 mx\nC: BDAT 7\nC: QUIT \\\nC: \\r\\nBDAT 0 LAST\nS: 250 c\nS: 250 k\n",
                 "greeting/0 220, BDAT/0 250, message/0 250");
  expect_answers("S: 220 mx\nC: AUTH LOGIN\nS: 334 a\nC: QUIT\nS: 334 b\nC: *\nS: 501 c\n",
                 "greeting/0 220, AUTH/0 334, response/0 334, response/0 501");
  expect_answers("S: 220 mx\nC: NOOP\nS: what?\nC: NOOP\nS: 25\\\n! eof S\n",
                 "greeting/0 220, NOOP/0 0, NOOP/0 0");
  expect_answers("S: 220 mx\nS: 421 late\nC: NOOP\nS: 250 ok\n", "greeting/0 220, NOOP/0 250");
}

Test(script, lmtp_has_a_reply_for_each_recipient) {
  expect_answers(
      "S: 220 mx\nC: LHLO a\nS: 250 mx\nC: MAIL FROM:<>\nC: RCPT TO:<1>\nC: RCPT TO:<2>\n"
      "C: RCPT TO:<3>\nC: BDAT 1 LAST\nC: xMAIL FROM:<>\nS: 250 m\nS: 250 r\nS: 550 r\n"
      "S: 250 r\nS: 250 k\nS: 452 k\nS: 250 m\n",
      "greeting/0 220, LHLO/0 250, MAIL/1 250, RCPT/1 250, RCPT/1 550, RCPT/1 250, "
      "message/1 250, message/1 452, MAIL/2 250");
  expect_answers(
      "S: 220 mx\nC: LHLO a\nS: 250 mx\nC: MAIL FROM:<>\nC: RCPT TO:<1>\nC: BDAT 1 LAST\n"
      "C: xNOOP\nS: 250 m\nS: 550 r\nS: 299 n\n",
      "greeting/0 220, LHLO/0 250, MAIL/1 250, RCPT/1 550, NOOP/1 299");
}

Test(script, what_is_told_of_the_whole) {
  read_good(
      "! connect mx.ehlo.test:587 192.0.2.1\nS: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 STARTTLS\n"
      "C: STARTTLS\nS: 220 go\n! tls\nC: AUTH scram-sha-256 eA==\nS: 334 \\{secret}\n");
  cr_expect_str_eq(script.host, "mx.ehlo.test");
  cr_expect(script.starttls && script.offers_starttls && !script.implicit_tls && !script.lmtp);
  cr_assert_eq(script.num_attempts, 1);
  cr_expect_str_eq(script.attempts[0].mechanism, "SCRAM-SHA-256");
  cr_expect_str_eq(script.attempts[0].response, "eA==");
  cr_expect(script.attempts[0].has_initial && script.attempts[0].num_answers == 1);
  cr_expect(script.answers[script.attempts[0].first_answer].is_hidden);
  ehlo_script_free(&script);
  read_good("! connect [2001:db8::1]:465 2001:db8::1\n! tls\n");
  cr_expect_str_eq(script.host, "2001:db8::1");
  cr_expect(script.implicit_tls && script.num_answers == 0);
  ehlo_script_free(&script);
}

Test(script, what_cannot_be_played_has_a_place) {
  static const struct {
    const char *text;
    size_t line;
    size_t column;
  } rows[] = {
      {"", 1, 1},
      {"# nothing\n", 1, 1},
      {"C: EHLO a\n", 1, 1},
      {"S: 220 mx\nX: what\n", 2, 1},
      {"S: 220 mx\nS: \\q\n", 2, 4},
      {"! ehlo-transcript 2\n", 1, 19},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_transcript_error error = {0, 0, NULL};
    bool good =
        ehlo_script_read_text(&script, &error, (const uint8_t *)rows[i].text, strlen(rows[i].text));
    cr_expect(!good && error.line == rows[i].line && error.column == rows[i].column &&
                  error.message != NULL,
              "%s: %zu:%zu", rows[i].text, error.line, error.column);
  }
}

// `head` and then `line` over and over.
struct endless {
  const char *head;
  const char *line;
  size_t at;
  size_t num_bytes;
};

static long read_endless(void *arg, uint8_t *buf, size_t cap) {
  struct endless *e = arg;
  size_t head_len = strlen(e->head);
  size_t line_len = strlen(e->line);
  for (size_t i = 0; i < cap; i++, e->at++) {
    buf[i] = (uint8_t)(e->at < head_len ? e->head[e->at] : e->line[(e->at - head_len) % line_len]);
  }
  e->num_bytes += cap;
  return (long)cap;
}

Test(script, has_limits) {
  static char long_line[4000];
  memset(long_line, 'x', sizeof(long_line) - 2);
  memcpy(long_line, "S: 250-", 7);
  long_line[sizeof(long_line) - 2] = '\n';
  struct {
    const char *head;
    const char *line;
    size_t at_line;
  } rows[] = {
      {"S: 220 mx\n", "C: NOOP\n", 1 + EHLO_SCRIPT_PENDING_MAX + 1},
      {"S: 220 mx\n", "C: NOOP\nS: 250 ok\n", 1 + 2 * EHLO_SCRIPT_ANSWERS_MAX},
      // Each of them has a CRLF in place of "S: " and LF.
      {"", long_line, EHLO_SCRIPT_TEXT_MAX / (sizeof(long_line) - 1 - 3 - 1 + 2) + 1},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct endless e = {.head = rows[i].head, .line = rows[i].line};
    struct ehlo_transcript_error error = {0, 0, NULL};
    cr_assert_eq(ehlo_script_read(&script, &error, read_endless, &e), EHLO_SCRIPT_BAD);
    cr_expect_eq(error.line, rows[i].at_line, "%s: %zu, %s", rows[i].line, error.line,
                 error.message);
  }
}

static long read_failing(void *arg, uint8_t *buf, size_t cap) {
  (void)arg;
  (void)buf;
  (void)cap;
  return -1;
}

Test(script, a_file_that_cannot_be_read) {
  struct ehlo_transcript_error error;
  cr_expect_eq(ehlo_script_read(&script, &error, read_failing, NULL), EHLO_SCRIPT_FAILED);
}

// ---- Command lines and replies to EHLO ---------------------------------------------------------

Test(course, command_lines) {
  static const struct {
    const char *line;
    enum ehlo_meaning meaning;
    const char *argument;
    uint64_t octets;
  } rows[] = {
      {"ehlo a", EHLO_MEANS_EHLO, "a", 0},
      {"EHLOX a", EHLO_MEANS_OTHER, "a", 0},
      {"", EHLO_MEANS_OTHER, "", 0},
      {"MAIL FROM:<a@b> SIZE=1", EHLO_MEANS_MAIL, "a@b", 0},
      {"RCPT TO: <\"a>\\\"b\"@c>", EHLO_MEANS_RCPT, "\"a>\\\"b\"@c", 0},
      {"RCPT TO:<a", EHLO_MEANS_RCPT, "a", 0},
      {"RCPT TO:a", EHLO_MEANS_RCPT, "", 0},
      {"RCPT TO:<\"\\", EHLO_MEANS_RCPT, "\"\\", 0},
      {"bdat 12", EHLO_MEANS_CHUNK, "", 12},
      {"BDAT 0  last", EHLO_MEANS_MESSAGE, "last", 0},
      {"BDAT 12 LASTING", EHLO_MEANS_OTHER, "LASTING", 12},
      {"BDAT -1", EHLO_MEANS_OTHER, "-1", 0},
      {"BDAT", EHLO_MEANS_OTHER, "", 0},
      {"BDAT 999999999999999999", EHLO_MEANS_CHUNK, "", UINT64_C(999999999999999999)},
      {"BDAT 9999999999999999999", EHLO_MEANS_OTHER, "9999999999999999999",
       UINT64_C(999999999999999999)},
      {"AUTH PLAIN =", EHLO_MEANS_AUTH, "PLAIN =", 0},
      {"message", EHLO_MEANS_OTHER, "", 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_command_line c;
    ehlo_command_read(&c, (const uint8_t *)rows[i].line, strlen(rows[i].line));
    cr_expect(c.meaning == rows[i].meaning && c.octets == rows[i].octets &&
                  c.argument_len == strlen(rows[i].argument) &&
                  memcmp(c.argument, rows[i].argument, c.argument_len) == 0,
              "%s: %s %.*s", rows[i].line, ehlo_meaning_name(c.meaning), (int)c.argument_len,
              (const char *)c.argument);
  }
}

static bool offers(const char *reply, const char *keyword) {
  return ehlo_hello_offers((const uint8_t *)reply, strlen(reply), keyword);
}

static bool lists(const char *reply, const char *mechanism) {
  return ehlo_hello_offers_mechanism((const uint8_t *)reply, strlen(reply), mechanism);
}

Test(hello, what_a_reply_offers) {
  static const char reply[] =
      "250-SIZE mx\r\n250-starttls\r\n250-CHUNKINGS\r\n250-AUTH=LOGIN\r\n250 AUTH PLAIN "
      "cram-md5\r\n";
  cr_expect(offers(reply, "STARTTLS") && offers(reply, "AUTH"));
  cr_expect(!offers(reply, "SIZE") && !offers(reply, "CHUNKING"), "the first line, and a prefix");
  cr_expect(lists(reply, "LOGIN") && lists(reply, "PLAIN") && lists(reply, "CRAM-MD5"));
  cr_expect(!lists(reply, "CRAM") && !lists("250-mx\r\n250 AUTH\r\n", NULL) && lists(reply, NULL));
}

static void expect_edit(const char *reply, const char *drop, const char *add, const char *wanted) {
  uint8_t out[256];
  size_t len = ehlo_hello_edit(out, sizeof(out), (const uint8_t *)reply, strlen(reply), drop, add);
  cr_expect(len == strlen(wanted) && memcmp(out, wanted, len) == 0, "%.*s", (int)len,
            (const char *)out);
}

Test(hello, is_edited) {
  expect_edit("250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n", "STARTTLS", NULL,
              "250-mx\r\n250 SIZE 1\r\n");
  expect_edit("250-mx\r\n250 STARTTLS\r\n", "STARTTLS", NULL, "250 mx\r\n");
  expect_edit("250-mx\r\n250-AUTH=PLAIN\r\n250 SIZE\r\n", "AUTH", "STARTTLS",
              "250-mx\r\n250-SIZE\r\n250 STARTTLS\r\n");
  expect_edit("250 mx\r\n", NULL, "STARTTLS", "250-mx\r\n250 STARTTLS\r\n");
  uint8_t small[10];
  cr_expect_eq(ehlo_hello_edit(small, sizeof(small), (const uint8_t *)"250-mx\r\n250 SIZE\r\n", 18,
                               NULL, NULL),
               0, "it does not fit");
}
