// The pump over a socket of the program's own, against a server at the other end of a socket pair.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/example/blocking.h"
#include "tools/example/server.h"

#define TO_DATA                                                              \
  {NULL, "220 hello\r\n"}, {"EHLO client.example.com\r\n", "250 hello\r\n"}, \
      {"MAIL FROM:<a@example.com>\r\n", "250 ok\r\n"},                       \
      {"RCPT TO:<b@example.com>\r\n", "250 ok\r\n"}, {                       \
    "DATA\r\n", "354 go\r\n"                                                 \
  }

static enum ehlo_outcome run(struct server *s, const struct line *script, size_t num_lines,
                             uint32_t command_ms) {
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config cfg = {
      .helo_name = ehlo_str("client.example.com"),
      .messages = &message,
      .num_messages = 1,
      .tls = EHLO_TLS_NONE,
  };
  int fd = server_pair(s, script, num_lines);
  enum ehlo_outcome outcome =
      submit_blocking(fd, &cfg, &(struct ehlo_timeouts){.command_ms = command_ms},
                      ehlo_str("Subject: x\n\n.dot\n"));
  close(fd);
  server_join(s);
  return outcome;
}

Test(blocking, submits) {
  static const struct line script[] = {
      TO_DATA, {"message", "250 taken\r\n"}, {"QUIT\r\n", "221 bye\r\n"}};
  static const char want[] = "Subject: x\r\n\r\n..dot\r\n";
  struct server s;
  cr_expect_eq(run(&s, script, 7, 0), EHLO_OUTCOME_ACCEPTED);
  cr_expect(s.good);
  cr_expect(s.message_len == strlen(want) && memcmp(s.message, want, strlen(want)) == 0);
  free(s.message);
}

Test(blocking, is_refused) {
  static const struct line script[] = {
      TO_DATA, {"message", "554 no\r\n"}, {"QUIT\r\n", "221 bye\r\n"}};
  struct server s;
  cr_expect_eq(run(&s, script, 7, 0), EHLO_OUTCOME_REFUSED);
  cr_expect(s.good);
  free(s.message);
}

Test(blocking, knows_that_the_message_may_have_arrived) {
  static const struct line script[] = {TO_DATA, {"message", NULL}};
  struct server s;
  cr_expect_eq(run(&s, script, 6, 0), EHLO_OUTCOME_UNKNOWN);
  cr_expect(s.good);
  free(s.message);
}

Test(blocking, loses_the_connection) {
  static const struct line script[] = {{NULL, "220 hello\r\n"},
                                       {"EHLO client.example.com\r\n", NULL}};
  struct server s;
  cr_expect_eq(run(&s, script, 2, 0), EHLO_OUTCOME_LOST);
}

Test(blocking, does_not_wait_for_ever) {
  static const struct line script[] = {{NULL, "220 hello\r\n"},
                                       {"EHLO client.example.com\r\n", "silence"}};
  struct server s;
  cr_expect_eq(run(&s, script, 2, 20), EHLO_OUTCOME_TIMEOUT);
}

// The server asked for TLS is taken at its word, and the socket has none.
Test(blocking, has_no_tls) {
  static const struct line script[] = {
      {NULL, "220 hello\r\n"},
      {"EHLO client.example.com\r\n", "250-hello\r\n250 STARTTLS\r\n"},
      {"STARTTLS\r\n", "220 go\r\n"},
  };
  struct server s;
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config cfg = {
      .helo_name = ehlo_str("client.example.com"), .messages = &message, .num_messages = 1};
  int fd = server_pair(&s, script, 3);
  cr_expect_eq(submit_blocking(fd, &cfg, &(struct ehlo_timeouts){0}, ehlo_str("x\n")),
               EHLO_OUTCOME_TLS_FAILED);
  close(fd);
  server_join(&s);
  cr_expect(s.good);
}
