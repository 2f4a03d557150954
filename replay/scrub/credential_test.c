// What base64 proves to be: each mechanism's response, whole and not quite.
#include "replay/scrub/credential.h"

#include <criterion/criterion.h>
#include <string.h>

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

struct row {
  const uint8_t *octets;
  size_t len;
  const char *secret;  // NULL: no credential
  const char *user;
};

static const struct row rows[] = {
    {BYTES("\0alice\0hunter2"), "hunter2", "alice"},
    {BYTES("root\0alice\0p\xc3\xa9"), "p\xc3\xa9", "alice"},
    {BYTES("\0alice\0"), NULL, NULL},
    {BYTES("\0\0hunter2"), NULL, NULL},
    {BYTES("alice\0hunter2"), NULL, NULL},
    {BYTES("\0alice\0hunter2\0"), NULL, NULL},
    {BYTES("\0alice\0hun\x01ter2"), NULL, NULL},
    {BYTES("\0alice\0hun\xffter2"), NULL, NULL},
    {BYTES("\0alice\0/* secret */"), NULL, NULL},
    {BYTES("\0alice\0PROVIDED_BUT_REMOVED"), NULL, NULL},
    {BYTES("user=alice\x01"
           "auth=Bearer ya29.token\x01\x01"),
     "ya29.token", "alice"},
    {BYTES("n,a=alice,\x01host=a\x01port=587\x01"
           "auth=Bearer ya29.token\x01\x01"),
     "ya29.token", "alice"},
    {BYTES("user=alice\x01"
           "auth=Basic ya29.token\x01\x01"),
     NULL, NULL},
    {BYTES("alice 0123456789abcdef0123456789ABCDEF"), "0123456789abcdef0123456789ABCDEF", "alice"},
    {BYTES("a b 0123456789abcdef0123456789abcdef"), "0123456789abcdef0123456789abcdef", "a b"},
    {BYTES("alice 0123456789abcdef0123456789abcde"), NULL, NULL},
    {BYTES("alice 0123456789abcdef0123456789abcdeg"), NULL, NULL},
    {BYTES(" 0123456789abcdef0123456789abcdef"), NULL, NULL},
    {BYTES("alice 0123456789abcdef0123456789abcdef01234567"),
     "0123456789abcdef0123456789abcdef01234567", "alice"},
    {BYTES("alice 0123456789abcdef0123456789abcdef0123456"), NULL, NULL},
    {BYTES("alice 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "alice"},
    {BYTES("user=alice\x01"
           "auth=Bearer no token&at/all\x01\x01"),
     "no token&at/all", "alice"},
    {BYTES("n,,n=alice,r=nonce"), NULL, NULL},
    {BYTES("c=biws,r=nonce,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", ""},
    {BYTES("c=biws,r=nonce,p="), NULL, NULL},
    {BYTES("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), "rmF9pqV8S7suAoZWja4dJRkFsKQ=", ""},
    {BYTES("v=1.0; k=rsa"), NULL, NULL},
    {BYTES("username=\"a\",realm=\"b\",response=0123456789abcdef0123456789abcdef,qop=auth"),
     "0123456789abcdef0123456789abcdef", ""},
    {BYTES("username=\"a\",response=0123456789abcdef0123456789abcde"), NULL, NULL},
    {BYTES("response=0123456789abcdef0123456789abcdef"), NULL, NULL},
    {BYTES("rspauth=0123456789abcdef0123456789abcdef"), "0123456789abcdef0123456789abcdef", ""},
    {BYTES("NTLMSSP\0\x03\0\0\0 and twenty octets or more"), " and twenty octets or more", ""},
    {BYTES("NTLMSSP\0\x01\0\0\0 and twenty octets or more"), NULL, NULL},
    {BYTES("Username:"), NULL, NULL},
    {BYTES(""), NULL, NULL},
};

Test(credential, prove) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct row *row = &rows[i];
    struct scrub_credential c;
    bool proven = scrub_credential_prove(&c, row->octets, row->len);
    cr_assert_eq(proven, row->secret != NULL, "row %zu", i);
    if (proven) {
      bool of_server =
          row->octets[0] == 'v' || strncmp((const char *)row->octets, "rspauth", 7) == 0;
      cr_expect_eq(c.of_server, of_server, "row %zu", i);
      cr_expect(c.secret_len == strlen(row->secret) &&
                    memcmp(row->octets + c.secret_at, row->secret, c.secret_len) == 0,
                "row %zu", i);
      cr_expect(c.user_len == strlen(row->user) &&
                    memcmp(row->octets + c.user_at, row->user, c.user_len) == 0,
                "row %zu", i);
    }
  }
}

// What begins every row may begin a credential, wherever a line is broken.
Test(credential, may_begin) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (size_t len = 0; rows[i].secret != NULL && len <= rows[i].len; len++) {
      cr_expect(scrub_credential_may_begin(rows[i].octets, len), "row %zu, %zu octets", i, len);
    }
  }
  cr_expect(!scrub_credential_may_begin(BYTES("\x89PNG\r\n\x1a\n")));
  cr_expect(!scrub_credential_may_begin(BYTES("a\0b\0c\0")));
}

struct base64_row {
  const char *text;
  const char *octets;  // NULL: no base64
};

Test(credential, base64) {
  static const struct base64_row texts[] = {
      {"", ""},       {"TQ==", "M"},   {"TWE=", "Ma"},       {"TWFu", "Man"},
      {"TQ", "M"},    {"TWE", "Ma"},   {"T", NULL},          {"TWFuT", NULL},
      {"TQ=", NULL},  {"TWFu=", NULL}, {"=", NULL},          {"T===", NULL},
      {"TW u", NULL}, {"T=E=", NULL},  {"_-8=", "\xff\xef"}, {"/+8=", "\xff\xef"},
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    uint8_t out[16];
    size_t len;
    size_t text_len = strlen(texts[i].text);
    bool good = scrub_base64_decode(out, &len, (const uint8_t *)texts[i].text, text_len);
    cr_assert_eq(good, texts[i].octets != NULL, "%s", texts[i].text);
    if (good) {
      cr_expect(len == strlen(texts[i].octets) && memcmp(out, texts[i].octets, len) == 0, "%s",
                texts[i].text);
    }
  }
}
