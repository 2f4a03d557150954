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

// Valgrind starts anew for each Test, so one of them holds what belongs together; rows say what
// failed.

static void expect_example(const struct explain_entry *e) {
  struct explain_question q = ask_entry(e);
  const char *found = id_of(q);
  if (!e->shared) {
    cr_expect(strcmp(found, e->id) == 0 || strcmp(found, "general") == 0,
              "%s: found %s without its provider", e->id, found);
  }
  if (e->provider != EXPLAIN_ANY_PROVIDER) {
    q.provider = explain_providers[e->provider].name;
  }
  cr_expect_str_eq(id_of(q), e->id, "%s: found %s", e->id, id_of(q));
}

// Said by another service it is never explained as the words of a third.
static void expect_no_third(const struct explain_entry *e, size_t number) {
  const struct explain_provider *other = &explain_providers[number % explain_num_providers];
  struct explain_question q = ask_entry(e);
  q.provider = other->name;
  const char *found = id_of(q);
  const char *slash = strchr(found, '/');
  for (size_t i = 0; slash != NULL && i < explain_num_providers; i++) {
    const struct explain_provider *p = &explain_providers[i];
    bool is_its = strlen(p->name) == (size_t)(slash - found) &&
                  strncmp(p->name, found, (size_t)(slash - found)) == 0;
    cr_expect(!is_its || p == other || p->is_software, "%s of %s: found %s", e->id, other->name,
              found);
  }
}

// At one stage that it is for and one that it is not for, from an end that differs from entry to
// entry. Another may be nearer to a stage than one that is for causes at all of them.
static void expect_stages(const struct explain_entry *e, size_t number) {
  struct explain_question q = ask_entry(e);
  bool tried[2] = {e->num_causes > 0, false};
  q.provider = e->provider != EXPLAIN_ANY_PROVIDER ? explain_providers[e->provider].name : NULL;
  q.stage_known = true;
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    q.stage = (enum ehlo_stage)((i + number) % EHLO_NUM_STAGES);
    bool fits = (e->stages >> q.stage & 1) != 0;
    if (!tried[fits ? 0 : 1]) {
      tried[fits ? 0 : 1] = true;
      bool is_found = strcmp(id_of(q), e->id) == 0;
      cr_expect_eq(is_found, fits, "%s at %s", e->id, ehlo_stage_name(q.stage));
    }
  }
}

Test(answer, finds_each_entry_by_its_example_at_its_stages_alone) {
  for (size_t i = 0; i < explain_num_entries; i++) {
    expect_example(&explain_entries[i]);
    expect_no_third(&explain_entries[i], i);
    expect_stages(&explain_entries[i], i);
  }
}

// ---- Failures ---------------------------------------------------------------------------------------

static const char *id_of_failure(enum ehlo_stage stage, struct explain_failure f) {
  struct explain_question q = {.stage_known = true, .stage = stage, .failure = f};
  struct explanation e;
  memset(&e, 'x', sizeof(e));
  if (!explain_answer(&e, &q)) {
    return "nothing";
  }
  cr_expect(e.id != NULL && e.num_fix >= 2 && e.who != EXPLAIN_NOBODY && e.as_of != NULL);
  cr_expect(strstr(e.fix[e.num_fix - 1], "ry again") != NULL, "%s: %s", e.id, e.fix[e.num_fix - 1]);
  return e.id != NULL ? e.id : "general";
}

// What the engine can end with has an entry, and its words are read back to the same one.
static void expect_status(enum ehlo_status status) {
  char text[300];
  const char *found = id_of_failure(EHLO_STAGE_RCPT, (struct explain_failure){.status = status});
  snprintf(text, sizeof(text), "ehlo: at rcpt: %s", ehlo_status_text(status));
  cr_expect(strncmp(found, "any/", 4) == 0 || status == EHLO_E_STATE || status == EHLO_E_FULL ||
                status == EHLO_E_STARTTLS_INJECTION || status == EHLO_E_TOO_MANY_CHALLENGES ||
                status == EHLO_E_CLEARTEXT,
            "%s: found %s", ehlo_status_name(status), found);
  cr_expect(strcmp(found, "nothing") == 0 || strcmp(found, id(text)) == 0 ||
                ehlo_status_class(status) == EHLO_CLASS_CALLER,
            "%s: found %s, and %s for the words", ehlo_status_name(status), found, id(text));
}

static void expect_problem(enum ehlo_submit_problem problem) {
  char text[300];
  bool of_auth = problem >= EHLO_PROBLEM_NO_AUTH && problem <= EHLO_PROBLEM_PROOF;
  enum ehlo_stage stage = problem == EHLO_PROBLEM_NO_STARTTLS ? EHLO_STAGE_STARTTLS
                          : problem == EHLO_PROBLEM_NO_TLS    ? EHLO_STAGE_TLS
                          : of_auth                           ? EHLO_STAGE_AUTH
                                                              : EHLO_STAGE_MAIL;
  const char *found = id_of_failure(stage, (struct explain_failure){.problem = problem});
  snprintf(text, sizeof(text), "at %s: %s", ehlo_stage_name(stage),
           ehlo_submit_problem_text(problem));
  cr_expect(strncmp(found, "any/", 4) == 0, "problem %d: found %s", (int)problem, found);
  cr_expect_str_eq(id(text), found, "problem %d: found %s for the words", (int)problem, id(text));
}

struct failure_row {
  const char *id;
  enum ehlo_stage stage;
  struct explain_failure failure;
};

#define LINE(text)                                                                      \
  {                                                                                     \
    .status = EHLO_E_REPLY_SYNTAX, .line = {(const uint8_t *)(text), sizeof(text) - 1 } \
  }
#define OUTCOME(name) \
  { .outcome = EHLO_OUTCOME_##name }
#define STATUS(name) \
  { .status = EHLO_E_##name }

static const struct failure_row failures[] = {
    {"any/line-digits", EHLO_STAGE_EHLO, LINE("2500 mail.example")},
    {"any/line-class", EHLO_STAGE_MAIL, LINE("650 x\r\n")},
    {"any/line-class", EHLO_STAGE_MAIL, LINE("150 x\r\n")},
    {"any/line-no-code", EHLO_STAGE_MAIL, LINE("+250 x\r\n")},
    {"any/line-no-code", EHLO_STAGE_MAIL, LINE("25")},
    {"any/line-no-code", EHLO_STAGE_MAIL, LINE(" 250 ok")},
    {"any/line-no-code", EHLO_STAGE_MAIL, LINE("25O ok")},
    {"any/line-no-blank", EHLO_STAGE_MAIL, LINE("250\tok\r\n")},
    {"any/line-no-blank", EHLO_STAGE_MAIL, LINE("250ok\r\n")},
    {"any/line-empty", EHLO_STAGE_MAIL, LINE("\r\n")},
    {"any/line-nul", EHLO_STAGE_MAIL, LINE("250 o\0k\r\n")},
    {"any/line-tls", EHLO_STAGE_GREETING, LINE("\x15\x03\x01\0\x02\x02\x0a")},
    {"any/line-end", EHLO_STAGE_MAIL, LINE("250 ok\n")},
    {"any/line-end", EHLO_STAGE_MAIL, LINE("250")},
    {"any/not-a-reply", EHLO_STAGE_MAIL, STATUS(REPLY_SYNTAX)},
    {"any/not-a-reply", EHLO_STAGE_MAIL, OUTCOME(PROTOCOL_ERROR)},
    {"any/codes-mixed", EHLO_STAGE_EHLO, {.status = EHLO_E_REPLY_CODE, .line = {NULL, 0}}},
    {"any/closed-before-greeting", EHLO_STAGE_GREETING, STATUS(RESET)},
    {"any/closed-at-starttls", EHLO_STAGE_TLS, STATUS(CLOSED)},
    {"any/closed-at-starttls", EHLO_STAGE_STARTTLS, STATUS(CLOSED)},
    {"any/closed-in-message", EHLO_STAGE_BODY, OUTCOME(LOST)},
    {"any/closed", EHLO_STAGE_MAIL, OUTCOME(LOST)},
    {"any/silent-at-greeting", EHLO_STAGE_GREETING, OUTCOME(TIMEOUT)},
    {"any/silent", EHLO_STAGE_EHLO, OUTCOME(TIMEOUT)},
    {"any/tls-failed", EHLO_STAGE_TLS, OUTCOME(TLS_FAILED)},
    {"any/starttls-not-offered", EHLO_STAGE_STARTTLS, OUTCOME(TLS_FAILED)},
    {"any/cleartext-credential", EHLO_STAGE_AUTH, OUTCOME(TLS_FAILED)},
    {"any/no-connection", EHLO_STAGE_CONNECT, OUTCOME(CONNECT_FAILED)},
    {"any/auth-broken-off", EHLO_STAGE_AUTH, OUTCOME(AUTH_REFUSED)},
    {"any/message-unfit", EHLO_STAGE_MAIL, OUTCOME(USAGE)},
    {"any/in-doubt", EHLO_STAGE_BODY, {.outcome = EHLO_OUTCOME_UNKNOWN, .status = EHLO_E_TIMEOUT}},
};

struct sentence_row {
  const char *id;
  const char *text;
};

static const struct sentence_row sentences[] = {
    {"any/in-doubt",
     "ehlo: at body: the connection broke: Connection reset by peer; the message was sent whole, "
     "so "
     "the server may have it: look before sending it again"},
    {"any/line-digits",
     "ehlo: at ehlo: the server sent a line that is not an SMTP reply: \"2500 x\""},
    {"any/line-nul", "at ehlo: the server sent a line that is not an SMTP reply: \"250 a\\x00b\""},
    {"any/http",
     "at greeting: the server sent a line that is not an SMTP reply: \"HTTP/1.1 400 Bad Request\"; "
     "this is a web server, not a mail server"},
    {"any/closed-at-auth", "at auth: the server closed the connection"},
    {"any/closed-before-greeting", "at greeting: the connection broke: Connection reset by peer"},
    {"any/closed", "at mail: the connection broke: Connection timed out"},
    {"any/closed", "ConnectionResetError: [Errno 104] Connection reset by peer"},
    {"any/closed", "the server closed the connection, with the reply to MAIL awaited"},
    {"any/silent-at-greeting", "no greeting within 30 s"},
    {"any/extension-not-offered",
     "at mail: the server does not offer CHUNKING, which a message by BDAT needs; nothing was "
     "sent"},
    {"any/certificate-name",
     "at tls: the certificate is for \"*.example.net, example.net\" and 7 more, not for "
     "\"mail.example.com\""},
    {"any/certificate-expired", "curl: (60) SSL certificate problem: certificate has expired"},
    {"any/certificate-expired",
     "at tls: the certificate of its authority \"CN=Example CA\" expired on 2026-01-01"},
    {"any/certificate-self-signed",
     "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate "
     "(_ssl.c:1006)"},
    {"any/timed-out", "TimeoutError: [Errno 110] Connection timed out"},
    {"any/connection-refused", "ConnectionRefusedError: [Errno 111] Connection refused"},
    {"any/unknown-host", "socket.gaierror: [Errno -2] Name or service not known"},
    {"any/wrong-version-number",
     "Error: 140:error:0A00010B:SSL routines:ssl3_get_record:wrong version number"},
};

static void knows_failures_by_kind_and_by_words(void) {
  for (int s = EHLO_OK + 1; s < EHLO_NUM_STATUS; s++) {
    expect_status((enum ehlo_status)s);
  }
  for (int p = EHLO_PROBLEM_NONE + 1; p <= EHLO_PROBLEM_MESSAGE; p++) {
    expect_problem((enum ehlo_submit_problem)p);
  }
  for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
    const struct failure_row *row = &failures[i];
    cr_expect_str_eq(id_of_failure(row->stage, row->failure), row->id, "row %zu: %s, found %s", i,
                     row->id, id_of_failure(row->stage, row->failure));
  }
  for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
    cr_expect_str_eq(id(sentences[i].text), sentences[i].id, "%s: found %s", sentences[i].text,
                     id(sentences[i].text));
  }
}

// A reply that says the same speaks of something behind the server.
static void expect_replies_apart(void) {
  cr_expect_str_eq(id("450 4.4.1 connect to mx.example.org: Connection refused"), "general");
  cr_expect_str_eq(id("550 5.4.4 Name or service not known"), "general");
}

// A greeting that was rewritten tells why STARTTLS is not offered.
static void expect_greeting_to_count(void) {
  struct explain_question q = {.greeting = ehlo_str("220 **************************"),
                               .stage_known = true,
                               .stage = EHLO_STAGE_STARTTLS,
                               .failure = {.problem = EHLO_PROBLEM_NO_STARTTLS}};
  cr_expect_str_eq(id_of(q), "any/pix");
  q.greeting = ehlo_str("220 mail.example.com ESMTP");
  cr_expect_str_eq(id_of(q), "any/starttls-not-offered");
}

static void keeps_replies_and_failures_apart(void) {
  expect_replies_apart();
  expect_greeting_to_count();
}

// ---- Replies ----------------------------------------------------------------------------------------

static void tells_causes_of_one_code_apart(void) {
#define E "535 5.7.139 Authentication unsuccessful, "
  cr_expect_str_eq(id(E "SmtpClientAuthentication is disabled for the Tenant. Visit …"),
                   "exchange-online/smtp-auth-disabled-tenant");
  cr_expect_str_eq(id(E "SmtpClientAuthentication is disabled for the Mailbox. Visit …"),
                   "exchange-online/smtp-auth-disabled-mailbox");
  cr_expect_str_eq(id(E "basic authentication is disabled."),
                   "exchange-online/basic-authentication-disabled");
  cr_expect_str_eq(id(E "the user credentials were incorrect."),
                   "exchange-online/credentials-incorrect");
  cr_expect_str_eq(id(E "and now for something completely different."), "general");
  cr_expect_str_eq(id("535 5.7.139"), "general");
  cr_expect_str_eq(id("535 5.7.3 Authentication unsuccessful"),
                   "exchange-online/authentication-unsuccessful");
}

// ZeroSMTP explained Postfix's 553 5.7.1 with Microsoft's 530.
static void gives_nobody_the_words_of_another(void) {
  cr_expect_str_eq(
      id("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user b@example.com"),
      "postfix/sender-not-owned");
  struct explain_question q = ask("550 5.7.60 SMTP; Client does not have permissions to send as");
  q.host = "mail.example.com";
  q.greeting = ehlo_str("mail.example.com ESMTP Postfix (Debian/GNU)");
  cr_expect_str_eq(id_of(q), "general");
  q = ask("535 5.7.8 Username and Password not accepted.");
  q.host = "smtp.office365.com";
  cr_expect_str_eq(id_of(q), "general");
  q = ask("535 Authentication failed");
  cr_expect_str_eq(id_of(q), "general");
  q.host = "smtp.zoho.eu";
  cr_expect_str_eq(id_of(q), "zoho/authentication-failed");
  q.host = "zoho.eu";
  cr_expect_str_eq(id_of(q), "zoho/authentication-failed");
  q.host = "notzoho.eu";
  cr_expect_str_eq(id_of(q), "general");
}

static void needs_the_code_that_belongs_to_the_words(void) {
  cr_expect_str_eq(id("250 5.7.1 Relay access denied"), "postfix/relay-access-denied");
  cr_expect_str_eq(id("554 5.7.1 <b@example.org>: Relay access denied"),
                   "postfix/relay-access-denied");
  cr_expect_str_eq(id("421 5.7.1 <b@example.org>: Relay access denied"), "general");
}

static void joins_lines_however_they_were_joined_before(void) {
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

static void takes_out_what_support_asks_for(void) {
  struct explanation e;
  struct explain_question q =
      ask("535 5.7.3 Authentication unsuccessful [LO2P123CA0001.GBRP123.PROD.OUTLOOK.COM "
          "2026-11-24T14:02:12.345Z 08DE2A3B4C5D6E7F]");
  cr_expect(explain_answer(&e, &q), "%.*s", (int)q.words.len, (const char *)q.words.bytes);
  cr_expect_str_eq(e.trace,
                   "LO2P123CA0001.GBRP123.PROD.OUTLOOK.COM 2026-11-24T14:02:12.345Z "
                   "08DE2A3B4C5D6E7F");
  cr_expect_str_eq(e.provider, "Exchange Online");
  q = ask("550 5.1.1 The email account that you tried to reach does not exist. a1b2.12 - gsmtp");
  cr_expect(explain_answer(&e, &q), "%.*s", (int)q.words.len, (const char *)q.words.bytes);
  cr_expect_str_eq(e.trace, "a1b2.12");
  q = ask("550 5.1.1 [192.0.2.1] nobody here");
  cr_expect(explain_answer(&e, &q), "%.*s", (int)q.words.len, (const char *)q.words.bytes);
  cr_expect_str_eq(e.trace, "");
  cr_expect_null(e.id);
  cr_expect_null(e.provider);
}

static void says_that_some_refusals_pass_and_some_deferrals_do_not(void) {
  struct explanation e;
  struct explain_question q = ask("550-5.4.5 Daily user sending limit exceeded.");
  cr_expect(explain_answer(&e, &q) && e.retry, "%s", e.meaning);
  cr_expect_str_eq(e.fix[e.num_fix - 1], "Try again after 24 hours.");
  q = ask("451 5.7.3 STARTTLS is required to send mail");
  cr_expect(explain_answer(&e, &q) && !e.retry, "%s", e.meaning);
}

static void has_nothing_to_say_of_what_is_no_refusal(void) {
  cr_expect_str_eq(id("250 2.0.0 Ok: queued as 4F2A31"), "nothing");
  cr_expect_str_eq(id("hello"), "nothing");
  cr_expect_str_eq(id(""), "nothing");
  cr_expect_str_eq(id("220 *************************"), "any/pix");
  cr_expect_str_eq(id("HTTP/1.1 400 Bad Request"), "any/http");
}

static void bears_words_without_end(void) {
  static char text[100000];
  memset(text, 'a', sizeof(text));
  memcpy(text, "550 5.7.1 ", 10);
  struct explain_question q = ask("550 5.7.1 x");
  q.words = (struct ehlo_span){(const uint8_t *)text, sizeof(text)};
  cr_expect_str_eq(id_of(q), "general");
}

static void is_right_about_replies(void) {
  tells_causes_of_one_code_apart();
  gives_nobody_the_words_of_another();
  needs_the_code_that_belongs_to_the_words();
  joins_lines_however_they_were_joined_before();
  takes_out_what_support_asks_for();
  says_that_some_refusals_pass_and_some_deferrals_do_not();
  has_nothing_to_say_of_what_is_no_refusal();
  bears_words_without_end();
}

Test(answer, is_right_about_replies_and_failures) {
  knows_failures_by_kind_and_by_words();
  keeps_replies_and_failures_apart();
  is_right_about_replies();
}
