// Lines of a transcript become verbs: each verb by its own call, any other line as it is, message
// text and chunks to the octet, however the lines were cut. What cannot be sent is told.
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
  ehlo_replay_run(out, read_text, &source, &(struct ehlo_replay_options){.chunks = chunks});
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

// What the engine would never send, and no raw line may stand for.
static const struct {
  const char *name;
  const char *text;
  size_t line;
} refused_rows[] = {
    {"AUTH that was not offered", EHLO "C: AUTH X\nS: 334\n", 7},
    {"AUTH whose initial response is no base64",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X abc\nS: 334\n", 8},
    {"a response that is no base64",
     EHLO_WITH("S: 250 AUTH X\n") "C: AUTH X\nS: 334\nC: abc\nS: 334\n", 10},
    {"a secret in a command that has none", EHLO "C: NOOP \\{secret}\nS: 250 ok\n", 7},
    {"BDAT that was not offered", EHLO MAIL RCPT "C: BDAT 3 LAST\nC: a\nS: 250 ok\n", 13},
    {"BDAT without a number", EHLO_WITH("S: 250 CHUNKING\n") MAIL RCPT "C: BDAT x\nS: 501 no\n",
     14},
    {"a chunk that is longer than it says",
     EHLO_WITH("S: 250 CHUNKING\n") MAIL RCPT "C: BDAT 2 LAST\nC: a\nS: 250 ok\n", 15},
    {"a control byte in a command", EHLO "C: NOOP a\\x07\nS: 250 ok\n", 7},
    {"a bare CR in a message", EHLO MAIL RCPT DATA "C: a\\rb\nC: .\nS: 250 ok\n", 17},
    {"a bare LF in a message", EHLO MAIL RCPT DATA "C: a\\nb\nC: .\nS: 250 ok\n", 17},
    {"text behind the final dot", EHLO MAIL RCPT DATA "C: .\\r\\n.\nS: 250 ok\n", 17},
    {"pipelining that was not offered", EHLO "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nS: 250 ok\n",
     8},
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
