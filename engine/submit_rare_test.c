// Tests of the submission policy where it seldom comes: messages and recipients that differ, a full
// output, commands of the caller's own, calls at the wrong time.
//
// The scripts are laid out by hand.
// clang-format off
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/submit_testing.h"

#define NO_TLS .tls = EHLO_TLS_NONE
#define HELLO "S: 220 mail.example ESMTP\nC: EHLO client.example\n"
#define BEGIN(offers) HELLO "S: 250-mail.example\nS: 250 " offers "\n"
#define BEGIN_CHUNKS HELLO "S: 250-mail.example\nS: 250-PIPELINING\nS: 250 CHUNKING\n"
#define LIMITS(limits) HELLO "S: 250-mail.example\nS: 250-PIPELINING\nS: 250 LIMITS " limits "\n"
#define MAIL "C: MAIL FROM:<a@client.example>\n"
#define RCPT "C: RCPT TO:<b@mail.example>\n"
#define TO(address) "C: RCPT TO:<" address ">\n"
#define OK "S: 250 ok\n"
#define NO "S: 550 no\n"
#define DATA "C: DATA\n"
#define GO "S: 354 go\n"
#define BODY "C: hi\nC: .\n"
#define BDAT "C: BDAT 4 LAST\nC: hi\n"
#define QUIT "C: QUIT\nS: 221 bye\n"
#define SENDS_CHUNKS NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 4
#define TWO .num_messages = 2
#define THREE .num_messages = 3

// ---- Messages that differ -----------------------------------------------------------------------

static const struct ehlo_submit_case differing[] = {
    {"the second cannot be sent", {SENDS_CHUNKS, THREE, .second_to = SPAN("a b@mail.example")},
     .text = BEGIN_CHUNKS MAIL RCPT BDAT MAIL RCPT BDAT "C: QUIT\n" OK OK OK OK OK OK "S: 221 bye\n"
     "? message 0 accepted quit\n? message 1 usage rcpt\n? message 2 accepted quit\n"
     "= partial quit 1\n"},
    {"the first of two MAIL refused, both on their way", {SENDS_CHUNKS, TWO}, .text = BEGIN_CHUNKS
     MAIL RCPT BDAT MAIL RCPT BDAT "C: QUIT\n" NO "S: 503 a\nS: 503 b\n" OK OK OK "S: 221 bye\n"
     "? message 0 refused mail\n? message 1 accepted quit\n= partial quit 1\n"},
    {"both lost", {SENDS_CHUNKS, TWO}, .text = BEGIN_CHUNKS MAIL RCPT BDAT MAIL RCPT BDAT "C: QUIT\n"
     "! end reset\n? message 0 unknown body\n? message 1 unknown body\n"
     "= unknown body 79 status=reset\n"},
    // RFC 9422: with its only recipient for another session a message is a MAIL that comes to nothing.
    {"nobody of the second fits", {NO_TLS, THREE, .second_to = SPAN("c@y.ex")},
     .text = BEGIN("LIMITS RCPTDOMAINMAX=1") MAIL OK RCPT OK DATA GO BODY OK MAIL OK "C: RSET\n" OK
     MAIL OK RCPT OK DATA GO BODY OK QUIT "? message 1 deferred rcpt\n? message 2 accepted quit\n"
     "= partial quit 1\n"},
    {"a domain that no RCPT named", {NO_TLS, TWO, .second_to = SPAN("c@y.ex")},
     .text = BEGIN("LIMITS RCPTDOMAINMAX=1") MAIL NO MAIL OK "C: RCPT TO:<c@y.ex>\n" OK DATA GO BODY OK
     QUIT "? message 0 refused mail\n? message 1 accepted quit\n= partial quit 1\n"},
    {"nobody of the last fits, pipelined", {NO_TLS, TWO, .second_to = SPAN("c@y.ex")},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL RCPT DATA OK OK GO BODY MAIL "C: QUIT\n" OK OK
     "S: 221 bye\n? message 0 accepted quit\n? message 1 deferred rcpt\n= partial rcpt 1\n"},
};

Test(submit_rare, messages_that_differ) {
  RUN_CASES(differing);
}

// ---- Domains ------------------------------------------------------------------------------------

static const struct ehlo_span digits[] = {SPAN("b@1.ex"), SPAN("b@2.ex")};
static const struct ehlo_span capitals[] = {SPAN("b@[IPv6:::Ab]"), SPAN("b@[IPv6:::aB]")};
static const struct ehlo_span umlauts[] = {SPAN("b@\xc3\xa4.ex"), SPAN("b@\xc3\x84.ex")};
static const struct ehlo_span local[] = {SPAN("b@x.ex"), SPAN("postmaster"), SPAN("Postmaster")};
static const struct ehlo_span ten[] = {
    SPAN("b@1.ex"), SPAN("b@2.ex"), SPAN("b@3.ex"), SPAN("b@4.ex"), SPAN("b@5.ex"), SPAN("b@6.ex"),
    SPAN("b@7.ex"), SPAN("b@8.ex"), SPAN("b@9.ex"), SPAN("b@0.ex")};

static const struct ehlo_submit_case domains[] = {
    {"other digits", {NO_TLS, .to = digits, .num_to = 2}, .text = LIMITS("RCPTDOMAINMAX=1") MAIL
     TO("b@1.ex") DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? to ad\n= partial quit 1\n"},
    {"letters in another case, in brackets", {NO_TLS, .to = capitals, .num_to = 2},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL TO("b@[IPv6:::Ab]") TO("b@[IPv6:::aB]") DATA OK OK OK GO
     BODY "C: QUIT\n" OK "S: 221 bye\n? to aa\n= accepted quit 0\n"},
    // Case is ASCII's: what a bit parts beyond it are other letters.
    {"beyond ASCII", {NO_TLS, .to = umlauts, .num_to = 2}, .text = HELLO "S: 250-x\nS: 250-SMTPUTF8\n"
     "S: 250 LIMITS RCPTDOMAINMAX=1\nC: MAIL FROM:<a@client.example> SMTPUTF8\n" OK
     TO("b@\\xc3\\xa4.ex") OK DATA GO BODY OK QUIT "? to ad\n= partial quit 1\n"},
    {"none at all is one of its own", {NO_TLS, .to = local, .num_to = 3},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL TO("b@x.ex") DATA OK OK GO BODY "C: QUIT\n" OK
     "S: 221 bye\n? to add\n= partial quit 1\n"},
    {"more than are told apart", {NO_TLS, .to = ten, .num_to = 10}, .text = LIMITS("RCPTDOMAINMAX=9")
     MAIL TO("b@1.ex") TO("b@2.ex") TO("b@3.ex") TO("b@4.ex") TO("b@5.ex") TO("b@6.ex") TO("b@7.ex")
     TO("b@8.ex") TO("b@9.ex") TO("b@0.ex") DATA OK OK OK OK OK OK OK OK OK OK "S: 550 5.5.3 no\n" GO
     BODY "C: QUIT\n" OK "S: 221 bye\n? to aaaaaaaaar\n= partial quit 1\n"},
    {"as many as are told apart", {NO_TLS, .to = ten, .num_to = 9}, .text = LIMITS("RCPTDOMAINMAX=8")
     MAIL TO("b@1.ex") TO("b@2.ex") TO("b@3.ex") TO("b@4.ex") TO("b@5.ex") TO("b@6.ex") TO("b@7.ex")
     TO("b@8.ex") DATA OK OK OK OK OK OK OK OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? to aaaaaaaad\n= partial quit 1\n"},
};

Test(submit_rare, domains) {
  RUN_CASES(domains);
}

// ---- What the client refuses --------------------------------------------------------------------

#define UNSENDABLE(stage, status) "= usage " stage " 64 problem=argument status=" status "\n"
static char longest[1501];
static const struct ehlo_span other_452[] = {SPAN("b@x.ex"), SPAN("c@x.ex")};

static const struct ehlo_submit_case refused[] = {
    {"SIZE, which is ours to say", {NO_TLS, .message_size = 4, .mail_params = SPAN("SIZE=5")},
     .text = BEGIN("SIZE") QUIT UNSENDABLE("mail", "argument")},
    {"the longest parameters", {NO_TLS, .mail_params = {(const uint8_t *)longest, 1500}},
     .text = BEGIN("SIZE") "C: MAIL FROM:<a@client.example> \\{X*1500}\n" NO QUIT "= refused mail 69\n"},
    {"and one more", {NO_TLS, .mail_params = {(const uint8_t *)longest, 1501}}, .text = BEGIN("SIZE")
     QUIT UNSENDABLE("mail", "too-long")},
    {"and ours before them", {NO_TLS, .message_size = 4,
     .mail_params = {(const uint8_t *)longest, 1494}}, .text = BEGIN("SIZE") QUIT
     UNSENDABLE("mail", "too-long")},
    {"and ours, just fitting", {NO_TLS, .message_size = 4,
     .mail_params = {(const uint8_t *)longest, 1493}}, .text = BEGIN("SIZE")
     "C: MAIL FROM:<a@client.example> SIZE=4 \\{X*1493}\n" NO QUIT "= refused mail 69\n"},
    {"RCPT, where the buffer is small", {NO_TLS, .rcpt_params = {(const uint8_t *)longest, 600}},
     .text = BEGIN("x") MAIL OK QUIT "? to w\n" UNSENDABLE("rcpt", "too-long"),
     .buf_len = EHLO_BUFFER_MIN},
    {"XCLIENT in a form that is wrong", {NO_TLS, .xclient = SPAN("ADDR=")}, .text = HELLO "S: 250-x\n"
     "S: 250 XCLIENT ADDR\n" QUIT UNSENDABLE("ehlo", "argument")},
    {"chunks asked for and offered", {NO_TLS, .transfer = EHLO_TRANSFER_BDAT, .message_size = 4},
     .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK OK "S: 221 bye\n= accepted quit 0\n"},
    {"binary needs no 8BITMIME", {NO_TLS, .message_is_binary = true, .message_is_8bit = true,
     .message_size = 2}, .message = "\xff\n", .text = HELLO "S: 250-x\nS: 250-CHUNKING\n"
     "S: 250 BINARYMIME\nC: MAIL FROM:<a@client.example> BODY=BINARYMIME\n" OK RCPT OK
     "C: BDAT 2 LAST\nC+ \\xff\\x0a\n" OK QUIT "= accepted quit 0\n"},
    {"452 with another detail is for one recipient", {NO_TLS, .to = other_452, .num_to = 2},
     .text = BEGIN("x") MAIL OK TO("b@x.ex") OK TO("c@x.ex") "S: 452 4.5.1 no\n" DATA GO BODY OK QUIT
     "? to ad\n= partial quit 1\n"},
};

Test(submit_rare, what_the_client_refuses) {
  memset(longest, 'X', sizeof(longest));
  RUN_CASES(refused);
}

// ---- A full output ------------------------------------------------------------------------------

static char text[EHLO_CASE_TEXT_MAX];

static void add(const char *more) {
  strcat(text, more);
}

static void add_lines(size_t num) {
  for (; num > 0; num--) {
    add("C: \\{x*998}\n");
  }
}

// Messages of `size` octets in lines of 1000, without their CR.
static const char *make_message(size_t size) {
  static char message[30000];
  size_t at = 0;
  for (; size >= 1000; size -= 1000) {
    memset(message + at, 'x', 998);
    message[at + 998] = '\n';
    at += 999;
  }
  if (size > 0) {
    memset(message + at, 'x', size);
    message[at + size - 2] = '\n';
    at += size - 1;
  }
  message[at] = '\0';
  return message;
}

// Three of them leave no room for the fourth MAIL, which waits and is not given up.
Test(submit_rare, no_room_for_mail) {
  strcpy(text, "! room 21\n" BEGIN_CHUNKS "? flights 1\n! room 100000\n");
  for (size_t i = 0; i < 4; i++) {
    add(MAIL RCPT "C: BDAT 4530 LAST\nC: \\{x*998}\nC: \\{x*998}\nC: \\{x*998}\nC: \\{x*998}\n"
        "C: \\{x*528}\n");
  }
  add("C: QUIT\n" OK OK OK OK OK OK OK OK OK OK OK OK "S: 221 bye\n? accepted 4\n= accepted quit 0\n");
  struct ehlo_submit_case one = {"four", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 4530,
                                 .num_messages = 4}, .message = make_message(4530), .text = text};
  ehlo_submit_case_run(&one);
}

// A chunk that was begun is given to its end, though its MAIL was refused: the server counts octets.
Test(submit_rare, refused_within_a_chunk) {
  strcpy(text, "! room 5001\n" BEGIN_CHUNKS MAIL RCPT "C: BDAT 20000 LAST\n");
  add("C: \\{x*998}\nC: \\{x*998}\nC: \\{x*998}\nC: \\{x*998}\nC+ \\{x*907}\n" NO "! room 100000\n");
  add("C: \\{x*91}\n");
  add_lines(15);
  add("C: QUIT\nS: 503 a\nS: 503 b\nS: 221 bye\n= refused mail 69\n");
  struct ehlo_submit_case one = {"one", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 20000},
                                 .message = make_message(20000), .text = text};
  ehlo_submit_case_run(&one);
}

// The second chunk goes on, whatever becomes of the first message meanwhile.
Test(submit_rare, refused_with_another_chunk_under_way) {
  strcpy(text, "! room 21179\n" BEGIN_CHUNKS MAIL RCPT "C: BDAT 20000 LAST\n");
  add_lines(20);
  add(MAIL RCPT "C: BDAT 20000 LAST\nC: \\{x*998}\nC+ \\{x*12}\n");
  add(NO "S: 503 a\nS: 503 b\n! room 100000\nC: \\{x*986}\n");
  add_lines(18);
  add("C: QUIT\n" OK OK OK "S: 221 bye\n? message 0 refused mail\n? message 1 accepted quit\n"
      "= partial quit 1\n");
  struct ehlo_submit_case two = {"two", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 20000, TWO},
                                 .message = make_message(20000), .text = text};
  ehlo_submit_case_run(&two);
}

// ---- The caller ---------------------------------------------------------------------------------

static struct ehlo_client client;
static struct ehlo_submit submit;
static uint8_t buf[EHLO_BUFFER_DEFAULT];

static void begin(const struct ehlo_submit_config *cfg) {
  static const struct ehlo_config config = {.timeouts = {0}};
  ehlo_client_init(&client, &config, buf, sizeof(buf), 0);
  ehlo_submit_init(&submit, cfg);
}

static void feed(const char *in) {
  size_t used;
  ehlo_input(&client, &used, (const uint8_t *)in, strlen(in), 0);
  cr_assert_eq(used, strlen(in));
}

static enum ehlo_event_type next(struct ehlo_event *event) {
  return ehlo_submit_next(&submit, &client, event);
}

static void expect_output(const char *want) {
  struct ehlo_output out;
  cr_assert(ehlo_output_peek(&client, &out), "nothing instead of %s", want);
  cr_assert_eq(out.span.len, strlen(want), "[%.*s]", (int)out.span.len, out.span.bytes);
  cr_assert_arr_eq(out.span.bytes, want, strlen(want));
  ehlo_output_ack(&client, out.span.len, 0);
}

static void greet(const char *replies) {
  struct ehlo_event event;
  feed("220 x\r\n");
  cr_assert_eq(next(&event), EHLO_EVENT_REPLY);
  cr_assert_eq(next(&event), EHLO_EVENT_NONE);
  expect_output("EHLO c\r\n");
  feed(replies);
  cr_assert_eq(next(&event), EHLO_EVENT_REPLY);
}

static enum ehlo_status send_own(enum ehlo_verb verb) {
  struct ehlo_span word = ehlo_str("x");
  return verb == EHLO_VERB_NOOP   ? ehlo_send_noop(&client, word)
         : verb == EHLO_VERB_VRFY ? ehlo_send_vrfy(&client, word)
         : verb == EHLO_VERB_EXPN ? ehlo_send_expn(&client, word)
         : verb == EHLO_VERB_HELP ? ehlo_send_help(&client, word)
         : verb == EHLO_VERB_ETRN ? ehlo_send_etrn(&client, word)
                                  : ehlo_send_raw(&client, word);
}

// With no message to send a caller may ask something of its own before QUIT. Whatever the answer, it
// decides nothing.
Test(submit_rare, a_command_of_the_callers_own) {
  static const enum ehlo_verb verbs[] = {EHLO_VERB_NOOP, EHLO_VERB_VRFY, EHLO_VERB_EXPN,
                                         EHLO_VERB_HELP, EHLO_VERB_ETRN, EHLO_VERB_OTHER};
  static const char *const lines[] = {"NOOP x\r\n", "VRFY x\r\n", "EXPN x\r\n",
                                      "HELP x\r\n", "ETRN x\r\n", "x\r\n"};
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
    struct ehlo_event event;
    begin(&(struct ehlo_submit_config){.helo_name = ehlo_str("c"), NO_TLS});
    greet("250-x\r\n250 ETRN\r\n");
    cr_assert_eq(send_own(verbs[i]), EHLO_OK);
    cr_assert_eq(next(&event), EHLO_EVENT_NONE);
    expect_output(lines[i]);
    feed("550 5.1.1 no\r\n");
    cr_assert_eq(next(&event), EHLO_EVENT_REPLY);
    cr_assert_eq(event.verb, verbs[i]);
    cr_assert_eq(next(&event), EHLO_EVENT_NONE);
    expect_output("QUIT\r\n");
    cr_assert_eq(submit.verdict.outcome, EHLO_OUTCOME_STOPPED);
    cr_assert(!submit.finished);
  }
}

static struct ehlo_recipient recipient;
static struct ehlo_message message;

static const struct ehlo_submit_config *one_message(enum ehlo_transfer transfer) {
  static struct ehlo_submit_config cfg;
  recipient = (struct ehlo_recipient){.address = ehlo_str("b@c")};
  message = (struct ehlo_message){.from = ehlo_str("a@c"), .to = &recipient, .num_to = 1, .size = 4};
  cfg = (struct ehlo_submit_config){.helo_name = ehlo_str("c"), NO_TLS, .messages = &message,
                                    .num_messages = 1, .transfer = transfer};
  return &cfg;
}

// Text that nobody asked for is refused, and does no harm.
Test(submit_rare, a_message_before_its_time) {
  struct ehlo_event event;
  size_t used = 99;
  begin(one_message(EHLO_TRANSFER_DATA));
  greet("250 x\r\n");
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, (const uint8_t *)"hi\n", 3), EHLO_E_STATE);
  cr_expect_eq(used, 0);
  cr_expect_eq(ehlo_submit_body_end(&submit, &client), EHLO_E_STATE);
  cr_expect_eq(submit.verdict.outcome, EHLO_OUTCOME_OPEN);
  cr_assert_eq(next(&event), EHLO_EVENT_NONE);
  expect_output("MAIL FROM:<a@c>\r\n");
  cr_assert(!message.transaction.given);
  begin(&(struct ehlo_submit_config){.helo_name = ehlo_str("c"), NO_TLS});  // there is none at all
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, (const uint8_t *)"hi\n", 3), EHLO_E_STATE);
  cr_expect_eq(ehlo_submit_body_end(&submit, &client), EHLO_E_STATE);
}

// A piece of no octets is taken at any time, also behind the whole of a chunk.
Test(submit_rare, an_empty_piece) {
  struct ehlo_event event;
  size_t used;
  begin(one_message(EHLO_TRANSFER_BDAT));
  message.is_binary = true;
  greet("250-x\r\n250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING\r\n");
  cr_assert_eq(next(&event), EHLO_EVENT_BODY_WANTED);
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, NULL, 0), EHLO_OK);
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, (const uint8_t *)"hi\r\n", 4), EHLO_OK);
  cr_expect_eq(used, 4);
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, NULL, 0), EHLO_OK);
  cr_expect_eq(ehlo_submit_body(&submit, &client, &used, (const uint8_t *)"x", 1), EHLO_E_CHUNK_SIZE);
}

// The chunk was begun when the replies came, and the connection ended before the caller asked again:
// no text is wanted any more.
Test(submit_rare, lost_before_the_chunk_was_asked_for) {
  struct ehlo_event event;
  begin(one_message(EHLO_TRANSFER_AUTO));
  greet("250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
  ehlo_input_end(&client, EHLO_E_RESET);
  cr_assert_eq(next(&event), EHLO_EVENT_FAILED);
  cr_assert_eq(next(&event), EHLO_EVENT_NONE);
  cr_assert_eq(submit.verdict.outcome, EHLO_OUTCOME_LOST);
  cr_assert(submit.finished);
}

Test(submit_rare, a_problem_that_is_none) {
  cr_expect_str_eq(ehlo_submit_problem_text((enum ehlo_submit_problem)(EHLO_PROBLEM_MESSAGE + 1)),
                   "unknown problem");
}
