// Lines of a transcript become verbs: each verb by its own call, any other line as it is, message
// text and chunks to the octet, however the lines were cut. What the engine never sends has a stand-in,
// and what cannot have one is told.
#include "replay/verbs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/replay.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

struct text {
  const char *text;
  size_t pos;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text *t = arg;
  size_t left = strlen(t->text) - t->pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, t->text + t->pos, n);
  t->pos += n;
  return (long)n;
}

static void run(struct ehlo_replay_result *out, const char *text, enum ehlo_chunks chunks) {
  struct text source = {text, 0};
  struct text again = {text, 0};
  struct ehlo_replay_result tolerant;
  ehlo_replay_run(out, read_text, &source, &(struct ehlo_replay_options){.chunks = chunks});
  ehlo_replay_run(&tolerant, read_text, &again,
                  &(struct ehlo_replay_options){.chunks = chunks, .tolerant = true});
  cr_expect_eq(tolerant.verdict, out->verdict);
  cr_expect_eq(tolerant.hash, out->hash);
}

#define HEAD "! ehlo-transcript 1\nS: 220 hello\n= reply 220 to greeting\n"
#define EHLO "C: EHLO a.example\nS: 250 b\n= reply 250 to EHLO\n"
#define EHLO_WITH(caps) "C: EHLO a.example\nS: 250-b\n" caps "= reply 250 to EHLO\n"
#define MAIL "C: MAIL FROM:<a@b>\nS: 250 ok\n= reply 250 to MAIL\n"
#define RCPT "C: RCPT TO:<c@d>\nS: 250 ok\n= reply 250 to RCPT\n"
#define DATA "C: DATA\nS: 354 go\n= reply 354 to DATA\n= body wanted\n"
#define QUIT "C: QUIT\nS: 221 bye\n= reply 221 to QUIT\n= closed\n"

struct same_row {
  const char *name;
  const char *text;  // between greeting and the end
};

static const struct same_row same_rows[] = {
    {"EHLO", EHLO QUIT},
    {"EHLO with an address literal", "C: EHLO [192.0.2.1]\nS: 250 b\n= reply 250 to EHLO\n" QUIT},
    {"HELO", "C: HELO a.example\nS: 250 b\n= reply 250 to HELO\n" QUIT},
    {"STARTTLS", EHLO_WITH("S: 250 STARTTLS\n") "C: STARTTLS\nS: 220 go\n= reply 220 to "
                                                "STARTTLS\n= tls wanted\n! tls\n" EHLO QUIT},
    {"AUTH without initial response",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\nC: \\{secret}\nS: 235 "
                                  "ok\n= reply 235 to AUTH\n" QUIT},
    {"AUTH with an initial response that is no secret",
     EHLO_WITH("S: 250 AUTH LOGIN\n") "C: AUTH LOGIN YWxpY2U=\nS: 334\n= challenge to AUTH\nC: "
                                      "\\{secret}\nS: 235 ok\n"
                                      "= reply 235 to AUTH\n" QUIT},
    {"AUTH with an initial response that is one",
     EHLO_WITH(
         "S: 250 AUTH PLAIN\n") "C: AUTH PLAIN \\{secret}\nS: 235 ok\n= reply 235 to AUTH\n" QUIT},
    {"AUTH with an empty initial response",
     EHLO_WITH(
         "S: 250 AUTH EXTERNAL\n") "C: AUTH EXTERNAL =\nS: 235 ok\n= reply 235 to AUTH\n" QUIT},
    {"AUTH with an empty response",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\nC:\nS: 235 ok\n= reply "
                                  "235 to AUTH\n" QUIT},
    {"AUTH with a response that is no secret",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334 YQ==\n= challenge to AUTH\nC: AQ==\nS: 535 "
                                  "no\n= reply 535 to AUTH\n" QUIT},
    {"AUTH taken back", EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\nC: "
                                                     "*\nS: 501 ok\n= reply 501 to AUTH\n" QUIT},
    {"MAIL, RCPT, RSET", EHLO MAIL RCPT "C: RSET\nS: 250 ok\n= reply 250 to RSET\n" MAIL QUIT},
    {"MAIL and RCPT with parameters",
     EHLO_WITH("S: 250-SIZE\nS: 250 DSN\n") "C: MAIL FROM:<> SIZE=10 RET=HDRS\nS: 250 ok\n= reply "
                                            "250 to MAIL\n"
                                            "C: RCPT TO:<c@d> NOTIFY=NEVER\nS: 250 ok\n= reply 250 "
                                            "to RCPT\n" QUIT},
    {"quoted local parts",
     EHLO "C: MAIL FROM:<\"a>b\"@c>\nS: 250 ok\n= reply 250 to MAIL\n"
          "C: RCPT TO:<\"a\\\\\"> b\"@c>\nS: 250 ok\n= reply 250 to RCPT\n" QUIT},
    {"a message",
     EHLO MAIL RCPT DATA "C: a\nC:\nC: ..\nC: ...b\nC: .\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"a message of nothing", EHLO MAIL RCPT DATA "C: .\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"NOOP, with and without text",
     EHLO "C: NOOP\nS: 250 ok\n= reply 250 to NOOP\n"
          "C: NOOP hello there\nS: 250 ok\n= reply 250 to NOOP\n" QUIT},
    {"VRFY, EXPN, HELP",
     EHLO "C: VRFY a\nS: 252 no\n= reply 252 to VRFY\n"
          "C: EXPN b\nS: 550 no\n= reply 550 to EXPN\nC: HELP\nS: 214 no\n= reply 214 to HELP\n"
          "C: HELP c\nS: 504 no\n= reply 504 to HELP\n" QUIT},
    {"one chunk", EHLO_WITH("S: 250 CHUNKING\n") MAIL RCPT
     "C: BDAT 5 LAST\nC: abc\nS: 250 ok\n= reply 250 to BDAT\n" QUIT},
    {"chunks without line ends, with dots, empty", EHLO_WITH("S: 250 CHUNKING\n") MAIL RCPT
     "C: BDAT 4\nC: a\\r\\x00\\\nC: .\\\nS: 250 ok\n= reply 250 to BDAT\n"
     "C: BDAT 3\nC: .\nS: 250 ok\n= reply 250 to BDAT\n"
     "C: BDAT 0 LAST\nS: 250 ok\n= reply 250 to BDAT\n" QUIT},
    {"pipelined commands",
     EHLO_WITH(
         "S: 250 PIPELINING\n") "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: RCPT TO:<e@f>\nC: DATA\n"
                                "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\n"
                                "= reply 250 to MAIL\n= reply 250 to RCPT\n= reply 550 to RCPT\n= "
                                "reply 354 to DATA\n"
                                "= body wanted\nC: a\nC: .\nC: QUIT\nS: 250 ok\nS: 221 bye\n"
                                "= reply 250 to body\n= reply 221 to QUIT\n= closed\n"},
    {"two messages",
     EHLO MAIL RCPT DATA "C: a\nC: .\nS: 250 ok\n= reply 250 to body\n" MAIL RCPT DATA
                         "C: b\nC: .\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"lines in other forms go as they are",
     "C: ehlo a.example\nS: 250 b\n= reply 250 to EHLO\n"
     "C: MAIL FROM: <a@b>\nS: 250 ok\n= reply 250 to MAIL\n"
     "C: Rcpt To:<c@d> X\nS: 250 ok\n= reply 250 to RCPT\n"
     "C: DATA x\nS: 501 no\n= reply 501 to DATA\n"
     "C: data\nS: 354 go\n= reply 354 to DATA\n= body wanted\n"
     "C: a\nC: .\nS: 250 ok\n= reply 250 to body\n"
     "C: quit\nS: 221 bye\n= reply 221 to QUIT\n= closed\n"},
    {"LHLO, and a reply for each recipient",
     "C: LHLO a.example\nS: 250 b\n= reply 250 to LHLO\n" MAIL RCPT RCPT DATA
     "C: a\nC: .\nS: 250 ok\n= reply 250 to body\nS: 452 no\n= reply 452 to body\n" QUIT},
    {"LMTP in flights",
     "C: LHLO a.example\nS: 250-b\nS: 250 PIPELINING\n= reply 250 to LHLO\n"
     "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: RCPT TO:<e@f>\nC: DATA\n"
     "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
     "= reply 250 to MAIL\n= reply 250 to RCPT\n= reply 250 to RCPT\n= reply 354 to DATA\n"
     "= body wanted\nC: a\nC: .\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\n"
     "S: 250 ok\nS: 550 no\nS: 250 ok\nS: 250 ok\n"
     "= reply 250 to body\n= reply 550 to body\n= reply 250 to MAIL\n= reply 250 to RCPT\n" QUIT},
    {"chunks in LMTP",
     "C: LHLO a.example\nS: 250-b\nS: 250-PIPELINING\nS: 250 CHUNKING\n= reply 250 to LHLO\n" MAIL
         RCPT RCPT "C: BDAT 3\nC: a\nC: BDAT 3 LAST\nC: b\nS: 250 ok\nS: 250 ok\nS: 452 no\n"
     "= reply 250 to BDAT\n= reply 250 to BDAT\n= reply 452 to BDAT\n" QUIT},
    {"a last chunk for nobody in LMTP",
     "C: LHLO a.example\nS: 250-b\nS: 250-PIPELINING\nS: 250 CHUNKING\n= reply 250 to LHLO\n"
     "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: BDAT 3 LAST\nC: a\nS: 250 ok\nS: 550 no\n"
     "= reply 250 to MAIL\n= reply 550 to RCPT\n" QUIT},
    {"ETRN", EHLO_WITH("S: 250 ETRN\n") "C: ETRN @b\nS: 253 ok\n= reply 253 to ETRN\n" QUIT},
    {"XCLIENT, and EHLO after it",
     EHLO_WITH("S: 250 XCLIENT ADDR\n") "C: XCLIENT ADDR=192.0.2.1\nS: 220 b\n"
                                        "= reply 220 to XCLIENT\n" EHLO QUIT},
    {"XCLIENT that was not offered",
     EHLO "C: XCLIENT a=b\nS: 550 no\n= reply 550 to XCLIENT\n" QUIT},
    {"ETRN in lower case", EHLO "C: etrn b\nS: 500 no\n= reply 500 to ETRN\n" QUIT},
    {"a command that nobody knows", EHLO "C: XFOO a=b\nS: 500 what\n= reply 500 to other\n" QUIT},
    {"an empty line", EHLO "C:\nS: 500 what\n= reply 500 to other\n" QUIT},
    {"a command out of order", EHLO "C: DATA\nS: 503 no\n= reply 503 to DATA\n" QUIT},
    {"an extension that was not offered",
     EHLO "C: STARTTLS\nS: 502 no\n= reply 502 to STARTTLS\n" QUIT},
    {"AUTH in other forms",
     EHLO_WITH("S: 250 AUTH LOGIN PLAIN\n") "C: AUTH login\nS: 334 YQ==\n= challenge to AUTH\n"
                                            "C: \\{secret}\nS: 535 no\n= reply 535 to AUTH\nC: "
                                            "auth LOGIN\\x20\nS: 334 YQ==\n"
                                            "= challenge to AUTH\nC: *\nS: 501 no\n= reply 501 to "
                                            "AUTH\nC: AUTH  PLAIN  \\{secret}\n"
                                            "S: 535 no\n= reply 535 to AUTH\nC: auth plain "
                                            "\\{secret}\nS: 235 ok\n"
                                            "= reply 235 to AUTH\n" QUIT},
    {"AUTH that was not offered, before EHLO, after it was accepted",
     "C: AUTH LOGIN\nS: 503 no\n= reply 503 to AUTH\n" EHLO
     "C: AUTH PLAIN \\{secret}\nS: 504 no\n= reply 504 to AUTH\nC: AUTH X\nS: 334\n"
     "= challenge to AUTH\nC: \\{secret}\nS: 235 ok\n= reply 235 to AUTH\nC: AUTH X\n"
     "S: 503 no\n= reply 503 to AUTH\n" QUIT},
    {"AUTH whose mechanism is hidden, and lines that go on behind a refusal",
     EHLO_WITH("S: 250 AUTH PLAIN\n") "C: AUTH \\{secret}\nS: 504 no\n= reply 504 to AUTH\n"
                                      "C: \\{secret}\nS: 500 what\n= reply 500 to other\nC: "
                                      "AU\\{secret}\nS: 500 what\n"
                                      "= reply 500 to other\n" QUIT},
    {"a secret in an ordinary command",
     EHLO "C: NOOP \\{secret}\nS: 250 ok\n= reply 250 to NOOP\n"
          "C: MAIL FROM:<\\{secret}@b> X\nS: 250 ok\n= reply 250 to MAIL\n" QUIT},
    {"a blind login",
     EHLO_WITH("S: 250 AUTH LOGIN\n") "C: AUTH LOGIN\nC: \\{secret}\nC: \\{secret}\nS: 334 YQ==\n"
                                      "S: 334 YQ==\nS: 235 ok\n= challenge to AUTH\n= challenge to "
                                      "AUTH\n= reply 235 to AUTH\n" QUIT},
    {"a blind login that is refused",
     EHLO_WITH("S: 250 AUTH LOGIN\n") "C: AUTH LOGIN\nC: \\{secret}\nC: \\{secret}\nS: 504 no\n"
                                      "S: 500 no\nS: 500 no\n= reply 504 to AUTH\n= reply 500 to "
                                      "other\n= reply 500 to other\n" QUIT},
    {"BDAT that was not offered, with blanks, and without a number", EHLO MAIL RCPT
     "C: BDAT 3 LAST\nC: a\nS: 250 ok\n= reply 250 to BDAT\n" MAIL RCPT
     "C: bdat  03\nC: a\nS: 250 ok\n= reply 250 to BDAT\nC: BDAT 0  last\nS: 250 ok\n"
     "= reply 250 to BDAT\nC: BDAT x\nS: 501 no\n= reply 501 to other\n" QUIT},
    {"a chunk that ends in the middle of a line, and the command behind it",
     EHLO_WITH("S: 250 CHUNKING\n") MAIL RCPT
     "C: BDAT 3\nC: abcBDAT 2 LAST\nC: a\\nRSET\n"
     "S: 250 ok\nS: 250 ok\nS: 250 ok\n= reply 250 to BDAT\n= reply 250 to BDAT\n"
     "= reply 250 to RSET\n" QUIT},
    {"lines that end in LF alone",
     "C: EHLO x\\n\\\nS: 250 b\n= reply 250 to EHLO\nC: MAIL FROM:<a@b>\\nRCPT "
     "TO:<c@d>\\nDATA\\n\\\n"
     "S: 250 ok\nS: 250 ok\nS: 354 go\n= reply 250 to MAIL\n= reply 250 to RCPT\n"
     "= reply 354 to DATA\n= body wanted\nC: a\\n..b\\n\\n\\\nC: .\\n\\\nC: QUIT\\n\\\nS: 250 ok\n"
     "S: 221 bye\n= reply 250 to body\n= reply 221 to QUIT\n= closed\n"},
    {"a response that ends in LF alone",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\\n\\\nS: 334\n= challenge to AUTH\n"
                                  "C: \\{secret}\\n\\\nS: 235 ok\n= reply 235 to AUTH\n" QUIT},
    {"an LF alone in a message",
     EHLO MAIL RCPT DATA "C: a\\nb\nC: .\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"dots behind an LF alone, as they are", EHLO MAIL RCPT DATA
     "C: ..a\\n.b\\n..c\\n...\\n.\nC: ..\nC: .\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"dots behind an LF alone, and no other line ends", EHLO MAIL RCPT
     "C: DATA\\n\\\nS: 354 go\n= reply 354 to DATA\n= body wanted\n"
     "C: ..a\\n.b\\n..c\\n.\\\nC: .\\n.\\n\\\nS: 250 ok\n= reply 250 to body\n" QUIT},
    {"lines behind the final dot",
     EHLO MAIL RCPT DATA "C: .\\r\\n.\nS: 250 ok\nS: 500 no\n= reply 250 to body\n"
                         "= reply 500 to other\n" QUIT},
    {"pipelining that was not offered", EHLO
     "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\nC: a\nC: .\nC: QUIT\nS: 250 ok\nS: 250-a\n"
     "S: 250 b\nS: 354 go\nS: 250 ok\nS: 221 bye\n= reply 250 to MAIL\n= reply 250 to RCPT\n"
     "= reply 354 to DATA\n= body wanted\n= reply 250 to body\n= reply 221 to QUIT\n= closed\n"},
    {"commands that the greeting finds there",
     "C: HELO x\nC: NOOP\nS: 250 a\n= reply 250 to HELO\nS: 250 b\n= reply 250 to NOOP\n" QUIT},
    {"a message behind a DATA that is refused: its lines are commands",
     EHLO MAIL "C: DATA\nC: a\nC: .\nC: QUIT\nS: 503 no\nS: 500 a\nS: 500 .\nS: 221 bye\n"
               "= reply 503 to DATA\n= reply 500 to other\n= reply 500 to other\n"
               "= reply 221 to QUIT\n= closed\n"},
    {"a reply in the middle of what goes on", EHLO MAIL RCPT
     "C: DATA\nC: a\\\nS: 354 go\n= reply 354 to DATA\n= body wanted\nC: b\nC: .\\\n"
     "C: \\r\\n\\\nS: 250 ok\n= reply 250 to body\nC: QU\\\n! note late\nC: IT\nS: 221 bye\n"
     "= reply 221 to QUIT\n= closed\n"},
    {"commands behind STARTTLS, which the server forgets",
     EHLO_WITH("S: 250 STARTTLS\n") "C: STARTTLS\nC: EHLO y\nC: NO\\\nS: 220 go\n"
                                    "= reply 220 to STARTTLS\n= tls wanted\n! tls\n" EHLO QUIT},
    {"commands behind a STARTTLS that is refused",
     EHLO_WITH("S: 250 STARTTLS\n") "C: STARTTLS\nC: NOOP\nS: 454 no\nS: 250 ok\n"
                                    "= reply 454 to STARTTLS\n= reply 250 to NOOP\n" QUIT},
    {"commands behind QUIT", EHLO "C: QUIT\nC: NOOP\nS: 221 bye\n= reply 221 to QUIT\n= closed\n"
                                  "C: NOOP\nS: 250 ok\n! eof S\n"},
    {"commands in flight when the server gives up",
     EHLO "C: NOOP\nC: NOOP\nS: 421 bye\n= reply 421 to NOOP\n= closed\nC: QUIT\n! eof S\n"},
    {"no recipient, and DATA is taken",
     EHLO "C: RCPT TO:<c@d>\nS: 503 no\n= reply 503 to RCPT\n" MAIL
          "C: MAIL FROM:<a@b>\nS: 503 nested\n= reply 503 to MAIL\nC: RCPT TO:<c@d>\nS: 550 no\n"
          "= reply 550 to RCPT\n" DATA "C: .\nS: 554 no\n= reply 554 to body\n" QUIT},
    {"lines cut anywhere",
     "C: EH\\\nC: LO a.exam\\\nC: ple\nS: 250 b\n= reply 250 to EHLO\n" MAIL RCPT DATA
     "C: a\\\nC: b\nC: .\\\nC: .\nC: .\\r\\\nC: \\n\\\nS: 250 ok\n"
     "= reply 250 to body\n" QUIT},
};

Test(verbs, every_verb_is_followed) {
  for (size_t i = 0; i < NUM(same_rows); i++) {
    for (unsigned chunks = EHLO_CHUNKS_RECORDED; chunks <= EHLO_CHUNKS_BYTE; chunks++) {
      char text[4096];
      struct ehlo_replay_result r;
      snprintf(text, sizeof(text), "%s%s", HEAD, same_rows[i].text);
      run(&r, text, (enum ehlo_chunks)chunks);
      cr_expect(r.verdict == EHLO_REPLAY_SAME, "%s: %zu:%zu expected %s got %s", same_rows[i].name,
                r.divergence.line, r.divergence.column, r.divergence.expected, r.divergence.got);
      cr_expect(r.state == EHLO_STATE_CLOSED && !r.is_submission, "%s: ends %s", same_rows[i].name,
                ehlo_state_name(r.state));
    }
  }
}

// What becomes of the session is the engine's to say, and what the client did after that is passed over.
static const struct {
  const char *name;
  const char *text;
  enum ehlo_status status;
} failed_rows[] = {
    {"a reply to what was said in cleartext behind STARTTLS",
     EHLO_WITH("S: 250 STARTTLS\n") "C: STARTTLS\nC: NOOP\nS: 220 go\n= reply 220 to STARTTLS\n"
                                    "= tls wanted\n! tls\nS: 250 ok\n= failed reply-unexpected at "
                                    "40\nC: EHLO x\nS: 250 b\n",
     EHLO_E_REPLY_UNEXPECTED},
    {"replies before the handshake",
     EHLO_WITH("S: 250 STARTTLS\n") "C: STARTTLS\nC: NOOP\nS: 220 go\nS: 250 ok\n"
                                    "= reply 220 to STARTTLS\n= tls wanted\n= failed "
                                    "starttls-injection at 40\n! tls\n"
                                    "C: QUIT\n",
     EHLO_E_STARTTLS_INJECTION},
    {"one reply too many", EHLO "S: 250 ok\n= failed reply-unexpected at 18\nC: QUIT\nS: 221 x\n",
     EHLO_E_REPLY_UNEXPECTED},
    {"the server closes, and commands wait",
     EHLO "C: NOOP\nC: NOOP\nS: 250 ok\n= reply 250 to NOOP\n! eof S\n= failed closed at 26\n",
     EHLO_E_CLOSED},
    {"a reset within a login",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\n! reset S\n"
                                  "= failed reset at 35\n",
     EHLO_E_RESET},
    {"a reset within a line", EHLO "C: NO\\\n! reset C\n= failed reset at 18\n", EHLO_E_RESET},
    {"a reset within a message",
     EHLO MAIL RCPT DATA "C: a\nC: .\\\n! reset C\n= failed reset at 42\n", EHLO_E_RESET},
    {"a refusal within a message",
     EHLO MAIL RCPT DATA
     "C: a\nS: 552 no\n= failed reply-unexpected at 42\nC: b\nC: .\nS: 250 ok\n",
     EHLO_E_REPLY_UNEXPECTED},
};

Test(verbs, failures_are_reproduced) {
  for (size_t i = 0; i < NUM(failed_rows); i++) {
    for (unsigned chunks = EHLO_CHUNKS_RECORDED; chunks <= EHLO_CHUNKS_BYTE; chunks++) {
      char text[4096];
      struct ehlo_replay_result r;
      snprintf(text, sizeof(text), "%s%s", HEAD, failed_rows[i].text);
      run(&r, text, (enum ehlo_chunks)chunks);
      cr_expect(r.verdict == EHLO_REPLAY_SAME, "%s: %zu:%zu expected %s got %s",
                failed_rows[i].name, r.divergence.line, r.divergence.column, r.divergence.expected,
                r.divergence.got);
      cr_expect_eq(r.status, failed_rows[i].status, "%s: %s", failed_rows[i].name,
                   ehlo_status_name(r.status));
    }
  }
}

// What the engine would never send: a stand-in goes in its place.
#define LONG200                                                                                    \
  "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" \
  "yyyyyy"                                                                                         \
  "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" \
  "yyyyyy"
#define LONG1000 LONG200 LONG200 LONG200 LONG200 LONG200
#define BODY_OK "S: 250 ok\n= reply 250 to body\n"
static const struct same_row foreign_rows[] = {
    {"AUTH whose initial response is no base64",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X abc\nS: 334\n= challenge to AUTH\nC: *\nS: 501 no\n= "
                                  "reply 501 to AUTH\n" QUIT},
    {"a response that is no base64",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\nC: abc\nS: 535 no\n= "
                                  "reply 535 to AUTH\n" QUIT},
    {"a response with text before and behind a secret",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\nC: a \\{secret} b\nS: "
                                  "535 no\n= reply 535 to AUTH\n" QUIT},
    {"text behind AUTH that is no secret",
     EHLO "C: auth PLAIN abc\nS: 535 no\n= reply 535 to AUTH\n" QUIT},
    {"a mechanism that is a secret, and more",
     EHLO "C: AUTH \\{secret} abc\nS: 504 no\n= reply 504 to AUTH\n" QUIT},
    {"two secrets in a command",
     EHLO "C: NOOP \\{secret} \\{secret}\nS: 250 ok\n= reply 250 to NOOP\n" QUIT},
    {"a control octet in a command", EHLO "C: NOOP a\\x07\nS: 250 ok\n= reply 250 to NOOP\n" QUIT},
    {"an octet that is no ASCII", EHLO "C: \\xc3\\xa4\nS: 500 no\n= reply 500 to other\n" QUIT},
    {"a bare CR in a command", EHLO "C: NO\\rOP\nS: 500 no\n= reply 500 to other\n" QUIT},
    {"a bare CR at a command's end", EHLO "C: NOOP \\r\nS: 250 ok\n= reply 250 to NOOP\n" QUIT},
    {"a bare CR and nothing else", EHLO "C: \\r\nS: 500 no\n= reply 500 to other\n" QUIT},
    {"a command of three thousand octets",
     EHLO "C: NOOP " LONG1000 LONG1000 LONG1000 "\nS: 500 no\n= reply 500 to NOOP\n" QUIT},
    {"a long one with odd octets at its end", EHLO
     "C: NOOP " LONG1000 LONG1000 "y\\ra\\x00\\{secret}\\r\nS: 500 no\n= reply 500 to NOOP\n" QUIT},
    {"one of twenty thousand octets, in pieces",
     EHLO "C: NOOP " LONG1000 LONG1000 LONG1000 LONG1000 LONG1000 LONG1000 LONG1000 LONG1000
         LONG1000 LONG1000 "\\\nC: " LONG1000 LONG1000 LONG1000 LONG1000 LONG1000 LONG1000 LONG1000
             LONG1000 LONG1000 LONG1000 "\nS: 500 no\n= reply 500 to NOOP\n" QUIT},
    {"a bare CR in a message", EHLO MAIL RCPT DATA "C: a\\rb\nC: .\n" BODY_OK QUIT},
    {"bare CRs at its line ends", EHLO MAIL RCPT DATA "C: \\r\\r\nC: \\r.\nC: .\n" BODY_OK QUIT},
    {"a bare CR where a chunk ends",
     EHLO MAIL RCPT DATA "C: a\\r\\\n+0.1 C: \\r\\\n+0.1 C: b\nC: .\n" BODY_OK QUIT},
    {"a line end where a chunk ends",
     EHLO MAIL RCPT DATA "C: a\\r\\\n+0.1 C: \\n\\\n+0.1 C: b\nC: .\n" BODY_OK QUIT},
    {"a wait that ended, while the client waited for nothing", EHLO "+10 ! timeout\n! eof C\n"},
    {"and in a message", EHLO MAIL RCPT DATA "C: a\n+10 ! timeout\n! eof C\n"},
    {"and in a login",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\n= challenge to AUTH\n+1 ! timeout\n"},
    {"a wait that ended before the client's would",
     EHLO "C: NOOP\n+1 ! timeout\n= failed timeout at 18\n! eof C\n"},
    {"NULs and a dot", EHLO MAIL RCPT DATA "C: \\x00.\nC: \\x00\nC: .\n" BODY_OK QUIT},
    {"a secret in a message",
     EHLO MAIL RCPT DATA "C: a\\{secret}\\{secret}b\nC: \\{secret}\nC: .\n" BODY_OK QUIT},
};

Test(verbs, what_is_never_sent_has_a_stand_in) {
  for (size_t i = 0; i < NUM(foreign_rows); i++) {
    for (unsigned chunks = EHLO_CHUNKS_RECORDED; chunks <= EHLO_CHUNKS_BYTE; chunks++) {
      static char text[32768];
      struct ehlo_replay_result r;
      snprintf(text, sizeof(text), "%s%s", HEAD, foreign_rows[i].text);
      run(&r, text, (enum ehlo_chunks)chunks);
      cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s: %zu:%zu expected %s got %s",
                   foreign_rows[i].name, r.divergence.line, r.divergence.column,
                   r.divergence.expected, r.divergence.got);
    }
  }
}

// At each of the limits, and around it: of a command that is sent whole, and of what is kept of a line.
Test(verbs, lines_around_the_limits) {
  static char text[40000];
  for (size_t len = 2030; len < 16400; len += len == 2060 ? 14300 : 1) {
    struct ehlo_replay_result r;
    size_t at = (size_t)snprintf(text, sizeof(text), "%sC: NOOP ", HEAD EHLO);
    for (size_t left = len - 5; left > 0;) {
      size_t n = left < 16000 ? left : 16000;  // a line of a transcript has a limit of its own
      memset(text + at, 'y', n);
      at += n;
      left -= n;
      at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", left > 0 ? "\\\nC: " : "\n");
    }
    snprintf(text + at, sizeof(text) - at, "S: 500 no\n= reply 500 to NOOP\n%s", QUIT);
    run(&r, text, EHLO_CHUNKS_RECORDED);
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu octets: %zu:%zu expected %s got %s", len,
                 r.divergence.line, r.divergence.column, r.divergence.expected, r.divergence.got);
  }
}

static uint64_t hash_of(const char *text) {
  struct ehlo_replay_result r;
  run(&r, text, EHLO_CHUNKS_RECORDED);
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s", text);
  return r.hash;
}

// The hash is of what the program said, not of what stood for it.
Test(verbs, a_stand_in_is_not_what_was_said) {
  uint64_t bell = hash_of(HEAD EHLO "C: NOOP a\\x07\nS: 250 ok\n= reply 250 to NOOP\n" QUIT);
  uint64_t tab = hash_of(HEAD EHLO "C: NOOP a\\t\nS: 250 ok\n= reply 250 to NOOP\n" QUIT);
  uint64_t mark = hash_of(HEAD EHLO "C: NOOP a?\nS: 250 ok\n= reply 250 to NOOP\n" QUIT);
  cr_expect(bell != tab && bell != mark && tab != mark);
}

// What the engine would never send, and nothing can stand for: how long it was is not known.
static const struct {
  const char *name;
  const char *text;
  size_t line;
} refused_rows[] = {
    {"a secret in a chunk", EHLO MAIL RCPT "C: BDAT 5 LAST\nC: a\\{secret}bc\nS: 250 ok\n", 14},
};

Test(verbs, what_cannot_be_sent_is_told) {
  for (size_t i = 0; i < NUM(refused_rows); i++) {
    char text[4096];
    struct ehlo_replay_result r;
    snprintf(text, sizeof(text), "%s%s", HEAD, refused_rows[i].text);
    run(&r, text, EHLO_CHUNKS_RECORDED);
    cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED, "%s", refused_rows[i].name);
    cr_expect_eq(r.divergence.line, refused_rows[i].line, "%s: %zu:%zu expected %s got %s",
                 refused_rows[i].name, r.divergence.line, r.divergence.column,
                 r.divergence.expected, r.divergence.got);
  }
}
