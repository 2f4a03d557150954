// Tests of xtext.
#include "engine/xtext.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ehlo_span span(const char *text) {
  return (struct ehlo_span){(const uint8_t *)text, strlen(text)};
}

Test(xtext, encode) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", ""},
      {"Alice@example.com", "Alice@example.com"},
      {"a+b=c", "a+2Bb+3Dc"},
      {"a b", "a+20b"},
      {"\r\n\x7f", "+0D+0A+7F"},
      {"\xc3\xa9", "+C3+A9"},
      {"!~", "!~"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint8_t out[64];
    size_t len = strlen(rows[i].out);
    cr_assert_eq(ehlo_xtext_encode(out, sizeof(out), span(rows[i].in)), len, "[%s]", rows[i].in);
    cr_assert(memcmp(out, rows[i].out, len) == 0, "[%s]", rows[i].in);
    memset(out, 0xee, sizeof(out));
    cr_assert_eq(ehlo_xtext_encode(out, len, span(rows[i].in)), len);
    cr_assert_eq(out[len], 0xee);
    if (len > 0) {
      memset(out, 0xee, sizeof(out));
      cr_assert_eq(ehlo_xtext_encode(out, len - 1, span(rows[i].in)), len);
      cr_assert_eq(out[0], 0xee, "nothing is written where there is no room");
    }
  }
}

// Every octet: what is encoded is xtext, and printable where the octet is.
Test(xtext, every_octet) {
  for (unsigned c = 0; c < 256; c++) {
    uint8_t in = (uint8_t)c;
    uint8_t out[EHLO_XTEXT_MAX(1)];
    size_t len = ehlo_xtext_encode(out, sizeof(out), (struct ehlo_span){&in, 1});
    bool plain = c > 32 && c < 127 && c != '+' && c != '=';
    cr_assert_eq(len, plain ? 1U : 3U, "%u", c);
    bool printable = c >= 32 && c < 127;
    cr_assert_eq(ehlo_xtext_is_printable((struct ehlo_span){out, len}), printable, "%u", c);
    cr_assert_eq(ehlo_xtext_is_printable((struct ehlo_span){&in, 1}), plain, "%u", c);
  }
}

Test(xtext, forms) {
  static const char *const bad[] = {"+", "+2", "a+", "+2b", "+b2", "+ 2", "+2 ", "=", "a b", "+0A"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    cr_assert(!ehlo_xtext_is_printable(span(bad[i])), "[%s]", bad[i]);
  }
  cr_assert(ehlo_xtext_is_printable(span("a+20+7E")));
  cr_assert(ehlo_xtext_is_printable(span("")));
}
