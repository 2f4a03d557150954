// Opening what may be anything, and hanging at none of it; reading and writing.
#include "tools/driver/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tools/driver/walk.h"

// A pipe without a name has somebody at its other end, or had: a shell's <(…).
static bool is_nameless_pipe(int fd) {
  struct statfs info;
  return fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC;
}

// What is wrong with reading from a named pipe, which is open without waiting; NULL: nothing. Only
// a read tells a pipe that nobody has open for writing (end of file) from one where nothing has been
// written yet (EAGAIN), so an octet may be read, and is put back.
static const char *judge_named_pipe(FILE *file) {
  uint8_t octet;
  ssize_t n = read(fileno(file), &octet, 1);
  if (n == 0) {
    return "it is a named pipe to which nobody writes";
  }
  if (n < 0) {
    return errno == EAGAIN ? NULL : strerror(errno);
  }
  return ungetc(octet, file) != EOF ? NULL : "it cannot be put back";
}

static const char *judge(FILE *file) {
  int fd = fileno(file);
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return strerror(errno);
  }
  if (S_ISFIFO(info.st_mode)) {
    return is_nameless_pipe(fd) ? NULL : judge_named_pipe(file);
  }
  return isatty(fd) ? NULL : walk_judge_mode(info.st_mode);
}

// A socket, for one, gives an error that names it badly.
static const char *why_not_open(const char *path) {
  int error = errno;
  struct stat info;
  const char *why = error == ENXIO && stat(path, &info) == 0 ? walk_judge_mode(info.st_mode) : NULL;
  return why != NULL ? why : strerror(error);
}

FILE *file_open(const char **out_why, const char *path) {
  if (strcmp(path, "-") == 0) {
    return stdin;
  }
  // Opened without waiting; what is read from then on may be waited for.
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
  if (file == NULL) {
    *out_why = why_not_open(path);
    if (fd >= 0) {
      close(fd);
    }
    return NULL;
  }
  const char *why = judge(file);
  if (why == NULL && fcntl(fd, F_SETFL, 0) != 0) {
    why = strerror(errno);
  }
  if (why != NULL) {
    *out_why = why;
    fclose(file);
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
