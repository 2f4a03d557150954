// See corpus.h. Files are read whole and kept until the process ends.
#include "replay/corpus.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const groups[] = {"rfc", "providers", "programs", "faults"};

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text);
  size_t end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(((const struct ehlo_corpus_file *)a)->path,
                ((const struct ehlo_corpus_file *)b)->path);
}

static void read_whole(struct ehlo_corpus_file *file) {
  FILE *f = fopen(file->path, "rb");
  cr_assert_not_null(f, "%s", file->path);
  cr_assert_eq(fseek(f, 0, SEEK_END), 0);
  long size = ftell(f);
  cr_assert_geq(size, 0);
  rewind(f);
  file->len = (size_t)size;
  file->bytes = malloc(file->len + 1);
  cr_assert_not_null(file->bytes);
  cr_assert_eq(fread(file->bytes, 1, file->len, f), file->len, "%s", file->path);
  fclose(f);
}

// The tests run where the runfiles are. A group without a transcript is a mistake of the build.
static void read_group(struct ehlo_corpus *corpus, const char *group) {
  char folder[64];
  snprintf(folder, sizeof(folder), "corpus/transcripts/%s", group);
  DIR *dir = opendir(folder);
  cr_assert_not_null(dir, "%s is not there", folder);
  size_t before = corpus->num_files;
  for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
    if (ends_with(entry->d_name, ".smtp")) {
      cr_assert_lt(corpus->num_files, EHLO_CORPUS_FILES_MAX);
      struct ehlo_corpus_file *file = &corpus->files[corpus->num_files++];
      snprintf(file->path, sizeof(file->path), "%s/%s", folder, entry->d_name);
      read_whole(file);
    }
  }
  closedir(dir);
  cr_assert_gt(corpus->num_files, before, "%s holds no transcript", folder);
}

const struct ehlo_corpus *ehlo_corpus(void) {
  static struct ehlo_corpus corpus;
  if (corpus.num_files == 0) {
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
      read_group(&corpus, groups[i]);
    }
    qsort(corpus.files, corpus.num_files, sizeof(corpus.files[0]), compare_paths);
  }
  return &corpus;
}

long ehlo_corpus_read(void *source, uint8_t *buf, size_t cap) {
  struct ehlo_corpus_source *s = source;
  size_t left = s->file->len - s->pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, s->file->bytes + s->pos, n);
  s->pos += n;
  return (long)n;
}

void ehlo_corpus_replay(struct ehlo_replay_result *out, const struct ehlo_corpus_file *file,
                        const struct ehlo_replay_options *options) {
  struct ehlo_corpus_source source = {.file = file};
  ehlo_replay_run(out, ehlo_corpus_read, &source, options);
}

void ehlo_corpus_expect_same(const struct ehlo_replay_result *r,
                             const struct ehlo_corpus_file *file, const char *how) {
  const struct ehlo_divergence *d = &r->divergence;
  cr_expect(r->verdict != EHLO_REPLAY_BAD, "%s:%zu:%zu: %s", file->path, r->error.line,
            r->error.column, r->verdict == EHLO_REPLAY_BAD ? r->error.message : "");
  cr_expect(r->verdict != EHLO_REPLAY_DIVERGED, "%s:%zu:%zu: %s: expected %s, got %s", file->path,
            d->line, d->column, how, d->expected, d->got);
  cr_expect(r->verdict != EHLO_REPLAY_FAILED, "%s cannot be read", file->path);
  cr_expect(r->num_events > 0, "%s: %s: no event", file->path, how);
}

// Bazel tells a shard by two variables, and wants a third one's file touched by who knows of them.
bool ehlo_corpus_is_mine(size_t n) {
  static size_t total;
  static size_t index;
  if (total == 0) {
    const char *num = getenv("TEST_TOTAL_SHARDS");
    const char *own = getenv("TEST_SHARD_INDEX");
    const char *seen = getenv("TEST_SHARD_STATUS_FILE");
    total = num != NULL && own != NULL ? strtoul(num, NULL, 10) : 1;
    index = total > 1 ? strtoul(own, NULL, 10) : 0;
    cr_assert_lt(index, total);
    FILE *f = seen != NULL ? fopen(seen, "w") : NULL;
    if (f != NULL) {
      fclose(f);
    }
  }
  return n % total == index;
}
