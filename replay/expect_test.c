// What the client is expected to send: every cut of it is taken, every other byte is refused with its
// place, and the digest gets each byte with the time of its line.
#include "replay/expect.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct ehlo_expect expect;

// ---- Lines --------------------------------------------------------------------------------------

struct text {
  const char *text;
  size_t pos;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text *t = arg;
  size_t left = strlen(t->text) - t->pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, t->text + t->pos, n);
  t->pos += n;
  return (long)n;
}

// Adds the lines of a transcript; `digest` gets what they say.
static void add_lines(struct ehlo_digest *digest, const char *lines) {
  static struct ehlo_reader reader;
  struct text source = {lines, 0};
  struct ehlo_item item;
  uint64_t time_us = 0;
  ehlo_reader_init(&reader, read_text, &source);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    time_us += item.has_time ? item.delta_us : 0;
    cr_assert(ehlo_expect_add(&expect, &item, time_us));
    ehlo_digest_item(digest, time_us, &item);
  }
  cr_assert_null(reader.error.message);
}

static struct ehlo_output output(const char *text, size_t len, unsigned flags) {
  return (struct ehlo_output){{(const uint8_t *)text, len}, flags};
}

// ---- Matching -----------------------------------------------------------------------------------

static const char lines[] =
    "+0.5 C: EHLO a.ex\\\n+0.25 C: ample\n C:\n+1 C: a\\\\b\\x00\\r\\\nC: \\n\n"
    "C: AUTH \\{secret}\n+1 C: \\{secret}\\{secret}x\n";
static const char before[] = "EHLO a.example\r\n\r\na\\b\0\r\n\r\nAUTH ";
static const char after[] = "x\r\n";

static void send(const char *bytes, size_t len, size_t piece, struct ehlo_digest *digest) {
  for (size_t at = 0; at < len;) {
    size_t n = len - at < piece ? len - at : piece;
    size_t taken;
    struct ehlo_output out = output(bytes + at, n, 0);
    cr_assert(ehlo_expect_match(&expect, &taken, &out, digest));
    cr_assert(taken > 0 && taken <= n);
    at += taken;
  }
}

static void send_secret(struct ehlo_digest *digest) {
  size_t taken;
  struct ehlo_output out = output("abcdef", 6, EHLO_OUTPUT_SECRET);
  cr_assert(ehlo_expect_match(&expect, &taken, &out, digest));
  cr_assert_eq(taken, 6);
}

Test(expect, takes_every_cut) {
  for (size_t piece = 1; piece < sizeof(before) + 5; piece++) {
    struct ehlo_digest wanted;
    struct ehlo_digest got;
    ehlo_digest_init(&wanted);
    ehlo_digest_init(&got);
    ehlo_expect_init(&expect);
    cr_assert(ehlo_expect_is_empty(&expect));
    add_lines(&wanted, lines);
    send(before, sizeof(before) - 1, piece, &got);
    send_secret(&got);
    send("\r\n", 2, piece, &got);
    send_secret(&got);
    send_secret(&got);
    send(after, sizeof(after) - 1, piece, &got);
    cr_assert(ehlo_expect_is_empty(&expect));
    cr_assert_eq(ehlo_digest_value(&got), ehlo_digest_value(&wanted), "pieces of %zu", piece);
  }
}

// A secret whose first part was taken before is expected no more.
Test(expect, takes_the_rest_of_a_secret) {
  struct ehlo_digest unused;
  size_t taken;
  ehlo_digest_init(&unused);
  ehlo_expect_init(&expect);
  add_lines(&unused, "C: \\{secret}\n");
  send_secret(&unused);
  struct ehlo_output rest = output("gh", 2, EHLO_OUTPUT_SECRET | EHLO_OUTPUT_CONTINUED);
  cr_expect(ehlo_expect_match(&expect, &taken, &rest, &unused) && taken == 2);
  send("\r\n", 2, 2, &unused);
  cr_expect(ehlo_expect_is_empty(&expect));
}

static const struct {
  const char *lines;
  const char *sent;
  unsigned flags;
  size_t same;  // bytes of `sent` that are as expected
  size_t line;
  size_t column;
  const char *expected;
} different_rows[] = {
    {"C: EHLO a\n", "EHLO b\r\n", 0, 5, 1, 9, "\"a\\r\\n\""},
    {"C: EHLO a\n", "EHLO ab\r\n", 0, 6, 1, 10, "\"\\r\\n\""},
    {"C: EHLO a\n", "EHLO a\n", 0, 6, 1, 10, "\"\\r\\n\""},
    {"C: EHLO a\n", "EHLO a\r\r", 0, 7, 1, 10, "\"\\n\""},
    {"+1 C: \\x41\\x42c\n", "ABd", 0, 2, 1, 15, "\"c\\r\\n\""},
    {"+1 C: \\x41\\x42c\n", "AC", 0, 1, 1, 11, "\"Bc\\r\\n\""},
    {"C: a\\\nC: b\nC: c\n", "ax", 0, 1, 2, 4, "\"b\\r\\n\""},
    {"C: a\nC: b\n", "a\r\nc", 0, 3, 2, 4, "\"b\\r\\n\""},
    {"C: \\{secret}\n", "a", 0, 0, 1, 4, "a secret"},
    {"C: a\\{secret}\n", "a", EHLO_OUTPUT_SECRET, 0, 1, 4, "\"a\""},
    // What goes for a program that is not ours goes for no other.
    {"C: abc\n", "a\r\n", 0, 1, 1, 5, "\"bc\\r\\n\""},
    {"C: a\\x07\n", "a?\r\n", 0, 1, 1, 5, "\"\\x07\\r\\n\""},
    {"C: a\\n\n", "a\r\n", 0, 1, 1, 5, "\"\\n\""},
};

Test(expect, refuses_what_differs_and_says_where) {
  for (size_t i = 0; i < NUM(different_rows); i++) {
    struct ehlo_digest unused;
    size_t same;
    char expected[200];
    const char *sent = different_rows[i].sent;
    ehlo_digest_init(&unused);
    ehlo_expect_init(&expect);
    add_lines(&unused, different_rows[i].lines);
    struct ehlo_output out = output(sent, strlen(sent), different_rows[i].flags);
    cr_expect_not(ehlo_expect_match(&expect, &same, &out, &unused), "%zu", i);
    cr_expect_eq(same, different_rows[i].same, "%zu: %zu", i, same);
    struct ehlo_place place = ehlo_expect_place(&expect);
    cr_expect(place.line == different_rows[i].line && place.column == different_rows[i].column,
              "%zu: %zu:%zu", i, place.line, place.column);
    ehlo_expect_describe(&expect, expected);
    cr_expect_str_eq(expected, different_rows[i].expected, "%zu: %s", i, expected);
  }
}

Test(expect, shortens_what_it_describes) {
  char line[400] = "C: ";
  char expected[200];
  struct ehlo_digest unused;
  ehlo_digest_init(&unused);
  memset(line + 3, 'a', 300);
  ehlo_expect_init(&expect);
  add_lines(&unused, line);
  ehlo_expect_describe(&expect, expected);
  cr_expect(strlen(expected) > 180 && strlen(expected) < 200, "%zu", strlen(expected));
}

// ---- Replacing ----------------------------------------------------------------------------------

static uint64_t hash_of(const char *transcript) {
  struct ehlo_digest d;
  ehlo_digest_init(&d);
  ehlo_expect_init(&expect);
  add_lines(&d, transcript);
  return ehlo_digest_value(&d);
}

static const struct {
  const char *lines;  // expected
  const char *sent;
  unsigned flags;
  const char *as;  // the digest is that of these
  bool empty;      // nothing is expected afterwards
} replace_rows[] = {
    {"+1 C: EHLO a\n", "EHLO b\r\n", 0, "+1 C: EHLO b\n", true},
    {"+1 C: ab\\\n+1 C: cd\n", "wxyz\r\n", 0, "+1 C: wx\\\n+1 C: yz\n", true},
    {"+1 C: a\n", "abcdef\r\n", 0, "+1 C: abc\\\n+8 C: def\n", true},
    {"+1 C: abcdef\n", "a\r\n", 0, "+1 C: a\n", false},
    {"+1 C: \\{secret}\n", "xyz", EHLO_OUTPUT_SECRET, "+1 C: \\{secret}\\\n", false},
    {"+1 C: b\n", "xyz", EHLO_OUTPUT_SECRET, "+9 C: \\{secret}\\\n", false},
    {"+1 C: b\n", "xyz", EHLO_OUTPUT_SECRET | EHLO_OUTPUT_CONTINUED, "", false},
    {"+1 C: \\{secret}b\n", "wxyz", 0, "+1 C: wxy\\\n+8 C: z\\\n", true},
};

Test(expect, replaces_bytes_and_keeps_times) {
  for (size_t i = 0; i < NUM(replace_rows); i++) {
    uint64_t wanted = hash_of(replace_rows[i].as);
    struct ehlo_digest d;
    ehlo_digest_init(&d);
    ehlo_expect_init(&expect);
    struct ehlo_digest unused = d;
    add_lines(&unused, replace_rows[i].lines);
    const char *sent = replace_rows[i].sent;
    struct ehlo_output out = output(sent, strlen(sent), replace_rows[i].flags);
    ehlo_expect_replace(&expect, &out, &d, 9000000);
    cr_expect_eq(ehlo_digest_value(&d), wanted, "%zu", i);
    cr_expect_eq(ehlo_expect_is_empty(&expect), replace_rows[i].empty, "%zu", i);
  }
}

// ---- Half a line end ----------------------------------------------------------------------------

static const struct {
  const char *lines;
  bool dropped;
} half_rows[] = {
    {"C: \\r\\\n", true},
    {"C: .\\\n", true},
    {"C: .\\r\\\n", true},
    {"C: .\n", false},
    {"C: a\\\n", false},
    {"C: ..\\r\\\n", false},
    {"C: \\{secret}\\\n", false},
    {"C:\n", false},
    {"C: .\\\n+1 C: \\r\\\n", true},
};

Test(expect, drops_half_a_line_end) {
  for (size_t i = 0; i < NUM(half_rows); i++) {
    struct ehlo_digest d;
    ehlo_digest_init(&d);
    uint64_t nothing = ehlo_digest_value(&d);
    uint64_t wanted = hash_of(half_rows[i].lines);
    ehlo_expect_drop_half_line_end(&expect, &d);
    cr_expect_eq(ehlo_expect_is_empty(&expect), half_rows[i].dropped, "%zu", i);
    cr_expect_eq(ehlo_digest_value(&d), half_rows[i].dropped ? wanted : nothing, "%zu", i);
  }
}

// ---- Room ---------------------------------------------------------------------------------------

// What was sent makes room, and no more is taken than fits.
Test(expect, is_full_at_its_limit_and_not_before) {
  static char text[EHLO_TRANSCRIPT_LINE_MAX + 1];
  struct ehlo_item item = {.type = EHLO_ITEM_CLIENT,
                           .text = text,
                           .text_len = 1000,
                           .line = 1,
                           .column = 4,
                           .ends_line = true};
  struct ehlo_digest unused;
  ehlo_digest_init(&unused);
  memset(text, 'a', sizeof(text) - 1);
  ehlo_expect_init(&expect);
  size_t num = 0;
  while (ehlo_expect_add(&expect, &item, 0)) {
    num++;
  }
  cr_expect_geq(num, EHLO_EXPECT_MAX / 1032);
  for (int i = 0; i < 1000; i++) {
    send(text, 1000, 300, &unused);
    send("\r\n", 2, 1, &unused);
    cr_assert(ehlo_expect_add(&expect, &item, 0), "%d", i);
    cr_assert_not(ehlo_expect_add(&expect, &item, 0), "%d", i);
  }
}
