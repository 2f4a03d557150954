// See contents.h.
#include "tools/driver/contents.h"
#include "tools/driver/complaints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int complain(const char *what, const char *path, const char *why) {
  fprintf(complaints(), "ehlo: cannot read %s %s: %s\n", what, path, why);
  return EX_NOINPUT;
}

// Reads to the end of `fd`, for what cannot be mapped.
static int read_all(struct contents *out, int fd, const char *what, const char *path) {
  size_t cap = 65536;
  uint8_t *bytes = malloc(cap);
  while (bytes != NULL) {
    ssize_t n = read(fd, bytes + out->len, cap - out->len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0 || out->len + (size_t)n > CONTENTS_MAX) {
      out->bytes = bytes;
      const char *wrong = n < 0 ? strerror(errno) : "it is larger than 1 GiB";
      return n == 0 ? 0 : complain(what, path, wrong);
    }
    out->len += (size_t)n;
    if (out->len == cap) {
      uint8_t *larger = realloc(bytes, cap *= 2);
      if (larger == NULL) {
        free(bytes);
      }
      bytes = larger;
    }
  }
  return complain(what, path, "out of memory");
}

static int map_file(struct contents *out, int fd, const char *what, const char *path, size_t len) {
  if (len > CONTENTS_MAX) {
    return complain(what, path, "it is larger than 1 GiB");
  }
  void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) {
    return complain(what, path, strerror(errno));
  }
  out->bytes = bytes;
  out->len = len;
  out->mapped = true;
  return 0;
}

int contents_read(struct contents *out, const char *path, const char *what) {
  struct stat info;
  memset(out, 0, sizeof(*out));
  bool is_stdin = strcmp(path, "-") == 0;
  int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    return complain(what, path, strerror(errno));
  }
  int status = !is_stdin && S_ISREG(info.st_mode) && info.st_size > 0
                   ? map_file(out, fd, what, path, (size_t)info.st_size)
                   : read_all(out, fd, what, path);
  if (!is_stdin) {
    close(fd);
  }
  return status;
}

void contents_free(struct contents *c) {
  if (c->mapped) {
    munmap((void *)(uintptr_t)c->bytes, c->len);
  } else {
    free((void *)(uintptr_t)c->bytes);
  }
  memset(c, 0, sizeof(*c));
}
