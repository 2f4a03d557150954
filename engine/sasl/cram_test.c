// CRAM-MD5 against the example of its RFC, its kin against Python's hmac.
#include <criterion/criterion.h>

#include "engine/sasl/testing.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))
#define LONG                                                                                       \
  "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp" \
  "pppppp"

Test(cram, answers) {
  static const struct ehlo_sasl_case cases[] = {
      {"RFC 2195, section 3",
       &ehlo_mechanism_cram_md5,
       {.user = SPAN("tim"), .password = SPAN("tanstaaftanstaaf")},
       .turns = {{"<1896.697170952@postoffice.reston.mci.net>",
                  "tim b913a602c7eda7a495b4e6e7334d3890", 0},
                 {"<1@a>", NULL, EHLO_AUTH_CHALLENGE}}},
      {"MD5", &ehlo_mechanism_cram_md5,
       .turns = {{"<1@mail.example>", "user 2a4d3ea76849c7773bb29ec59791f620", 0}}},
      {"SHA-1", &ehlo_mechanism_cram_sha1,
       .turns = {{"<1@mail.example>", "user d34607d376bd85263b91ab45311db910708fb6e0", 0}}},
      {"SHA-256", &ehlo_mechanism_cram_sha256,
       .turns = {{"<1@mail.example>",
                  "user 9304dde5068e65bf6b3253027909a3d28f428ffbc1dd32bd250ae3454414df35", 0}}},
      {"a key longer than a block",
       &ehlo_mechanism_cram_md5,
       {.password = SPAN(LONG)},
       .turns = {{"<1@mail.example>", "user 6eeec5bab7ec5f6750d265bbad33db5d", 0}}},
      {"on trust",
       &ehlo_mechanism_cram_md5,
       {.on_trust = true},
       .turns = {{"<1@mail.example>", "user 00000000000000000000000000000000", 0}}},
  };
  RUN_CASES(cases);
}

Test(cram, has_no_answer) {
  static const struct ehlo_sasl_case cases[] = {
      {"it cannot go first", &ehlo_mechanism_cram_md5,
       .turns = {{NULL, NULL, EHLO_AUTH_CHALLENGE}}},
      {"nothing to answer", &ehlo_mechanism_cram_md5, .turns = {{"", NULL, EHLO_AUTH_CHALLENGE}}},
      {"no name",
       &ehlo_mechanism_cram_md5,
       {.user = SPAN("")},
       .turns = {{"<1@a>", NULL, EHLO_AUTH_CREDENTIALS}}},
      {"a name in two lines",
       &ehlo_mechanism_cram_md5,
       {.user = SPAN("a\nb")},
       .turns = {{"<1@a>", NULL, EHLO_AUTH_CREDENTIALS}}},
      {"NUL in the password",
       &ehlo_mechanism_cram_md5,
       {.password = SPAN("a\0b")},
       .turns = {{"<1@a>", NULL, EHLO_AUTH_CREDENTIALS}}},
  };
  RUN_CASES(cases);
}

Test(cram, manners) {
  static const struct ehlo_mechanism *const all[] = {
      &ehlo_mechanism_cram_md5, &ehlo_mechanism_cram_sha1, &ehlo_mechanism_cram_sha256};
  static const char *const names[] = {"CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256"};
  for (size_t i = 0; i < NUM(all); i++) {
    cr_expect_str_eq(all[i]->name, names[i]);
    cr_expect(!all[i]->client_first && !all[i]->may_go_first && all[i]->reads_challenge);
    cr_expect(!all[i]->mutual && !all[i]->binds);
  }
}

// HMAC with a key of no octets, whether there is an address to it or not.
Test(cram, no_password) {
  static const struct ehlo_sasl_case cases[] = {
      {"empty",
       &ehlo_mechanism_cram_md5,
       {.password = SPAN("")},
       .turns = {{"<1@mail.example>", "user ea71d03d3f70c3233dd3eeadf089a0dc", 0}}}};
  RUN_CASES(cases);
  struct ehlo_credentials cred = {.user = SPAN("user")};
  struct ehlo_auth auth = {.credentials = &cred};
  struct ehlo_span challenge = SPAN("<1@mail.example>");
  struct ehlo_response response;
  cr_assert(ehlo_mechanism_cram_md5.respond(&auth, &challenge, &response));
  cr_expect_eq(auth.ours.len, 32);
  cr_expect_arr_eq(auth.ours.text, "ea71d03d3f70c3233dd3eeadf089a0dc", 32);
}
