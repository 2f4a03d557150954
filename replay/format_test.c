// The examples of FORMAT.md are what it says they are: transcripts that replay as they say.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/replay.h"

static char text[65536];

static void read_specification(void) {
  FILE *f = fopen("replay/FORMAT.md", "rb");
  cr_assert_not_null(f, "replay/FORMAT.md is not there");
  size_t len = fread(text, 1, sizeof(text), f);
  cr_assert_lt(len, sizeof(text));
  text[len] = '\0';
  fclose(f);
}

struct source {
  const char *at;
  const char *end;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t left = (size_t)(s->end - s->at);
  size_t n = left < cap ? left : cap;
  memcpy(buf, s->at, n);
  s->at += n;
  return (long)n;
}

static void replay_example(const char *begin, const char *end) {
  static const struct ehlo_replay_options options;
  struct source source = {begin, end};
  struct ehlo_replay_result r;
  ehlo_replay_run(&r, give, &source, &options);
  const struct ehlo_divergence *d = &r.divergence;
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu:%zu: %s\nexpected %s, got %s\n%.*s",
               r.verdict == EHLO_REPLAY_BAD ? r.error.line : d->line,
               r.verdict == EHLO_REPLAY_BAD ? r.error.column : d->column,
               r.verdict == EHLO_REPLAY_BAD ? r.error.message : "", d->expected, d->got,
               (int)(end - begin), begin);
  cr_expect_gt(r.num_events, 0);
}

Test(format, its_examples_replay) {
  static const char fence[] = "```\n";
  size_t num = 0;
  read_specification();
  for (const char *at = text; (at = strstr(at, fence)) != NULL;) {
    const char *begin = at + sizeof(fence) - 1;
    const char *end = strstr(begin, fence);
    cr_assert_not_null(end);
    if (strncmp(begin, "transcript ", 11) != 0) {  // the grammar is none
      replay_example(begin, end);
      num++;
    }
    at = end + sizeof(fence) - 1;
  }
  cr_expect_geq(num, 5, "%zu examples", num);
}
