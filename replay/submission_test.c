// The submission program over a scripted transport: the message arrives whole through a transport
// that takes one byte at a time, and a message that cannot be sent leaves no final dot behind.
#include "replay/submission.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/pump.h"
#include "replay/testing.h"
#include "replay/unstuff.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// A message in memory, given in pieces, that may fail before its end.
struct message {
  const char *text;
  size_t len;
  size_t pos;
  size_t piece;
  bool empty_peeks;  // every other time there is nothing yet
  bool skip_peek;
  size_t fails_at;  // SIZE_MAX: never
};

static enum ehlo_source_state peek(void *arg, struct ehlo_span *out) {
  struct message *m = arg;
  m->skip_peek = m->empty_peeks && !m->skip_peek;
  if (m->pos >= m->fails_at) {
    return EHLO_SOURCE_FAILED;
  }
  if (m->pos == m->len) {
    return EHLO_SOURCE_END;
  }
  size_t left = m->len - m->pos;
  *out = (struct ehlo_span){(const uint8_t *)m->text + m->pos, left < m->piece ? left : m->piece};
  if (m->skip_peek) {
    out->len = 0;
  }
  return EHLO_SOURCE_MORE;
}

static void skip(void *arg, size_t n) {
  ((struct message *)arg)->pos += n;
}

static void begin(void *arg, size_t message) {
  ((struct message *)arg)->pos = message;
}

static struct ehlo_scripted scripted;  // too large for a stack
static struct ehlo_submission submission;
static uint8_t buf[EHLO_BUFFER_DEFAULT];

#define ENVELOPE                                                                        \
  {"", "220 hello\r\n", 0}, {"EHLO a.example\r\n", "250-a\r\n250 PIPELINING\r\n", 0}, { \
    "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n",                 \
        "250 ok\r\n250 ok\r\n354 go\r\n", 0                                             \
  }
#define FLIGHTS "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"

static void run(struct message *m, size_t buf_len) {
  static const struct ehlo_config config = {.timeouts = {0}};
  struct ehlo_client client;
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config submit = {.helo_name = ehlo_str("a.example"),
                                      .messages = &message,
                                      .num_messages = 1,
                                      .tls = EHLO_TLS_NONE};
  struct ehlo_source source = {begin, peek, skip, m};
  ehlo_client_init(&client, &config, buf, buf_len, 0);
  ehlo_submission_init(&submission, &submit, &source);
  struct ehlo_pump pump = {
      .client = &client, .transport = &scripted.base, .program = &submission.base};
  ehlo_pump_run(&pump);
}

// What the server got as the message, without the commands around it.
static size_t received(uint8_t *out, bool *ended) {
  struct ehlo_unstuff u;
  size_t used;
  size_t len;
  size_t start = strlen(FLIGHTS);
  ehlo_unstuff_init(&u);
  cr_assert_geq(scripted.got_len, start);
  ehlo_unstuff_feed(&u, &used, &len, out, (const uint8_t *)scripted.got + start,
                    scripted.got_len - start);
  *ended = u.ended;
  return len;
}

static const char *const texts[] = {
    "", "a", "a\r\n", ".\n..\n.a\n", "a\r\n.\r\nb\r\n", "\n\n.",
};

static const char *const with_crlf[] = {
    "", "a\r\n", "a\r\n", ".\r\n..\r\n.a\r\n", "a\r\n.\r\nb\r\n", "\r\n\r\n.\r\n",
};

static void expect_whole(size_t i, size_t out_max, size_t piece, bool empty_peeks) {
  static const struct ehlo_turn turns[] = {ENVELOPE};
  struct message m = {.text = texts[i],
                      .len = strlen(texts[i]),
                      .piece = piece,
                      .empty_peeks = empty_peeks,
                      .fails_at = SIZE_MAX};
  uint8_t text[64];
  bool ended;
  ehlo_scripted_init(&scripted, turns, NUM(turns));
  scripted.out_max = out_max;
  scripted.end = EHLO_E_CLOSED;
  run(&m, EHLO_BUFFER_MIN);
  size_t len = received(text, &ended);
  cr_expect(ended && len == strlen(with_crlf[i]) && memcmp(text, with_crlf[i], len) == 0,
            "text %zu, %zu out, pieces of %zu: %.*s", i, out_max, piece, (int)len, text);
  // All of it left, and no reply came.
  cr_expect_eq(submission.submit.verdict.outcome, EHLO_OUTCOME_UNKNOWN, "text %zu: %s", i,
               ehlo_outcome_name(submission.submit.verdict.outcome));
}

Test(submission, the_message_arrives_in_pieces_of_any_size) {
  for (size_t i = 0; i < NUM(texts); i++) {
    for (size_t out_max = 1; out_max < 5; out_max++) {
      for (size_t piece = 1; piece < 5; piece++) {
        expect_whole(i, out_max, piece, false);
      }
    }
  }
}

static const struct ehlo_turn accepting[] = {
    ENVELOPE,
    {"x\r\n.\r\nQUIT\r\n", "250 ok\r\n221 bye\r\n", 0},
};

Test(submission, is_accepted_through_one_byte_at_a_time) {
  struct message m = {.text = "x\n", .len = 2, .piece = 1, .fails_at = SIZE_MAX};
  ehlo_scripted_init(&scripted, accepting, NUM(accepting));
  scripted.out_max = 1;
  scripted.in_max = 1;
  run(&m, EHLO_BUFFER_MIN);
  cr_expect(submission.submit.verdict.outcome == EHLO_OUTCOME_ACCEPTED &&
            submission.submit.finished);
}

// Larger than any buffer: the program waits for room, and nothing is lost or doubled.
Test(submission, a_large_message_goes_through_a_small_buffer) {
  static const struct ehlo_turn turns[] = {ENVELOPE};
  static char large[100000];
  static uint8_t text[EHLO_SCRIPTED_BYTES_MAX + 2];
  for (size_t i = 0; i < sizeof(large); i++) {
    large[i] = i % 61 == 60 ? '\n' : i % 61 == 0 ? '.' : (char)('a' + i % 26);
  }
  large[sizeof(large) - 1] = '\n';
  static const size_t sizes[] = {1, 7, 1000, SIZE_MAX};
  for (size_t i = 0; i < NUM(sizes); i++) {
    struct message m = {.text = large, .len = sizeof(large), .piece = 333, .fails_at = SIZE_MAX};
    bool ended;
    ehlo_scripted_init(&scripted, turns, NUM(turns));
    scripted.out_max = sizes[i];
    scripted.end = EHLO_E_CLOSED;
    run(&m, EHLO_BUFFER_MIN);
    size_t len = received(text, &ended);
    size_t at = 0;
    for (size_t k = 0; k < sizeof(large) && at < len; k++) {
      at += large[k] == '\n' && text[at] == '\r';
      if (text[at++] != (uint8_t)large[k]) {
        break;
      }
    }
    cr_expect(ended && at == len && len > sizeof(large), "pieces of %zu: %zu of %zu", sizes[i], at,
              len);
  }
}

// A message that fails on the way: no final dot, so the server has nothing.
Test(submission, leaves_no_dot_behind_a_message_that_fails) {
  static const struct ehlo_turn turns[] = {ENVELOPE};
  static const struct {
    const char *text;
    size_t fails_at;
    enum ehlo_status status;
  } rows[] = {
      {"a\nb\n", 0, EHLO_E_ARGUMENT},
      {"a\nb\n", 2, EHLO_E_ARGUMENT},
      {"a\rb\n", SIZE_MAX, EHLO_E_BARE_CR},
      {"a\r", SIZE_MAX, EHLO_E_BARE_CR},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    struct message m = {.text = rows[i].text,
                        .len = strlen(rows[i].text),
                        .piece = 1,
                        .fails_at = rows[i].fails_at};
    uint8_t text[64];
    bool ended;
    ehlo_scripted_init(&scripted, turns, NUM(turns));
    run(&m, EHLO_BUFFER_MIN);
    received(text, &ended);
    cr_expect(!ended, "%zu", i);
    cr_expect(submission.submit.verdict.outcome == EHLO_OUTCOME_USAGE &&
                  submission.submit.verdict.problem == EHLO_PROBLEM_MESSAGE &&
                  submission.submit.verdict.status == rows[i].status,
              "%zu: %s, %s", i, ehlo_outcome_name(submission.submit.verdict.outcome),
              ehlo_status_name(submission.submit.verdict.status));
  }
}

// The connection ends with part of the final dot sent: the server has no message yet.
Test(submission, half_a_dot_is_none) {
  static const struct ehlo_turn turns[] = {ENVELOPE};
  const size_t whole = strlen(FLIGHTS "x\r\n.\r\n");
  for (size_t limit = strlen(FLIGHTS); limit <= whole; limit++) {
    struct message m = {.text = "x\n", .len = 2, .piece = 2, .fails_at = SIZE_MAX};
    ehlo_scripted_init(&scripted, turns, NUM(turns));
    scripted.out_limit = limit;
    scripted.end = EHLO_E_RESET;
    run(&m, EHLO_BUFFER_MIN);
    cr_expect_eq(submission.submit.verdict.outcome,
                 limit < whole ? EHLO_OUTCOME_LOST : EHLO_OUTCOME_UNKNOWN, "%zu of %zu: %s", limit,
                 whole, ehlo_outcome_name(submission.submit.verdict.outcome));
  }
}
