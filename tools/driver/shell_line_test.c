// The classifier of typed lines: what is secret, what is a helper, what ends a message.
#include "tools/driver/shell_line.h"

#include <criterion/criterion.h>
#include <string.h>

static struct shell_line read_line(const char *typed, bool after_auth) {
  struct shell_line line;
  shell_line_read(&line, ehlo_str(typed), after_auth);
  return line;
}

static bool is(struct ehlo_span text, const char *expected) {
  return text.len == strlen(expected) && memcmp(text.bytes, expected, text.len) == 0;
}

Test(shell_line, every_first_letter_is_for_the_server) {
  static const char *const lines[] = {"QUIT", "RCPT TO:<a@b>", "KILL", "quit", "B", "#", "!x", "",
                                      " "};
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    struct shell_line line = read_line(lines[i], false);
    cr_expect(!line.helper && is(line.text, lines[i]) && line.secret.len == 0, "%s", lines[i]);
  }
}

Test(shell_line, a_colon_is_for_the_shell) {
  cr_expect(read_line(":auth PLAIN", false).helper);
  cr_expect(is(read_line(":auth PLAIN", false).text, "auth PLAIN"));
  cr_expect(read_line(":", false).helper);
  struct shell_line line = read_line("::x", false);
  cr_expect(!line.helper && is(line.text, ":x"));
  line = read_line(":raw MAIL FROM:<>", false);
  cr_expect(!line.helper && line.raw && is(line.text, "MAIL FROM:<>"));
  cr_expect_eq(line.verb, EHLO_VERB_MAIL);
}

Test(shell_line, credentials_are_found) {
  static const struct {
    const char *line;
    const char *secret;
  } cases[] = {
      {"AUTH PLAIN AGEAYg==", "AGEAYg=="},
      {"auth plain AGEAYg==", "AGEAYg=="},
      {"AUTH  PLAIN  AGEAYg== ", "AGEAYg== "},
      {" AUTH PLAIN AGEAYg==", "AGEAYg=="},
      {"AUTH PLAIN AGEA Yg==", "AGEA Yg=="},
      {"AUTH X-OWN AGEAYg==", "AGEAYg=="},
      {"AUHT PLAIN AGEAYg==", "AGEAYg=="},
      {"LOGIN PLAIN AGEAYg==", "AGEAYg=="},
      {"AUTHPLAIN AGEAYg==", "AGEAYg=="},
      {":raw AUTH PLAIN AGEAYg==", "AGEAYg=="},
      {"AUTH SCRAM-SHA-256 biws", "biws"},
      {"XX SCRAM-SHA-1-PLUS biws", "biws"},
      {"AUTH PLAIN", ""},
      {"AUTH PLAIN =", ""},
      {"AUTH", ""},
      {"MAIL FROM:<a@b> AUTH=<>", ""},
      {"HELP AUTH PLAIN", ""},
      {"NOOP AGEAYg==", ""},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct shell_line line = read_line(cases[i].line, false);
    cr_expect(is(line.secret, cases[i].secret), "%s: \"%.*s\"", cases[i].line, (int)line.secret.len,
              (const char *)line.secret.bytes);
  }
}

Test(shell_line, what_follows_a_refused_auth_is_secret_unless_it_is_a_command) {
  cr_expect(is(read_line("c2VjcmV0", true).secret, "c2VjcmV0"));
  cr_expect(is(read_line("c2VjcmV0", false).secret, ""));
  cr_expect(is(read_line("QUIT", true).secret, ""));
  cr_expect(is(read_line("EHLO a.b", true).secret, ""));
}

Test(shell_line, responses) {
  uint8_t out[EHLO_TOKEN_MAX];
  size_t len;
  cr_expect(shell_line_response(out, &len, ehlo_str("AGEAYg==")));
  cr_expect_eq(len, 4);
  cr_expect(is(shell_line_kernel((struct ehlo_span){out, len}), "b"));
  cr_expect(shell_line_response(out, &len, ehlo_str("")));
  cr_expect_eq(len, 0);
  cr_expect(is(shell_line_kernel((struct ehlo_span){out, 0}), ""));
  cr_expect(!shell_line_response(out, &len, ehlo_str("no base64")));
  cr_expect(!shell_line_response(out, &len, ehlo_str("=")));
  cr_expect(is(shell_line_kernel(ehlo_str("secret")), "secret"));
}

Test(shell_line, the_end_of_a_message) {
  cr_expect(shell_line_ends_data(ehlo_str(".")));
  cr_expect(!shell_line_ends_data(ehlo_str("..")));
  cr_expect(!shell_line_ends_data(ehlo_str(". ")));
  cr_expect(!shell_line_ends_data(ehlo_str("")));
}
