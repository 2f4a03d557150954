// Tests of the submission policy with several transactions: chunks, messages one behind the other,
// recipients that the server takes in portions, LMTP, and parameters that the server has to offer.
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
#define BEGIN_CHUNKS \
  "S: 220 mail.example ESMTP\nC: EHLO client.example\nS: 250-mail.example\nS: 250-PIPELINING\n" \
  "S: 250 CHUNKING\n"
#define LIMITS(limits) \
  "S: 220 mail.example ESMTP\nC: EHLO client.example\nS: 250-mail.example\nS: 250-PIPELINING\n" \
  "S: 250 LIMITS " limits "\n"
#define MAIL "C: MAIL FROM:<a@client.example>\n"
#define RCPT "C: RCPT TO:<b@mail.example>\n"
#define RCPT_N(n) "C: RCPT TO:<b" #n "@x.ex>\n"
#define OK "S: 250 ok\n"
#define NO "S: 550 no\n"
#define DATA "C: DATA\n"
#define GO "S: 354 go\n"
#define BODY "C: hi\nC: .\n"
#define BDAT "C: BDAT 4 LAST\nC: hi\n"
#define QUIT "C: QUIT\nS: 221 bye\n"
#define EARLY "S: 503 after end of data\n"
#define FULL "S: 452 4.5.3 too many\n"

static const struct ehlo_span three[] = {SPAN("b1@x.ex"), SPAN("b2@x.ex"), SPAN("b3@x.ex")};
#define TO_THREE .to = three, .num_to = 3
static const struct ehlo_span five[] = {SPAN("b1@x.ex"), SPAN("b2@x.ex"), SPAN("b3@x.ex"),
                                        SPAN("b4@x.ex"), SPAN("b5@x.ex")};
#define TO_FIVE .to = five, .num_to = 5
#define SENDS_CHUNKS NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 4
#define TWO .num_messages = 2
#define THREE .num_messages = 3

// ---- Chunks -------------------------------------------------------------------------------------

#define BEGIN_BINARY \
  "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250-CHUNKING\nS: 250 BINARYMIME\n"
static const struct ehlo_submit_case chunks[] = {
    {"one flight, and QUIT with it", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n"
     OK OK OK "S: 221 bye\n? flights 2\n? to a\n= accepted quit 0\n"},
    {"one by one without PIPELINING", {SENDS_CHUNKS}, .text = BEGIN("CHUNKING") MAIL OK RCPT OK BDAT
     OK QUIT "= accepted quit 0\n"},
    {"not offered: DATA", {SENDS_CHUNKS}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO BODY
     "C: QUIT\n" OK "S: 221 bye\n= accepted quit 0\n"},
    {"offered and not wanted: DATA", {NO_TLS, .message_size = 4}, .text = BEGIN_CHUNKS MAIL RCPT DATA
     OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n= accepted quit 0\n"},
    {"size not known: DATA", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO}, .text = BEGIN_CHUNKS MAIL RCPT
     DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n= accepted quit 0\n"},
    {"wanted and not offered", {NO_TLS, .transfer = EHLO_TRANSFER_BDAT, .message_size = 4},
     .text = BEGIN("PIPELINING") QUIT "= usage mail 64 problem=unsupported missing=CHUNKING\n"},
    {"dots are not doubled", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 11}, .message = ".\n..\n.x\n",
     .text = BEGIN_CHUNKS MAIL RCPT "C: BDAT 11 LAST\nC: .\nC: ..\nC: .x\nC: QUIT\n" OK OK OK
     "S: 221 bye\n= accepted quit 0\n"},
    {"MAIL refused", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" NO
     "S: 503 a\nS: 503 b\nS: 221 bye\n= refused mail 69\n"},
    {"MAIL refused, the chunk accepted all the same", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT
     BDAT "C: QUIT\n" NO "S: 503 a\n" OK "S: 221 bye\n? accepted 0\n= refused mail 69\n"},
    {"RCPT refused", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK NO
     "S: 554 nobody\nS: 221 bye\n? to r\n= refused rcpt 69\n"},
    {"RCPT deferred", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK
     "S: 450 later\nS: 554 nobody\nS: 221 bye\n? to d\n= deferred rcpt 75\n"},
    {"the chunk refused", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK
     "S: 554 spam\nS: 221 bye\n? to r\n= refused body 69\n"},
    {"the chunk deferred", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK
     "S: 451 later\nS: 221 bye\n? to d\n= deferred body 75\n"},
    {"QUIT waits for the replies to several recipients", {SENDS_CHUNKS, TO_THREE},
     .text = BEGIN_CHUNKS MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) BDAT OK OK NO OK "C: QUIT\n" OK
     "S: 221 bye\n? flights 3\n? to ara\n= partial quit 1\n"},
    {"lost before any reply: the server may have it", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT
     BDAT "C: QUIT\n! end reset\n= unknown body 79 status=reset\n"},
    {"lost before its reply", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK
     "! end closed\n= unknown body 79 status=closed\n"},
    {"timeout before its reply", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK
     "! timeout\n= unknown body 79 status=timeout\n"},
    {"lost, and nobody was accepted", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n"
     OK NO "! end closed\n= refused rcpt 69\n"},
    {"lost in the chunk", {SENDS_CHUNKS}, .text = "! room 92\n" BEGIN_CHUNKS
     MAIL RCPT "C: BDAT 4 LAST\nC+ hi\n! end reset\n= lost mail 74 status=reset\n"},
    {"421 in place of all", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n"
     "S: 421 bye\n= deferred mail 75\n"},
    {"421 to the chunk", {SENDS_CHUNKS}, .text = BEGIN_CHUNKS MAIL RCPT BDAT "C: QUIT\n" OK OK
     "S: 421 bye\n= deferred body 75\n"},
    {"stop after data takes DATA", {SENDS_CHUNKS, .stop = true, .stop_after = EHLO_STAGE_DATA},
     .text = BEGIN_CHUNKS MAIL RCPT DATA OK OK GO "= stopped data 0\n"},
    {"stop after rcpt", {SENDS_CHUNKS, .stop = true, .stop_after = EHLO_STAGE_RCPT},
     .text = BEGIN_CHUNKS MAIL RCPT OK OK QUIT "= stopped rcpt 0\n"},
    {"text longer than its size", {SENDS_CHUNKS}, .message = "hello\n", .text = BEGIN_CHUNKS
     MAIL RCPT "C: BDAT 4 LAST\nC+ hel\n= usage body 65 problem=message status=chunk-size\n"},
    {"text shorter than its size", {SENDS_CHUNKS}, .message = "\n", .text = BEGIN_CHUNKS
     MAIL RCPT "C: BDAT 4 LAST\nC: \n= usage body 65 problem=message status=chunk-size\n"},
    {"as large as may go ahead", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO,
     .message_size = EHLO_SUBMIT_AHEAD_MAX}, .text = BEGIN_CHUNKS MAIL RCPT "C: BDAT 65536 LAST\nC: hi\n"
     "= usage body 65 problem=message status=chunk-size\n"},
    {"one octet larger", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO,
     .message_size = EHLO_SUBMIT_AHEAD_MAX + 1}, .text = BEGIN_CHUNKS MAIL RCPT OK NO QUIT
     "= refused rcpt 69\n"},
    {"binary, which is 8-bit too", {NO_TLS, .message_is_binary = true, .message_is_8bit = true,
     .message_size = 5}, .message = "a\r\n\nb", .text = "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250-CHUNKING\nS: 250-BINARYMIME\n"
     "S: 250 PIPELINING\nC: MAIL FROM:<a@client.example> BODY=BINARYMIME\n" RCPT
     "C: BDAT 5 LAST\nC+ a\\x0d\\x0a\\x0ab\nC: QUIT\n" OK OK OK "S: 221 bye\n= accepted quit 0\n"},
    {"binary, longer than its size", {NO_TLS, .message_is_binary = true, .message_size = 5},
     .message = "abcdef", .text = "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250-CHUNKING\n"
     "S: 250-BINARYMIME\nS: 250 PIPELINING\nC: MAIL FROM:<a@client.example> BODY=BINARYMIME\n" RCPT
     "C: BDAT 5 LAST\n= usage body 65 problem=message status=chunk-size\n"},
    {"binary, shorter than its size", {NO_TLS, .message_is_binary = true, .message_size = 5},
     .message = "abcd", .text = "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250-CHUNKING\n"
     "S: 250-BINARYMIME\nS: 250 PIPELINING\nC: MAIL FROM:<a@client.example> BODY=BINARYMIME\n" RCPT
     "C: BDAT 5 LAST\nC+ abcd\n= usage body 65 problem=message status=chunk-size\n"},
    {"binary, not offered", {NO_TLS, .message_is_binary = true, .message_size = 5},
     .text = BEGIN_CHUNKS QUIT "= usage mail 64 problem=unsupported missing=BINARYMIME\n"},
    {"binary, no chunks", {NO_TLS, .message_is_binary = true, .message_size = 5},
     .text = BEGIN("BINARYMIME") QUIT "= usage mail 64 problem=unsupported missing=CHUNKING\n"},
    {"binary, its size not known", {NO_TLS, .message_is_binary = true},
     .text = BEGIN_BINARY QUIT "= usage mail 64 problem=argument status=argument\n"},
    {"binary, no further than DATA", {NO_TLS, .message_is_binary = true, .message_size = 5,
     .stop = true, .stop_after = EHLO_STAGE_DATA},
     .text = BEGIN_BINARY QUIT "= usage mail 64 problem=argument status=argument\n"},
    {"binary, no further than RCPT", {NO_TLS, .message_is_binary = true, .stop = true,
     .stop_after = EHLO_STAGE_RCPT}, .text = BEGIN_BINARY
     "C: MAIL FROM:<a@client.example> BODY=BINARYMIME\n" OK RCPT OK QUIT "= stopped rcpt 0\n"},
};

Test(submit_transaction, chunks) {
  RUN_CASES(chunks);
}

// A large message is not sent for nothing: it waits for somebody to be accepted.
Test(submit_transaction, large_chunks_wait) {
  static char message[EHLO_SUBMIT_AHEAD_MAX + 3];
  memset(message, 'x', sizeof(message) - 1);
  for (size_t i = 999; i < sizeof(message); i += 1000) {
    message[i] = '\n';
  }
  message[sizeof(message) - 2] = '\n';
  size_t size = 0;
  for (const char *c = message; *c != '\0'; c++) {
    size += *c == '\n' ? 2 : 1;
  }
  struct ehlo_submit_case large = {
      "refused", {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = size}, message,
      .text = BEGIN_CHUNKS MAIL RCPT OK NO QUIT "? flights 3\n= refused rcpt 69\n"};
  ehlo_submit_case_run(&large);
}

#define CHUNK_TEXT "C: BDAT 30500 LAST\n"
static char chunk_message[30001];
static char chunk_lines[32000];

static void make_chunk(void) {
  char *line = chunk_lines;
  for (size_t i = 0; i + 1 < sizeof(chunk_message); i++) {
    chunk_message[i] = i % 60 == 59 ? '\n' : 'x';
  }
  for (size_t i = 0; i < sizeof(chunk_message) / 60; i++) {
    line += sprintf(line, "C: %.60s", chunk_message);
  }
}

static void run_chunks(const char *name, size_t num_messages, const char *text) {
  struct ehlo_submit_case half = {name,
                                  {NO_TLS, .transfer = EHLO_TRANSFER_AUTO, .message_size = 30500,
                                   .num_messages = num_messages},
                                  chunk_message, .text = text};
  ehlo_submit_case_run(&half);
}

// A chunk that has begun is given to its end, although MAIL is refused meanwhile: what a server does
// not get of it, it would take from the commands behind.
Test(submit_transaction, a_chunk_is_given_whole) {
  static char text[EHLO_CASE_TEXT_MAX];
  make_chunk();
  snprintf(text, sizeof(text), "! room 94\n" BEGIN_CHUNKS MAIL RCPT CHUNK_TEXT NO "! room 99999\n%s"
           "C: QUIT\nS: 503 a\nS: 503 b\nS: 221 bye\n= refused mail 69\n", chunk_lines);
  run_chunks("half given", 1, text);
}

// So is one whose MAIL came too early, before all of it is sent once more.
Test(submit_transaction, a_chunk_is_given_whole_before_it_is_again) {
  static char text[EHLO_CASE_TEXT_MAX];
  make_chunk();
  snprintf(text, sizeof(text), "! room 30667\n" BEGIN_CHUNKS MAIL RCPT CHUNK_TEXT "%s"
           MAIL RCPT CHUNK_TEXT OK OK OK EARLY "! room 99999\n%s" EARLY EARLY
           MAIL RCPT CHUNK_TEXT "%sC: QUIT\n" OK OK OK "S: 221 bye\n? accepted 2\n= accepted quit 0\n",
           chunk_lines, chunk_lines, chunk_lines);
  run_chunks("half given, then once more", 2, text);
}

// ---- Several messages ---------------------------------------------------------------------------

static const struct ehlo_submit_case several[] = {
    {"one by one", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO BODY OK
     MAIL OK RCPT OK DATA GO BODY OK QUIT "? accepted 2\n? message 1 accepted quit\n"
     "= accepted quit 0\n"},
    {"pipelined across the dot", {NO_TLS, THREE}, .text = BEGIN("PIPELINING") MAIL RCPT DATA
     OK OK GO BODY MAIL RCPT DATA OK OK OK GO BODY MAIL RCPT DATA OK OK OK GO BODY "C: QUIT\n"
     OK "S: 221 bye\n? flights 5\n= accepted quit 0\n"},
    {"all in one flight by chunks", {SENDS_CHUNKS, THREE}, .text = BEGIN_CHUNKS MAIL RCPT BDAT
     MAIL RCPT BDAT MAIL RCPT BDAT "C: QUIT\n" OK OK OK OK OK OK OK OK OK "S: 221 bye\n"
     "? flights 2\n? accepted 3\n= accepted quit 0\n"},
    {"not behind a message where BURL is offered", {NO_TLS, TWO}, .text = "S: 220 x\n"
     "C: EHLO client.example\nS: 250-x\nS: 250-BURL imap\nS: 250 PIPELINING\n" MAIL RCPT DATA OK OK GO
     BODY OK MAIL RCPT DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? accepted 2\n"
     "= accepted quit 0\n"},
    {"nothing behind a message to Courier", {NO_TLS, TWO}, .text = "S: 220 x\n"
     "C: EHLO client.example\nS: 250-x\nS: 250-XVERP=Courier\nS: 250 PIPELINING\n" MAIL RCPT DATA OK OK
     GO BODY OK MAIL RCPT DATA OK OK GO BODY OK QUIT "? accepted 2\n= accepted quit 0\n"},
    {"nor behind the dot that takes DATA back", {NO_TLS}, .text = "S: 220 x\n"
     "C: EHLO client.example\nS: 250-x\nS: 250-XVERP=Courier\nS: 250 PIPELINING\n" MAIL RCPT DATA OK NO
     GO "C: .\nS: 554 nobody\n" QUIT "= refused rcpt 69\n"},
    {"503 behind the dot: once more, and from then on one by one", {NO_TLS, THREE}, .text =
     BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO BODY MAIL RCPT DATA OK EARLY EARLY EARLY
     MAIL RCPT DATA OK OK GO BODY OK MAIL RCPT DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? accepted 3\n? to a\n= accepted quit 0\n"},
    {"503 behind the dot, recipients all the same", {NO_TLS, TWO, TO_THREE}, .text =
     BEGIN("PIPELINING") MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) DATA OK OK OK OK GO BODY
     MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) DATA OK EARLY NO OK FULL GO "C: .\n" "S: 554 nobody\n"
     MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) DATA OK OK NO OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? message 0 accepted quit\n? message 1 partial quit\n= partial quit 1\n"},
    {"503 twice", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO BODY
     MAIL RCPT DATA OK EARLY EARLY EARLY MAIL RCPT DATA EARLY EARLY EARLY QUIT
     "? message 0 accepted quit\n? message 1 refused mail\n= partial mail 1\n"},
    {"503 to a chunk behind another", {SENDS_CHUNKS, TWO, TO_THREE}, .text = BEGIN_CHUNKS
     MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) BDAT MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) BDAT OK OK OK OK OK
     EARLY EARLY EARLY EARLY EARLY MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) BDAT OK OK OK OK "C: QUIT\n" OK
     "S: 221 bye\n? accepted 6\n= accepted quit 0\n"},
    {"503 to a chunk behind another, and lost: the server has nothing of it", {SENDS_CHUNKS, TWO,
     TO_THREE}, .text = BEGIN_CHUNKS MAIL RCPT_N(1) RCPT_N(2) RCPT_N(3) BDAT MAIL RCPT_N(1) RCPT_N(2)
     RCPT_N(3) BDAT OK OK OK OK OK EARLY "! end reset\n? message 0 accepted quit\n"
     "? message 1 lost rcpt\n= partial rcpt 1 status=reset\n"},
    {"503 behind the dot, with the QUIT", {SENDS_CHUNKS, TWO}, .text = BEGIN_CHUNKS MAIL RCPT BDAT
     MAIL RCPT BDAT "C: QUIT\n" OK OK OK EARLY EARLY EARLY EARLY
     "? message 0 accepted quit\n? message 1 refused mail\n= partial mail 1\n"},
    {"the first one refused at its dot", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT DATA
     OK OK GO BODY MAIL RCPT DATA "S: 554 spam\n" OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? message 0 refused body\n? message 1 accepted quit\n= partial quit 1\n"},
    {"both refused", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO BODY "S: 554 spam\n"
     MAIL OK RCPT OK DATA GO BODY "S: 451 later\n" QUIT "? message 0 refused body\n? message 1 deferred body\n"
     "= deferred body 75\n"},
    {"both refused, the first one for now", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO
     BODY "S: 451 later\n" MAIL OK RCPT OK DATA GO BODY "S: 554 spam\n" QUIT "= deferred body 75\n"},
    // RFC 5321 §4.1.4: MAIL has no place in a transaction that is open.
    {"a recipient refused: RSET first", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT NO
     "C: RSET\n" OK MAIL OK RCPT OK DATA GO BODY OK QUIT "? message 0 refused rcpt\n"
     "= partial quit 1\n"},
    {"DATA refused: RSET first", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK
     "S: 451 no\n" "C: RSET\n" MAIL RCPT DATA OK OK OK GO BODY "C: QUIT\n" OK
     "S: 221 bye\n? message 0 deferred data\n= partial quit 1\n"},
    {"RSET refused: no other one is sent", {NO_TLS, THREE}, .text = BEGIN("x") MAIL OK RCPT NO
     "C: RSET\n" "S: 502 no\n" QUIT "? message 0 refused rcpt\n? message 2 refused mail\n"
     "= refused mail 69 problem=rset\n"},
    {"RSET refused for now", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT NO "C: RSET\n"
     "S: 451 no\n" QUIT "? message 1 deferred mail\n= deferred mail 75 problem=rset\n"},
    {"RSET refused, MAIL behind it", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK
     "S: 451 no\n" "C: RSET\n" MAIL RCPT DATA "S: 502 no\nS: 503 nested\nS: 503 no\nS: 503 no\n" QUIT
     "? message 1 refused mail\n= deferred data 75\n"},
    {"lost at RSET", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT NO "C: RSET\n"
     "! end reset\n? message 1 lost mail\n= lost mail 74 status=reset\n"},
    {"two deferred: the first is told", {NO_TLS, TWO}, .text = BEGIN("x") MAIL "S: 451 no\n" MAIL OK
     RCPT "S: 450 no\n" QUIT "= deferred mail 75\n"},
    {"MAIL refused: the next one", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT DATA NO
     "S: 503 a\nS: 503 b\n" MAIL RCPT DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? message 0 refused mail\n= partial quit 1\n"},
    {"nobody accepted and 354: a dot, then the next one", {NO_TLS, TWO}, .text = BEGIN("PIPELINING")
     MAIL RCPT DATA OK NO GO "C: .\n" MAIL RCPT DATA "S: 554 nobody\n" OK OK GO BODY "C: QUIT\n"
     OK "S: 221 bye\n? message 0 refused rcpt\n= partial quit 1\n"},
    {"lost between them", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO BODY OK MAIL
     "! end reset\n? message 1 lost mail\n= partial mail 1 status=reset\n"},
    {"lost at the first dot, the second envelope behind it", {NO_TLS, TWO},
     .text = BEGIN("PIPELINING") MAIL RCPT DATA OK OK GO BODY MAIL RCPT DATA "! end reset\n"
     "? message 0 unknown body\n? message 1 lost mail\n= unknown body 79 status=reset\n"},
    {"421 between them", {NO_TLS, TWO}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO BODY OK MAIL
     "S: 421 bye\n? about 1\n? message 1 deferred mail\n= partial mail 1\n"},
    {"chunks, the second refused", {SENDS_CHUNKS, TWO}, .text = BEGIN_CHUNKS MAIL RCPT BDAT
     MAIL RCPT BDAT "C: QUIT\n" OK OK OK OK NO "S: 554 nobody\nS: 221 bye\n"
     "? message 1 refused rcpt\n= partial rcpt 1\n"},
    {"MAILMAX", {NO_TLS, TWO}, .text = BEGIN("LIMITS MAILMAX=1") MAIL OK RCPT OK DATA GO BODY OK QUIT
     "? message 1 deferred mail\n= partial mail 1 problem=mail-max\n"},
    {"MAILMAX as many as there are", {NO_TLS, TWO}, .text = BEGIN("LIMITS MAILMAX=2") MAIL OK RCPT OK
     DATA GO BODY OK MAIL OK RCPT OK DATA GO BODY OK QUIT "= accepted quit 0\n"},
    {"MAILMAX, lost with the first one", {NO_TLS, TWO},
     .text = LIMITS("MAILMAX=1") MAIL RCPT DATA OK OK GO BODY "! end reset\n? message 1 lost body\n"
     "= unknown body 79 status=reset\n"},
    {"too big, each of them", {NO_TLS, TWO, .message_size = 9}, .text = BEGIN("SIZE 8") QUIT
     "= refused mail 69 problem=too-big\n"},
};

Test(submit_transaction, several_messages) {
  RUN_CASES(several);
}

// More than may be under way at once: the ninth waits for the first.
Test(submit_transaction, many_messages) {
  static char text[4000];
  strcpy(text, BEGIN_CHUNKS);
  for (int i = 0; i < EHLO_SUBMIT_TRANSACTIONS_MAX; i++) {
    strcat(text, MAIL RCPT BDAT);
  }
  strcat(text, OK OK OK MAIL RCPT BDAT OK OK OK MAIL RCPT BDAT "C: QUIT\n");
  for (int i = 0; i < EHLO_SUBMIT_TRANSACTIONS_MAX; i++) {
    strcat(text, OK OK OK);
  }
  strcat(text, "S: 221 bye\n? accepted 10\n= accepted quit 0\n");
  struct ehlo_submit_case ten = {"ten", {SENDS_CHUNKS, .num_messages = 10}, .text = text};
  ehlo_submit_case_run(&ten);
}

static enum ehlo_event_type next_behind_replies(struct ehlo_submit *s, struct ehlo_client *c) {
  struct ehlo_event event;
  enum ehlo_event_type type;
  do {
    type = ehlo_submit_next(s, c, &event);
  } while (type == EHLO_EVENT_REPLY);
  return type;
}

// The caller's side out of its order: nothing is taken where nothing is wanted, and once all is over
// nothing is wanted, though a chunk was about to be.
Test(submit_transaction, messages_out_of_place) {
  static const char hello[] = "220 x\r\n";
  static const char offers[] = "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  struct ehlo_client c;
  struct ehlo_submit s;
  struct ehlo_output out;
  struct ehlo_recipient to[] = {{.address = SPAN("b@x.ex")}, {.address = SPAN("b@x.ex")}};
  struct ehlo_message two[] = {{.to = &to[0], .num_to = 1, .size = 4},
                               {.to = &to[1], .num_to = 1, .size = 4}};
  size_t used;
  ehlo_client_init(&c, &(struct ehlo_config){0}, buf, sizeof(buf), 0);
  ehlo_submit_init(&s, &(struct ehlo_submit_config){
      .helo_name = ehlo_str("c"), .messages = two, .num_messages = 2, NO_TLS,
      .transfer = EHLO_TRANSFER_AUTO});
  cr_assert_eq(ehlo_submit_body(&s, &c, &used, (const uint8_t *)"hi", 2), EHLO_E_STATE);
  cr_assert_eq(ehlo_submit_body_end(&s, &c), EHLO_E_STATE);
  ehlo_input(&c, &used, (const uint8_t *)hello, sizeof(hello) - 1, 0);
  cr_assert_eq(next_behind_replies(&s, &c), EHLO_EVENT_NONE);
  while (ehlo_output_peek(&c, &out)) {
    ehlo_output_ack(&c, out.span.len, 0);
  }
  ehlo_input(&c, &used, (const uint8_t *)offers, sizeof(offers) - 1, 0);
  cr_assert_eq(next_behind_replies(&s, &c), EHLO_EVENT_BODY_WANTED);
  cr_assert_eq(s.message, 0);
  cr_assert_eq(ehlo_submit_body(&s, &c, &used, (const uint8_t *)"hi\n", 3), EHLO_OK);
  cr_assert_eq(ehlo_submit_body_end(&s, &c), EHLO_OK);
  ehlo_input_end(&c, EHLO_E_RESET);
  cr_assert_eq(next_behind_replies(&s, &c), EHLO_EVENT_FAILED);
  cr_assert_eq(next_behind_replies(&s, &c), EHLO_EVENT_NONE);
  cr_assert_eq(two[0].verdict.outcome, EHLO_OUTCOME_LOST);
}

// ---- Recipients in portions ---------------------------------------------------------------------

#define FIRST_TWO RCPT_N(1) RCPT_N(2)
static const struct ehlo_submit_case portions[] = {
    {"one too many", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK RCPT_N(2) OK
     RCPT_N(3) FULL DATA GO BODY OK MAIL OK RCPT_N(3) OK DATA GO BODY OK QUIT
     "? to aaa\n= accepted quit 0\n"},
    {"the rest is not asked for", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK
     RCPT_N(2) FULL DATA GO BODY OK MAIL OK RCPT_N(2) OK DATA GO BODY OK MAIL OK RCPT_N(3) OK DATA
     GO BODY OK QUIT "? to aaa\n= accepted quit 0\n"},
    {"pipelined", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL FIRST_TWO RCPT_N(3) DATA
     OK OK FULL FULL GO BODY OK MAIL RCPT_N(2) DATA OK OK GO BODY OK MAIL RCPT_N(3) DATA
     OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? to aaa\n= accepted quit 0\n"},
    {"by chunks", {SENDS_CHUNKS, TO_THREE}, .text = BEGIN_CHUNKS MAIL FIRST_TWO RCPT_N(3) BDAT
     OK OK OK FULL OK MAIL RCPT_N(3) BDAT "C: QUIT\n" OK OK OK "S: 221 bye\n"
     "? to aaa\n= accepted quit 0\n"},
    {"one accepted behind the one too many gets it once", {NO_TLS, TO_THREE},
     .text = BEGIN("PIPELINING") MAIL FIRST_TWO RCPT_N(3) DATA OK OK FULL OK GO BODY OK
     MAIL RCPT_N(2) DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? to aaa\n= accepted quit 0\n"},
    {"no enhanced code", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK RCPT_N(2)
     "S: 452 too many recipients\n" RCPT_N(3) OK DATA GO BODY OK MAIL OK RCPT_N(2) OK DATA GO BODY
     OK QUIT "? to aaa\n= accepted quit 0\n"},
    {"452 for another reason", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK RCPT_N(2)
     "S: 452 4.2.2 full\n" RCPT_N(3) OK DATA GO BODY OK QUIT "? to ada\n= partial quit 1\n"},
    {"nor other codes and subjects", {NO_TLS, TO_FIVE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK
     RCPT_N(2) "S: 450 later\n" RCPT_N(3) "S: 451 4.5.3 x\n" RCPT_N(4) "S: 452 4.3.3 x\n"
     RCPT_N(5) "S: 452 4.5.4 x\n" DATA GO BODY OK QUIT "? to adddd\n= partial quit 1\n"},
    {"one accepted behind: the limit is not known", {NO_TLS, TO_FIVE}, .text = BEGIN("PIPELINING")
     MAIL FIRST_TWO RCPT_N(3) RCPT_N(4) RCPT_N(5) DATA OK OK FULL OK FULL FULL GO BODY OK
     MAIL RCPT_N(2) RCPT_N(4) RCPT_N(5) DATA OK OK OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? to aaaaa\n= accepted quit 0\n"},
    {"the limit holds for further messages", {NO_TLS, THREE, TO_THREE}, .text = BEGIN("x")
     MAIL OK RCPT_N(1) OK RCPT_N(2) OK RCPT_N(3) FULL DATA GO BODY OK MAIL OK RCPT_N(3) OK DATA GO
     BODY OK MAIL OK RCPT_N(1) NO RCPT_N(2) NO "C: RSET\n" OK MAIL OK RCPT_N(1) OK RCPT_N(2) OK DATA GO
     BODY OK MAIL OK RCPT_N(3) OK DATA GO BODY OK QUIT "? message 1 refused rcpt\n= partial quit 1\n"},
    {"421 in the second portion", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK
     RCPT_N(2) FULL DATA GO BODY OK MAIL OK RCPT_N(2) "S: 421 bye\n? to asw\n= partial rcpt 1\n"},
    {"none taken: no use in another one", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1)
     FULL RCPT_N(2) FULL RCPT_N(3) FULL QUIT "? to ddd\n= deferred rcpt 75\n"},
    {"refused the second time", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK OK FULL GO BODY OK MAIL RCPT_N(3) DATA OK FULL "S: 554 nobody\n" QUIT
     "? to aad\n= partial rcpt 1\n"},
    {"the message refused: the rest is not tried", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING")
     MAIL FIRST_TWO RCPT_N(3) DATA OK OK OK FULL GO BODY "S: 554 spam\n" QUIT
     "? to rrw\n= refused body 69\n"},
    {"the second portion refused", {NO_TLS, TO_THREE}, .text = BEGIN("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK OK FULL GO BODY OK MAIL RCPT_N(3) DATA OK OK GO BODY "C: QUIT\n"
     "S: 451 later\nS: 221 bye\n? to aad\n= partial body 1\n"},
    {"lost in the second portion", {NO_TLS, TO_THREE}, .text = BEGIN("x") MAIL OK RCPT_N(1) OK
     RCPT_N(2) OK RCPT_N(3) FULL DATA GO BODY OK MAIL "! end reset\n"
     "= partial mail 1 status=reset\n"},
    {"stop after rcpt", {NO_TLS, TO_THREE, .stop = true, .stop_after = EHLO_STAGE_RCPT},
     .text = BEGIN("x") MAIL OK RCPT_N(1) OK RCPT_N(2) FULL QUIT "= stopped rcpt 0\n"},
};

Test(submit_transaction, recipients_in_portions) {
  RUN_CASES(portions);
}

static const struct ehlo_span domains[] = {SPAN("b@x.ex"), SPAN("b@y.ex"), SPAN("c@X.EX")};
#define TO_DOMAINS .to = domains, .num_to = 3
static const struct ehlo_span elsewhere[] = {SPAN("b@y.ex"), SPAN("c@y.ex"), SPAN("d@z.ex")};
static const struct ehlo_span alphabet[] = {SPAN("b@az.ex"), SPAN("b@AZ.ex"), SPAN("b@az-ex")};
static const struct ehlo_span ten_domains[] = {
    SPAN("b@a"), SPAN("b@b"), SPAN("b@c"), SPAN("b@d"), SPAN("b@e"),
    SPAN("b@f"), SPAN("b@g"), SPAN("b@h"), SPAN("b@i"), SPAN("b@j"),
};
#define TO_DOMAIN(d) "C: RCPT TO:<b@" d ">\n"
#define TO_EIGHT_DOMAINS TO_DOMAIN("a") TO_DOMAIN("b") TO_DOMAIN("c") TO_DOMAIN("d") \
  TO_DOMAIN("e") TO_DOMAIN("f") TO_DOMAIN("g") TO_DOMAIN("h")
static const struct ehlo_submit_case limits[] = {
    {"RCPTMAX", {NO_TLS, TO_THREE}, .text = LIMITS("RCPTMAX=2") MAIL FIRST_TWO DATA OK OK OK GO BODY
     OK MAIL RCPT_N(3) DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n"
     "? to aaa\n= accepted quit 0\n"},
    {"RCPTMAX just enough", {NO_TLS, TO_THREE}, .text = LIMITS("RCPTMAX=3") MAIL FIRST_TWO RCPT_N(3)
     DATA OK OK OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n= accepted quit 0\n"},
    {"RCPTMAX, the first portion refused", {NO_TLS, TO_THREE}, .text = LIMITS("RCPTMAX=2") MAIL
     FIRST_TWO DATA OK NO NO "S: 554 nobody\n" QUIT "? to rrw\n= refused rcpt 69\n"},
    {"RCPTMAX and MAILMAX", {NO_TLS, TO_THREE}, .text = LIMITS("RCPTMAX=1 MAILMAX=2") MAIL RCPT_N(1)
     DATA OK OK GO BODY OK MAIL RCPT_N(2) DATA OK OK GO BODY OK QUIT
     "? to aaw\n= partial mail 1 problem=mail-max\n"},
    // RFC 9422: of recipients in one session. What does not fit is for another one.
    {"RCPTDOMAINMAX", {NO_TLS, TO_DOMAINS}, .text = LIMITS("RCPTDOMAINMAX=1") MAIL
     "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK OK OK GO BODY "C: QUIT\n" OK
     "S: 221 bye\n? to ada\n= partial quit 1\n"},
    {"RCPTDOMAINMAX just enough", {NO_TLS, TO_DOMAINS}, .text = LIMITS("RCPTDOMAINMAX=2") MAIL
     "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<b@y.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK OK OK OK GO BODY
     "C: QUIT\n" OK "S: 221 bye\n? to aaa\n= accepted quit 0\n"},
    {"RCPTDOMAINMAX holds for the second message too", {NO_TLS, TO_DOMAINS, TWO},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK OK
     OK GO BODY MAIL "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK OK OK OK GO BODY
     "C: QUIT\n" OK "S: 221 bye\n? accepted 4\n= partial quit 1\n"},
    {"RCPTDOMAINMAX, and those that fit are refused", {NO_TLS, TO_DOMAINS},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK NO NO
     "S: 554 nobody\n" QUIT "? to rdr\n= deferred rcpt 75\n"},
    {"RCPTDOMAINMAX, nobody fits", {NO_TLS, TO_DOMAINS, TWO, .to_behind = elsewhere},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL "C: RCPT TO:<b@x.ex>\nC: RCPT TO:<c@X.EX>\n" DATA OK OK
     OK GO BODY MAIL "C: QUIT\n" OK OK "S: 221 bye\n? message 1 deferred rcpt\n= partial rcpt 1\n"},
    {"RCPTDOMAINMAX tells letters apart, and not their case", {NO_TLS, .to = alphabet, .num_to = 3},
     .text = LIMITS("RCPTDOMAINMAX=1") MAIL TO_DOMAIN("az.ex") TO_DOMAIN("AZ.ex") DATA OK OK OK GO
     BODY "C: QUIT\n" OK "S: 221 bye\n? to aad\n= partial quit 1\n"},
    {"RCPTDOMAINMAX, as long as our list", {NO_TLS, .to = ten_domains, .num_to = 10},
     .text = LIMITS("RCPTDOMAINMAX=8") MAIL TO_EIGHT_DOMAINS DATA OK OK OK OK OK OK OK OK OK GO BODY
     "C: QUIT\n" OK "S: 221 bye\n? to aaaaaaaadd\n= partial quit 1\n"},
    {"RCPTDOMAINMAX, longer than our list", {NO_TLS, .to = ten_domains, .num_to = 10},
     .text = LIMITS("RCPTDOMAINMAX=9") MAIL TO_EIGHT_DOMAINS TO_DOMAIN("i") TO_DOMAIN("j") DATA OK OK
     OK OK OK OK OK OK OK OK FULL GO BODY OK MAIL TO_DOMAIN("j") DATA OK FULL "S: 554 nobody\n" QUIT
     "? to aaaaaaaaad\n= partial rcpt 1\n"},
};

Test(submit_transaction, limits) {
  RUN_CASES(limits);
}

// ---- LMTP ---------------------------------------------------------------------------------------

#define LMTP(offers) \
  "S: 220 mail.example LMTP\nC: LHLO client.example\nS: 250-mail.example\nS: 250 " offers "\n"
static const struct ehlo_submit_case lmtp[] = {
    {"a reply for each", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK NO OK GO BODY "C: QUIT\n" OK "S: 452 4.2.2 full\nS: 221 bye\n"
     "? to ard\n= partial body 1\n"},
    {"all of them", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" OK OK OK "S: 221 bye\n"
     "? to aaa\n= accepted quit 0\n"},
    {"none of them", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" NO NO "S: 451 later\nS: 221 bye\n"
     "? to rrd\n= deferred body 75\n"},
    {"lost between the replies", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL
     FIRST_TWO RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" OK "! end closed\n"
     "? to att\n= unknown body 79 status=closed\n"},
    {"lost behind a refusal", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL
     FIRST_TWO RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" NO "! end closed\n"
     "? to rtt\n= unknown body 79 status=closed\n"},
    {"421 between the replies", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL
     FIRST_TWO RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" OK "S: 421 bye\n"
     "? to att\n= partial body 1\n"},
    {"421 behind one refused", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL
     FIRST_TWO RCPT_N(3) DATA OK NO OK OK GO BODY "C: QUIT\n" OK "S: 421 bye\n"
     "? to rat\n= partial body 1\n"},
    {"by chunks, once somebody is accepted", {SENDS_CHUNKS, .lmtp = true, TO_THREE},
     .text = "S: 220 x\nC: LHLO client.example\nS: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\n" MAIL
     FIRST_TWO RCPT_N(3) OK OK NO OK BDAT "C: QUIT\n" OK OK "S: 221 bye\n"
     "? to ara\n= partial quit 1\n"},
    {"two messages", {NO_TLS, .lmtp = true, TWO, TO_THREE}, .text = LMTP("PIPELINING") MAIL FIRST_TWO
     RCPT_N(3) DATA OK OK OK OK GO BODY MAIL FIRST_TWO RCPT_N(3) DATA OK NO OK OK OK OK OK GO BODY
     "C: QUIT\n" OK OK OK "S: 221 bye\n? to ara\n? message 0 partial body\n? message 1 accepted quit\n"
     "= partial quit 1\n"},
    {"one refused, the rest in another transaction", {NO_TLS, .lmtp = true, TO_THREE},
     .text = LMTP("PIPELINING") MAIL FIRST_TWO RCPT_N(3) DATA OK OK OK FULL GO BODY OK NO
     MAIL RCPT_N(3) DATA OK OK GO BODY "C: QUIT\n" OK "S: 221 bye\n? to ara\n= partial quit 1\n"},
    {"lost behind a refusal", {NO_TLS, .lmtp = true, TO_THREE}, .text = LMTP("PIPELINING") MAIL
     FIRST_TWO RCPT_N(3) DATA OK OK OK OK GO BODY "C: QUIT\n" NO "! end closed\n"
     "? to rtt\n= unknown body 79 status=closed\n"},
    {"MAIL refused before the chunk: the next one", {SENDS_CHUNKS, .lmtp = true, TWO},
     .text = "S: 220 x\nC: LHLO client.example\nS: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\n" MAIL
     RCPT "S: 451 later\nS: 503 a\n" MAIL RCPT OK OK BDAT "C: QUIT\n" OK "S: 221 bye\n"
     "? message 0 deferred mail\n? message 1 accepted quit\n= partial quit 1\n"},
    {"LHLO refused: no HELO", {NO_TLS, .lmtp = true}, .text = "S: 220 x\nC: LHLO client.example\n"
     "S: 500 what\n" QUIT "= refused ehlo 69\n"},
};

Test(submit_transaction, lmtp) {
  RUN_CASES(lmtp);
}

// Once the result is known, what is left takes five seconds: replies that do not come, and QUIT.
static const struct ehlo_submit_case hurry[] = {
    {"replies behind a refused MAIL", {NO_TLS}, .text = BEGIN("PIPELINING") MAIL RCPT DATA
     "? wait 300000\n" NO "? wait 5000\n! timeout\n= refused mail 69\n"},
    {"the first of two refused: no hurry yet", {NO_TLS, TWO}, .text = BEGIN("PIPELINING") MAIL RCPT
     DATA NO "? wait 300000\n! timeout\n= timeout rcpt 75 status=timeout\n"},
    {"the reply to QUIT", {NO_TLS}, .text = BEGIN("x") MAIL OK RCPT OK DATA GO BODY "? wait 600000\n"
     OK "C: QUIT\n? wait 5000\n! timeout\n= accepted quit 0\n"},
};

Test(submit_transaction, politeness_is_short) {
  RUN_CASES(hurry);
}

// ---- Parameters and XCLIENT ---------------------------------------------------------------------

static const struct ehlo_submit_case params[] = {
    {"DSN", {NO_TLS, .mail_params = SPAN("RET=HDRS ENVID=x"), .rcpt_params = SPAN("NOTIFY=NEVER")},
     .text = BEGIN("DSN") "C: MAIL FROM:<a@client.example> RET=HDRS ENVID=x\n" OK
     "C: RCPT TO:<b@mail.example> NOTIFY=NEVER\n" OK DATA GO BODY OK QUIT "= accepted quit 0\n"},
    {"behind ours", {NO_TLS, .message_size = 4, .mail_params = SPAN("X=1")}, .text = BEGIN("SIZE 99")
     "C: MAIL FROM:<a@client.example> SIZE=4 X=1\n" OK RCPT OK DATA GO BODY OK QUIT
     "= accepted quit 0\n"},
    {"DSN not offered, at MAIL", {NO_TLS, .mail_params = SPAN("RET=HDRS")}, .text = BEGIN("x") QUIT
     "= usage mail 64 problem=unsupported missing=DSN\n"},
    {"DSN not offered, at RCPT", {NO_TLS, .rcpt_params = SPAN("NOTIFY=NEVER")}, .text = BEGIN("x")
     QUIT "= usage mail 64 problem=unsupported missing=DSN\n"},
    {"REQUIRETLS without TLS", {NO_TLS, .mail_params = SPAN("REQUIRETLS")},
     .text = BEGIN("REQUIRETLS") QUIT "= usage mail 64 problem=unsupported missing=REQUIRETLS\n"},
    {"a form that is wrong", {NO_TLS, .rcpt_params = SPAN("NOTIFY=SOMETIMES")}, .text = BEGIN("DSN")
     QUIT "= usage rcpt 64 problem=argument status=argument\n"},
};

Test(submit_transaction, parameters) {
  RUN_CASES(params);
}

#define XCLIENT "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250 XCLIENT NAME ADDR\n" \
  "C: XCLIENT ADDR=192.0.2.1\n"
static const struct ehlo_submit_case xclient[] = {
    {"then EHLO again", {NO_TLS, .xclient = SPAN("ADDR=192.0.2.1")}, .text = XCLIENT "S: 220 again\n"
     "C: EHLO client.example\nS: 250-x\nS: 250 XCLIENT NAME ADDR\n" MAIL OK RCPT OK DATA GO BODY OK
     QUIT "= accepted quit 0\n"},
    {"refused", {NO_TLS, .xclient = SPAN("ADDR=192.0.2.1")}, .text = XCLIENT "S: 550 no\n" QUIT
     "= refused ehlo 69\n"},
    {"not offered", {NO_TLS, .xclient = SPAN("ADDR=192.0.2.1")}, .text = BEGIN("x") QUIT
     "= usage ehlo 64 problem=unsupported missing=XCLIENT\n"},
    {"an attribute not offered", {NO_TLS, .xclient = SPAN("LOGIN=x")}, .text =
     "S: 220 x\nC: EHLO client.example\nS: 250-x\nS: 250 XCLIENT NAME ADDR\n" QUIT
     "= usage ehlo 64 problem=unsupported missing=XCLIENT\n"},
};

Test(submit_transaction, xclient) {
  RUN_CASES(xclient);
}

// Nothing to send: in, and out again.
Test(submit_transaction, no_message) {
  struct ehlo_client c;
  struct ehlo_submit s;
  struct ehlo_event event;
  struct ehlo_output out;
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  static const char hello[] = "220 x\r\n";
  static const char replies[] = "250 x\r\n";
  size_t used;
  ehlo_client_init(&c, &(struct ehlo_config){0}, buf, sizeof(buf), 0);
  ehlo_submit_init(&s, &(struct ehlo_submit_config){.helo_name = ehlo_str("c"), NO_TLS});
  ehlo_input(&c, &used, (const uint8_t *)hello, sizeof(hello) - 1, 0);
  while (ehlo_submit_next(&s, &c, &event) != EHLO_EVENT_NONE) {
  }
  cr_assert(ehlo_output_peek(&c, &out));
  ehlo_output_ack(&c, out.span.len, 0);
  ehlo_input(&c, &used, (const uint8_t *)replies, sizeof(replies) - 1, 0);
  while (ehlo_submit_next(&s, &c, &event) != EHLO_EVENT_NONE) {
  }
  cr_assert(ehlo_output_peek(&c, &out) && memcmp(out.span.bytes, "QUIT\r\n", 6) == 0);
  cr_assert_eq(s.verdict.outcome, EHLO_OUTCOME_STOPPED);
  cr_assert_eq(s.verdict.stage, EHLO_STAGE_AUTH);
}
