// Tests of the submission policy from MAIL to QUIT: recipients, pipelining, the message, what the
// server's limits mean, and what counts as delivered. engine/submit_test.c has what comes before.
//
// The scripts are laid out by hand.
// clang-format off
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/submit_testing.h"

#define NO_TLS .tls = EHLO_TLS_NONE
#define BEGIN(offers) \
  "S: 220 mail.example ESMTP\nC: EHLO client.example\nS: 250-mail.example\nS: 250 " offers "\n"
#define MAIL "C: MAIL FROM:<a@client.example>\n"
#define RCPT "C: RCPT TO:<b@mail.example>\n"
#define THREE_RCPT "C: RCPT TO:<b1@x.ex>\nC: RCPT TO:<b2@x.ex>\nC: RCPT TO:<b3@x.ex>\n"
#define OK "S: 250 ok\n"
#define DATA "C: DATA\n"
#define GO "S: 354 go\n"
#define BODY "C: hi\nC: .\n"
#define QUIT "C: QUIT\nS: 221 bye\n"

// Everything before the reply to the final dot, one step at a time.
#define UP_TO_DOT BEGIN("x") MAIL OK RCPT OK DATA GO BODY

static const struct ehlo_span three[] = {SPAN("b1@x.ex"), SPAN("b2@x.ex"), SPAN("b3@x.ex")};
#define TO_THREE .to = three, .num_to = 3

// ---- Recipients ---------------------------------------------------------------------------------

static const struct ehlo_submit_case one_by_one[] = {
    {"MAIL 530", {NO_TLS}, .text = BEGIN("x") MAIL "S: 530 5.7.0 log in first\n" QUIT
     "= refused mail 69\n"},
    {"MAIL 550", {NO_TLS}, .text = BEGIN("x") MAIL "S: 550 no\n" QUIT "= refused mail 69\n"},
    {"MAIL 451", {NO_TLS}, .text = BEGIN("x") MAIL "S: 451 later\n" QUIT "= deferred mail 75\n"},
    {"MAIL 354", {NO_TLS}, .text = BEGIN("x") MAIL "S: 354 what\n"
     "= protocol-error mail 76 status=reply-impossible\n"},
    {"the null sender", {NO_TLS, .from = SPAN("")}, .text = BEGIN("x") "C: MAIL FROM:<>\n"
     "S: 550 no\n" QUIT "= refused mail 69\n"},
    {"one refused", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT "S: 550 no\n" QUIT
     "? taken 0\n= refused rcpt 69\n"},
    {"one deferred", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT "S: 450 later\n" QUIT
     "= deferred rcpt 75\n"},
    {"251 is accepted", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT "S: 251 forwarded\n" DATA GO BODY
     OK QUIT "? taken 1\n= accepted quit 0\n"},
    {"252 is accepted", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT "S: 252 maybe\n" DATA GO BODY OK
     QUIT "? taken 1\n= accepted quit 0\n"},
    {"the second of three refused", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK
     "C: RCPT TO:<b1@x.ex>\n" OK "C: RCPT TO:<b2@x.ex>\nS: 550 no\nC: RCPT TO:<b3@x.ex>\n" OK
     DATA GO BODY OK QUIT "? taken 2\n= partial quit 1\n"},
    {"only the last accepted", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK
     "C: RCPT TO:<b1@x.ex>\nS: 450 no\nC: RCPT TO:<b2@x.ex>\nS: 550 no\nC: RCPT TO:<b3@x.ex>\n" OK
     DATA GO BODY OK QUIT "? taken 1\n= partial quit 1\n"},
    {"one of three, then the message refused", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK
     "C: RCPT TO:<b1@x.ex>\n" OK "C: RCPT TO:<b2@x.ex>\nS: 550 no\nC: RCPT TO:<b3@x.ex>\n"
     "S: 550 no\n" DATA GO BODY "S: 554 spam\n" QUIT "= refused body 69\n"},
    {"three refused: no DATA", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK
     "C: RCPT TO:<b1@x.ex>\nS: 550 no\nC: RCPT TO:<b2@x.ex>\nS: 551 no\nC: RCPT TO:<b3@x.ex>\n"
     "S: 553 no\n" QUIT "= refused rcpt 69\n"},
    {"refused and deferred: no DATA, later may do", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK
     "C: RCPT TO:<b1@x.ex>\nS: 550 no\nC: RCPT TO:<b2@x.ex>\nS: 452 full\nC: RCPT TO:<b3@x.ex>\n"
     "S: 550 no\n" QUIT "= deferred rcpt 75\n"},
    {"421 at the second", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK "C: RCPT TO:<b1@x.ex>\n" OK
     "C: RCPT TO:<b2@x.ex>\nS: 421 bye\n? taken 1\n= deferred rcpt 75\n"},
    {"for nobody", {NO_TLS, .to = three, .num_to = 0}, .text = BEGIN("x") QUIT
     "= usage rcpt 64 problem=argument status=argument\n"},
    {"for nobody, and no further than MAIL",
     {NO_TLS, .to = three, .num_to = 0, .stop = true, .stop_after = EHLO_STAGE_MAIL},
     .text = BEGIN("x") MAIL OK QUIT "= stopped mail 0\n"},
};

Test(submit_envelope, recipients_one_by_one) {
  RUN_CASES(one_by_one);
}

static const struct ehlo_submit_case pipelined[] = {
    {"all accepted", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? taken 3\n= accepted quit 0\n"},
    {"one of three refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT
     DATA OK OK "S: 550 no\n" OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? flights 3\n? taken 2\n= partial quit 1\n"},
    {"three refused, DATA too", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT
     DATA OK "S: 550 no\nS: 550 no\nS: 550 no\nS: 554 no recipients\n" QUIT "= refused rcpt 69\n"},
    {"three deferred, DATA refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA OK "S: 450 a\nS: 451 b\nS: 452 c\nS: 503 what\n" QUIT "= deferred rcpt 75\n"},
    // RFC 2920 §3.1: the client sends the dot alone, and nobody gets anything.
    {"three refused, 354", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT
     DATA OK "S: 550 no\nS: 450 no\nS: 550 no\n" GO "C: .\nC: QUIT\nS: 554 no recipients\n"
     "S: 221 bye\n= deferred rcpt 75\n"},
    {"three refused, 354, and 250 to nothing", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA OK "S: 550 no\nS: 550 no\nS: 550 no\n" GO "C: .\nC: QUIT\n" OK
     "S: 221 bye\n? taken 0\n= refused rcpt 69\n"},
    {"three refused, 354, lost", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA OK "S: 550 no\nS: 550 no\nS: 550 no\n" GO "C: .\nC: QUIT\n! end closed\n"
     "= refused rcpt 69\n"},
    {"MAIL refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     "S: 550 no\nS: 503 a\nS: 503 b\nS: 503 c\nS: 503 d\n" QUIT "= refused mail 69\n"},
    {"MAIL deferred, recipients refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA "S: 451 no\nS: 503 a\nS: 503 b\nS: 503 c\nS: 503 d\n" QUIT
     "= deferred mail 75\n"},
    {"MAIL refused, the rest accepted", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA "S: 550 no\n" OK OK OK GO "C: .\nC: QUIT\n" OK "S: 221 bye\n"
     "? to ttt\n? accepted 0\n= refused mail 69\n"},
    {"DATA refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK OK OK "S: 554 no\n" QUIT "= refused data 69\n"},
    {"421 in the middle", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK "S: 421 bye\n= deferred rcpt 75\n"},
    {"421 to DATA", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK OK OK "S: 421 bye\n= deferred data 75\n"},
    {"lost in the middle", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK "! end reset\n= lost rcpt 74 status=reset\n"},
    {"lost at DATA", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL THREE_RCPT DATA
     OK OK OK OK "! end reset\n= lost data 74 status=reset\n"},
    {"a reply too many", {NO_TLS}, .text = BEGIN("PIPELINING") MAIL RCPT DATA
     OK OK OK "= protocol-error data 76 status=reply-impossible\n"},
    {"stop at rcpt sends no DATA", {NO_TLS, TO_THREE, .stop = true, .stop_after = EHLO_STAGE_RCPT},
     .text = BEGIN("PIPELINING") MAIL THREE_RCPT OK OK "S: 550 no\nS: 450 no\n" QUIT
     "= stopped rcpt 0\n"},
    {"lower-case pipelining", {NO_TLS}, .text = BEGIN("pipelining") MAIL RCPT DATA "! end closed\n"
     "= lost mail 74 status=closed\n"},
    {"PIPELININGX is not", {NO_TLS}, .text = BEGIN("PIPELININGX") MAIL "! end closed\n"
     "= lost mail 74 status=closed\n"},
};

Test(submit_envelope, recipients_pipelined) {
  RUN_CASES(pipelined);
}

// ---- Many recipients ----------------------------------------------------------------------------

#define MANY 200
static char addresses[MANY][300];
static struct ehlo_span many[MANY];
static char text[EHLO_CASE_TEXT_MAX];

static void add(const char *more) {
  cr_assert(strlen(text) + strlen(more) < sizeof(text));
  strcat(text, more);
}

static void add_rcpts(size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    add("C: RCPT TO:<");
    add(addresses[i]);
    add(">\n");
  }
}

// `pad`: the local part has so many more octets.
static void make_addresses(int pad) {
  for (size_t i = 0; i < MANY; i++) {
    sprintf(addresses[i], "r%zu%.*s@mail.%.*s.ex", i, pad > 50 ? 50 : pad,
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", pad > 0 ? 150 : 1,
            "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
            "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
    many[i] = ehlo_str(addresses[i]);
  }
}

// Every seventh is refused for good, every eleventh of the others for now.
static const char *reply_to(size_t i) {
  return i % 7 == 3 ? "S: 550 no\n" : i % 11 == 5 ? "S: 452 4.2.2 full\n" : "S: 250 ok\n";
}

static size_t num_accepted(void) {
  size_t n = 0;
  for (size_t i = 0; i < MANY; i++) {
    n += reply_to(i)[3] == '2';
  }
  return n;
}

static void run_many(const char *name) {
  struct ehlo_submit_case one = {name, {NO_TLS, .to = many, .num_to = MANY}, .text = text};
  ehlo_submit_case_run(&one);
}

Test(submit_envelope, many_one_by_one) {
  make_addresses(0);
  strcpy(text, BEGIN("x") MAIL OK);
  for (size_t i = 0; i < MANY; i++) {
    add_rcpts(i, i + 1);
    add(reply_to(i));
  }
  add(DATA GO BODY OK QUIT);
  sprintf(text + strlen(text), "? flights %d\n? taken %zu\n= partial quit 1\n", MANY + 5,
          num_accepted());
  run_many("200 recipients, one by one");
}

// With 64 commands outstanding the client waits; each reply makes room for one more.
Test(submit_envelope, many_pipelined) {
  make_addresses(0);
  strcpy(text, BEGIN("PIPELINING") MAIL);
  add_rcpts(0, EHLO_PENDING_MAX - 1);
  add(OK);
  for (size_t i = 0; i < MANY; i++) {
    size_t next = i + EHLO_PENDING_MAX - 1;
    if (next <= MANY) {
      add_rcpts(next, next < MANY ? next + 1 : next);
      add(next == MANY ? DATA : "");
    }
    add(reply_to(i));
  }
  add(GO BODY "C: QUIT\n" OK "S: 221 bye\n");
  sprintf(text + strlen(text), "? taken %zu\n= partial quit 1\n", num_accepted());
  run_many("200 recipients, pipelined");
}

Test(submit_envelope, many_in_flights) {
  make_addresses(0);
  strcpy(text, BEGIN("PIPELINING") MAIL);
  size_t sent = EHLO_PENDING_MAX - 1;
  add_rcpts(0, sent);
  add(OK);
  for (size_t i = 0; i < MANY;) {
    size_t due = sent - i + (i == 0);  // the 250 to MAIL makes room too
    for (; i < sent; i++) {
      add(reply_to(i));
    }
    add_rcpts(sent, sent + due < MANY ? sent + due : MANY);
    add(sent < MANY && sent + due > MANY ? DATA : "");
    sent = sent + due < MANY ? sent + due : MANY;
  }
  add(GO BODY "C: QUIT\n" OK "S: 221 bye\n");
  sprintf(text + strlen(text), "? flights 6\n? taken %zu\n= partial quit 1\n", num_accepted());
  run_many("200 recipients in flights of 64");
}

// 63 lines of 240 octets do not fit into the output at once: it goes on as it is taken.
Test(submit_envelope, many_long_ones) {
  make_addresses(50);
  strcpy(text, BEGIN("PIPELINING") MAIL);
  add_rcpts(0, EHLO_PENDING_MAX - 1);
  add("! end closed\n= lost mail 74 status=closed\n");
  run_many("200 long addresses");
}

Test(submit_envelope, many_and_mail_refused) {
  make_addresses(0);
  strcpy(text, BEGIN("PIPELINING") MAIL);
  add_rcpts(0, EHLO_PENDING_MAX - 1);
  add("S: 550 no\nC: QUIT\n");
  for (size_t i = 0; i < EHLO_PENDING_MAX - 1; i++) {
    add("S: 503 no MAIL\n");
  }
  add("S: 221 bye\n= refused mail 69\n");
  run_many("no more recipients once MAIL was refused");
}

// ---- What cannot be sent ------------------------------------------------------------------------

static const struct ehlo_span bad_addresses[] = {
    SPAN("a@x\r\nRCPT TO:<c@x"), SPAN("a@x\r"),  SPAN("a@x\n"),      SPAN("a\0@x"),
    SPAN("a b@x"),               SPAN("a@x y"),  SPAN("a@x> SIZE=1"), SPAN("<a@x>"),
    SPAN("a@x\x7f"),             SPAN("a\t@x"),  SPAN("a@"),         SPAN("@"),
    SPAN("a@b@c"),               SPAN("\x1b[2J@x"),
};

Test(submit_envelope, bad_addresses_stay_unsent) {
  for (size_t i = 0; i < sizeof(bad_addresses) / sizeof(bad_addresses[0]); i++) {
    struct ehlo_span bad = bad_addresses[i];
    struct ehlo_span second[] = {SPAN("b@mail.example"), bad};
    struct ehlo_submit_case cases[] = {
        {"bad sender", {NO_TLS, .from = bad}, .text = BEGIN("SMTPUTF8") QUIT
         "= usage mail 64 problem=argument status=argument\n"},
        {"bad recipient", {NO_TLS, .to = &bad, .num_to = 1}, .text = BEGIN("x") QUIT
         "= usage rcpt 64 problem=argument status=argument\n"},
        {"bad second recipient", {NO_TLS, .to = second, .num_to = 2}, .text = BEGIN("PIPELINING")
         QUIT "= usage rcpt 64 problem=argument status=argument\n"},
    };
    RUN_CASES(cases);
  }
}

#define UTF8_FROM .from = SPAN("\xc3\xbc@client.example")
static const struct ehlo_span utf8_to = SPAN("\xc3\xb6@mail.example");
static const struct ehlo_span bad_utf8 = SPAN("\xc3@mail.example");
static const struct ehlo_span overlong = SPAN("\xc0\xaf@mail.example");
static const struct ehlo_span long_to = SPAN(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@mail.example");

static const struct ehlo_submit_case utf8[] = {
    {"sender, not offered", {NO_TLS, UTF8_FROM}, .text = BEGIN("8BITMIME") QUIT
     "= usage mail 64 problem=unsupported missing=SMTPUTF8\n"},
    {"recipient, not offered", {NO_TLS, .to = &utf8_to, .num_to = 1}, .text = BEGIN("8BITMIME")
     QUIT "= usage mail 64 problem=unsupported missing=SMTPUTF8\n"},
    {"not offered, forced all the same", {NO_TLS, UTF8_FROM, .force = true}, .text = BEGIN("x") QUIT
     "= usage mail 64 problem=unsupported missing=SMTPUTF8\n"},
    {"sender", {NO_TLS, UTF8_FROM}, .text = BEGIN("SMTPUTF8")
     "C: MAIL FROM:<\\xc3\\xbc@client.example> SMTPUTF8\n" OK RCPT OK DATA GO BODY OK QUIT
     "= accepted quit 0\n"},
    {"recipient", {NO_TLS, .to = &utf8_to, .num_to = 1}, .text = BEGIN("SMTPUTF8")
     "C: MAIL FROM:<a@client.example> SMTPUTF8\n" OK "C: RCPT TO:<\\xc3\\xb6@mail.example>\n" OK
     DATA GO BODY OK QUIT "= accepted quit 0\n"},
    {"what stands behind an address is none of it", {NO_TLS, .from = {(const uint8_t *)"a@x.ex\xc3", 6}},
     .text = BEGIN("x") "C: MAIL FROM:<a@x.ex>\nS: 550 no\n" QUIT "= refused mail 69\n"},
    {"offered and not needed", {NO_TLS}, .text = BEGIN("SMTPUTF8") MAIL "S: 550 no\n" QUIT
     "= refused mail 69\n"},
    {"half a character", {NO_TLS, .to = &bad_utf8, .num_to = 1}, .text = BEGIN("SMTPUTF8")
     QUIT "= usage rcpt 64 problem=argument status=argument\n"},
    {"an overlong character", {NO_TLS, .to = &overlong, .num_to = 1}, .text = BEGIN("SMTPUTF8")
     QUIT "= usage rcpt 64 problem=argument status=argument\n"},
    {"a local part too long", {NO_TLS, .to = &long_to, .num_to = 1}, .text = BEGIN("x") QUIT
     "= usage rcpt 64 problem=argument status=too-long\n"},
};

Test(submit_envelope, smtputf8) {
  RUN_CASES(utf8);
}

#define SIZE_IS(n) .message_size = n
#define IS_8BIT .message_is_8bit = true
#define WITH(params) \
  "C: MAIL FROM:<a@client.example> " params "\nS: 550 no\n" QUIT "= refused mail 69\n"
#define WITHOUT MAIL "S: 550 no\n" QUIT "= refused mail 69\n"

static const struct ehlo_submit_case params[] = {
    {"just fitting", {NO_TLS, SIZE_IS(1000)}, .text = BEGIN("SIZE 1000") WITH("SIZE=1000")},
    {"one too big", {NO_TLS, SIZE_IS(1001)}, .text = BEGIN("SIZE 1000") QUIT
     "= refused mail 69 problem=too-big\n"},
    {"too big, forced", {NO_TLS, SIZE_IS(1001), .force = true}, .text = BEGIN("SIZE 1000")
     WITH("SIZE=1001")},
    {"no limit told", {NO_TLS, SIZE_IS(1001)}, .text = BEGIN("SIZE") WITH("SIZE=1001")},
    {"a limit of 0 is none", {NO_TLS, SIZE_IS(1001)}, .text = BEGIN("SIZE 0") WITH("SIZE=1001")},
    {"SIZE not offered", {NO_TLS, SIZE_IS(1001)}, .text = BEGIN("x") WITHOUT},
    {"size not known", {NO_TLS}, .text = BEGIN("SIZE 1000") WITHOUT},
    {"one octet", {NO_TLS, SIZE_IS(1)}, .text = BEGIN("SIZE") WITH("SIZE=1")},
    {"ten", {NO_TLS, SIZE_IS(10)}, .text = BEGIN("SIZE") WITH("SIZE=10")},
    {"over 32 bits", {NO_TLS, SIZE_IS(4294967297)}, .text = BEGIN("SIZE") WITH("SIZE=4294967297")},
    {"over a limit of 32 bits", {NO_TLS, SIZE_IS(4294967297)}, .text = BEGIN("SIZE 4294967296") QUIT
     "= refused mail 69 problem=too-big\n"},
    {"the biggest", {NO_TLS, SIZE_IS(UINT64_MAX)}, .text = BEGIN("SIZE")
     WITH("SIZE=18446744073709551615")},
    {"a limit over 64 bits", {NO_TLS, SIZE_IS(1000)}, .text = BEGIN("SIZE 99999999999999999999999")
     WITH("SIZE=1000")},
    {"8-bit, not offered", {NO_TLS, IS_8BIT}, .text = BEGIN("SMTPUTF8") QUIT
     "= usage mail 65 problem=8bit\n"},
    {"8-bit", {NO_TLS, IS_8BIT}, .text = BEGIN("8BITMIME") WITH("BODY=8BITMIME")},
    {"8-bit, forced", {NO_TLS, IS_8BIT, .force = true}, .text = BEGIN("x") WITHOUT},
    {"8-bit, forced where offered", {NO_TLS, IS_8BIT, .force = true}, .text = BEGIN("8BITMIME")
     WITH("BODY=8BITMIME")},
    {"7-bit", {NO_TLS}, .text = BEGIN("8BITMIME") WITHOUT},
    {"8-bit after HELO", {NO_TLS, IS_8BIT}, .text = "S: 220 hi\nC: EHLO client.example\n"
     "S: 502 what\nC: HELO client.example\nS: 250-mail\nS: 250 8BITMIME\n" QUIT
     "= usage mail 65 problem=8bit\n"},
    {"too big comes before 8-bit", {NO_TLS, SIZE_IS(11), IS_8BIT}, .text = BEGIN("SIZE 10") QUIT
     "= refused mail 69 problem=too-big\n"},
    {"all of them", {NO_TLS, SIZE_IS(UINT64_MAX), IS_8BIT, UTF8_FROM},
     .text = "S: 220 hi\nC: EHLO client.example\nS: 250-mail\nS: 250-SMTPUTF8\nS: 250-8BITMIME\n"
     "S: 250 SIZE\nC: MAIL FROM:<\\xc3\\xbc@client.example> SIZE=18446744073709551615 "
     "BODY=8BITMIME SMTPUTF8\nS: 550 no\n" QUIT "= refused mail 69\n"},
};

Test(submit_envelope, parameters) {
  RUN_CASES(params);
}

// ---- The message --------------------------------------------------------------------------------

static const struct ehlo_submit_case messages[] = {
    {"dots are doubled", {NO_TLS}, .message = ".a\n..\nb.\n.",
     .text = BEGIN("x") MAIL OK RCPT OK DATA GO "C: ..a\nC: ...\nC: b.\nC: ..\nC: .\n" OK QUIT
     "= accepted quit 0\n"},
    {"an empty message", {NO_TLS}, .message = "",
     .text = BEGIN("x") MAIL OK RCPT OK DATA GO "C: .\n" OK QUIT "= accepted quit 0\n"},
    {"no line end at the end", {NO_TLS}, .message = "a\r\n\r\nb",
     .text = BEGIN("x") MAIL OK RCPT OK DATA GO "C: a\nC: \nC: b\nC: .\n" OK QUIT
     "= accepted quit 0\n"},
    {"a bare CR: nothing ends the message", {NO_TLS}, .message = "a\nb\rc\n",
     .text = BEGIN("x") MAIL OK RCPT OK DATA GO "C: a\nC+ b\n"
     "= usage body 65 problem=message status=bare-cr\n"},
    {"a CR at the end", {NO_TLS}, .message = "a\nb\r",
     .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO "C: a\nC+ b\n"
     "= usage body 65 problem=message status=bare-cr\n"},
    {"DATA 554", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "S: 554 no\n" QUIT
     "= refused data 69\n"},
    {"DATA 451", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "S: 451 later\n" QUIT
     "= deferred data 75\n"},
    {"DATA 334", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "S: 334 what\n"
     "= protocol-error data 76 status=reply-impossible\n"},
    {"DATA 250", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "S: 250 what\n"
     "= protocol-error data 76 status=reply-impossible\n"},
    {"250", {NO_TLS}, .text = UP_TO_DOT "S: 250 2.0.0 queued\n" QUIT "= accepted quit 0\n"},
    {"251, another success", {NO_TLS}, .text = UP_TO_DOT "S: 251 ok\n" QUIT "= accepted quit 0\n"},
    {"451", {NO_TLS}, .text = UP_TO_DOT "S: 451 4.3.0 later\n" QUIT "= deferred body 75\n"},
    {"552", {NO_TLS}, .text = UP_TO_DOT "S: 552 too big\n" QUIT "= refused body 69\n"},
    {"554", {NO_TLS}, .text = UP_TO_DOT "S: 554 5.7.1 spam\n" QUIT "= refused body 69\n"},
    {"354", {NO_TLS}, .text = UP_TO_DOT "S: 354 what\n"
     "= protocol-error body 76 status=reply-impossible\n"},
    {"421", {NO_TLS}, .text = UP_TO_DOT "S: 421 later\n= deferred body 75\n"},
};

Test(submit_envelope, messages) {
  RUN_CASES(messages);
}

// A message of 10,000 lines goes through the output in pieces.
Test(submit_envelope, a_long_message) {
  static char message[40001];
  strcpy(text, BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO);
  for (size_t i = 0; i + 5 <= sizeof(message); i += 4) {
    memcpy(message + i, ".ab\n", 5);
    add("C: ..ab\n");
  }
  add("C: .\nC: QUIT\n" OK "S: 221 bye\n= accepted quit 0\n");
  struct ehlo_submit_case one = {"long message", {NO_TLS}, .message = message, .text = text};
  ehlo_submit_case_run(&one);
}

// The message "hi" is seven octets on the wire, with the dot: whether the server may have it is
// decided by the last of them.
static const struct ehlo_submit_case the_dot[] = {
    {"nothing taken", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "! room 0\n" GO
     "! end reset\n= lost body 74 status=reset\n"},
    {"all but the last octet taken", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "! room 6\n"
     GO "C: hi\nC+ .\\x0d\n! end reset\n= lost body 74 status=reset\n"},
    {"the dot taken", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "! room 7\n" GO BODY
     "! end reset\n= unknown body 79 status=reset\n"},
    {"the dot taken, QUIT not", {NO_TLS}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK
     "! room 7\n" GO BODY "! end closed\n= unknown body 79 status=closed\n"},
    {"the dot and half of QUIT", {NO_TLS}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK
     "! room 9\n" GO BODY "C+ QU\n! end tls\n= unknown body 79 status=tls\n"},
    {"too slow before the dot", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "! room 6\n"
     GO "C: hi\nC+ .\\x0d\n! timeout\n= timeout body 75 status=timeout\n"},
    {"a reply before the dot was taken", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA
     "! room 6\n" GO "C: hi\nC+ .\\x0d\nS: 250 ok\n"
     "= protocol-error body 76 status=reply-early\n"},
    {"421 before the dot was taken", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA "! room 6\n"
     GO "C: hi\nC+ .\\x0d\nS: 421 bye\n= deferred body 75\n"},
    {"lost with one of three accepted", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL
     THREE_RCPT DATA OK "S: 550 no\n" OK "S: 550 no\n" GO BODY "C: QUIT\n! end closed\n"
     "= unknown body 79 status=closed\n"},
};

Test(submit_envelope, lost_around_the_dot) {
  RUN_CASES(the_dot);
}

// ---- QUIT ---------------------------------------------------------------------------------------

// What comes after the final reply, alone and behind a pipelined QUIT: the result stands.
static const char *const after_the_result[] = {
    "S: 221 bye\n",          "S: 250 what\n",    "S: 500 what\n",       "S: 554 no\n",
    "S: 421 bye\n",          "S: 354 what\n",    "S: rubbish\n",        "S: 22\\\n! end closed\n",
    "S: 221-a\nS: 221 b\n",  "! end closed\n",   "! end reset\n",       "! end tls\n",
    "! end timeout\n",       "! timeout\n",      "S: 221-a\nS: 500 b\n", "S: 221 a\nS: 221 b\n",
};

static const struct {
  const char *result;
  const char *verdict;
} results[] = {
    {"S: 250 queued\n", "= accepted quit 0\n"},
    {"S: 451 later\n", "= deferred body 75\n"},
    {"S: 554 no\n", "= refused body 69\n"},
};

Test(submit_envelope, quit_changes_nothing) {
  for (size_t r = 0; r < sizeof(results) / sizeof(results[0]); r++) {
    for (size_t i = 0; i < sizeof(after_the_result) / sizeof(after_the_result[0]); i++) {
      strcpy(text, UP_TO_DOT);
      add(results[r].result);
      add("C: QUIT\n");
      add(after_the_result[i]);
      add(results[r].verdict);
      struct ehlo_submit_case one = {after_the_result[i], {NO_TLS}, .text = text};
      ehlo_submit_case_run(&one);
      strcpy(text, BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO BODY "C: QUIT\n");
      add(results[r].result);
      add(after_the_result[i]);
      add(results[r].verdict);
      ehlo_submit_case_run(&one);
    }
  }
}

static const struct ehlo_submit_case goodbyes[] = {
    {"QUIT after a refusal is not answered", {NO_TLS}, .text = BEGIN("x") MAIL "S: 550 no\n"
     "C: QUIT\n! end reset\n= refused mail 69\n"},
    {"lost before QUIT was taken", {NO_TLS}, .text = UP_TO_DOT "! room 0\n" OK "! end reset\n"
     "= accepted quit 0\n"},
};

Test(submit_envelope, goodbyes) {
  RUN_CASES(goodbyes);
}
