// Opening, reading, writing and walking.
#include "tools/driver/file.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

FILE *file_open(const char *path) {
  struct stat info;
  if (strcmp(path, "-") == 0) {
    return stdin;
  }
  FILE *file = fopen(path, "re");
  if (file != NULL && fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
    fclose(file);
    errno = EISDIR;
    return NULL;
  }
  return file;
}

void file_close(FILE *file) {
  if (file != stdin) {
    fclose(file);
  }
}

long file_read(void *file, uint8_t *buf, size_t cap) {
  size_t n = fread(buf, 1, cap, file);
  return n == 0 && ferror((FILE *)file) ? -1 : (long)n;
}

bool file_write(void *file, const char *text, size_t len) {
  return fwrite(text, 1, len, file) == len;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_transcript(const char *name) {
  size_t len = strlen(name);
  return len > 5 && strcmp(name + len - 5, ".smtp") == 0;
}

bool file_walk(const char *path, void (*visit)(void *arg, const char *path), void *arg) {
  struct stat info;
  char *paths[] = {(char *)(uintptr_t)path, NULL};
  if (strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISDIR(info.st_mode))) {
    visit(arg, path);
    return true;
  }
  FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
  bool good = tree != NULL;
  for (FTSENT *entry; tree != NULL && (entry = fts_read(tree)) != NULL;) {
    if (entry->fts_info == FTS_F && is_transcript(entry->fts_name)) {
      visit(arg, entry->fts_path);
    } else if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR ||
               entry->fts_info == FTS_NS) {
      fprintf(stderr, "ehlo: cannot read %s: %s\n", entry->fts_path, strerror(entry->fts_errno));
      good = false;
    }
  }
  if (tree != NULL) {
    fts_close(tree);
  }
  return good;
}
