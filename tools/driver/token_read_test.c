// What is taken of a command's output, and what is said of a token.
#include "tools/driver/token_read.h"

#include <criterion/criterion.h>
#include <openssl/base64.h>
#include <stdio.h>
#include <string.h>

#include "engine/ehlo.h"

#define NOW 1700000000

static uint8_t taken[16];
static size_t taken_len;

static const char *take(const char *text) {
  const char *wrong = token_take(taken, &taken_len, sizeof(taken), text, strlen(text));
  return wrong != NULL ? wrong : "";
}

static void expect_taken(const char *text, const char *token) {
  cr_assert_str_eq(take(text), "", "%s", text);
  cr_assert(taken_len == strlen(token) && memcmp(taken, token, taken_len) == 0, "%s", text);
}

Test(token_read, takes_a_line_or_json) {
  expect_taken("T0ken\r\nmore", "T0ken");
  expect_taken("T0ken", "T0ken");
  expect_taken("\n {\"access_token\": \"T\\u0030ken\"}\n", "T0ken");
  expect_taken("0123456789abcdef\n", "0123456789abcdef");
}

Test(token_read, refuses_what_is_no_token) {
  cr_assert(strstr(take(""), "no token"));
  cr_assert(strstr(take("\r\n"), "no token"));
  cr_assert(strstr(take("0123456789abcdefg"), "too long"));
  cr_assert(strstr(take("{\"access_token\": 1}"), "without an \"access_token\""));
  cr_assert(strstr(take("{\"access_token\": \"\"}"), "no token"));
  cr_assert(strstr(take("{"), "without an \"access_token\""));
  cr_assert_eq(taken_len, 0);
}

// Whether exactly one warning comes, and holds the words; "" is none.
static void expect_said(const char *claims, const char *words) {
  struct warnings w = {.silent = true};
  char base64[1000];
  char token[1100];
  size_t len = EVP_EncodeBlock((uint8_t *)base64, (const uint8_t *)claims, strlen(claims));
  while (base64[len - 1] == '=') {
    base64[--len] = '\0';
  }
  snprintf(token, sizeof(token), "h.%s.s", base64);
  token_look(&w, ehlo_str(token), "alice@x", NOW);
  cr_assert_eq(json_array_size(w.list), words[0] != '\0' ? 1 : 0, "%s", claims);
  if (words[0] != '\0') {
    cr_assert(strstr(json_string_value(json_array_get(w.list, 0)), words), "%s", claims);
  }
  warnings_free(&w);
}

Test(token_read, looks_at_times) {
  expect_said("{\"exp\": 1699999880}", "expired 2 minutes ago");
  expect_said("{\"exp\": 1699999880.5}", "expired 1 minutes ago");
  expect_said("{\"exp\": 1700000001}", "");
  expect_said("{\"exp\": -9223372036854775808}", "expired 1000000000 minutes ago");
  expect_said("{\"exp\": \"1\"}", "");
  expect_said("{\"nbf\": 1700000301}", "not valid yet");
  expect_said("{\"nbf\": 1700000300}", "");
}

#define ENTRA "{\"iss\": \"https://sts.windows.net/t/\", "
Test(token_read, looks_at_audience_and_scope) {
  expect_said(ENTRA "\"aud\": \"https://outlook.office.com/\", \"scp\": \"a SMTP.Send\"}", "");
  expect_said(ENTRA "\"aud\": [\"x\", \"https://outlook.office.com\"], \"scp\": \"SMTP.Send\"}",
              "");
  expect_said(ENTRA "\"aud\": \"https://outlook.office.com.x\", \"scp\": \"SMTP.Send\"}",
              "another service");
  expect_said(ENTRA "\"aud\": \"https://outlook.office.com\", \"scp\": \"SMTP.SendX\"}",
              "does not allow SMTP");
  expect_said("{\"aud\": \"x\"}", "");
}
