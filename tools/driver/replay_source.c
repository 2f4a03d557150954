// See replay_source.h. What may be opened, and how it is kept, is decided in file.c and spool.c.
#include "tools/driver/replay_source.h"

#include <errno.h>
#include <string.h>

#include "tools/driver/file.h"
#include "tools/driver/spool.h"

static bool fail(struct replay_source *s, const char *why) {
  snprintf(s->why, sizeof(s->why), "%s", why);
  return false;
}

bool replay_source_open(struct replay_source *s, const char *path, bool again) {
  const char *why;
  memset(s, 0, sizeof(*s));
  s->file = again ? spool_open(&why, path, NULL, NULL) : file_open(&why, path);
  if (s->file == NULL) {
    return fail(s, why);
  }
  s->has_name = strcmp(path, "-") != 0 && spool_is_regular(s->file);
  return true;
}

bool replay_source_rewind(struct replay_source *s) {
  return fseeko(s->file, 0, SEEK_SET) == 0 || fail(s, strerror(errno));
}

void replay_source_close(struct replay_source *s) {
  if (s->file != NULL) {
    file_close(s->file);
  }
  s->file = NULL;
}

long replay_source_read(void *source, uint8_t *buf, size_t cap) {
  struct replay_source *s = source;
  long n = file_read(s->file, buf, cap);
  if (n < 0) {
    fail(s, strerror(errno));
  }
  return n;
}
