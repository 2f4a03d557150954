// Unbuffered, so that a crash or a kill loses nothing already seen.
#include "tools/driver/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

int sink_open(struct sink *s, const char *path, struct trace *trace) {
  *s = (struct sink){.fd = -1, .path = path, .trace = trace};
  if (path == NULL) {
    return 0;
  }
  s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (s->fd < 0) {
    fprintf(stderr, "ehlo: cannot write the transcript %s: %s\n", path, strerror(errno));
    return EX_CANTCREAT;
  }
  return 0;
}

static void give_up(struct sink *s, int why) {
  fprintf(stderr, "ehlo: the transcript %s is incomplete from here on: %s\n", s->path,
          strerror(why));
  s->incomplete = true;
  close(s->fd);
  s->fd = -1;
}

bool sink_write(void *sink, const char *text, size_t len) {
  struct sink *s = sink;
  if (s->trace != NULL) {
    trace_text(s->trace, text, len);
  }
  for (size_t at = 0; at < len && s->fd >= 0;) {
    ssize_t n = write(s->fd, text + at, len - at);
    if (n >= 0) {
      at += (size_t)n;
    } else if (errno != EINTR) {
      give_up(s, errno);
    }
  }
  return true;  // what is shown goes on
}

void sink_close(struct sink *s) {
  if (s->fd >= 0 && close(s->fd) != 0) {
    s->fd = -1;
    s->incomplete = true;
    fprintf(stderr, "ehlo: the transcript %s may be incomplete: %s\n", s->path, strerror(errno));
  }
  s->fd = -1;
}
