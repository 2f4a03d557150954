// The tables are whole and in order, and the right row is taken.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/explain/explain.h"

static struct explanation explain(enum ehlo_stage stage, unsigned code, uint16_t class,
                                  uint16_t subject, uint16_t detail) {
  struct explanation e;
  struct ehlo_enhanced enhanced = {class, subject, detail};
  memset(&e, 'x', sizeof(e));
  cr_expect(explain_reply(&e, stage, code, enhanced));
  return e;
}

// The registry has so many details in each subject, from 0 up without a gap.
static void has_the_whole_registry(void) {
  static const unsigned last[] = {0, 10, 4, 6, 7, 6, 10, 30};
  size_t num;
  size_t expected = 0;
  const struct explain_enhanced *rows = explain_enhanced_rows(&num);
  for (unsigned subject = 0; subject < 8; subject++) {
    for (unsigned detail = 0; detail <= last[subject]; detail++, expected++) {
      const struct explain_enhanced *row = explain_enhanced_find(subject, detail);
      cr_assert_not_null(row, "X.%u.%u", subject, detail);
      cr_expect_eq(row, &rows[expected], "X.%u.%u is out of order", subject, detail);
      cr_expect(strncmp(row->reference, "RFC ", 4) == 0 || row->detail == 28, "X.%u.%u", subject,
                detail);
    }
    cr_expect_null(explain_enhanced_find(subject, last[subject] + 1));
  }
  cr_expect_eq(num, expected);
  cr_expect_null(explain_enhanced_find(8, 0));
}

static bool is_sentence(const char *text) {
  size_t len = strlen(text);
  return len > 10 && text[0] >= 'A' && text[0] <= 'Z' && text[len - 1] == '.';
}

static void expect_whole(const struct explanation *e) {
  cr_expect(is_sentence(e->meaning), "%s", e->meaning);
  cr_expect(e->num_fix >= 1 && e->num_fix <= EXPLAIN_FIX_MAX);
  for (size_t i = 0; i < e->num_fix; i++) {
    cr_expect(is_sentence(e->fix[i]), "%s", e->fix[i]);
  }
  cr_expect(strstr(e->source, "RFC") != NULL || strstr(e->source, "draft-") != NULL, "%s",
            e->source);
  cr_expect(strstr(e->source, "RFC") == NULL || e->source[strlen(e->source) - 1] != ' ');
}

// Nothing is cut off, and each explanation of a lasting refusal differs from that of a passing one.
static void speaks_of_every_code_at_every_stage(void) {
  for (unsigned code = 400; code < 600; code++) {
    for (unsigned stage = 0; stage < EHLO_NUM_STAGES; stage++) {
      struct explanation e = explain((enum ehlo_stage)stage, code, 0, 0, 0);
      expect_whole(&e);
      cr_expect_eq(e.retry, code < 500, "%u at %s", code, ehlo_stage_name((enum ehlo_stage)stage));
      bool later = strstr(e.fix[e.num_fix - 1], "later") != NULL;
      cr_expect_eq(later, code < 500, "%u: %s", code, e.fix[e.num_fix - 1]);
    }
  }
}

static void speaks_of_every_enhanced_code(void) {
  size_t num;
  const struct explain_enhanced *rows = explain_enhanced_rows(&num);
  for (size_t i = 0; i < num; i++) {
    struct explanation e = explain(EHLO_STAGE_RCPT, 550, 5, rows[i].subject, rows[i].detail);
    expect_whole(&e);
    bool told = strstr(e.meaning, rows[i].says) != NULL;
    cr_expect_eq(told, rows[i].detail != 0, "%s", e.meaning);
    cr_expect(!told || (strstr(e.source, rows[i].name) != NULL && strchr(e.source, ')') != NULL),
              "%s", e.source);
  }
}

static void takes_the_stage_into_account(void) {
  struct explanation auth = explain(EHLO_STAGE_AUTH, 454, 0, 0, 0);
  struct explanation tls = explain(EHLO_STAGE_STARTTLS, 454, 0, 0, 0);
  cr_expect(strstr(auth.meaning, "the login failed") != NULL, "%s", auth.meaning);
  cr_expect(strstr(auth.source, "RFC 4954") != NULL);
  cr_expect(strstr(tls.meaning, "TLS is not available") != NULL, "%s", tls.meaning);
  cr_expect(strstr(tls.source, "RFC 3207") != NULL);
  struct explanation rcpt = explain(EHLO_STAGE_RCPT, 550, 0, 0, 0);
  struct explanation body = explain(EHLO_STAGE_BODY, 550, 0, 0, 0);
  cr_expect(strstr(rcpt.meaning, "mailbox") != NULL, "%s", rcpt.meaning);
  cr_expect(strstr(body.meaning, "mailbox") == NULL, "%s", body.meaning);
}

static void prefers_the_enhanced_code_where_it_says_more(void) {
  struct explanation e = explain(EHLO_STAGE_RCPT, 550, 5, 1, 1);
  cr_expect_str_eq(e.meaning,
                   "The code 550 5.1.1 says that the recipient's mailbox does not exist there: "
                   "what stands before the @ is not known.");
  cr_expect_eq(e.who, EXPLAIN_SENDER);
  // Of another class, not registered, or undefined: the code alone speaks.
  static const struct ehlo_enhanced passed_over[] = {{4, 1, 1}, {5, 1, 77}, {5, 9, 1}, {5, 7, 0}};
  for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++) {
    struct ehlo_enhanced x = passed_over[i];
    struct explanation other = explain(EHLO_STAGE_RCPT, 550, x.class_code, x.subject, x.detail);
    cr_expect(strstr(other.meaning, "The code 550, at this stage (rcpt), says") == other.meaning,
              "%s", other.meaning);
  }
}

static void says_nothing_of_other_replies(void) {
  struct explanation e = {.num_fix = 77};
  static const unsigned codes[] = {0, 99, 220, 250, 334, 354, 399, 600, 999};
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    cr_expect_not(explain_reply(&e, EHLO_STAGE_MAIL, codes[i], (struct ehlo_enhanced){0}));
  }
  cr_expect_not(explain_reply(&e, EHLO_NUM_STAGES, 550, (struct ehlo_enhanced){0}));
  cr_expect_eq(e.num_fix, 77);
}

// Valgrind starts anew for each Test; the messages say what failed.
Test(explain, has_whole_tables_and_takes_the_right_row) {
  has_the_whole_registry();
  speaks_of_every_code_at_every_stage();
  speaks_of_every_enhanced_code();
  takes_the_stage_into_account();
  prefers_the_enhanced_code_where_it_says_more();
  says_nothing_of_other_replies();
}
