// Gives a target each file of its corpus, once. This is the corpus test, which needs no fuzz engine;
// by hand it runs a single input again:
//     bazel-bin/fuzz/reply corpus/fuzz/reply/two-lines
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define PATH_LEN_MAX 4096

static size_t num_files;

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
  fprintf(stderr, "%s\n", path);  // the last one named is the one that failed
  LLVMFuzzerTestOneInput(data, input.len);
  free(data);
  free(input.bytes);
  num_files++;
}

// A file, or a folder of them.
static void run_path(const char *path) {
  struct stat info;
  DIR *dir = NULL;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    run_file(path);
    return;
  }
  dir = opendir(path);
  for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
    char inner[PATH_LEN_MAX];
    int len = snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
    if (e->d_name[0] != '.' && len < PATH_LEN_MAX) {
      run_path(inner);
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

int main(int argc, char **argv) {
  ehlo_fuzz_every_cut = true;
  for (int i = 1; i < argc; i++) {
    run_path(argv[i]);
  }
  if (num_files == 0) {
    fprintf(stderr, "the corpus holds no file\n");
    return 1;
  }
  printf("%zu inputs\n", num_files);
  return num_files > 1 ? judge_goals() : 0;
}
