// Tests of the look at credentials: what is told of each kind of mishap, and silence on passwords
// that people and generators make.
#include "engine/credential.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"

#define TEXT(s) s, sizeof(s) - 1
// 60 octets of base64.
#define LINE "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
#define USER "alice@example.com"

static struct ehlo_span span(const char *bytes, size_t len) {
  return (struct ehlo_span){(const uint8_t *)bytes, len};
}

static const char *names_of(uint32_t findings) {
  static char out[400];
  out[0] = '\0';
  for (int i = 0; i < EHLO_NUM_CREDENTIAL_FINDINGS; i++) {
    if ((findings >> i & 1) != 0) {
      sprintf(out + strlen(out), "%s%s", out[0] != '\0' ? " " : "",
              ehlo_credential_name((enum ehlo_credential_finding)i));
    }
  }
  return out;
}

// Looks at exact-size copies, so that a sanitizer sees a read beyond.
static uint32_t look(struct ehlo_span user, struct ehlo_span password) {
  uint8_t *u = malloc(user.len);
  uint8_t *p = malloc(password.len);
  if (user.len > 0) {
    memcpy(u, user.bytes, user.len);
  }
  if (password.len > 0) {
    memcpy(p, password.bytes, password.len);
  }
  uint32_t findings =
      ehlo_credential_look((struct ehlo_span){u, user.len}, (struct ehlo_span){p, password.len});
  free(u);
  free(p);
  return findings;
}

static const struct row {
  const char *text;
  size_t len;
  const char *findings;
} passwords[] = {
    {TEXT("hunter2"), ""},
    {TEXT(""), "password-empty"},
    {TEXT("\n"), "password-empty password-newline"},
    {TEXT("hunter2\n"), "password-newline"},
    {TEXT("hunter2\r\n"), "password-newline"},
    {TEXT("hunter2\n\n"), "password-newline"},
    {TEXT("hunter2\r"), "password-newline"},
    {TEXT(" hunter2"), "password-blank"},
    {TEXT("hunter2 "), "password-blank"},
    {TEXT("hunter2 \n"), "password-newline password-blank"},
    {TEXT("hunter2\t"), "password-blank password-control"},
    {TEXT("hun\0ter2"), "password-nul password-control"},
    {TEXT("hunter2\0"), "password-nul password-control"},
    {TEXT("hun\nter2"), "password-control"},
    {TEXT("hun\x1bter2"), "password-control"},
    {TEXT("hunter2\x7f"), "password-control"},
    {TEXT("hunter\xc2\xa0two"), "password-unseen"},
    {TEXT("hunter2\xe2\x80\x8b"), "password-unseen"},
    {TEXT("\xef\xbb\xbfhunter2"), "password-unseen"},
    {TEXT("hunter2\xe2\x81\xa0"), "password-unseen"},
    {TEXT("hunter2\xe2\x80"), ""},
    {TEXT("hunter2\xe2\x80\xa6"), ""},
    // Base64 of a response: PLAIN with and without authzid, XOAUTH2, OAUTHBEARER.
    {TEXT("AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA=="), "password-response"},
    {TEXT("AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\n"), "password-newline password-response"},
    {TEXT("YWxpY2UAYWxpY2UAczNjcmV0IHBhc3M="), "password-response"},
    {TEXT("dXNlcj1hbGljZUBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LmFiYwEB"), "password-response"},
    {TEXT("bixhPWFsaWNlQGV4YW1wbGUuY29tLAFob3N0PXgBYXV0aD1CZWFyZXIgYWJjAQE="), "password-response"},
    // Base64 of a password, and of the user's own name.
    {TEXT("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5"), "password-base64"},
    {TEXT("aHVudGVyMmh1bnRlcg=="), "password-base64"},
    {TEXT("c2VjcmV0LXBhc3M="), "password-base64"},
    {TEXT("c2VjcmV0cGE="), "password-base64"},      // eight octets and padding,
    {TEXT("c2VjcmV0LXBhc3Mh"), "password-base64"},  // or twelve without
    {TEXT("c2VjcmV0LXBhc3"), ""},
    {TEXT("YWxpY2VAZXhhbXBsZS5jb20="), "password-base64"},
    {TEXT("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
          "YWFh"
          "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ=="),
     "password-base64"},
    {TEXT("aHVudGVyMg=="), ""},              // "hunter2": the same
    {TEXT("YWxpY2UAc2VjcmV0c2VjcmV0"), ""},  // one NUL, three, and three ^A
    {TEXT("AGFsaWNlAHNlY3JldAA="), ""},
    {TEXT("c2VjcmV0AQEBc2VjcmV0"), ""},
    {TEXT("dXNlcj1hbGljZQFhdXRoPUJlYXJlciB4AQ=="), ""},  // two ^A of a response
    {TEXT("c2VjcmV0"), ""},             // "secret": as like a password of eight letters
    {TEXT("aHVudGVyMmh1bnRlcg="), ""},  // a length that base64 has not
    {TEXT(LINE "YQ==" LINE), ""},       // padding inside
    // Wrapped.
    {TEXT(LINE "YWFhYWFhYWFhYWFh\nYWFhYWFhYQ==\n"), "password-newline password-wrapped"},
    {TEXT(LINE "YWFh\nYWFhYWFhYQ=="), "password-wrapped"},
    {TEXT(LINE "\r\n" LINE "\r\nYWFh"), "password-wrapped"},
    {TEXT(LINE "\n" LINE), "password-wrapped"},
    {TEXT(LINE "\nYW/h+Q=="), "password-wrapped"},
    {TEXT(LINE "\n" LINE "YWFh"), "password-control"},  // longer than the first
    {TEXT(LINE "\nYWFh\nYWFh"), "password-control"},
    {TEXT(LINE "\nYWFh YWFh"), "password-control"},
    {TEXT(LINE "Y\nYWFh"), "password-control"},
    {TEXT("YWFhYWFhYWFhYWFh\nYWFh"), "password-control"},
    // App passwords.
    {TEXT("abcd efgh ijkl mnop"), "password-groups"},
    {TEXT("abcd efgh ijkl mnop\n"), "password-newline password-groups"},
    {TEXT("abcd\xc2\xa0"
          "efgh\xc2\xa0ijkl\xc2\xa0mnop"),
     "password-unseen password-groups"},
    {TEXT("abcd efgh ijkl mno"), ""},
    {TEXT("abcd efgh ijkl mnopq"), ""},
    {TEXT("abcd efgh ijkl mnop qrst"), ""},
    {TEXT("abcd efgh ijkl 1nop"), ""},
    {TEXT("abcd-efgh-ijkl-mnop"), ""},
    {TEXT("abcdefghijklmnop"), ""},
    // Tokens.
    {TEXT("Bearer ya29.a0AfH6SMBx"), "token-bearer"},
    {TEXT("bearer ya29.a0AfH6SMBx"), "token-bearer"},
    {TEXT("Bearer"), ""},
    {TEXT("bearers of news"), ""},
    {TEXT("{\"access_token\": \"ya29.x\", \"expires_in\": 3599}"), "token-json"},
    {TEXT("{\n  \"access_token\": \"ya29.x\"\n}\n"), "password-newline token-json"},
    {TEXT("{\"}"), ""},
    {TEXT("{curly: braces}"), ""},
    {TEXT("{"), ""},
    {TEXT("{}"), ""},
    {TEXT("ya29.a0AfH6SMBx-1_2"), ""},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"), ""},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9"), "token-cut"},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9."), "token-cut"},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ9..x"), ""},
    {TEXT("eyJmyPassword.2024"), ""},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ-_"), "token-cut"},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSJ!"), ""},
    {TEXT("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9+eyJzdWIiOiJhbGljZ.J9"), ""},
};

static const struct row users[] = {
    {TEXT(USER), ""},
    {TEXT("alice"), ""},
    {TEXT("EXAMPLE\\alice"), ""},
    {TEXT("al ice"), ""},
    {TEXT("\xc3\xa5lice@example.com"), ""},
    {TEXT("apikey"), ""},
    {TEXT("AKIAIOSFODNN7EXAMPLE"), ""},
    {TEXT("testuser"), ""},
    {TEXT(""), "user-empty"},
    {TEXT("alice\n"), "user-control"},
    {TEXT("alice\r\nQUIT"), "user-control"},
    {TEXT("ali\0ce"), "user-control"},
    {TEXT("ali\x01"
          "ce"),
     "user-control"},
    {TEXT("alice\x7f"), "user-control"},
    {TEXT(" alice"), "user-blank"},
    {TEXT("alice "), "user-blank"},
    {TEXT("YWxpY2VAZXhhbXBsZS5jb20="), "user-base64"},
    {TEXT("YWxpY2U="), "user-base64"},
    {TEXT("Ym9iQHhf"), "user-base64"},
};

Test(credential, findings) {
  for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
    const char *got = names_of(look(span(TEXT(USER)), span(passwords[i].text, passwords[i].len)));
    cr_expect_str_eq(got, passwords[i].findings, "password [%s]: %s", passwords[i].text, got);
  }
  for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
    const char *got = names_of(look(span(users[i].text, users[i].len), span(TEXT("hunter2"))));
    cr_expect_str_eq(got, users[i].findings, "user [%s]: %s", users[i].text, got);
  }
  cr_expect_eq(ehlo_credential_look((struct ehlo_span){NULL, 0}, (struct ehlo_span){NULL, 0}),
               1U << EHLO_CREDENTIAL_USER_EMPTY | 1U << EHLO_CREDENTIAL_PASSWORD_EMPTY);
}

// A short name in base64 tells itself by being the user's.
Test(credential, own_name) {
  cr_assert_str_eq(names_of(look(span(TEXT("bob")), span(TEXT("Ym9i")))), "password-base64");
  cr_assert_str_eq(names_of(look(span(TEXT("bo")), span(TEXT("Ym9i")))), "");
  cr_assert_str_eq(names_of(look(span(TEXT("bobby")), span(TEXT("Ym9i")))), "");
}

// What people use, and what services give out.
static const char *const ordinary[] = {
    "password",
    "Passw0rd!",
    "123456",
    "qwerty12",
    "letmein!",
    "iloveyou",
    "football",
    "monkey12",
    "correct horse battery staple",
    "Tr0ub4dor&3",
    "four word pass phrase",
    "p@ss w0rd",
    "hunter2",
    "Summer2024",
    "Winter2025!",
    "abcdefghijklmnop",
    "ABCDEFGH",
    "aaaaaaaaaaaaaaaa",
    "0000000000000000",
    "s3kr1t Zebra&Crossing/42",
    "=equals=",
    "ends with equals=",
    "password=",
    "pass==",
    "a=",
    "====",
    "{braces}",
    "{\"quoted\"",
    "\"quoted\"",
    "Bearer",
    "Bearer-token-less",
    "eyJ",
    "user=alice",
    "correcthorsebatterystaple",
    "internationalization",
    "antidisestablishmentarianism",
    "kXp2s5v8y/B?E(H+MbQeThWmZq4t7w9z",
    "9b74c9897bac770ffc029102a200c5de",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "0123456789abcdef0123456789abcdef01234567",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "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",
    "BM+pEsAiYRsMtm9o2EM+R0qP2v7nCnH2dVxLsmLIKYZw",
    "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
    "xsmtpsib-a1b2c3d4e5f60718293a4b5c6d7e8f90-Q9w8E7r6T5y4U3i2",
    "re_123456789",
    "abcd-efgh-ijkl-mnop",
    "gr\xc3\xbc\xc3\x9f\x65",
    "\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c",
    "\xe5\xaf\x86\xe7\xa0\x81",
    "caf\xe9",
    "it\xe2\x80\x99s me",
    "\xf0\x9f\x90\xb4\xf0\x9f\x94\x8b",
    "a",
    "ab cd",
    "1 2 3 4",
};

Test(credential, silence_on_ordinary_passwords) {
  for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
    uint32_t findings = look(span(TEXT(USER)), span(ordinary[i], strlen(ordinary[i])));
    cr_expect_eq(findings, 0, "[%s]: %s", ordinary[i], names_of(findings));
  }
}

static uint32_t seed = 7;

static uint32_t random_below(uint32_t bound) {
  seed = seed * 1664525U + 1013904223U;
  return (uint32_t)((uint64_t)seed * bound >> 32);
}

// Generated ones, of which base64 is the hard case: one in a thousand may be taken for something.
Test(credential, silence_on_generated_passwords) {
  static const char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&*+-./:;=?@_";
  static const uint32_t alphabet_lens[] = {52, 62, 78};
  unsigned num_base64 = 0;
  for (int round = 0; round < 30000; round++) {
    uint8_t bytes[64];
    uint8_t text[96];
    size_t len = 8 + random_below(40);
    for (size_t i = 0; i < len; i++) {
      bytes[i] = (uint8_t)random_below(256);
    }
    size_t text_len = ehlo_base64_encode(text, &(struct ehlo_span){bytes, len}, 1);
    num_base64 += look(span(TEXT(USER)), (struct ehlo_span){text, text_len}) != 0;
    for (size_t i = 0; i < len; i++) {
      bytes[i] = (uint8_t)alphabet[random_below(alphabet_lens[round % 3])];
    }
    uint32_t findings = look(span(TEXT(USER)), (struct ehlo_span){bytes, len});
    cr_assert_eq(findings, 0, "[%.*s]: %s", (int)len, bytes, names_of(findings));
  }
  cr_assert_lt(num_base64, 30, "%u of 30000", num_base64);
}

// Any user and password in a PLAIN message are seen as long as they are printable.
Test(credential, responses_of_any_length) {
  for (size_t len = 1; len < 200; len++) {
    uint8_t password[200];
    uint8_t text[400];
    for (size_t i = 0; i < len; i++) {
      password[i] = (uint8_t)(' ' + random_below(95));
    }
    struct ehlo_span parts[] = {span("\0" USER "\0", sizeof(USER) + 1), {password, len}};
    size_t text_len = ehlo_base64_encode(text, parts, 2);
    const char *got = names_of(look(span(TEXT(USER)), (struct ehlo_span){text, text_len}));
    cr_assert_str_eq(got, "password-response", "%zu: %s", len, got);
  }
}

Test(credential, names_and_words) {
  for (int i = 0; i < EHLO_NUM_CREDENTIAL_FINDINGS; i++) {
    enum ehlo_credential_finding finding = (enum ehlo_credential_finding)i;
    cr_assert_gt(strlen(ehlo_credential_text(finding)), 15);
    cr_assert_eq(ehlo_credential_is_refusal(finding), i < 3);
    for (int k = 0; k < i; k++) {
      cr_assert_str_neq(ehlo_credential_name(finding),
                        ehlo_credential_name((enum ehlo_credential_finding)k));
    }
  }
  cr_assert_str_eq(ehlo_credential_name(EHLO_NUM_CREDENTIAL_FINDINGS), "unknown");
  cr_assert_str_eq(ehlo_credential_text(EHLO_NUM_CREDENTIAL_FINDINGS), "unknown");
}
