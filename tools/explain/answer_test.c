// Each entry of the catalogue is found by its own example and by no other's words; neighbours that
// look alike are told apart, and what is in no catalogue falls back to general truths.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/explain/catalogue.h"
#include "tools/explain/sentence.h"

// A question as it is asked with a reply on the command line.
static struct explain_question ask(const char *text) {
  struct explain_question q = {.words = {(const uint8_t *)text, strlen(text)}};
  unsigned code = 0;
  if (explain_codes(&code, &q.enhanced, q.words) > 0 && code >= 400) {
    q.code = code;
  }
  return q;
}

static const char *id_of(struct explain_question q) {
  struct explanation e;
  memset(&e, 'x', sizeof(e));
  if (!explain_answer(&e, &q)) {
    return "nothing";
  }
  return e.id != NULL ? e.id : "general";
}

static const char *id(const char *text) {
  return id_of(ask(text));
}

static struct explain_question ask_entry(const struct explain_entry *e) {
  struct explain_question q = ask(e->text);
  q.words = (struct ehlo_span){(const uint8_t *)e->text, e->text_len};
  return q;
}

Test(answer, finds_each_entry_by_its_example) {
  for (size_t i = 0; i < explain_num_entries; i++) {
    const struct explain_entry *e = &explain_entries[i];
    struct explain_question q = ask_entry(e);
    if (e->provider != EXPLAIN_ANY_PROVIDER) {
      q.provider = explain_providers[e->provider].name;
    }
    cr_expect_str_eq(id_of(q), e->id, "%s: found %s", e->id, id_of(q));
  }
}

Test(answer, finds_what_nobody_else_says_without_the_provider) {
  for (size_t i = 0; i < explain_num_entries; i++) {
    const struct explain_entry *e = &explain_entries[i];
    if (!e->shared) {
      const char *found = id_of(ask_entry(e));
      cr_expect(strcmp(found, e->id) == 0 || strcmp(found, "general") == 0, "%s: found %s", e->id,
                found);
    }
  }
}

Test(answer, keeps_each_entry_to_its_stages) {
  for (size_t i = 0; i < explain_num_entries; i++) {
    const struct explain_entry *e = &explain_entries[i];
    for (unsigned stage = 0; stage < EHLO_NUM_STAGES; stage++) {
      struct explain_question q = ask_entry(e);
      q.provider = e->provider != EXPLAIN_ANY_PROVIDER ? explain_providers[e->provider].name : NULL;
      q.stage_known = true;
      q.stage = (enum ehlo_stage)stage;
      bool is_found = strcmp(id_of(q), e->id) == 0;
      cr_expect_eq(is_found, (e->stages >> stage & 1) != 0, "%s at %s", e->id,
                   ehlo_stage_name(q.stage));
    }
  }
}

Test(answer, tells_causes_of_one_code_apart) {
#define E "535 5.7.139 Authentication unsuccessful, "
  cr_assert_str_eq(id(E "SmtpClientAuthentication is disabled for the Tenant. Visit …"),
                   "exchange-online/smtp-auth-disabled-tenant");
  cr_assert_str_eq(id(E "SmtpClientAuthentication is disabled for the Mailbox. Visit …"),
                   "exchange-online/smtp-auth-disabled-mailbox");
  cr_assert_str_eq(id(E "basic authentication is disabled."),
                   "exchange-online/basic-authentication-disabled");
  cr_assert_str_eq(id(E "the user credentials were incorrect."),
                   "exchange-online/credentials-incorrect");
  cr_assert_str_eq(id(E "and now for something completely different."), "general");
  cr_assert_str_eq(id("535 5.7.139"), "general");
  cr_assert_str_eq(id("535 5.7.3 Authentication unsuccessful"),
                   "exchange-online/authentication-unsuccessful");
}

// ZeroSMTP explained Postfix's 553 5.7.1 with Microsoft's 530.
Test(answer, gives_nobody_the_words_of_another) {
  cr_assert_str_eq(
      id("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b@example.com"),
      "postfix/sender-not-owned");
  struct explain_question q = ask("550 5.7.60 SMTP; Client does not have permissions to send as");
  q.host = "mail.example.com";
  q.greeting = ehlo_str("mail.example.com ESMTP Postfix (Debian/GNU)");
  cr_assert_str_eq(id_of(q), "general");
  q = ask("535 5.7.8 Username and Password not accepted.");
  q.host = "smtp.office365.com";
  cr_assert_str_eq(id_of(q), "general");
  q = ask("535 Authentication failed");
  cr_assert_str_eq(id_of(q), "general");
  q.host = "smtp.zoho.eu";
  cr_assert_str_eq(id_of(q), "zoho/authentication-failed");
  q.host = "zoho.eu";
  cr_assert_str_eq(id_of(q), "zoho/authentication-failed");
  q.host = "notzoho.eu";
  cr_assert_str_eq(id_of(q), "general");
}

Test(answer, needs_the_code_that_belongs_to_the_words) {
  cr_assert_str_eq(id("250 5.7.1 Relay access denied"), "postfix/relay-access-denied");
  cr_assert_str_eq(id("554 5.7.1 <b@example.org>: Relay access denied"),
                   "postfix/relay-access-denied");
  cr_assert_str_eq(id("421 5.7.1 <b@example.org>: Relay access denied"), "general");
}

Test(answer, joins_lines_however_they_were_joined_before) {
  static const char *const texts[] = {
      "535-5.7.8 Username and Password not\n535 5.7.8 accepted. For more information, go to",
      "535-5.7.8 Username and Password not\r\n535 5.7.8 accepted. For more information, go to\r\n",
      "535-5.7.8 Username and Password not 535 5.7.8 accepted. For more information, go to",
      "535 5.7.8 Username  and\tPassword not accepted.",
      "535 5.7.8 USERNAME AND PASSWORD NOT ACCEPTED.",
      "Username and Password not accepted",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    cr_expect_str_eq(id(texts[i]), "gmail/bad-credentials", "%s", texts[i]);
  }
}

Test(answer, takes_out_what_support_asks_for) {
  struct explanation e;
  struct explain_question q =
      ask("535 5.7.3 Authentication unsuccessful [LO2P123CA0001.GBRP123.PROD.OUTLOOK.COM "
          "2026-11-24T14:02:12.345Z 08DE2A3B4C5D6E7F]");
  cr_assert(explain_answer(&e, &q));
  cr_assert_str_eq(e.trace,
                   "LO2P123CA0001.GBRP123.PROD.OUTLOOK.COM 2026-11-24T14:02:12.345Z "
                   "08DE2A3B4C5D6E7F");
  cr_assert_str_eq(e.provider, "Exchange Online");
  q = ask("550 5.1.1 The email account that you tried to reach does not exist. a1b2.12 - gsmtp");
  cr_assert(explain_answer(&e, &q));
  cr_assert_str_eq(e.trace, "a1b2.12");
  q = ask("550 5.1.1 [192.0.2.1] nobody here");
  cr_assert(explain_answer(&e, &q));
  cr_assert_str_eq(e.trace, "");
  cr_assert_null(e.id);
  cr_assert_null(e.provider);
}

Test(answer, says_that_some_refusals_pass_and_some_deferrals_do_not) {
  struct explanation e;
  struct explain_question q = ask("550-5.4.5 Daily user sending limit exceeded.");
  cr_assert(explain_answer(&e, &q) && e.retry);
  cr_assert_str_eq(e.fix[e.num_fix - 1], "Try again after 24 hours.");
  q = ask("451 5.7.3 STARTTLS is required to send mail");
  cr_assert(explain_answer(&e, &q) && !e.retry);
}

Test(answer, has_nothing_to_say_of_what_is_no_refusal) {
  cr_assert_str_eq(id("250 2.0.0 Ok: queued as 4F2A31"), "nothing");
  cr_assert_str_eq(id("hello"), "nothing");
  cr_assert_str_eq(id(""), "nothing");
  cr_assert_str_eq(id("220 *************************"), "any/pix");
  cr_assert_str_eq(id("HTTP/1.1 400 Bad Request"), "any/http");
}

Test(answer, bears_words_without_end) {
  static char text[100000];
  memset(text, 'a', sizeof(text));
  memcpy(text, "550 5.7.1 ", 10);
  struct explain_question q = ask("550 5.7.1 x");
  q.words = (struct ehlo_span){(const uint8_t *)text, sizeof(text)};
  cr_assert_str_eq(id_of(q), "general");
}
