// The new file is written beside the old one and renamed over it, so that whoever reads, and whoever
// is killed, finds either the one or the other.
#include "tools/driver/replay_update.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/driver/file.h"

static enum replay_updated fail(char why[200], const char *sentence) {
  snprintf(why, 200, "%s", sentence);
  return REPLAY_UNWRITTEN;
}

// Opens a file beside `target`, with the owner and mode of what is open as `fd`.
static FILE *open_beside(char temporary[PATH_MAX], const char *target, int fd) {
  struct stat info;
  if (snprintf(temporary, PATH_MAX, "%s.XXXXXX", target) >= PATH_MAX) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  int out = mkostemp(temporary, 0);
  if (out < 0) {
    return NULL;
  }
  FILE *file = fstat(fd, &info) == 0 ? fdopen(out, "w") : NULL;
  // Who may not give a file away keeps it; its mode comes after, since a new owner clears bits of it.
  bool given = file != NULL && (fchown(out, info.st_uid, info.st_gid) == 0 || errno == EPERM);
  if (!given || fchmod(out, info.st_mode & 07777) != 0) {
    int error = errno;
    if (file != NULL) {
      fclose(file);
    } else {
      close(out);
    }
    unlink(temporary);
    errno = error;
    return NULL;
  }
  return file;
}

static enum replay_updated replace(struct ehlo_replay_result *out, char why[200],
                                   struct ehlo_replayer *replayer, struct replay_source *source,
                                   const char *target) {
  char temporary[PATH_MAX];
  struct ehlo_writer writer;
  FILE *file = open_beside(temporary, target, source->fd);
  if (file == NULL) {
    return fail(why, strerror(errno));
  }
  ehlo_writer_init(&writer, file_write, file);
  struct ehlo_replay_options options = {.chunks = EHLO_CHUNKS_RECORDED, .copy = &writer};
  ehlo_replayer_run(replayer, out, replay_source_read, source, &options);
  bool written = !writer.failed && fflush(file) == 0;
  int error = errno;
  written = fclose(file) == 0 && written;
  if (written && out->verdict == EHLO_REPLAY_SAME) {
    written = rename(temporary, target) == 0;
    error = errno;
  }
  if (!written || out->verdict != EHLO_REPLAY_SAME) {
    unlink(temporary);
  }
  return written ? REPLAY_UPDATED : fail(why, strerror(error));
}

enum replay_updated replay_update(struct ehlo_replay_result *out, char why[200],
                                  struct ehlo_replayer *replayer, struct replay_source *source,
                                  const char *path) {
  if (!source->own || !S_ISREG(source->mode)) {
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
