// Regular files are read where they are; all else is copied first.
#include "tools/driver/spool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/driver/file.h"

static FILE *copy_of(const char **out_why, FILE *from,
                     bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len), void *arg) {
  uint8_t buf[65536];
  long len = 0;
  FILE *copy = tmpfile();
  while (copy != NULL && (len = file_read(from, buf, sizeof(buf))) > 0 &&
         file_write(copy, (const char *)buf, (size_t)len)) {
    if (is_enough != NULL && is_enough(arg, buf, (size_t)len)) {
      len = 0;
      break;
    }
  }
  if (copy == NULL || len != 0 || fflush(copy) != 0) {
    *out_why = strerror(errno);
    if (copy != NULL) {
      fclose(copy);
    }
    return NULL;
  }
  rewind(copy);
  return copy;
}

bool spool_is_regular(FILE *file) {
  struct stat info;
  return fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode);
}

FILE *spool_open(const char **out_why, const char *path,
                 bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len), void *arg) {
  FILE *file = file_open(out_why, path);
  // Of standard input a part may have been read by somebody else.
  if (file == NULL || (spool_is_regular(file) && ftello(file) == 0)) {
    return file;
  }
  FILE *copy = copy_of(out_why, file, is_enough, arg);
  file_close(file);
  return copy;
}
