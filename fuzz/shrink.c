// Any bytes at all may be shrunk: what comes out of a transcript is one that comes to the same end, it
// is no longer than what went in, and no secret more is in it than there was.
#include "replay/shrink/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define REPLAYS_MAX 60

enum goal { GOAL_BAD, GOAL_SAME, GOAL_DIVERGED, GOAL_MINIMAL, GOAL_BOUND, GOAL_SECRET };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_BAD] = "no transcript",
    [GOAL_SAME] = "a session as recorded",
    [GOAL_DIVERGED] = "one that diverges",
    [GOAL_MINIMAL] = "one that is as small as it gets",
    [GOAL_BOUND] = "the bound",
    [GOAL_SECRET] = "a secret",
};

struct source {
  const char *text;
  size_t left;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->left < cap ? s->left : cap;
  if (n > 0) {
    memcpy(buf, s->text, n);
    s->text += n;
    s->left -= n;
  }
  return (long)n;
}

static size_t count_secrets(const char *text, size_t len) {
  static const char mark[] = "\\{secret}";
  size_t count = 0;
  for (size_t at = 0; at + sizeof(mark) - 1 <= len; at++) {
    count += memcmp(text + at, mark, sizeof(mark) - 1) == 0;
  }
  return count;
}

static void judge(const struct ehlo_shrink_result *r, const char *text, size_t len) {
  struct ehlo_replay_result after;
  struct source source = {r->text, r->len};
  ehlo_replay_run(&after, give, &source,
                  &(struct ehlo_replay_options){.chunks = EHLO_CHUNKS_RECORDED});
  EHLO_FUZZ_CHECK(after.verdict == r->replay.verdict);
  EHLO_FUZZ_CHECK(r->after.bytes <= r->before.bytes && r->after.lines <= r->before.lines);
  EHLO_FUZZ_CHECK(count_secrets(r->text, r->len) <= count_secrets(text, len));
  if (after.verdict == EHLO_REPLAY_SAME) {
    EHLO_FUZZ_CHECK(after.is_submission == r->replay.is_submission);
    EHLO_FUZZ_CHECK(after.outcome == r->replay.outcome && after.stage == r->replay.stage);
    EHLO_FUZZ_CHECK(after.state == r->replay.state && after.status == r->replay.status);
  }
  ehlo_fuzz_reach(after.verdict == EHLO_REPLAY_SAME ? GOAL_SAME : GOAL_DIVERGED);
  ehlo_fuzz_reach(r->minimal ? GOAL_MINIMAL : GOAL_BOUND);
  if (count_secrets(r->text, r->len) > 0) {
    ehlo_fuzz_reach(GOAL_SECRET);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = (char *)ehlo_fuzz_copy(data, size);
  struct ehlo_shrink_options options = {.keep = (enum ehlo_shrink_keep)(size % 3),
                                        .max_replays = REPLAYS_MAX};
  struct ehlo_shrink_result r;
  enum ehlo_shrink_status status = ehlo_shrink(&r, text, size, &options);
  EHLO_FUZZ_CHECK(status == EHLO_SHRINK_OK || status == EHLO_SHRINK_BAD);
  if (status == EHLO_SHRINK_BAD) {
    EHLO_FUZZ_CHECK(r.replay.error.message != NULL && r.text == NULL);
    ehlo_fuzz_reach(GOAL_BAD);
  } else {
    judge(&r, text, size);
  }
  free(r.text);
  free(text);
  return 0;
}
