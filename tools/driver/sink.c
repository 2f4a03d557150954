// See sink.h. Unbuffered; it knows nothing of what the lines say.
#include "tools/driver/sink.h"
#include "tools/driver/complaints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FIRST_NAME_ENDING ".XXXXXX.partial"

static int cannot_open(const struct sink *s) {
  fprintf(complaints(), "ehlo: cannot write the transcript %s: %s\n", s->path, strerror(errno));
  return EX_CANTCREAT;
}

// Whether `path` can be replaced by another file.
static bool is_replaceable(const char *path) {
  struct stat info;
  if (lstat(path, &info) != 0) {
    return errno == ENOENT;
  }
  return S_ISREG(info.st_mode) && info.st_nlink == 1;
}

// Makes a file beside `path`. Where the directory takes none, a file that is there may still do.
static void open_beside(struct sink *s) {
  int len = snprintf(s->first_name, sizeof(s->first_name), "%s" FIRST_NAME_ENDING, s->path);
  if (len < 0 || (size_t)len >= sizeof(s->first_name)) {
    s->first_name[0] = '\0';
    errno = ENAMETOOLONG;
    return;
  }
  s->fd = mkostemps(s->first_name, (int)strlen(".partial"), O_CLOEXEC);  // of mode 0600
  if (s->fd < 0) {
    s->first_name[0] = '\0';
  }
}

static void open_in_place(struct sink *s) {
  s->fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  s->named = s->fd >= 0;
}

int sink_open(struct sink *s, const char *path, struct trace *trace) {
  *s = (struct sink){.fd = -1, .path = path, .trace = trace};
  if (path == NULL) {
    return 0;
  }
  if (is_replaceable(path)) {
    open_beside(s);
  }
  if (s->fd < 0) {
    open_in_place(s);
  }
  return s->fd < 0 ? cannot_open(s) : 0;
}

int sink_open_withheld(struct sink *s, const char *path, struct trace *trace) {
  *s = (struct sink){.fd = -1, .path = path, .trace = trace, .withheld = true};
  if (!is_replaceable(path)) {
    fprintf(complaints(), "ehlo: cannot withhold the transcript %s: it is no regular file\n", path);
    return EX_CANTCREAT;
  }
  open_beside(s);
  return s->fd < 0 ? cannot_open(s) : 0;
}

static void take_name(struct sink *s) {
  s->named = rename(s->first_name, s->path) == 0;
  if (!s->named) {
    fprintf(complaints(), "ehlo: the transcript stays in %s and cannot be named %s: %s\n",
            s->first_name, s->path, strerror(errno));
    s->incomplete = true;
    s->withheld = true;
    s->first_name[0] = '\0';  // it is not removed
  }
}

// What is there is cut back to whole lines, so that it can be read as far as it goes.
static void give_up(struct sink *s, int why) {
  fprintf(complaints(), "ehlo: the transcript %s is incomplete from here on: %s\n", s->path,
          strerror(why));
  s->incomplete = true;
  if (ftruncate(s->fd, s->whole) != 0) {
    s->whole = 0;  // a pipe or a device; nothing is left to do
  }
  close(s->fd);
  s->fd = -1;
}

// Octets of `text` up to its last line feed.
static size_t whole_lines(const char *text, size_t len) {
  const char *last = memrchr(text, '\n', len);
  return last != NULL ? (size_t)(last - text) + 1 : 0;
}

static void write_text(struct sink *s, const char *text, size_t len) {
  for (size_t at = 0; at < len && s->fd >= 0;) {
    ssize_t n = write(s->fd, text + at, len - at);
    if (n >= 0) {
      at += (size_t)n;
    } else if (errno != EINTR) {
      int why = errno;
      s->whole += (off_t)whole_lines(text, at);
      give_up(s, why);
    }
  }
  if (s->fd >= 0) {
    s->whole += (off_t)len;
  }
}

bool sink_write(void *sink, const char *text, size_t len) {
  struct sink *s = sink;
  if (s->trace != NULL) {
    trace_text(s->trace, text, len);
  }
  if (s->fd >= 0) {
    write_text(s, text, len);
    if (s->fd >= 0 && !s->named && !s->withheld) {
      take_name(s);
    }
  }
  return true;  // what is shown goes on
}

void sink_keep(struct sink *s) {
  if (s->withheld && !s->named && s->first_name[0] != '\0' && s->whole > 0) {
    take_name(s);
  }
}

void sink_close(struct sink *s) {
  if (s->fd >= 0 && close(s->fd) != 0) {
    s->incomplete = true;
    fprintf(complaints(), "ehlo: the transcript %s may be incomplete: %s\n", s->path,
            strerror(errno));
  }
  s->fd = -1;
  if (!s->named && s->first_name[0] != '\0') {
    unlink(s->first_name);
    s->first_name[0] = '\0';
  }
}

bool sink_is_kept(const struct sink *s) {
  return s->named;
}
