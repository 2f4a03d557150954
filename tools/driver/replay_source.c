// Opening what may be anything, and hanging at none of it.
#include "tools/driver/replay_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tools/driver/walk.h"

static bool fail(struct replay_source *s, const char *why) {
  snprintf(s->why, sizeof(s->why), "%s", why);
  return false;
}

// A pipe without a name has somebody at its other end, or had: a shell's <(…).
static bool is_nameless_pipe(int fd) {
  struct statfs info;
  return fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC;
}

// Opened without waiting; what is read from then on may be waited for.
static bool open_path(struct replay_source *s, const char *path) {
  struct stat info;
  s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  s->own = s->fd >= 0;
  if (s->fd < 0 || fstat(s->fd, &info) != 0) {
    return fail(s, strerror(errno));
  }
  s->mode = info.st_mode;
  const char *why = walk_judge_mode(info.st_mode);
  if (why == NULL) {
    return true;
  }
  if (!S_ISFIFO(info.st_mode) || !is_nameless_pipe(s->fd)) {
    return fail(s, why);
  }
  return fcntl(s->fd, F_SETFL, 0) == 0 || fail(s, strerror(errno));
}

// Puts a file with the same content in place of what can be read once.
static bool keep(struct replay_source *s) {
  uint8_t buf[16384];
  FILE *copy = tmpfile();
  long len = 1;
  while (copy != NULL && (len = replay_source_read(s, buf, sizeof(buf))) > 0 &&
         fwrite(buf, 1, (size_t)len, copy) == (size_t)len) {
  }
  int fd =
      copy != NULL && len == 0 && fflush(copy) == 0 ? fcntl(fileno(copy), F_DUPFD_CLOEXEC, 0) : -1;
  int error = errno;
  if (copy != NULL) {
    fclose(copy);
  }
  if (fd < 0) {
    return fail(s, strerror(error));
  }
  replay_source_close(s);
  s->fd = fd;
  s->own = true;
  return replay_source_rewind(s);
}

bool replay_source_open(struct replay_source *s, const char *path, bool again) {
  bool is_stdin = strcmp(path, "-") == 0;
  memset(s, 0, sizeof(*s));
  if (is_stdin) {
    s->fd = STDIN_FILENO;
  } else if (!open_path(s, path)) {
    replay_source_close(s);
    return false;
  }
  if (again && !S_ISREG(s->mode) && !keep(s)) {
    replay_source_close(s);
    return false;
  }
  return true;
}

bool replay_source_rewind(struct replay_source *s) {
  return lseek(s->fd, 0, SEEK_SET) == 0 || fail(s, strerror(errno));
}

void replay_source_close(struct replay_source *s) {
  if (s->own) {
    close(s->fd);
  }
  s->own = false;
  s->fd = -1;
}

long replay_source_read(void *source, uint8_t *buf, size_t cap) {
  struct replay_source *s = source;
  for (;;) {
    ssize_t n = read(s->fd, buf, cap);
    if (n >= 0) {
      return (long)n;
    }
    if (errno != EINTR) {
      fail(s, strerror(errno));
      return -1;
    }
  }
}
