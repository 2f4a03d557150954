// Any bytes at all may be replayed as a transcript: whether a session goes as recorded, and which
// events it has then, does not depend on how the server's bytes are cut.
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define GOAL_OUTCOME 8

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_REPLAY_SAME] = "a session as recorded",
    [EHLO_REPLAY_DIVERGED] = "a session that diverges",
    [EHLO_REPLAY_BAD] = "no transcript",
    [GOAL_OUTCOME + EHLO_OUTCOME_ACCEPTED] = "outcome accepted",
    [GOAL_OUTCOME + EHLO_OUTCOME_PARTIAL] = "outcome partial",
    [GOAL_OUTCOME + EHLO_OUTCOME_REFUSED] = "outcome refused",
    [GOAL_OUTCOME + EHLO_OUTCOME_DEFERRED] = "outcome deferred",
    [GOAL_OUTCOME + EHLO_OUTCOME_UNKNOWN] = "outcome unknown",
    [GOAL_OUTCOME + EHLO_OUTCOME_STOPPED] = "outcome stopped",
    [GOAL_OUTCOME + EHLO_OUTCOME_AUTH_REFUSED] = "outcome auth-refused",
    [GOAL_OUTCOME + EHLO_OUTCOME_TLS_FAILED] = "outcome tls-failed",
    [GOAL_OUTCOME + EHLO_OUTCOME_PROTOCOL_ERROR] = "outcome protocol-error",
    [GOAL_OUTCOME + EHLO_OUTCOME_TIMEOUT] = "outcome timeout",
    [GOAL_OUTCOME + EHLO_OUTCOME_LOST] = "outcome lost",
};

struct source {
  struct ehlo_span left;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct ehlo_span *left = &((struct source *)arg)->left;
  size_t n = left->len < cap ? left->len : cap;
  if (n > 0) {
    memcpy(buf, left->bytes, n);
    *left = (struct ehlo_span){left->bytes + n, left->len - n};
  }
  return (long)n;
}

static void replay(struct ehlo_replay_result *out, struct ehlo_span text,
                   struct ehlo_replay_options options) {
  struct source source = {text};
  ehlo_replay_run(out, give, &source, &options);
  EHLO_FUZZ_CHECK(out->verdict != EHLO_REPLAY_FAILED);
  EHLO_FUZZ_CHECK(out->verdict != EHLO_REPLAY_BAD || out->error.message != NULL);
  ehlo_fuzz_reach(out->verdict);
  if (out->verdict == EHLO_REPLAY_SAME && out->is_submission) {
    ehlo_fuzz_reach(GOAL_OUTCOME + out->outcome);
  }
}

// What is wrong with a transcript may be met in another order, since a chunk as recorded is read to
// its end before any of it is judged; whether something is does not depend on that.
static void expect_same(const struct ehlo_replay_result *a, const struct ehlo_replay_result *b) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     (a->verdict == EHLO_REPLAY_SAME) == (b->verdict == EHLO_REPLAY_SAME));
  if (a->verdict == EHLO_REPLAY_SAME) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, a->num_events == b->num_events && a->hash == b->hash);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, a->state == b->state && a->status == b->status);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, a->outcome == b->outcome && a->stage == b->stage);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const enum ehlo_chunks chunks[] = {EHLO_CHUNKS_LINE, EHLO_CHUNKS_BYTE};
  struct ehlo_span text = {ehlo_fuzz_copy(data, size), size};
  struct ehlo_replay_result recorded;
  struct ehlo_replay_result other;
  replay(&recorded, text, (struct ehlo_replay_options){.chunks = EHLO_CHUNKS_RECORDED});
  for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
    replay(&other, text, (struct ehlo_replay_options){.chunks = chunks[i]});
    expect_same(&other, &recorded);
  }
  free((uint8_t *)text.bytes);
  return 0;
}
