// Reading the configuration file.
#include "tools/driver/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/mem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// One byte more than may be is asked for, so that a longer file shows. False with errno set.
static bool read_all(struct settings_file *out, int fd) {
  ssize_t n = 1;
  while (n != 0 && out->len <= SETTINGS_FILE_MAX) {
    n = read(fd, out->text + out->len, SETTINGS_FILE_MAX + 1 - out->len);
    if (n < 0 && errno != EINTR) {
      return false;
    }
    out->len += n > 0 ? (size_t)n : 0;
  }
  return true;
}

static const char *read_open(struct settings_file *out, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return strerror(errno);
  }
  out->is_private = (info.st_mode & 077) == 0 && info.st_uid == geteuid();
  out->text = malloc(SETTINGS_FILE_MAX + 2);
  if (out->text == NULL || !read_all(out, fd)) {
    return strerror(errno);
  }
  errno = 0;
  if (out->len > SETTINGS_FILE_MAX) {
    return "it is longer than 1 MiB";
  }
  out->text[out->len] = '\0';
  return memchr(out->text, '\0', out->len) != NULL ? "there is a NUL byte in it" : NULL;
}

const char *settings_file_read(struct settings_file *out, const char *path) {
  *out = (struct settings_file){.text = NULL};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return strerror(errno);
  }
  const char *wrong = read_open(out, fd);
  int error = errno;
  close(fd);
  if (wrong != NULL) {
    settings_file_free(out);
  }
  errno = error;
  return wrong;
}

void settings_file_free(struct settings_file *f) {
  if (f->text != NULL) {
    OPENSSL_cleanse(f->text, f->len);
  }
  free(f->text);
  *f = (struct settings_file){.text = NULL};
}
