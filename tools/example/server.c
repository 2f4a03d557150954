// See server.h.
#include "tools/example/server.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)32 * 1024 * 1024)
#define SMALL_ROOM (256 * 1024)

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

// In pieces, up to the final dot. A QUIT that came with it is not looked at.
static bool read_message(struct server *s) {
  while (s->stuck != NULL && atomic_load(s->stuck) == 0) {
    sched_yield();
  }
  s->message = malloc(MESSAGE_MAX);
  s->message_len = 0;
  while (s->message != NULL && s->message_len < MESSAGE_MAX) {
    ssize_t n = read(s->fd, s->message + s->message_len, MESSAGE_MAX - s->message_len);
    if (n <= 0) {
      return false;
    }
    size_t from = s->message_len < 4 ? 0 : s->message_len - 4;
    s->message_len += (size_t)n;
    const char *end = memmem(s->message + from, s->message_len - from, "\r\n.\r\n", 5);
    if (end != NULL) {
      s->message_len = (size_t)(end - s->message) + 2;
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
                  bool listens, const atomic_size_t *stuck) {
  memset(s, 0, sizeof(*s));
  s->script = script;
  s->num_lines = num_lines;
  s->fd = fd;
  s->listens = listens;
  s->stuck = stuck;
  cr_assert_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

int server_pair(struct server *s, const struct line *script, size_t num_lines) {
  int fds[2];
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  start(s, script, num_lines, fds[1], false, NULL);
  return fds[0];
}

struct sockaddr_in server_listen(struct server *s, const struct line *script, size_t num_lines,
                                 const atomic_size_t *stuck) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_geq(fd, 0);
  int room = SMALL_ROOM;
  if (stuck != NULL) {
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
  }
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  cr_assert_eq(listen(fd, 1), 0);
  start(s, script, num_lines, fd, true, stuck);
  return address;
}

void server_join(struct server *s) {
  cr_assert_eq(pthread_join(s->thread, NULL), 0);
}
