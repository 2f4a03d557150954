// Gives a target each file of its corpus, once. This is the corpus test, which needs no fuzz engine;
// by hand it runs a single input again:
//     bazel-bin/fuzz/reply corpus/fuzz/reply/two-lines
//
// Of a test that Bazel cuts into shards, each takes its share of the files. Goals are the whole corpus's: the
// first shard judges them, and runs the files of the others as well, but at one cut.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define PATH_LEN_MAX 4096

struct shard {
  size_t index;
  size_t total;
};

struct paths {
  char **all;
  size_t num;
  size_t cap;
};

static void run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  struct ehlo_fuzz_bytes input = {0};
  uint8_t block[4096];
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  for (size_t n = fread(block, 1, sizeof(block), file); n > 0;
       n = fread(block, 1, sizeof(block), file)) {
    ehlo_fuzz_add(&input, block, n);
  }
  fclose(file);
  uint8_t *data = ehlo_fuzz_copy(input.bytes, input.len);
  // The last one named is the one that failed.
  fprintf(stderr, "%s%s\n", path, ehlo_fuzz_every_cut ? "" : " (of another shard)");
  LLVMFuzzerTestOneInput(data, input.len);
  free(data);
  free(input.bytes);
}

static void add_path(struct paths *paths, const char *path) {
  if (paths->num == paths->cap) {
    paths->cap = paths->cap * 2 + 64;
    paths->all = realloc(paths->all, paths->cap * sizeof(paths->all[0]));
    EHLO_FUZZ_CHECK(paths->all != NULL);
  }
  paths->all[paths->num++] = (char *)ehlo_fuzz_copy((const uint8_t *)path, strlen(path) + 1);
}

// A file, or a folder of them.
static void find_files(struct paths *paths, const char *path) {
  struct stat info;
  DIR *dir = NULL;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    add_path(paths, path);
    return;
  }
  dir = opendir(path);
  for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
    char inner[PATH_LEN_MAX];
    int len = snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
    if (e->d_name[0] != '.' && len < PATH_LEN_MAX) {
      find_files(paths, inner);
    }
  }
  if (dir != NULL) {
    closedir(dir);
  }
}

// Goals are for the whole corpus, not for one input run by hand.
static int judge_goals(void) {
  int missed = 0;
  for (size_t i = 0; i < EHLO_FUZZ_GOALS_MAX; i++) {
    if (ehlo_fuzz_goals[i] != NULL && !ehlo_fuzz_reached[i]) {
      fprintf(stderr, "no input of the corpus reaches: %s\n", ehlo_fuzz_goals[i]);
      missed++;
    }
  }
  if (ehlo_fuzz_goals_missed != NULL && ehlo_fuzz_goals_missed() > 0) {
    missed++;
  }
  return missed == 0 ? 0 : 1;
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

// Every shard has to see the same order, and a folder has none of its own.
static void find_all(struct paths *paths, char **names, size_t num) {
  for (size_t i = 0; i < num; i++) {
    find_files(paths, names[i]);
  }
  if (paths->num > 0) {
    qsort(paths->all, paths->num, sizeof(paths->all[0]), compare_paths);
  }
}

// What Bazel says of shards in a test's environment; it wants to be told that somebody reads it.
static struct shard read_shard(void) {
  const char *total = getenv("TEST_TOTAL_SHARDS");
  const char *index = getenv("TEST_SHARD_INDEX");
  const char *status = getenv("TEST_SHARD_STATUS_FILE");
  FILE *file = status != NULL ? fopen(status, "w") : NULL;
  if (file != NULL) {
    fclose(file);
  }
  struct shard shard = {0, 1};
  if (total != NULL && index != NULL) {
    shard = (struct shard){strtoul(index, NULL, 10), strtoul(total, NULL, 10)};
    EHLO_FUZZ_CHECK(shard.index < shard.total);
  }
  return shard;
}

// Runs the files that are this shard's, or those that are not; returns how many.
static size_t run_share(const struct paths *paths, struct shard shard, bool own) {
  size_t num = 0;
  ehlo_fuzz_every_cut = own;
  for (size_t i = 0; i < paths->num; i++) {
    if ((i % shard.total == shard.index) == own) {
      run_file(paths->all[i]);
      num++;
    }
  }
  return num;
}

int main(int argc, char **argv) {
  struct paths paths = {0};
  struct shard shard = read_shard();
  find_all(&paths, argv + 1, argc > 1 ? (size_t)argc - 1 : 0);
  if (paths.num == 0) {
    fprintf(stderr, "the corpus holds no file\n");
    return 1;
  }
  printf("%zu inputs\n", run_share(&paths, shard, true));
  bool judges = shard.index == 0 && paths.num > 1;
  if (judges) {
    run_share(&paths, shard, false);
  }
  for (size_t i = 0; i < paths.num; i++) {
    free(paths.all[i]);
  }
  free(paths.all);
  return judges ? judge_goals() : 0;
}
