// The transcript of each seed of the session target replays as it says: session_record_test SEED…
// So what the model says is what the engine does, in the words of transcripts too. Of all seeds, a
// number have to be sayable without anything left out, lest this test nothing.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "fuzz/session_record.h"
#include "replay/harness.h"
#include "replay/replay.h"

#define WHOLE_MIN 400

struct totals {
  size_t num;
  size_t num_whole;  // nothing was left out
  size_t num_wrong;
};

static void count_only(void *arg, size_t step, const char *what) {
  (void)arg;
  (void)step;
  (void)what;
}

static bool gather(void *arg, const char *text, size_t len) {
  ehlo_fuzz_add(arg, text, len);
  return true;
}

static struct ehlo_fuzz_bytes read_file(const char *path) {
  struct ehlo_fuzz_bytes bytes = {0};
  uint8_t block[4096];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  for (size_t n = fread(block, 1, sizeof(block), file); n > 0;
       n = fread(block, 1, sizeof(block), file)) {
    ehlo_fuzz_add(&bytes, block, n);
  }
  fclose(file);
  return bytes;
}

static void replay(struct totals *t, const char *path, const struct ehlo_fuzz_bytes *text) {
  static const enum ehlo_chunks chunks[] = {EHLO_CHUNKS_RECORDED, EHLO_CHUNKS_BYTE};
  for (size_t i = 0; i < 2; i++) {
    struct ehlo_memory memory = {text->bytes, text->len, 0};
    struct ehlo_replay_options options = {.chunks = chunks[i]};
    struct ehlo_replay_result result;
    ehlo_replay_run(&result, ehlo_memory_read, &memory, &options);
    if (result.verdict != EHLO_REPLAY_SAME) {
      const struct ehlo_divergence *d = &result.divergence;
      const char *bad = result.verdict == EHLO_REPLAY_BAD ? result.error.message : "";
      printf("%s: %zu:%zu: expected %s, got %s%s\n", path, d->line, d->column, d->expected, d->got,
             bad);
      t->num_wrong++;
      return;
    }
  }
}

static void try_seed(struct totals *t, const char *path) {
  static struct ehlo_writer writer;
  struct ehlo_fuzz_bytes input = read_file(path);
  struct ehlo_fuzz_bytes text = {0};
  size_t left = 0;
  if (input.len >= 2) {
    ehlo_writer_init(&writer, gather, &text);
    EHLO_FUZZ_CHECK(ehlo_session_record(&writer, &left, input.bytes, input.len, count_only, NULL));
    t->num++;
    t->num_whole += left == 0;
    replay(t, path, &text);
  }
  free(text.bytes);
  free(input.bytes);
}

static void try_path(struct totals *t, const char *path) {
  struct stat info;
  DIR *folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? opendir(path) : NULL;
  if (folder == NULL) {
    try_seed(t, path);
    return;
  }
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char inner[4096];
    if (entry->d_name[0] != '.') {
      snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
      try_path(t, inner);
    }
  }
  closedir(folder);
}

int main(int argc, char **argv) {
  struct totals t = {0};
  for (int i = 1; i < argc; i++) {
    try_path(&t, argv[i]);
  }
  printf("%zu seeds, of %zu of them nothing is left out, %zu replay otherwise\n", t.num,
         t.num_whole, t.num_wrong);
  return t.num_wrong > 0 || t.num_whole < WHOLE_MIN ? 1 : 0;
}
