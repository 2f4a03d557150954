// See server.h.
#include "tools/example/server.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)8 * 1024 * 1024)

static bool read_line(int fd, char *out, size_t cap) {
  size_t len = 0;
  while (len + 1 < cap && read(fd, out + len, 1) == 1) {
    if (out[len++] == '\n') {
      out[len] = '\0';
      return true;
    }
  }
  return false;
}

// Where the room is little: reads nothing before the client can send no more, which is when the octets
// that wait here have not grown for a while.
static void let_it_fill(const struct server *s) {
  int before = -1;
  int waiting = 0;
  while (s->has_little_room && ioctl(s->fd, FIONREAD, &waiting) == 0 &&
         (waiting == 0 || waiting != before)) {
    before = waiting;
    usleep(100000);
  }
}

// In pieces, up to the final dot. What is pipelined behind it is dropped.
static bool read_message(struct server *s) {
  static const char end[] = "\r\n.\r\n";
  s->message = malloc(MESSAGE_MAX);
  s->message_len = 0;
  let_it_fill(s);
  while (s->message != NULL && s->message_len < MESSAGE_MAX) {
    size_t from = s->message_len > sizeof(end) ? s->message_len - sizeof(end) : 0;
    ssize_t n = read(s->fd, s->message + s->message_len, MESSAGE_MAX - s->message_len);
    if (n <= 0) {
      return false;
    }
    s->message_len += (size_t)n;
    const char *found = memmem(s->message + from, s->message_len - from, end, strlen(end));
    if (found != NULL) {
      s->message_len = (size_t)(found + 2 - s->message);
      return true;
    }
  }
  return false;
}

static bool expect(struct server *s, const char *what) {
  char line[512];
  if (what == NULL) {
    return true;
  }
  if (strcmp(what, "message") == 0) {
    return read_message(s);
  }
  return read_line(s->fd, line, sizeof(line)) && strcmp(line, what) == 0;
}

static bool answer(struct server *s, const char *text) {
  char octet;
  if (strcmp(text, "silence") == 0) {
    return read(s->fd, &octet, 1) <= 0;
  }
  return send(s->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

static void *serve(void *arg) {
  struct server *s = arg;
  if (s->listens) {
    int fd = accept(s->fd, NULL, NULL);
    close(s->fd);
    s->fd = fd;
  }
  s->good = s->fd >= 0;
  for (size_t i = 0; i < s->num_lines && s->good; i++) {
    s->good = expect(s, s->script[i].expect);
    if (s->script[i].answer == NULL) {
      break;
    }
    s->good = s->good && answer(s, s->script[i].answer);
  }
  close(s->fd);
  return NULL;
}

static void start(struct server *s, const struct line *script, size_t num_lines, int fd,
                  bool listens, bool has_little_room) {
  memset(s, 0, sizeof(*s));
  s->script = script;
  s->num_lines = num_lines;
  s->fd = fd;
  s->listens = listens;
  s->has_little_room = has_little_room;
  cr_assert_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

int server_pair(struct server *s, const struct line *script, size_t num_lines) {
  int fds[2];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  start(s, script, num_lines, fds[1], false, false);
  return fds[0];
}

struct sockaddr_in server_listen(struct server *s, const struct line *script, size_t num_lines,
                                 int room) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_geq(fd, 0);
  if (room > 0) {
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
  }
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  cr_assert_eq(listen(fd, 1), 0);
  start(s, script, num_lines, fd, true, room > 0);
  return address;
}

void server_join(struct server *s) {
  cr_assert_eq(pthread_join(s->thread, NULL), 0);
}
