// How sessions end, by which reply, and where their time went; and the parts of facts.
#include "tools/show/summary.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tools/show/facts.h"
#include "tools/show/testing.h"

struct both {
  struct show_dialogue dialogue;
  struct show_summary summary;
};

static void take(void *arg, const struct ehlo_item *item) {
  struct both *b = arg;
  struct show_piece piece;
  show_dialogue_item(&b->dialogue, item);
  while (show_dialogue_next(&b->dialogue, &piece)) {
    show_summary_piece(&b->summary, &piece);
  }
}

static struct show_summary *read_summary(const char *transcript) {
  static struct both b;
  show_dialogue_init(&b.dialogue);
  show_summary_init(&b.summary);
  testing_read(transcript, take, &b);
  return &b.summary;
}

// ---- Outcomes -----------------------------------------------------------------------------------

#define HELLO "S: 220 a\nC: EHLO x\nS: 250 a\n"
#define MAIL HELLO "C: MAIL FROM:<a>\nS: 250 a\n"
#define DATA MAIL "C: RCPT TO:<b>\nS: 250 a\nC: DATA\nS: 354 a\nC: x\nC: .\n"

static const struct {
  const char *transcript;
  const char *verdict;  // "outcome at stage", with a "?" behind it if inferred
  const char *reply;    // the text of the one that decided, NULL: none did
} rows[] = {
    {"", "open at connect?", NULL},
    {"! connect failed no\n", "connect-failed at connect?", NULL},
    {HELLO "C: QUIT\nS: 221 a\n! eof S\n", "open at quit?", NULL},
    {HELLO "! eof S\n", "lost at ehlo?", NULL},
    {HELLO "+300 ! timeout\n", "timeout at ehlo?", NULL},
    {HELLO "C: STARTTLS\nS: 220 a\n! tls failed no\n", "tls-failed at tls?", NULL},
    {DATA "S: 250 ok\nC: QUIT\nS: 221 a\n", "accepted at quit?", NULL},
    {DATA "S: 250 ok\n", "accepted at body?", NULL},
    {DATA "S: 550 5.7.1 spam\nS: 221 a\n", "refused at body?", "550 5.7.1 spam"},
    {DATA "S: 451 later\n", "deferred at body?", "451 later"},
    {DATA "! reset S\n", "unknown at body?", NULL},
    {DATA "! timeout\n", "unknown at body?", NULL},
    {"S: 554 go away\n", "refused at greeting?", "554 go away"},
    {"S: 220 a\nC: EHLO x\nS: 502 a\nC: HELO x\nS: 250 a\nC: QUIT\n", "open at quit?", NULL},
    {HELLO "C: AUTH PLAIN \\{secret}\nS: 535-5.7.8 no\nS: 535 5.7.8 \\{secret}\nC: QUIT\n",
     "auth-refused at auth?", "535-5.7.8 no\n535 5.7.8 (hidden)"},
    {MAIL
     "C: RCPT TO:<b>\nS: 550 b\nC: RCPT TO:<c>\nS: 250 c\nC: DATA\nS: 354 a\nC: .\nS: 250 ok\n",
     "partial at body?", NULL},
    // What DATA and BDAT are answered where nobody was accepted decides nothing.
    {MAIL "C: RCPT TO:<b>\nC: DATA\nS: 451 4.7.1 later\nS: 554 5.5.1 nobody\nC: QUIT\nS: 221 a\n",
     "deferred at rcpt?", "451 4.7.1 later"},
    {MAIL "C: RCPT TO:<b>\nC: BDAT 1 LAST\nC: x\\\nS: 550 b\nS: 451 nobody\n", "refused at rcpt?",
     "550 b"},
    {MAIL "C: RCPT TO:<b>\nC: RCPT TO:<c>\nC: DATA\nS: 250 b\nS: 550 c\nS: 451 later\n",
     "deferred at data?", "451 later"},
    // What is recorded counts, and which of several replies fits it.
    {MAIL "C: RCPT TO:<b>\nC: RCPT TO:<c>\nS: 550 b\nS: 450 c\n= outcome refused at rcpt\n",
     "refused at rcpt", "550 b"},
    {MAIL "C: RCPT TO:<b>\nC: RCPT TO:<c>\nS: 450 b\nS: 550 c\n= outcome deferred at rcpt\n",
     "deferred at rcpt", "450 b"},
    {HELLO "C: AUTH X\nS: 535 a\nC: AUTH Y\nS: 454 b\n= outcome auth-refused at auth\n",
     "auth-refused at auth", "454 b"},
    {HELLO "C: STARTTLS\nS: 454 no\n= outcome tls-failed at starttls\n", "tls-failed at starttls",
     "454 no"},
    {DATA "S: 250 ok\n= outcome unknown at body\n= message 1 accepted at quit\n", "unknown at body",
     NULL},
    {DATA "S: 250 ok\n= outcome wonderful at body\n", "accepted at body?", NULL},
};

Test(summary, knows_how_sessions_end) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char text[64];
    bool inferred;
    const struct show_summary *s = read_summary(rows[i].transcript);
    struct show_verdict v = show_summary_verdict(s, &inferred);
    const struct show_reply *r = show_summary_deciding(s, v);
    snprintf(text, sizeof(text), "%s at %s%s", ehlo_outcome_name(v.outcome),
             ehlo_stage_name(v.stage), inferred ? "?" : "");
    cr_expect_str_eq(text, rows[i].verdict, "row %zu: %s", i, text);
    cr_expect_eq(r == NULL, rows[i].reply == NULL, "row %zu", i);
    if (r != NULL && rows[i].reply != NULL) {
      cr_expect(
          r->text_len == strlen(rows[i].reply) && memcmp(r->text, rows[i].reply, r->text_len) == 0,
          "row %zu: %.*s", i, (int)r->text_len, (const char *)r->text);
    }
    size_t len = strlen(show_outcome_sentence(v.outcome));
    cr_expect(len > 10 && show_outcome_sentence(v.outcome)[len - 1] == '.');
  }
}

Test(summary, keeps_its_bounds) {
  static char text[200000];
  size_t len = (size_t)snprintf(text, sizeof(text), "S: 220 a\n");
  for (int i = 0; i < 50; i++) {
    len += (size_t)snprintf(text + len, sizeof(text) - len, "C: VRFY x\nS: 550-");
    memset(text + len, 'x', 3000);
    len += 3000;
    len += (size_t)snprintf(text + len, sizeof(text) - len,
                            "\nS: 550 y\n= message %d refused at mail\n", i);
  }
  const struct show_summary *s = read_summary(text);
  cr_expect_eq(s->num_refusals, 50);
  cr_expect_eq(s->num_messages, 50);
  cr_expect_eq(s->refusals[SHOW_REFUSALS_MAX - 1].text_len, SHOW_REPLY_TEXT_MAX);
  cr_expect(s->refusals[0].cut);
}

Test(summary, adds_up_the_time) {
  const struct show_summary *s = read_summary(
      "+1.5 ! connect mail.example:25 192.0.2.1\n+2 S: 22\\\n+0.25 S: 0 a\n+0.5 C: EHLO x\n+3 S: "
      "250 a\n");
  uint64_t sum = 0;
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    sum += s->waits[i][0] + s->waits[i][1];
  }
  cr_expect_eq(s->total_us, 7250000);
  cr_expect_eq(sum, s->total_us);
  cr_expect_eq(s->waits[EHLO_STAGE_CONNECT][EHLO_SIDE_SERVER], 1500000);
  cr_expect_eq(s->waits[EHLO_STAGE_GREETING][EHLO_SIDE_SERVER], 2250000);
  cr_expect_eq(s->waits[EHLO_STAGE_EHLO][EHLO_SIDE_CLIENT], 500000);
  cr_expect_eq(s->waits[EHLO_STAGE_EHLO][EHLO_SIDE_SERVER], 3000000);
  cr_expect_eq(s->longest_us, 3000000);
  cr_expect_eq(s->longest_stage, EHLO_STAGE_EHLO);
  cr_expect(s->place.len == 15 && memcmp(s->place.bytes, "mail.example:25", 15) == 0);
}

// A stream that breaks later does not take away whose certificate it was.
Test(summary, keeps_the_certificate_of_a_session_that_broke) {
  const struct show_summary *s =
      read_summary("! tls TLSv1.3 A B subject=\"CN=x\"\nS: 220 a\n! tls failed cut off\n");
  bool inferred;
  cr_expect(s->tls.present && !s->tls.failed);
  cr_expect_eq(show_summary_verdict(s, &inferred).outcome, EHLO_OUTCOME_LOST);
  cr_expect(s->tls.subject.len == 4 && memcmp(s->tls.subject.bytes, "CN=x", 4) == 0);
  cr_expect(s->tls.breakage.len == 7 && memcmp(s->tls.breakage.bytes, "cut off", 7) == 0);
}

// ---- Facts --------------------------------------------------------------------------------------

static const struct {
  const char *fact;
  const char *parts;  // "name=value;" in their order
} fact_rows[] = {
    {"connect a.example:587 192.0.2.1", "host=a.example;port=587;address=192.0.2.1;"},
    {"connect [2001:db8::1]:25 2001:db8::1", "host=2001:db8::1;port=25;address=2001:db8::1;"},
    {"connect unix:/run/x y", "path=/run/x;address=y;"},
    {"connect what", "host=what;"},
    {"connect a:b:c", "host=a:b:c;"},
    {"connect a:123456 x", "host=a:123456;address=x;"},
    {"connect failed no route to\\x20", "failed=failed;reason=no route to ;"},
    {"connect failed", "failed=failed;"},
    {"eof S", "side=server;"},
    {"reset C", "side=client;"},
    {"timeout", ""},
    {"note a \\{secret}b", "note=a \\{secret}b;"},
    {"submit lmtp", "setting=lmtp;"},
    {"submit to <a b>", "setting=to;value=<a b>;"},
    {"ehlo-transcript 1", "version=1;"},
    {"tls", ""},
    {"tls TLSv1.3 C G name=ok chain=no", "version=TLSv1.3;cipher=C;group=G;name=ok;chain=no;"},
    {"tls V C G more words sha256=ab subject=\"CN=a b, O=\\x22q\\x22\" names=\"a, b\" odd_1=x",
     "version=V;cipher=C;group=G;sha256=ab;subject=CN=a b, O=\"q\";names=a, b;odd_1=x;"},
    {"tls V subject=\"CN=x name=ok chain=ok\" name=no",
     "version=V;subject=CN=x name=ok chain=ok;name=no;"},
    {"tls V name=no name=ok", "version=V;name=no;"},  // the first one counts
    {"tls V subject=\"not closed", "version=V;subject=\"not closed;"},
    {"tls failed it is for \"CN=x name=ok\" name=no chain=ok subject=\"CN=y\"",
     "name=no;chain=ok;subject=CN=y;failed=failed;reason=it is for \"CN=x name=ok\";"},
    {"tls failed", "failed=failed;"},
    {"tls failed name=no", "name=no;failed=failed;"},
};

struct parts_text {
  char text[1024];
};

static void take_fact(void *arg, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  struct parts_text *out = arg;
  size_t len = 0;
  size_t num = show_fact_parts(parts, item);
  for (size_t i = 0; i < num; i++) {
    uint8_t value[512];
    size_t value_len = show_part_text(value, sizeof(value), &parts[i]);
    len += (size_t)snprintf(out->text + len, sizeof(out->text) - len, "%.*s=%.*s;",
                            (int)parts[i].name.len, (const char *)parts[i].name.bytes,
                            (int)value_len, (const char *)value);
  }
}

Test(facts, are_taken_apart) {
  for (size_t i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++) {
    char transcript[512];
    struct parts_text got = {""};
    snprintf(transcript, sizeof(transcript), "! %s\n", fact_rows[i].fact);
    testing_read(transcript, take_fact, &got);
    cr_expect_str_eq(got.text, fact_rows[i].parts, "%s: %s", fact_rows[i].fact, got.text);
  }
}
