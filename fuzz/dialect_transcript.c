// How transcripts look (replay/FORMAT.md), with templates for whoever reads them.
#include "fuzz/lines.h"

static const char *const lines[] = {
    "! ehlo-transcript 1",
    "# x",
    "S: 220 x",
    "S: 250 x",
    "S: 250-x",
    "S: 250-PIPELINING",
    "S: 250-STARTTLS",
    "S: 250-CHUNKING",
    "S: 250-8BITMIME",
    "S: 250 AUTH PLAIN LOGIN CRAM-MD5",
    "S: 250 SIZE 1000",
    "S: 354 x",
    "S: 334 VXNlcm5hbWU6",
    "S: 334 \\{secret}",
    "S: 421 x",
    "S: 535 5.7.8 x",
    "S: 5\\",
    "S:",
    "S: \\x00\\xff\\t\\x20",
    "S: a\\r\\",
    "S: \\n\\",
    "C: EHLO c",
    "C: LHLO c",
    "C: STARTTLS",
    "C: AUTH PLAIN \\{secret}",
    "C: AUTH LOGIN",
    "C: \\{secret}",
    "C: MAIL FROM:<a@b>",
    "C: RCPT TO:<c@d>",
    "C: DATA",
    "C: x",
    "C: .",
    "C: BDAT 3 LAST",
    "C: abc\\",
    "C: QUIT",
    "C: MAIL FR\\",
    "! connect smtp.example:587 203.0.113.7",
    "! connect [::1]:25 ::1",
    "! connect failed refused",
    "! tls TLSv1.3 TLS_AES_128_GCM_SHA256 X25519 name=ok chain=no reason=\"a b\"",
    "! tls failed x",
    "! eof S",
    "! eof C",
    "! reset S",
    "! reset C",
    "! timeout",
    "! note unknown chunks",
    "! note unknown times",
    "! note x",
    "! submit tls none",
    "! submit tls starttls",
    "! submit tls implicit",
    "! submit lmtp",
    "! submit helo c",
    "! submit user u",
    "! submit user u v",
    "! submit auth SCRAM-SHA-256,SCRAM-SHA-1,CRAM-MD5,LOGIN,PLAIN",
    "S: 250 AUTH SCRAM-SHA-256 DIGEST-MD5 EXTERNAL XOAUTH2",
    "S: 250-8BITMIME\nS: 250-SIZE 2\nS: 250-DSN\nS: 250-SMTPUTF8",
    "S: 250-LIMITS MAILMAX=1 RCPTMAX=1",
    "! submit auth PLAIN,LOGIN",
    "! submit initial-response never",
    "! submit auth-attempts 2",
    "! submit nonce abc",
    "! submit transfer auto",
    "! submit transfer bdat",
    "! submit force",
    "! submit allow-cleartext-auth",
    "! submit fix-eol",
    "! submit exact",
    "! submit stop-after rcpt",
    "! submit timeout command 1000",
    "! submit message",
    "! submit from <a@b>",
    "! submit mail-params SIZE=3",
    "! submit to <c@d>",
    "! submit rcpt-params NOTIFY=NEVER",
    "! submit size 3",
    "! submit 8bit",
    "! submit binary",
    "! submit xclient NAME=a",
    "! submit channel-binding tls-exporter",
    "+1.5 S: 250 x",
    "+300.000000 ! timeout",
    "+0.000001  C: NOOP",
    "= reply 250 to MAIL",
    "= closed",
    "= outcome accepted at quit",
};

#define READY                                                                                   \
  "S: 220 x\nC: EHLO c\nS: 250-x\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250-STARTTLS\nS: 250 " \
  "AUTH "                                                                                       \
  "PLAIN LOGIN\n"
#define SUBMIT "! submit tls none\n! submit helo c\n! submit from <a@b>\n! submit to <c@d>\n"
#define LOGIN_WITH(mechanism)                                                                    \
  SUBMIT "! submit user u\n! submit auth " mechanism                                             \
         "\n! submit nonce n\n! submit allow-cleartext-auth\nS: 220 x\nC: EHLO c\nS: 250-x\nS: " \
         "250 AUTH " mechanism "\n"
#define RCPT "C: MAIL FROM:<a@b>\nS: 250 x\nC: RCPT TO:<c@d>\nS: 250 x\n"

#define NUM_WAYS 4
static const char *const scenes[] = {
    "S: 220 x",
    "S: 554 x",
    READY,
    READY RCPT,
    READY "C: QUIT\nS: 221 x",
    READY RCPT "C: DATA\nS: 354 x\nC: x\nC: .\nS: 250 x\nC: QUIT\nS: 221 x\n! eof S",
    SUBMIT READY
    "C: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>\nC: DATA\nS: 250 x\nS: 250 x\nS: 354 x\nC: x\nC: "
    ".\nS: 250 x\nC: QUIT\nS: 221 x\n! eof C",
    "! ehlo-transcript 1\n" SUBMIT
    "S: 220 x\n= reply 220 to greeting\nC: EHLO c\nS: 502 x\n= reply 502 to EHLO",
    "! submit lmtp\n" SUBMIT "S: 220 x\nC: LHLO c\nS: 250-x\nS: 250 PIPELINING",
    "! submit transfer bdat\n! submit size 3\n" SUBMIT READY "C: MAIL FROM:<a@b>",
    "! submit user u\n! submit allow-cleartext-auth\n" SUBMIT READY
    "C: AUTH PLAIN \\{secret}\nS: 235 x",
    READY "C: STARTTLS\nS: 220 x\n! tls TLSv1.3\nC: EHLO c\nS: 250 x",
    READY
    "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: \\{secret}\nS: 334 UGFzc3dvcmQ6\nC: \\{secret}\nS: 535 "
    "x",
    READY RCPT "C: BDAT 3 LAST\nC: abc\\\nS: 250 x",
    READY RCPT "C: BDAT 5\nC: abc\nS: 250 x",
    LOGIN_WITH("PLAIN") "C: AUTH PLAIN \\{secret}\nS: 535 x\nC: QUIT",
    LOGIN_WITH("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 UGFzc3dvcmQ6\nC: "
                        "\\{secret}\nS: 235 x\nC: MAIL FROM:<a@b>",
    LOGIN_WITH("CRAM-MD5") "C: AUTH CRAM-MD5\nS: 334 PDFAYj4=\nC: \\{secret}\nS: 235 x",
    LOGIN_WITH("EXTERNAL") "C: AUTH EXTERNAL dQ==\nS: 235 x",
    LOGIN_WITH("XOAUTH2") "C: AUTH XOAUTH2 \\{secret}\nS: 334 e30=\nC:\nS: 535 x\nC: QUIT",
    LOGIN_WITH("SCRAM-SHA-1")
    "C: AUTH SCRAM-SHA-1 biwsbj11LHI9bg==\nS: 334 cj1ueCxzPUFBQUEsaT00MDk2\nC: \\{secret}\nS: 334 "
    "\\{secret}\nC:\nS: 235 x",
    LOGIN_WITH("DIGEST-MD5")
    "C: AUTH DIGEST-MD5\nS: 334 bm9uY2U9IngiLGFsZ29yaXRobT1tZDUtc2Vzcw==\nC: \\{secret}\nS: 334 "
    "\\{secret}\nC:\nS: 235 x",
    "! submit transfer bdat\n! submit size 3\n" SUBMIT READY
    "C: MAIL FROM:<a@b> SIZE=3\nC: RCPT TO:<c@d>\nC: BDAT 3 LAST\nC: x\nS: 250 x\nS: 250 x\nS: 250 x",
    "! submit tls starttls\n! submit helo c\n! submit from <a@b>\n! submit to <c@d>\n" READY
    "C: STARTTLS\nS: 220 x\n! tls TLSv1.3\nC: EHLO c\nS: 250 x\nC: MAIL FROM:<a@b>\nS: 250 x",
    SUBMIT "! submit to <e@f>\n! submit message\n! submit from <g@h>\n! submit to <i@j>\n" READY,
    "! submit xclient NAME=x\n" SUBMIT
    "S: 220 x\nC: EHLO c\nS: 250-x\nS: 250 XCLIENT NAME\nC: XCLIENT NAME=x\nS: 220 x\nC: EHLO c",
    "S: 554 x\nC: QUIT\nS: 221 x",
    "S: 220 x\n+300 ! timeout",
    "C: NOOP\nS: 250 x",
};

const struct ehlo_fuzz_dialect ehlo_fuzz_transcript_dialect = {
    .header_len = 0,
    .server = "S: ",
    .server_part = "S: ",
    .part_end = "\\",
    .has_times = true,
    .command = "C: ",
    .raw_command = "C: ",
    .lines = lines,
    .num_lines = sizeof(lines) / sizeof(lines[0]),
    .scenes = scenes,
    .num_scenes = sizeof(scenes) / sizeof(scenes[0]),
    .num_ways = NUM_WAYS,
};
