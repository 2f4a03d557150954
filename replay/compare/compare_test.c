// Each thing in which two sessions may differ is found as the first one, in a sentence; sessions stay
// aligned where one has more than the other; what differs by nature does not matter; and whatever is
// compared with itself is the same.
#include "replay/compare/compare.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char base[] =
    "! ehlo-transcript 1\n"
    "! connect mail.example:587 192.0.2.1\n"
    "! submit tls starttls\n"
    "! submit user alice\n"
    "! submit from <a@example.com>\n"
    "+0.010000  S: 220 mail.example ESMTP Postfix\n"
    "+0.000100  C: EHLO client.example\n"
    "+0.020000  S: 250-mail.example\n"
    "           S: 250-SIZE 1000\n"
    "           S: 250 STARTTLS\n"
    "+0.000100  C: STARTTLS\n"
    "+0.020000  S: 220 2.0.0 Go ahead\n"
    "+0.050000  ! tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok sha256=9f86\n"
    "+0.000100  C: EHLO client.example\n"
    "+0.020000  S: 250-mail.example\n"
    "           S: 250-SIZE 1000\n"
    "           S: 250-8BITMIME\n"
    "           S: 250 AUTH PLAIN LOGIN\n"
    "+0.000100  C: AUTH PLAIN \\{secret}\n"
    "+0.030000  S: 235 2.7.0 welcome\n"
    "+0.000100  C: MAIL FROM:<a@example.com> SIZE=80\n"
    "+0.020000  S: 250 2.1.0 Ok\n"
    "+0.000100  C: RCPT TO:<b@example.com>\n"
    "+0.020000  S: 250 2.1.5 Ok\n"
    "+0.000100  C: RCPT TO:<c@example.com>\n"
    "+0.020000  S: 250 2.1.5 Ok\n"
    "+0.000100  C: DATA\n"
    "+0.020000  S: 354 go ahead\n"
    "+0.000100  C: Subject: hello\n"
    "           C: Date: Mon, 3 Mar 2025 10:00:00 +0000\n"
    "           C: Message-ID: <1@example.com>\n"
    "           C:\n"
    "           C: Hello Bob.\n"
    "           C: .\n"
    "+0.100000  S: 250 2.0.0 Ok: queued as 4F1B2C\n"
    "+0.000100  C: QUIT\n"
    "+0.020000  S: 221 2.0.0 Bye\n"
    "= outcome accepted at quit\n"
    "+0.000100  ! eof C\n";

// Copies `base` with one piece of it replaced.
static char *edited(const char *find, const char *replace) {
  const char *at = strstr(base, find);
  cr_assert_not_null(at, "%s", find);
  size_t len = strlen(base) - strlen(find) + strlen(replace);
  char *out = malloc(len + 1);
  snprintf(out, len + 1, "%.*s%s%s", (int)(at - base), base, replace, at + strlen(find));
  return out;
}

struct source {
  const char *text;
  size_t piece;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t most = cap < s->piece ? cap : s->piece;
  const char *end = memchr(s->text, '\0', most);
  size_t n = end != NULL ? (size_t)(end - s->text) : most;
  memcpy(buf, s->text, n);
  s->text += n;
  return (long)n;
}

static enum ehlo_compare_status compare(struct ehlo_comparison *out,
                                        struct ehlo_transcript_error *error, const char *a,
                                        const char *b, bool cuts) {
  struct source sa = {a, 7};
  struct source sb = {b, 4096};
  return ehlo_compare(out, error, give, &sa, give, &sb,
                      &(struct ehlo_compare_options){.cuts = cuts});
}

static struct ehlo_comparison good(const char *a, const char *b, bool cuts) {
  struct ehlo_comparison r;
  struct ehlo_transcript_error error;
  cr_assert_eq(compare(&r, &error, a, b, cuts), EHLO_COMPARE_OK, "%s\n---\n%s", a, b);
  return r;
}

// What B has in place of a piece of A, and the first difference then.
static const struct {
  const char *find;
  const char *replace;
  const char *sentence;
  enum ehlo_difference_kind kind;
  const char *stage;
  size_t a_line;
  size_t b_line;
} firsts[] = {
    {"submit user alice", "submit user bob", "A was to use \"user alice\", B \"user bob\"",
     EHLO_DIFFERENCE_SETTING, "connect", 4, 4},
    {"! submit user alice\n", "", "A was to use \"user alice\", B was told nothing of it",
     EHLO_DIFFERENCE_SETTING, "connect", 4, 0},
    {"! submit user alice\n", "! submit user alice\n! submit force\n",
     "B was to use \"force\", A was told nothing of it", EHLO_DIFFERENCE_SETTING, "connect", 0, 5},
    {"S: 220 mail", "S: 554 mail", "A was answered 220 to the greeting, B 554",
     EHLO_DIFFERENCE_REPLY, "greeting", 6, 6},
    {"C: EHLO client", "C: EHLO other", "A says EHLO client.example, B EHLO other.example",
     EHLO_DIFFERENCE_COMMAND, "ehlo", 7, 7},
    {"           S: 250-SIZE 1000\n           S: 250 STARTTLS", "           S: 250 STARTTLS",
     "B offers no SIZE before TLS", EHLO_DIFFERENCE_CAPABILITY, "ehlo", 9, 8},
    {"250-8BITMIME\n           S: 250 AUTH PLAIN LOGIN", "250 8BITMIME",
     "B offers no AUTH after TLS", EHLO_DIFFERENCE_CAPABILITY, "ehlo", 18, 15},
    {"250-8BITMIME", "250-8BITMIME\n           S: 250-DSN", "A offers no DSN after TLS",
     EHLO_DIFFERENCE_CAPABILITY, "ehlo", 15, 18},
    {"250 AUTH PLAIN LOGIN", "250 AUTH LOGIN XOAUTH2",
     "A offers AUTH PLAIN LOGIN, B AUTH LOGIN XOAUTH2 after TLS", EHLO_DIFFERENCE_CAPABILITY,
     "ehlo", 18, 18},
    {"220 2.0.0 Go ahead", "454 4.7.0 Not now", "A was answered 220 2.0.0 to STARTTLS, B 454 4.7.0",
     EHLO_DIFFERENCE_REPLY, "starttls", 12, 12},
    {"TLSv1.3", "TLSv1.2", "the TLS version of A is TLSv1.3, of B TLSv1.2", EHLO_DIFFERENCE_TLS,
     "tls", 13, 13},
    {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
     "the TLS cipher of A is TLS_AES_256_GCM_SHA384, of B TLS_AES_128_GCM_SHA256",
     EHLO_DIFFERENCE_TLS, "tls", 13, 13},
    {"x25519", "secp256r1", "the TLS group of A is x25519, of B secp256r1", EHLO_DIFFERENCE_TLS,
     "tls", 13, 13},
    {"sha256=9f86", "sha256=0000", "the TLS certificate of A is 9f86, of B 0000",
     EHLO_DIFFERENCE_TLS, "tls", 13, 13},
    {"chain=ok sha256=9f86", "chain=ok", "the TLS certificate of A is 9f86, of B not known",
     EHLO_DIFFERENCE_TLS, "tls", 13, 13},
    {"! tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok sha256=9f86",
     "! tls failed expired", "TLS failed for B (failed expired), and not for A",
     EHLO_DIFFERENCE_TLS, "tls", 13, 13},
    {"C: AUTH PLAIN \\{secret}", "C: AUTH LOGIN\n+0.1 S: 334 VXNlcg==\n+0.1 C: \\{secret}",
     "A logs in by PLAIN, B by LOGIN", EHLO_DIFFERENCE_MECHANISM, "auth", 19, 19},
    {"235 2.7.0 welcome", "535 5.7.8 no", "A was answered 235 2.7.0 to AUTH, B 535 5.7.8",
     EHLO_DIFFERENCE_REPLY, "auth", 20, 20},
    {"MAIL FROM:<a@example.com> SIZE", "MAIL FROM:<x@example.com> SIZE",
     "A says MAIL FROM:<a@example.com> SIZE=80, B MAIL FROM:<x@example.com> SIZE=80",
     EHLO_DIFFERENCE_COMMAND, "mail", 21, 21},
    {"<c@example.com>\n+0.020000  S: 250 2.1.5 Ok", "<c@example.com>\n+0.020000  S: 550 5.1.1 no",
     "A was answered 250 2.1.5 to the second RCPT, B 550 5.1.1", EHLO_DIFFERENCE_REPLY, "rcpt", 26,
     26},
    {"+0.000100  C: RCPT TO:<b@example.com>\n+0.020000  S: 250 2.1.5 Ok\n", "",
     "A sends RCPT TO:<b@example.com> (answered 250 2.1.5), B does not", EHLO_DIFFERENCE_COMMAND,
     "rcpt", 23, 0},
    {"+0.000100  C: MAIL", "+0.000100  C: RSET\n+0.020000  S: 250 Ok\n+0.000100  C: MAIL",
     "B sends RSET (answered 250), A does not", EHLO_DIFFERENCE_COMMAND, "rset", 0, 21},
    {"354 go ahead", "354 2.0.0 go ahead", "A was answered 354 to DATA, B 354 2.0.0",
     EHLO_DIFFERENCE_REPLY, "data", 28, 28},
    {"C: Hello Bob.", "C: Hello Carol.",
     "the messages differ from line 5 on: A has \"Hello Bob.\", B \"Hello Carol.\" "
     "(97 octets, 99 octets)",
     EHLO_DIFFERENCE_MESSAGE, "body", 33, 33},
    {"250 2.0.0 Ok: queued", "451 4.3.0 later",
     "A was answered 250 2.0.0 to the message, B 451 4.3.0", EHLO_DIFFERENCE_REPLY, "body", 35, 35},
    {"+0.100000  S: 250 2.0.0", "+5.300000  S: 250 2.0.0",
     "B took 5.2 s longer to answer the message", EHLO_DIFFERENCE_TIMING, "body", 35, 35},
    {"+0.050000  ! tls", "+3.000000  ! tls", "B took 3.0 s longer for the TLS handshake",
     EHLO_DIFFERENCE_TIMING, "tls", 13, 13},
    {"+0.010000  S: 220", "+2.000000  S: 220", "B took 2.0 s longer to give the greeting",
     EHLO_DIFFERENCE_TIMING, "greeting", 6, 6},
    {"accepted at quit", "refused at body",
     "the outcome of A is accepted at quit, of B refused at body", EHLO_DIFFERENCE_OUTCOME, "end",
     38, 38},
    {"+0.020000  S: 221 2.0.0 Bye\n= outcome accepted at quit\n+0.000100  ! eof C\n",
     "+0.020000  ! reset S\n", "A was answered 221 2.0.0 to QUIT, B was not", EHLO_DIFFERENCE_REPLY,
     "quit", 37, 36},
    {"+0.000100  C: QUIT\n+0.020000  S: 221 2.0.0 Bye\n= outcome accepted at quit\n+0.000100  ! "
     "eof C",
     "+300 ! timeout", "A sends QUIT (answered 221 2.0.0), B does not", EHLO_DIFFERENCE_COMMAND,
     "quit", 36, 0},
    {"+0.020000  S: 221 2.0.0 Bye", "+0.020000  S: 421 4.4.2 odd\n           S: 221 2.0.0 Bye",
     "A was answered 221 2.0.0 to QUIT, B 421 4.4.2", EHLO_DIFFERENCE_REPLY, "quit", 37, 37},
    {"S: 250 2.1.0 Ok\n", "S: 250 2.1.0 Ok\n           S: 421 4.7.0 out\n",
     "B was told 421 4.7.0 without having asked, A was not", EHLO_DIFFERENCE_REPLY, "other", 0, 23},
};

Test(compare, finds_each_as_the_first) {
  for (size_t i = 0; i < NUM(firsts); i++) {
    char *b = edited(firsts[i].find, firsts[i].replace);
    struct ehlo_comparison r = good(base, b, false);
    cr_assert_gt(r.num_matter, 0, "row %zu: %s", i, firsts[i].sentence);
    const struct ehlo_difference *d = &r.differences[0];
    cr_expect_str_eq(d->sentence, firsts[i].sentence, "row %zu: %s", i, d->sentence);
    cr_expect(d->kind == firsts[i].kind && strcmp(d->stage, firsts[i].stage) == 0 && d->matters,
              "row %zu: %s at %s", i, ehlo_difference_name(d->kind), d->stage);
    cr_expect(d->a_line == firsts[i].a_line && d->b_line == firsts[i].b_line, "row %zu: %zu, %zu",
              i, d->a_line, d->b_line);
    ehlo_comparison_free(&r);
    struct ehlo_comparison back = good(b, base, false);
    cr_expect_gt(back.num_matter, 0, "row %zu the other way", i);
    ehlo_comparison_free(&back);
    free(b);
  }
}

// What differs from session to session by nature, and how it is told.
static const struct {
  const char *find;
  const char *replace;
  const char *sentence;  // empty: not at all
} lasts[] = {
    {"queued as 4F1B2C", "queued as 77AA00", "the words of the reply to the message differ"},
    {"mail.example ESMTP Postfix", "mx2.example ESMTP",
     "the words of the reply to the greeting differ"},
    {"mail.example:587 192.0.2.1", "mx2.example:587 192.0.2.2",
     "A connects to mail.example:587 192.0.2.1, B to mx2.example:587 192.0.2.2"},
    {"Date: Mon, 3 Mar 2025 10:00:00", "Date: Tue, 4 Mar 2025 10:00:00",
     "the messages differ only in what is new in each: dates, message ids, boundaries"},
    {"Message-ID: <1@example.com>", "Message-ID: <2@\\\n           C: example.com>",
     "the messages differ only in what is new in each: dates, message ids, boundaries"},
    {"SIZE=80", "SIZE=81",
     "A says MAIL FROM:<a@example.com> SIZE=80, B MAIL FROM:<a@example.com> SIZE=81"},
    {"! eof C", "! eof S", "A closed the connection, B was closed by the server"},
    {"250 AUTH PLAIN LOGIN", "250 AUTH LOGIN PLAIN", ""},
    {"250-SIZE 1000\n           S: 250-8BITMIME", "250-8BITMIME\n           S: 250-SIZE 1000", ""},
    {"250-8BITMIME", "250-8bitmime", ""},
    {"+0.100000  S: 250 2.0.0", "+1.000000  S: 250 2.0.0", ""},  // not a second longer
    {"+0.030000  S: 235", "+0.01 S: 23\\\n+0.020000  S: 5", ""},
    {"! submit tls", "# a comment\n! note a note\n! submit tls", ""},
    {"! submit tls starttls\n! submit user alice\n! submit from <a@example.com>\n", "", ""},
    {"= outcome accepted at quit\n", "", ""},
};

Test(compare, knows_what_does_not_matter) {
  for (size_t i = 0; i < NUM(lasts); i++) {
    char *b = edited(lasts[i].find, lasts[i].replace);
    struct ehlo_comparison r = good(base, b, false);
    cr_expect_eq(r.num_matter, 0, "row %zu: %s", i, r.num > 0 ? r.differences[0].sentence : "");
    const char *found = r.num > 0 ? r.differences[0].sentence : "";
    cr_expect_str_eq(found, lasts[i].sentence, "row %zu: %s", i, found);
    cr_expect(r.num == 0 || !r.differences[0].matters);
    ehlo_comparison_free(&r);
    free(b);
  }
}

// Matters, then timing, then words, each in the order of the session.
Test(compare, ranks) {
  char *b = edited("+0.010000  S: 220 mail", "+9.000000  S: 220 mx");
  char *at = strstr(b, "250 2.1.5 Ok");
  memcpy(at, "450 4.1.5 No", 12);
  at = strstr(at, "250 2.0.0");
  memcpy(at, "550 5.0.0", 9);
  struct ehlo_comparison r = good(base, b, false);
  cr_assert_eq(r.num, 4);
  cr_expect_str_eq(r.differences[0].sentence,
                   "A was answered 250 2.1.5 to the first RCPT, B 450 4.1.5");
  cr_expect_str_eq(r.differences[1].sentence,
                   "A was answered 250 2.0.0 to the message, B 550 5.0.0");
  cr_expect_eq(r.differences[2].kind, EHLO_DIFFERENCE_TIMING);
  cr_expect_eq(r.differences[3].kind, EHLO_DIFFERENCE_TEXT);
  cr_expect_eq(r.num_matter, 3);
  ehlo_comparison_free(&r);
  free(b);
}

// Where times are not known, nothing is said of them.
Test(compare, says_nothing_of_unknown_times) {
  char *b = edited("! submit tls", "! note unknown times\n! submit tls");
  char *at = strstr(b, "+0.100000");
  memcpy(at, "+9.100000", 9);
  struct ehlo_comparison r = good(base, b, false);
  cr_expect_eq(r.num, 0);
  ehlo_comparison_free(&r);
  free(b);
}

Test(compare, tells_of_cuts_if_asked) {
  char *b = edited("+0.030000  S: 235", "+0.01 S: 23\\\n+0.020000  S: 5");
  struct ehlo_comparison r = good(base, b, true);
  cr_assert_eq(r.num, 1);
  cr_expect_str_eq(r.differences[0].sentence, "the reply to AUTH came to A in 1 pieces, to B in 2");
  cr_expect(!r.differences[0].matters);
  ehlo_comparison_free(&r);
  char *log = edited("! submit tls", "! note unknown chunks\n! submit tls");
  r = good(log, b, true);
  cr_expect_eq(r.num, 0);
  ehlo_comparison_free(&r);
  free(log);
  free(b);
}

// ---- Alignment ----------------------------------------------------------------------------------

struct text {
  char *bytes;
  size_t len;
  size_t cap;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  if (t->len + (size_t)len + 1 > t->cap) {
    t->cap = t->cap * 2 + 4096;
    t->bytes = realloc(t->bytes, t->cap);
  }
  memcpy(t->bytes + t->len, line, (size_t)len + 1);
  t->len += (size_t)len;
}

// Many recipients, without every `n`th one.
static struct text recipients(size_t num, size_t n) {
  struct text t = {0};
  add(&t, "S: 220\nC: EHLO a\nS: 250 b\nC: MAIL FROM:<>\nS: 250 c\n");
  for (size_t i = 1; i <= num; i++) {
    if (n == 0 || i % n != 0) {
      add(&t, "C: RCPT TO:<%zu@example.com>\nS: 250 d\n", i);
    }
  }
  add(&t, "C: DATA\nS: 354 e\nC: .\nS: 250 f\nC: QUIT\nS: 221 g\n");
  return t;
}

// Each one that is missing is told, and nothing else: the others are still held against their own.
Test(compare, stays_aligned) {
  for (size_t n = 2; n < 200; n = n * 3 + 1) {
    struct text a = recipients(900, 0);
    struct text b = recipients(900, n);
    struct ehlo_comparison r = good(a.bytes, b.bytes, false);
    cr_expect_eq(r.num + r.num_untold, 900 / n, "every %zuth: %zu", n, r.num);
    for (size_t i = 0; i < r.num; i++) {
      char sentence[128];
      snprintf(sentence, sizeof(sentence),
               "A sends RCPT TO:<%zu@example.com> (answered 250), B does not", (i + 1) * n);
      cr_expect_str_eq(r.differences[i].sentence, sentence);
    }
    ehlo_comparison_free(&r);
    free(a.bytes);
    free(b.bytes);
  }
}

// Only every twelfth is there: what has its counterpart far behind is not taken for what is near.
Test(compare, stays_aligned_over_long_gaps) {
  struct text a = recipients(4800, 0);
  struct text b = {0};
  add(&b, "S: 220\nC: EHLO a\nS: 250 b\nC: MAIL FROM:<>\nS: 250 c\n");
  for (size_t i = 12; i <= 4800; i += 12) {
    add(&b, "C: RCPT TO:<%zu@example.com>\nS: 250 d\n", i);
  }
  add(&b, "C: DATA\nS: 354 e\nC: .\nS: 250 f\nC: QUIT\nS: 221 g\n");
  struct ehlo_comparison r = good(a.bytes, b.bytes, false);
  cr_expect_eq(r.num + r.num_untold, 4400);
  for (size_t i = 0; i < r.num; i++) {
    cr_expect(strncmp(r.differences[i].sentence, "A sends RCPT TO:<", 17) == 0 &&
                  r.differences[i].b_line == 0,
              "%s", r.differences[i].sentence);
  }
  ehlo_comparison_free(&r);
  free(a.bytes);
  free(b.bytes);
}

// A session that is another from the start, and long: told up to the bound, counted beyond it.
Test(compare, ends_where_there_is_too_much) {
  struct text a = recipients(12000, 0);
  struct text b = {0};
  add(&b, "S: 220\nC: EHLO a\nS: 250 b\n");
  for (size_t i = 0; i < 12000; i++) {
    add(&b, "C: NOOP %zu\nS: 250 d\n", i);
  }
  struct ehlo_comparison r = good(a.bytes, b.bytes, false);
  cr_expect_eq(r.num, EHLO_COMPARE_DIFFERENCES_MAX);
  cr_expect_gt(r.num_untold, 10000);
  ehlo_comparison_free(&r);
  r = good(a.bytes, a.bytes, false);
  cr_expect_eq(r.num, 0);
  ehlo_comparison_free(&r);
  // The difference is behind what is kept.
  char *at = strstr(a.bytes, "<11999@");
  char *other = malloc(a.len + 1);
  memcpy(other, a.bytes, a.len + 1);
  other[at - a.bytes + 1] = '2';
  r = good(a.bytes, other, false);
  cr_assert_eq(r.num, 1);
  cr_expect_str_eq(r.differences[0].sentence,
                   "behind the first 10000 commands, which alone are compared, more differs");
  ehlo_comparison_free(&r);
  free(other);
  free(a.bytes);
  free(b.bytes);
}

// Messages are compared line by line as far as lines are kept, and as a whole beyond.
Test(compare, compares_long_messages) {
  for (size_t line = 10; line <= 100000; line *= 10) {
    struct text texts[2] = {{0}, {0}};
    for (size_t k = 0; k < 2; k++) {
      add(&texts[k], "S: 220\nC: DATA\nS: 354\nC:\n");
      for (size_t i = 2; i <= line; i++) {
        add(&texts[k], "C: line %zu%s\n", i, k == 1 && i == line ? " is another" : "");
      }
      add(&texts[k], "C: .\nS: 250\n");
    }
    char start[64];
    snprintf(start, sizeof(start), "the messages differ %s%zu on: A has \"%s", "from line ", line,
             line <= 1000 ? "line" : "\"");
    const char *wanted =
        line <= EHLO_COMPARE_TEXT_LINES_MAX ? start : "the messages differ far inside";
    struct ehlo_comparison r = good(texts[0].bytes, texts[1].bytes, false);
    cr_assert_eq(r.num, 1);
    cr_expect(strncmp(r.differences[0].sentence, wanted, strlen(wanted)) == 0, "%zu: %s", line,
              r.differences[0].sentence);
    ehlo_comparison_free(&r);
    free(texts[0].bytes);
    free(texts[1].bytes);
  }
}

// ---- Bad input ----------------------------------------------------------------------------------

static long fail(void *arg, uint8_t *buf, size_t cap) {
  (void)arg;
  (void)buf;
  (void)cap;
  return -1;
}

Test(compare, tells_which_is_no_transcript) {
  struct ehlo_comparison r;
  struct ehlo_transcript_error error;
  cr_expect_eq(compare(&r, &error, "S: 220\nX\n", base, false), EHLO_COMPARE_BAD_A);
  cr_expect(error.line == 2 && error.column == 1 && r.differences == NULL);
  cr_expect_eq(compare(&r, &error, base, "S: 220 \n", false), EHLO_COMPARE_BAD_B);
  cr_expect(error.line == 1 && error.column == 7);
  struct source source = {base, 100};
  struct ehlo_compare_options options = {0};
  cr_expect_eq(ehlo_compare(&r, &error, fail, NULL, give, &source, &options),
               EHLO_COMPARE_FAILED_A);
  cr_expect_eq(ehlo_compare(&r, &error, give, &source, fail, NULL, &options),
               EHLO_COMPARE_FAILED_B);
}

// What a server says is printable in every sentence.
Test(compare, escapes) {
  struct ehlo_comparison r = good("S: 220 a\\x1b[31m\nC: NOOP \\x07\nS: 250\n",
                                  "S: 220 b\\x00\nC: NOOP \\r\nS: 250 \\xff\n", false);
  cr_assert_eq(r.num, 3);
  for (size_t i = 0; i < r.num; i++) {
    const char *all[] = {r.differences[i].sentence, r.differences[i].a, r.differences[i].b};
    for (size_t k = 0; k < 3; k++) {
      for (const char *c = all[k]; *c != '\0'; c++) {
        cr_expect(*c >= ' ' && *c <= '~', "%s", all[k]);
      }
    }
  }
  ehlo_comparison_free(&r);
}
