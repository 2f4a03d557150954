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

#define ALL_KINDS ~0U
// Without what most of the short rows have.
#define SELDOM_KINDS \
  ~(1U << EHLO_FINDING_MISSING | 1U << EHLO_FINDING_BARE_LF | 1U << EHLO_FINDING_NO_LAST_END)

// What was found of `kinds`, in words: "lines fields size", then each finding as name=count@line,
// with the field's name and the other line where there is one.
static const char *report(const struct ehlo_preflight *p, unsigned kinds) {
  static char out[1000];
  struct ehlo_finding f;
  sprintf(out, "%llu %llu %llu", (unsigned long long)p->num_lines,
          (unsigned long long)p->num_fields, (unsigned long long)p->wire_size);
  for (size_t pos = 0; ehlo_preflight_next(p, &pos, &f);) {
    if ((kinds >> f.kind & 1) == 0) {
      continue;
    }
    sprintf(out + strlen(out), " %s%s%s=%llu@%llu", f.field != NULL ? f.field : "",
            f.field != NULL ? ":" : "", ehlo_finding_name(f.kind), (unsigned long long)f.count,
            (unsigned long long)f.line);
    if (f.other_line != 0) {
      sprintf(out + strlen(out), "/%llu", (unsigned long long)f.other_line);
    }
  }
  return out;
}

static const struct row {
  const char *in;
  size_t len;
  const char *report;
} rows[] = {
    {TEXT(""), "0 0 0 no-header=1@1"},
    {TEXT("\n"), "1 0 2 no-header=1@1"},
    {TEXT("A: b\n\nhi\n"), "3 1 12"},
    {TEXT("A: b\r\n\r\nhi\r\n"), "3 1 12"},
    {TEXT("A: b\n\nhi"), "3 1 12"},
    {TEXT("A: b\n"), "1 1 6 no-blank-line=1@1"},
    {TEXT("A: b"), "1 1 6 no-blank-line=1@1"},
    {TEXT("A:\n"), "1 1 4 no-blank-line=1@1"},
    {TEXT("A: b\n c: d\n\tf\nB: e\n\n"), "5 2 25"},  // folded lines
    {TEXT("A: b: c\n\n"), "2 1 11"},
    {TEXT("A: b\n\n.\n..\n"), "4 1 15"},  // SIZE is without doubled dots
    {TEXT("A: b\r\n\nx\r\ny\n"), "4 1 14 mixed-line-ends=1@2/1"},
    // The header.
    {TEXT("hello\n"), "1 0 7 no-header=1@1 bad-header=1@1"},
    {TEXT("From a@b Mon\nA: b\n\n"), "3 1 22 no-header=1@1 bad-header=1@1"},  // mbox
    {TEXT(" A: b\n\n"), "2 0 9 no-header=1@1 bad-header=1@1"},                // goes on nothing
    {TEXT("A b: c\n\n"), "2 0 10 no-header=1@1 bad-header=1@1"},
    {TEXT(": c\n\n"), "2 0 7 no-header=1@1 bad-header=1@1"},
    {TEXT("A\x7f: c\n\n"), "2 0 9 no-header=1@1 bad-header=1@1"},
    {TEXT("A!~: c\n\n"), "2 1 10"},
    {TEXT("A: b\nrubbish\nC: d\n\n"), "4 2 23 bad-header=1@2"},
    {TEXT("A: b\nx\ny\n\n"), "4 1 14 bad-header=2@2"},
    {TEXT("\xef\xbb\xbf"
          "A: b\n\n"),
     "2 0 11 no-header=1@1 8bit-header=3@1 bad-header=1@1"},
    {TEXT("\nA: b\n"), "2 0 8 no-header=1@1"},  // a body alone
    {TEXT("A: b\n\nno header: here\nthis\n"), "4 1 31"},
    // Octets.
    {TEXT("A: b\n\na\rb\n"), "4 1 14 bare-cr=1@3"},
    {TEXT("A: b\n\na\r"), "3 1 11 bare-cr=1@3"},
    {TEXT("A: b\n\na\r\r\n"), "4 1 13 bare-cr=1@3 mixed-line-ends=1@4/1"},
    {TEXT("A: b\n\n\r\r\r\n"), "5 1 14 bare-cr=2@3 mixed-line-ends=1@5/1"},
    {TEXT("A: b\r\r\n"), "2 1 8 bare-cr=1@1"},
    {TEXT("A: b\rB: c"), "2 2 12 bare-cr=1@1 no-blank-line=1@2"},
    {TEXT("A: b\n\n\0x\n\0\0\n"), "4 1 16 nul=3@3"},
    {TEXT("A: \0\n\n"), "2 1 8 nul=1@1"},
    {TEXT("A: b\n\n\xc3\xa9\n"), "3 1 12 8bit-body=2@3"},
    {TEXT("A: \xe9\n\n\xe9"), "3 1 11 8bit-header=1@1 8bit-body=1@3"},
    {TEXT("A: b\n\n\x7f\x01\n"), "3 1 12"},
    // What a server that drops NUL has of a line.
    {TEXT("A: b\n\n\0.\n"), "3 1 12 nul-dot=1@3 nul=1@3"},
    {TEXT("A: b\n\na\n\0\0.\0\r\n\0."), "5 1 21 nul-dot=2@4 nul=4@4 mixed-line-ends=1@4/1"},
    {TEXT("A: b\n\n\0.\r"), "3 1 12 bare-cr=1@3 nul-dot=1@3 nul=1@3"},
    {TEXT("A: b\n\n.\0\n\0..\n\0.a\na\0.\n\0\n.\n"), "8 1 33 nul=5@3"},
    // Line ends of both kinds.
    {TEXT("A: b\n\n\n\r\n\n\r\n"), "6 1 16 mixed-line-ends=1@4/1"},
    {TEXT("A: b\r\n\r\na\n"), "3 1 11 mixed-line-ends=1@3/1"},
    {TEXT("A: b\r\n\r\na"), "3 1 11"},
};

static void expect_report(const struct row *row, unsigned kinds) {
  for (size_t first = 1; first <= row->len + 1; first++) {
    struct ehlo_preflight p = look(row->in, row->len, first, row->len + 1);
    const char *got = report(&p, kinds);
    cr_assert_str_eq(got, row->report, "[%s] cut at %zu: %s", row->in, first, got);
  }
  struct ehlo_preflight p = look(row->in, row->len, 1, 1);
  cr_assert_str_eq(report(&p, kinds), row->report, "[%s] bytewise: %s", row->in, report(&p, kinds));
  cr_assert_eq(ehlo_preflight_is_message(&p), strstr(row->report, "no-header") == NULL, "[%s]",
               row->in);
  cr_assert_eq(ehlo_preflight_is_8bit(&p), strstr(row->report, "8bit") != NULL, "[%s]", row->in);
}

Test(preflight, findings_at_every_cut) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    expect_report(&rows[i], SELDOM_KINDS);
  }
}

#define FROM_DATE "From: a\r\nDate: b\r\n"

// The fields of RFC 5322 §3.6, and the line ends where nothing may be altered.
static const struct row field_rows[] = {
    {TEXT(FROM_DATE "\r\n"), "3 2 20"},
    {TEXT(FROM_DATE "\r\na\r\n"), "4 2 23"},
    {TEXT(FROM_DATE "\r\na"), "4 2 23 no-last-line-end=1@4"},
    {TEXT(FROM_DATE "\r\na\nb\n"), "5 2 26 bare-lf=2@4 mixed-line-ends=1@4/1"},
    {TEXT(FROM_DATE), "2 2 18 no-blank-line=1@2"},
    {TEXT("fRoM: a\r\nDATE:\r\n\r\n"), "3 2 18"},
    {TEXT("To: a\r\n\r\n"), "2 1 9 From:missing-field=1@2 Date:missing-field=1@2"},
    {TEXT("Date: a\r\nTo: a\r\nX: a\r\n\r\nFrom: x\r\n"), "5 3 33 From:missing-field=1@4"},
    {TEXT("From: a\r\n"), "1 1 9 no-blank-line=1@1 Date:missing-field=1@1"},
    // No header at all: what is missing from it needs no words.
    {TEXT("\r\n"), "1 0 2 no-header=1@1"},
    {TEXT("hello\r\n\r\n"), "2 0 9 no-header=1@1 bad-header=1@1"},
    // Twice and more, with fields between, without case, folded, empty.
    {TEXT(FROM_DATE "from: b\r\n\r\n"), "4 3 29 From:duplicate-field=2@3/1"},
    {TEXT(FROM_DATE "X: b\r\n c\r\nDATE:\r\ndate: x\r\n\r\n"), "7 5 46 Date:duplicate-field=3@5/2"},
    {TEXT("Subject: a\r\nSubject: a\r\n" FROM_DATE "\r\nSubject: b\r\n"),
     "6 4 56 Subject:duplicate-field=2@2/1"},
    {TEXT(FROM_DATE "To: a\r\nCc: a\r\nBcc: a\r\nTo: a\r\nCC: a\r\nbcc: a\r\n\r\n"),
     "9 8 64 To:duplicate-field=2@6/3 Cc:duplicate-field=2@7/4 Bcc:duplicate-field=2@8/5"},
    {TEXT(FROM_DATE "Message-ID: a\r\nIn-Reply-To: a\r\nReferences: a\r\nSender: a\r\n"
                    "Reply-To: a\r\nmessage-id: a\r\nin-reply-to: a\r\nreferences: a\r\n"
                    "sender: a\r\nreply-to: a\r\n\r\n"),
     "13 12 160 Sender:duplicate-field=2@11/6 Reply-To:duplicate-field=2@12/7 "
     "Message-ID:duplicate-field=2@8/3 In-Reply-To:duplicate-field=2@9/4 "
     "References:duplicate-field=2@10/5"},
    // Names that only look like it, those that may stand any number of times, and one in the body.
    {TEXT(FROM_DATE "Fro: a\r\nFromm: a\r\nX-From: a\r\nIn-Reply-Toto: a\r\nIn-Reply-To: a\r\n"
                    "In-Reply-To-Nobody: a\r\n\r\n"),
     "9 8 106"},
    {TEXT(FROM_DATE "Received: a\r\nReceived: a\r\nComments:\r\nComments:\r\nKeywords:\r\n"
                    "Keywords:\r\nResent-From: a\r\nResent-From: b\r\n\r\nFrom: c\r\n"),
     "12 10 131"},
    // A line that is no field counts as none, and what is folded neither.
    {TEXT(FROM_DATE "From \r\n From: a\r\n\r\n"), "5 2 37 bad-header=1@3"},
    {TEXT(FROM_DATE "hello\r\nyou\r\n"), "4 2 30 bad-header=2@3 no-blank-line=1@4"},
    {TEXT(FROM_DATE "Subject : a\r\nSubject: a\r\n\r\n"), "5 3 45 bad-header=1@3"},
};

Test(preflight, fields_at_every_cut) {
  for (size_t i = 0; i < sizeof(field_rows) / sizeof(field_rows[0]); i++) {
    expect_report(&field_rows[i], ALL_KINDS);
  }
}

Test(preflight, counts_are_those_of_the_findings) {
  static const char in[] = "To: a\nTo: b\nCc: a\nCc: b\nCc: c\n\n\xff\xff\n";
  struct ehlo_preflight p = look(in, sizeof(in) - 1, 3, 3);
  cr_assert_eq(ehlo_preflight_count(&p, EHLO_FINDING_TWICE), 2);
  cr_assert_eq(ehlo_preflight_count(&p, EHLO_FINDING_MISSING), 2);
  cr_assert_eq(ehlo_preflight_count(&p, EHLO_FINDING_EIGHT_BIT_BODY), 2);
  cr_assert_eq(ehlo_preflight_count(&p, EHLO_FINDING_BARE_LF), 7);
  cr_assert_eq(ehlo_preflight_count(&p, EHLO_FINDING_BARE_CR), 0);
}

Test(preflight, names_and_words) {
  for (int i = 0; i < EHLO_NUM_FINDINGS; i++) {
    const char *name = ehlo_finding_name((enum ehlo_finding_kind)i);
    cr_assert(strlen(name) > 2 && strlen(ehlo_finding_text((enum ehlo_finding_kind)i)) > 5);
    for (int k = 0; k < i; k++) {
      cr_assert_str_neq(name, ehlo_finding_name((enum ehlo_finding_kind)k));
    }
  }
  cr_assert_str_eq(ehlo_finding_name(EHLO_NUM_FINDINGS), "unknown");
  cr_assert_str_eq(ehlo_finding_text(EHLO_NUM_FINDINGS), "unknown");
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
      const char *found = strstr(report(&p, ALL_KINDS), "long-line=");
      cr_assert_eq(found != NULL, n > EHLO_TEXT_LINE_MAX, "%zu", n);
      cr_assert(found == NULL || strncmp(found, "long-line=1@3", 13) == 0, "%s", found);
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
