// See sendmail_input.h.
#include "tools/driver/sendmail_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/driver/contents.h"

size_t sendmail_input_end(size_t *from, const uint8_t *bytes, size_t len, bool is_all) {
  while (*from < len) {
    const uint8_t *line = bytes + *from;
    const uint8_t *end = memchr(line, '\n', len - *from);
    if (end == NULL && !is_all) {
      return len;
    }
    size_t line_len = end != NULL ? (size_t)(end - line) : len - *from;
    if (line_len > 0 && line[line_len - 1] == '\r') {
      line_len--;
    }
    if (line_len == 1 && line[0] == '.') {
      return *from;
    }
    *from = end != NULL ? (size_t)(end - bytes) + 1 : len;
  }
  return len;
}

struct input {
  uint8_t *bytes;
  size_t len;
  size_t cap;
  size_t next_line;
};

static int fail(struct input *in, const char *why) {
  free(in->bytes);
  fprintf(complaints(), "ehlo: cannot read the message on standard input: %s\n", why);
  return EX_NOINPUT;
}

static bool make_room(struct input *in) {
  if (in->len < in->cap) {
    return true;
  }
  size_t cap = in->cap > 0 ? in->cap * 2 : 65536;
  uint8_t *bytes = realloc(in->bytes, cap);
  if (bytes == NULL) {
    return false;
  }
  in->bytes = bytes;
  in->cap = cap;
  return true;
}

int sendmail_input_read(uint8_t **out, size_t *out_len, int fd, bool dot_ends) {
  struct input in = {NULL, 0, 0, 0};
  bool is_all = false;
  while (!is_all) {
    if (!make_room(&in)) {
      return fail(&in, "out of memory");
    }
    ssize_t n = read(fd, in.bytes + in.len, in.cap - in.len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 || in.len + (size_t)n > CONTENTS_MAX) {
      return fail(&in, n < 0 ? strerror(errno) : "it is larger than 1 GiB");
    }
    is_all = n == 0;
    in.len += (size_t)n;
    if (dot_ends) {
      size_t end = sendmail_input_end(&in.next_line, in.bytes, in.len, is_all);
      is_all = is_all || end < in.len;
      in.len = end;
    }
  }
  *out = in.bytes;
  *out_len = in.len;
  return 0;
}
