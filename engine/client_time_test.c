// Tests of time and of the end: which wait is bounded by what, what makes it start anew, which of
// two errors wins where a deadline or the end of the stream meets a line, and how a session ends at
// every single octet.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

static const struct ehlo_config defaults = {.allow_cleartext_auth = true};
static const struct ehlo_config own = {.timeouts = {.greeting_ms = 10,
                                                    .command_ms = 20,
                                                    .tls_ms = 30,
                                                    .data_ms = 40,
                                                    .block_ms = 50,
                                                    .body_ms = 60,
                                                    .quit_ms = 70},
                                       .allow_cleartext_auth = true};

#define RUN_ALL(scripts, config) \
  ehlo_script_run_table(scripts, sizeof(scripts) / sizeof((scripts)[0]), config)

// Past EHLO, at offset 18, or with extensions at 78.
#define HELLO "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\n"
#define READY HELLO "S: 250 mx.ex\n= reply EHLO 250\n"
#define EXTENDED                                                                           \
  HELLO                                                                                    \
  "S: 250-mx.ex\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250-STARTTLS\nS: 250 AUTH LOGIN\n" \
  "= reply EHLO 250\n"
#define MAIL "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 a\n= reply MAIL 250\n"
#define RCPT "> rcpt <c@d>\nC: RCPT TO:<c@d>\nS: 250 c\n= reply RCPT 250 #0\n"
#define DATA "> data\nC: DATA\nS: 354 go\n= reply DATA 354\n= body-wanted\n"

// ---- Deadlines ----------------------------------------------------------------------------------

static const char *const stages[][2] = {
    {"greeting, EHLO, idle",
     "? deadline 300000\n! at 1000\n? deadline 300000\nS: 220 x\n"
     "= reply greeting 220\n? deadline never\n! at 5000\n> ehlo c\nC: EHLO c\n? deadline 305000\n"
     "S: 250 x\n= reply EHLO 250\n? deadline never\n"},
    {"STARTTLS and the handshake", EXTENDED
     "! at 1000\n> starttls\nC: STARTTLS\n? deadline 301000\n! at 2000\nS: 220 x\n"
     "= reply STARTTLS 220\n= tls-wanted\n? deadline 122000\n! at 3000\n? deadline 122000\n"
     "! tls\n? deadline never\n> ehlo c\nC: EHLO c\n? deadline 303000\n"},
    {"TLS from the start", "! at 1000\n! tls\n? deadline 301000\n"},
    {"AUTH",
     EXTENDED "> auth LOGIN\nC: AUTH LOGIN\n? deadline 300000\n! at 7\nS: 334 \n= challenge []\n"
              "? deadline never\n! at 9\n> respond x\nC: {eA==}\n? deadline 300009\n"},
    {"the transaction",
     READY "! at 1\n> mail <a@b>\nC: MAIL FROM:<a@b>\n? deadline 300001\nS: 250 x\n"
           "= reply MAIL 250\n? deadline never\n! at 2\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"
           "? deadline 300002\n"
           "S: 250 x\n= reply RCPT 250 #0\n! at 3\n> data\nC: DATA\n? deadline 120003\nS: 354 x\n"
           "= reply DATA 354\n= body-wanted\n? deadline never\n! at 400000\n! hold\n> body x\n"
           "? deadline 580000\n! at 400001\n> body y\n? deadline 580000\n> end\n"
           "? deadline 580001\n! release\nC: xy\nC: .\n? deadline 1000001\n"
           "S: 250 x\n= reply body 250\n? deadline never\n"},
    {"hurry bounds what is left together", EXTENDED
     "> mail <a@b>\n> rcpt <c@d>\n> rcpt <c@e>\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\n"
     "C: RCPT TO:<c@e>\n! at 1000\nS: 550 x\n= reply MAIL 550\n? deadline 301000\n> hurry\n"
     "? deadline 6000\n! at 3000\nS: 503 x\n= reply RCPT 503 #0\n? deadline 6000\n> hurry\n"
     "? deadline 6000\nS: 503 x\n= reply RCPT 503 #1\n? deadline never\n! at 4000\n> quit\n"
     "C: QUIT\n? deadline 6000\n! at 6000\n= failed timeout @99 [] QUIT sent\n"},
    {"hurry makes no wait longer",
     READY "> quit\nC: QUIT\n? deadline 5000\n! at 10\n> hurry\n? deadline 5000\n"},
    {"the rest", READY "> rset\nC: RSET\n? deadline 300000\nS: 250 x\n= reply RSET 250\n"
                       "> vrfy x\nC: VRFY x\n? deadline 300000\nS: 250 x\n= reply VRFY 250\n"
                       "> raw XFOO\nC: XFOO\n? deadline 300000\nS: 250 x\n= reply other 250\n"
                       "! at 1\n> quit\nC: QUIT\n? deadline 5001\nS: 221 x\n= reply QUIT 221\n"
                       "= closed\n? deadline never\n"},
    {"BDAT", EXTENDED MAIL RCPT
     "! at 1\n! hold\n> bdat 2 LAST\n? deadline 600001\n! release\n"
     "C: BDAT 2 LAST\n? deadline 600001\n! at 2\n! hold\n> chunk ab\n? deadline 180002\n! at 3\n"
     "! release\nC+ ab\n? deadline 600003\n"},
};

static const char *const own_stages[][2] = {
    {"each its own",
     "? deadline 10\n" READY "> noop \nC: NOOP\n? deadline 20\nS: 250 x\n"
     "= reply NOOP 250\n" MAIL RCPT "> data\nC: DATA\n? deadline 40\nS: 354 x\n= reply DATA 354\n"
     "= body-wanted\n! hold\n> body x\n? deadline 50\n! release\nC+ x\n> end\nC: \nC: .\n"
     "? deadline 60\nS: 250 x\n= reply body 250\n> quit\nC: QUIT\n? deadline 70\n"},
    {"the handshake", EXTENDED "> starttls\nC: STARTTLS\n? deadline 20\nS: 220 x\n"
                               "= reply STARTTLS 220\n= tls-wanted\n? deadline 30\n"},
};

Test(client_time, rule_7_each_stage_has_its_deadline) {
  RUN_ALL(stages, &defaults);
  RUN_ALL(own_stages, &own);
}

static const char *const waits[][2] = {
    {"one before, and at it",
     "! at 9\n? state connect\n! at 10\n= failed timeout @0 [] greeting sent\n"
     "? state failed\n? deadline never\n> ehlo c -> timeout\n! at 99999\n! end reset\nS: 220 x\n"},
    {"a drip gains nothing",
     "S: 22\\\n! at 3\nS: 0 a\\\n! at 6\nS: b\\\n! at 9\nS: c\\\n? deadline 10\n"
     "! at 10\n= failed timeout @7 [220 abc] greeting sent\n"},
    {"nor do whole lines",
     "S: 220-a\n! at 9\nS: 220-b\nS: 22\\\n? deadline 10\n"
     "! at 11\n= failed timeout @16 [22] greeting sent\n"},
    {"what is there of the line is judged",
     "S: 22x\\\n! at 10\n"
     "= failed reply-syntax @2 [22x] greeting sent\n"},
    {"and its code is", HELLO "S: 250-a\nS: 251\\\n! at 20\n"
                              "= failed reply-code @14 [251] EHLO sent\n"},
    {"the transport takes output",
     READY "! hold\n> noop abc\n? deadline 20\n! at 19\n! take 1\nC+ N\n"
           "? deadline 39\n! at 38\n! take 4\nC+ OOP \n? deadline 58\n! at 58\n"
           "= failed timeout @18 [] NOOP unsent\n"},
    {"the last octet is out",
     READY "! hold\n> noop \n! at 5\n! take 6\nC: NOOP\n? deadline 25\n! at 25\n"
           "= failed timeout @18 [] NOOP sent\n"},
    {"each reply of a pipeline has its time", EXTENDED
     "! hold\n> mail <a@b>\n> rcpt <c@d>\n> data\n! release\n"
     "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\n? deadline 20\n! at 15\nS: 250 a\n"
     "= reply MAIL 250\n? deadline 35\n! at 30\nS: 250 a\n= reply RCPT 250 #0\n? deadline 70\n"},
    {"what comes behind extends nothing",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n! hold\n! at 15\n"
              "> rcpt <c@d>\n? deadline 20\n! at 20\n= failed timeout @78 [] MAIL sent\n"},
    {"a message that the transport does not take", READY MAIL RCPT DATA
     "! hold\n> body x\n! at 49\n? state body\n! at 50\n= failed timeout @40 [] nothing unsent\n"
     "> body y -> timeout\n"},
    {"takes slowly", READY MAIL RCPT DATA
     "! hold\n> body abc\n! at 40\n! take 1\nC+ a\n? deadline 90\n! at 80\n! take 2\nC+ bc\n"
     "? deadline never\n! at 1000\n> end\n? deadline 1050\n! at 1010\n! release\nC: \nC: .\n"
     "? deadline 1070\n"
     "! at 1070\n= failed timeout @40 [] body sent\n"},
    {"the dot half taken", READY MAIL RCPT DATA "! hold\n> end\n! take 2\nC+ .\\r\n! at 50\n"
                                                "= failed timeout @40 [] body unsent\n"},
    {"a chunk that comes late has its time", EXTENDED MAIL RCPT
     "> bdat 2\nC: BDAT 2\n? deadline 60\n! at 55\n! hold\n> chunk ab\n? deadline 105\n! at 104\n"
     "! take 1\nC+ a\n? deadline 154\n! release\nC+ b\n? deadline 164\n"},
    {"an empty piece of a chunk is none",
     EXTENDED MAIL RCPT "> bdat 2\nC: BDAT 2\n! at 55\n> chunk \n? deadline 60\n"},
    {"QUIT has no grace", READY "> quit\nC: QUIT\nS: 22\\\n! at 69\n? state quit\n! at 70\n"
                                "= failed timeout @20 [22] QUIT sent\n"},
    {"the handshake", EXTENDED
     "> starttls\nC: STARTTLS\nS: 220 x\n= reply STARTTLS 220\n= tls-wanted\n"
     "! at 29\n? state tls\n! at 30\n= failed timeout @85 [] nothing unsent\n! tls -> timeout\n"},
    {"the clock does not go back",
     "! at 5\nS: 220 x\n= reply greeting 220\n! at 2\n> ehlo c\nC: EHLO c\n"
     "? deadline 25\n"},
    {"what is over has no deadline",
     "S: 421 x\n= reply greeting 421\n= closed\n? deadline never\n"
     "! at 18446744073709551615\n? state closed\n"},
    {"idle for ever", READY "! at 18446744073709551615\n? state ready\n"},
    {"failed for ever",
     "S: x\n= failed reply-syntax @0 [x] greeting sent\n"
     "! at 18446744073709551615\n> quit -> reply-syntax\n"},
};

Test(client_time, what_starts_a_wait_anew) {
  RUN_ALL(waits, &own);
}

static uint8_t buf[EHLO_BUFFER_DEFAULT];

static enum ehlo_status input(struct ehlo_client *c, const char *text, uint64_t now_ms) {
  size_t used = 0;
  return ehlo_input(c, &used, (const uint8_t *)text, strlen(text), now_ms);
}

static void expect_event(struct ehlo_client *c, const char *want) {
  char got[300];
  struct ehlo_event event;
  ehlo_next(c, &event);
  ehlo_script_event(got, sizeof(got), &event);
  cr_assert_str_eq(got, want, "event [%s] instead of [%s]", got, want);
}

// The deadline comes before the input, whatever it says; one millisecond earlier the input counts.
Test(client_time, rule_7_input_at_the_deadline) {
  static const char *const late[] = {"220 x\r\n", "0 x\r\n", "421 x\r\n", "x\r\n", ""};
  struct ehlo_client c;
  for (size_t i = 0; i < 5; i++) {
    ehlo_client_init(&c, &own, buf, sizeof(buf), 1000);
    cr_assert_eq(input(&c, "22", 1009), EHLO_OK);
    cr_assert_eq(input(&c, late[i], 1010), EHLO_E_TIMEOUT, "[%s]", late[i]);
    expect_event(&c, "failed timeout @2 [22] greeting sent");
    expect_event(&c, "none");
  }
  ehlo_client_init(&c, &own, buf, sizeof(buf), 1000);
  cr_assert_eq(input(&c, "220 x\r\n", 1009), EHLO_OK);
  expect_event(&c, "reply greeting 220");
  cr_assert_eq(input(&c, "421 x\r\n", 9999), EHLO_OK);  // nothing was awaited
  expect_event(&c, "reply nothing 421");
  expect_event(&c, "closed");
}

// To acknowledge nothing gains no time, and an end after a failure is told the failure.
Test(client_time, nothing_acknowledged) {
  struct ehlo_client c;
  ehlo_client_init(&c, &own, buf, sizeof(buf), 0);
  input(&c, "220 x\r\n", 0);
  expect_event(&c, "reply greeting 220");
  cr_assert_eq(ehlo_send_ehlo(&c, ehlo_str("x")), EHLO_OK);
  uint64_t deadline = ehlo_deadline(&c);
  ehlo_output_ack(&c, 0, 5);
  cr_assert_eq(ehlo_deadline(&c), deadline);
  cr_assert_eq(input(&c, "x\r\n", 6), EHLO_E_REPLY_SYNTAX);
  cr_assert_eq(ehlo_input_end(&c, EHLO_E_CLOSED), EHLO_E_REPLY_SYNTAX);
  ehlo_output_ack(&c, 1, 7);  // nothing is there any more
  struct ehlo_output out;
  cr_assert(!ehlo_output_peek(&c, &out));
}

// In time the handshake, too: done at the deadline is too late.
Test(client_time, rule_7_a_handshake_at_the_deadline) {
  for (uint64_t late = 0; late < 2; late++) {
    struct ehlo_client c;
    struct ehlo_output out;
    ehlo_client_init(&c, &own, buf, sizeof(buf), 0);
    input(&c, "220 x\r\n", 0);
    expect_event(&c, "reply greeting 220");
    cr_assert_eq(ehlo_send_raw(&c, ehlo_str("STARTTLS")), EHLO_OK);
    cr_assert(ehlo_output_peek(&c, &out));
    ehlo_output_ack(&c, out.span.len, 0);
    cr_assert_eq(input(&c, "220 x\r\n", 5), EHLO_OK);
    expect_event(&c, "reply STARTTLS 220");
    cr_assert_eq(ehlo_tls_done(&c, 6), EHLO_E_STATE);  // before TLS_WANTED was taken
    expect_event(&c, "tls-wanted");
    if (late != 0) {
      cr_assert_eq(input(&c, "x", 35), EHLO_E_TIMEOUT);  // before the injection, too
      expect_event(&c, "failed timeout @14 [] nothing unsent");
    }
    cr_assert_eq(ehlo_tls_done(&c, 34 + late), late != 0 ? EHLO_E_TIMEOUT : EHLO_OK);
  }
}

// What the transport took, it took: an acknowledgement does not look at the deadline.
Test(client_time, an_acknowledgement_past_the_deadline) {
  struct ehlo_client c;
  struct ehlo_output out;
  ehlo_client_init(&c, &own, buf, sizeof(buf), 0);
  input(&c, "220 x\r\n", 0);
  expect_event(&c, "reply greeting 220");
  ehlo_send_helo(&c, ehlo_str("c"));
  cr_assert(ehlo_output_peek(&c, &out));
  ehlo_output_ack(&c, 1, 25);
  cr_assert_eq(ehlo_client_state(&c), EHLO_STATE_READY);
  cr_assert_eq(ehlo_deadline(&c), 45);
}

// ---- The end of the stream ----------------------------------------------------------------------

static const char *const ends[][2] = {
    {"before anything", "! end connect\n= failed connect @0 [] greeting sent\n? state failed\n"},
    {"in a line", "S: 220 abc\\\n! end closed\n= failed closed @7 [220 abc] greeting sent\n"},
    {"behind a CR", "S: 220 abc\\r\\\n! end reset\n= failed reset @8 [220 abc] greeting sent\n"},
    {"in a code", "S: 22\\\n! end tls\n= failed tls @2 [22] greeting sent\n"},
    {"between lines", "S: 220-a\n! end reset\n= failed reset @7 [] greeting sent\n"},
    {"idle", READY "! end closed\n= failed closed @18 [] nothing unsent\n"},
    {"idle, in a line", READY "S: 4\\\n! end closed\n= failed closed @19 [4] nothing unsent\n"},
    {"the first error wins",
     READY "! end closed\n! end reset\n! at 9999999\nS: x\n"
           "= failed closed @18 [] nothing unsent\n> noop  -> closed\n! tls -> closed\n"},
    {"no code could come of it",
     "S: 2a\\\n! end closed\n= failed reply-syntax @1 [2a] greeting sent\n"},
    {"nor of this", "S: 6\\\n! end closed\n= failed reply-syntax @0 [6] greeting sent\n"},
    {"no separator", "S: 220x\\\n! end closed\n= failed reply-syntax @3 [220x] greeting sent\n"},
    {"a NUL in it",
     "S: 220 a\\x00b\\\n! end closed\n"
     "= failed reply-syntax @5 [220 a\\x00b] greeting sent\n"},
    {"a CR in it",
     "S: 220 a\\rb\\\n! end closed\n= failed reply-syntax @5 [220 a\\x0db] greeting sent\n"},
    {"another code",
     "S: 220-a\nS: 221\\\n! end closed\n= failed reply-code @7 [221] greeting sent\n"},
    {"the beginning of another code",
     "S: 220-a\nS: 25\\\n! end closed\n"
     "= failed closed @9 [25] greeting sent\n"},
    {"a command not sent",
     READY "! hold\n> noop \n! end reset\n= failed reset @18 [] NOOP unsent\n! release\n"},
    {"after the dot",
     READY MAIL RCPT DATA "> end\nC: .\n! end reset\n= failed reset @40 [] body sent\n"},
    {"in the dot", READY MAIL RCPT DATA "! hold\n> end\n! take 2\nC+ .\\r\n! end reset\n"
                                        "= failed reset @40 [] body unsent\n"},
    {"after QUIT",
     READY "> quit\nC: QUIT\n! end closed\n= closed\n? state closed\n> quit -> state\n"},
    {"after QUIT, broken", READY "> quit\nC: QUIT\n! end reset\n= closed\n"},
    {"after QUIT, without close_notify", READY "> quit\nC: QUIT\n! end tls\n= closed\n"},
    {"QUIT not sent", READY "! hold\n> quit\n! end closed\n= closed\n! release\n"},
    {"in the reply to QUIT", READY "> quit\nC: QUIT\nS: 22\\\n! end closed\n= closed\n"},
    {"in no reply to QUIT", READY "> quit\nC: QUIT\nS: 2x\\\n! end closed\n= closed\n"},
    {"a bad reply to QUIT",
     READY "> quit\nC: QUIT\nS: 2x\n= failed reply-syntax @19 [2x] QUIT sent\n"},
    {"any reply to QUIT",
     READY "> quit\nC: QUIT\nS: 554 x\n= reply QUIT 554\n= closed\n! end reset\n"},
    {"QUIT behind the dot, neither answered",
     EXTENDED MAIL RCPT DATA "! hold\n> end\n> quit\n! release\nC: .\nC: QUIT\n! end closed\n"
                             "= failed closed @100 [] body sent\n"},
    {"QUIT behind the dot",
     EXTENDED MAIL RCPT DATA "! hold\n> end\n> quit\n! release\nC: .\nC: QUIT\nS: 250 x\n"
                             "= reply body 250\n! end closed\n= closed\n"},
    {"after a 421", READY "S: 421 x\n= reply nothing 421\n= closed\n! end reset\n? state closed\n"},
};

Test(client_time, the_end_of_the_stream) {
  RUN_ALL(ends, &defaults);
}

// The end counts the same whether or not the reply before it was taken already.
Test(client_time, the_end_with_a_reply_not_taken) {
  for (int taken = 0; taken < 2; taken++) {
    static const struct ehlo_script script = {
        .name = "not taken", .text = EXTENDED "> rset\nC: RSET\n> quit\nC: QUIT\n"};
    struct ehlo_session *s = malloc(sizeof(*s));
    cr_assert(s != NULL);
    ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
    cr_assert_eq(input(&s->client, "250 x\r\n", 0), EHLO_OK);
    if (taken != 0) {
      expect_event(&s->client, "reply RSET 250");
    }
    cr_assert_eq(ehlo_input_end(&s->client, EHLO_E_CLOSED), EHLO_OK);
    if (taken == 0) {
      expect_event(&s->client, "reply RSET 250");
    }
    expect_event(&s->client, "closed");
    expect_event(&s->client, "none");
    ehlo_session_free(s);
    free(s);
  }
}

// ---- Every octet --------------------------------------------------------------------------------

// A whole session: which verb each of its replies answers, in order.
struct whole {
  const char *text;
  const char *verbs[16];
};

static const struct whole wholes[] = {
    {"S: 220-mx.ex\nS: 220 hello\n> ehlo c\nS: 250-mx.ex\nS: 250 STARTTLS\n> starttls\nS: 220 go\n"
     "! tls\n> ehlo c\nS: 250-mx.ex\nS: 250 AUTH LOGIN\n> auth LOGIN\nS: 334 VXNlcm5hbWU6\n"
     "> respond u\nS: 334\n> respond p\nS: 235 2.7.0 ok\n> mail <a@b>\nS: 250 2.1.0 ok\n"
     "> rcpt <c@d>\nS: 550-no\nS: 550 such user\n> rcpt <e@f>\nS: 250 ok\n> data\nS: 354 go\n"
     "> body x\n> end\nS: 250 2.0.0 taken\n> quit\nS: 221 bye\n",
     {"greeting", "EHLO", "STARTTLS", "EHLO", "AUTH", "AUTH", "AUTH", "MAIL", "RCPT", "RCPT",
      "DATA", "body", "QUIT"}},
    {"S: 220 x\n> ehlo c\nS: 250-x\nS: 250-CHUNKING\nS: 250 PIPELINING\n> mail <a@b>\n"
     "> rcpt <c@d>\n"
     "> bdat 2\n> chunk ab\n> bdat 0 LAST\n> rset\n> quit\n"
     "S: 250 m\nS: 451 r\nS: 503 b\nS: 503 l\nS: 250 r\nS: 221 bye\n",
     {"greeting", "EHLO", "MAIL", "RCPT", "BDAT", "BDAT", "RSET", "QUIT"}},
};

// What the server has sent of the session after `n` octets: the unfinished line, and the verb that
// waits for its reply ("" when all have come). Written from the text alone.
static const char *expect_at(const struct whole *w, size_t n, char *line, size_t line_cap) {
  size_t reply = 0;
  line[0] = '\0';
  for (const char *at = w->text; *at != '\0' && n > 0; at = strchr(at, '\n') + 1) {
    if (at[0] != 'S') {
      continue;
    }
    size_t len = strcspn(at + 3, "\n");
    if (n < len + 2) {
      snprintf(line, line_cap, "%.*s", (int)(n < len ? n : len), at + 3);
      n = 0;
      break;
    }
    n -= len + 2;
    reply += at[6] != '-';
  }
  return w->verbs[reply] != NULL ? w->verbs[reply] : "";
}

// Runs the session up to `n` octets of the server; then it ends with `why`, OK for a deadline.
static void end_at(struct ehlo_session *s, const struct whole *w, size_t n, enum ehlo_status why) {
  struct ehlo_script script = {.name = "every octet", .text = w->text, .config = own};
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.stop_after = n;
  mode.effects_only = true;
  ehlo_script_run_once(s, &script, mode);
  char line[100];
  char want[200];
  const char *verb = expect_at(w, n, line, sizeof(line));
  bool over = verb[0] == '\0';
  bool quit = strcmp(verb, "QUIT") == 0;
  cr_assert_eq(ehlo_client_state(&s->client) == EHLO_STATE_CLOSED, over);
  s->events[0] = '\0';
  if (why == EHLO_OK) {
    cr_assert_eq(ehlo_deadline(&s->client) == EHLO_NEVER, over, "%zu", n);
    ehlo_tick(&s->client, over ? 99999 : ehlo_deadline(&s->client));
  } else {
    ehlo_input_end(&s->client, why);
  }
  ehlo_session_collect(s);
  snprintf(want, sizeof(want), "failed %s @%zu [%s] %s sent\n",
           ehlo_status_name(why == EHLO_OK ? EHLO_E_TIMEOUT : why), n, line, verb);
  bool orderly = over || (quit && why != EHLO_OK);
  const char *expected = over ? "" : orderly ? "closed\n" : want;
  cr_assert_str_eq(s->events, expected, "after %zu octets, %s: [%s] instead of [%s]", n,
                   ehlo_status_name(why), s->events, expected);
  cr_assert_eq(ehlo_client_state(&s->client), orderly ? EHLO_STATE_CLOSED : EHLO_STATE_FAILED);
  struct ehlo_output out;
  cr_assert(!ehlo_output_peek(&s->client, &out));
  cr_assert_eq(ehlo_deadline(&s->client), EHLO_NEVER);
  ehlo_session_free(s);
}

Test(client_time, an_end_at_every_octet) {
  static const enum ehlo_status reasons[] = {EHLO_E_CONNECT, EHLO_E_CLOSED,  EHLO_E_RESET,
                                             EHLO_E_TLS,     EHLO_E_TIMEOUT, EHLO_OK};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  size_t num_ends = 0;
  for (size_t i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++) {
    struct ehlo_script script = {.text = wholes[i].text};
    size_t bytes = ehlo_script_server_bytes(&script);
    cr_assert(bytes > 60);
    for (size_t n = 0; n <= bytes; n++) {
      for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++) {
        end_at(s, &wholes[i], n, reasons[k]);
        num_ends++;
      }
    }
  }
  fprintf(stderr, "ends: %zu\n", num_ends);
  free(s);
}
