// The new file is written beside the old one and renamed over it, so that whoever reads, and whoever
// is killed, finds either the one or the other.
#include "tools/driver/replay_update.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum replay_updated fail(char why[200], const char *sentence) {
  snprintf(why, 200, "%s", sentence);
  return REPLAY_UNWRITTEN;
}

// The file that comes into being, and how far it is the old one.
struct new_file {
  FILE *file;
  int old;
  off_t len;
  bool differs;
  char path[PATH_MAX];
};

// Gives the new file the owner and mode of the old one. Who may not give a file away keeps it; the
// mode comes after, since a new owner clears bits of it.
static bool make_alike(int fd, const struct stat *old) {
  return (fchown(fd, old->st_uid, old->st_gid) == 0 || errno == EPERM) &&
         fchmod(fd, old->st_mode & 07777) == 0;
}

// Opens a file beside `target`, which is open as `old`. False with errno set.
static bool open_beside(struct new_file *n, const char *target, int old) {
  struct stat info;
  *n = (struct new_file){.old = old};
  if (snprintf(n->path, sizeof(n->path), "%s.XXXXXX", target) >= (int)sizeof(n->path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  int fd = mkostemp(n->path, O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  if (fstat(old, &info) == 0 && make_alike(fd, &info) && (n->file = fdopen(fd, "w")) != NULL) {
    return true;
  }
  int error = errno;
  close(fd);
  unlink(n->path);
  errno = error;
  return false;
}

static bool is_as_it_was(const struct new_file *n, const char *text, size_t len) {
  char old[4096];
  for (size_t at = 0; at < len;) {
    size_t most = len - at < sizeof(old) ? len - at : sizeof(old);
    ssize_t got = pread(n->old, old, most, n->len + (off_t)at);
    if (got <= 0 || memcmp(old, text + at, (size_t)got) != 0) {
      return false;
    }
    at += (size_t)got;
  }
  return true;
}

// An ehlo_write_fn.
static bool write_new(void *arg, const char *text, size_t len) {
  struct new_file *n = arg;
  n->differs = n->differs || !is_as_it_was(n, text, len);
  n->len += (off_t)len;
  return fwrite(text, 1, len, n->file) == len;
}

// Whether there is anything to replace: what is right already stays the file that it is.
static bool is_new(const struct new_file *n) {
  struct stat info;
  return n->differs || fstat(n->old, &info) != 0 || info.st_size != n->len;
}

static enum replay_updated replace(struct ehlo_replay_result *out, char why[200],
                                   struct ehlo_replayer *replayer, struct replay_source *source,
                                   const char *target) {
  struct new_file new_file;
  struct ehlo_writer writer;
  if (!open_beside(&new_file, target, fileno(source->file))) {
    return fail(why, strerror(errno));
  }
  ehlo_writer_init(&writer, write_new, &new_file);
  struct ehlo_replay_options options = {.chunks = EHLO_CHUNKS_RECORDED, .copy = &writer};
  ehlo_replayer_run(replayer, out, replay_source_read, source, &options);
  bool written = !writer.failed && fflush(new_file.file) == 0;
  int error = errno;
  written = fclose(new_file.file) == 0 && written;
  bool wanted = written && out->verdict == EHLO_REPLAY_SAME && is_new(&new_file);
  if (wanted && rename(new_file.path, target) != 0) {
    error = errno;
    written = false;
  }
  if (!wanted || !written) {
    unlink(new_file.path);
  }
  return written ? REPLAY_UPDATED : fail(why, strerror(error));
}

enum replay_updated replay_update(struct ehlo_replay_result *out, char why[200],
                                  struct ehlo_replayer *replayer, struct replay_source *source,
                                  const char *path) {
  if (!source->has_name) {
    return fail(why, "it is no file that could be replaced");
  }
  char *target = realpath(path, NULL);
  if (target == NULL) {
    return fail(why, strerror(errno));
  }
  enum replay_updated updated = replace(out, why, replayer, source, target);
  free(target);
  return updated;
}
