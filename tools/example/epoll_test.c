// Eight submissions at once in one thread, against loopback servers that take, refuse, dawdle, fall
// silent and hang up: each ends as its own server made it end.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/example/epoll.h"
#include "tools/example/server.h"

#define GREETING \
  { NULL, "220 hello\r\n" }
#define HELLO \
  { "EHLO client.example.com\r\n", "250-hello\r\n250 8BITMIME\r\n" }
#define MAIL \
  { "MAIL FROM:<a@example.com>\r\n", "250 ok\r\n" }
#define RCPT \
  { "RCPT TO:<b@example.com>\r\n", "250 ok\r\n" }
#define DATA \
  { "DATA\r\n", "354 go\r\n" }
#define QUIT \
  { "QUIT\r\n", "221 bye\r\n" }

#define SCRIPT_MAX 8
static const char big_line[] = ".a line of a message that is sent by the thousand\r\n";
#define BIG_LEN ((sizeof(big_line) - 1) * 320000)  // 16 MB, more than two sockets hold

static const struct {
  const char *name;
  struct line script[SCRIPT_MAX];
  size_t num_lines;
  bool big;        // its message is, and the socket's buffers are not
  bool times_out;  // its bounds are short
  enum ehlo_outcome outcome;
} sessions[] = {
    {"takes it",
     {GREETING, HELLO, MAIL, RCPT, DATA, {"message", "250 taken\r\n"}, QUIT},
     7,
     false,
     false,
     EHLO_OUTCOME_ACCEPTED},
    {"takes a big one",
     {GREETING, HELLO, MAIL, RCPT, DATA, {"message", "250 taken\r\n"}, QUIT},
     7,
     true,
     false,
     EHLO_OUTCOME_ACCEPTED},
    {"pipelines",
     {GREETING,
      {"EHLO client.example.com\r\n", "250-hello\r\n250 PIPELINING\r\n"},
      {"MAIL FROM:<a@example.com>\r\n", ""},
      {"RCPT TO:<b@example.com>\r\n", ""},
      {"DATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n"},
      {"message", NULL}},
     6,
     false,
     false,
     EHLO_OUTCOME_UNKNOWN},
    {"refuses the sender",
     {GREETING, HELLO, {"MAIL FROM:<a@example.com>\r\n", "550 no\r\n"}, QUIT},
     4,
     false,
     false,
     EHLO_OUTCOME_REFUSED},
    {"has no time",
     {GREETING, {"EHLO client.example.com\r\n", "421 busy\r\n"}},
     2,
     false,
     false,
     EHLO_OUTCOME_DEFERRED},
    {"says nothing", {{NULL, "silence"}}, 1, false, true, EHLO_OUTCOME_TIMEOUT},
    {"stops in a reply",
     {GREETING, {"EHLO client.example.com\r\n", "250-hello\r\n"}, {NULL, NULL}},
     3,
     false,
     false,
     EHLO_OUTCOME_LOST},
    {"speaks another language",
     {{NULL, "HTTP/1.1 400 Bad Request\r\n"}},
     1,
     false,
     false,
     EHLO_OUTCOME_PROTOCOL_ERROR},
};
#define NUM_SESSIONS (sizeof(sessions) / sizeof(sessions[0]))

struct envelope {
  struct ehlo_recipient to;
  struct ehlo_message message;
};

static struct delivery delivery_to(struct sockaddr_in server, struct envelope *envelope,
                                   struct ehlo_span message) {
  envelope->to = (struct ehlo_recipient){.address = ehlo_str("b@example.com")};
  envelope->message =
      (struct ehlo_message){.from = ehlo_str("a@example.com"), .to = &envelope->to, .num_to = 1};
  return (struct delivery){
      .server = server,
      .config = {.helo_name = ehlo_str("client.example.com"),
                 .messages = &envelope->message,
                 .num_messages = 1,
                 .tls = EHLO_TLS_NONE},
      .message = message,
  };
}

static char *big_message(void) {
  char *text = malloc(BIG_LEN);
  cr_assert_not_null(text);
  for (size_t i = 0; i < BIG_LEN; i++) {
    text[i] = big_line[i % (sizeof(big_line) - 1)];
  }
  return text;
}

// What the server has to have: each dot at the start of a line doubled.
static bool is_stuffed(const struct server *s, const char *text, size_t len) {
  size_t at = 0;
  for (size_t i = 0; i < len; i++) {
    bool doubled = text[i] == '.' && (i == 0 || text[i - 1] == '\n');
    if (doubled && (at == s->message_len || s->message[at++] != '.')) {
      return false;
    }
    if (at == s->message_len || s->message[at++] != text[i]) {
      return false;
    }
  }
  return at == s->message_len;
}

Test(epoll, each_ends_in_its_own_way) {
  static const char small[] = "Subject: x\r\n\r\n.dot\r\n";
  struct envelope envelopes[NUM_SESSIONS];
  struct server servers[NUM_SESSIONS];
  static struct delivery deliveries[NUM_SESSIONS];
  char *big = big_message();
  for (size_t i = 0; i < NUM_SESSIONS; i++) {
    struct ehlo_span message = {(const uint8_t *)(sessions[i].big ? big : small),
                                sessions[i].big ? BIG_LEN : sizeof(small) - 1};
    deliveries[i] = delivery_to((struct sockaddr_in){0}, &envelopes[i], message);
    deliveries[i].server =
        server_listen(&servers[i], sessions[i].script, sessions[i].num_lines,
                      sessions[i].big ? &deliveries[i].num_partial_writes : NULL);
    if (sessions[i].times_out) {
      deliveries[i].timeouts.greeting_ms = 20;
    }
  }
  cr_assert(submit_all(deliveries, NUM_SESSIONS));
  for (size_t i = 0; i < NUM_SESSIONS; i++) {
    const char *text = sessions[i].big ? big : small;
    size_t len = sessions[i].big ? BIG_LEN : sizeof(small) - 1;
    server_join(&servers[i]);
    cr_expect_eq(deliveries[i].outcome, sessions[i].outcome, "a server that %s: %s",
                 sessions[i].name, ehlo_outcome_name(deliveries[i].outcome));
    cr_expect(servers[i].good, "a server that %s", sessions[i].name);
    cr_expect(servers[i].message == NULL || is_stuffed(&servers[i], text, len),
              "the message at a server that %s", sessions[i].name);
    cr_expect(!sessions[i].big || deliveries[i].num_partial_writes > 0, "no partial write");
    free(servers[i].message);
  }
  free(big);
}

// Nobody listens there: the socket is bound, and that is all.
Test(epoll, is_refused_a_connection) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof(address);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  struct envelope envelope;
  struct delivery delivery = delivery_to(address, &envelope, ehlo_str("x\n"));
  cr_assert(submit_all(&delivery, 1));
  cr_expect_eq(delivery.outcome, EHLO_OUTCOME_CONNECT_FAILED, "%s",
               ehlo_outcome_name(delivery.outcome));
  close(fd);
}

// A message that may not be sent: the connection is closed inside it, and the server has nothing.
Test(epoll, gives_up_a_broken_message) {
  static const struct line script[] = {GREETING, HELLO, MAIL,
                                       RCPT,     DATA,  {"message", "250 ok\r\n"}};
  struct envelope envelope;
  struct server server;
  struct delivery delivery =
      delivery_to(server_listen(&server, script, 6, NULL), &envelope, ehlo_str("a\rb\n"));
  cr_assert(submit_all(&delivery, 1));
  server_join(&server);
  cr_expect_eq(delivery.outcome, EHLO_OUTCOME_USAGE);
  cr_expect(!server.good);
  free(server.message);
}
