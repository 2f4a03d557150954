// Tests of command arguments: what may stand in a command and what is refused unsent.
#include "engine/argument.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(s) s, sizeof(s) - 1

// A heap copy of just the size, so that reading beyond it shows.
static struct ehlo_span hold(const char *in, size_t len) {
  uint8_t *block = malloc(len + 1);
  cr_assert(block != NULL);
  memcpy(block + 1, in, len);
  return (struct ehlo_span){block + 1, len};
}

static void release(struct ehlo_span span) {
  free((uint8_t *)(uintptr_t)(span.bytes - 1));
}

#define A10 "aaaaaaaaaa"
#define A50 A10 A10 A10 A10 A10
#define A64 A50 A10 "aaaa"
#define A200 A50 A50 A50 A50
#define A255 A200 A50 "aaaaa"

static const struct path_row {
  const char *in;
  size_t len;
  enum ehlo_status status;
  enum ehlo_status with_utf8;
} path_rows[] = {
    {TEXT("a@b.example"), EHLO_OK, EHLO_OK},
    {TEXT("postmaster"), EHLO_OK, EHLO_OK},
    {TEXT("a+tag=x@b"), EHLO_OK, EHLO_OK},
    {TEXT("a@[192.0.2.1]"), EHLO_OK, EHLO_OK},
    {TEXT("a@[IPv6:2001:db8::1]"), EHLO_OK, EHLO_OK},
    {TEXT("\"a b\"@c"), EHLO_OK, EHLO_OK},
    {TEXT("\"a>b<c\"@d"), EHLO_OK, EHLO_OK},
    {TEXT("\"a@b\"@c"), EHLO_OK, EHLO_OK},
    {TEXT("\"a\\\"b\"@c"), EHLO_OK, EHLO_OK},
    {TEXT("\"a\\\\\"@c"), EHLO_OK, EHLO_OK},
    {TEXT("@x,@y:a@b"), EHLO_OK, EHLO_OK},
    {TEXT("@[IPv6:::1],@y:a@b"), EHLO_OK, EHLO_OK},
    {TEXT("a..b@c"), EHLO_OK, EHLO_OK},  // mailboxes that exist
    {TEXT(".a@b"), EHLO_OK, EHLO_OK},
    {TEXT("a.@b"), EHLO_OK, EHLO_OK},
    {TEXT("a!b%c/d=e{f}|g~`h^i&j*k'l#m$n?o_p-q@b"), EHLO_OK, EHLO_OK},
    {TEXT("a@b_c.d-e."), EHLO_OK, EHLO_OK},
    {TEXT("\"\"@b"), EHLO_OK, EHLO_OK},
    // What servers read in different ways.
    {TEXT("a(b)@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@c(b)"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a,b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b,c@d"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a;b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a:b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\\b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\"b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\"b c\"@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("[a]@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b..c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@.b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@."), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b/c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b:25"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@["), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1]b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1]]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[[1]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1\\]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1<2]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[1>2]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@[\xc3\xa9]"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x,y:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x,:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x(y):a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@[x:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    // Injection.
    {TEXT("a@b\r\nRCPT TO:<c@d"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b\r"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b\n"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\na@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\0@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b\0"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\t@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\x7f@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b> SIZE=1"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b>"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("<a@b>"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT(" a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b "), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT(" "), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\r\n\"@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x >:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x>,@y:a@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    // Broken forms.
    {TEXT("@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a@b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\\\""), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\\"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\""), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\"b@c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\"@"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\"a\"@b c"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x:"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("@x:@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT(""), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    // UTF-8 needs SMTPUTF8, and has to be UTF-8.
    {TEXT("\xc3\xa9@b"), EHLO_E_ARGUMENT, EHLO_OK},
    {TEXT("a@\xe4\xbe\x8b.example"), EHLO_E_ARGUMENT, EHLO_OK},
    {TEXT("\xf0\x9f\x93\xa7@b"), EHLO_E_ARGUMENT, EHLO_OK},
    {TEXT("\xf4\x8f\xbf\xbf@b"), EHLO_E_ARGUMENT, EHLO_OK},
    {TEXT("\xe9@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},  // Latin-1
    {TEXT("a\xc3"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},   // cut off
    {TEXT("a\xe4\xbe"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("a\xf0\x9f\x93"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xc0\xaf@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},  // longer than needed
    {TEXT("\xc1\xbf@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xe0\x9f\xbf@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xf0\x8f\xbf\xbf@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xed\xa0\x80@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},      // a surrogate
    {TEXT("\xf4\x90\x80\x80@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},  // beyond Unicode
    {TEXT("\xf5\x80\x80\x80@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\x80@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xc3(@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},
    {TEXT("\xc2\x85@b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},  // NEL, a control character
    {TEXT("\xc2\xa0@b"), EHLO_E_ARGUMENT, EHLO_OK},
    // Lengths of RFC 5321 §4.5.3.1.
    {TEXT(A64 "@b"), EHLO_OK, EHLO_OK},
    {TEXT(A64 "a@b"), EHLO_E_TOO_LONG, EHLO_E_TOO_LONG},
    {TEXT("a@" A200 A50 "aa"), EHLO_OK, EHLO_OK},  // 254 in all
    {TEXT("a@" A200 A50 "aaa"), EHLO_E_TOO_LONG, EHLO_E_TOO_LONG},
    {TEXT("a@" A255 "a"), EHLO_E_TOO_LONG, EHLO_E_TOO_LONG},
    {TEXT(A64 A200), EHLO_E_TOO_LONG, EHLO_E_TOO_LONG},
    {TEXT("@" A200 ":a@" A50), EHLO_OK, EHLO_OK},
    {TEXT("@" A200 ":a@" A50 "a"), EHLO_E_TOO_LONG, EHLO_E_TOO_LONG},
    {TEXT("a@" A255 "a b"), EHLO_E_ARGUMENT, EHLO_E_ARGUMENT},  // the form before the length
};

Test(argument, path) {
  for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
    const struct path_row *row = &path_rows[i];
    struct ehlo_span span = hold(row->in, row->len);
    enum ehlo_status got = ehlo_argument_path(span, false, false);
    cr_assert_eq(got, row->status, "[%s] %s", row->in, ehlo_status_name(got));
    got = ehlo_argument_path(span, false, true);
    cr_assert_eq(got, row->with_utf8, "[%s] with UTF-8: %s", row->in, ehlo_status_name(got));
    got = ehlo_argument_path(span, true, false);
    cr_assert_eq(got, row->len == 0 ? EHLO_OK : row->status, "[%s]", row->in);
    release(span);
  }
  cr_assert_eq(ehlo_argument_path((struct ehlo_span){NULL, 0}, true, false), EHLO_OK);
}

// What stands behind the octets of an address is none of it, however well it would go on.
Test(argument, path_and_what_is_behind) {
  static const struct {
    const char *text;
    size_t len;
  } cut[] = {{"a\xc3\xa9", 2}, {"@x:a@b", 2}, {"\"a\"@b", 2}, {"a@[1]", 4}, {"a@b", 2}};
  for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
    struct ehlo_span span = {(const uint8_t *)cut[i].text, cut[i].len};
    cr_assert_eq(ehlo_argument_path(span, false, true), EHLO_E_ARGUMENT, "%s", cut[i].text);
    span.len = strlen(cut[i].text);
    cr_assert_eq(ehlo_argument_path(span, false, true), EHLO_OK, "%s", cut[i].text);
  }
}

// Each octet by itself in the middle of an address, a name, a text and a line.
Test(argument, every_octet) {
  for (unsigned c = 0; c < 256; c++) {
    uint8_t in[3] = {'a', (uint8_t)c, 'b'};
    struct ehlo_span span = {in, 3};
    bool graphic = c > ' ' && c < 0x7f;
    bool bracket = c == '<' || c == '>';
    bool special = c != 0 && strchr("()[]:;@\\,\"", (int)c) != NULL;
    bool path = graphic && !bracket && (!special || c == '@');
    cr_assert_eq(ehlo_argument_path(span, false, false) == EHLO_OK, path, "%u", c);
    uint8_t domain[5] = {'x', '@', 'a', (uint8_t)c, 'b'};
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    cr_assert_eq(ehlo_argument_path((struct ehlo_span){domain, 5}, false, false) == EHLO_OK,
                 letter || c == '-' || c == '_' || c == '.', "%u", c);
    cr_assert_eq(ehlo_argument_name(span) == EHLO_OK, graphic && !bracket, "%u", c);
    cr_assert_eq(ehlo_argument_text(span) == EHLO_OK, graphic || c == ' ', "%u", c);
    cr_assert_eq(ehlo_argument_line(span) == EHLO_OK, graphic || c == ' ', "%u", c);
    bool mechanism = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    uint8_t name[3] = {'A', (uint8_t)c, 'B'};
    enum ehlo_status status = ehlo_argument_mechanism((struct ehlo_span){name, 3});
    cr_assert_eq(status == EHLO_OK, mechanism, "%u", c);
  }
}

Test(argument, name) {
  static const struct {
    const char *in;
    enum ehlo_status status;
  } rows[] = {
      {"client.example", EHLO_OK},    {"[192.0.2.1]", EHLO_OK},
      {"[IPv6:::1]", EHLO_OK},        {"host_name", EHLO_OK},
      {"", EHLO_E_ARGUMENT},          {"a b", EHLO_E_ARGUMENT},
      {"a\r\nMAIL", EHLO_E_ARGUMENT}, {"a<b", EHLO_E_ARGUMENT},
      {"\xc3\xa9", EHLO_E_ARGUMENT},  {A255, EHLO_OK},
      {A255 "a", EHLO_E_TOO_LONG},    {A255 "a\n", EHLO_E_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_span span = hold(rows[i].in, strlen(rows[i].in));
    cr_assert_eq(ehlo_argument_name(span), rows[i].status, "[%s]", rows[i].in);
    release(span);
  }
}

Test(argument, mechanism) {
  static const struct {
    const char *in;
    enum ehlo_status status;
  } rows[] = {
      {"PLAIN", EHLO_OK},
      {"SCRAM-SHA-256-PLUS", EHLO_OK},
      {"A", EHLO_OK},
      {"ABCDEFGHIJKLMNOPQRST", EHLO_OK},
      {"ABCDEFGHIJKLMNOPQRSTU", EHLO_E_TOO_LONG},
      {"", EHLO_E_ARGUMENT},
      {"plain", EHLO_E_ARGUMENT},
      {"PLAIN AGE=", EHLO_E_ARGUMENT},
      {"PLAIN\r\n", EHLO_E_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_span span = hold(rows[i].in, strlen(rows[i].in));
    cr_assert_eq(ehlo_argument_mechanism(span), rows[i].status, "[%s]", rows[i].in);
    release(span);
  }
}

Test(argument, lengths_of_texts) {
  static uint8_t a[1600];
  memset(a, 'a', sizeof(a));
  cr_assert_eq(ehlo_argument_text((struct ehlo_span){a, 1000}), EHLO_OK);
  cr_assert_eq(ehlo_argument_text((struct ehlo_span){a, 1001}), EHLO_E_TOO_LONG);
  a[3] = '\n';
  cr_assert_eq(ehlo_argument_text((struct ehlo_span){a, 1001}), EHLO_E_ARGUMENT);
}

// A line of the caller's own may hold UTF-8; a text may not.
Test(argument, line_and_text) {
  struct ehlo_span e_acute = {(const uint8_t *)"\xc3\xa9", 2};
  struct ehlo_span latin = {(const uint8_t *)"\xe9", 1};
  cr_assert_eq(ehlo_argument_line(e_acute), EHLO_OK);
  cr_assert_eq(ehlo_argument_text(e_acute), EHLO_E_ARGUMENT);
  cr_assert_eq(ehlo_argument_line(latin), EHLO_E_ARGUMENT);
  cr_assert_eq(ehlo_argument_line((struct ehlo_span){NULL, 0}), EHLO_OK);
}

Test(argument, attributes) {
  static const struct {
    const char *in;
    enum ehlo_status status;
  } rows[] = {
      {"ADDR=192.0.2.1", EHLO_OK},     {"NAME=[UNAVAILABLE] ADDR=IPV6:::1", EHLO_OK},
      {"LOGIN=a+3Db", EHLO_OK},        {"a-b_C9=x", EHLO_OK},
      {"", EHLO_E_ARGUMENT},           {" ", EHLO_E_ARGUMENT},
      {"=", EHLO_E_ARGUMENT},          {"A", EHLO_E_ARGUMENT},
      {"A=", EHLO_E_ARGUMENT},         {"A=b ", EHLO_E_ARGUMENT},
      {" A=b", EHLO_E_ARGUMENT},       {"A=b  C=d", EHLO_E_ARGUMENT},
      {"A=b=c", EHLO_E_ARGUMENT},      {"A=b+", EHLO_E_ARGUMENT},
      {"A=b+0A", EHLO_E_ARGUMENT},     {"A.B=c", EHLO_E_ARGUMENT},
      {"A=\xc3\xa9", EHLO_E_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_span span = hold(rows[i].in, strlen(rows[i].in));
    cr_assert_eq(ehlo_argument_attributes(span), rows[i].status, "[%s]", rows[i].in);
    release(span);
  }
}

// Next to the limits of UTF-8 and of names stand what is allowed.
Test(argument, beside_the_limits) {
#define U8(s) (const uint8_t *)(s), sizeof(s) - 1
  static const struct row {
    struct ehlo_span text;
    enum ehlo_status status;
  } rows[] = {
      {{U8("\xe0\xa4\x85@b")}, EHLO_OK},      // Devanagari: E0, and no overlong form
      {{U8("\xed\x95\x9c@b")}, EHLO_OK},      // Hangul: ED, and no surrogate
      {{U8("\xf0\x90\x80\x80@b")}, EHLO_OK},  // U+10000
      {{U8("\xf4\x8f\xbf\xbf@b")}, EHLO_OK},  // U+10FFFF
      {{U8("a@[x]y]")}, EHLO_E_ARGUMENT},     // a bracket within brackets
      {{U8("a@[x<y]")}, EHLO_E_ARGUMENT},
      {{U8("@x,")}, EHLO_E_ARGUMENT},         // a route and nothing behind its comma
      {{U8("a@[xy")}, EHLO_E_ARGUMENT},       // and one that is not closed
      {{U8("@x,y@z:a@b")}, EHLO_E_ARGUMENT},  // a route without its at sign
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cr_expect_eq(ehlo_argument_path(rows[i].text, false, true), rows[i].status, "%zu", i);
  }
  static const char brace[] = "AD{R=1";
  cr_expect_eq(ehlo_argument_attributes((struct ehlo_span){(const uint8_t *)brace, 6}),
               EHLO_E_ARGUMENT);
}
