// Tests of the client as sessions: the order of commands, replies that come in time, too early, too
// late or not as they should, pipelining, 421, BDAT, raw lines. Each runs at every cut. Secrets,
// time and room have files of their own.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

// A session that is past EHLO, with and without extensions. They end at offsets 18 and 100.
#define HELLO "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\n"
#define READY HELLO "S: 250 mx.ex\n= reply EHLO 250\n"
#define EXTENDED                                                                          \
  HELLO                                                                                   \
  "S: 250-mx.ex\nS: 250-PIPELINING\nS: 250-8BITMIME\nS: 250-SIZE 1000\nS: 250-CHUNKING\n" \
  "S: 250-SMTPUTF8\nS: 250 DSN\n= reply EHLO 250\n"
#define MAIL "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 a\n= reply MAIL 250\n"
#define RCPT "> rcpt <c@d>\nC: RCPT TO:<c@d>\nS: 250 c\n= reply RCPT 250 #0\n"
#define DATA "> data\nC: DATA\nS: 354 go\n= reply DATA 354\n= body-wanted\n"

static const struct ehlo_config defaults;
#define RUN_ALL(scripts) \
  ehlo_script_run_table(scripts, sizeof(scripts) / sizeof((scripts)[0]), &defaults)

static const char *const whole_sessions[][2] = {
    {"a message", READY MAIL RCPT DATA
     "? state body\n> body Subject: x\\n\\n.dot\\nend\n"
     "C: Subject: x\nC: \nC: ..dot\nC+ end\n"
     "> end\nC: \nC: .\n? state ready\n? pending 1\nS: 250 2.0.0 taken\n= reply body 250\n"
     "> quit\nC: QUIT\nS: 221 bye\n= reply QUIT 221\n= closed\n? state closed\n"},
    {"two messages", READY MAIL RCPT DATA
     "> end\nC: .\nS: 250 x\n= reply body 250\n"
     "> mail <>\nC: MAIL FROM:<>\nS: 250 a\n= reply MAIL 250\n? accepted 0\n" RCPT
     "? accepted 1\n> rset\nC: RSET\nS: 250 x\n= reply RSET 250\n? state ready\n"},
    {"inquiries", READY "> noop \nC: NOOP\nS: 250 x\n= reply NOOP 250\n"
                        "> noop text here\nC: NOOP text here\nS: 250 x\n= reply NOOP 250\n"
                        "> vrfy smith\nC: VRFY smith\nS: 252 x\n= reply VRFY 252\n"
                        "> expn list\nC: EXPN list\nS: 550 x\n= reply EXPN 550\n"
                        "> help \nC: HELP\nS: 214-a\nS: 214 b\n= reply HELP 214\n"
                        "> vrfy  -> argument\n> expn  -> argument\n? state ready\n"},
    {"HELO",
     "S: 220 x\n= reply greeting 220\n> helo c\nC: HELO c\nS: 250 x\n= reply HELO 250\n"
     "? state ready\n? may MAIL\n> starttls -> unsupported\n"},
    {"HELO forgets what EHLO told",
     EXTENDED "> helo c\nC: HELO c\nS: 250 SIZE 5\n= reply HELO 250\n> bdat 1 -> state\n"
              "> mail <a@b> SIZE=1 -> unsupported\n" MAIL "? may-not DATA\n? may RCPT\n"},
    {"EHLO refused leaves what is known",
     EXTENDED "> ehlo d\nC: EHLO d\nS: 550 x\n= reply EHLO 550\n? state ready\n"
              "> mail <a@b> SIZE=1\nC: MAIL FROM:<a@b> SIZE=1\nS: 250 x\n= reply MAIL 250\n"},
    {"EHLO again clears the transaction", EXTENDED MAIL
     "> ehlo d\nC: EHLO d\nS: 250 x\n= reply EHLO 250\n? state ready\n> rcpt <c@d> -> state\n"
     "> mail <a@b> SIZE=1 -> unsupported\n"},
    {"4yz and 5yz are events", READY
     "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 451 x\n= reply MAIL 451\n? state ready\n"
     "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 550-x\nS: 550 y\n= reply MAIL 550\n? state ready\n" MAIL
     "> rcpt <c@d>\nC: RCPT TO:<c@d>\nS: 450 x\n= reply RCPT 450 #0\n? state mail\n"
     "> data -> state\n"
     "> rcpt <e@f>\nC: RCPT TO:<e@f>\nS: 251 x\n= reply RCPT 251 #1\n? accepted 1\n"
     "> rcpt <g@h>\nC: RCPT TO:<g@h>\nS: 252 x\n= reply RCPT 252 #2\n? accepted 2\n"
     "> rcpt <i@j>\nC: RCPT TO:<i@j>\nS: 550 x\n= reply RCPT 550 #3\n? accepted 2\n? state rcpt\n"
     "> data\nC: DATA\nS: 554 x\n= reply DATA 554\n? state rcpt\n" DATA
     "> end\nC: .\nS: 451 x\n= reply body 451\n? state ready\n"},
    {"no greeting but a refusal",
     "S: 554 no\n= reply greeting 554\n? state refused\n"
     "> ehlo c -> state\n> quit\nC: QUIT\nS: 221 x\n= reply QUIT 221\n= closed\n"},
    {"parameters", EXTENDED
     "> mail <a@b> SIZE=9 BODY=8BITMIME RET=HDRS\n"
     "C: MAIL FROM:<a@b> SIZE=9 BODY=8BITMIME RET=HDRS\nS: 250 x\n= reply MAIL 250\n"
     "> rcpt <c@d> NOTIFY=NEVER\nC: RCPT TO:<c@d> NOTIFY=NEVER\nS: 250 x\n= reply RCPT 250 #0\n"},
    {"SMTPUTF8 holds for its transaction", EXTENDED
     "> mail <\\xc3\\xa9@b> -> argument\n> mail <\\xc3\\xa9@b> SMTPUTF8\n"
     "C: MAIL FROM:<\\xc3\\xa9@b> SMTPUTF8\nS: 250 x\n= reply MAIL 250\n"
     "> rcpt <\\xc3\\xa8@b>\nC: RCPT TO:<\\xc3\\xa8@b>\nS: 250 x\n= reply RCPT 250 #0\n"
     "> rset\nC: RSET\nS: 250 x\n= reply RSET 250\n" MAIL "> rcpt <\\xc3\\xa8@b> -> argument\n"},
    {"SMTPUTF8 not offered", READY "> mail <\\xc3\\xa9@b> SMTPUTF8 -> unsupported\n" MAIL},
    {"an endless banner is a reply",
     "S: 220-\\{a*1000}\nS: 220-b\nS: 220 c\n= reply greeting 220\n"},
};

Test(client, whole_sessions) {
  RUN_ALL(whole_sessions);
}

// Class CALLER: the call did nothing, and the session goes on.
static const char *const caller_mistakes[][2] = {
    {"order",
     "> ehlo c -> state\n> quit -> state\nS: 220 x\n= reply greeting 220\n"
     "> mail <a@b> -> state\n> data -> state\n> end -> state\n> body x -> state\n"
     "> chunk x -> state\n"
     "> starttls -> state\n> respond x -> state\n> cancel -> state\n! tls -> state\n"
     "> ehlo c\nC: EHLO c\n> mail <a@b> -> state\n> quit -> state\n"
     "S: 250 x\n= reply EHLO 250\n> rcpt <a@b> -> state\n! tls -> state\n"},
    {"rule 9: no injection",
     READY "> ehlo a\\r\\nMAIL -> argument\n> ehlo a b -> argument\n> mail <a\\n@b> -> argument\n"
           "> mail <a@b\\r> -> argument\n> mail <\\xc3\\xa9@b> -> argument\n"
           "> mail <a@b> X\\nY -> argument\n> noop a\\nQUIT -> argument\n> vrfy \\x01 -> argument\n"
           "> raw NOOP\\nQUIT -> argument\n> raw NOOP\\r -> argument\n" MAIL
           "> rcpt <a@b>x> -> argument\n> rcpt <> -> argument\n> rcpt <a b@c> -> argument\n" RCPT},
    {"too long", READY "> mail <\\{a*65}@b> -> too-long\n> ehlo \\{a*256} -> too-long\n"
                       "> noop \\{a*1001} -> too-long\n> raw \\{a*2047} -> too-long\n"
                       "> raw \\{a*2046}\nC: \\{a*2046}\nS: 500 x\n= reply other 500\n"},
};

Test(client, caller_mistakes_leave_the_session_unharmed) {
  RUN_ALL(caller_mistakes);
}

static const char *const violations[][2] = {
    {"garbage for a greeting",
     "S: HTTP/1.1 400 Bad Request\n"
     "= failed reply-syntax @0 [HTTP/1.1 400 Bad Request] greeting sent\n? state failed\n"},
    {"SSH", "S: SSH-2.0-x\n= failed reply-syntax @0 [SSH-2.0-x] greeting sent\n"},
    {"TLS",
     "S: \\x15\\x03\\x01\\x00\\x02\\x02\\n\\\n"
     "= failed reply-syntax @0 [\\x15\\x03\\x01\\x00\\x02\\x02] greeting sent\n"},
    {"first error wins",
     "S: 2x0 a\nS: 3y0 b\n= failed reply-syntax @1 [2x0 a] greeting sent\n"
     "S: 220 x\n! end reset\n! at 99999999\n"
     "> ehlo c -> reply-syntax\n> quit -> reply-syntax\n> chunk x -> reply-syntax\n"
     "> body x -> reply-syntax\n> raw x -> reply-syntax\n! tls -> reply-syntax\n"},
    {"a code that changes",
     READY "> noop \nC: NOOP\nS: 250-a\nS: 251 b\n= failed reply-code @25 [251 b] NOOP sent\n"},
    {"rule 8: unasked in READY",
     READY "S: 250 again\nS: 250 x\n"
           "= failed reply-unexpected @18 [250 again] nothing unsent\n"},
    {"unasked, later line", READY "S: 250-a\nS: 250 again\n"
                                  "= failed reply-unexpected @18 [250 again] nothing unsent\n"},
    {"one reply too many", READY MAIL "S: 250 x\n"
                                      "= failed reply-unexpected @25 [250 x] nothing unsent\n"},
    {"two greetings",
     "S: 220 a\nS: 220 b\n= reply greeting 220\n"
     "= failed reply-unexpected @7 [220 b] nothing unsent\n"},
    {"an answer before the message",
     READY MAIL RCPT DATA "> body x\nC+ x\nS: 552 too big\n"
                          "= failed reply-unexpected @40 [552 too big] nothing unsent\n"
                          "? state failed\n> body y -> reply-unexpected\n"},
    {"greeting of another class", "S: 250 x\n= failed reply-impossible @0 [250 x] greeting sent\n"},
    {"354 for EHLO", HELLO "S: 354 x\n= failed reply-impossible @7 [354 x] EHLO sent\n"},
    {"354 for MAIL", READY "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 354 x\n"
                           "= failed reply-impossible @18 [354 x] MAIL sent\n"},
    {"250 for DATA", READY MAIL RCPT
     "> data\nC: DATA\nS: 250 x\n= failed reply-impossible @32 [250 x] DATA sent\n"},
    {"any other 3yz for DATA", READY MAIL RCPT
     "> data\nC: DATA\nS: 334 x\n= failed reply-impossible @32 [334 x] DATA sent\n"},
    {"355 for DATA", READY MAIL RCPT
     "> data\nC: DATA\nS: 355 x\n= failed reply-impossible @32 [355 x] DATA sent\n"},
    {"354 for the message", READY MAIL RCPT DATA
     "> end\nC: .\nS: 354 x\n= failed reply-impossible @40 [354 x] body sent\n"},
};

Test(client, violations) {
  RUN_ALL(violations);
}

static const char *const early[][2] = {
    {"a reply to what was not sent",
     READY "! hold\n> noop \nS: 250 x\n= failed reply-early @18 [250 x] NOOP unsent\n"},
    {"a reply to what was sent in part", READY "! hold\n> noop \n! take 5\nC+ NOOP\\r\nS: 250 x\n"
                                               "= failed reply-early @18 [250 x] NOOP unsent\n"},
    {"a reply that begins before and ends after",
     READY "! hold\n> noop \nS: 250 \\\n! release\nC: NOOP\nS: x\n= reply NOOP 250\n"},
    {"a reply before the dot was sent",
     READY MAIL RCPT DATA "! hold\n> body x\n> end\n! take 5\nC+ x\\r\\n.\\r\nS: 250 x\n"
                          "= failed reply-early @40 [250 x] body unsent\n"},
    {"an early 421 is a reply all the same",
     READY "! hold\n> noop \nS: 421 x\n= reply NOOP 421\n= closed\n? state closed\n! release\n"},
    {"a reply before the chunk was given",
     EXTENDED MAIL RCPT "> bdat 5\nC: BDAT 5\n> chunk abc\nC+ abc\nS: 250 x\n"
                        "= failed reply-early @114 [250 x] BDAT unsent\n"},
};

Test(client, early_replies) {
  RUN_ALL(early);
}

// RFC 5321 §3.8: at any time, and it ends the session in order.
static const char *const farewells[][2] = {
    {"greeting", "S: 421 x\n= reply greeting 421\n= closed\n? state closed\n> quit -> state\n"},
    {"EHLO", HELLO "S: 421 x\n= reply EHLO 421\n= closed\n"},
    {"idle", READY "S: 421 x\n= reply nothing 421\n= closed\n? deadline never\n"},
    {"multi-line", READY "S: 421-x\nS: 421 y\n= reply nothing 421\n= closed\n"},
    {"MAIL", READY "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 421 x\n= reply MAIL 421\n= closed\n"},
    {"RCPT",
     READY MAIL RCPT "> rcpt <e@f>\nC: RCPT TO:<e@f>\nS: 421 x\n= reply RCPT 421 #1\n= closed\n"},
    {"DATA",
     READY MAIL RCPT "> data\nC: DATA\nS: 421 x\n= reply DATA 421\n= closed\n> body x -> state\n"},
    {"in the message", READY MAIL RCPT DATA "> body x\nC+ x\nS: 421 x\n= reply nothing 421\n"
                                            "= closed\n> body y -> state\n> end -> state\n"},
    {"after the message",
     READY MAIL RCPT DATA "> end\nC: .\nS: 421 x\n= reply body 421\n= closed\n"},
    {"QUIT", READY "> quit\nC: QUIT\nS: 421 x\n= reply QUIT 421\n= closed\n"},
    {"in a chunk", EXTENDED MAIL RCPT "> bdat 5\nC: BDAT 5\n> chunk ab\nC+ ab\nS: 421 x\n"
                                      "= reply BDAT 421\n= closed\n> chunk c -> state\n"},
    {"drops what is queued", READY MAIL RCPT DATA
     "! hold\n> body abc\nS: 421 x\n= reply nothing 421\n= closed\n! release\n"},
    {"and all after it", READY "S: 421 x\nS: rubbish\n= reply nothing 421\n= closed\n"
                               "S: 250 x\n! end reset\n! at 999999999\n? state closed\n"},
    {"other codes of its kind are replies",
     READY MAIL "> rcpt <e@f>\nC: RCPT TO:<e@f>\nS: 420 x\n= reply RCPT 420 #0\n? state mail\n"},
};

Test(client, a_421_ends_it_at_any_time) {
  RUN_ALL(farewells);
}

static const char *const pipelines[][2] = {
    {"not offered",
     READY "> mail <a@b>\nC: MAIL FROM:<a@b>\n? may-not RCPT\n> rcpt <c@d> -> state\n"
           "S: 250 x\n= reply MAIL 250\n"},
    {"one flight", EXTENDED
     "! hold\n> mail <a@b>\n> rcpt <c@d>\n> rcpt <e@f>\n> data\n? pending 4\n? state data\n"
     "! release\n"
     "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: RCPT TO:<e@f>\nC: DATA\n"
     "S: 250 a\nS: 250 c\nS: 550-e\nS: 550 f\nS: 354 g\n"
     "= reply MAIL 250\n= reply RCPT 250 #0\n= reply RCPT 550 #1\n= reply DATA 354\n= body-wanted\n"
     "? accepted 1\n! hold\n> end\n> quit\n! release\nC: .\nC: QUIT\n"
     "S: 250 x\nS: 221 y\n= reply body 250\n= reply QUIT 221\n= closed\n"},
    {"each reply goes to its command", EXTENDED
     "> rset\nC: RSET\n> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"
     "> vrfy x\nC: VRFY x\n> noop  -> state\n? pending 4\n"
     "S: 250 r\n= reply RSET 250\n? pending 3\nS: 451 m\n= reply MAIL 451\n"
     "S: 503 c\n= reply RCPT 503 #0\n? accepted 0\nS: 252 v\n= reply VRFY 252\n? state ready\n"},
    {"nothing goes behind DATA",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n> data\nC: DATA\n"
              "> quit -> state\n> end -> state\n> body x -> state\n? may-not QUIT\n? may-not body\n"
              "S: 250 a\n= reply MAIL 250\nS: 250 c\n= reply RCPT 250 #0\n"
              "S: 354 g\n= reply DATA 354\n= body-wanted\n? may body\n"},
    {"nothing goes behind EHLO, QUIT, NOOP", EXTENDED
     "> noop \nC: NOOP\n> rset -> state\nS: 250 x\n= reply NOOP 250\n"
     "> rset\nC: RSET\n> ehlo c\nC: EHLO c\n> mail <a@b> -> state\n"
     "S: 250 x\n= reply RSET 250\nS: 250 x\n= reply EHLO 250\n> quit\nC: QUIT\n> rset -> state\n"
     "S: 221 x\n= reply QUIT 221\n= closed\n"},
    {"354 with no recipient: a lone dot", EXTENDED
     "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n> data\nC: DATA\n"
     "S: 250 a\nS: 550 c\nS: 354 g\n"
     "= reply MAIL 250\n= reply RCPT 550 #0\n= reply DATA 354\n= body-wanted\n? accepted 0\n"
     "> end\nC: .\nS: 554 x\n= reply body 554\n? state ready\n"},
    {"MAIL refused, the rest follows",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n> data\nC: DATA\n"
              "S: 550 a\n= reply MAIL 550\nS: 250 c\n= reply RCPT 250 #0\n? accepted 0\n"
              "S: 503 g\n= reply DATA 503\n? state ready\n> rcpt <c@d> -> state\n"},
    {"too few replies, then the end",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"
              "S: 250 a\n= reply MAIL 250\n! end closed\n= failed closed @107 [] RCPT sent\n"},
    {"too many replies",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"
              "S: 250 a\nS: 250 c\nS: 250 d\n= reply MAIL 250\n= reply RCPT 250 #0\n"
              "= failed reply-unexpected @114 [250 d] nothing unsent\n"},
    {"the next message behind the dot", EXTENDED MAIL RCPT DATA
     "> end\nC: .\n> mail <e@f>\nC: MAIL FROM:<e@f>\n> rcpt <g@h>\nC: RCPT TO:<g@h>\n"
     "S: 250 x\n= reply body 250\nS: 250 x\n= reply MAIL 250\n? accepted 0\n"
     "S: 250 x\n= reply RCPT 250 #0\n? accepted 1\n"},
    {"421 in the middle",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n> data\nC: DATA\n"
              "S: 250 a\nS: 421 b\nS: 354 c\n= reply MAIL 250\n= reply RCPT 421 #0\n= closed\n"
              "? pending 0\n"},
    {"a reply to the part that was sent",
     EXTENDED "! hold\n> mail <a@b>\n> rcpt <c@d>\n! take 17\nC: MAIL FROM:<a@b>\nS: 250 a\n"
              "= reply MAIL 250\nS: 250 b\n= failed reply-early @107 [250 b] RCPT unsent\n"},
};

Test(client, pipelining) {
  RUN_ALL(pipelines);
}

// RFC 3030.
static const char *const chunks[][2] = {
    {"chunks", EXTENDED MAIL RCPT
     "> bdat 5\nC: BDAT 5\n? state chunk\n> chunk a\\r\\n.\\r\nC+ a\\r\\n.\\r\n? state chunked\n"
     "S: 250 x\n= reply BDAT 250\n> data -> state\n> mail <a@b> -> state\n"
     "> bdat 0 LAST\nC: BDAT 0 LAST\nS: 250 y\n= reply BDAT 250\n? state ready\n"},
    {"not offered", READY MAIL RCPT "> bdat 5 -> unsupported\n? state rcpt\n> data\nC: DATA\n"},
    {"more than announced is left",
     EXTENDED MAIL RCPT "> bdat 3\nC: BDAT 3\n> chunk abcdef -> state\nC+ abc\n"},
    {"refused", EXTENDED MAIL RCPT
     "> bdat 1\nC: BDAT 1\n> chunk a\nC+ a\nS: 554 x\n= reply BDAT 554\n? state chunked\n"
     "> rset\nC: RSET\nS: 250 x\n= reply RSET 250\n? state ready\n"},
    {"one flight",
     EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"
              "> bdat 2 LAST\nC: BDAT 2 LAST\n> mail <e@f> -> state\n> chunk ab\nC+ ab\n"
              "> mail <e@f>\nC: MAIL FROM:<e@f>\n> rcpt <g@h>\nC: RCPT TO:<g@h>\n"
              "S: 250 a\nS: 250 b\nS: 250 c\nS: 250 d\nS: 250 e\n"
              "= reply MAIL 250\n= reply RCPT 250 #0\n= reply BDAT 250\n= reply MAIL 250\n"
              "= reply RCPT 250 #0\n? state rcpt\n"},
    {"a large number", EXTENDED MAIL RCPT "> bdat 18446744073709551615 LAST\n"
                                          "C: BDAT 18446744073709551615 LAST\n? state chunk\n"},
};

Test(client, bdat) {
  RUN_ALL(chunks);
}

static const char *const raw_lines[][2] = {
    {"as it is", READY "> raw xfoo  Bar\nC: xfoo  Bar\nS: 500 x\n= reply other 500\n"
                       "> raw xbar\nC: xbar\nS: 354 x\n= reply other 354\n? state ready\n"
                       "> raw \\xc3\\xa9\nC: \\xc3\\xa9\nS: 500 x\n= reply other 500\n"
                       "> raw \nC: \nS: 500 x\n= reply other 500\n"},
    {"its verb decides",
     READY "> raw mail from:<a@b>\nC: mail from:<a@b>\nS: 250 x\n= reply MAIL 250\n? state mail\n"
           "> raw RCPT TO:<c@d>\nC: RCPT TO:<c@d>\nS: 250 x\n= reply RCPT 250 #0\n? state rcpt\n"
           "> raw data\nC: data\nS: 354 x\n= reply DATA 354\n= body-wanted\n"
           "> body .\nC+ ..\n> end\nC: \nC: .\nS: 250 x\n= reply body 250\n"
           "> raw quit\nC: quit\nS: 221 x\n= reply QUIT 221\n= closed\n"},
    {"order is not looked at",
     "S: 220 x\n= reply greeting 220\n"
     "> raw RCPT TO:<c@d>\nC: RCPT TO:<c@d>\nS: 503 x\n= reply RCPT 503 #0\n? state greeted\n"
     "> raw RCPT TO:<c@d>\nC: RCPT TO:<c@d>\nS: 250 x\n= reply RCPT 250 #1\n? state greeted\n"
     "? accepted 0\n> raw EHLO x\nC: EHLO x\nS: 250 x\n= reply EHLO 250\n? state ready\n"},
    {"refused", READY "> raw AUTH PLAIN AGEAYg== -> argument\n> raw auth x = y -> argument\n"
                      "> noop \nC: NOOP\n> raw NOOP -> state\n> raw-secret |x| -> state\n"},
    {"BDAT, in any form whose size can be read",
     READY "> raw bdat  5  Last \nC: bdat  5  Last \n? state chunk\n> chunk abcde\nC+ abcde\n"
           "? state ready\nS: 503 x\n= reply BDAT 503\n? state ready\n"
           "> raw BDAT 0\nC: BDAT 0\n? state chunked\nS: 503 x\n= reply BDAT 503\n"
           "? state chunked\n> raw RSET\nC: RSET\nS: 250 x\n= reply RSET 250\n"
           "> raw BDAT\nC: BDAT\nS: 501 x\n= reply other 501\n"
           "> raw BDAT x\nC: BDAT x\nS: 501 x\n= reply other 501\n"
           "> raw BDAT 5 LASTLY\nC: BDAT 5 LASTLY\nS: 501 x\n= reply other 501\n"
           "> raw BDAT 5 LAST x\nC: BDAT 5 LAST x\nS: 501 x\n= reply other 501\n"
           "> raw BDAT 1000000000000000000\nC: BDAT 1000000000000000000\nS: 501 x\n"
           "= reply other 501\n? state ready\n"},
    {"BDAT before EHLO",
     "S: 220 x\n= reply greeting 220\n> raw BDAT 1 LAST\nC: BDAT 1 LAST\n> chunk a\nC+ a\n"
     "S: 503 x\n= reply BDAT 503\n? state greeted\n> mail <a@b> -> state\n"},
    {"not behind another, even where PIPELINING is on",
     EXTENDED "> rset\nC: RSET\n> raw NOOP -> state\n"},
    {"an impossible reply to what it says",
     READY "> raw NOOP\nC: NOOP\nS: 354 x\n= failed reply-impossible @18 [354 x] NOOP sent\n"},
    {"for a server that refused us",
     "S: 554 x\n= reply greeting 554\n"
     "> raw HELP me\nC: HELP me\nS: 502 x\n= reply HELP 502\n? state refused\n"},
};

Test(client, raw) {
  RUN_ALL(raw_lines);
}

// What becomes of a greeting of `num` equal lines and a last one, whole and bytewise.
static void expect_greeting(size_t num, const char *line, const char *last, const char *want) {
  char *text = malloc(num * strlen(line) + strlen(last) + 1);
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(text != NULL && s != NULL);
  for (size_t i = 0; i < num; i++) {
    memcpy(text + i * strlen(line), line, strlen(line));
  }
  strcpy(text + num * strlen(line), last);
  struct ehlo_script script = {.name = want, .text = text};
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.effects_only = true;
  for (int bytewise = 0; bytewise < 2; bytewise++) {
    mode.every_byte = bytewise != 0;
    ehlo_script_run_once(s, &script, mode);
    cr_assert(strncmp(s->events, want, strlen(want)) == 0, "%.60s, not %s", s->events, want);
    ehlo_session_free(s);
  }
  free(s);
  free(text);
}

// Limits of a reply: at them, and one past. 12 lines of 4096 octets and one of 512 are 49,664: as
// much as the default buffer has room for.
Test(client, reply_limits) {
  expect_greeting(0, "", "S: 220 \\{a*4090}\n", "reply greeting 220\n");
  expect_greeting(0, "", "S: 220 \\{a*4091}\n", "failed line-too-long @4096 [220 aaa");
  expect_greeting(999, "S: 220-x\n", "S: 220 x\n", "reply greeting 220\n");
  expect_greeting(1000, "S: 220-x\n", "S: 220 x\n", "failed too-many-lines @7000 [] greeting sent");
  expect_greeting(12, "S: 220-\\{a*4090}\n", "S: 220 \\{a*506}\n", "reply greeting 220\n");
  expect_greeting(12, "S: 220-\\{a*4090}\n", "S: 220 \\{a*507}\n",
                  "failed reply-too-long @49664 [220 aaa");
}

// The octet that a script cannot write.
Test(client, rule_9_no_nul) {
  struct ehlo_client c;
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  size_t used = 0;
  struct ehlo_event event;
  struct ehlo_output out;
  struct ehlo_span nul = {(const uint8_t *)"a\0@b", 4};
  ehlo_client_init(&c, &defaults, buf, sizeof(buf), 0);
  ehlo_input(&c, &used, (const uint8_t *)"220 x\r\n", 7, 0);
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_REPLY);
  cr_assert_eq(ehlo_send_ehlo(&c, nul), EHLO_E_ARGUMENT);
  cr_assert_eq(ehlo_send_noop(&c, nul), EHLO_E_ARGUMENT);
  cr_assert_eq(ehlo_send_raw(&c, nul), EHLO_E_ARGUMENT);
  cr_assert(!ehlo_output_peek(&c, &out));
  cr_assert_eq(ehlo_send_helo(&c, ehlo_str("c")), EHLO_OK);
  ehlo_output_ack(&c, 8, 0);
  ehlo_input(&c, &used, (const uint8_t *)"250 x\r\n", 7, 0);
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_REPLY);
  cr_assert_eq(ehlo_send_mail(&c, nul, ehlo_str("")), EHLO_E_ARGUMENT);
  cr_assert_eq(ehlo_send_mail(&c, ehlo_str("a@b"), nul), EHLO_E_ARGUMENT);
  cr_assert(!ehlo_output_peek(&c, &out));
}

// Rule 3: every line, verbatim.
Test(client, rule_3_whole_replies) {
  struct ehlo_client c;
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  struct ehlo_config config = {.allow_cleartext_auth = false};
  const char in[] = "220-a \xff\r\n220-\r\n220 2.0.0 c\r\n250 next";
  size_t used = 0;
  ehlo_client_init(&c, &config, buf, sizeof(buf), 0);
  cr_assert_eq(ehlo_input(&c, &used, (const uint8_t *)in, strlen(in), 0), EHLO_OK);
  cr_assert_eq(used, strlen(in) - 8);
  size_t more = 9;
  cr_assert_eq(ehlo_input(&c, &more, (const uint8_t *)in + used, 8, 0), EHLO_OK);
  cr_assert_eq(more, 0);  // not before the event was taken
  struct ehlo_event event;
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_REPLY);
  cr_assert_eq(event.reply.num_lines, 3);
  cr_assert_eq(event.reply.text.len, used);
  cr_assert_eq(memcmp(event.reply.text.bytes, in, used), 0);
  cr_assert_eq(event.reply.enhanced.class_code, 0);  // of the first line
  cr_assert_eq(ehlo_next(&c, &event), EHLO_EVENT_NONE);
}

// The message waits until both events of the 354 were taken.
Test(client, body_wanted_is_taken_first) {
  static const struct ehlo_script script = {.name = "354",
                                            .text = READY MAIL RCPT "> data\nC: DATA\n"};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  size_t used = 0;
  cr_assert_eq(ehlo_input(&s->client, &used, (const uint8_t *)"354 x\r\n", 7, 0), EHLO_OK);
  static const enum ehlo_event_type events[] = {EHLO_EVENT_REPLY, EHLO_EVENT_BODY_WANTED};
  for (size_t i = 0; i < 2; i++) {
    struct ehlo_event event;
    cr_assert_eq(ehlo_send_body(&s->client, &used, (const uint8_t *)"x", 1), EHLO_E_STATE);
    cr_assert_eq(ehlo_send_body_end(&s->client), EHLO_E_STATE);
    cr_assert_eq(ehlo_next(&s->client, &event), events[i]);
  }
  cr_assert_eq(ehlo_send_body(&s->client, &used, (const uint8_t *)"x", 1), EHLO_OK);
  cr_assert_eq(used, 1U);
  ehlo_session_free(s);
  free(s);
}
