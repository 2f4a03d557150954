// Logs of the real programs (testdata/): each becomes the transcript beside it, however it is read; it
// replays as the session went; nothing of a password is in it. And what no log of its format has is told
// with its place.
#include "replay/import/import.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"

#define TESTDATA "replay/import/testdata/"

// A program's version, how it was run, and what its log keeps back.
static const struct golden {
  const char *name;
  enum ehlo_import_format format;
  const char *state;  // in which the session ends
} goldens[] = {
    {"s_client-3.0.19-typed", EHLO_IMPORT_S_CLIENT, "closed"},
    // What was typed is not in these, so the first reply under TLS is one that nobody asked for.
    {"s_client-3.0.19-server-only", EHLO_IMPORT_S_CLIENT, "failed"},
    {"s_client-3.0.19-quiet", EHLO_IMPORT_S_CLIENT, "failed"},
    {"swaks-20201014-login", EHLO_IMPORT_SWAKS, "closed"},
    {"swaks-20201014-hidden", EHLO_IMPORT_SWAKS, "closed"},
    {"swaks-20201014-pipeline", EHLO_IMPORT_SWAKS, "closed"},
    {"swaks-20201014-refused", EHLO_IMPORT_SWAKS, "failed"},
    {"swaks-20201014-tls", EHLO_IMPORT_SWAKS, "closed"},
    {"swaks-20201014-hide-receive", EHLO_IMPORT_SWAKS, "connect"},
    {"curl-7.88.1-login", EHLO_IMPORT_CURL, "ready"},
    {"curl-7.88.1-refused-tls", EHLO_IMPORT_CURL, "closed"},
    {"curl-7.88.1-xoauth2", EHLO_IMPORT_CURL, "ready"},
    {"curl-trace-7.88.1-ascii-time", EHLO_IMPORT_CURL_TRACE, "ready"},
    {"curl-trace-7.88.1-ascii-tls", EHLO_IMPORT_CURL_TRACE, "ready"},
    {"curl-trace-7.88.1-hex-time", EHLO_IMPORT_CURL_TRACE, "ready"},
    {"msmtp-1.8.23-plain-tls", EHLO_IMPORT_MSMTP, "closed"},
    {"msmtp-1.8.23-refused", EHLO_IMPORT_MSMTP, "data"},
    {"smtplib-3.11-level1-tls", EHLO_IMPORT_SMTPLIB, "closed"},
    {"smtplib-3.11-level2", EHLO_IMPORT_SMTPLIB, "closed"},
    {"phpmailer-6.6.3-level1", EHLO_IMPORT_PHPMAILER, "connect"},
    {"phpmailer-6.6.3-level2", EHLO_IMPORT_PHPMAILER, "closed"},
    {"phpmailer-6.6.3-level3", EHLO_IMPORT_PHPMAILER, "closed"},
    {"phpmailer-6.6.3-level4", EHLO_IMPORT_PHPMAILER, "closed"},
    {"phpmailer-6.6.3-no-stamps", EHLO_IMPORT_PHPMAILER, "closed"},
    {"nodemailer-6.8.0-console", EHLO_IMPORT_NODEMAILER, "ready"},
    {"nodemailer-6.8.0-json", EHLO_IMPORT_NODEMAILER, "ready"},
};
#define NUM_GOLDENS (sizeof(goldens) / sizeof(goldens[0]))

// ---- Bytes --------------------------------------------------------------------------------------

struct bytes {
  uint8_t *bytes;
  size_t len;
  size_t cap;
  size_t at;
};

static void add(struct bytes *b, const void *bytes, size_t len) {
  if (b->len + len + 1 > b->cap) {
    b->cap = 2 * (b->len + len + 1);
    b->bytes = realloc(b->bytes, b->cap);
  }
  memcpy(b->bytes + b->len, bytes, len);
  b->len += len;
  b->bytes[b->len] = '\0';
}

static struct bytes read_file(const char *name, const char *suffix) {
  char path[256];
  char buf[4096];
  struct bytes b = {0};
  snprintf(path, sizeof(path), TESTDATA "%s%s", name, suffix);
  FILE *file = fopen(path, "r");
  cr_assert(file != NULL, "cannot open %s", path);
  add(&b, "", 0);
  for (size_t n; (n = fread(buf, 1, sizeof(buf), file)) > 0;) {
    add(&b, buf, n);
  }
  fclose(file);
  return b;
}

static bool take(void *arg, const char *text, size_t len) {
  add(arg, text, len);
  return true;
}

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct bytes *b = arg;
  size_t n = b->len - b->at < cap ? b->len - b->at : cap;
  memcpy(buf, b->bytes + b->at, n);
  b->at += n;
  return (long)n;
}

// ---- Importing ----------------------------------------------------------------------------------

static struct ehlo_importer importer;
static struct ehlo_scrub scrub;

static struct bytes import(enum ehlo_import_format format, const void *log, size_t len,
                           size_t piece) {
  struct bytes out = {0};
  add(&out, "", 0);
  ehlo_scrub_init(&scrub);
  ehlo_scrub_learn(&scrub, log, len);
  cr_assert(ehlo_scrub_learn_end(&scrub));
  ehlo_importer_init(&importer, format, &scrub, take, &out);
  for (size_t at = 0; at < len; at += piece) {
    ehlo_importer_feed(&importer, (const uint8_t *)log + at, len - at < piece ? len - at : piece);
  }
  ehlo_importer_finish(&importer);
  return out;
}

static struct bytes import_text(enum ehlo_import_format format, const char *log) {
  return import(format, log, strlen(log), strlen(log));
}

static size_t encode(char *out, const char *text, size_t shift) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  size_t len = strlen(text);
  for (size_t place = (8 * shift + 5) / 6; place < 8 * (shift + len) / 6; place++) {
    size_t bit = 6 * place - 8 * shift;
    unsigned pair = (unsigned)(uint8_t)text[bit / 8] << 8;
    pair |= bit / 8 + 1 < len ? (uint8_t)text[bit / 8 + 1] : 0;
    out[n++] = alphabet[pair >> (10 - bit % 8) & 63];
  }
  return n;
}

static void expect_without_windows(const struct bytes *b, const char *name, const char *form,
                                   size_t len) {
  for (size_t at = 0; at + 4 <= len; at++) {
    cr_expect(memmem(b->bytes, b->len, form + at, 4) == NULL, "%s: \"%.4s\" is in it", name,
              form + at);
  }
}

// No four octets of the password, nor of its base64.
static void expect_secret_free(const struct bytes *b, const char *name) {
  static const char password[] = "s3kr1t-Zebra42";
  char form[64];
  expect_without_windows(b, name, password, sizeof(password) - 1);
  for (size_t shift = 0; shift < 3; shift++) {
    expect_without_windows(b, name, form, encode(form, password, shift));
  }
  cr_expect(memmem(b->bytes, b->len, "TOKEN", 5) == NULL, "%s: the bearer token is in it", name);
}

static void expect_golden(const struct golden *g) {
  static const size_t pieces[] = {SIZE_MAX, 1, 7, 4096};
  struct bytes log = read_file(g->name, ".log");
  struct bytes expected = read_file(g->name, ".smtp");
  cr_expect(ehlo_import_recognise(log.bytes, log.len) == g->format, "%s is taken for another",
            g->name);
  for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
    size_t piece = pieces[i] < log.len ? pieces[i] : log.len;
    struct bytes out = import(g->format, log.bytes, log.len, piece);
    cr_expect(!importer.failed, "%s:%zu:%zu: %s", g->name, importer.error.line,
              importer.error.column, importer.error.message);
    cr_expect(out.len == expected.len && memcmp(out.bytes, expected.bytes, out.len) == 0,
              "%s in pieces of %zu:\n%s", g->name, piece, (char *)out.bytes);
    expect_secret_free(&out, g->name);
    free(out.bytes);
  }
  free(log.bytes);
  free(expected.bytes);
}

static void expect_replay(const struct golden *g) {
  static struct ehlo_replay_result result;
  struct bytes transcript = read_file(g->name, ".smtp");
  ehlo_replay_run(&result, give, &transcript, &(struct ehlo_replay_options){0});
  cr_expect_eq(result.verdict, EHLO_REPLAY_SAME, "%s:%zu: %s", g->name, result.divergence.line,
               result.divergence.got);
  cr_expect_str_eq(ehlo_state_name(result.state), g->state, "%s", g->name);
  free(transcript.bytes);
}

Test(import, goldens) {
  for (size_t i = 0; i < NUM_GOLDENS; i++) {
    expect_golden(&goldens[i]);
    expect_replay(&goldens[i]);
  }
}

// ---- What is bad --------------------------------------------------------------------------------

static const struct bad {
  enum ehlo_import_format format;
  const char *log;
  size_t line;
  size_t column;
  const char *says;
} bads[] = {
    {EHLO_IMPORT_SWAKS, "", 1, 1, "nothing in it"},
    {EHLO_IMPORT_SWAKS, "hello\nthere\n", 3, 1, "nothing in it"},
    {EHLO_IMPORT_SMTPLIB, "reply: b'220 a\\r\\n'\nsend: 'EHLO \\q'\n", 2, 14, "escape"},
    {EHLO_IMPORT_SMTPLIB, "send: 'EHLO \\x2g'\n", 1, 16, "hexadecimal"},
    {EHLO_IMPORT_SMTPLIB, "send: 'EHLO'x\n", 1, 13, "behind the literal"},
    {EHLO_IMPORT_SMTPLIB, "send: 'EHLO\n", 1, 12, "does not end"},
    {EHLO_IMPORT_SMTPLIB, "send: 'EHLO\\", 1, 13, "does not end"},
    {EHLO_IMPORT_SMTPLIB, "send: '\\Uffffffff'\n", 1, 17, "character"},
    {EHLO_IMPORT_NODEMAILER, "{\"tnx\":\"client\",\"msg\":\"EHLO \\q\"}\n", 1, 30, "escape"},
    {EHLO_IMPORT_NODEMAILER, "{\"tnx\":\"client\",\"msg\":\"EHLO\n", 1, 28, "does not end"},
    {EHLO_IMPORT_NODEMAILER, "{\"msg\":\"EHLO\",\"tnx\":\"client\"}\n", 1, 2, "stands before"},
    {EHLO_IMPORT_CURL_TRACE, "<= Recv header, x bytes (0x2)\n", 1, 17, "number of octets"},
    {EHLO_IMPORT_CURL_TRACE, "<= Recv header, 9 bytes (0x9)\n0000: 220\n", 3, 1, "offsets"},
    {EHLO_IMPORT_CURL_TRACE, "<= Recv header, 9 bytes (0x9)\n0000: 220\n0006: a\n", 3, 1,
     "offsets"},
    {EHLO_IMPORT_CURL_TRACE, "<= Recv header, 9 bytes (0x9)\n== Info: x\n", 2, 1, "not whole"},
};

static void expect_bad(const struct bad *b) {
  struct bytes out = import(b->format, b->log, strlen(b->log), 3);
  cr_assert(importer.failed, "%s", b->log);
  cr_expect(importer.error.line == b->line && importer.error.column == b->column,
            "%s is told at %zu:%zu", b->log, importer.error.line, importer.error.column);
  cr_expect(strstr(importer.error.message, b->says) != NULL, "%s: %s", b->log,
            importer.error.message);
  free(out.bytes);
}

Test(import, bad_logs) {
  for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
    expect_bad(&bads[i]);
  }
}

Test(import, binary) {
  struct bytes out = import(EHLO_IMPORT_SWAKS, "<-  220 a\r\n<-  2\0\n", 18, 1);
  cr_assert(importer.failed);
  cr_expect(importer.error.line == 2 && importer.error.column == 6);
  free(out.bytes);
}

Test(import, a_line_too_long) {
  size_t len = EHLO_IMPORT_LINE_MAX + 20;
  char *log = malloc(len);
  memset(log, 'x', len);
  memcpy(log, "<-  ", 4);
  struct bytes out = import(EHLO_IMPORT_SWAKS, log, EHLO_IMPORT_LINE_MAX, 1000);
  cr_expect(!importer.failed);
  free(out.bytes);
  out = import(EHLO_IMPORT_SWAKS, log, len, 1000);
  cr_expect(importer.failed && importer.error.column == EHLO_IMPORT_LINE_MAX + 1);
  free(out.bytes);
  free(log);
}

// A message of a megabyte in one line of smtplib's log, and of nodemailer's.
static void expect_long_message(enum ehlo_import_format format, const char *before,
                                const char *text, const char *after) {
  struct bytes log = {0};
  add(&log, before, strlen(before));
  for (size_t i = 0; i < 50000; i++) {
    add(&log, text, strlen(text));
  }
  add(&log, after, strlen(after));
  struct bytes out = import(format, log.bytes, log.len, 5000);
  cr_expect(!importer.failed, "%zu:%zu: %s", importer.error.line, importer.error.column,
            importer.error.message);
  size_t lines = 0;
  for (uint8_t *at = out.bytes; (at = memmem(at, out.len - (size_t)(at - out.bytes),
                                             "C: twenty octets of \\xe9\n", 25)) != NULL;
       at++) {
    lines++;
  }
  cr_expect_eq(lines, 50000);
  free(out.bytes);
  free(log.bytes);
}

Test(import, long_messages) {
  expect_long_message(EHLO_IMPORT_SMTPLIB,
                      "reply: b'220 a\\r\\n'\nsend: 'DATA\\r\\n'\nreply: b'354 a\\r\\n'\nsend: b'",
                      "twenty octets of \\xe9\\r\\n", ".\\r\\n'\n");
  expect_long_message(
      EHLO_IMPORT_NODEMAILER,
      "{\"tnx\":\"server\",\"msg\":\"220 a\"}\n{\"tnx\":\"client\",\"msg\":\"DATA\"}\n"
      "{\"tnx\":\"server\",\"msg\":\"354 a\"}\n{\"tnx\":\"message\",\"msg\":\"",
      "twenty octets of \xc3\xa9\\r\\n", ".\"}\n");
}

// ---- What is not dialogue -----------------------------------------------------------------------

static void expect_lines(enum ehlo_import_format format, const char *log, const char *lines) {
  struct bytes out = import_text(format, log);
  cr_expect(!importer.failed, "%zu:%zu: %s", importer.error.line, importer.error.column,
            importer.error.message);
  cr_expect(strstr((char *)out.bytes, lines) != NULL, "no \"%s\" in:\n%s", lines,
            (char *)out.bytes);
  free(out.bytes);
}

Test(import, a_password_beside_the_dialogue) {
  struct bytes out = import_text(
      EHLO_IMPORT_SWAKS,
      "$ swaks --au alice --ap s3kr1t-Zebra42 -s mail.example\n<-  220 a\n -> AUTH PLAIN "
      "AGFsaWNlAHMza3IxdC1aZWJyYTQy\n<** 535 no\n -> NOOP s3kr1t-Zebra42\n<-  250 "
      "s3kr1t-Zebra42\n");
  expect_secret_free(&out, "swaks");
  cr_expect(strstr((char *)out.bytes, "# (a line of the log with a credential in it is left out)"));
  cr_expect(strstr((char *)out.bytes, "C: \\{secret}\n"));
  free(out.bytes);
}

Test(import, an_unknown_line_is_a_comment) {
  expect_lines(EHLO_IMPORT_MSMTP, "<-- 220 a\nwhat is \\this\n--> QUIT\n", "\n# what is \\this\n");
}

Test(import, midnight) {
  expect_lines(EHLO_IMPORT_SMTPLIB,
               "23:59:59.500000 reply: b'220 a\\r\\n'\n00:00:00.250000 send: 'QUIT\\r\\n'\n",
               "\n+0.750000  C: QUIT\n");
}

Test(import, a_clock_that_goes_back) {
  expect_lines(EHLO_IMPORT_SMTPLIB,
               "10:00:01.5 reply: b'220 a\\r\\n'\n10:00:01.25 send: 'QUIT\\r\\n'\n",
               "\n+0.000000  C: QUIT\n");
}

Test(import, dates) {
  expect_lines(
      EHLO_IMPORT_PHPMAILER,
      "2024-02-28 23:59:59\tSERVER -> CLIENT: 220 a\n2024-03-01 00:00:01\tCLIENT -> SERVER: "
      "QUIT\n",
      "\n+86402.000000 C: QUIT\n");
}

// The client's handshake is not in a log of smtplib's, and a reply of 220 alone proves none.
Test(import, tls_begins_with_what_the_client_says_next) {
  static const char log[] =
      "reply: b'220 a\\r\\n'\nsend: 'STARTTLS\\r\\n'\nreply: b'220 go\\r\\n'\n";
  char with[256];
  snprintf(with, sizeof(with), "%ssend: 'EHLO b\\r\\n'\n", log);
  expect_lines(EHLO_IMPORT_SMTPLIB, with, "S: 220 go\n! tls\n           C: EHLO b\n");
  struct bytes out = import_text(EHLO_IMPORT_SMTPLIB, log);
  cr_expect(strstr((char *)out.bytes, "! tls") == NULL);
  free(out.bytes);
}

Test(import, literals_of_python) {
  expect_lines(
      EHLO_IMPORT_SMTPLIB,
      "reply: b\"220 it's \\\\ \\xe9\\t\\r\\n\"\nsend: 'NOOP \\u00e9\\U0001f600\\'\\r\\n'\n",
      "S: 220 it's \\\\ \\xe9\\t\n           C: NOOP \\xc3\\xa9\\xf0\\x9f\\x98\\x80'\n");
}

Test(import, what_s_client_takes_for_itself) {
  expect_lines(EHLO_IMPORT_S_CLIENT,
               "CONNECTED(00000003)\n250 HELP\nEHLO a\n250 a\nRCPT TO:<b@c>\nRENEGOTIATING\nQUIT\n"
               "DONE\n",
               "# RCPT TO:<b@c>\n# RENEGOTIATING\n! note the line below was a command to s_client, "
               "and not sent\n# QUIT\n# DONE\n! eof C\n");
}

// ---- curl ---------------------------------------------------------------------------------------

#define METER "\r  0     0    0     0    0     0      0      0 --:--:--  0:00:01 --:--:--     0"

// On standard error curl's progress meter and its log stand in the same lines.
Test(import, curls_progress_meter) {
  static const char expected[] =
      "           S: 220 a\n           C: EHLO b\n           S: 250-a\n           S: 250 b\n";
  expect_lines(
      EHLO_IMPORT_CURL,
      "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
      "                                 Dload  Upload   Total   Spent    Left  Speed\n" METER
      "*   Trying 127.0.0.1:25...\n* Connected to a (127.0.0.1) port 25 (#0)\n" METER METER
      "< 220 a\r\n" METER "> EHLO b\r\n< 250-a\r\n" METER "< 250 b\r\n" METER "\n",
      expected);
  expect_lines(EHLO_IMPORT_CURL_TRACE,
               METER "== Info:   Trying 127.0.0.1:25...\n" METER METER
                     "<= Recv header, 7 bytes (0x7)\n0000: 220 a\n" METER
                     "=> Send header, 8 bytes (0x8)\n0000: EHLO b\n<= Recv header, 7 bytes (0x7)\n"
                     "0000: 250-a\n" METER "<= Recv header, 7 bytes (0x7)\n0000: 250 b\n",
               expected);
}

Test(import, times_of_curl) {
  expect_lines(EHLO_IMPORT_CURL,
               "$ curl -v --trace-time\n" METER
               "10:00:00.000000 < 220 a\n"
               "10:00:00.250000 > EHLO b\n10:00:01.250000 < 250 a\n",
               "! note unknown chunks\n+0.000000  S: 220 a\n+0.250000  C: EHLO b\n"
               "+1.000000  S: 250 a\n");
}

// curl's trace is a log of curl as well.
Test(import, a_trace_as_curl) {
  expect_lines(EHLO_IMPORT_CURL,
               "$ curl --trace-ascii -\n== Info: Trying\n<= Recv header, 7 bytes (0x7)\n"
               "0000: 220 a\n",
               "S: 220 a\n");
}

// A quoted reply is no command of curl's.
Test(import, a_quoted_log_is_not_curls) {
  static const char quoted[] = "> 220 a\n> 250 b\n";
  cr_expect_eq(ehlo_import_recognise((const uint8_t *)quoted, sizeof(quoted) - 1),
               EHLO_IMPORT_UNKNOWN);
}

// ---- The rest -----------------------------------------------------------------------------------

Test(import, swaks_without_the_message) {
  expect_lines(EHLO_IMPORT_SWAKS,
               "<-  220 a\n -> DATA\n<-  354 go\n -> 13 lines sent\n<-  250 ok\n",
               "S: 354 go\n# 13 lines sent\n! note unknown message: the log does not show it\n");
}

// As HTML, and copied from a browser, PHPMailer leaves out the line ends within a reply.
Test(import, phpmailer_in_a_browser) {
  static const char expected[] =
      "! note reconstructed the line ends within replies\n           S: 250-a\n"
      "           S: 250-SIZE 250250\n           S: 250 OK <b>\n           C: NOOP '&lt;\"\n";
  expect_lines(EHLO_IMPORT_PHPMAILER,
               "CLIENT -&gt; SERVER: EHLO a<br>\n"
               "SERVER -&gt; CLIENT: 250-a250-SIZE 250250250 OK &lt;b&gt;<br>\n"
               "CLIENT -&gt; SERVER: NOOP &#039;&amp;lt;&quot;<br>\n",
               expected);
  expect_lines(EHLO_IMPORT_PHPMAILER,
               "CLIENT -> SERVER: EHLO a\nSERVER -> CLIENT: 250-a 250-SIZE 250250250 OK <b>\n"
               "CLIENT -> SERVER: NOOP '&lt;\"\n",
               expected);
  expect_lines(EHLO_IMPORT_PHPMAILER, "SERVER -> CLIENT: 250-a 250 b\n                  250 c\n",
               "S: 250-a 250 b\n           S: 250 c\n");
}

Test(import, a_byte_order_mark) {
  static const char log[] = "\xef\xbb\xbfSERVER -> CLIENT: 220 a\n";
  cr_expect_eq(ehlo_import_recognise((const uint8_t *)log, sizeof(log) - 1), EHLO_IMPORT_PHPMAILER);
  expect_lines(EHLO_IMPORT_PHPMAILER, log, "\n           S: 220 a\n");
}

Test(import, what_stands_behind_a_session_of_s_client) {
  expect_lines(EHLO_IMPORT_S_CLIENT, "CONNECTED(00000003)\n250 HELP\nquit\n221 a\nclosed\n$ ls\n",
               "S: 221 a\n# closed\n# $ ls\n");
}

Test(import, what_s_client_shows_of_records) {
  expect_lines(EHLO_IMPORT_S_CLIENT,
               "CONNECTED(00000003)\n250 HELP\n<<< TLS 1.3, Handshake [length 00e9], "
               "NewSessionTicket\n    04 00 00 e5\n    6b\nSSL_connect:SSL negotiation\n"
               "read from 0x5629 [0x562a] (5 bytes => 5 (0x5))\n0000 - 17 03 03 00 fa   .....\n"
               "Received TLS Record\nHeader:\n  Version = TLS 1.2 (0x303)\n250 a\n",
               "S: 220 unknown\n# SSL_connect:SSL negotiation\n! tls\n");
  cr_expect_eq(ehlo_import_recognise((const uint8_t *)"CONNECTION ESTABLISHED\n", 23),
               EHLO_IMPORT_S_CLIENT);
}
