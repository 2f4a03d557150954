// Which reply a command gets: rows of a transcript, what another client says, and what it hears.
// Each row runs whole and octet by octet.
#include "replay/serve/served.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/serve/served_testing.h"

static struct ehlo_served served;
static struct ehlo_faults faults;
static struct ehlo_script script;

static void read_script(const char *text) {
  struct ehlo_transcript_error error;
  cr_assert(ehlo_script_read_text(&script, &error, (const uint8_t *)text, strlen(text)), "%s",
            text);
}

// Runs one session over the script that was read; `run` is to be freed.
static void run_session(struct ehlo_served_run *run, enum ehlo_serve_tls tls, size_t connection,
                        const char *client, size_t piece) {
  memset(run, 0, sizeof(*run));
  ehlo_served_init(&served, &script, &faults, tls, 0, connection);
  ehlo_served_run_steps(run, &served);
  ehlo_served_run_input(run, &served, (const uint8_t *)client, strlen(client), piece);
  ehlo_served_finish(&served);
}

static void expect_said(const struct ehlo_served_run *run, const char *said, const char *name) {
  cr_expect(run->said.len == strlen(said) && ehlo_sides_begin(&run->said, said, run->said.len),
            "%s: said %.*s", name, (int)run->said.len,
            run->said.len > 0 ? (const char *)run->said.bytes : "");
}

struct row {
  const char *name;
  const char *transcript;
  enum ehlo_serve_tls tls;
  const char *client;
  const char *said;
};

static void check_row(const struct row *row) {
  static const size_t pieces[] = {SIZE_MAX, 1, 7};
  for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
    struct ehlo_served_run run;
    read_script(row->transcript);
    memset(&faults, 0, sizeof(faults));
    run_session(&run, row->tls, 1, row->client, pieces[i]);
    expect_said(&run, row->said, row->name);
    ehlo_served_run_free(&run);
    ehlo_script_free(&script);
  }
}

#define CHECK_ROWS(rows)                                      \
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) { \
    check_row(&(rows)[i]);                                    \
  }

// A session in cleartext with one recipient.
#define PLAIN                                                                       \
  "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250-PIPELINING\nS: 250 8BITMIME\n"           \
  "C: MAIL FROM:<a@a>\nS: 250 2.1.0 sender\nC: RCPT TO:<b@b>\nS: 250 2.1.5 first\n" \
  "C: DATA\nS: 354 go\nC: text\nC: .\nS: 250 2.0.0 kept\nC: QUIT\nS: 221 bye\n"
#define PLAIN_HELLO "220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"

Test(served, matches_by_meaning) {
  static const struct row rows[] = {
      {"other words, other case, a pipelined flight", PLAIN, EHLO_SERVE_RECORDED,
       "ehlo other.example\r\nmail from: <x@y> SIZE=3\r\nRcpt To:<z@z>\r\ndata\r\nother\r\n..\r\n"
       ".\r\nquit\r\n",
       PLAIN_HELLO
       "250 2.1.0 sender\r\n250 2.1.5 first\r\n354 go\r\n250 2.0.0 kept\r\n221 bye\r\n"},
      {"lines that end in LF alone", PLAIN, EHLO_SERVE_RECORDED, "EHLO b\nMAIL FROM:<>\nQUIT\n",
       PLAIN_HELLO "250 2.1.0 sender\r\n221 bye\r\n"},
      {"what was not recorded", PLAIN, EHLO_SERVE_RECORDED,
       "EHLO b\r\nNOOP\r\nRSET\r\nVRFY x\r\nEXPN x\r\nHELP\r\nXYZZY\r\n\r\nBDAT x\r\n",
       PLAIN_HELLO "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n252 2.5.2 Send the message to find out\r\n"
                   "502 5.5.1 Not a command here\r\n214 2.0.0 See RFC 5321\r\n"
                   "502 5.5.1 Not a command here\r\n502 5.5.1 Not a command here\r\n"
                   "502 5.5.1 Not a command here\r\n"},
      {"HELO where EHLO was recorded", PLAIN, EHLO_SERVE_RECORDED, "HELO b\r\n",
       "220 mx\r\n250 mx\r\n"},
      {"EHLO where HELO was recorded", "S: 220 mx\nC: HELO a\nS: 250 hello\n", EHLO_SERVE_RECORDED,
       "EHLO b\r\n", "220 mx\r\n250 hello\r\n"},
      {"the next of a kind, and the last one again",
       "S: 220 mx\nC: NOOP\nS: 250 one\nC: NOOP\nS: 250 two\n", EHLO_SERVE_RECORDED,
       "NOOP\r\nNOOP\r\nNOOP\r\n", "220 mx\r\n250 one\r\n250 two\r\n250 two\r\n"},
      {"unknown commands by their verb",
       "S: 220 mx\nC: ETRN a\nS: 250 queued\nC: XFOO\nS: 299 foo\n", EHLO_SERVE_RECORDED,
       "XFOO bar\r\netrn b\r\nXBAR\r\n",
       "220 mx\r\n299 foo\r\n250 queued\r\n502 5.5.1 Not a command here\r\n"},
      {"replies that nobody asked for stay where they were",
       "S: 220 mx\nC: EHLO a\nS: 250 mx\nS: 250 more\nC: NOOP\nS: 250 ok\n", EHLO_SERVE_RECORDED,
       "EHLO b\r\nNOOP\r\n", "220 mx\r\n250 mx\r\n250 more\r\n250 ok\r\n"},
  };
  CHECK_ROWS(rows);
}

#define TWO_MAILS                                                                             \
  "S: 220 mx\nC: EHLO a\nS: 250 mx\n"                                                         \
  "C: MAIL FROM:<a@a>\nS: 250 m1\nC: RCPT TO:<b@b>\nS: 250 r1\nC: RCPT TO:<c@c>\nS: 550 r2\n" \
  "C: DATA\nS: 354 d1\nC: .\nS: 250 k1\n"                                                     \
  "C: MAIL FROM:<a@a>\nS: 250 m2\nC: RCPT TO:<b@b>\nS: 450 r3\nC: RSET\nS: 250 reset\n"
#define BLANK "EHLO b\r\n"

Test(served, transactions) {
  static const struct row rows[] = {
      {"more recipients than recorded", TWO_MAILS, EHLO_SERVE_RECORDED,
       BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nRCPT TO:<2>\r\nRCPT TO:<3>\r\nDATA\r\n.\r\n",
       "220 mx\r\n250 mx\r\n250 m1\r\n250 r1\r\n550 r2\r\n550 r2\r\n354 d1\r\n250 k1\r\n"},
      {"recipients are counted in their transaction", TWO_MAILS, EHLO_SERVE_RECORDED,
       BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<2>\r\n",
       "220 mx\r\n250 mx\r\n250 m1\r\n250 r1\r\n250 reset\r\n250 m2\r\n450 r3\r\n"},
      {"the last transaction stands for all further ones", PLAIN, EHLO_SERVE_RECORDED,
       BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nDATA\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<2>\r\nDATA\r\n"
             ".\r\n",
       PLAIN_HELLO "250 2.1.0 sender\r\n250 2.1.5 first\r\n354 go\r\n250 2.0.0 kept\r\n"
                   "250 2.1.0 sender\r\n250 2.1.5 first\r\n354 go\r\n250 2.0.0 kept\r\n"},
      {"out of order", PLAIN, EHLO_SERVE_RECORDED,
       "MAIL FROM:<>\r\nEHLO b\r\nRCPT TO:<1>\r\nDATA\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\n",
       "220 mx\r\n503 5.5.1 EHLO comes first\r\n250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
       "503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n250 2.1.0 sender\r\n"
       "503 5.5.1 A transaction is under way\r\n554 5.5.1 No valid recipients\r\n"},
      {"out of order, as it was recorded",
       "S: 220 mx\nC: EHLO a\nS: 250 mx\nC: RCPT TO:<b@b>\nS: 553 so\nC: MAIL FROM:<>\nS: 550 no\n"
       "C: RCPT TO:<b>\nS: 554 again\nC: DATA\nS: 555 no data\n",
       EHLO_SERVE_RECORDED, BLANK "RCPT TO:<1>\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nDATA\r\n",
       "220 mx\r\n250 mx\r\n553 so\r\n550 no\r\n554 again\r\n555 no data\r\n"},
      {"a recipient that was accepted too early is none",
       "S: 220 mx\nC: EHLO a\nS: 250 mx\nC: RCPT TO:<b>\nS: 250 odd\n", EHLO_SERVE_RECORDED,
       BLANK "RCPT TO:<1>\r\nDATA\r\n",
       "220 mx\r\n250 mx\r\n250 odd\r\n503 5.5.1 MAIL comes first\r\n"},
      {"a message for nobody",
       "S: 220 mx\nC: EHLO a\nS: 250 mx\nC: MAIL FROM:<>\nS: 250 m\n"
       "C: RCPT TO:<b>\nS: 550 r\nC: DATA\nS: 354 d\nC: .\nS: 554 nobody\n",
       EHLO_SERVE_RECORDED, BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nDATA\r\n.\r\n",
       "220 mx\r\n250 mx\r\n250 m\r\n550 r\r\n354 d\r\n554 nobody\r\n"},
  };
  CHECK_ROWS(rows);
}

#define CHUNKS                                                                               \
  "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 CHUNKING\nC: MAIL FROM:<>\nS: 250 m\n"            \
  "C: RCPT TO:<b>\nS: 250 r\nC: BDAT 3\nC: abc\\\nS: 250 chunk\nC: BDAT 2 LAST\nC:\nS: 250 " \
  "kept\n"
#define CHUNKS_SAID "220 mx\r\n250-mx\r\n250 CHUNKING\r\n250 m\r\n250 r\r\n"

Test(served, bdat) {
  static const struct row rows[] = {
      {"octets are counted, whatever they are", CHUNKS, EHLO_SERVE_RECORDED,
       BLANK
       "MAIL FROM:<>\r\nRCPT TO:<1>\r\nBDAT 5\r\nQUIT\nBDAT 8\r\n\r\n.\r\nxyzbdat 3 last\r\nabc"
       "BDAT 0 LAST\r\n",
       CHUNKS_SAID "250 chunk\r\n250 chunk\r\n250 kept\r\n503 5.5.1 MAIL comes first\r\n"},
      {"DATA where BDAT was recorded", CHUNKS, EHLO_SERVE_RECORDED,
       BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nDATA\r\n.\r\n",
       CHUNKS_SAID "354 End with a line of a dot alone\r\n250 kept\r\n"},
      {"BDAT where DATA was recorded, and offered",
       "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 chunking\nC: MAIL FROM:<>\nS: 250 m\n"
       "C: RCPT TO:<b>\nS: 250 r\nC: DATA\nS: 354 d\nC: .\nS: 450 later\n",
       EHLO_SERVE_RECORDED, BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nBDAT 1\r\n.BDAT 0 LAST\r\n",
       "220 mx\r\n250-mx\r\n250 chunking\r\n250 m\r\n250 r\r\n250 2.0.0 Ok\r\n450 later\r\n"},
      {"BDAT that is not offered", PLAIN, EHLO_SERVE_RECORDED,
       BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n",
       PLAIN_HELLO "250 2.1.0 sender\r\n250 2.1.5 first\r\n502 5.5.1 Not a command here\r\n"
                   "250 2.0.0 Ok\r\n"},
      {"DATA refused is a message refused",
       "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 CHUNKING\nC: MAIL FROM:<>\nS: 250 m\n"
       "C: RCPT TO:<b>\nS: 250 r\nC: DATA\nS: 552 full\n",
       EHLO_SERVE_RECORDED, BLANK "MAIL FROM:<>\r\nRCPT TO:<1>\r\nBDAT 1 LAST\r\n.",
       "220 mx\r\n250-mx\r\n250 CHUNKING\r\n250 m\r\n250 r\r\n552 full\r\n"},
  };
  CHECK_ROWS(rows);
}

#define LMTP                                                                        \
  "S: 220 mx\nC: LHLO a\nS: 250-mx\nS: 250 CHUNKING\nC: MAIL FROM:<>\nS: 250 m\n"   \
  "C: RCPT TO:<b>\nS: 250 r1\nC: RCPT TO:<c>\nS: 250 r2\nC: DATA\nS: 354 d\nC: .\n" \
  "S: 250 first\nS: 452 second\n"
#define LMTP_HELLO "220 mx\r\n250-mx\r\n250 CHUNKING\r\n"

Test(served, lmtp) {
  static const struct row rows[] = {
      {"a reply for each recipient", LMTP, EHLO_SERVE_RECORDED,
       "LHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nRCPT TO:<2>\r\nRCPT "
       "TO:<3>\r\nDATA\r\n.\r\nNOOP\r\n",
       LMTP_HELLO "250 m\r\n250 r1\r\n250 r2\r\n250 r2\r\n354 d\r\n250 first\r\n452 second\r\n"
                  "452 second\r\n250 2.0.0 Ok\r\n"},
      {"one recipient", LMTP, EHLO_SERVE_RECORDED,
       "LHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nBDAT 1 LAST\r\nxNOOP\r\n",
       LMTP_HELLO "250 m\r\n250 r1\r\n250 first\r\n250 2.0.0 Ok\r\n"},
      {"the last chunk for nobody has no reply", LMTP, EHLO_SERVE_RECORDED,
       "LHLO b\r\nMAIL FROM:<>\r\nBDAT 1 LAST\r\nxNOOP\r\n",
       LMTP_HELLO "250 m\r\n250 2.0.0 Ok\r\n"},
      {"SMTP to LMTP", LMTP, EHLO_SERVE_RECORDED, "EHLO b\r\n",
       "220 mx\r\n500 5.5.1 This is LMTP: LHLO is wanted\r\n"},
      {"LMTP to SMTP", PLAIN, EHLO_SERVE_RECORDED, "LHLO b\r\n",
       "220 mx\r\n500 5.5.1 This is not LMTP\r\n"},
  };
  CHECK_ROWS(rows);
}

#define SECURE                                                                           \
  "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n! tls\n"    \
  "C: EHLO a\nS: 250-mx\nS: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN \\{secret}\nS: 235 in\n" \
  "C: MAIL FROM:<>\nS: 250 m\nC: RCPT TO:<b>\nS: 250 r\nC: QUIT\nS: 221 bye\n"
#define SECURE_HELLO \
  "220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250-mx\r\n250 AUTH LOGIN PLAIN\r\n"
#define SECURE_BLANK "EHLO b\r\nSTARTTLS\r\nEHLO b\r\n"

Test(served, tls) {
  static const struct row rows[] = {
      {"as recorded", SECURE, EHLO_SERVE_RECORDED, SECURE_BLANK "STARTTLS\r\nAUTH PLAIN eA==\r\n",
       SECURE_HELLO "503 5.5.1 TLS has begun already\r\n235 in\r\n"},
      {"without what the recorded client did", SECURE, EHLO_SERVE_RECORDED,
       "EHLO b\r\nAUTH PLAIN eA==\r\nMAIL FROM:<>\r\nSTARTTLS\r\nMAIL FROM:<>\r\nEHLO b\r\n"
       "MAIL FROM:<>\r\n",
       "220 mx\r\n250-mx\r\n250 STARTTLS\r\n530 5.7.0 Must issue a STARTTLS command first\r\n"
       "530 5.7.0 Must issue a STARTTLS command first\r\n220 go\r\n503 5.5.1 EHLO comes first\r\n"
       "250-mx\r\n250 AUTH LOGIN PLAIN\r\n530 5.7.0 Authentication required\r\n"},
      {"STARTTLS as implicit TLS", SECURE, EHLO_SERVE_IMPLICIT, "EHLO b\r\nAUTH PLAIN eA==\r\n",
       "220 mx\r\n250-mx\r\n250 AUTH LOGIN PLAIN\r\n235 in\r\n"},
      {"STARTTLS as cleartext", SECURE, EHLO_SERVE_CLEARTEXT,
       "EHLO b\r\nSTARTTLS\r\nAUTH PLAIN eA==\r\nMAIL FROM:<>\r\n",
       "220 mx\r\n250-mx\r\n250 AUTH LOGIN PLAIN\r\n454 4.7.0 TLS is not available here\r\n"
       "235 in\r\n250 m\r\n"},
      {"implicit TLS as STARTTLS",
       "! tls\nS: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250-AUTH PLAIN\nS: 250 SIZE\nC: MAIL FROM:<>\n"
       "S: 250 m\n",
       EHLO_SERVE_STARTTLS, "EHLO b\r\nMAIL FROM:<>\r\nSTARTTLS\r\nEHLO b\r\nMAIL FROM:<>\r\n",
       "220 mx\r\n250-mx\r\n250-SIZE\r\n250 STARTTLS\r\n"
       "530 5.7.0 Must issue a STARTTLS command first\r\n220 2.0.0 Ready to start TLS\r\n"
       "250-mx\r\n250-AUTH PLAIN\r\n250 SIZE\r\n250 m\r\n"},
      {"offered, and only this client takes it",
       "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250-STARTTLS\nS: 250 SIZE\nC: MAIL FROM:<>\nS: 250 m\n",
       EHLO_SERVE_RECORDED, "EHLO b\r\nSTARTTLS\r\nEHLO b\r\nMAIL FROM:<>\r\n",
       "220 mx\r\n250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n220 2.0.0 Ready to start TLS\r\n250-mx\r\n"
       "250 SIZE\r\n250 m\r\n"},
      {"... but not in cleartext",
       "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250-SIZE\nS: 250 STARTTLS\n", EHLO_SERVE_CLEARTEXT,
       "EHLO b\r\nSTARTTLS\r\n",
       "220 mx\r\n250-mx\r\n250 SIZE\r\n454 4.7.0 TLS is not available here\r\n"},
  };
  CHECK_ROWS(rows);
}

#define AUTH(exchange) \
  "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\n" exchange
#define AUTH_HELLO "220 mx\r\n250-mx\r\n250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\r\n"
#define LOGIN \
  AUTH("C: AUTH LOGIN\nS: 334 dXNlcg==\nC: eA==\nS: 334 cGFzcw==\nC: \\{secret}\nS: 235 in\n")

Test(served, auth) {
  static const struct row rows[] = {
      {"LOGIN as recorded", LOGIN, EHLO_SERVE_RECORDED, BLANK "AUTH login\r\neQ==\r\neg==\r\n",
       AUTH_HELLO "334 dXNlcg==\r\n334 cGFzcw==\r\n235 in\r\n"},
      {"LOGIN with its user name at once", LOGIN, EHLO_SERVE_RECORDED,
       BLANK "AUTH LOGIN eQ==\r\neg==\r\n", AUTH_HELLO "334 cGFzcw==\r\n235 in\r\n"},
      {"PLAIN where LOGIN was recorded", LOGIN, EHLO_SERVE_RECORDED,
       BLANK "AUTH PLAIN\r\neA==\r\nAUTH PLAIN eA==\r\n",
       AUTH_HELLO "334 \r\n235 in\r\n503 5.5.1 Authenticated already\r\n"},
      {"cancelled, and again", LOGIN, EHLO_SERVE_RECORDED,
       BLANK "AUTH LOGIN\r\n*\r\nAUTH LOGIN\r\neA==\r\neA==\r\n",
       AUTH_HELLO
       "334 dXNlcg==\r\n501 5.7.0 Cancelled\r\n334 dXNlcg==\r\n334 cGFzcw==\r\n235 in\r\n"},
      {"a mechanism that is not offered", LOGIN, EHLO_SERVE_RECORDED, BLANK "AUTH XOAUTH2 eA==\r\n",
       AUTH_HELLO "504 5.5.4 Mechanism not offered\r\n"},
      {"AUTH that is not offered", PLAIN, EHLO_SERVE_RECORDED, BLANK "AUTH PLAIN eA==\r\n",
       PLAIN_HELLO "502 5.5.1 AUTH is not offered\r\n"},
      {"PLAIN without its response at once", AUTH("C: AUTH PLAIN \\{secret}\nS: 535 5.7.8 no\n"),
       EHLO_SERVE_RECORDED,
       BLANK "AUTH PLAIN\r\neA==\r\nAUTH LOGIN\r\neA==\r\neA==\r\nMAIL FROM:<>\r\n",
       AUTH_HELLO "334 \r\n535 5.7.8 no\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n"
                  "535 5.7.8 no\r\n530 5.7.0 Authentication required\r\n"},
      {"the second attempt as recorded",
       AUTH("C: AUTH PLAIN \\{secret}\nS: 535 no\nC: AUTH PLAIN \\{secret}\nS: 235 yes\n"),
       EHLO_SERVE_RECORDED, BLANK "AUTH PLAIN eA==\r\nAUTH PLAIN eA==\r\n",
       AUTH_HELLO "535 no\r\n235 yes\r\n"},
      {"CRAM-MD5 by its challenge",
       AUTH("C: AUTH CRAM-MD5\nS: 334 PDFAYT4=\nC: \\{secret}\nS: 235 in\n"), EHLO_SERVE_RECORDED,
       BLANK "AUTH CRAM-MD5\r\neA==\r\n", AUTH_HELLO "334 PDFAYT4=\r\n235 in\r\n"},
      // The client's first message is "n,,n=user,r=fyko", the recorded one's "n,,n=user,r=rOpr".
      {"SCRAM with this client's nonce, and an end where the proof is hidden",
       AUTH("C: AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wcg==\n"
            "S: 334 cj1yT3ByJWh2WUQscz1XMjJaLGk9NDA5Ng==\nC: \\{secret}\nS: 334 \\{secret}\nC:\n"
            "S: 235 in\n"),
       EHLO_SERVE_RECORDED, BLANK "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9Znlrbw==\r\neA==\r\n",
       AUTH_HELLO "334 cj1meWtvJWh2WUQscz1XMjJaLGk9NDA5Ng==\r\n454 4.7.0 The transcript hides what "
                  "comes here, the proof that the server knows the password\r\n"},
      {"SCRAM refused is refused",
       AUTH("C: AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wcg==\n"
            "S: 334 cj1yT3ByJWh2WUQscz1XMjJaLGk9NDA5Ng==\nC: \\{secret}\nS: 535 no\n"),
       EHLO_SERVE_RECORDED, BLANK "AUTH SCRAM-SHA-256\r\nbiwsbj11c2VyLHI9Znlrbw==\r\neA==\r\n",
       AUTH_HELLO "334 \r\n334 cj1meWtvJWh2WUQscz1XMjJaLGk9NDA5Ng==\r\n535 no\r\n"},
      {"SCRAM that was never recorded, where another mechanism was refused",
       AUTH("C: AUTH PLAIN \\{secret}\nS: 535 no\n"), EHLO_SERVE_RECORDED,
       BLANK "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9Znlrbw==\r\neA==\r\n",
       AUTH_HELLO "334 cj1meWtvc2VydmVkLHM9YzJWeWRtVmtJSE5oYkhRPSxpPTQwOTY=\r\n535 no\r\n"},
      {"what the server said back is not in the record",
       AUTH("C: AUTH PLAIN \\{secret}\nS: 535 5.7.8 \\{secret}\n"), EHLO_SERVE_RECORDED,
       BLANK "AUTH PLAIN eA==\r\n", AUTH_HELLO "535 5.7.8 (hidden)\r\n"},
  };
  CHECK_ROWS(rows);
}

// ---- Ends, cuts and times ----------------------------------------------------------------------

static struct ehlo_served_step next_say(void) {
  struct ehlo_served_step step = ehlo_served_next(&served);
  cr_assert_eq(step.type, EHLO_STEP_SAY);
  return step;
}

Test(served, recorded_cuts_and_times) {
  read_script(
      "+0.5 S: 22\\\n+0.25 S: 0 mx\n+0.1 C: EHLO a\n+1 S: 250-m\\\n+2 S: x\n         S: 250 "
      "SIZE\n");
  memset(&faults, 0, sizeof(faults));
  ehlo_served_init(&served, &script, &faults, EHLO_SERVE_RECORDED, 2000, 1);  // twice as fast
  struct ehlo_served_step step = next_say();
  cr_expect(step.len == 2 && step.delay_us == 250000 && !step.apart);
  step = next_say();
  cr_expect(step.len == 6 && step.delay_us == 125000 && step.apart);
  cr_expect_eq(ehlo_served_next(&served).type, EHLO_STEP_NONE);
  cr_expect_eq(ehlo_served_input(&served, (const uint8_t *)"EHLO b\r\nNOOP\r\n", 14), 8);
  step = next_say();
  cr_expect(step.len == 5 && step.delay_us == 500000);
  step = next_say();
  cr_expect(step.len == 3 + 10 && step.delay_us == 1000000 && step.apart);
  // The virtual clock has all of it: also the client's part.
  cr_expect_eq(faults.clock_us, 750000 + 3100000);
  ehlo_script_free(&script);
}

Test(served, the_ends_of_a_connection) {
  static const struct {
    const char *transcript;
    const char *client;
    enum ehlo_ending ending;
    const char *said;
  } rows[] = {
      {"S: 220 mx\nC: EHLO a\nS: 250 mx\nC: QUIT\nS: 221 bye\n", "QUIT\r\n", EHLO_ENDS_CLOSED,
       "220 mx\r\n221 bye\r\n"},
      {"S: 421 4.3.2 full\n", "", EHLO_ENDS_CLOSED, "421 4.3.2 full\r\n"},
      {"S: 220 mx\nC: NOOP\n! eof S\n", "NOOP\r\n", EHLO_ENDS_CLOSED, "220 mx\r\n"},
      {"S: 220 mx\nC: NOOP\nS: 25\\\n! reset S\n", "NOOP\r\n", EHLO_ENDS_RESET, "220 mx\r\n25"},
      {"S: 220 mx\nC: NOOP\n+300 ! timeout\n", "NOOP\r\n", EHLO_ENDS_SILENT, "220 mx\r\n"},
      {"! tls\nS: 220 mx\nC: NOOP\nS: 250 ok\n! tls failed no close_notify\n", "NOOP\r\n",
       EHLO_ENDS_CUT, "220 mx\r\n250 ok\r\n"},
      {"! eof S\n", "", EHLO_ENDS_CLOSED, ""},
      {"S: 220 mx\nC: EHLO a\nS: 250 mx\nC: MAIL FROM:<>\nS: 250 m\nC: RCPT TO:<b>\nS: 250 r\n"
       "C: DATA\nS: 354 d\nC: half\n! reset S\n",
       "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nDATA\r\nall\r\n.\r\n", EHLO_ENDS_RESET,
       "220 mx\r\n250 mx\r\n250 m\r\n250 r\r\n354 d\r\n"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_served_run run;
    read_script(rows[i].transcript);
    memset(&faults, 0, sizeof(faults));
    run_session(&run, EHLO_SERVE_RECORDED, 1, rows[i].client, SIZE_MAX);
    expect_said(&run, rows[i].said, rows[i].transcript);
    cr_expect(run.ended && run.ending == rows[i].ending, "%s ends %d", rows[i].transcript,
              (int)run.ending);
    ehlo_served_run_free(&run);
    ehlo_script_free(&script);
  }
}

Test(served, a_line_may_be_as_long_as_a_token_and_no_longer) {
  static char client[60000];
  struct ehlo_served_run run;
  read_script(PLAIN);
  memset(&faults, 0, sizeof(faults));
  size_t len = EHLO_SERVED_LINE_MAX - 2;
  memset(client, 'x', sizeof(client));
  memcpy(client + len, "\r\n", 2);
  memset(client + len + 2, 'y', len + 1);
  memcpy(client + 2 * len + 3, "\r\nNOOP\r\n", 9);
  run_session(&run, EHLO_SERVE_RECORDED, 1, client, 1000);
  expect_said(&run,
              "220 mx\r\n502 5.5.1 Not a command here\r\n500 5.5.6 Line too long\r\n"
              "250 2.0.0 Ok\r\n",
              "two long lines");
  cr_expect_eq(served.report.num_too_long, 1);
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}

Test(served, a_stop_is_told_between_commands) {
  struct ehlo_served_run run = {.num_steps = 0};
  read_script(PLAIN);
  memset(&faults, 0, sizeof(faults));
  ehlo_served_init(&served, &script, &faults, EHLO_SERVE_RECORDED, 0, 1);
  ehlo_served_run_steps(&run, &served);
  ehlo_served_run_input(&run, &served, (const uint8_t *)"NO", 2, 2);
  ehlo_served_stop(&served, "421 stop\r\n");
  ehlo_served_run_steps(&run, &served);
  cr_expect_not(run.ended, "within a command there is nothing to be said");
  ehlo_served_run_input(&run, &served, (const uint8_t *)"OP\r\n", 4, 4);
  ehlo_served_stop(&served, "421 stop\r\n");
  ehlo_served_run_steps(&run, &served);
  expect_said(&run, "220 mx\r\n250 2.0.0 Ok\r\n421 stop\r\n", "stopped");
  cr_expect(run.ended && run.ending == EHLO_ENDS_CLOSED);
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}

// ---- The report --------------------------------------------------------------------------------

Test(served, tells_what_the_client_did) {
  struct ehlo_served_run run;
  read_script(SECURE);
  memset(&faults, 0, sizeof(faults));
  run_session(&run, EHLO_SERVE_RECORDED, 1,
              SECURE_BLANK
              "AUTH LOGIN\r\nc2VjcmV0\r\nc2VjcmV0\r\nMAIL FROM:<>\r\n"
              "RCPT TO:<one@example.com>\r\nRCPT TO:<two@example.com>\r\nDATA\r\nab\r\n"
              "..\r\n.\r\nXSECRET c2VjcmV0\r\nQUIT\r\n",
              SIZE_MAX);
  const struct ehlo_served_report *r = &served.report;
  cr_expect(r->tls && r->authenticated && r->quit && r->greeted);
  cr_expect_str_eq(r->mechanism, "LOGIN");
  cr_expect_eq(r->num_recipients, 2);
  cr_expect_str_eq(r->recipients[1].address, "two@example.com");
  cr_expect_eq(r->num_messages, 1);
  cr_expect_eq(r->num_accepted_messages, 1);
  cr_expect_eq(r->message_octets, 4 + 3);
  cr_expect_eq(r->num_commands, 10);
  cr_expect_eq(r->commands[5].count, 2);
  cr_expect(r->differs && r->differs_at == 4);
  cr_expect_str_eq(r->recorded.mechanism, "PLAIN");
  cr_expect_str_eq(r->done.mechanism, "LOGIN");
  cr_expect_eq(r->ending, EHLO_ENDS_CLOSED);
  // Nowhere in the whole struct is what may have been a password.
  const char *bytes = (const char *)&served;
  for (size_t i = 0; i + 8 <= sizeof(served); i++) {
    cr_assert_neq(memcmp(bytes + i, "c2VjcmV0", 8), 0, "at %zu", i);
  }
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}

Test(served, keeps_no_credential_and_tells_no_unknown_mechanism) {
  static const char client[] = "EHLO b\r\nAUTH LOGIN\r\nc2VjcmV0\r\n";
  struct ehlo_served_run run = {.num_steps = 0};
  read_script(LOGIN);
  memset(&faults, 0, sizeof(faults));
  ehlo_served_init(&served, &script, &faults, EHLO_SERVE_RECORDED, 0, 1);
  ehlo_served_run_steps(&run, &served);
  ehlo_served_run_input(&run, &served, (const uint8_t *)client, strlen(client), SIZE_MAX);
  const char *bytes = (const char *)&served;
  for (size_t i = 0; i + 8 <= sizeof(served); i++) {
    cr_assert_neq(memcmp(bytes + i, "c2VjcmV0", 8), 0, "at %zu", i);
  }
  ehlo_served_run_free(&run);
  run_session(&run, EHLO_SERVE_RECORDED, 2, "EHLO b\r\nAUTH PASSWORD\r\n", SIZE_MAX);
  cr_expect_str_eq(served.report.mechanism, "other");
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}

Test(served, tells_no_difference_where_there_is_none) {
  struct ehlo_served_run run;
  read_script(PLAIN);
  memset(&faults, 0, sizeof(faults));
  run_session(&run, EHLO_SERVE_RECORDED, 1,
              "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nRCPT TO:<2>\r\nDATA\r\n.\r\nQUIT\r\n",
              SIZE_MAX);
  cr_expect_not(served.report.differs);
  ehlo_served_run_free(&run);
  run_session(&run, EHLO_SERVE_RECORDED, 2, "EHLO b\r\nMAIL FROM:<>\r\n", SIZE_MAX);
  cr_expect(served.report.differs && served.report.differs_at == 3, "it left");
  cr_expect_eq(served.report.done.meaning, EHLO_MEANS_GREETING);
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}
