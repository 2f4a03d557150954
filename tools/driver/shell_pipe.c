// Lines of a pipe, or of a terminal that shows nothing.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tools/driver/shell_input_parts.h"
#include "tools/driver/shell_interrupt.h"

enum shell_input_result shell_pipe_wait(int fd, int wire) {
  struct pollfd p[2] = {{.fd = wire, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  for (;;) {
    if (shell_interrupt_is_set()) {
      return SHELL_INPUT_INTERRUPT;
    }
    int num = poll(p, 2, -1);
    if (num > 0) {
      return p[0].revents != 0 ? SHELL_INPUT_WIRE : SHELL_INPUT_LINE;
    }
    if (num < 0 && errno != EINTR) {
      return SHELL_INPUT_END;
    }
  }
}

// The line at the front of what was read, if it is whole, or as much as a line may have.
static bool take_line(struct shell_pipe *p, struct ehlo_span *out,
                      enum shell_input_result *result) {
  uint8_t *start = p->bytes + p->start;
  uint8_t *lf = p->len > 0 ? memchr(start, '\n', p->len) : NULL;
  size_t len = lf != NULL ? (size_t)(lf - start) : p->len;
  if (lf == NULL && p->len < sizeof(p->bytes) && !(p->at_end && p->len > 0)) {
    return false;
  }
  size_t used = lf != NULL ? len + 1 : len;
  len -= len > 0 && start[len - 1] == '\r';
  bool piece = len > SHELL_LINE_MAX || (lf == NULL && !p->at_end);
  used = piece ? SHELL_LINE_MAX : used;  // a CR at its end may be half of a CRLF
  *out = (struct ehlo_span){start, piece ? SHELL_LINE_MAX : len};
  *result = piece ? SHELL_INPUT_PIECE : SHELL_INPUT_LINE;
  p->start += used;
  p->len -= used;
  return true;
}

static bool fill(struct shell_pipe *p) {
  memmove(p->bytes, p->bytes + p->start, p->len);
  p->start = 0;
  ssize_t n = read(p->fd, p->bytes + p->len, sizeof(p->bytes) - p->len);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
    return true;
  }
  p->at_end = n <= 0;
  p->len += n > 0 ? (size_t)n : 0;
  return n > 0;
}

enum shell_input_result shell_pipe_read(struct shell_pipe *p, struct ehlo_span *out, int wire) {
  enum shell_input_result result = SHELL_INPUT_END;
  while (!take_line(p, out, &result)) {
    if (p->at_end) {
      return SHELL_INPUT_END;
    }
    result = shell_pipe_wait(p->fd, wire);
    if (result != SHELL_INPUT_LINE) {
      return result;
    }
    (void)fill(p);
  }
  return result;
}
