// One direction put together: the same octets whatever the order, the overlaps and the repetitions, and what
// is missing told.
#include "tools/capture/stream.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct stream s;
static uint8_t got[1 << 22];
static size_t got_len;
static size_t missing;

static void on_bytes(void *arg, const uint8_t *bytes, size_t len) {
  (void)arg;
  cr_assert(len <= sizeof(got) - got_len);
  memcpy(got + got_len, bytes, len);
  got_len += len;
}

static void on_missing(void *arg, size_t len) {
  (void)arg;
  missing += len;
}

static void begin(uint32_t seq) {
  stream_init(&s, on_bytes, on_missing, NULL);
  stream_begin(&s, seq);
  got_len = 0;
  missing = 0;
}

static void add(uint32_t seq, const char *text) {
  cr_assert(stream_add(&s, seq, (const uint8_t *)text, strlen(text)));
}

static void expect(const char *text, size_t missing_len) {
  cr_expect(got_len == strlen(text) && memcmp(got, text, got_len) == 0, "%.*s", (int)got_len, got);
  cr_expect_eq(missing, missing_len);
}

Test(stream, in_order) {
  begin(100);
  add(100, "abc");
  add(103, "def");
  expect("abcdef", 0);
}

Test(stream, out_of_order_and_again) {
  begin(100);
  add(106, "ghi");
  add(103, "def");
  add(106, "ghi");
  expect("", 0);
  add(100, "abc");
  expect("abcdefghi", 0);
  add(100, "abcdefghi");
  add(104, "ef");
  expect("abcdefghi", 0);
  stream_free(&s);
}

Test(stream, overlaps) {
  begin(0);
  add(2, "cdef");
  add(4, "efgh");
  add(0, "abc");
  add(6, "ghij");
  expect("abcdefghij", 0);
  stream_free(&s);
}

Test(stream, past_the_highest_number) {
  begin(UINT32_MAX - 1);
  add(1, "def");
  add(UINT32_MAX - 1, "abc");
  expect("abcdef", 0);
}

Test(stream, every_order_of_four_pieces) {
  static const char text[] = "abcdefghijkl";
  for (unsigned order = 0; order < 256; order++) {
    begin(UINT32_MAX - 5);
    unsigned seen = 0;
    for (unsigned i = 0; i < 4; i++) {
      unsigned which = order >> (2 * i) & 3;
      char piece[5] = "";
      // Each overlaps the one behind it by one octet.
      memcpy(piece, text + 3 * which, which < 3 ? 4 : 3);
      add(UINT32_MAX - 5 + 3 * which, piece);
      seen |= 1u << which;
    }
    if (seen == 15) {
      expect(text, 0);
    }
    stream_free(&s);
  }
}

Test(stream, what_was_acknowledged_is_missing) {
  begin(0);
  add(0, "abc");
  add(6, "ghi");
  stream_acknowledged(&s, 3);
  expect("abc", 0);
  stream_acknowledged(&s, 9);
  expect("abcghi", 3);
  stream_acknowledged(&s, 12);
  expect("abcghi", 6);
  add(9, "late");
  expect("abcghie", 6);
}

Test(stream, the_end) {
  begin(0);
  add(0, "abc");
  cr_expect(!stream_is_over(&s));
  stream_end_at(&s, 5);
  cr_expect(!stream_is_over(&s));
  stream_acknowledged(&s, 6);  // the FIN counts as one
  expect("abc", 2);
  cr_expect(stream_is_over(&s));
}

Test(stream, finish_gives_what_waits) {
  begin(0);
  add(2, "cd");
  add(6, "gh");
  stream_end_at(&s, 10);
  stream_finish(&s);
  expect("cdgh", 6);
  cr_expect_eq(s.num_pieces, 0);
}

Test(stream, begins_with_what_comes_first) {
  stream_init(&s, on_bytes, on_missing, NULL);
  got_len = 0;
  missing = 0;
  add(1234, "abc");
  expect("abc", 0);
}

// What waits is bounded in pieces and in octets; what was waited for is given up then.
Test(stream, bounds) {
  static uint8_t big[1 << 16];
  begin(0);
  for (uint32_t i = 0; i < STREAM_PIECES_MAX + 10; i++) {
    add(10 + 2 * i, "x");
    cr_assert(s.num_pieces <= STREAM_PIECES_MAX);
  }
  cr_expect(missing > 0);
  stream_free(&s);
  begin(0);
  for (uint32_t i = 0; i < 40; i++) {
    stream_add(&s, 10 + i * (sizeof(big) + 1), big, sizeof(big));
    cr_assert(s.ahead <= STREAM_AHEAD_MAX);
  }
  cr_expect(missing >= 10);
  stream_finish(&s);
  cr_expect_eq(got_len + missing, 10 + 40 * (sizeof(big) + 1) - 1);
}
