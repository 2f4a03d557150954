// Reading and judging the message.
#include "tools/driver/message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int complain(const char *path, const char *what) {
  fprintf(stderr, "ehlo: cannot read the message %s: %s\n", path, what);
  return EX_NOINPUT;
}

// Reads to the end of `fd`, for what cannot be mapped.
static int read_all(struct message *out, int fd, const char *path) {
  size_t cap = 65536;
  uint8_t *bytes = malloc(cap);
  while (bytes != NULL) {
    ssize_t n = read(fd, bytes + out->len, cap - out->len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0 || out->len + (size_t)n > MESSAGE_MAX) {
      out->bytes = bytes;
      const char *wrong = n < 0 ? strerror(errno) : "it is larger than 1 GiB";
      return n == 0 ? 0 : complain(path, wrong);
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
  return complain(path, "out of memory");
}

static int map_file(struct message *out, int fd, const char *path, size_t len) {
  if (len > MESSAGE_MAX) {
    return complain(path, "it is larger than 1 GiB");
  }
  void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) {
    return complain(path, strerror(errno));
  }
  out->bytes = bytes;
  out->len = len;
  out->mapped = true;
  return 0;
}

int message_read(struct message *out, const char *path) {
  struct stat info;
  memset(out, 0, sizeof(*out));
  bool is_stdin = strcmp(path, "-") == 0;
  int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    return complain(path, strerror(errno));
  }
  int status = !is_stdin && S_ISREG(info.st_mode) && info.st_size > 0
                   ? map_file(out, fd, path, (size_t)info.st_size)
                   : read_all(out, fd, path);
  if (!is_stdin) {
    close(fd);
  }
  if (status == 0) {
    ehlo_preflight_init(&out->preflight);
    ehlo_preflight_feed(&out->preflight, out->bytes, out->len);
    ehlo_preflight_end(&out->preflight);
  }
  return status;
}

int message_check(char *error, size_t error_cap, const struct message *m, const char *path,
                  bool fix_eol, bool force) {
  const struct ehlo_preflight *p = &m->preflight;
  const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
  int len = 0;
  if (p->bare_cr.count > 0 && !fix_eol) {
    len = snprintf(error, error_cap,
                   "%s:%" PRIu64 ": a carriage return without a line feed, which servers take in "
                   "different ways; --fix-eol makes it a line end",
                   name, p->bare_cr.first_line);
  } else if (p->nul.count > 0 && !force) {
    len = snprintf(error, error_cap, "%s:%" PRIu64 ": a NUL byte; --force sends it all the same",
                   name, p->nul.first_line);
  } else if (p->long_line.count > 0 && !force) {
    len = snprintf(error, error_cap,
                   "%s:%" PRIu64 ": a line of more than 998 octets; --force sends it all the same",
                   name, p->long_line.first_line);
  } else if (!ehlo_preflight_is_message(p) && !force) {
    len = snprintf(error, error_cap,
                   "%s:1: this is not a message: it does not begin with a header field such as "
                   "\"Subject: …\"; --force sends it all the same",
                   name);
  }
  return len > 0 ? EX_DATAERR : 0;
}

enum ehlo_source_state message_peek(const struct message *m, struct ehlo_span *out) {
  *out = (struct ehlo_span){m->bytes + m->pos, m->len - m->pos};
  return out->len > 0 ? EHLO_SOURCE_MORE : EHLO_SOURCE_END;
}

void message_free(struct message *m) {
  if (m->mapped) {
    munmap((void *)(uintptr_t)m->bytes, m->len);
  } else {
    free((void *)(uintptr_t)m->bytes);
  }
  memset(m, 0, sizeof(*m));
}
