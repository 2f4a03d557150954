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
    struct ehlo_credentials cred = {str(rows[i].authzid), str(rows[i].user), str(rows[i].password)};
    struct ehlo_auth first = {&cred, 0};
    turn(&ehlo_mechanism_plain, &first, NULL, rows[i].message, rows[i].len, true);
    turn(&ehlo_mechanism_plain, &first, "", NULL, 0, false);  // it has said all
    struct ehlo_auth second = {&cred, 0};
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
  struct ehlo_credentials cred = {str("ignored"), str("user"), str("pass")};
  for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
    struct ehlo_auth auth = {&cred, 0};
    turn(&ehlo_mechanism_login, &auth, prompts[i][0], "user", 4, false);
    turn(&ehlo_mechanism_login, &auth, prompts[i][1], "pass", 4, true);
    turn(&ehlo_mechanism_login, &auth, "Password:", NULL, 0, false);
    turn(&ehlo_mechanism_login, &auth, "Password:", NULL, 0, false);
  }
  struct ehlo_auth initial = {&cred, 0};
  turn(&ehlo_mechanism_login, &initial, NULL, "user", 4, false);
  turn(&ehlo_mechanism_login, &initial, "Password:", "pass", 4, true);
  turn(&ehlo_mechanism_login, &initial, "", NULL, 0, false);
}

// The second challenge is why not, in JSON; it wants an answer, and then there is none.
Test(auth, xoauth2) {
  static const char message[] = "user=a@b\001auth=Bearer tok\001\001";
  struct ehlo_credentials cred = {str("ignored"), str("a@b"), str("tok")};
  struct ehlo_auth first = {&cred, 0};
  turn(&ehlo_mechanism_xoauth2, &first, NULL, message, sizeof(message) - 1, true);
  turn(&ehlo_mechanism_xoauth2, &first, "{\"status\":\"401\"}", "", 0, false);
  turn(&ehlo_mechanism_xoauth2, &first, "", NULL, 0, false);
  struct ehlo_auth second = {&cred, 0};
  turn(&ehlo_mechanism_xoauth2, &second, "", message, sizeof(message) - 1, true);
  turn(&ehlo_mechanism_xoauth2, &second, "{}", "", 0, false);
  turn(&ehlo_mechanism_xoauth2, &second, "{}", NULL, 0, false);
}

// RFC 7628 §4.1 has such messages; a name that would need an encoding is left out.
Test(auth, oauthbearer) {
  static const struct {
    const char *user;
    const char *message;
  } rows[] = {
      {"user@example.com", "n,a=user@example.com,\001auth=Bearer tok==\001\001"},
      {"", "n,,\001auth=Bearer tok==\001\001"},
      {"a,b", "n,,\001auth=Bearer tok==\001\001"},
      {"a=b", "n,,\001auth=Bearer tok==\001\001"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_credentials cred = {str(""), str(rows[i].user), str("tok==")};
    struct ehlo_auth first = {&cred, 0};
    const char *message = rows[i].message;
    turn(&ehlo_mechanism_oauthbearer, &first, NULL, message, strlen(message), true);
    turn(&ehlo_mechanism_oauthbearer, &first, "{}", "\001", 1, false);
    turn(&ehlo_mechanism_oauthbearer, &first, "{}", NULL, 0, false);
  }
}

Test(auth, names_and_manners) {
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
