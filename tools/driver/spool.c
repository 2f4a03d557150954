// Regular files are read where they are; all else is copied first.
#include "tools/driver/spool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/ehlo.h"
#include "tools/driver/file.h"
#include "tools/driver/text.h"

static void complain(const char *path) {
  int why = errno;
  fputs("ehlo: cannot read ", stderr);
  text_print(stderr, ehlo_str(strcmp(path, "-") == 0 ? "standard input" : path));
  fprintf(stderr, ": %s\n", strerror(why));
}

static FILE *copy_of(FILE *from, bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len),
                     void *arg) {
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
  if (copy != NULL && (len != 0 || fflush(copy) != 0)) {
    int why = errno;
    fclose(copy);
    errno = why;
    return NULL;
  }
  return copy;
}

FILE *spool_open(const char *path, bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len),
                 void *arg) {
  struct stat info;
  FILE *file = file_open(path);
  if (file == NULL) {
    complain(path);
    return NULL;
  }
  bool regular = fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode);
  if (!regular || fseeko(file, 0, SEEK_CUR) != 0) {
    FILE *copy = copy_of(file, is_enough, arg);
    if (copy == NULL) {
      complain(path);
    }
    file_close(file);
    file = copy;
  }
  if (file != NULL) {
    rewind(file);
  }
  return file;
}

void spool_close(FILE *file) {
  file_close(file);
}
