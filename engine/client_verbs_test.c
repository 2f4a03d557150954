// Tests of the verbs beside the plain transaction: parameters, LMTP, ETRN, XCLIENT, the text of BDAT
// chunks, and moves between buffers. Scripts run at every cut.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

#define LEN(table) (sizeof(table) / sizeof(table[0]))
#define HELLO "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\n"
#define MAIL "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 a\n= reply MAIL 250\n"
#define RCPT "> rcpt <c@d>\nC: RCPT TO:<c@d>\nS: 250 c\n= reply RCPT 250 #0\n"
#define RCPT2 "> rcpt <e@f>\nC: RCPT TO:<e@f>\nS: 250 c\n= reply RCPT 250 #1\n"
#define DATA "> data\nC: DATA\nS: 354 go\n= reply DATA 354\n= body-wanted\n"

static const struct ehlo_config plain;

// ---- Parameters ---------------------------------------------------------------------------------

#define OFFERS                                                                               \
  HELLO                                                                                      \
  "S: 250-x\nS: 250-SIZE\nS: 250-DSN\nS: 250-8BITMIME\nS: 250-BINARYMIME\nS: 250-CHUNKING\n" \
  "S: 250 REQUIRETLS\n= reply EHLO 250\n"

static const char *const parameters[][2] = {
    {"form before offer, place, path after them",
     OFFERS "> mail <a@b> SIZE=x -> argument\n> mail <a@b> NOTIFY=NEVER -> argument\n"
            "> mail <a b> SMTPUTF8 -> unsupported\n> mail <a b> SIZE=1 -> argument\n"
            "> mail <a@b> ENVID=\\{a*101} -> too-long\n? state ready\n"
            "> mail <a@b> SIZE=5 RET=HDRS XVERP\nC: MAIL FROM:<a@b> SIZE=5 RET=HDRS XVERP\n"
            "S: 250 x\n= reply MAIL 250\n> rcpt <c@d> RET=FULL -> argument\n"
            "> rcpt <c@d> NOTIFY=NEVER ORCPT=rfc822;x\n"
            "C: RCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;x\nS: 250 x\n= reply RCPT 250 #0\n"},
    {"what was not offered",
     HELLO "S: 250 x\n= reply EHLO 250\n> mail <a@b> SIZE=1 -> unsupported\n"
           "> mail <a@b> BODY=8BITMIME -> unsupported\n> mail <a@b> RET=FULL -> unsupported\n"
           "> mail <a@b> HOLDFOR=1 -> unsupported\n> mail <a@b> BY=1;N -> unsupported\n"
           "> mail <a@b> MT-PRIORITY=1 -> unsupported\n> mail <\xc3\xa9@b> -> argument\n" MAIL
           "> rcpt <c@d> NOTIFY=NEVER -> unsupported\n? state mail\n"},
    {"REQUIRETLS is no offer without TLS, and is one under it",
     HELLO "S: 250-x\nS: 250-STARTTLS\nS: 250 REQUIRETLS\n= reply EHLO 250\n"
           "> mail <a@b> REQUIRETLS -> unsupported\n> starttls\nC: STARTTLS\nS: 220 x\n"
           "= reply STARTTLS 220\n= tls-wanted\n! tls\n> ehlo c\nC: EHLO c\nS: 250-x\n"
           "S: 250 REQUIRETLS\n= reply EHLO 250\n> mail <a@b> REQUIRETLS\n"
           "C: MAIL FROM:<a@b> REQUIRETLS\nS: 250 x\n= reply MAIL 250\n"},
    {"BINARYMIME goes by BDAT, and the next message as it likes",
     OFFERS "> mail <a@b> BODY=BINARYMIME\nC: MAIL FROM:<a@b> BODY=BINARYMIME\nS: 250 x\n"
            "= reply MAIL 250\n" RCPT
            "? may-not DATA\n? may BDAT\n> data -> state\n> bdat 0 LAST\nC: BDAT 0 LAST\nS: 250 x\n"
            "= reply BDAT 250\n> mail <a@b> BODY=8BITMIME\nC: MAIL FROM:<a@b> BODY=8BITMIME\n"
            "S: 250 x\n= reply MAIL 250\n" RCPT DATA "> end\nC: .\nS: 250 x\n= reply body 250\n"},
    {"a raw MAIL says nothing of it",
     OFFERS "> mail <a@b> BODY=BINARYMIME\nC: MAIL FROM:<a@b> BODY=BINARYMIME\nS: 550 x\n"
            "= reply MAIL 550\n> raw mail from:<a@b>\nC: mail from:<a@b>\nS: 250 x\n"
            "= reply MAIL 250\n" RCPT DATA "> end\nC: .\nS: 250 x\n= reply body 250\n"},
};

Test(client_verbs, parameters) {
  ehlo_script_run_table(parameters, LEN(parameters), &plain);
}

// ---- LMTP ---------------------------------------------------------------------------------------

#define LHLO                                                                           \
  "S: 220 x\n= reply greeting 220\n> lhlo c\nC: LHLO c\nS: 250-x\nS: 250-PIPELINING\n" \
  "S: 250 CHUNKING\n= reply LHLO 250\n? lmtp yes\n? state ready\n"
#define TWO LHLO MAIL RCPT RCPT2

static const char *const lmtp[][2] = {
    {"a reply for each recipient",
     TWO DATA "> body hi\\n\n> end\nC: hi\nC: .\n? pending 1\nS: 250 x\n= reply body 250 #0 +1\n"
              "? pending 1\n? may MAIL\nS: 452 x\n= reply body 452 #1\n"
              "? pending 0\n? state ready\n? may QUIT\n"},
    {"one recipient, one reply", LHLO MAIL RCPT DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0\n"
                                                     "? state ready\n"},
    {"refused recipients get none", LHLO MAIL RCPT
     "> rcpt <e@f>\nC: RCPT TO:<e@f>\nS: 550 x\n= reply RCPT 550 #1\n"
     "> rcpt <g@h>\nC: RCPT TO:<g@h>\nS: 250 x\n= reply RCPT 250 #2\n" DATA
     "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\nS: 250 x\n= reply body 250 #1\n"},
    {"one reply too many",
     LHLO MAIL RCPT DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0\nS: 250 y\n"
                         "= failed reply-unexpected @73 [250 y] nothing unsent\n"},
    {"one too few, and then nothing",
     TWO DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\n? deadline 600000\n! at 600000\n"
              "= failed timeout @80 [] body sent\n"},
    {"the end between them",
     TWO DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\n! end closed\n"
              "= failed closed @80 [] body sent\n"},
    {"421 between them",
     TWO DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\nS: 421 x\n= reply body 421 #1\n"
              "= closed\n"},
    {"a 421 before them", TWO DATA "> end\nC: .\nS: 421 x\n= reply body 421 #0\n= closed\n"},
    {"a reply that the message cannot have",
     TWO DATA "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\nS: 354 x\n"
              "= failed reply-impossible @80 [354 x] body sent\n"},
    {"all at once, and the next message behind", LHLO
     "> mail <a@b>\n> rcpt <c@d>\n> rcpt <e@f>\n> data\nC: MAIL FROM:<a@b>\n"
     "C: RCPT TO:<c@d>\nC: RCPT TO:<e@f>\nC: DATA\nS: 250 a\nS: 250 b\nS: 250 c\nS: 354 d\n"
     "= reply MAIL 250\n= reply RCPT 250 #0\n= reply RCPT 250 #1\n= reply DATA 354\n"
     "= body-wanted\n> end\n> mail <a@b>\n> rcpt <c@d>\n> data\nC: .\nC: MAIL FROM:<a@b>\n"
     "C: RCPT TO:<c@d>\nC: DATA\n? pending 4\nS: 250 x\nS: 550 y\nS: 250 a\nS: 250 b\nS: 354 d\n"
     "= reply body 250 #0 +1\n= reply body 550 #1\n= reply MAIL 250\n= reply RCPT 250 #0\n"
     "= reply DATA 354\n= body-wanted\n> end\nC: .\nS: 250 x\n= reply body 250 #0\n"},
    {"354 without a recipient",
     LHLO "> mail <a@b>\n> rcpt <c@d>\n> data\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\n"
          "S: 250 a\nS: 550 b\nS: 354 c\n= reply MAIL 250\n= reply RCPT 550 #0\n"
          "= failed reply-impossible @58 [354 c] DATA sent\n"},
    {"503 without a recipient",
     LHLO "> mail <a@b>\n> rcpt <c@d>\n> data\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\n"
          "S: 250 a\nS: 550 b\nS: 503 c\n= reply MAIL 250\n= reply RCPT 550 #0\n= reply DATA 503\n"
          "? state mail\n"},
    {"chunks: one reply, but the last has one for each", TWO
     "> bdat 3\n> chunk abc\n> bdat 2 LAST\n> chunk de\nC: BDAT 3\nC+ abc\nC: BDAT 2 LAST\nC+ de\n"
     "S: 250 x\n= reply BDAT 250\nS: 250 x\n= reply BDAT 250 #0 +1\n? pending 1\nS: 450 x\n"
     "= reply BDAT 450 #1\n? state ready\n? pending 0\n"},
    {"a last chunk whose replies the end cuts off",
     TWO "> bdat 0 LAST\nC: BDAT 0 LAST\nS: 250 x\n= reply BDAT 250 #0 +1\n! end reset\n"
         "= failed reset @72 [] BDAT sent\n"},
    {"a last chunk without a recipient gets no reply",
     LHLO "> mail <a@b>\n> rcpt <c@d>\n> bdat 2 LAST\n> chunk hi\nC: MAIL FROM:<a@b>\n"
          "C: RCPT TO:<c@d>\nC: BDAT 2 LAST\nC+ hi\n? pending 3\nS: 250 a\nS: 550 b\n"
          "= reply MAIL 250\n= reply RCPT 550 #0\n? pending 0\n? state ready\n? deadline never\n"
          "> quit\nC: QUIT\nS: 221 x\n= reply QUIT 221\n= closed\n"},
    {"nor one that is not sent yet",
     LHLO "> mail <a@b>\n> rcpt <c@d>\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\n! hold\n"
          "> bdat 2 LAST\nS: 250 a\nS: 550 b\n= reply MAIL 250\n= reply RCPT 550 #0\n? pending 1\n"
          "? state chunk\n> chunk hi\n? pending 1\n! release\nC: BDAT 2 LAST\nC+ hi\n? pending 0\n"
          "? state ready\n"},
    {"but one that is not the last does",
     LHLO "> mail <a@b>\n> rcpt <c@d>\n> bdat 0\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: BDAT 0\n"
          "S: 250 a\nS: 550 b\nS: 503 c\n= reply MAIL 250\n= reply RCPT 550 #0\n= reply BDAT 503\n"
          "? pending 0\n"},
    {"EHLO is for the server to refuse",
     LHLO "> ehlo c\nC: EHLO c\nS: 500 x\n= reply EHLO 500\n? lmtp yes\n"},
    {"EHLO that is accepted makes it SMTP again",
     LHLO "> ehlo c\nC: EHLO c\nS: 250 x\n= reply EHLO 250\n? lmtp no\n" MAIL RCPT RCPT2 DATA
          "> end\nC: .\nS: 250 x\n= reply body 250\n? pending 0\n"},
    {"HELO too", LHLO "> helo c\nC: HELO c\nS: 250 x\n= reply HELO 250\n? lmtp no\n"},
    {"an SMTP server refuses LHLO",
     "S: 220 x\n= reply greeting 220\n> lhlo c\nC: LHLO c\nS: 500 x\n= reply LHLO 500\n? lmtp no\n"
     "? state greeted\n> lhlo a b -> argument\n"},
    {"TLS ends it until the next LHLO",
     "S: 220 x\n= reply greeting 220\n> lhlo c\nC: LHLO c\nS: 250-x\nS: 250 STARTTLS\n"
     "= reply LHLO 250\n> starttls\nC: STARTTLS\nS: 220 x\n= reply STARTTLS 220\n= tls-wanted\n"
     "! tls\n? lmtp no\n? state greeted\n> lhlo c\nC: LHLO c\nS: 250 x\n= reply LHLO 250\n? lmtp "
     "yes\n"},
    {"a MAIL refused inside a transaction leaves its recipients", TWO
     "> raw MAIL FROM:<x@y>\nC: MAIL FROM:<x@y>\nS: 503 x\n= reply MAIL 503\n? accepted 2\n" DATA
     "> end\nC: .\nS: 250 x\n= reply body 250 #0 +1\nS: 250 x\n= reply body 250 #1\n"},
};

Test(client_verbs, lmtp) {
  ehlo_script_run_table(lmtp, LEN(lmtp), &plain);
}

// ---- ETRN and XCLIENT ---------------------------------------------------------------------------

#define EXTRAS                                                                              \
  HELLO                                                                                     \
  "S: 250-x\nS: 250-ETRN\nS: 250-PIPELINING\nS: 250-XCLIENT NAME ADDR\nS: 250 AUTH LOGIN\n" \
  "= reply EHLO 250\n"

static const char *const extras[][2] = {
    {"ETRN", EXTRAS "> etrn example.org\nC: ETRN example.org\nS: 250 x\n= reply ETRN 250\n"
                    "> etrn @example.org\nC: ETRN @example.org\nS: 253 x\n= reply ETRN 253\n"
                    "> etrn #q1\nC: ETRN #q1\nS: 458 x\n= reply ETRN 458\n? state ready\n"
                    "> etrn  -> argument\n> etrn a b -> argument\n> etrn a\\r -> argument\n"},
    {"ETRN has no place in a transaction, and none where it was not offered",
     EXTRAS MAIL "> etrn a -> state\n> xclient ADDR=1 -> state\n> ehlo c\nC: EHLO c\nS: 250 x\n"
                 "= reply EHLO 250\n> etrn a -> unsupported\n> xclient ADDR=1 -> unsupported\n"},
    {"nothing goes behind them",
     EXTRAS "> etrn a\nC: ETRN a\n> noop  -> state\n? may-not MAIL\nS: 250 x\n= reply ETRN 250\n"
            "> xclient ADDR=1\nC: XCLIENT ADDR=1\n? state greeted\n> ehlo c -> state\nS: 220 x\n"
            "= reply XCLIENT 220\n"},
    {"XCLIENT begins the session anew",
     EXTRAS "> auth LOGIN\nC: AUTH LOGIN\nS: 235 x\n= reply AUTH 235\n? secure clear+auth\n"
            "> xclient NAME=spike.example ADDR=168.100.189.2\n"
            "C: XCLIENT NAME=spike.example ADDR=168.100.189.2\nS: 220 x\n= reply XCLIENT 220\n"
            "? state greeted\n? secure clear\n? may-not MAIL\n? may EHLO\n> ehlo c\nC: EHLO c\n"
            "S: 250 x\n= reply EHLO 250\n> xclient ADDR=1 -> unsupported\n"},
    {"a refused XCLIENT changes nothing",
     EXTRAS "> xclient addr=[UNAVAILABLE]\nC: XCLIENT addr=[UNAVAILABLE]\nS: 550 x\n"
            "= reply XCLIENT 550\n? state ready\n> xclient ADDR=a+20b\nC: XCLIENT ADDR=a+20b\n"
            "S: 501 x\n= reply XCLIENT 501\n> xclient ADDR=1\nC: XCLIENT ADDR=1\nS: 354 x\n"
            "= failed reply-impossible @93 [354 x] XCLIENT sent\n"},
    {"attributes",
     EXTRAS "> xclient  -> argument\n> xclient ADDR -> argument\n> xclient ADDR= -> argument\n"
            "> xclient =x -> argument\n> xclient ADDR=a  NAME=b -> argument\n"
            "> xclient ADDR=a  -> argument\n> xclient ADDR=a=b -> argument\n"
            "> xclient ADDR=a\\nQUIT -> argument\n> xclient ADDR=+0A -> argument\n"
            "> xclient AD.R=a -> argument\n> xclient PORT=1 -> unsupported\n"
            "> xclient ADDR=1 HELO=x -> unsupported\n> xclient ADDR=\\{a*996} -> too-long\n"
            "> xclient ADDR=\\{a*995}\nC: XCLIENT ADDR=\\{a*995}\nS: 220 x\n= reply XCLIENT 220\n"},
    {"XCLIENT in LMTP",
     "S: 220 x\n= reply greeting 220\n> lhlo c\nC: LHLO c\nS: 250-x\nS: 250 XCLIENT ADDR\n"
     "= reply LHLO 250\n> xclient ADDR=1\nC: XCLIENT ADDR=1\nS: 220 x\n= reply XCLIENT 220\n"
     "? lmtp no\n? state greeted\n"},
};

Test(client_verbs, extras) {
  const struct ehlo_config open = {.allow_cleartext_auth = true};
  ehlo_script_run_table(extras, LEN(extras), &open);
}

static const char *const starttls[][2] = {
    {"a line for TLS under TLS is answered, but leads nowhere",
     "! tls\nS: 220 x\n= reply greeting 220\n> raw STARTTLS\nC: STARTTLS\nS: 503 x\n"
     "= reply STARTTLS 503\n? state greeted\n> raw STARTTLS\nC: STARTTLS\nS: 220 x\n"
     "= failed reply-impossible @14 [220 x] STARTTLS sent\n"},
    {"under TLS it may not be sent, whatever is offered",
     "! tls\nS: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250-x\n"
     "S: 250 STARTTLS\n= reply EHLO 250\n? may-not STARTTLS\n? may AUTH\n> starttls -> state\n"},
};

Test(client_verbs, starttls) {
  ehlo_script_run_table(starttls, LEN(starttls), &plain);
}

// ---- The text of a chunk ------------------------------------------------------------------------

#define CHUNKING HELLO "S: 250-x\nS: 250-PIPELINING\nS: 250 CHUNKING\n= reply EHLO 250\n" MAIL RCPT

static const char *const chunk_text[][2] = {
    {"line ends become CRLF, dots stay, all is counted",
     CHUNKING "> bdat 7 LAST\n> body .a\\n\n> body .\\r\\n\n> end\nC: BDAT 7 LAST\nC: .a\nC: .\n"
              "? pending 1\n? state ready\nS: 250 x\n= reply BDAT 250\n"},
    {"MAIL refused behind a chunk: the recipients stay",
     CHUNKING "> bdat 3\n> chunk abc\nC: BDAT 3\nC+ abc\nS: 250 x\n= reply BDAT 250\n> rset\n"
              "> mail <a@b>\nC: RSET\nC: MAIL FROM:<a@b>\nS: 550 x\n= reply RSET 550\nS: 503 x\n"
              "= reply MAIL 503\n? accepted 1\n? state chunked\n"},
    {"the last line is ended", CHUNKING "> bdat 3 LAST\n> body x\n> end\nC: BDAT 3 LAST\nC: x\n"
                                        "S: 250 x\n= reply BDAT 250\n"},
    {"a chunk is not whole before its end",
     CHUNKING "> bdat 3\n> body x\\n\n? state chunk\n? pending 1\nC: BDAT 3\nC+ x\\r\nS: 250 x\n"
              "= failed reply-early @58 [250 x] BDAT unsent\n"},
    {"two chunks",
     CHUNKING "> bdat 3\n> body x\\n\n> end\n? state chunked\n> bdat 4 LAST\n"
              "> body yz\\n\n> end\nC: BDAT 3\nC: x\nC: BDAT 4 LAST\nC: yz\nS: 250 x\n"
              "S: 250 x\n= reply BDAT 250\n= reply BDAT 250\n"},
    {"an empty chunk is complete at once",
     CHUNKING "> bdat 0 LAST\n> end -> state\n> body x -> state\nC: BDAT 0 LAST\nS: 250 x\n"
              "= reply BDAT 250\n"},
    {"too short",
     CHUNKING "> bdat 9\n> body x\\n\n> end -> chunk-size\n> body y -> chunk-size\n"
              "> chunk y -> chunk-size\n> end -> chunk-size\n? state chunk\nC: BDAT 9\nC: x\n"
              "? pending 1\n! end closed\n= failed closed @58 [] BDAT unsent\n> end -> closed\n"},
    {"nothing at all", CHUNKING "> bdat 2\n> end -> chunk-size\nC: BDAT 2\n"},
    {"too long by a line", CHUNKING "> bdat 3\n> body x\\ny -> chunk-size\n> body y -> chunk-size\n"
                                    "C: BDAT 3\nC+ x\\r\n> end -> chunk-size\n"},
    {"too long by an octet", CHUNKING "> bdat 3\n> body xyz -> chunk-size\nC: BDAT 3\nC+ xy\n"},
    {"too long by the end of the last line",
     CHUNKING "> bdat 4\n> body xyz\n> end -> chunk-size\nC: BDAT 4\nC+ xyz\n"},
    {"too long by half a line end",
     CHUNKING "> bdat 2\n> body x\\n -> chunk-size\nC: BDAT 2\nC+ x\n"},
    {"no room for a line end", CHUNKING "> bdat 1\n> body \\n -> chunk-size\nC: BDAT 1\n"},
    {"a lone CR",
     CHUNKING "> bdat 5\n> body a\\rb -> bare-cr\nC: BDAT 5\nC+ a\n> end -> bare-cr\n"},
    {"text and octets do not mix",
     CHUNKING "> bdat 9\n> body a\n> chunk b -> state\nC: BDAT 9\nC+ a\n"},
    {"nor octets and text",
     CHUNKING "> bdat 9\n> chunk b\n> body a -> state\n> end -> state\n> chunk cdefghij\n"
              "C: BDAT 9\nC+ bcdefghij\nS: 250 x\n= reply BDAT 250\n? state chunked\n"},
    {"a half line end is text already",
     CHUNKING "> bdat 2\n> body \\r\n> chunk b -> state\n> body \\n\n> end\nC: BDAT 2\nC: \n"
              "S: 250 x\n= reply BDAT 250\n"},
    {"no text elsewhere", CHUNKING "> body x -> state\n> end -> state\n"},
};

Test(client_verbs, chunk_text) {
  ehlo_script_run_table(chunk_text, LEN(chunk_text), &plain);
}

static const char *const repaired[][2] = {
    {"a lone CR counts as a line end where that is asked for",
     CHUNKING "> bdat 6 LAST\n> body a\\rb\n> end\nC: BDAT 6 LAST\nC: a\nC: b\nS: 250 x\n"
              "= reply BDAT 250\n"},
    {"also at the end",
     CHUNKING "> bdat 3 LAST\n> body a\\r\n> end\nC: BDAT 3 LAST\nC: a\nS: 250 x\n"
              "= reply BDAT 250\n"},
};

Test(client_verbs, chunk_text_repaired) {
  const struct ehlo_config config = {.bare_cr = EHLO_BARE_CR_REPAIR};
  ehlo_script_run_table(repaired, LEN(repaired), &config);
}

// ---- Moves --------------------------------------------------------------------------------------

static void give(struct ehlo_client *c, const char *text) {
  size_t len = strlen(text);
  for (size_t used = 0, n; used < len; used += n) {
    struct ehlo_event event;
    ehlo_input(c, &n, (const uint8_t *)text + used, len - used, 0);
    while (ehlo_next(c, &event) != EHLO_EVENT_NONE) {
    }
  }
}

static void drain(struct ehlo_client *c) {
  struct ehlo_output out;
  while (ehlo_output_peek(c, &out)) {
    ehlo_output_ack(c, out.span.len, 0);
  }
}

static bool is_zero(const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] != 0) {
      return false;
    }
  }
  return true;
}

// An idle session waits in 4 KiB, takes a 421 there, and grows again for what comes.
Test(client_verbs, move) {
  static uint8_t large[EHLO_BUFFER_FULL];
  static uint8_t small[EHLO_BUFFER_MIN];
  struct ehlo_client c;
  size_t used;
  ehlo_client_init(&c, &plain, large, sizeof(large), 0);
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_E_STATE, "a greeting is awaited");
  give(&c, "220 x\r\n");
  ehlo_send_ehlo(&c, ehlo_str("c"));
  drain(&c);
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_E_STATE, "a reply is awaited");
  ehlo_input(&c, &used, (const uint8_t *)"250-x\r\n250 SIZE 5\r\n", 19, 0);
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_E_STATE, "an event waits");
  give(&c, "");
  struct ehlo_event event;
  ehlo_next(&c, &event);
  memset(small, 0xee, sizeof(small));
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_OK);
  cr_assert(is_zero(large, sizeof(large)));
  cr_assert_eq(ehlo_client_capabilities(&c)->max_size, 5);
  ehlo_send_noop(&c, ehlo_str(""));
  cr_assert_eq(ehlo_client_move(&c, large, sizeof(large)), EHLO_E_STATE, "output waits");
  drain(&c);
  give(&c, "250 x\r\n4");
  cr_assert_eq(ehlo_client_move(&c, large, sizeof(large)), EHLO_E_STATE, "a reply has begun");
  struct ehlo_client copy = c;
  give(&c, "21 bye\r\n");
  cr_assert_eq(ehlo_client_state(&c), EHLO_STATE_CLOSED);
  cr_assert_eq(ehlo_client_move(&c, large, sizeof(large)), EHLO_E_STATE, "over");
  give(&copy, "0\r\n");
  cr_assert_eq(ehlo_client_move(&copy, large, sizeof(large)), EHLO_E_REPLY_SYNTAX);
}

// A line that comes octet by octet ends where the small buffer does, whatever the large one would hold.
Test(client_verbs, move_to_less_room_and_a_long_line) {
  static uint8_t large[EHLO_BUFFER_FULL];
  uint8_t *small = malloc(EHLO_BUFFER_MIN + 1);
  struct ehlo_client c;
  size_t used;
  ehlo_client_init(&c, &plain, large, sizeof(large), 0);
  give(&c, "220 x\r\n");
  ehlo_send_ehlo(&c, ehlo_str("c"));
  drain(&c);
  give(&c, "250 x\r\n");
  small[EHLO_BUFFER_MIN] = 0xee;
  cr_assert_eq(ehlo_client_move(&c, small, EHLO_BUFFER_MIN), EHLO_OK);
  ehlo_send_noop(&c, ehlo_str(""));
  drain(&c);
  give(&c, "250 ");
  enum ehlo_status status = EHLO_OK;
  for (size_t i = 0; i < EHLO_BUFFER_MIN && status == EHLO_OK; i++) {
    status = ehlo_input(&c, &used, (const uint8_t *)"a", 1, 0);
  }
  cr_assert_eq(status, EHLO_E_LINE_TOO_LONG);
  cr_assert_eq(small[EHLO_BUFFER_MIN], 0xee);
  free(small);
}

// Between a reply and what follows it a session is not idle; during a handshake it is.
Test(client_verbs, move_before_tls) {
  static uint8_t large[EHLO_BUFFER_DEFAULT];
  static uint8_t small[EHLO_BUFFER_MIN];
  struct ehlo_client c;
  struct ehlo_event event;
  size_t used;
  ehlo_client_init(&c, &plain, large, sizeof(large), 0);
  give(&c, "220 x\r\n");
  ehlo_send_ehlo(&c, ehlo_str("c"));
  drain(&c);
  give(&c, "250-x\r\n250 STARTTLS\r\n");
  cr_assert_eq(ehlo_send_starttls(&c), EHLO_OK);
  drain(&c);
  ehlo_input(&c, &used, (const uint8_t *)"220 x\r\n", 7, 0);
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_REPLY);
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_E_STATE);
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_TLS_WANTED);
  cr_assert_eq(ehlo_client_move(&c, small, sizeof(small)), EHLO_OK);
  cr_assert_eq(ehlo_tls_done(&c, 0), EHLO_OK);
  cr_assert_eq(ehlo_client_state(&c), EHLO_STATE_GREETED);
}

// Offsets go on, and each buffer has its own limits.
Test(client_verbs, limits_of_the_buffer) {
  static uint8_t large[EHLO_BUFFER_FULL + 100];
  static uint8_t small[EHLO_BUFFER_MIN];
  struct ehlo_client c;
  struct ehlo_event event;
  ehlo_client_init(&c, &plain, small, sizeof(small), 0);
  give(&c, "220 x\r\n");
  cr_assert_eq(ehlo_client_move(&c, large, sizeof(large)), EHLO_OK);
  ehlo_send_ehlo(&c, ehlo_str("c"));
  drain(&c);
  static char line[1026];
  memset(line, 'a', sizeof(line) - 1);
  memcpy(line, "250-", 4);
  memcpy(line + 1022, "\r\n", 3);
  for (int i = 0; i < 64; i++) {
    give(&c, line);  // 64 lines of 1024 octets, which is all that a reply may have
    cr_assert_eq(c.status, EHLO_OK);
  }
  size_t used;
  ehlo_input(&c, &used, (const uint8_t *)"2", 1, 0);
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_FAILED);
  cr_assert_eq(event.error.status, EHLO_E_REPLY_TOO_LONG);
  cr_assert_eq(event.error.offset, 7 + EHLO_REPLY_MAX);
}
