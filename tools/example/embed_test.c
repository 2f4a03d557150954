// The README's loop against a server that is played from the other end of a socket pair: that it
// submits, and that it notices each way a session can go wrong.
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/example/embed.h"

struct line {
  const char *expect;  // the client's next line, NULL: nothing is read
  const char *answer;  // NULL: the connection is closed
};

struct server {
  int fd;
  const struct line *script;
  size_t num_lines;
  bool good;
  char message[4096];
};

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

static void read_message(struct server *s) {
  char line[256];
  size_t len = 0;
  while (read_line(s->fd, line, sizeof(line)) && strcmp(line, ".\r\n") != 0) {
    size_t n = strlen(line);
    cr_assert_lt(len + n, sizeof(s->message));
    memcpy(s->message + len, line, n + 1);
    len += n;
  }
}

static void *serve(void *arg) {
  struct server *s = arg;
  char line[256];
  s->good = true;
  for (size_t i = 0; i < s->num_lines && s->good; i++) {
    const struct line *l = &s->script[i];
    if (l->expect != NULL && strcmp(l->expect, "message") == 0) {
      read_message(s);
    } else if (l->expect != NULL) {
      s->good = read_line(s->fd, line, sizeof(line)) && strcmp(line, l->expect) == 0;
    }
    if (l->answer == NULL) {
      break;
    }
    s->good = s->good && write(s->fd, l->answer, strlen(l->answer)) == (ssize_t)strlen(l->answer);
  }
  shutdown(s->fd, SHUT_RDWR);
  return NULL;
}

static enum ehlo_outcome run(struct server *s, const struct line *script, size_t num_lines) {
  int fds[2];
  pthread_t thread;
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config cfg = {
      .helo_name = ehlo_str("client.example.com"),
      .messages = &message,
      .num_messages = 1,
      .tls = EHLO_TLS_NONE,
  };
  cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  *s = (struct server){.fd = fds[1], .script = script, .num_lines = num_lines};
  cr_assert_eq(pthread_create(&thread, NULL, serve, s), 0);
  enum ehlo_outcome outcome = submit(fds[0], &cfg, ehlo_str("Subject: x\n\n.dot\n"));
  pthread_join(thread, NULL);
  close(fds[0]);
  close(fds[1]);
  return outcome;
}

Test(embed, submits) {
  static const struct line script[] = {
      {NULL, "220 hello\r\n"},
      {"EHLO client.example.com\r\n", "250-hello\r\n250 SIZE\r\n"},
      {"MAIL FROM:<a@example.com>\r\n", "250 ok\r\n"},
      {"RCPT TO:<b@example.com>\r\n", "250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {"message", "250 taken\r\n"},
      {"QUIT\r\n", "221 bye\r\n"},
  };
  struct server s;
  cr_assert_eq(run(&s, script, 7), EHLO_OUTCOME_ACCEPTED);
  cr_assert(s.good);
  cr_assert_str_eq(s.message, "Subject: x\r\n\r\n..dot\r\n");
}

Test(embed, is_refused) {
  static const struct line script[] = {
      {NULL, "220 hello\r\n"},
      {"EHLO client.example.com\r\n", "250 hello\r\n"},
      {"MAIL FROM:<a@example.com>\r\n", "550 5.7.1 no\r\n"},
      {"QUIT\r\n", "221 bye\r\n"},
  };
  struct server s;
  cr_assert_eq(run(&s, script, 4), EHLO_OUTCOME_REFUSED);
  cr_assert(s.good);
}

Test(embed, loses_the_connection) {
  static const struct line script[] = {
      {NULL, "220 hello\r\n"},
      {"EHLO client.example.com\r\n", NULL},
  };
  struct server s;
  cr_assert_eq(run(&s, script, 2), EHLO_OUTCOME_LOST);
}

Test(embed, knows_that_the_message_may_have_arrived) {
  static const struct line script[] = {
      {NULL, "220 hello\r\n"},
      {"EHLO client.example.com\r\n", "250 hello\r\n"},
      {"MAIL FROM:<a@example.com>\r\n", "250 ok\r\n"},
      {"RCPT TO:<b@example.com>\r\n", "250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {"message", NULL},
  };
  struct server s;
  cr_assert_eq(run(&s, script, 6), EHLO_OUTCOME_UNKNOWN);
}
