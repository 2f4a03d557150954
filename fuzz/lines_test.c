// What each operation on lines yields, on every seed of a row: what it says, and nothing else.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/lines.h"

#define SEEDS 400
#define SESSION                                                                                   \
  "M7\nS220 mail.example\nCEHLO c\nS250-mail.example\nS250 SIZE 1000\nCMAIL FROM:<a@b>\ns25\nS0 " \
  "ok\n"

static struct ehlo_fuzz_lines before;
static struct ehlo_fuzz_lines after;

static size_t find(const char *name) {
  size_t i = 0;
  while (strcmp(ehlo_fuzz_operations[i].name, name) != 0) {
    cr_assert_lt(++i, ehlo_fuzz_num_operations, "no operation %s", name);
  }
  return i;
}

// Does it to the session above; false where it has found nothing to do.
static bool operate(const char *name, uint32_t seed) {
  const uint8_t *text = (const uint8_t *)SESSION;
  ehlo_fuzz_lines_read(&before, &ehlo_fuzz_session_dialect, text, strlen(SESSION), 0);
  ehlo_fuzz_lines_read(&after, &ehlo_fuzz_session_dialect, text, strlen(SESSION), seed);
  return ehlo_fuzz_operations[find(name)].run(&after);
}

static bool same(struct ehlo_span a, struct ehlo_span b) {
  return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static size_t times_in(const struct ehlo_fuzz_lines *l, struct ehlo_span line) {
  size_t num = 0;
  for (size_t i = 0; i < l->num; i++) {
    num += same(l->lines[i], line);
  }
  return num;
}

// The only line that differs, with as many lines as before.
static size_t changed_line(void) {
  size_t found = SIZE_MAX;
  cr_assert_eq(after.num, before.num);
  for (size_t i = 0; i < after.num; i++) {
    if (!same(after.lines[i], before.lines[i])) {
      cr_assert_eq(found, SIZE_MAX, "two lines differ");
      found = i;
    }
  }
  return found;
}

// What the server says in all, without its line ends.
static size_t server_octets(const struct ehlo_fuzz_lines *l, char *out) {
  size_t len = 0;
  for (size_t i = 0; i < l->num; i++) {
    size_t at = ehlo_fuzz_lines_server_text(l, l->lines[i]);
    for (; at < l->lines[i].len; at++) {
      out[len++] = (char)l->lines[i].bytes[at];
    }
  }
  return len;
}

Test(lines, reading_and_writing_give_the_same) {
  uint8_t out[200];
  operate("cut", 0);
  size_t len = ehlo_fuzz_lines_write(&before, out, sizeof(out));
  cr_assert_eq(len, strlen(SESSION));
  cr_expect_arr_eq(out, SESSION, len);
  cr_expect_eq(ehlo_fuzz_lines_write(&before, out, 12), 3, "no line is cut");
  cr_expect_eq(ehlo_fuzz_lines_write(&before, out, 21), 21);
  cr_expect_eq(ehlo_fuzz_lines_write(&before, out, 1), 0);
}

Test(lines, where_the_servers_text_begins) {
  operate("cut", 0);
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("S250 x")), 1);
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("s2")), 1);
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("CEHLO c")), SIZE_MAX);
  before.dialect = &ehlo_fuzz_transcript_dialect;
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("S: 250 x")), 3);
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("+1.5  S: 250")), 9);
  cr_expect_eq(ehlo_fuzz_lines_server_text(&before, ehlo_str("C: S: ")), SIZE_MAX);
}

Test(lines, cut_takes_lines_out) {
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    cr_assert(operate("cut", seed));
    size_t at = 0;
    cr_assert_lt(after.num, before.num);
    for (size_t i = 0; i < before.num && at < after.num; i++) {
      at += same(before.lines[i], after.lines[at]);
    }
    cr_assert_eq(at, after.num, "in their order");
  }
}

Test(lines, repeat_and_copy_put_lines_in_that_are_there) {
  static const char *const names[] = {"repeat", "copy"};
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    cr_assert(operate(names[seed % 2], seed));
    cr_assert_gt(after.num, before.num);
    for (size_t i = 0; i < after.num; i++) {
      cr_assert_geq(times_in(&before, after.lines[i]), 1);
      cr_assert_geq(times_in(&after, after.lines[i]), times_in(&before, after.lines[i]));
    }
  }
}

Test(lines, move_and_swap_keep_every_line) {
  static const char *const names[] = {"move", "swap"};
  size_t num_moved = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    operate(names[seed % 2], seed);
    cr_assert_eq(after.num, before.num);
    for (size_t i = 0; i < after.num; i++) {
      cr_assert_eq(times_in(&after, before.lines[i]), times_in(&before, before.lines[i]));
      num_moved += !same(after.lines[i], before.lines[i]);
    }
  }
  cr_expect_gt(num_moved, SEEDS);
}

Test(lines, split_and_join_leave_what_the_server_says) {
  static const char *const names[] = {"split", "join"};
  size_t num_done[2] = {0, 0};
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    char a[200];
    char b[200];
    bool done = operate(names[seed % 2], seed);
    size_t len = server_octets(&before, a);
    cr_assert_eq(server_octets(&after, b), len);
    cr_assert_arr_eq(a, b, len);
    cr_assert(!done || after.num == before.num + (seed % 2 == 0 ? 1 : -1));
    num_done[seed % 2] += done;
  }
  cr_expect_gt(num_done[0], SEEDS / 4);
  cr_expect_gt(num_done[1], 0);
}

Test(lines, code_changes_three_octets) {
  size_t num_done = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    size_t i = operate("code", seed) ? changed_line() : SIZE_MAX;
    if (i != SIZE_MAX) {
      cr_assert_eq(after.lines[i].len, before.lines[i].len);
      cr_assert_eq(after.lines[i].bytes[0], before.lines[i].bytes[0]);
      size_t rest = after.lines[i].len - 4;
      cr_assert_arr_eq(after.lines[i].bytes + 4, before.lines[i].bytes + 4, rest);
      num_done++;
    }
  }
  cr_expect_gt(num_done, SEEDS / 2);
}

Test(lines, continuation_changes_one_octet) {
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    size_t i = operate("continuation", seed) ? changed_line() : SIZE_MAX;
    if (i != SIZE_MAX) {
      uint8_t was = before.lines[i].bytes[4];
      cr_assert_eq(after.lines[i].bytes[4], was == '-' ? ' ' : '-');
    }
  }
}

Test(lines, replies_change_places) {
  size_t num_done = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    char a[200];
    char b[200];
    bool done = operate("swap-replies", seed);
    size_t len = server_octets(&before, a);
    cr_assert_eq(server_octets(&after, b), len);
    num_done += done && memcmp(a, b, len) != 0;
    cr_assert(same(before.lines[2], after.lines[2]), "no command is touched");
  }
  cr_expect_gt(num_done, SEEDS / 2);
}

Test(lines, exchange_is_a_command_and_a_reply) {
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    cr_assert(operate("exchange", seed));
    cr_assert_eq(after.num, before.num + 2);
    size_t i = 0;
    while (i < before.num && same(after.lines[i], before.lines[i])) {
      i++;
    }
    cr_assert_not_null(memchr("WCRr*.", after.lines[i].bytes[0], 6));
    cr_assert_eq(after.lines[i + 1].bytes[0], 'S');
  }
}

Test(lines, stretch_ends_beside_a_limit) {
  size_t num_at_limit = 0;
  for (uint32_t seed = 0; seed < 8 * SEEDS; seed++) {
    size_t i = operate("stretch", seed) ? changed_line() : SIZE_MAX;
    size_t len = 0;
    for (size_t k = 0; i != SIZE_MAX && k < after.lines[i].len; k++) {
      uint8_t c = after.lines[i].bytes[k];
      len += c == 0x1c ? 60 : c == 0x1d ? 1000 : 1;
    }
    cr_assert_leq(len, 16384 + 40);
    num_at_limit += len >= EHLO_REPLY_LINE_MAX - 4 && len <= EHLO_REPLY_LINE_MAX;
  }
  cr_expect_gt(num_at_limit, SEEDS / 40);
}

Test(lines, number_and_octet_and_word_change_one_line) {
  static const char *const names[] = {"number", "octet", "word"};
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    size_t i = operate(names[seed % 3], seed) ? changed_line() : SIZE_MAX;
    cr_assert(i == SIZE_MAX || memchr(after.lines[i].bytes, '\n', after.lines[i].len) == NULL);
  }
}

Test(lines, settings_change_by_one_bit) {
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    cr_assert(operate("settings", seed));
    unsigned bits = (unsigned)(before.header[0] ^ after.header[0]) |
                    (unsigned)(before.header[1] ^ after.header[1]);
    cr_assert(bits != 0 && (bits & (bits - 1)) == 0);
    cr_assert_eq(changed_line(), SIZE_MAX);
  }
}

Test(lines, splice_takes_of_both) {
  static struct ehlo_fuzz_lines other;
  static const char theirs[] = "..S554 theirs\nCQUIT\nS221 theirs\n";
  size_t num_mixed = 0;
  for (uint32_t seed = 0; seed < SEEDS; seed++) {
    operate("settings", seed);
    ehlo_fuzz_lines_read(&other, &ehlo_fuzz_session_dialect, (const uint8_t *)theirs,
                         strlen(theirs), seed);
    ehlo_fuzz_lines_splice(&after, &other);
    size_t ours = 0;
    for (size_t i = 0; i < after.num; i++) {
      ours += times_in(&before, after.lines[i]) > 0;
    }
    num_mixed += ours > 0 && ours < after.num;
  }
  cr_expect_gt(num_mixed, SEEDS / 2);
}

// ---- Whatever the input -----------------------------------------------------------------------------

static size_t make_input(uint8_t *out, uint32_t seed) {
  size_t len = seed % 600;
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1664525 + 1013904223;
    out[i] = seed % 7 == 0 ? '\n' : seed % 5 == 0 ? 'S' : (uint8_t)(seed >> 24);
  }
  return len;
}

static size_t mutate(const struct ehlo_fuzz_dialect *d, uint32_t seed, uint8_t *out, size_t max) {
  uint8_t input[600];
  size_t len = make_input(input, seed);
  ehlo_fuzz_lines_read(&after, d, input, len, seed);
  for (size_t i = 0; i < ehlo_fuzz_num_operations; i++) {
    ehlo_fuzz_operations[(i + seed) % ehlo_fuzz_num_operations].run(&after);
  }
  for (int i = 0; i < 8; i++) {
    ehlo_fuzz_lines_operate(&after);
  }
  return ehlo_fuzz_lines_write(&after, out, max);
}

Test(lines, any_input_ends_within_bounds_and_the_same_each_time) {
  static const struct ehlo_fuzz_dialect *const dialects[] = {
      &ehlo_fuzz_session_dialect, &ehlo_fuzz_transcript_dialect, &ehlo_fuzz_auth_dialect};
  for (uint32_t seed = 0; seed < 3 * SEEDS; seed++) {
    size_t max = seed % 5 == 0 ? seed % 50 : 4096;
    uint8_t *a = malloc(max);
    uint8_t *b = malloc(max);
    size_t len = mutate(dialects[seed % 3], seed, a, max);
    cr_assert_leq(len, max);
    cr_assert_eq(mutate(dialects[seed % 3], seed, b, max), len);
    cr_assert(len == 0 || memcmp(a, b, len) == 0);
    free(a);
    free(b);
  }
}

// However often, room for lines is bounded, and so is their number.
Test(lines, what_finds_no_room_is_left_out) {
  uint8_t out[100];
  operate("settings", 1);
  for (int i = 0; i < 20000; i++) {
    ehlo_fuzz_lines_operate(&after);
    cr_assert_leq(after.num, EHLO_FUZZ_LINES_MAX);
    cr_assert_leq(after.room_used, EHLO_FUZZ_LINES_ROOM);
  }
  cr_expect_leq(ehlo_fuzz_lines_write(&after, out, sizeof(out)), sizeof(out));
}
