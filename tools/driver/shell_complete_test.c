// Completion: only what the server offered, at the place where it may stand.
#include "tools/driver/shell_complete.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ehlo_capabilities offered(const char *lines) {
  struct ehlo_capabilities caps;
  struct ehlo_reply reply = {.code = 250, .num_lines = 2, .text = ehlo_str(lines)};
  ehlo_capabilities_parse(&caps, &reply);
  return caps;
}

static void expect_words(const char *line, const char *lines, const char *expected) {
  struct ehlo_capabilities caps = offered(lines);
  struct shell_choices choices;
  char found[2048] = "";
  shell_complete(&choices, ehlo_str(line), &caps);
  for (size_t i = 0; i < choices.num; i++) {
    strcat(strcat(found, i > 0 ? "|" : ""), choices.words[i]);
  }
  cr_expect_str_eq(found, expected, "%s: %s", line, found);
}

#define ALL                                                                         \
  "250-x\r\n250-SIZE "                                                              \
  "1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250-STARTTLS" \
  "\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"
#define NONE "250-x\r\n250 HELP\r\n"

Test(shell_complete, verbs_as_far_as_they_are_offered) {
  expect_words("M", ALL, "MAIL FROM:<");
  expect_words("mail ", ALL, "MAIL FROM:<");
  expect_words("MAIL FR", ALL, "MAIL FROM:<");
  expect_words("STA", ALL, "STARTTLS");
  expect_words("STA", NONE, "");
  expect_words("AU", NONE, "");
  expect_words("BD", ALL, "BDAT ");
}

Test(shell_complete, mechanisms) {
  expect_words("AUTH ", ALL, "PLAIN|SCRAM-SHA-256");
  expect_words("auth s", ALL, "SCRAM-SHA-256");
  expect_words(":auth P", ALL, "PLAIN");
  expect_words("AUTH PLAIN ", ALL, "");
  expect_words("AUTH ", NONE, "");
}

Test(shell_complete, parameters) {
  expect_words("MAIL FROM:<a@b> ", ALL,
               "SIZE=|BODY=8BITMIME|BODY=7BIT|SMTPUTF8|RET=HDRS|RET=FULL|ENVID=|AUTH=<>");
  expect_words("MAIL FROM:<a@b> SIZE=1 b", ALL, "BODY=8BITMIME|BODY=7BIT");
  expect_words("MAIL FROM:<a@b> ", NONE, "");
  expect_words("RCPT TO:<a@b> O", ALL, "ORCPT=rfc822;");
  expect_words("RCPT TO:<a@b> ", NONE, "");
}

Test(shell_complete, helpers_and_files) {
  struct ehlo_capabilities caps = offered(NONE);
  struct shell_choices choices;
  expect_words(":s", NONE, ":save |:send |:starttls");
  expect_words(":help QU", NONE, "QUIT");
  shell_complete(&choices, ehlo_str(":send me"), &caps);
  cr_expect(choices.files && choices.num == 0);
  shell_complete(&choices, ehlo_str("DATA x"), &caps);
  cr_expect(!choices.files && choices.num == 0);
  shell_complete(&choices, ehlo_str(":s"), &caps);
  cr_expect_eq(shell_complete_common(&choices), 2);
  shell_complete(&choices, ehlo_str(""), &caps);
  cr_expect_gt(choices.num, 8);
}
