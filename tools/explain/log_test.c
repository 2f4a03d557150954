// Refusals are found in the logs of programs that wrote them, with their stage and host, and
// nothing else is.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/explain/log.h"

static char found[4000];

static void note(void *arg, const struct explain_question *q) {
  size_t len = strlen(found);
  struct explanation e;
  (void)arg;
  bool known = explain_answer(&e, q);
  snprintf(found + len, sizeof(found) - len, "%s%u %s %s %s", len > 0 ? "; " : "", q->code,
           q->stage_known ? ehlo_stage_name(q->stage) : "-", q->host != NULL ? q->host : "-",
           !known         ? "nothing"
           : e.id != NULL ? e.id
                          : "general");
}

static const char *read_log(const char *text, bool is_reply) {
  static struct explain_log l;
  explain_log_init(&l, note, NULL);
  l.is_reply = is_reply;
  found[0] = '\0';
  while (*text != '\0') {
    size_t n = strcspn(text, "\n");
    explain_log_line(&l, (struct ehlo_span){(const uint8_t *)text, n});
    text += n + (text[n] == '\n');
  }
  explain_log_end(&l);
  return found;
}

#define IS(text, what) cr_expect_str_eq(read_log(text, false), what, "%s", found)

static void reads_ehlo_and_swaks(void) {
  IS("=== connect smtp.gmail.com:587 192.0.2.1\n<-  220 smtp.gmail.com ESMTP x - gsmtp\n"
     "~>  AUTH PLAIN\n~>  (hidden)\n<~* 535-5.7.8 Username and Password not accepted. For more\n"
     "<~* 535 5.7.8  https://support.google.com/mail/?p=BadCredentials a.1 - gsmtp\n~>  QUIT\n",
     "535 auth smtp.gmail.com gmail/bad-credentials");
  IS("=== Trying mail.example.com:587...\n=== Connected to mail.example.com.\n"
     "<-  220 mail.example.com ESMTP Postfix\n -> MAIL FROM:<a@example.com>\n<-  250 2.1.0 Ok\n"
     " -> RCPT TO:<b@example.org>\n<** 554 5.7.1 <b@example.org>: Relay access denied\n -> QUIT\n",
     "554 rcpt mail.example.com postfix/relay-access-denied");
}

static void reads_curl_and_openssl(void) {
  IS("* Connected to smtp.gmail.com (192.0.2.1) port 587 (#0)\n> AUTH PLAIN\n< 334 \n"
     "< 535-5.7.8 Username and Password not accepted. For more information, go to\n"
     "< 535 5.7.8  https://support.google.com/mail/?p=BadCredentials a.1 - gsmtp\n",
     "535 auth smtp.gmail.com gmail/bad-credentials");
  IS("AUTH LOGIN\n334 VXNlcm5hbWU6\n535 5.7.3 Authentication unsuccessful "
     "[LO2P123CA0001.GBRP123.PROD.OUTLOOK.COM 2026-11-24T14:02:12.345Z 08DE2A3B4C5D6E7F]\n",
     "535 - - exchange-online/authentication-unsuccessful");
}

static void reads_pythons_traceback(void) {
  IS("Traceback (most recent call last):\n  File \"/usr/lib/python3.11/smtplib.py\", line 450, in "
     "x\n    raise SMTPAuthenticationError(code, resp)\nsmtplib.SMTPAuthenticationError: (535, "
     "b'5.7.8 Username and Password not accepted. For more information, go to\\n5.7.8  "
     "https://support.google.com/mail/?p=BadCredentials a.1 - gsmtp')\n",
     "535 - - gmail/bad-credentials");
  IS("smtplib.SMTPRecipientsRefused: {'b@example.org': (554, b'5.7.1 <b@example.org>: Relay access "
     "denied')}\n",
     "554 - - postfix/relay-access-denied");
}

static void reads_nodemailer_and_phpmailer(void) {
  IS("Error: Invalid login: 535-5.7.8 Username and Password not accepted. For more information, go "
     "to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials a.1 - gsmtp\n    at "
     "SMTPConnection._formatError (/app/node_modules/nodemailer/lib/x.js:450:19) {\n"
     "  code: 'EAUTH',\n  responseCode: 535,\n",
     "535 - - gmail/bad-credentials");
  IS("SMTP ERROR: Password command failed: 535 5.7.139 Authentication unsuccessful, basic "
     "authentication is disabled. [x.prod.outlook.com]\n",
     "535 - - exchange-online/basic-authentication-disabled");
}

static void reads_mail_logs(void) {
  IS("Nov 27 10:00:00 mx postfix/smtp[450]: 4F2A31: to=<b@gmail.com>, "
     "relay=gmail-smtp-in.l.google.com[192.0.2.1]:25, delay=550, dsn=5.1.1, status=bounced (host "
     "gmail-smtp-in.l.google.com[192.0.2.1] said: 550-5.1.1 The email account that you tried to "
     "reach does not exist. 550 5.1.1 a.1 - gsmtp (in reply to RCPT TO command))\n",
     "550 rcpt gmail-smtp-in.l.google.com gmail/no-such-account");
  IS("** b@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.1]: SMTP error from "
     "remote mail server after RCPT TO:<b@example.org>: 554 5.7.1 <b@example.org>: Relay access "
     "denied\n",
     "554 rcpt - postfix/relay-access-denied");
  IS("Diagnostic-Code: smtp; 550 5.7.60 SMTP; Client does not have permissions to send as this "
     "sender\n",
     "550 - - exchange-online/send-as-permission");
}

static void reads_a_refused_token(void) {
  IS("<~  334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2x"
     "lLmNvbS8ifQ==\n",
     "0 - - gmail/token-refused");
}

static void takes_no_number_for_a_reply(void) {
  IS("line 450 of 550 was read in 535 ms\nport 587\n192.0.2.550 x\n250 2.0.0 Ok: queued as 550\n"
     "> 550 is what the client said\nsize=4500, 535\n",
     "");
}

static void takes_a_reply_by_itself_wherever_its_code_stands(void) {
  cr_expect_str_eq(read_log("HTTP/1.1 400 Bad Request", true), "");
  cr_expect_str_eq(read_log("the server says 554 Relay access denied", true),
                   "554 - - postfix/relay-access-denied");
  cr_expect_str_eq(read_log("535-5.7.8 Username and Password not accepted. 535 5.7.8 x", true),
                   "535 - - gmail/bad-credentials");
}

static void bears_long_lines_and_odd_octets(void) {
  static char text[20000];
  memset(text, 0xff, sizeof(text) - 1);
  memcpy(text, "550 ", 4);
  cr_expect_str_eq(read_log(text, false), "550 - - general");
  memset(text, '(', sizeof(text) - 1);
  IS(text, "");
  IS("(550, b'", "");
  IS("550", "550 - - general");
  IS("550-\n550-\n550", "550 - - general");
}

// A reply that was wrapped is one, and what follows a reply by chance is none of it.
static void reads_wrapped_replies(void) {
  IS("<b@example.org>: host mx.example.org[192.0.2.1] said: 554 5.7.1\n    <b@example.org>: Relay "
     "access\n    denied (in reply to RCPT TO command)\n",
     "554 rcpt mx.example.org postfix/relay-access-denied");
  IS("<** 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is\n<** disabled for "
     "the "
     "Tenant.\n",
     "535 - - exchange-online/smtp-auth-disabled-tenant");
  IS("<** 550 5.7.1 no\n<** Relay access denied, said somebody else\n<** 451 4.9.9 x\n",
     "550 - - postfix/relay-access-denied; 451 - - general");
  IS("550 5.7.1 no\nRelay access denied\n", "550 - - general");
  IS("  550 5.7.1 no\n\n  Relay access denied\n", "550 - - general");
  IS("mail failed: 553\n", "");
  cr_expect_str_eq(read_log("mail failed: 553", true), "553 - - general");
  cr_expect_str_eq(read_log("250 2.0.0 Ok: queued as 554", true), "");
}

// Valgrind starts anew for each Test; the rows say what failed.
Test(log, finds_refusals_and_nothing_else) {
  reads_ehlo_and_swaks();
  reads_curl_and_openssl();
  reads_pythons_traceback();
  reads_nodemailer_and_phpmailer();
  reads_mail_logs();
  reads_a_refused_token();
  takes_no_number_for_a_reply();
  takes_a_reply_by_itself_wherever_its_code_stands();
  bears_long_lines_and_odd_octets();
  reads_wrapped_replies();
}
