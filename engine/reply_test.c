// Tests of the reply parser: the grammar, each error with the octet it points at, the limits, and
// that no cut of the stream changes any of it.
#include "engine/reply.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Small limits, so that every case can be cut everywhere; the real ones have tests of their own.
static const struct ehlo_reply_limits small = {
    .max_line = 24, .max_challenge_line = 40, .max_reply = 64, .max_lines = 4};

// What came of a stream.
struct result {
  enum ehlo_status status;
  uint64_t offset;
  bool complete;
  size_t used;
  size_t num_lines;
  uint16_t code;
  char line[120];
};

struct stream {
  const char *in;
  size_t len;
  bool challenge_expected;
  bool end;  // nothing comes after it
};

static void take_result(struct result *out, const struct ehlo_reply_parser *p) {
  struct ehlo_span line = ehlo_reply_last_line(p);
  cr_assert(line.len < sizeof(out->line));
  memcpy(out->line, line.bytes, line.len);
  out->complete = p->complete;
  out->num_lines = p->num_lines;
  out->code = p->complete ? p->code : 0;
  out->offset = out->status != EHLO_OK ? p->error_offset : 0;
}

// Feeds `len` octets from `in` as a heap block of their own.
static enum ehlo_status feed(struct ehlo_reply_parser *p, size_t *used, const char *in,
                             size_t len) {
  uint8_t *block = malloc(len + 1);
  cr_assert(block != NULL);
  uint8_t *exact = block + 1;  // ends with the block
  memcpy(exact, in, len);
  size_t n = 0;
  enum ehlo_status status = ehlo_reply_feed(p, &n, exact, len);
  *used += n;
  free(block);
  return status;
}

// The stream in pieces: [0, a), [a, b), … with `step` octets each, the first one `first` long.
static struct result run(const struct stream *s, const struct ehlo_reply_limits *limits,
                         size_t first, size_t step) {
  struct result r;
  struct ehlo_reply_parser p;
  uint8_t *buf = malloc(limits->max_reply);
  cr_assert(buf != NULL);
  memset(&r, 0, sizeof(r));
  ehlo_reply_parser_init(&p, buf, limits);
  p.offset = 1000;
  p.challenge_expected = s->challenge_expected;
  size_t end = first;
  for (size_t at = 0; at < s->len && r.status == EHLO_OK && !p.complete;) {
    end = end < s->len ? end : s->len;
    r.status = feed(&p, &r.used, s->in + at, end - at);
    at = end;
    end += step;
  }
  if (r.status == EHLO_OK && s->end) {
    r.status = ehlo_reply_judge_partial(&p);
  }
  take_result(&r, &p);
  free(buf);
  return r;
}

static void expect_same(const char *name, const struct result *a, const struct result *b,
                        size_t first, size_t step) {
  // `used` may differ after an error, where the rest of the stream no longer counts.
  bool same = a->status == b->status && a->offset == b->offset && a->complete == b->complete &&
              a->num_lines == b->num_lines && a->code == b->code && strcmp(a->line, b->line) == 0 &&
              (a->status != EHLO_OK || a->used == b->used);
  cr_assert(same, "%s: cut at %zu, then by %zu: %s @%llu [%s], whole: %s @%llu [%s]", name, first,
            step, ehlo_status_name(b->status), (unsigned long long)b->offset, b->line,
            ehlo_status_name(a->status), (unsigned long long)a->offset, a->line);
}

// The result of the whole stream, after it proved the same for every cut.
static struct result run_every_way(const char *name, const struct stream *s,
                                   const struct ehlo_reply_limits *limits) {
  struct result whole = run(s, limits, s->len, s->len);
  for (size_t first = 1; first < s->len; first++) {
    struct result cut = run(s, limits, first, s->len);
    expect_same(name, &whole, &cut, first, s->len);
  }
  for (size_t step = 1; step <= 3; step++) {
    struct result cut = run(s, limits, step, step);
    expect_same(name, &whole, &cut, step, step);
  }
  return whole;
}

#define TEXT(s) s, sizeof(s) - 1

static const struct good_row {
  const char *in;
  size_t len;
  size_t used;
  uint16_t code;
  size_t num_lines;
} good_rows[] = {
    {TEXT("250 ok\r\n"), 8, 250, 1},
    {TEXT("250 \r\n"), 6, 250, 1},
    {TEXT("250\r\n"), 5, 250, 1},           // the code alone
    {TEXT("250-\r\n250\r\n"), 11, 250, 2},  // lines without text
    {TEXT("250-a\r\n250-b\r\n250 c\r\n"), 21, 250, 3},
    {TEXT("250-a\r\n250\r\n"), 12, 250, 2},
    {TEXT("250 a\r\n250 b\r\n"), 7, 250, 1},  // the next reply is left alone
    {TEXT("250 a\r\nrubbish"), 7, 250, 1},
    {TEXT("220 \xc3\xa9 \xff\x01\t\r\n"), 12, 220, 1},  // 8-bit and control octets
    {TEXT("299 x\r\n"), 7, 299, 1},
    {TEXT("200 x\r\n"), 7, 200, 1},
    {TEXT("599 x\r\n"), 7, 599, 1},
    {TEXT("334 \r\n"), 6, 334, 1},
    {TEXT("250  2.1.0 two blanks\r\n"), 23, 250, 1},
    {TEXT("250 aaaaaaaaaaaaaaaaaa\r\n"), 24, 250, 1},            // a line at its limit
    {TEXT("250-1\r\n250-2\r\n250-3\r\n250 4\r\n"), 28, 250, 4},  // as many lines as may be
};

Test(reply, complete) {
  for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
    const struct good_row *row = &good_rows[i];
    struct stream s = {row->in, row->len, false, false};
    struct result r = run_every_way(row->in, &s, &small);
    cr_assert_eq(r.status, EHLO_OK, "[%s] %s", row->in, ehlo_status_name(r.status));
    cr_assert(r.complete, "[%s]", row->in);
    cr_assert_eq(r.used, row->used, "[%s] %zu", row->in, r.used);
    cr_assert_eq(r.code, row->code, "[%s]", row->in);
    cr_assert_eq(r.num_lines, row->num_lines, "[%s]", row->in);
  }
}

static const struct bad_row {
  const char *in;
  size_t len;
  enum ehlo_status status;
  uint64_t at;
  const char *line;
} bad_rows[] = {
    // The code.
    {TEXT("650 no\r\n"), EHLO_E_REPLY_SYNTAX, 0, "650 no"},
    {TEXT("150 no\r\n"), EHLO_E_REPLY_SYNTAX, 0, "150 no"},
    {TEXT("050 no\r\n"), EHLO_E_REPLY_SYNTAX, 0, "050 no"},
    {TEXT("+250 ok\r\n"), EHLO_E_REPLY_SYNTAX, 0, "+250 ok"},
    {TEXT(" 250 ok\r\n"), EHLO_E_REPLY_SYNTAX, 0, " 250 ok"},
    {TEXT("2x0 ok\r\n"), EHLO_E_REPLY_SYNTAX, 1, "2x0 ok"},
    {TEXT("25O ok\r\n"), EHLO_E_REPLY_SYNTAX, 2, "25O ok"},
    {TEXT("25 ok\r\n"), EHLO_E_REPLY_SYNTAX, 2, "25 ok"},
    {TEXT("2500 ok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "2500 ok"},
    {TEXT("250_ok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "250_ok"},
    {TEXT("250\tok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "250\tok"},
    {TEXT("250ok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "250ok"},
    {TEXT("\r\n"), EHLO_E_REPLY_SYNTAX, 0, ""},
    {TEXT("\n"), EHLO_E_REPLY_SYNTAX, 0, ""},
    {TEXT("25\r\n"), EHLO_E_REPLY_SYNTAX, 2, "25"},
    // Line ends.
    {TEXT("250 ok\n"), EHLO_E_REPLY_SYNTAX, 6, "250 ok"},
    {TEXT("250\n"), EHLO_E_REPLY_SYNTAX, 3, "250"},
    {TEXT("250-a\r\n250 b\n"), EHLO_E_REPLY_SYNTAX, 12, "250 b"},
    {TEXT("250 o\rk\r\n"), EHLO_E_REPLY_SYNTAX, 5, "250 o\rk"},
    {TEXT("250\rok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "250\rok"},
    {TEXT("250 ok\r\r\n"), EHLO_E_REPLY_SYNTAX, 6, "250 ok\r"},
    {TEXT("250 ok\r250 x\n"), EHLO_E_REPLY_SYNTAX, 6, "250 ok\r250 x"},
    // NUL, and which of two faults is told: the first one.
    {TEXT("250 o\0k\r\n"), EHLO_E_REPLY_SYNTAX, 5, "250 o"},
    {TEXT("250\0ok\r\n"), EHLO_E_REPLY_SYNTAX, 3, "250"},
    {TEXT("\0\r\n"), EHLO_E_REPLY_SYNTAX, 0, ""},
    {TEXT("250 a\0\rb\n"), EHLO_E_REPLY_SYNTAX, 5, "250 a"},
    {TEXT("250 a\rb\0\n"), EHLO_E_REPLY_SYNTAX, 5, "250 a\rb"},
    {TEXT("2x0 a\n"), EHLO_E_REPLY_SYNTAX, 1, "2x0 a"},
    // A code that changes.
    {TEXT("250-a\r\n251 b\r\n"), EHLO_E_REPLY_CODE, 7, "251 b"},
    {TEXT("250-a\r\n251-b\r\n"), EHLO_E_REPLY_CODE, 7, "251-b"},
    {TEXT("250-a\r\n250-b\r\n550 c\r\n"), EHLO_E_REPLY_CODE, 14, "550 c"},
    {TEXT("250-a\r\n551 b\n"), EHLO_E_REPLY_SYNTAX, 12, "551 b"},  // the form before the code
    {TEXT("250-a\r\nhello\r\n"), EHLO_E_REPLY_SYNTAX, 7, "hello"},
    {TEXT("250-a\r\n\r\n"), EHLO_E_REPLY_SYNTAX, 7, ""},
    // Limits, one octet or line past them.
    {TEXT("250 aaaaaaaaaaaaaaaaaaa\r\n"), EHLO_E_LINE_TOO_LONG, 24, "250 aaaaaaaaaaaaaaaaaaa"},
    {TEXT("250-a\r\n250 aaaaaaaaaaaaaaaaaaaaaaaaaa"), EHLO_E_LINE_TOO_LONG, 31,
     "250 aaaaaaaaaaaaaaaaaaaa"},
    {TEXT("x aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), EHLO_E_REPLY_SYNTAX, 0,
     "x aaaaaaaaaaaaaaaaaaaaaa"},
    {TEXT("250 aaaaaaaaa\0aaaaaaaaaaaaaaaaaaa"), EHLO_E_REPLY_SYNTAX, 13, "250 aaaaaaaaa"},
    {TEXT("251-a\r\n250 aaaaaaaaaaaaaaaaaaaaaaaaaa"), EHLO_E_REPLY_CODE, 7,
     "250 aaaaaaaaaaaaaaaaaaaa"},
    {TEXT("250-1\r\n250-2\r\n250-3\r\n250-4\r\n250 5\r\n"), EHLO_E_TOO_MANY_LINES, 28, ""},
    {TEXT("250-1\r\n250-2\r\n250-3\r\n250-4\r\nx"), EHLO_E_TOO_MANY_LINES, 28, ""},
    {TEXT("250-aaaaaaaaaaaaaaaaaa\r\n250-aaaaaaaaaaaaaaaaaa\r\n250 aaaaaaaaaaaaa\r\n"),
     EHLO_E_REPLY_TOO_LONG, 64, "250 aaaaaaaaaaaa"},
    // Other protocols.
    {TEXT("HTTP/1.1 400 Bad\r\n"), EHLO_E_REPLY_SYNTAX, 0, "HTTP/1.1 400 Bad"},
    {TEXT("SSH-2.0-OpenSSH\r\n"), EHLO_E_REPLY_SYNTAX, 0, "SSH-2.0-OpenSSH"},
    {TEXT("\x15\x03\x01\x00\x02\x02\n"), EHLO_E_REPLY_SYNTAX, 0, "\x15\x03\x01"},
    {TEXT("* OK IMAP\r\n"), EHLO_E_REPLY_SYNTAX, 0, "* OK IMAP"},
    {TEXT("+OK POP3\r\n"), EHLO_E_REPLY_SYNTAX, 0, "+OK POP3"},
};

Test(reply, errors) {
  for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
    const struct bad_row *row = &bad_rows[i];
    struct stream s = {row->in, row->len, false, false};
    struct result r = run_every_way(row->in, &s, &small);
    cr_assert_eq(r.status, row->status, "[%s] %s", row->in, ehlo_status_name(r.status));
    cr_assert_eq(r.offset, 1000 + row->at, "[%s] @%llu", row->in, (unsigned long long)r.offset);
    cr_assert_str_eq(r.line, row->line, "[%s] line [%s]", row->in, r.line);
    cr_assert(!r.complete);
  }
}

// A reply of just the limit, which ends where its room ends.
Test(reply, reply_at_its_limit) {
  const char *in = "250-aaaaaaaaaaaaaaaaaa\r\n250-aaaaaaaaaaaaaaaaaa\r\n250 aaaaaaaaaa\r\n";
  struct stream s = {in, 64, false, false};
  cr_assert_eq(strlen(in), 64);
  struct result r = run_every_way(in, &s, &small);
  cr_assert_eq(r.status, EHLO_OK);
  cr_assert(r.complete);
  cr_assert_eq(r.used, 64);
}

// What an unfinished line means when the stream ends inside it.
Test(reply, partial_line_at_the_end) {
  static const struct bad_row rows[] = {
      {TEXT(""), EHLO_OK, 0, ""},
      {TEXT("2"), EHLO_OK, 0, "2"},
      {TEXT("250"), EHLO_OK, 0, "250"},
      {TEXT("250 ok"), EHLO_OK, 0, "250 ok"},
      {TEXT("250 ok\r"), EHLO_OK, 0, "250 ok"},
      {TEXT("250\r"), EHLO_OK, 0, "250"},
      {TEXT("250-a\r\n"), EHLO_OK, 0, ""},
      {TEXT("250-a\r\n25"), EHLO_OK, 0, "25"},
      {TEXT("250-a\r\n250 b"), EHLO_OK, 0, "250 b"},
      {TEXT("250-a\r\n251"), EHLO_E_REPLY_CODE, 7, "251"},
      {TEXT("250-a\r\n2x"), EHLO_E_REPLY_SYNTAX, 8, "2x"},
      {TEXT("HTTP"), EHLO_E_REPLY_SYNTAX, 0, "HTTP"},
      {TEXT("9"), EHLO_E_REPLY_SYNTAX, 0, "9"},
      {TEXT("250_"), EHLO_E_REPLY_SYNTAX, 3, "250_"},
      {TEXT("250 a\0b"), EHLO_E_REPLY_SYNTAX, 5, "250 a"},
      {TEXT("250 a\rb"), EHLO_E_REPLY_SYNTAX, 5, "250 a\rb"},
      {TEXT("250 a\r\r"), EHLO_E_REPLY_SYNTAX, 5, "250 a\r"},
      {TEXT("250 ok\r\n"), EHLO_OK, 0, "250 ok"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct stream s = {rows[i].in, rows[i].len, false, true};
    struct result r = run_every_way(rows[i].in, &s, &small);
    cr_assert_eq(r.status, rows[i].status, "[%s] %s", rows[i].in, ehlo_status_name(r.status));
    cr_assert_str_eq(r.line, rows[i].line, "[%s] [%s]", rows[i].in, r.line);
    if (r.status != EHLO_OK) {
      cr_assert_eq(r.offset, 1000 + rows[i].at, "[%s]", rows[i].in);
    }
  }
}

// RFC 4954 §4: the longer limit is for a 334 that answers AUTH, and for nothing else.
Test(reply, challenge_limit) {
  static const struct {
    const char *code;
    bool expected;
    size_t len;
    enum ehlo_status status;
  } rows[] = {
      {"334 ", true, 40, EHLO_OK},
      {"334 ", true, 41, EHLO_E_LINE_TOO_LONG},
      {"334-", true, 40, EHLO_OK},
      {"334 ", false, 24, EHLO_OK},
      {"334 ", false, 25, EHLO_E_LINE_TOO_LONG},
      {"335 ", true, 24, EHLO_OK},
      {"335 ", true, 25, EHLO_E_LINE_TOO_LONG},
      {"235 ", true, 25, EHLO_E_LINE_TOO_LONG},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char in[64];
    memset(in, 'A', sizeof(in));
    memcpy(in, rows[i].code, 4);
    memcpy(in + rows[i].len - 2, "\r\n", 2);
    struct stream s = {in, rows[i].len, rows[i].expected, false};
    struct result r = run_every_way(rows[i].code, &s, &small);
    cr_assert_eq(r.status, rows[i].status, "row %zu: %s", i, ehlo_status_name(r.status));
    cr_assert_eq(r.complete, rows[i].status == EHLO_OK && rows[i].code[3] == ' ');
    if (r.status != EHLO_OK) {
      cr_assert_eq(r.offset, 1000 + rows[i].len - 1);
    }
  }
}

// Replies one after the other: the offset goes on, and nothing of the last one stays.
Test(reply, reset) {
  struct ehlo_reply_parser p;
  uint8_t buf[64];
  const char *in = "250-a\r\n250 b\r\n354 go\r\n25x\r\n";
  size_t used = 0;
  struct ehlo_reply reply;
  ehlo_reply_parser_init(&p, buf, &small);
  cr_assert_eq(feed(&p, &used, in, strlen(in)), EHLO_OK);
  cr_assert_eq(used, 14);
  ehlo_reply_get(&p, &reply);
  cr_assert_eq(reply.num_lines, 2);
  ehlo_reply_reset(&p);
  cr_assert_eq(feed(&p, &used, in + used, strlen(in) - used), EHLO_OK);
  ehlo_reply_get(&p, &reply);
  cr_assert_eq(reply.code, 354);
  cr_assert_eq(reply.num_lines, 1);
  cr_assert_eq(reply.text.len, 8);
  ehlo_reply_reset(&p);
  cr_assert_eq(feed(&p, &used, in + used, strlen(in) - used), EHLO_E_REPLY_SYNTAX);
  cr_assert_eq(p.error_offset, 24);
}

static const struct enhanced_row {
  const char *text;
  uint16_t class;
  uint16_t subject;
  uint16_t detail;
  size_t len;
} enhanced_rows[] = {
    {"2.1.0 ok", 2, 1, 0, 5},
    {"5.7.139 no", 5, 7, 139, 7},
    {"4.999.999", 4, 999, 999, 9},
    {"2.0.0", 2, 0, 0, 5},
    {"2.1.0\tok", 2, 1, 0, 5},
    {"", 0, 0, 0, 0},
    {"2", 0, 0, 0, 0},
    {"2.", 0, 0, 0, 0},
    {"2.1", 0, 0, 0, 0},
    {"2.1.", 0, 0, 0, 0},
    {"2.1. 0", 0, 0, 0, 0},
    {"3.1.0 no such class", 0, 0, 0, 0},
    {"1.1.0", 0, 0, 0, 0},
    {"22.1.0", 0, 0, 0, 0},
    {"02.1.0", 0, 0, 0, 0},
    {"2.1000.0", 0, 0, 0, 0},
    {"2.1.1000", 0, 0, 0, 0},
    {"2.1.0x", 0, 0, 0, 0},
    {"2.1.0.0", 0, 0, 0, 0},
    {"2,1,0", 0, 0, 0, 0},
    {" 2.1.0", 0, 0, 0, 0},
    {"[2.1.0]", 0, 0, 0, 0},
    {"127.0.0.1 is you", 0, 0, 0, 0},
    {"5.4.65536", 0, 0, 0, 0},
};

Test(reply, enhanced_status_codes) {
  for (size_t i = 0; i < sizeof(enhanced_rows) / sizeof(enhanced_rows[0]); i++) {
    const struct enhanced_row *row = &enhanced_rows[i];
    struct ehlo_enhanced e = {9, 9, 9};
    size_t n = strlen(row->text);
    uint8_t *exact = malloc(n + 1);
    memcpy(exact, row->text, n + 1);
    size_t len = ehlo_enhanced_parse(&e, (struct ehlo_span){exact, n});
    free(exact);
    cr_assert_eq(len, row->len, "[%s] %zu", row->text, len);
    cr_assert(e.class_code == row->class && e.subject == row->subject && e.detail == row->detail,
              "[%s] %u.%u.%u", row->text, e.class_code, e.subject, e.detail);
  }
}

static void expect_span(struct ehlo_span span, const char *want) {
  cr_assert(span.len == strlen(want) && memcmp(span.bytes, want, span.len) == 0,
            "[%.*s] instead of [%s]", (int)span.len, (const char *)span.bytes, want);
}

Test(reply, lines) {
  static const struct {
    const char *whole;
    const char *text;
    const char *message;
  } want[] = {
      {"250-2.1.5 fine", "2.1.5 fine", "fine"},
      {"250-", "", ""},
      {"250- 2.1.5 no code", " 2.1.5 no code", " 2.1.5 no code"},
      {"250-2.1.5", "2.1.5", ""},
      {"250-2.1.5  two", "2.1.5  two", "two"},
      {"250", "", ""},
  };
  char text[200];
  size_t len = 0;
  for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\r\n", want[i].whole);
  }
  uint8_t buf[200];
  struct ehlo_reply_limits wide = {100, 100, 200, 20};
  struct ehlo_reply_parser p;
  size_t used = 0;
  ehlo_reply_parser_init(&p, buf, &wide);
  cr_assert_eq(feed(&p, &used, text, len), EHLO_OK);
  struct ehlo_reply reply;
  ehlo_reply_get(&p, &reply);
  cr_assert_eq(reply.enhanced.class_code, 2);
  cr_assert_eq(reply.enhanced.detail, 5);
  struct ehlo_reply_line line;
  size_t pos = 0;
  size_t n = 0;
  for (; ehlo_reply_line(&reply, &pos, &line); n++) {
    expect_span(line.whole, want[n].whole);
    expect_span(line.text, want[n].text);
    expect_span(line.message, want[n].message);
  }
  cr_assert_eq(n, reply.num_lines);
  cr_assert(!ehlo_reply_line(&reply, &pos, &line));
}

// Random streams over the octets that matter: no cut changes anything.
Test(reply, random_streams_at_every_cut) {
  static const char alphabet[] = "22225503- \r\n\r\n\r\na\0x";
  uint32_t seed = 12345;
  for (int round = 0; round < 3000; round++) {
    char in[40];
    size_t len = 1 + (size_t)round % sizeof(in);
    size_t at = 0;
    while (at < len) {
      seed = seed * 1664525U + 1013904223U;
      if (seed >> 29 != 0 && at + 5 < len) {
        const char *piece = (seed >> 20 & 3) != 0 ? "250-\r\n" : "334 x\r";
        memcpy(in + at, piece, 6 < len - at ? 6 : len - at);
        at += 6;
      } else {
        in[at++] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
      }
    }
    struct stream s = {in, len, (round & 1) != 0, (round & 2) != 0};
    run_every_way("random", &s, &small);
  }
}

// What a line comes to that is "250 " and then x but for one octet, and CRLF: read off the grammar.
static struct result plain_line(size_t text_len, size_t at, uint8_t octet) {
  struct result r = {.complete = true, .used = text_len + 6, .num_lines = 1, .code = 250};
  if (octet == '\0' || octet == '\n' || octet == '\r') {
    r = (struct result){.status = EHLO_E_REPLY_SYNTAX, .offset = 1004 + at};
  }
  return r;
}

// Text is looked at many octets at a time: every octet at every place of lines of many lengths, at
// several places in the stream, and behind a line that was right.
Test(reply, every_octet_at_every_place) {
  static const struct ehlo_reply_limits wide = {200, 200, 400, 4};
  static const uint8_t octets[] = {0,  1,  9,  10,  11,  12,  13,  14,
                                   15, 31, 32, 127, 128, 138, 141, 255};
  char in[200];
  for (size_t text_len = 1; text_len <= 80; text_len++) {
    for (size_t at = 0; at < text_len; at++) {
      for (size_t i = 0; i < sizeof(octets); i++) {
        memset(in, 'x', sizeof(in));
        memcpy(in, "250 ", 4);
        in[4 + at] = (char)octets[i];
        memcpy(in + 4 + text_len, "\r\n250 next\r\n", 12);
        struct stream s = {in, text_len + 16, false, false};
        struct result want = plain_line(text_len, at, octets[i]);
        struct result whole = run(&s, &wide, s.len, s.len);
        struct result cut = run(&s, &wide, 5 + at, 1);
        cr_assert_eq(whole.status, want.status, "%zu of %zu: %u", at, text_len, octets[i]);
        cr_assert_eq(whole.offset, want.offset, "%zu of %zu: %u", at, text_len, octets[i]);
        cr_assert_eq(whole.complete, want.complete);
        cr_assert(want.status != EHLO_OK || whole.used == want.used);
        expect_same("one octet", &whole, &cut, 5 + at, 1);
      }
    }
  }
}

// A line that goes beyond its limit, the reply's or the number of lines, within one piece.
Test(reply, limits_within_a_piece) {
  char in[400];
  for (size_t text_len = 1; text_len <= 80; text_len++) {
    size_t line_len = text_len + 6;
    memset(in, 'x', sizeof(in));
    for (size_t i = 0; i < 3; i++) {
      memcpy(in + i * line_len, i < 2 ? "250-" : "250 ", 4);
      memcpy(in + (i + 1) * line_len - 2, "\r\n", 2);
    }
    struct stream s = {in, 3 * line_len, false, false};
    struct ehlo_reply_limits limits = {line_len, line_len, 3 * line_len, 3};
    cr_assert(run_every_way("exact", &s, &limits).complete);
    limits.max_line--;
    struct result r = run_every_way("line", &s, &limits);
    cr_assert_eq(r.status, EHLO_E_LINE_TOO_LONG);
    cr_assert_eq(r.offset, 1000 + line_len - 1);
    limits = (struct ehlo_reply_limits){line_len, line_len, 3 * line_len - 1, 3};
    r = run_every_way("reply", &s, &limits);
    cr_assert_eq(r.status, EHLO_E_REPLY_TOO_LONG);
    cr_assert_eq(r.offset, 1000 + 3 * line_len - 1);
    limits = (struct ehlo_reply_limits){line_len, line_len, 3 * line_len, 2};
    r = run_every_way("lines", &s, &limits);
    cr_assert_eq(r.status, EHLO_E_TOO_MANY_LINES);
    cr_assert_eq(r.offset, 1000 + 2 * line_len);
  }
}
