// Settings as facts: all that determines a submission comes back as it was, and what is not
// understood is refused with its line.
#include "replay/settings.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/escape.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// Facts as a transcript has them, a line each.
struct facts {
  size_t len;
  char text[8192];
};

static void add_fact(void *arg, const char *text, size_t len) {
  struct facts *f = arg;
  size_t escaped_len;
  cr_assert(ehlo_text_escape(f->text + f->len, &escaped_len, sizeof(f->text) - f->len - 2,
                             (const uint8_t *)text, len));
  f->len += escaped_len;
  f->text[f->len++] = '\n';
  f->text[f->len] = '\0';
}

static void read_facts(struct ehlo_settings *out, const char *text) {
  ehlo_settings_init(out);
  for (size_t line = 1; *text != '\0'; line++) {
    char fact[4096];
    size_t len = strcspn(text, "\n");
    cr_assert_lt(len, sizeof(fact));
    memcpy(fact, text, len);
    fact[len] = '\0';
    ehlo_settings_read(out, fact, line);
    text += len + (text[len] == '\n');
  }
  ehlo_settings_finish(out);
}

// Reads, writes, and expects the same text again.
static void expect_round_trip(const char *text) {
  struct ehlo_settings s;
  struct facts f = {0};
  read_facts(&s, text);
  cr_expect_str_empty(s.error, "%s: %s", text, s.error);
  ehlo_settings_write(&s.client, &s.submit, add_fact, &f);
  cr_expect_str_eq(f.text, text, "%s", f.text);
  ehlo_settings_free(&s);
}

#define BASE "submit tls starttls\nsubmit helo client.example\nsubmit from <a@example.com>\n"
#define TO "submit to <b@example.com>\n"

#define HEAD "submit tls starttls\nsubmit helo client.example\n"
#define FROM "submit from <a@example.com>\n"

Test(settings, come_back_as_they_were) {
  static const char *const texts[] = {
      HEAD,
      HEAD FROM TO,
      "submit tls implicit\nsubmit helo [192.0.2.1]\nsubmit from <>\n" TO,
      "submit tls none\nsubmit helo a\nsubmit from <a@b>\nsubmit to <c@d>\nsubmit to <e@f>\n"
      "submit to <c@d>\n",
      HEAD "submit user alice\nsubmit auth PLAIN,LOGIN\nsubmit initial-response auto\n" FROM TO,
      HEAD
      "submit user a b\\xc3\\xa9\\\\c\\x20\nsubmit auth LOGIN\n"
      "submit initial-response never\n" FROM TO,
      HEAD "submit user alice\nsubmit auth PLAIN\nsubmit initial-response always\n" FROM TO,
      HEAD
      "submit user alice\nsubmit auth SCRAM-SHA-512-PLUS,SCRAM-SHA-256-PLUS,SCRAM-SHA-1-PLUS,"
      "SCRAM-SHA-512,SCRAM-SHA-256,SCRAM-SHA-1,CRAM-MD5,PLAIN,LOGIN,XOAUTH2,OAUTHBEARER,EXTERNAL,"
      "SCRAM-SHA-384,SCRAM-SHA-224,CRAM-SHA256,CRAM-SHA1,DIGEST-MD5\n"
      "submit initial-response auto\nsubmit auth-attempts 20\nsubmit nonce !\"#$\\\\~\n" FROM TO,
      HEAD
      "submit force\nsubmit allow-cleartext-auth\nsubmit fix-eol\nsubmit exact\nsubmit stop-after "
      "rcpt\n" FROM TO "submit size 18446744073709\nsubmit 8bit\n",
      HEAD
      "submit timeout greeting 1\nsubmit timeout command 2\nsubmit timeout tls 3\n"
      "submit timeout data 4\nsubmit timeout block 5\nsubmit timeout body 6\n"
      "submit timeout quit 4294967295\n" FROM TO,
      "submit tls none\nsubmit helo a\nsubmit from <\"a b>\"@example.com>\n"
      "submit to <\\xc3\\xa9@example.com>\n",
      "submit tls none\nsubmit lmtp\nsubmit helo a\nsubmit xclient NAME=x ADDR=192.0.2.1\n"
      "submit transfer bdat\nsubmit from <a@b>\nsubmit mail-params RET=HDRS ENVID=x\n"
      "submit to <c@d>\nsubmit rcpt-params NOTIFY=NEVER\nsubmit to <e@f>\nsubmit size 9\n"
      "submit binary\n",
      HEAD "submit transfer auto\n" FROM TO "submit size 1\nsubmit message\n" FROM TO TO
           "submit size 2\nsubmit message\nsubmit from <>\n" TO,
  };
  for (size_t i = 0; i < NUM(texts); i++) {
    expect_round_trip(texts[i]);
  }
}

Test(settings, every_stage_can_be_named) {
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    char text[256];
    snprintf(text, sizeof(text), HEAD "submit stop-after %s\n" FROM TO,
             ehlo_stage_name((enum ehlo_stage)i));
    expect_round_trip(text);
  }
}

Test(settings, are_what_they_say) {
  struct ehlo_settings s;
  read_facts(&s, BASE TO
             "submit to <c\\x40d>\nsubmit user bob\nsubmit auth LOGIN\nsubmit size 7\n"
             "submit stop-after data\nsubmit timeout body 9\nsubmit 8bit\n");
  cr_assert_str_empty(s.error, "%s", s.error);
  cr_expect(s.present && s.submit.tls == EHLO_TLS_STARTTLS && s.submit.num_messages == 1);
  const struct ehlo_message *m = &s.submit.messages[0];
  cr_expect(m->num_to == 2 && m->to[1].address.len == 3);
  cr_expect_eq(memcmp(m->to[1].address.bytes, "c@d", 3), 0);
  cr_expect(s.submit.credentials != NULL && s.credentials.user.len == 3);
  cr_expect_gt(s.credentials.password.len, 0);
  cr_expect(s.submit.num_mechanisms == 1 && s.submit.mechanisms[0] == &ehlo_mechanism_login);
  cr_expect(m->size == 7 && m->is_8bit && !m->is_binary && !s.submit.force);
  cr_expect(s.submit.stop && s.submit.stop_after == EHLO_STAGE_DATA);
  cr_expect(s.client.timeouts.body_ms == 9 && s.client.timeouts.data_ms == 0);
  ehlo_settings_free(&s);
}

Test(settings, hold_several_messages) {
  struct ehlo_settings s;
  read_facts(&s, BASE TO
             "submit rcpt-params NOTIFY=NEVER\nsubmit size 7\nsubmit binary\n"
             "submit message\nsubmit from <x@y>\nsubmit mail-params RET=HDRS X=1\n"
             "submit to <c@d>\nsubmit to <e@f>\nsubmit message\n");
  cr_assert_str_empty(s.error, "%s", s.error);
  cr_assert_eq(s.submit.num_messages, 3);
  const struct ehlo_message *m = s.submit.messages;
  cr_expect(m[0].num_to == 1 && m[0].size == 7 && m[0].is_binary);
  cr_expect_eq(m[0].to[0].params.len, strlen("NOTIFY=NEVER"));
  cr_expect(m[1].num_to == 2 && m[1].size == 0 && m[1].from.len == 3 && m[1].params.len == 12);
  cr_expect_eq(m[1].to[1].params.len, 0);
  cr_expect_eq(m[2].num_to, 0);
  ehlo_settings_free(&s);
}

// That there is a channel binding is kept, and nothing of it.
Test(settings, tell_what_can_be_bound) {
  static const uint8_t bytes[] = {1, 2, 3};
  static const struct ehlo_credentials rows[] = {
      {.tls_exporter = {bytes, 3}},
      {.tls_unique = {bytes, 3}},
      {.user = {NULL, 0}},
  };
  static const char *const facts[] = {"submit channel-binding tls-exporter\n",
                                      "submit channel-binding tls-unique\n", ""};
  for (size_t i = 0; i < NUM(rows); i++) {
    struct facts f = {0};
    struct ehlo_settings s;
    ehlo_settings_write_binding(&rows[i], add_fact, &f);
    cr_expect_str_eq(f.text, facts[i]);
    read_facts(&s, f.text);
    cr_expect_eq(s.credentials.tls_exporter.len > 0, i == 0);
    cr_expect_eq(s.credentials.tls_unique.len > 0, i == 1);
    cr_expect(s.credentials.on_trust);
    ehlo_settings_free(&s);
  }
}

// The list that is used without a name tells the password last, and only what is for a password.
Test(settings, know_the_mechanisms) {
  size_t first_that_tells = 0;
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    const struct ehlo_mechanism *m = ehlo_all_mechanisms[i];
    bool by_default = i < ehlo_num_password_mechanisms;
    bool tells = m == &ehlo_mechanism_plain || m == &ehlo_mechanism_login;
    bool foreign = m == &ehlo_mechanism_xoauth2 || m == &ehlo_mechanism_oauthbearer ||
                   m == &ehlo_mechanism_external;
    cr_expect(!(by_default && foreign), "%s", m->name);
    first_that_tells = first_that_tells == 0 && tells ? i : first_that_tells;
    cr_expect(!by_default || tells || first_that_tells == 0, "%s behind PLAIN", m->name);
    for (size_t k = 0; by_default && k < i; k++) {
      cr_expect(!(m->binds && !ehlo_all_mechanisms[k]->binds), "%s", m->name);
      cr_expect(!(m->mutual && !ehlo_all_mechanisms[k]->mutual), "%s", m->name);
    }
  }
}

// Without a user there is no AUTH; without a list all mechanisms are allowed.
Test(settings, have_defaults) {
  struct ehlo_settings s;
  read_facts(&s, "");
  cr_expect(!s.present && s.submit.credentials == NULL && s.submit.num_messages == 0);
  ehlo_settings_free(&s);
  read_facts(&s, BASE TO "submit user alice\n");
  cr_expect_eq(s.submit.num_mechanisms, ehlo_num_password_mechanisms);
  ehlo_settings_free(&s);
}

Test(settings, refuse_what_they_do_not_know) {
  static const char *const facts[] = {
      "submit colour red",
      "submit tls maybe",
      "submit tls",
      "submit TLS none",
      "submit from a@example.com",
      "submit from <a@example.com",
      "submit to",
      "submit to <\\q>",
      "submit to <\\{secret}>",
      "submit auth",
      "submit auth PLAINX",
      "submit auth PLAI",
      "submit auth PLAIN,,LOGIN",
      "submit auth PLAIN,",
      "submit 8bit perhaps",
      "submit binary yes",
      "submit message two",
      "submit rcpt-params NOTIFY=NEVER",
      "submit transfer sometimes",
      "submit lmtp perhaps",
      "submit auth-attempts",
      "submit auth-attempts 0",
      "submit auth-attempts 101",
      "submit auth-attempts two",
      "submit channel-binding",
      "submit channel-binding tls-server-end-point",
      "submit initial-response sometimes",
      "submit size",
      "submit size -1",
      "submit size 12x",
      "submit size 99999999999999999999",
      "submit stop-after lunch",
      "submit timeout greeting",
      "submit timeout greeting 4294967296",
      "submit timeout lunch 1",
      "submit a-word-that-is-much-longer-than-any-setting 1",
      "submit ",
  };
  for (size_t i = 0; i < NUM(facts); i++) {
    struct ehlo_settings s;
    ehlo_settings_init(&s);
    ehlo_settings_read(&s, "submit tls none", 2);
    ehlo_settings_read(&s, facts[i], 3);
    ehlo_settings_read(&s, "submit nonsense", 4);
    cr_expect(s.error[0] != '\0' && s.error_line == 3, "%s: line %zu", facts[i], s.error_line);
    ehlo_settings_free(&s);
  }
}

Test(settings, leave_other_facts_alone) {
  struct ehlo_settings s;
  ehlo_settings_init(&s);
  ehlo_settings_read(&s, "connect mail.example:25 192.0.2.1", 1);
  ehlo_settings_read(&s, "submitted yesterday", 2);
  cr_expect(!s.present && s.error[0] == '\0');
  ehlo_settings_free(&s);
}

static void read_again(void *arg, const char *text, size_t len) {
  char copy[128];
  snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
  ehlo_settings_read(arg, copy, 1);
}

// A session by hand is no submission, and has its waits all the same.
Test(settings, timeouts_alone_make_no_submission) {
  struct ehlo_settings s;
  struct ehlo_timeouts timeouts = {.command_ms = 1000, .quit_ms = 20};
  ehlo_settings_init(&s);
  ehlo_settings_write_timeouts(&timeouts, read_again, &s);
  cr_expect(!s.present && s.error[0] == '\0');
  cr_expect(s.client.timeouts.command_ms == 1000 && s.client.timeouts.quit_ms == 20);
  cr_expect_eq(s.client.timeouts.greeting_ms, 0);
  ehlo_settings_free(&s);
}

// The password is nobody's to keep.
Test(settings, never_write_a_password) {
  struct ehlo_credentials credentials = {
      .user = ehlo_str("alice"), .password = ehlo_str("hunter2"), .authzid = ehlo_str("hunter2")};
  struct ehlo_recipient to = {.address = ehlo_str("b@example.com")};
  struct ehlo_message message = {.from = ehlo_str("a@example.com"), .to = &to, .num_to = 1};
  struct ehlo_submit_config submit = {.helo_name = ehlo_str("client.example"),
                                      .messages = &message,
                                      .num_messages = 1,
                                      .credentials = &credentials,
                                      .mechanisms = ehlo_all_mechanisms,
                                      .num_mechanisms = ehlo_num_mechanisms};
  struct ehlo_config client = {0};
  struct facts f = {0};
  ehlo_settings_write(&client, &submit, add_fact, &f);
  cr_expect_null(strstr(f.text, "hunter2"));
  cr_expect_not_null(strstr(f.text, "submit user alice\n"));
}

Test(settings, hold_many_recipients) {
  struct ehlo_settings s;
  ehlo_settings_init(&s);
  for (unsigned i = 0; i < 1000; i++) {
    char fact[64];
    snprintf(fact, sizeof(fact), "submit to <%u@example.com>", i);
    ehlo_settings_read(&s, fact, i + 1);
  }
  ehlo_settings_finish(&s);
  cr_assert(s.error[0] == '\0' && s.submit.messages[0].num_to == 1000);
  for (unsigned i = 0; i < 1000; i++) {
    char address[64];
    int len = snprintf(address, sizeof(address), "%u@example.com", i);
    struct ehlo_span got = s.submit.messages[0].to[i].address;
    cr_expect(got.len == (size_t)len && memcmp(got.bytes, address, (size_t)len) == 0);
  }
  ehlo_settings_free(&s);
}
