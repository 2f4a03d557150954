// What is told on standard error is there unchanged, and the last sentence of it is remembered.
#include "tools/driver/complaints.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

static const struct {
  const char *told;
  const char *last;
} rows[] = {
    {"", ""},
    {"ehlo: out of memory\n", "out of memory"},
    {"ehlo send: --to is missing\nTry 'ehlo send --help'.\n", "--to is missing"},
    {"ehlo: one\nehlo: two\n", "two"},
    {"ehlo: one\nehlo: WARNING: whoever\n", "one"},
    {"ehlo: one\nehlo: warning: others\n", "one"},
    {"ehlo: no line yet", ""},
    {"something else\n", ""},
    {"ehlo: \n", ""},
    {"ehloquent: no\n", ""},
    {"ehlo 2: no\n", ""},
};

Test(complaints, remembers_the_last_sentence, .init = cr_redirect_stderr) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    fputs("ehlo: \n", complaints());
    for (const char *at = rows[i].told; *at != '\0'; at++) {
      fputc(*at, complaints());
    }
    cr_expect_str_eq(complaints_last(), rows[i].last, "%zu: %s", i, complaints_last());
    fputs("\n", complaints());
  }
}

Test(complaints, keeps_the_beginning_of_a_long_one, .init = cr_redirect_stderr) {
  fputs("ehlo: ", complaints());
  for (int i = 0; i < 100000; i++) {
    fputc('x', complaints());
  }
  fputc('\n', complaints());
  cr_expect(strlen(complaints_last()) > 1000 && strlen(complaints_last()) < 1024);
}

Test(complaints, go_to_standard_error, .init = cr_redirect_stderr) {
  fprintf(complaints(), "ehlo: %s\n", "two words");
  fputs("and more\n", stderr);
  fflush(stderr);
  cr_expect_stderr_eq_str("ehlo: two words\nand more\n");
}

Test(complaints, become_an_object, .init = cr_redirect_stdout) {
  fputs("ehlo diff: two files are \"expected\"\n", complaints());
  complaints_print_json(64);
  fflush(stdout);
  cr_expect_stdout_eq_str(
      "{\"outcome\":\"usage\",\"error\":\"two files are \\\"expected\\\"\",\"status\":64}\n");
}
