// The smallest transcript with the same outcome: it is a part of what went in, replays to the same
// end, has nothing left that could go, and stays as it is when it is shrunk again.
#include "replay/shrink/shrink.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// ---- Exactly ------------------------------------------------------------------------------------

static const struct {
  enum ehlo_shrink_keep keep;
  const char *text;
  const char *small;
} rows[] = {
    // Commands that do not matter, and the words of those that do.
    {EHLO_SHRINK_KEEP_REPLY,
     "# a comment\n"
     "S: 220 mail.example ESMTP\n"
     "C: EHLO client.example\n"
     "S: 250-mail.example\n"
     "S: 250 SIZE 1000\n"
     "C: MAIL FROM:<a@example.com>\n"
     "S: 250 2.1.0 Ok\n"
     "C: RCPT TO:<b@example.com>\n"
     "S: 550 5.1.1 No such user\n"
     "C: QUIT\n"
     "S: 221 Bye\n",
     "S: 220\n"
     "C: RCPT\n"
     "S: 550 5.1.1\n"
     "C: QUIT\n"
     "S: 221\n"},
    // The words are to stay.
    {EHLO_SHRINK_KEEP_TEXT,
     "S: 220 mail.example ESMTP\n"
     "C: EHLO client.example\n"
     "S: 250 mail.example\n"
     "C: VRFY bob\n"
     "S: 550 5.1.1 No such user\n",
     "S: 220\n"
     "C: EHLO\n"
     "S: 250\n"
     "C: VRFY\n"
     "S: 550 5.1.1 No such user\n"},
    // What was answered does not matter, only how it ended.
    {EHLO_SHRINK_KEEP_OUTCOME,
     "S: 220 mail.example ESMTP\n"
     "C: EHLO client.example\n"
     "S: 250 mail.example\n"
     "C: VRFY bob\n"
     "S: 550 5.1.1 No such user\n"
     "C: QUIT\n"
     "S: 221 Bye\n"
     "! eof S\n",
     "S: 550\n"
     "C: QUIT\n"
     "! eof S\n"},
    // A line of a reply goes, and the one before it becomes the last.
    {EHLO_SHRINK_KEEP_REPLY,
     "! submit tls none\n"
     "! submit helo client.example\n"
     "! submit from <>\n"
     "! submit to <b@example.com>\n"
     "! submit transfer bdat\n"
     "! submit size 1\n"
     "S: 220 a\n"
     "C: EHLO client.example\n"
     "S: 250-a\n"
     "S: 250-8BITMIME\n"
     "S: 250 HELP\n"
     "C: QUIT\n"
     "S: 221 b\n",
     "! submit tls none\n"
     "! submit helo e\n"
     "! submit to <m>\n"
     "! submit transfer bdat\n"
     "S: 220\n"
     "C: EHLO e\n"
     "S: 250\n"
     "C: QUIT\n"
     "S: 221\n"},
    // Times and cuts.
    {EHLO_SHRINK_KEEP_REPLY,
     "+1.500000  S: 220 a\n"
     "+0.250000  C: NOOP\n"
     "+0.250000  S: 45\\\n"
     "+0.100000  S: 0 later\n"
     "+0.000001  ! eof S\n",
     "S: 220\n"
     "C: NOOP\n"
     "S: 450\n"
     "! eof S\n"},
    // The wait until the deadline.
    {EHLO_SHRINK_KEEP_REPLY,
     "S: 220 a\n"
     "C: EHLO client.example\n"
     "S: 250 a\n"
     "C: NOOP\n"
     "+300.000000 ! timeout\n"
     "! eof C\n",
     "S: 220\n"
     "C: EHLO\n"
     "S: 250\n"
     "C: NOOP\n"
     "! timeout\n"},
    // Nothing can go.
    {EHLO_SHRINK_KEEP_REPLY, "S: 220\nC: QUIT\nS: 221\n", "S: 220\nC: QUIT\nS: 221\n"},
    {EHLO_SHRINK_KEEP_REPLY, "", ""},
    // A line that is last now ends its reply.
    {EHLO_SHRINK_KEEP_REPLY,
     "! submit tls none\n"
     "! submit helo c\n"
     "! submit from <>\n"
     "! submit to <b>\n"
     "S: 220 a\n"
     "C: EHLO c\n"
     "S: 250-a\n"
     "S: 250-PIPELINING\n"
     "S: 250 HELP\n"
     "C: MAIL FROM:<>\n"
     "C: RCPT TO:<b>\n"
     "C: DATA\n"
     "S: 250 a\n"
     "S: 550 5.1.1 b\n"
     "S: 503 c\n"
     "C: QUIT\n"
     "S: 221 d\n",
     "! submit tls none\n"
     "! submit helo c\n"
     "! submit to <b>\n"
     "S: 220\n"
     "C: EHLO c\n"
     "S: 250-\n"
     "S: 250 PIPELINING\n"
     "C: MAIL FROM:<>\n"
     "C: RCPT TO:<b>\n"
     "C: DATA\n"
     "S: 250\n"
     "S: 550\n"
     "S: 503\n"
     "C: QUIT\n"
     "S: 221\n"},
    // What is left of a chunk is counted, wherever its size is told.
    {EHLO_SHRINK_KEEP_REPLY,
     "! submit tls none\n"
     "! submit helo c\n"
     "! submit transfer bdat\n"
     "! submit from <>\n"
     "! submit to <b>\n"
     "! submit size 29\n"
     "S: 220 a\n"
     "C: EHLO c\n"
     "S: 250-a\n"
     "S: 250-PIPELINING\n"
     "S: 250-SIZE 100\n"
     "S: 250 CHUNKING\n"
     "C: MAIL FROM:<> SIZE=29\n"
     "C: RCPT TO:<b>\n"
     "C: BDAT 29 LAST\n"
     "C: Subject: hello\n"
     "C:\n"
     "C: Hello Bob\n"
     "C: QUIT\n"
     "S: 250 a\n"
     "S: 250 b\n"
     "S: 554 5.6.0 c\n"
     "S: 221 d\n",
     "! submit tls none\n"
     "! submit helo c\n"
     "! submit transfer bdat\n"
     "! submit to <b>\n"
     "! submit size 2\n"
     "S: 220\n"
     "C: EHLO c\n"
     "S: 250-\n"
     "S: 250-PIPELINING\n"
     "S: 250 CHUNKING\n"
     "C: MAIL FROM:<>\n"
     "C: RCPT TO:<b>\n"
     "C: BDAT 2 LAST\n"
     "C:\n"
     "C: QUIT\n"
     "S: 250\n"
     "S: 250\n"
     "S: 554 5.6.0\n"
     "S: 221\n"},
    // A recipient goes with what was answered to it, also where another has the same name.
    {EHLO_SHRINK_KEEP_REPLY,
     "! submit tls none\n"
     "! submit lmtp\n"
     "! submit helo c\n"
     "! submit from <>\n"
     "! submit to <b>\n"
     "! submit to <c>\n"
     "! submit to <b>\n"
     "! submit to <d>\n"
     "S: 220 a\n"
     "C: LHLO c\n"
     "S: 250 a\n"
     "C: MAIL FROM:<>\n"
     "S: 250 a\n"
     "C: RCPT TO:<b>\n"
     "S: 250 a\n"
     "C: RCPT TO:<c>\n"
     "S: 550 b\n"
     "C: RCPT TO:<b>\n"
     "S: 550 b\n"
     "C: RCPT TO:<d>\n"
     "S: 250 a\n"
     "C: DATA\n"
     "S: 354 b\n"
     "C: .\n"
     "S: 452 4.2.2 full\n"
     "S: 250 b\n"
     "C: QUIT\n"
     "S: 221 d\n",
     "! submit tls none\n"
     "! submit lmtp\n"
     "! submit helo c\n"
     "! submit to <b>\n"
     "! submit to <d>\n"
     "S: 220\n"
     "C: LHLO c\n"
     "S: 250\n"
     "C: MAIL FROM:<>\n"
     "S: 250\n"
     "C: RCPT TO:<b>\n"
     "S: 250\n"
     "C: RCPT TO:<d>\n"
     "S: 250\n"
     "C: DATA\n"
     "S: 354\n"
     "C: .\n"
     "S: 452 4.2.2\n"
     "S: 250\n"
     "C: QUIT\n"
     "S: 221\n"},
    // And where it is the first one of that name.
    {EHLO_SHRINK_KEEP_REPLY,
     "! submit tls none\n"
     "! submit lmtp\n"
     "! submit helo c\n"
     "! submit from <>\n"
     "! submit to <b>\n"
     "! submit to <c>\n"
     "! submit to <b>\n"
     "! submit to <d>\n"
     "S: 220 a\n"
     "C: LHLO c\n"
     "S: 250 a\n"
     "C: MAIL FROM:<>\n"
     "S: 250 a\n"
     "C: RCPT TO:<b>\n"
     "S: 250 a\n"
     "C: RCPT TO:<c>\n"
     "S: 550 b\n"
     "C: RCPT TO:<b>\n"
     "S: 250 a\n"
     "C: RCPT TO:<d>\n"
     "S: 250 a\n"
     "C: DATA\n"
     "S: 354 b\n"
     "C: .\n"
     "S: 250 a\n"
     "S: 452 4.2.2 full\n"
     "S: 250 b\n"
     "C: QUIT\n"
     "S: 221 d\n",
     "! submit tls none\n"
     "! submit lmtp\n"
     "! submit helo c\n"
     "! submit to <b>\n"
     "! submit to <d>\n"
     "S: 220\n"
     "C: LHLO c\n"
     "S: 250\n"
     "C: MAIL FROM:<>\n"
     "S: 250\n"
     "C: RCPT TO:<b>\n"
     "S: 250\n"
     "C: RCPT TO:<d>\n"
     "S: 250\n"
     "C: DATA\n"
     "S: 354\n"
     "C: .\n"
     "S: 452 4.2.2\n"
     "S: 250\n"
     "C: QUIT\n"
     "S: 221\n"},
    // The place of a secret may go, and nothing may be read in it.
    {EHLO_SHRINK_KEEP_REPLY,
     "S: 220 a\n"
     "C: EHLO a\n"
     "S: 250-a\n"
     "S: 250 AUTH PLAIN\n"
     "C: AUTH PLAIN \\{secret}\n"
     "S: 535 5.7.8 \\{secret}\n",
     "S: 220\n"
     "C: EHLO\n"
     "S: 250\n"
     "C: AUTH\n"
     "S: 535 5.7.8\n"},
};

static struct ehlo_shrink_result shrink(const char *text, size_t len,
                                        const struct ehlo_shrink_options *options) {
  struct ehlo_shrink_result r;
  enum ehlo_shrink_status status = ehlo_shrink(&r, text, len, options);
  cr_assert_eq(status, EHLO_SHRINK_OK, "status %d for %.200s", (int)status, text);
  return r;
}

Test(shrink, leaves_what_matters) {
  for (size_t i = 0; i < NUM(rows); i++) {
    struct ehlo_shrink_options options = {.keep = rows[i].keep};
    struct ehlo_shrink_result r = shrink(rows[i].text, strlen(rows[i].text), &options);
    cr_expect(r.len == strlen(rows[i].small) && memcmp(r.text, rows[i].small, r.len) == 0,
              "row %zu: %.*s", i, (int)r.len, r.text);
    cr_expect(r.minimal, "row %zu", i);
    free(r.text);
  }
}

// ---- Divergences --------------------------------------------------------------------------------

static struct ehlo_replay_result replay(const char *text, size_t len);

struct source {
  const char *text;
  size_t left;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->left < cap ? s->left : cap;
  memcpy(buf, s->text, n);
  s->text += n;
  s->left -= n;
  return (long)n;
}

static struct ehlo_replay_result replay(const char *text, size_t len) {
  struct ehlo_replay_result r;
  struct source source = {text, len};
  ehlo_replay_run(&r, give, &source, &(struct ehlo_replay_options){.chunks = EHLO_CHUNKS_RECORDED});
  return r;
}

#define SESSION(event, rcpt)             \
  "! ehlo-transcript 1\n"                \
  "# somebody edited this\n"             \
  "! submit tls none\n"                  \
  "! submit helo client.example\n"       \
  "! submit from <a@example.com>\n"      \
  "! submit to <b@example.com>\n"        \
  "S: 220 mail.example\n"                \
  "= reply 220 to greeting\n"            \
  "C: EHLO client.example\n"             \
  "S: 250-mail.example\n"                \
  "S: 250 8BITMIME\n"                    \
  "= reply 250 to EHLO\n"                \
  "C: MAIL FROM:<a@example.com>\n"       \
  "S: 250 ok\n" event "C: RCPT TO:" rcpt \
  "\n"                                   \
  "S: 250 ok\n"                          \
  "= reply 250 to RCPT\n"                \
  "C: DATA\n"                            \
  "S: 550 5.7.1 no\n"                    \
  "= reply 550 5.7.1 to DATA\n"          \
  "C: QUIT\n"                            \
  "S: 221 bye\n"                         \
  "= reply 221 to QUIT\n"                \
  "= closed\n"                           \
  "= outcome refused at data\n"

static const struct {
  const char *text;
  size_t most_lines;
} diverging[] = {
    // Another recipient.
    {SESSION("= reply 250 to MAIL\n", "<c@example.com>"), 12},
    // An event that did not come.
    {SESSION("= reply 251 to MAIL\n", "<b@example.com>"), 10},
    // A line that nobody says.
    {SESSION("= reply 250 to MAIL\nC: NOOP\nS: 250 ok\n", "<b@example.com>"), 12},
};

static size_t count_lines(const char *text, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    n += text[i] == '\n';
  }
  return n;
}

Test(shrink, a_divergence_stays_what_it_is) {
  for (size_t i = 0; i < NUM(diverging); i++) {
    const char *text = diverging[i].text;
    struct ehlo_shrink_result r =
        shrink(text, strlen(text), &(struct ehlo_shrink_options){.keep = EHLO_SHRINK_KEEP_REPLY});
    struct ehlo_replay_result before = replay(text, strlen(text));
    struct ehlo_replay_result after = replay(r.text, r.len);
    cr_assert(before.verdict == EHLO_REPLAY_DIVERGED && after.verdict == EHLO_REPLAY_DIVERGED);
    cr_expect_str_eq(before.divergence.expected, after.divergence.expected);
    cr_expect_str_eq(before.divergence.got, after.divergence.got);
    cr_expect(r.minimal && count_lines(r.text, r.len) <= diverging[i].most_lines, "row %zu: %.*s",
              i, (int)r.len, r.text);
    free(r.text);
  }
}

// ---- Bounds -------------------------------------------------------------------------------------

static bool count_replays(void *arg, const struct ehlo_shrink_progress *p) {
  uint64_t *counts = arg;  // how many there were, and how many may be
  cr_expect(p->num_replays > 0 && p->now.lines <= p->before.lines &&
            p->now.bytes <= p->before.bytes);
  counts[0]++;
  return counts[0] < counts[1];
}

Test(shrink, ends_where_it_has_to) {
  const char *text = SESSION("= reply 250 to MAIL\n", "<b@example.com>");
  struct ehlo_replay_result whole = replay(text, strlen(text));
  for (uint64_t most = 1; most < 60; most++) {
    uint64_t counts[] = {0, most % 2 == 0 ? UINT64_MAX : most};
    struct ehlo_shrink_options options = {.keep = EHLO_SHRINK_KEEP_REPLY,
                                          .max_replays = most % 2 == 0 ? most : 0,
                                          .progress = count_replays,
                                          .arg = counts};
    struct ehlo_shrink_result r = shrink(text, strlen(text), &options);
    struct ehlo_replay_result after = replay(r.text, r.len);
    cr_expect(!r.minimal && r.num_replays <= most + 1, "%d replays", (int)r.num_replays);
    cr_expect(after.verdict == EHLO_REPLAY_SAME && after.outcome == whole.outcome &&
              after.stage == whole.stage);
    free(r.text);
  }
}

Test(shrink, tells_how_far_it_is) {
  const char *text = SESSION("= reply 250 to MAIL\n", "<b@example.com>");
  uint64_t counts[] = {0, UINT64_MAX};
  struct ehlo_shrink_result r =
      shrink(text, strlen(text),
             &(struct ehlo_shrink_options){
                 .keep = EHLO_SHRINK_KEEP_REPLY, .progress = count_replays, .arg = counts});
  cr_expect(r.minimal && counts[0] > 10 && counts[0] == r.num_replays - 1);  // the first one aside
  cr_expect_eq(r.before.lines, 18);  // events are not counted
  cr_expect_eq(r.before.items, 12);
  cr_expect(r.after.items < r.before.items && r.after.lines < r.before.lines);
  free(r.text);
}

// ---- Bad input ----------------------------------------------------------------------------------

Test(shrink, tells_where_a_transcript_is_none) {
  static const struct {
    const char *text;
    size_t line;
    size_t column;
  } bad[] = {
      {"hello\n", 1, 1},
      {"S: 220 a\nS: 250 b \n", 2, 9},
      {"! submit tls maybe\nS: 220 a\n", 1, 1},
      {"S: 220 a\nC: QUIT\nS: 221 b\n! eof S\nnonsense\n", 5, 1},
      {"! ehlo-transcript 2\n", 1, 19},
      // Behind the place where it diverges.
      {"! submit tls none\n! submit helo a\nS: 220 a\nC: EHLO b\nS: 250 \xff\n", 5, 8},
  };
  for (size_t i = 0; i < NUM(bad); i++) {
    struct ehlo_shrink_result r;
    cr_expect_eq(
        ehlo_shrink(&r, bad[i].text, strlen(bad[i].text), &(struct ehlo_shrink_options){0}),
        EHLO_SHRINK_BAD, "%s", bad[i].text);
    cr_expect(r.replay.error.line == bad[i].line && r.replay.error.column == bad[i].column,
              "%s: %zu:%zu", bad[i].text, r.replay.error.line, r.replay.error.column);
    cr_expect_null(r.text);
  }
}

Test(shrink, takes_so_much_and_no_more) {
  size_t len = EHLO_SHRINK_TEXT_MAX + 1;
  char *text = malloc(len);
  struct ehlo_shrink_result r;
  memset(text, 'x', len);
  cr_expect_eq(ehlo_shrink(&r, text, len, &(struct ehlo_shrink_options){0}), EHLO_SHRINK_TOO_LONG);
  cr_expect_eq(ehlo_shrink(&r, text, len - 1, &(struct ehlo_shrink_options){0}), EHLO_SHRINK_BAD);
  memset(text, '\n', EHLO_SHRINK_LINES_MAX + 1);
  cr_expect_eq(ehlo_shrink(&r, text, EHLO_SHRINK_LINES_MAX + 1, &(struct ehlo_shrink_options){0}),
               EHLO_SHRINK_TOO_LONG);
  cr_expect_eq(ehlo_shrink(&r, text, EHLO_SHRINK_LINES_MAX, &(struct ehlo_shrink_options){0}),
               EHLO_SHRINK_BAD);
  free(text);
}

// Sessions with octets changed, lines doubled and lines lost: whatever they are, what comes out is as
// good a transcript as what went in.
Test(shrink, takes_anything) {
  const char *seed = SESSION("= reply 250 to MAIL\n", "<b@example.com>");
  static const char put[] = "SC:!=#+\\ \n-250\x01\xff{}<>0";
  char text[2048];
  uint32_t random = 1;
  size_t num_good = 0;
  for (size_t round = 0; round < 400; round++) {
    size_t len = strlen(seed);
    memcpy(text, seed, len);
    for (size_t k = 0; k <= round % 5; k++) {
      random = random * 1664525 + 1013904223;
      size_t at = (random >> 8) % len;
      if (round % 3 == 0) {
        text[at] = put[(random >> 24) % (sizeof(put) - 1)];
      } else {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - text) + 1 - at : 0;
        memmove(text + at, text + at + line, len - at - line);
        len -= line;
      }
    }
    struct ehlo_shrink_result r;
    enum ehlo_shrink_status status =
        ehlo_shrink(&r, text, len, &(struct ehlo_shrink_options){.max_replays = 300});
    struct ehlo_replay_result before = replay(text, len);
    cr_assert(status == EHLO_SHRINK_BAD ||
              (status == EHLO_SHRINK_OK && before.verdict != EHLO_REPLAY_BAD));
    cr_assert(status == EHLO_SHRINK_OK || before.verdict != EHLO_REPLAY_SAME);
    if (status == EHLO_SHRINK_OK) {
      cr_assert_eq(replay(r.text, r.len).verdict, before.verdict, "%.*s\n---\n%.*s", (int)len, text,
                   (int)r.len, r.text);
      num_good++;
    }
    free(r.text);
  }
  cr_expect(num_good > 50, "%zu", num_good);
}
