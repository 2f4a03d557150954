// Replies to EHLO, and what of them a program in front is shown.
#include "tools/driver/hello.h"

#include <criterion/criterion.h>
#include <string.h>

#include "engine/ehlo.h"

static const char *shown(const char *reply, bool offers) {
  static char out[HELLO_MAX + 64];
  memset(out, 'x', sizeof(out));
  size_t len = hello_for_front(out, ehlo_str(reply), offers);
  cr_expect_leq(len, HELLO_MAX + 32);
  out[len] = '\0';
  return out;
}

Test(hello, edits) {
  cr_expect_str_eq(shown("250-a b\r\n250-STARTTLS\r\n250 SIZE\r\n", false),
                   "250-a b\r\n250 SIZE\r\n");
  cr_expect_str_eq(shown("250-a b\r\n250-SIZE\r\n250 starttls\r\n", false),
                   "250-a b\r\n250 SIZE\r\n");
  cr_expect_str_eq(shown("250-a\r\n250 STARTTLS\r\n", false), "250 a\r\n");
  cr_expect_str_eq(shown("250 a\r\n", false), "250 a\r\n");
  cr_expect_str_eq(shown("250 a\r\n", true), "250-a\r\n250 STARTTLS\r\n");
  cr_expect_str_eq(shown("250-a\r\n250-STARTTLS\r\n250 SIZE 1\r\n", true),
                   "250-a\r\n250-STARTTLS\r\n250 SIZE 1\r\n");
  // The name of the host is no keyword, and a longer word is another one.
  cr_expect_str_eq(shown("250-STARTTLS\r\n250 STARTTLSX\r\n", false),
                   "250-STARTTLS\r\n250 STARTTLSX\r\n");
  cr_expect_str_eq(shown("550-a\r\n550 STARTTLS\r\n", true), "550-a\r\n550 STARTTLS\r\n");
  cr_expect_str_eq(shown("250-a\r\n?\r\n250 STARTTLS\r\n", true), "250-a\r\n?\r\n250 STARTTLS\r\n");
}

Test(hello, binding_mechanisms) {
  cr_expect_str_eq(shown("250-a\r\n250-AUTH SCRAM-SHA-1-PLUS PLAIN SCRAM-SHA-256-plus\r\n250 "
                         "AUTH=LOGIN X-PLUS\r\n",
                         false),
                   "250-a\r\n250-AUTH PLAIN\r\n250 AUTH=LOGIN\r\n");
  cr_expect_str_eq(shown("250-a\r\n250 AUTH PLUS PLUSH -PLUS\r\n", false),
                   "250-a\r\n250 AUTH PLUS PLUSH -PLUS\r\n");
}

Test(hello, starttls) {
  cr_expect(hello_offers_starttls(ehlo_str("250-a\r\n250 StartTLS\r\n")));
  cr_expect(hello_offers_starttls(ehlo_str("250-a\r\n250-STARTTLS x\r\n250 b\r\n")));
  cr_expect_not(hello_offers_starttls(ehlo_str("250-STARTTLS\r\n250 b\r\n")));
  cr_expect_not(hello_offers_starttls(ehlo_str("250-a\r\n250 STARTTLSX\r\n")));
  cr_expect_not(hello_offers_starttls(ehlo_str("550-a\r\n550 STARTTLS\r\n")));
  cr_expect_not(hello_offers_starttls(ehlo_str("")));
}

Test(hello, as_long_as_can_be) {
  static char reply[HELLO_MAX];
  memset(reply, '\n', sizeof(reply));
  for (size_t at = 0; at + 6 <= sizeof(reply); at += 6) {
    memcpy(reply + at, "250-a\n", 6);
  }
  char out[HELLO_MAX + 32];
  struct ehlo_span span = {(const uint8_t *)reply, sizeof(reply)};
  cr_expect_leq(hello_for_front(out, span, true), sizeof(out));
}
