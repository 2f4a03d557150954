// Every transcript of the corpus replays as it says, whole and re-cut, and to the same events. A
// transcript that differs is named with the place where it does.
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"

#define FILES_MAX 2048
#define PATH_LEN_MAX 300

static const char *const groups[] = {"rfc", "providers", "faults"};

struct files {
  size_t num;
  char path[FILES_MAX][PATH_LEN_MAX];
};

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text);
  size_t end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(a, b);
}

// The tests run where the runfiles are. A group without a transcript is a mistake of the build.
static void find_files(struct files *files) {
  files->num = 0;
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    char folder[64];
    snprintf(folder, sizeof(folder), "corpus/transcripts/%s", groups[i]);
    DIR *dir = opendir(folder);
    cr_assert_not_null(dir, "%s is not there", folder);
    size_t before = files->num;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
      if (ends_with(entry->d_name, ".smtp")) {
        cr_assert_lt(files->num, FILES_MAX);
        snprintf(files->path[files->num++], PATH_LEN_MAX, "%s/%s", folder, entry->d_name);
      }
    }
    closedir(dir);
    cr_assert_gt(files->num, before, "%s holds no transcript", folder);
  }
  qsort(files->path, files->num, sizeof(files->path[0]), compare_paths);
}

static struct files *all_files(void) {
  static struct files files;
  if (files.num == 0) {
    find_files(&files);
  }
  return &files;
}

static long read_file(void *arg, uint8_t *buf, size_t cap) {
  size_t n = fread(buf, 1, cap, arg);
  return ferror((FILE *)arg) != 0 ? -1 : (long)n;
}

static void replay(struct ehlo_replay_result *out, const char *path, enum ehlo_chunks chunks) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "%s", path);
  ehlo_replay_run(out, read_file, file, &(struct ehlo_replay_options){.chunks = chunks});
  fclose(file);
}

static void expect_same(const struct ehlo_replay_result *r, const char *path, const char *cut) {
  const struct ehlo_divergence *d = &r->divergence;
  cr_expect(r->verdict != EHLO_REPLAY_BAD, "%s:%zu:%zu: %s", path, r->error.line, r->error.column,
            r->verdict == EHLO_REPLAY_BAD ? r->error.message : "");
  cr_expect(r->verdict != EHLO_REPLAY_DIVERGED, "%s:%zu:%zu: %s: expected %s, got %s", path,
            d->line, d->column, cut, d->expected, d->got);
  cr_expect(r->verdict != EHLO_REPLAY_FAILED, "%s cannot be read", path);
  cr_expect(r->num_events > 0, "%s: %s: no event", path, cut);
}

Test(corpus, replays_as_recorded) {
  const struct files *files = all_files();
  for (size_t i = 0; i < files->num; i++) {
    struct ehlo_replay_result r;
    replay(&r, files->path[i], EHLO_CHUNKS_RECORDED);
    expect_same(&r, files->path[i], "as recorded");
  }
  printf("%zu transcripts\n", files->num);
}

static void expect_no_difference(enum ehlo_chunks chunks, const char *cut) {
  const struct files *files = all_files();
  for (size_t i = 0; i < files->num; i++) {
    struct ehlo_replay_result recorded;
    struct ehlo_replay_result r;
    replay(&recorded, files->path[i], EHLO_CHUNKS_RECORDED);
    replay(&r, files->path[i], chunks);
    expect_same(&r, files->path[i], cut);
    cr_expect(r.hash == recorded.hash && r.num_events == recorded.num_events,
              "%s: %s: other events: %016" PRIx64 ", not %016" PRIx64, files->path[i], cut, r.hash,
              recorded.hash);
  }
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
    const char *path;
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
    char path[PATH_LEN_MAX];
    struct ehlo_replay_result r;
    snprintf(path, sizeof(path), "corpus/transcripts/%s.smtp", known[i].path);
    replay(&r, path, EHLO_CHUNKS_RECORDED);
    cr_expect(r.is_submission && r.outcome == known[i].outcome && r.stage == known[i].stage,
              "%s: outcome %s at %s", path, ehlo_outcome_name(r.outcome), ehlo_stage_name(r.stage));
  }
}
