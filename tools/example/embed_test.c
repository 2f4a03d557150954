// The README's loop against a server that is played from the other end of a socket pair: that it
// submits, and that it notices each way a session can go wrong.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/example/embed.h"
#include "tools/example/server.h"

static enum ehlo_outcome run(struct server *s, const struct line *script, size_t num_lines) {
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config cfg = {
      .helo_name = ehlo_str("client.example.com"),
      .messages = &message,
      .num_messages = 1,
      .tls = EHLO_TLS_NONE,
  };
  int fd = server_pair(s, script, num_lines);
  enum ehlo_outcome outcome = submit(fd, &cfg, ehlo_str("Subject: x\n\n.dot\n"));
  close(fd);
  server_join(s);
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
  static const char want[] = "Subject: x\r\n\r\n..dot\r\n";
  cr_assert(s.message_len == strlen(want) && memcmp(s.message, want, strlen(want)) == 0);
  free(s.message);
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
  free(s.message);
}
