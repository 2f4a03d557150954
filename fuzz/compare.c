// Whatever two transcripts are: a session compared with itself is the same, sessions that are the same
// one way are so the other way, and what is told does not depend on the sizes of reads. The input is
// both, parted by a line "---"; without one it is A and B is empty.
#include "replay/compare/compare.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define GOAL_KIND 8

enum goal { GOAL_SAME, GOAL_DIFFER, GOAL_BAD_A, GOAL_BAD_B };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_SAME] = "sessions that are the same",
    [GOAL_DIFFER] = "sessions that differ",
    [GOAL_BAD_A] = "A is no transcript",
    [GOAL_BAD_B] = "B is no transcript",
    [GOAL_KIND + EHLO_DIFFERENCE_CONNECT] = "another end of connecting",
    [GOAL_KIND + EHLO_DIFFERENCE_SETTING] = "another setting",
    [GOAL_KIND + EHLO_DIFFERENCE_CAPABILITY] = "another capability",
    [GOAL_KIND + EHLO_DIFFERENCE_MECHANISM] = "another mechanism",
    [GOAL_KIND + EHLO_DIFFERENCE_TLS] = "another TLS",
    [GOAL_KIND + EHLO_DIFFERENCE_COMMAND] = "another command",
    [GOAL_KIND + EHLO_DIFFERENCE_REPLY] = "another reply",
    [GOAL_KIND + EHLO_DIFFERENCE_MESSAGE] = "another message",
    [GOAL_KIND + EHLO_DIFFERENCE_END] = "another end",
    [GOAL_KIND + EHLO_DIFFERENCE_OUTCOME] = "another outcome",
    [GOAL_KIND + EHLO_DIFFERENCE_TIMING] = "another time",
    [GOAL_KIND + EHLO_DIFFERENCE_CUTS] = "other cuts",
    [GOAL_KIND + EHLO_DIFFERENCE_TEXT] = "other words",
};

struct text {
  const uint8_t *bytes;
  size_t len;
};

struct source {
  struct text left;
  struct ehlo_fuzz_cuts cuts;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = ehlo_fuzz_next_cut(&s->cuts, s->left.len < cap ? s->left.len : cap);
  if (n > 0) {
    memcpy(buf, s->left.bytes, n);
    s->left = (struct text){s->left.bytes + n, s->left.len - n};
  }
  return (long)n;
}

static void expect_printable(const char *text) {
  for (; *text != '\0'; text++) {
    EHLO_FUZZ_CHECK(*text >= ' ' && *text <= '~');
  }
}

static void judge(const struct ehlo_comparison *r) {
  size_t matter = 0;
  for (size_t i = 0; i < r->num; i++) {
    const struct ehlo_difference *d = &r->differences[i];
    EHLO_FUZZ_CHECK(d->sentence[0] != '\0' && d->stage != NULL);
    expect_printable(d->sentence);
    expect_printable(d->a);
    expect_printable(d->b);
    EHLO_FUZZ_CHECK(i == 0 || r->differences[i - 1].matters || !d->matters);
    matter += d->matters;
    ehlo_fuzz_reach(GOAL_KIND + d->kind);
  }
  EHLO_FUZZ_CHECK(r->num_untold > 0 || matter == r->num_matter);
}

static enum ehlo_compare_status compare(struct ehlo_comparison *out,
                                        struct ehlo_transcript_error *error, struct text a,
                                        struct text b, struct ehlo_fuzz_cuts cuts) {
  struct source sa = {a, cuts};
  struct source sb = {b, cuts};
  enum ehlo_compare_status status =
      ehlo_compare(out, error, give, &sa, give, &sb, &(struct ehlo_compare_options){.cuts = true});
  EHLO_FUZZ_CHECK(status == EHLO_COMPARE_OK || status == EHLO_COMPARE_BAD_A ||
                  status == EHLO_COMPARE_BAD_B);
  EHLO_FUZZ_CHECK(status == EHLO_COMPARE_OK ||
                  (error->message != NULL && error->line > 0 && error->column > 0));
  if (status == EHLO_COMPARE_OK) {
    judge(out);
  }
  return status;
}

static void expect_same(const struct ehlo_comparison *a, const struct ehlo_comparison *b) {
  EHLO_FUZZ_CHECK(a->num == b->num && a->num_matter == b->num_matter);
  for (size_t i = 0; i < a->num; i++) {
    EHLO_FUZZ_CHECK(strcmp(a->differences[i].sentence, b->differences[i].sentence) == 0);
  }
}

static void compare_with_itself(struct text text) {
  struct ehlo_comparison r;
  struct ehlo_transcript_error error;
  if (compare(&r, &error, text, text, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0}) ==
      EHLO_COMPARE_OK) {
    EHLO_FUZZ_CHECK(r.num == 0 && r.num_untold == 0);
    ehlo_comparison_free(&r);
  }
}

static void compare_both_ways(struct text a, struct text b) {
  struct ehlo_comparison whole;
  struct ehlo_comparison other;
  struct ehlo_transcript_error error;
  struct ehlo_fuzz_cuts uncut = {EHLO_FUZZ_WHOLE, 0};
  struct ehlo_fuzz_cuts pieces = {EHLO_FUZZ_PIECES, (uint32_t)a.len};
  enum ehlo_compare_status status = compare(&whole, &error, a, b, uncut);
  struct ehlo_transcript_error again = error;
  EHLO_FUZZ_CHECK(compare(&other, &again, a, b, pieces) == status);
  if (status != EHLO_COMPARE_OK) {
    EHLO_FUZZ_CHECK(again.line == error.line && again.column == error.column);
    ehlo_fuzz_reach(status == EHLO_COMPARE_BAD_A ? GOAL_BAD_A : GOAL_BAD_B);
    return;
  }
  expect_same(&whole, &other);
  ehlo_comparison_free(&other);
  EHLO_FUZZ_CHECK(compare(&other, &error, b, a, uncut) == EHLO_COMPARE_OK);
  EHLO_FUZZ_CHECK((other.num == 0) == (whole.num == 0));
  ehlo_fuzz_reach(whole.num == 0 ? GOAL_SAME : GOAL_DIFFER);
  ehlo_comparison_free(&other);
  ehlo_comparison_free(&whole);
}

// Where the line that parts the two begins; `len` if there is none.
static size_t find_parting(const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at + 4 <= len; at++) {
    if ((at == 0 || bytes[at - 1] == '\n') && memcmp(bytes + at, "---\n", 4) == 0) {
      return at;
    }
  }
  return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t parting = find_parting(data, size);
  size_t b_at = parting < size ? parting + 4 : size;
  struct text a = {ehlo_fuzz_copy(data, parting), parting};
  struct text b = {ehlo_fuzz_copy(data + b_at, size - b_at), size - b_at};
  compare_with_itself(a);
  compare_with_itself(b);
  compare_both_ways(a, b);
  free((void *)(uintptr_t)a.bytes);
  free((void *)(uintptr_t)b.bytes);
  return 0;
}
