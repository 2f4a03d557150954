// What is replayed: one session as a real record has it, and a long one.
#include "tools/bench/sessions.h"

#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"

const char bench_session_settings[] =
    "! ehlo-transcript 1\n"
    "+0.000115  ! submit tls starttls\n"
    "+0.000003  ! submit helo client.example.com\n"
    "+0.000002  ! submit user alice@example.com\n"
    "+0.000001  ! submit auth LOGIN\n"
    "+0.000001  ! submit initial-response auto\n"
    "+0.000001  ! submit from <alice@example.com>\n"
    "+0.000001  ! submit to <bob@example.com>\n"
    "+0.000001  ! submit to <carol@example.net>\n"
    "+0.000001  ! submit size 164\n";

const char bench_session[] =
    "+0.000102  ! connect mail.example.com:587 192.0.2.25\n"
    "+0.041235  S: 220 mail.example.com ESMTP Postfix (Debian/GNU)\n"
    "= reply 220 to greeting\n"
    "+0.000031  C: EHLO client.example.com\n"
    "+0.032114  S: 250-mail.example.com\n"
    "           S: 250-SIZE 10240000\n"
    "           S: 250-ETRN\n"
    "           S: 250-STARTTLS\n"
    "           S: 250-ENHANCEDSTATUSCODES\n"
    "           S: 250-8BITMIME\n"
    "           S: 250 DSN\n"
    "= reply 250 to EHLO\n"
    "+0.000018  C: STARTTLS\n"
    "+0.031007  S: 220 2.0.0 Ready to start TLS\n"
    "= reply 220 2.0.0 to STARTTLS\n"
    "= tls wanted\n"
    "+0.061540  ! tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok\n"
    "+0.000040  C: EHLO client.example.com\n"
    "+0.032310  S: 250-mail.example.com\n"
    "           S: 250-SIZE 10240000\n"
    "           S: 250-ETRN\n"
    "           S: 250-AUTH PLAIN LOGIN\n"
    "           S: 250-ENHANCEDSTATUSCODES\n"
    "           S: 250-8BITMIME\n"
    "           S: 250 DSN\n"
    "= reply 250 to EHLO\n"
    "+0.000022  C: AUTH LOGIN\n"
    "+0.031220  S: 334 VXNlcm5hbWU6\n"
    "= challenge to AUTH\n"
    "+0.000012  C: YWxpY2VAZXhhbXBsZS5jb20=\n"
    "+0.031190  S: 334 UGFzc3dvcmQ6\n"
    "= challenge to AUTH\n"
    "+0.000019  C: \\{secret}\n"
    "+0.048876  S: 235 2.7.0 Authentication successful\n"
    "= reply 235 2.7.0 to AUTH\n"
    "+0.000024  C: MAIL FROM:<alice@example.com> SIZE=164\n"
    "+0.030765  S: 250 2.1.0 Ok\n"
    "= reply 250 2.1.0 to MAIL\n"
    "+0.000013  C: RCPT TO:<bob@example.com>\n"
    "+0.034430  S: 250 2.1.5 Ok\n"
    "= reply 250 2.1.5 to RCPT\n"
    "+0.000010  C: RCPT TO:<carol@example.net>\n"
    "+0.033981  S: 250 2.1.5 Ok\n"
    "= reply 250 2.1.5 to RCPT\n"
    "+0.000011  C: DATA\n"
    "+0.030544  S: 354 End data with <CR><LF>.<CR><LF>\n"
    "= reply 354 to DATA\n"
    "= body wanted\n"
    "+0.000029  C: From: alice@example.com\n"
    "           C: To: bob@example.com, carol@example.net\n"
    "           C: Subject: Lunch\n"
    "           C: Date: Tue, 25 Nov 2025 11:58:03 +0000\n"
    "           C:\n"
    "           C: Shall we meet at noon?\n"
    "           C: ..and bring the plans\n"
    "           C: .\n"
    "+0.112450  S: 250 2.0.0 Ok: queued as 4dG1kz2Xq9z1t\n"
    "= reply 250 2.0.0 to body\n"
    "+0.000017  C: QUIT\n"
    "+0.030410  S: 221 2.0.0 Bye\n"
    "= reply 221 2.0.0 to QUIT\n"
    "= closed\n";

void make_long_transcript(struct transcript *out, size_t len) {
  static const char before[] =
      "S: 220 mail.example.com\nC: EHLO client.example.com\nS: 250 mail.example.com\n"
      "C: MAIL FROM:<alice@example.com>\nS: 250 Ok\nC: RCPT TO:<bob@example.com>\nS: 250 Ok\n"
      "C: DATA\nS: 354 go\n";
  static const char after[] = "           C: .\nS: 250 Ok\nC: QUIT\nS: 221 Bye\n";
  uint32_t seed = 7;
  *out = (struct transcript){.text = allocate(len + 1000), .num_sessions = 1};
  memcpy(out->text, before, sizeof(before) - 1);
  out->len = sizeof(before) - 1;
  while (out->len < len) {
    char line[] =
        "           C: ......................................................................\n";
    for (size_t i = 14; line[i] != '\n'; i++) {
      line[i] = "abcdefghijklmnopqrstuvwxyz,:  0123456789ABC"[next_random(&seed) % 43];
    }
    line[14] = 'x';
    line[sizeof(line) - 3] = 'y';
    memcpy(out->text + out->len, line, sizeof(line) - 1);
    out->len += sizeof(line) - 1;
  }
  memcpy(out->text + out->len, after, sizeof(after) - 1);
  out->len += sizeof(after) - 1;
}
