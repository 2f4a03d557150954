// Tests of the mechanisms that need no cryptography: what each answers to what, which parts are
// secret, and where an exchange has no answer left.
#include "engine/auth.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ehlo_span str(const char *s) {
  return (struct ehlo_span){(const uint8_t *)s, strlen(s)};
}

// One turn: `challenge` NULL asks for an initial response; `answer` NULL means there is none.
static void turn(const struct ehlo_mechanism *mechanism, struct ehlo_auth *auth,
                 const char *challenge, const char *answer, size_t answer_len, bool secret) {
  struct ehlo_span span = str(challenge != NULL ? challenge : "");
  struct ehlo_response response;
  memset(&response, 0xee, sizeof(response));
  bool has = mechanism->respond(auth, challenge != NULL ? &span : NULL, &response);
  cr_assert_eq(has, answer != NULL);
  if (!has) {
    return;
  }
  char joined[200];
  size_t len = 0;
  cr_assert(response.num_parts <= EHLO_RESPONSE_PARTS);
  for (size_t i = 0; i < response.num_parts; i++) {
    memcpy(joined + len, response.parts[i].bytes, response.parts[i].len);
    len += response.parts[i].len;
  }
  cr_assert(len == answer_len && memcmp(joined, answer, len) == 0, "[%.*s]", (int)len, joined);
  cr_assert_eq(response.secret, secret);
}

Test(auth, plain) {
  static const struct {
    const char *authzid;
    const char *user;
    const char *password;
    const char *message;
    size_t len;
  } rows[] = {
      {"", "user", "pass", "\0user\0pass", 10},
      {"admin", "user", "pass", "admin\0user\0pass", 15},
      {"", "a@b", "p w\xc3\xa9", "\0a@b\0p w\xc3\xa9", 10},
      {"", "u", "", "\0u\0", 3},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_credentials cred = {.authzid = str(rows[i].authzid),
                                    .user = str(rows[i].user),
                                    .password = str(rows[i].password)};
    struct ehlo_auth first = {.credentials = &cred};
    turn(&ehlo_mechanism_plain, &first, NULL, rows[i].message, rows[i].len, true);
    turn(&ehlo_mechanism_plain, &first, "", NULL, 0, false);  // it has said all
    struct ehlo_auth second = {.credentials = &cred};
    turn(&ehlo_mechanism_plain, &second, "", rows[i].message, rows[i].len, true);
    turn(&ehlo_mechanism_plain, &second, "more?", NULL, 0, false);
  }
}

// The order decides, never the text: qpsmtpd and others prompt in words of their own.
Test(auth, login) {
  static const char *const prompts[][2] = {
      {"Username:", "Password:"}, {"User Name", "Password"}, {"", ""},
      {"Password:", "Username:"}, {"login", "\x01\xff"},
  };
  struct ehlo_credentials cred = {
      .authzid = str("ignored"), .user = str("user"), .password = str("pass")};
  for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
    struct ehlo_auth auth = {.credentials = &cred};
    turn(&ehlo_mechanism_login, &auth, prompts[i][0], "user", 4, false);
    turn(&ehlo_mechanism_login, &auth, prompts[i][1], "pass", 4, true);
    turn(&ehlo_mechanism_login, &auth, "Password:", NULL, 0, false);
    turn(&ehlo_mechanism_login, &auth, "Password:", NULL, 0, false);
  }
  struct ehlo_auth initial = {.credentials = &cred};
  turn(&ehlo_mechanism_login, &initial, NULL, "user", 4, false);
  turn(&ehlo_mechanism_login, &initial, "Password:", "pass", 4, true);
  turn(&ehlo_mechanism_login, &initial, "", NULL, 0, false);
}

// The second challenge is why not, in JSON; it wants an answer, and then there is none.
Test(auth, xoauth2) {
  static const char message[] = "user=a@b\001auth=Bearer tok\001\001";
  struct ehlo_credentials cred = {
      .authzid = str("ignored"), .user = str("a@b"), .password = str("tok")};
  struct ehlo_auth first = {.credentials = &cred};
  turn(&ehlo_mechanism_xoauth2, &first, NULL, message, sizeof(message) - 1, true);
  turn(&ehlo_mechanism_xoauth2, &first, "{\"status\":\"401\"}", "", 0, false);
  turn(&ehlo_mechanism_xoauth2, &first, "", NULL, 0, false);
  struct ehlo_auth second = {.credentials = &cred};
  turn(&ehlo_mechanism_xoauth2, &second, "", message, sizeof(message) - 1, true);
  turn(&ehlo_mechanism_xoauth2, &second, "{}", "", 0, false);
  turn(&ehlo_mechanism_xoauth2, &second, "{}", NULL, 0, false);
}

// RFC 7628 §4.1 has such messages; a name is encoded as RFC 5801 §4 says.
Test(auth, oauthbearer) {
  static const struct {
    const char *user;
    const char *message;
  } rows[] = {
      {"user@example.com", "n,a=user@example.com,\001auth=Bearer tok==\001\001"},
      {"", "n,,\001auth=Bearer tok==\001\001"},
      {"a,b", "n,a=a=2Cb,\001auth=Bearer tok==\001\001"},
      {"a=b", "n,a=a=3Db,\001auth=Bearer tok==\001\001"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_credentials cred = {
        .authzid = str(""), .user = str(rows[i].user), .password = str("tok==")};
    struct ehlo_auth first = {.credentials = &cred};
    const char *message = rows[i].message;
    turn(&ehlo_mechanism_oauthbearer, &first, NULL, message, strlen(message), true);
    turn(&ehlo_mechanism_oauthbearer, &first, "{}", "\001", 1, false);
    turn(&ehlo_mechanism_oauthbearer, &first, "{}", NULL, 0, false);
  }
}

Test(auth, external) {
  static const struct {
    const char *authzid;
    const char *user;
    const char *message;
  } rows[] = {{"", "", ""}, {"", "me", "me"}, {"other", "me", "other"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_credentials cred = {.authzid = str(rows[i].authzid), .user = str(rows[i].user)};
    struct ehlo_auth first = {.credentials = &cred};
    const char *message = rows[i].message;
    turn(&ehlo_mechanism_external, &first, NULL, message, strlen(message), false);
    turn(&ehlo_mechanism_external, &first, "", NULL, 0, false);
    struct ehlo_auth second = {.credentials = &cred};
    turn(&ehlo_mechanism_external, &second, "", message, strlen(message), false);
  }
}

// What would be read as something else at the other end is not sent.
Test(auth, what_cannot_be_sent) {
  static const struct ehlo_mechanism *const strict[] = {
      &ehlo_mechanism_external, &ehlo_mechanism_xoauth2, &ehlo_mechanism_oauthbearer};
  static const struct ehlo_mechanism *const lax[] = {&ehlo_mechanism_plain, &ehlo_mechanism_login};
  static const char bytes[] = {'\0', '\001', '\t', '\n', '\r', '\x1f', '\x7f'};
  for (size_t i = 0; i < sizeof(bytes); i++) {
    char text[] = {'a', bytes[i], 'b'};
    struct ehlo_span bad = {(const uint8_t *)text, sizeof(text)};
    struct ehlo_credentials in_user = {.user = bad, .password = str("p")};
    struct ehlo_credentials in_password = {.user = str("u"), .password = bad};
    for (size_t k = 0; k < 3; k++) {
      struct ehlo_auth auth = {.credentials = &in_user};
      turn(strict[k], &auth, NULL, NULL, 0, false);
      cr_assert_eq(auth.problem, EHLO_AUTH_CREDENTIALS);
      auth = (struct ehlo_auth){.credentials = &in_password};
      struct ehlo_response response;
      bool has = strict[k]->respond(&auth, NULL, &response);
      cr_assert_eq(has, k == 0);
    }
    for (size_t k = 0; k < 2; k++) {
      struct ehlo_response response;
      struct ehlo_auth auth = {.credentials = &in_user};
      cr_assert_eq(lax[k]->respond(&auth, NULL, &response), bytes[i] != '\0');
      cr_assert_eq(auth.problem, bytes[i] != '\0' ? EHLO_AUTH_CHALLENGE : EHLO_AUTH_CREDENTIALS);
      auth = (struct ehlo_auth){.credentials = &in_password};
      cr_assert_eq(lax[k]->respond(&auth, NULL, &response), bytes[i] != '\0');
    }
  }
}

// The name is encoded in the scratch, which has an end.
Test(auth, a_name_that_is_too_long) {
  static char name[EHLO_AUTH_SCRATCH_MAX + 1];
  memset(name, 'a', sizeof(name) - 1);
  for (int i = 0; i < 2; i++) {
    struct ehlo_credentials cred = {.user = str(name), .password = str("tok")};
    struct ehlo_auth auth = {.credentials = &cred};
    struct ehlo_response response;
    cr_assert_eq(ehlo_mechanism_oauthbearer.respond(&auth, NULL, &response), i == 0);
    cr_assert_eq(auth.problem, i == 0 ? EHLO_AUTH_CHALLENGE : EHLO_AUTH_CREDENTIALS);
    name[sizeof(name) - 2] = ',';  // two octets more
  }
}

Test(auth, names_and_manners) {
  cr_assert_str_eq(ehlo_mechanism_external.name, "EXTERNAL");
  cr_assert(ehlo_mechanism_external.client_first && ehlo_mechanism_external.may_go_first);
  cr_assert_str_eq(ehlo_mechanism_plain.name, "PLAIN");
  cr_assert(ehlo_mechanism_plain.client_first);
  cr_assert(ehlo_mechanism_plain.may_go_first);
  cr_assert(!ehlo_mechanism_plain.reads_challenge);
  cr_assert_str_eq(ehlo_mechanism_login.name, "LOGIN");
  cr_assert(!ehlo_mechanism_login.client_first);
  cr_assert(ehlo_mechanism_login.may_go_first);
  cr_assert(!ehlo_mechanism_login.reads_challenge);
  cr_assert_str_eq(ehlo_mechanism_xoauth2.name, "XOAUTH2");
  cr_assert(ehlo_mechanism_xoauth2.client_first);
  cr_assert(!ehlo_mechanism_xoauth2.reads_challenge);
  cr_assert_str_eq(ehlo_mechanism_oauthbearer.name, "OAUTHBEARER");
  cr_assert(ehlo_mechanism_oauthbearer.client_first);
  cr_assert(!ehlo_mechanism_oauthbearer.reads_challenge);
}

// NUL parts the message of PLAIN: in none of its three places.
Test(auth, plain_with_nul) {
  static const struct ehlo_credentials rows[] = {
      {.authzid = {(const uint8_t *)"a\0b", 3}, .user = {(const uint8_t *)"u", 1}},
      {.user = {(const uint8_t *)"a\0b", 3}},
      {.user = {(const uint8_t *)"u", 1}, .password = {(const uint8_t *)"a\0b", 3}},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_auth auth = {.credentials = &rows[i]};
    struct ehlo_response response;
    cr_expect(!ehlo_mechanism_plain.respond(&auth, NULL, &response), "%zu", i);
    cr_expect_eq(auth.problem, EHLO_AUTH_CREDENTIALS);
  }
}
