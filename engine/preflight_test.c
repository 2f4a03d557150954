// Tests of the preflight: what it finds, on which line, and that no cut of the message matters.
#include "engine/preflight.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/body.h"

#define TEXT(s) s, sizeof(s) - 1

static struct ehlo_preflight look(const char *in, size_t len, size_t first, size_t step) {
  struct ehlo_preflight p;
  ehlo_preflight_init(&p);
  size_t end = first < len ? first : len;
  for (size_t at = 0; at < len;) {
    uint8_t *exact = malloc(end - at);
    memcpy(exact, in + at, end - at);
    ehlo_preflight_feed(&p, exact, end - at);
    free(exact);
    at = end;
    end = end + step < len ? end + step : len;
  }
  ehlo_preflight_end(&p);
  return p;
}

static void add_finding(char *out, const char *name, struct ehlo_finding f) {
  if (f.count > 0) {
    sprintf(out + strlen(out), " %s=%llu@%llu", name, (unsigned long long)f.count,
            (unsigned long long)f.first_line);
  }
}

// All that was found, in words: "lines fields size" and each finding as count@line.
static const char *report(const struct ehlo_preflight *p) {
  static char out[300];
  sprintf(out, "%llu %llu %llu", (unsigned long long)p->num_lines,
          (unsigned long long)p->num_fields, (unsigned long long)p->wire_size);
  add_finding(out, "cr", p->bare_cr);
  add_finding(out, "nul", p->nul);
  add_finding(out, "long", p->long_line);
  add_finding(out, "8bit", p->eight_bit);
  add_finding(out, "header", p->bad_header);
  strcat(out, ehlo_preflight_is_message(p) ? " message" : "");
  return out;
}

static const struct row {
  const char *in;
  size_t len;
  const char *report;
} rows[] = {
    {TEXT(""), "0 0 0"},
    {TEXT("\n"), "1 0 2"},
    {TEXT("A: b\n\nhi\n"), "3 1 12 message"},
    {TEXT("A: b\r\n\r\nhi\r\n"), "3 1 12 message"},
    {TEXT("A: b\n\nhi"), "3 1 12 message"},
    {TEXT("A: b\n"), "1 1 6 message"},
    {TEXT("A: b"), "1 1 6 message"},
    {TEXT("A:\n"), "1 1 4 message"},
    {TEXT("A: b\n c: d\n\tf\nB: e\n\n"), "5 2 25 message"},   // folded lines
    {TEXT("A: b: c\n\n"), "2 1 11 message"},
    {TEXT("A: b\n\n.\n..\n"), "4 1 15 message"},              // SIZE is without doubled dots
    {TEXT("A: b\r\n\nx\r\ny\n"), "4 1 14 message"},
    // The header.
    {TEXT("hello\n"), "1 0 7 header=1@1"},
    {TEXT("From a@b Mon\nA: b\n\n"), "3 1 22 header=1@1"},    // mbox
    {TEXT(" A: b\n\n"), "2 0 9 header=1@1"},                  // goes on nothing
    {TEXT("A b: c\n\n"), "2 0 10 header=1@1"},
    {TEXT(": c\n\n"), "2 0 7 header=1@1"},
    {TEXT("A: b\nrubbish\nC: d\n\n"), "4 2 23 header=1@2 message"},
    {TEXT("A: b\nx\ny\n\n"), "4 1 14 header=2@2 message"},
    {TEXT("\xef\xbb\xbf" "A: b\n\n"), "2 0 11 8bit=3@1 header=1@1"},
    {TEXT("\nA: b\n"), "2 0 8"},                              // a body alone
    {TEXT("A: b\n\nno header: here\nthis\n"), "4 1 31 message"},
    // Octets.
    {TEXT("A: b\n\na\rb\n"), "4 1 14 cr=1@3 message"},
    {TEXT("A: b\n\na\r"), "3 1 11 cr=1@3 message"},
    {TEXT("A: b\n\na\r\r\n"), "4 1 13 cr=1@3 message"},
    {TEXT("A: b\n\n\r\r\r\n"), "5 1 14 cr=2@3 message"},
    {TEXT("A: b\r\r\n"), "2 1 8 cr=1@1 message"},
    {TEXT("A: b\n\n\0x\n\0\0\n"), "4 1 16 nul=3@3 message"},
    {TEXT("A: \0\n\n"), "2 1 8 nul=1@1 message"},
    {TEXT("A: b\n\n\xc3\xa9\n"), "3 1 12 8bit=2@3 message"},
    {TEXT("A: \xe9\n\n\xe9"), "3 1 11 8bit=2@1 message"},
    {TEXT("A: b\n\n\x7f\x01\n"), "3 1 12 message"},
};

Test(preflight, findings_at_every_cut) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct row *row = &rows[i];
    for (size_t first = 1; first <= row->len + 1; first++) {
      struct ehlo_preflight p = look(row->in, row->len, first, row->len + 1);
      cr_assert_str_eq(report(&p), row->report, "[%s] cut at %zu: %s", row->in, first, report(&p));
    }
    struct ehlo_preflight p = look(row->in, row->len, 1, 1);
    cr_assert_str_eq(report(&p), row->report, "[%s] bytewise: %s", row->in, report(&p));
  }
}

// 998 octets are a line, 999 are too many; the CR of a CRLF does not count, whatever follows.
Test(preflight, long_lines) {
  static const char *const ends[] = {"\n", "\r\n", "", "\r"};
  for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
    for (size_t n = EHLO_TEXT_LINE_MAX - 1; n <= EHLO_TEXT_LINE_MAX + 1; n++) {
      char in[1100] = "A: b\n\n";
      memset(in + 6, 'x', n);
      strcpy(in + 6 + n, ends[e]);
      struct ehlo_preflight p = look(in, strlen(in), 7, 100);
      cr_assert_eq(p.long_line.count, n > EHLO_TEXT_LINE_MAX, "%zu", n);
      cr_assert_eq(p.long_line.first_line, n > EHLO_TEXT_LINE_MAX ? 3U : 0U);
      cr_assert_eq(p.wire_size, 6 + 2 + n + 2);
    }
  }
}

// The size told is what the encoder puts out, less the doubled dots and the end.
Test(preflight, size_is_what_the_encoder_sends) {
  static const char alphabet[] = "\n\n\r\raab";
  uint32_t seed = 5;
  for (int round = 0; round < 3000; round++) {
    char in[40];
    size_t len = (size_t)round % sizeof(in);
    for (size_t i = 0; i < len; i++) {
      seed = seed * 1664525U + 1013904223U;
      in[i] = alphabet[(seed >> 20) % (sizeof(alphabet) - 1)];
    }
    struct ehlo_preflight p = look(in, len, 1 + (seed >> 8) % 40, 3);
    struct ehlo_body b;
    uint8_t out[200];
    size_t used = 0;
    size_t n = 0;
    size_t end = 0;
    ehlo_body_init(&b, EHLO_BARE_CR_REPAIR);
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), (const uint8_t *)in, len), 0);
    cr_assert_eq(ehlo_body_end(&b, &end, out + n, sizeof(out) - n), EHLO_OK);
    cr_assert_eq(p.wire_size, n + end - 3, "round %d", round);
    cr_assert_eq(p.num_lines, b.num_lines, "round %d", round);
  }
}
