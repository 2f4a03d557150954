// Every transcript of the corpus replays as it says, whole and re-cut, and to the same events. A
// transcript that differs is named with the place where it does.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/corpus.h"

static void replay(struct ehlo_replay_result *out, const struct ehlo_corpus_file *file,
                   enum ehlo_chunks chunks) {
  ehlo_corpus_replay(out, file, &(struct ehlo_replay_options){.chunks = chunks});
}

Test(corpus, replays_as_recorded) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    struct ehlo_replay_result r;
    replay(&r, &corpus->files[i], EHLO_CHUNKS_RECORDED);
    ehlo_corpus_expect_same(&r, &corpus->files[i], "as recorded");
  }
  printf("%zu transcripts\n", corpus->num_files);
}

static void expect_no_difference(enum ehlo_chunks chunks, const char *cut) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result recorded;
    struct ehlo_replay_result r;
    replay(&recorded, file, EHLO_CHUNKS_RECORDED);
    replay(&r, file, chunks);
    ehlo_corpus_expect_same(&r, file, cut);
    cr_expect(r.hash == recorded.hash && r.num_events == recorded.num_events,
              "%s: %s: other events: %016" PRIx64 ", not %016" PRIx64, file->path, cut, r.hash,
              recorded.hash);
  }
}

// Whether the client's bytes are compared makes no difference where they are the same: but for sessions
// that broke, where the client had more to say than was taken of it.
Test(corpus, tolerance_makes_no_difference) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  size_t num_compared = 0;
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result strict;
    struct ehlo_replay_result r;
    replay(&strict, file, EHLO_CHUNKS_RECORDED);
    ehlo_corpus_replay(&r, file, &(struct ehlo_replay_options){.tolerant = true});
    ehlo_corpus_expect_same(&r, file, "tolerant");
    if (ehlo_status_class(strict.status) != EHLO_CLASS_TRANSPORT) {
      cr_expect_eq(r.hash, strict.hash, "%s: another hash", file->path);
      num_compared++;
    }
  }
  cr_expect_gt(num_compared, corpus->num_files / 2);
}

static const struct ehlo_corpus_file *by_name(const char *name) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  char path[sizeof(corpus->files[0].path)];
  snprintf(path, sizeof(path), "corpus/transcripts/%s.smtp", name);
  for (size_t i = 0; i < corpus->num_files; i++) {
    if (strcmp(corpus->files[i].path, path) == 0) {
      return &corpus->files[i];
    }
  }
  cr_assert_fail("%s is not there", path);
  return NULL;
}

Test(corpus, lines_make_no_difference) {
  expect_no_difference(EHLO_CHUNKS_LINE, "line by line");
}

Test(corpus, bytes_make_no_difference) {
  expect_no_difference(EHLO_CHUNKS_BYTE, "byte by byte");
}

// What people rely on is there by name, and the tests above cannot pass without it.
Test(corpus, holds_what_it_is_known_for) {
  static const struct {
    const char *name;
    enum ehlo_outcome outcome;
    enum ehlo_stage stage;
  } known[] = {
      {"providers/exchange-online-accepted", EHLO_OUTCOME_ACCEPTED, EHLO_STAGE_QUIT},
      {"providers/exchange-online-535-tenant-disabled", EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH},
      {"providers/postfix-partial-recipients", EHLO_OUTCOME_PARTIAL, EHLO_STAGE_QUIT},
      {"providers/postfix-454-tls-not-available", EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS},
      {"faults/eof-after-the-dot", EHLO_OUTCOME_UNKNOWN, EHLO_STAGE_BODY},
      {"faults/eof-after-the-final-250", EHLO_OUTCOME_ACCEPTED, EHLO_STAGE_QUIT},
      {"faults/starttls-injection-same-chunk", EHLO_OUTCOME_PROTOCOL_ERROR, EHLO_STAGE_STARTTLS},
      {"faults/rcpt-all-refused-one-for-now", EHLO_OUTCOME_DEFERRED, EHLO_STAGE_RCPT},
      {"faults/timeout-before-greeting", EHLO_OUTCOME_TIMEOUT, EHLO_STAGE_GREETING},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    struct ehlo_replay_result r;
    replay(&r, by_name(known[i].name), EHLO_CHUNKS_RECORDED);
    cr_expect(r.is_submission && r.outcome == known[i].outcome && r.stage == known[i].stage,
              "%s: outcome %s at %s", known[i].name, ehlo_outcome_name(r.outcome),
              ehlo_stage_name(r.stage));
  }
}

static void replay_with(struct ehlo_replayer *r, struct ehlo_replay_result *out,
                        const struct ehlo_corpus_file *file) {
  struct ehlo_corpus_source source = {.file = file};
  ehlo_replayer_run(r, out, ehlo_corpus_read, &source, &(struct ehlo_replay_options){0});
}

// The same memory serves one transcript after the other, and none can tell which was before it.
Test(corpus, leaves_nothing_in_used_memory) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  struct ehlo_replayer *forwards = ehlo_replayer_new();
  struct ehlo_replayer *backwards = ehlo_replayer_new();
  static struct ehlo_replay_result first[EHLO_CORPUS_FILES_MAX];
  cr_assert(forwards != NULL && backwards != NULL);
  for (size_t i = 0; i < corpus->num_files; i++) {
    replay_with(forwards, &first[i], &corpus->files[i]);
  }
  for (size_t i = corpus->num_files; i-- > 0;) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result r;
    replay_with(backwards, &r, file);
    ehlo_corpus_expect_same(&r, file, "after others");
    cr_expect(r.hash == first[i].hash && r.num_events == first[i].num_events &&
                  r.outcome == first[i].outcome && r.status == first[i].status &&
                  r.num_writes == first[i].num_writes && r.num_flights == first[i].num_flights,
              "%s", file->path);
  }
  ehlo_replayer_free(forwards);
  ehlo_replayer_free(backwards);
}
