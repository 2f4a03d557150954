// DIGEST-MD5 against the examples of its RFC, against values computed apart with Python's hashlib,
// and against challenges that are none.
#include <criterion/criterion.h>
#include <string.h>

#include "engine/sasl/testing.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MECHANISM &ehlo_mechanism_digest_md5

Test(digest_md5, examples_of_the_rfc) {
  static const struct ehlo_sasl_case cases[] = {
      {"RFC 2831, section 4, IMAP",
       MECHANISM,
       {.user = SPAN("chris"),
        .password = SPAN("secret"),
        .nonce = SPAN("OA6MHXh6VqTrRk"),
        .digest_uri = SPAN("imap/elwood.innosoft.com")},
       .proved = true,
       .turns = {{"realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\","
                  "algorithm=md5-sess,charset=utf-8",
                  "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\","
                  "nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\","
                  "digest-uri=\"imap/elwood.innosoft.com\","
                  "response=d388dad90d4bbd760a152321f2143af7,qop=auth",
                  0},
                 {"rspauth=ea40f60335c427b5527b84dbabcdfffd", "", 0},
                 {"", NULL, EHLO_AUTH_CHALLENGE}}},
      {"RFC 2831, section 4, ACAP",
       MECHANISM,
       {.user = SPAN("chris"),
        .password = SPAN("secret"),
        .nonce = SPAN("OA9BSuZWMSpW8m"),
        .digest_uri = SPAN("acap/elwood.innosoft.com")},
       .proved = true,
       .turns = {{"realm=\"elwood.innosoft.com\",nonce=\"OA9BSXrbuRhWay\",qop=\"auth\","
                  "algorithm=md5-sess,charset=utf-8",
                  "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\","
                  "nonce=\"OA9BSXrbuRhWay\",nc=00000001,cnonce=\"OA9BSuZWMSpW8m\","
                  "digest-uri=\"acap/elwood.innosoft.com\","
                  "response=6084c6db3fede7352c551284490fd0fc,qop=auth",
                  0},
                 {"rspauth=2f0b3d7c3c2e486600ef710726aa2eae", "", 0}}},
  };
  RUN_CASES(cases);
}

// ISO 8859-1 where it has all characters; quotes and backslashes in and out.
Test(digest_md5, characters) {
  static const struct ehlo_sasl_case cases[] = {
      {"ISO 8859-1",
       MECHANISM,
       {.user = SPAN("us\"er\xc3\xa9"), .password = SPAN("p\xc3\xa9")},
       .proved = true,
       .turns = {{"algorithm=\"MD5-SESS\" , nonce = \"n\\\"\\\\x\"\t,, charset=UTF-8,other=\"a,b\"",
                  "charset=utf-8,username=\"us\\\"er\xc3\xa9\",nonce=\"n\\\"\\\\x\",nc=00000001,"
                  "cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\","
                  "response=d4b8e76b2aa199149c84093aef62519d,qop=auth",
                  0},
                 {"rspauth=\"f27bb182fe7c538fff217bc3a9ff5cfa\"", "", 0}}},
      {"a realm beyond ASCII", MECHANISM,
       .turns = {{"realm=\"r\xc3\xa9\",nonce=n,algorithm=md5-sess,charset=utf-8",
                  "charset=utf-8,username=\"user\",realm=\"r\xc3\xa9\",nonce=\"n\",nc=00000001,"
                  "cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\","
                  "response=efdf2b68d88f0b7ac17b793de907c3b5,qop=auth",
                  0}}},
      {"blanks of every kind, and a list with them",
       MECHANISM,
       {.user = SPAN("us\"er\xc3\xa9"), .password = SPAN("p\xc3\xa9")},
       .turns =
           {{"\r\n algorithm=md5-sess,\tnonce\r=\n\"n\\\"\\\\x\",qop=\"auth-int,\r\n\tauth\r\n\"",
             "username=\"us\\\"er\xe9\",nonce=\"n\\\"\\\\x\",nc=00000001,"
             "cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\","
             "response=d4b8e76b2aa199149c84093aef62519d,qop=auth",
             0}}},
      {"no charset: the name goes as ISO 8859-1 too",
       MECHANISM,
       {.user = SPAN("us\"er\xc3\xa9"), .password = SPAN("p\xc3\xa9")},
       .turns = {{"algorithm=md5-sess,nonce=\"n\\\"\\\\x\"",
                  "username=\"us\\\"er\xe9\",nonce=\"n\\\"\\\\x\",nc=00000001,"
                  "cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\","
                  "response=d4b8e76b2aa199149c84093aef62519d,qop=auth",
                  0}}},
      {"UTF-8, for somebody else, the first of two realms",
       MECHANISM,
       {.authzid = SPAN("boss"),
        .user = SPAN("user\xe2\x82\xac"),
        .password = SPAN("p\xc3\xa9\xe2\x82\xac")},
       .turns = {{"realm=\"r\",realm=\"other\",nonce=n,algorithm=md5-sess,charset=utf-8,"
                  "qop=\"auth-int, AUTH\"",
                  "charset=utf-8,username=\"user\xe2\x82\xac\",realm=\"r\",nonce=\"n\","
                  "nc=00000001,cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\","
                  "response=eff0e88e6196a84b86ebd258045ae593,qop=auth,authzid=\"boss\"",
                  0},
                 {"rspauth=7e94115dc9ca66fa00a49ae6925a4409", NULL, EHLO_AUTH_PROOF}}},
  };
  RUN_CASES(cases);
}

#define GOOD "nonce=\"n\",algorithm=md5-sess"

Test(digest_md5, challenges_that_are_none) {
  static const char *const texts[] = {
      "",
      "nonce=\"n\"",
      "algorithm=md5-sess",
      "nonce=\"n\",algorithm=md5",
      "nonce=\"\",algorithm=md5-sess",
      GOOD ",nonce=\"m\"",
      GOOD ",algorithm=md5-sess",
      GOOD ",qop=\"auth-int,auth-conf\"",
      GOOD ",qop=\"\"",
      GOOD ",qop=auth,qop=auth",
      GOOD ",charset=latin1",
      GOOD ",charset=utf-8,charset=utf-8",
      GOOD ",x",
      GOOD ",x=",
      GOOD ",=y",
      GOOD ",x=\"y",
      GOOD ",x=\"y\\\"",
      GOOD ",x=y z",
      GOOD " x=y",
      GOOD ";x=y",
      GOOD ",x=\"y\"z",
      GOOD ",\x01=y",
      GOOD ",x=\xc3\xa9",
      "hidden",
  };
  for (size_t i = 0; i < NUM(texts); i++) {
    const struct ehlo_sasl_case one[] = {
        {texts[i], MECHANISM, .turns = {{texts[i], NULL, EHLO_AUTH_CHALLENGE}}}};
    RUN_CASES(one);
  }
}

Test(digest_md5, proofs_that_are_none) {
  static const struct {
    const char *text;
    enum ehlo_auth_problem problem;
  } rows[] = {
      {"", EHLO_AUTH_CHALLENGE},
      {"hidden", EHLO_AUTH_CHALLENGE},
      {"rspauth", EHLO_AUTH_CHALLENGE},
      {"rspauth=", EHLO_AUTH_CHALLENGE},
      {"response=ea40f60335c427b5527b84dbabcdfffd", EHLO_AUTH_CHALLENGE},
      {"rspauth=ea40f60335c427b5527b84dbabcdfffe", EHLO_AUTH_PROOF},
      {"rspauth=ea40f60335c427b5527b84dbabcdfff", EHLO_AUTH_PROOF},
      {"rspauth=ea40f60335c427b5527b84dbabcdfffd0", EHLO_AUTH_PROOF},
      {"rspauth=EA40F60335C427B5527B84DBABCDFFFD", EHLO_AUTH_PROOF},
      {"rspauth=d388dad90d4bbd760a152321f2143af7", EHLO_AUTH_PROOF},  // ours
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    const struct ehlo_sasl_case one[] = {
        {rows[i].text,
         MECHANISM,
         {.user = SPAN("chris"),
          .password = SPAN("secret"),
          .nonce = SPAN("OA6MHXh6VqTrRk"),
          .digest_uri = SPAN("imap/elwood.innosoft.com")},
         .turns = {{"realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",algorithm=md5-sess",
                    "username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\","
                    "nc=00000001,cnonce=\"OA6MHXh6VqTrRk\","
                    "digest-uri=\"imap/elwood.innosoft.com\","
                    "response=d388dad90d4bbd760a152321f2143af7,qop=auth",
                    0},
                   {rows[i].text, NULL, rows[i].problem}}}};
    RUN_CASES(one);
  }
}

// What was computed for a step is gone with the next one.
Test(digest_md5, leaves_nothing_behind) {
  static const uint8_t zero[EHLO_AUTH_SCRATCH_MAX];
  struct ehlo_credentials cred = {.user = SPAN("u"),
                                  .password = SPAN("p\xc3\xa9"),
                                  .nonce = SPAN("n"),
                                  .digest_uri = SPAN("smtp/a")};
  struct ehlo_auth auth = {.credentials = &cred};
  struct ehlo_response response;
  struct ehlo_span challenge = {(const uint8_t *)GOOD, sizeof(GOOD) - 1};
  cr_assert(ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response));
  cr_assert(memcmp(auth.scratch, zero, sizeof(zero)) != 0);
  cr_assert(!ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response));
  cr_assert(memcmp(auth.scratch, zero, sizeof(zero)) == 0);
}

Test(digest_md5, what_cannot_be_sent) {
  static const struct ehlo_credentials rows[] = {
      {.user = SPAN("")},         {.user = SPAN("a\0b")},      {.password = SPAN("a\nb")},
      {.authzid = SPAN("a\x7f")}, {.nonce = SPAN("")},         {.nonce = SPAN("a,b")},
      {.digest_uri = SPAN("")},   {.digest_uri = SPAN("a\n")},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    const struct ehlo_sasl_case one[] = {
        {"unfit", MECHANISM, rows[i], .turns = {{GOOD, NULL, EHLO_AUTH_CREDENTIALS}}}};
    RUN_CASES(one);
  }
}

// What stands behind the name, and how many quotes it may have: the scratch also holds both nonces.
#define TAIL                                                              \
  ",nonce=\"n\",nc=00000001,cnonce=\"n\",digest-uri=\"smtp/a\",response=" \
  "0123456789abcdef0123456789abcdef,qop=auth"
#define QUOTES_MAX ((EHLO_AUTH_SCRATCH_MAX - 2 - strlen("username=\"\"" TAIL)) / 2)

#define REALM_MAX ((EHLO_AUTH_SCRATCH_MAX - 2 - strlen("username=\"u\",realm=\"\"" TAIL)) / 2)

// RFC 2831 §2.1.1: a challenge has at most 2048 octets. What goes back of it has to fit as well.
Test(digest_md5, lengths) {
  struct ehlo_credentials cred = {
      .user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n"), .digest_uri = SPAN("smtp/a")};
  struct ehlo_response response;
  char text[4096];
  for (size_t len = 2047; len <= 2049; len++) {
    struct ehlo_auth auth = {.credentials = &cred};
    memset(text, ' ', sizeof(text));
    memcpy(text, GOOD, sizeof(GOOD) - 1);
    struct ehlo_span challenge = {(const uint8_t *)text, len};
    cr_expect_eq(ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response), len <= 2048);
  }
  // Never a part of it: quotes take two octets each, so the room ends in every place.
  memset(text, '"', sizeof(text));
  for (size_t len = 1; len < EHLO_AUTH_SCRATCH_MAX; len++) {
    struct ehlo_credentials quoted = cred;
    struct ehlo_auth auth = {.credentials = &quoted};
    struct ehlo_span challenge = {(const uint8_t *)GOOD, sizeof(GOOD) - 1};
    quoted.user = (struct ehlo_span){(const uint8_t *)text, len};
    bool fits = ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response);
    size_t whole = fits ? strlen("username=\"\"" TAIL) + 2 * len : 0;
    cr_expect(!fits || response.parts[0].len == whole, "%zu of %zu", response.parts[0].len, whole);
    cr_expect_eq(fits, len <= QUOTES_MAX, "%zu", len);
  }
  // A realm is there twice: as it is hashed and as it came.
  for (size_t len = 1; len < EHLO_AUTH_SCRATCH_MAX; len++) {
    struct ehlo_auth auth = {.credentials = &cred};
    memset(text, 'a', sizeof(text));
    memcpy(text, GOOD ",realm=", sizeof(GOOD ",realm=") - 1);
    struct ehlo_span challenge = {(const uint8_t *)text, sizeof(GOOD ",realm=") - 1 + len};
    bool fits = ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response);
    size_t whole = fits ? strlen("username=\"u\",realm=\"\"" TAIL) + len : 0;
    cr_expect(!fits || response.parts[0].len == whole, "%zu of %zu", response.parts[0].len, whole);
    cr_expect_eq(fits, len <= REALM_MAX, "%zu", len);
  }
  struct ehlo_auth auth = {.credentials = &cred};
  memset(text, 'a', sizeof(text));
  memcpy(text, "algorithm=md5-sess,nonce=", 25);
  struct ehlo_span challenge = {(const uint8_t *)text, 1500};
  cr_expect(!ehlo_mechanism_digest_md5.respond(&auth, &challenge, &response));
  cr_expect_eq(auth.problem, EHLO_AUTH_CREDENTIALS);
}

Test(digest_md5, on_trust) {
  static const struct ehlo_sasl_case cases[] = {
      {"right",
       MECHANISM,
       {.on_trust = true},
       .proved = true,
       .turns = {{GOOD, "hidden", 0}, {"hidden", "", 0}}},
      {"recorded, so wrong",
       MECHANISM,
       {.on_trust = true},
       .turns = {{GOOD, "hidden", 0},
                 {"rspauth=00000000000000000000000000000000", NULL, EHLO_AUTH_PROOF}}},
      {"a challenge that is none",
       MECHANISM,
       {.on_trust = true},
       .turns = {{"x", NULL, EHLO_AUTH_CHALLENGE}}},
  };
  RUN_CASES(cases);
}

// ---- Rare forms ---------------------------------------------------------------------------------

#define ANSWER(name, nonce_text, digits)      \
  "username=\"" name "\",nonce=\"" nonce_text \
  "\",nc=00000001,"                           \
  "cnonce=\"0123456789abcdef\",digest-uri=\"smtp/mail.example\",response=" digits ",qop=auth"
#define PLAIN_ANSWER ANSWER("user", "n", "1b5f47ed454d9d25f8928cb347f0fd75")

// RFC 2831 §7.1: LWS between the elements of a list, with line ends in it.
Test(digest_md5, rare_challenges) {
  static const struct ehlo_sasl_case cases[] = {
      {"folded lines", MECHANISM,
       .turns = {{"nonce=\"n\" ,\r\n\talgorithm\r\n =\r\n md5-sess\r\n ", PLAIN_ANSWER, 0}}},
      {"a lone line feed", MECHANISM, .turns = {{"nonce=n\n,algorithm=md5-sess", PLAIN_ANSWER, 0}}},
      {"blanks around what is offered", MECHANISM,
       .turns = {{GOOD ",qop=\"auth-conf, \tauth \r\n, auth-int\"", PLAIN_ANSWER, 0}}},
      {"an empty offer among others", MECHANISM,
       .turns = {{GOOD ",qop=\" , auth\"", PLAIN_ANSWER, 0}}},
      {"blanks and no offer", MECHANISM,
       .turns = {{GOOD ",qop=\" , \"", NULL, EHLO_AUTH_CHALLENGE}}},
      {"it cannot go first", MECHANISM, .turns = {{NULL, NULL, EHLO_AUTH_CHALLENGE}}},
      {"a backslash in the name",
       MECHANISM,
       {.user = SPAN("a\\b")},
       .turns = {{GOOD, ANSWER("a\\\\b", "n", "19d56b6cd93a7d65cb434769c82848ab"), 0}}},
      {"no password",
       MECHANISM,
       {.password = SPAN("")},
       .turns = {{GOOD, ANSWER("user", "n", "cddb95fb7cc3128c070ab2497e89536b"), 0}}},
  };
  RUN_CASES(cases);
}

// What is not UTF-8 of ISO 8859-1 is hashed as it is.
Test(digest_md5, not_iso_8859_1) {
  static const struct ehlo_sasl_case cases[] = {
      {"half a character at the end",
       MECHANISM,
       {.user = {(const uint8_t *)"us\xc3\xa9", 3}},
       .turns = {{GOOD, ANSWER("us\xc3", "n", "9e00e8929bda85a3b525b09348061cfe"), 0}}},
      {"half a character before another",
       MECHANISM,
       {.user = SPAN("u\xc3x")},
       .turns = {{GOOD, ANSWER("u\xc3x", "n", "59e18aa25f1eb25d75fd78fb6f675afb"), 0}}},
      {"no octet that begins a character",
       MECHANISM,
       {.user = SPAN("\xc1\xa9")},
       .turns = {{GOOD, ANSWER("\xc1\xa9", "n", "aebfa5fe780b095ce523bb73596a8544"), 0}}},
      {"U+0100",
       MECHANISM,
       {.user = SPAN("\xc4\x80")},
       .turns = {{GOOD, ANSWER("\xc4\x80", "n", "6d716f2e7e1497ef5b445fbb8ff1b2f7"), 0}}},
  };
  RUN_CASES(cases);
}

static bool answers(struct ehlo_credentials cred, const char *text, size_t len,
                    struct ehlo_response *out) {
  struct ehlo_auth auth = {.credentials = &cred};
  struct ehlo_span challenge = {(const uint8_t *)text, len};
  bool has = ehlo_mechanism_digest_md5.respond(&auth, &challenge, out);
  cr_expect(has || auth.problem == EHLO_AUTH_CREDENTIALS || auth.problem == EHLO_AUTH_CHALLENGE);
  return has;
}

// RFC 2831 §7.1: a quoted string holds no control character but within LWS; NUL would end it for
// others.
Test(digest_md5, nul) {
  static const char with[] = GOOD ",x=\"a\0b\"";
  static const char without[] = GOOD ",x=\"a.b\"";
  struct ehlo_credentials cred = {
      .user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n"), .digest_uri = SPAN("smtp/a")};
  struct ehlo_response response;
  cr_expect(answers(cred, without, sizeof(without) - 1, &response));
  cr_expect(!answers(cred, with, sizeof(with) - 1, &response));
}

// The scratch holds what is hashed and behind it the response. At each length that is one too many
// another piece of them is the one without room.
Test(digest_md5, room) {
  static char text[EHLO_AUTH_SCRATCH_MAX];
  struct ehlo_credentials cred = {
      .user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n"), .digest_uri = SPAN("smtp/a")};
  struct ehlo_response response;
  static const char head[] = "algorithm=md5-sess,nonce=n,realm=";
  memset(text, 'r', sizeof(text));
  memcpy(text, head, sizeof(head) - 1);
  cr_assert(answers(cred, text, sizeof(head), &response));
  size_t other = response.parts[0].len - 1 + 2;  // the rest of the response, nonce and cnonce
  size_t most = (EHLO_AUTH_SCRATCH_MAX - other) / 2;
  cr_expect(answers(cred, text, sizeof(head) - 1 + most, &response));
  for (size_t len = sizeof(head) + most; len <= sizeof(text); len++) {
    cr_expect(!answers(cred, text, len, &response), "%zu", len);
  }
  static char password[3 * EHLO_AUTH_SCRATCH_MAX];
  for (size_t i = 0; i < sizeof(password); i += 2) {
    memcpy(password + i, "\xc3\xa9", 2);
  }
  cred.password = (struct ehlo_span){(const uint8_t *)password, 2 * 1700};
  cr_expect(answers(cred, GOOD, sizeof(GOOD) - 1, &response));
  cred.password.len = sizeof(password);
  cr_expect(!answers(cred, GOOD, sizeof(GOOD) - 1, &response), "too much to be hashed");
  cred.password = (struct ehlo_span){(const uint8_t *)"p", 1};
  cred.nonce = (struct ehlo_span){(const uint8_t *)text + sizeof(head) - 1, EHLO_NONCE_MAX};
  cr_expect(answers(cred, GOOD, sizeof(GOOD) - 1, &response));
  cred.nonce.len++;
  cr_expect(!answers(cred, GOOD, sizeof(GOOD) - 1, &response), "a nonce of 129");
}

Test(digest_md5, not_quite_hidden) {
  static const struct ehlo_sasl_case cases[] = {
      {"another word of that length",
       MECHANISM,
       {.on_trust = true},
       .turns = {{GOOD, "hidden", 0}, {"hiddem", NULL, EHLO_AUTH_CHALLENGE}}}};
  RUN_CASES(cases);
}
