// Opening, reading and writing.
#include "tools/driver/file.h"

#include <errno.h>
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
