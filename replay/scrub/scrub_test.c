// Logs with credentials and without: what is taken out, what stays, and that it is the same however the
// log comes.
#include "replay/scrub/scrub.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/scrub/unescape.h"

static struct ehlo_scrub s;

struct bytes {
  char *bytes;
  size_t len;
  size_t cap;
};

static bool take(void *arg, const char *text, size_t len) {
  struct bytes *b = arg;
  if (b->len + len + 1 > b->cap) {
    b->cap = 2 * (b->len + len + 1);
    b->bytes = realloc(b->bytes, b->cap);
  }
  memcpy(b->bytes + b->len, text, len);
  b->len += len;
  b->bytes[b->len] = '\0';
  return true;
}

static struct bytes scrub_with(void (*init)(struct ehlo_scrub *s), const char *log, size_t len,
                               size_t piece) {
  struct bytes out = {0};
  take(&out, "", 0);
  ehlo_scrub_init(&s);
  init(&s);
  for (size_t at = 0; at < len; at += piece) {
    ehlo_scrub_learn(&s, (const uint8_t *)log + at, len - at < piece ? len - at : piece);
  }
  cr_assert(ehlo_scrub_learn_end(&s));
  ehlo_scrub_rewrite_begin(&s, take, NULL, &out);
  for (size_t at = 0; at < len; at += piece) {
    ehlo_scrub_rewrite(&s, (const uint8_t *)log + at, len - at < piece ? len - at : piece);
  }
  ehlo_scrub_rewrite_end(&s);
  return out;
}

static struct bytes scrub(const char *log, size_t len, size_t piece) {
  return scrub_with(ehlo_scrub_init, log, len, piece);
}

// The log becomes `expected`, in any pieces; scrubbed once more it stays so.
static void expect(const char *log, const char *expected) {
  static const size_t pieces[] = {1, 7, 100000};
  for (size_t i = 0; i < 3; i++) {
    struct bytes out = scrub(log, strlen(log), pieces[i]);
    cr_expect_str_eq(out.bytes, expected);
    free(out.bytes);
  }
  struct bytes again = scrub(expected, strlen(expected), 100);
  cr_expect_str_eq(again.bytes, expected);
  cr_expect_eq(s.num_found, 0, "\"%s\" is not clean", expected);
  free(again.bytes);
}

static void expect_clean(const char *log) {
  expect(log, log);
}

// \0alice\0hunter2
#define PLAIN "AGFsaWNlAGh1bnRlcjI="
// hunter2, alice
#define PASSWORD "aHVudGVyMg=="
#define NAME "YWxpY2U="

Test(scrub, plain_whatever_stands_around_it) {
  static const char *const around[][2] = {
      {"AUTH PLAIN ", ""},
      {" -> AUTH PLAIN ", ""},
      {"> AUTH PLAIN ", "\r"},
      {"--> auth plain ", ""},
      {"06:09:09.329805 send: 'AUTH PLAIN ", "\\r\\n'"},
      {"send: b\"AUTH PLAIN ", "\\r\\n\""},
      {"2026-11-27 06:13:01\tCLIENT -> SERVER: AUTH PLAIN ", ""},
      {"CLIENT -&gt; SERVER: AUTH PLAIN ", "<br>"},
      {"{\"tnx\":\"client\",\"msg\":\"AUTH PLAIN ", "\",\"time\":\"2026\"}"},
      {"Nov 27 06:09:09 host postfix/smtp[12]: > a.example[1.2.3.4]:587: AUTH PLAIN ", ""},
      {"0000: ", ""},
      {"", ""},
      {"\xff\xfe ", " \x80"},
  };
  for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
    char log[256];
    char expected[256];
    snprintf(log, sizeof(log), "before\n%s%s%s\nafter", around[i][0], PLAIN, around[i][1]);
    snprintf(expected, sizeof(expected), "before\n%s{secret}%s\nafter", around[i][0], around[i][1]);
    expect(log, expected);
  }
}

// \0alice\0correct horse battery
#define LONG "AGFsaWNlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeQ=="

Test(scrub, a_piece_of_a_secret) {
  expect("C: AUTH PLAIN " LONG "\nS: 535 not rrect horse batt, not correct\n",
         "C: AUTH PLAIN {secret}\nS: 535 not {secret}, not correct\n");
  expect("S: 535 orse batt\nS: 535 orse ba\nC: AUTH PLAIN " LONG "\n",
         "S: 535 {secret}\nS: 535 orse ba\nC: AUTH PLAIN {secret}\n");
  // "xx" and the password in base64, without its end.
  expect("C: AUTH PLAIN " LONG "\nS: 535 eHhjb3JyZWN0IGhvcnNl\n",
         "C: AUTH PLAIN {secret}\nS: 535 eHh{secret}\n");
}

// A response too short to prove itself, where one is expected.
Test(scrub, a_short_response) {
  expect("AUTH PLAIN AGEAYg==\n334 \nAGEAYg==\n235 ok\nAGEAYg==\n",
         "AUTH PLAIN {secret}\n334 \n{secret}\n235 ok\nAGEAYg==\n");
}

Test(scrub, login) {
  expect("C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: " NAME "\nS: 334 UGFzc3dvcmQ6\nC: " PASSWORD
         "\nS: 235 ok\n",
         "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: " NAME
         "\nS: 334 UGFzc3dvcmQ6\nC: {secret}\nS: 235 ok\n");
  expect(" -> AUTH LOGIN " NAME "\n<-  334 UGFzc3dvcmQ6\n -> " PASSWORD "\n",
         " -> AUTH LOGIN " NAME "\n<-  334 UGFzc3dvcmQ6\n -> {secret}\n");
  // Without the server's lines, and without the client's command.
  expect(" -> AUTH LOGIN\n -> " NAME "\n -> " PASSWORD "\n",
         " -> AUTH LOGIN\n -> " NAME "\n -> {secret}\n");
  expect("334 UGFzc3dvcmQ6\n" PASSWORD "\n", "334 UGFzc3dvcmQ6\n{secret}\n");
  // smtplib says each reply twice.
  expect(
      "reply: b'334 UGFzc3dvcmQ6\\r\\n'\nreply: retcode (334); Msg: b'UGFzc3dvcmQ6'\nsend: "
      "'" PASSWORD "\\r\\n'\n",
      "reply: b'334 UGFzc3dvcmQ6\\r\\n'\nreply: retcode (334); Msg: b'UGFzc3dvcmQ6'\nsend: "
      "'{secret}\\r\\n'\n");
  // curl's marks of TLS records in between.
  expect("< 334 UGFzc3dvcmQ6\n} [5 bytes data]\n> " PASSWORD "\n{ [5 bytes data]\n< 235 ok\n",
         "< 334 UGFzc3dvcmQ6\n} [5 bytes data]\n> {secret}\n{ [5 bytes data]\n< 235 ok\n");
}

// Logs of programs that nobody thought of here.
Test(scrub, other_formats) {
  static const char *const lines[][3] = {
      {"-> \"334 UGFzc3dvcmQ6\\r\\n\"", "<- \"", "\\r\\n\""},
      {"Net::SMTP>>> Net::SMTP=GLOB(0x1)<<< 334 UGFzc3dvcmQ6",
       "Net::SMTP>>> Net::SMTP=GLOB(0x1)>>> ", ""},
      {"SERVER -&gt; CLIENT: 334 UGFzc3dvcmQ6<br>", "2024-01-01 CLIENT -&gt; SERVER: ", "<br />"},
      {"2  0.000 10.0.0.1 -> 10.0.0.2  SMTP 85 S: 334 UGFzc3dvcmQ6",
       "3  0.010 10.0.0.2 -> 10.0.0.1  SMTP 85 C: Pass: ", ""},
      {"06:13:00 [12] smtp: <- 334 UGFzc3dvcmQ6", "06:13:00 [12] smtp: -> ", ""},
      {"Jan  1 00:00:00 host app[1]: server: 334 UGFzc3dvcmQ6",
       "Jan  1 00:00:00 host app[1]: client: ", ""},
      {"{\"t\":1,\"data\":\"334 UGFzc3dvcmQ6\\r\\n\"}", "{\"t\":1,\"data\":\"", "\\r\\n\"}"},
      {"334 UGFzc3dvcmQ6\r", "", "\r"},
  };
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    char log[256];
    char expected[256];
    snprintf(log, sizeof(log), "%s\n%s" PASSWORD "%s\nhunter2\n", lines[i][0], lines[i][1],
             lines[i][2]);
    snprintf(expected, sizeof(expected), "%s\n%s{secret}%s\n{secret}\n", lines[i][0], lines[i][1],
             lines[i][2]);
    expect(log, expected);
  }
  expect("S: 334 UGFzc3dvcmQ6\nC: aHVudGVyMg\nhunter2\n",
         "S: 334 UGFzc3dvcmQ6\nC: {secret}\n{secret}\n");
}

// A prompt for a password is answered with one, though it be no base64.
Test(scrub, a_password_typed_as_it_is) {
  expect("334 UGFzc3dvcmQ6\nhunter2\n535 no\nhunter2 again\n",
         "334 UGFzc3dvcmQ6\n{secret}\n535 no\n{secret} again\n");
  expect("<-  334 UGFzc3dvcmQ6\n -> hunter 2!\n<** 535 no\n",
         "<-  334 UGFzc3dvcmQ6\n -> {secret}\n<** 535 no\n");
  expect_clean("334 UGFzc3dvcmQ6\n*\n501 cancelled\nhunter2\n");
  expect_clean("S: 334 UGFzc3dvcmQ6\nC: MAIL FROM:<a@b>\n");
  expect_clean("S: 334 UGFzc3dvcmQ6\nS: 535 no\nC: something else\n");
}

Test(scrub, other_mechanisms) {
  expect("C: AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB5YTI5LnRva2VuAQE=\nseen: ya29.token\n",
         "C: AUTH XOAUTH2 {secret}\nseen: {secret}\n");
  expect("334 PDEuMkBhPg==\nYWxpY2UgMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n",
         "334 PDEuMkBhPg==\n{secret}\n");
  expect(
      "C: Yz1iaXdzLHI9bm9uY2UscD12MFg4djNCejJUMENKR2JKUXlGMFgrSEk0VHM9\n"
      "S: 235 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\n",
      "C: {secret}\nS: 235 {secret}\n");
  expect("> TlRMTVNTUAADAAAAGAAYAAAAAABhYmNkZWZnaGlqa2xtbm9w\n", "> {secret}\n");
  expect_clean(
      "C: AUTH SCRAM-SHA-1 biwsbj1hbGljZSxyPW5vbmNl\nC: AUTH NTLM TlRMTVNTUAABAAAAB4IIAAAAAAA=\n");
}

// A response over several lines: folded, or in curl's trace with its offsets.
Test(scrub, wrapped) {
  static const char first[] = "dXNlcj1hbGljZUBlaGxvLnRlc3QBYXV0aD1CZWFyZXIgYWFhYWFhYWFhYWFhYWFh";
  static const char second[] = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh";
  char log[512];
  snprintf(log, sizeof(log), "C: AUTH XOAUTH2 %s\n%s\nYWFhAQE=\n250 x\n", first, second);
  expect(log, "C: AUTH XOAUTH2 {secret}\n{secret}\n{secret}\n250 x\n");
  snprintf(log, sizeof(log), "0000: %s\n0040: %s\n0080: YWFhAQE=\n<= Recv\n", first, second);
  expect(log, "0000: {secret}\n0040: {secret}\n0080: {secret}\n<= Recv\n");
  // It only proves itself whole.
  snprintf(log, sizeof(log), "0000: %.40s\nand no more\n", first);
  expect_clean(log);
}

Test(scrub, the_same_secret_elsewhere) {
  // Before and behind, in clear, escaped, in base64 at each alignment: but for a character at an end that
  // the secret shares with its neighbours.
  expect(
      "password is hunter2-xyz?\nAUTH PLAIN AGFsaWNlAGh1bnRlcjIteHl6\n"
      "hunter2-xyz aHVudGVyMi14eXo= AGh1bnRlcjIteHl6 AABodW50ZXIyLXh5eg==\n"
      "hunter2%2Dxyz hunter2&#45;xyz hunter2\\x2dxyz hunter2\\u002Dxyz hunter2\n",
      "password is {secret}?\nAUTH PLAIN {secret}\n"
      "{secret} {secret}o= AG{secret} AAB{secret}g==\n"
      "{secret} {secret} {secret} {secret} hunter2\n");
  // a"b\c/d&e in JSON and in HTML.
  expect(
      "AUTH PLAIN "
      "AGFsaWNlAGEiYlxjL2QmZQ==\n{\"p\":\"a\\\"b\\\\c\\/d&e\"}\n<b>a&quot;b\\c/d&amp;e</b>\n",
      "AUTH PLAIN {secret}\n{\"p\":\"{secret}\"}\n<b>{secret}</b>\n");
  // Three letters are everywhere.
  expect("AUTH PLAIN AGFsaWNlAGFiYw==\nabc YWJj\n", "AUTH PLAIN {secret}\nabc YWJj\n");
}

Test(scrub, settings_and_command_lines) {
  expect("{\"user\":\"alice\",\"pass\":\"hunter2\"}\n",
         "{\"user\":\"alice\",\"pass\":\"{secret}\"}\n");
  expect("$mail->Password = 'hun\\'ter2';\n", "$mail->Password = '{secret}';\n");
  expect("'smtp_password' => \"hunter2\",\n", "'smtp_password' => \"{secret}\",\n");
  expect("smtpPass: 'hunter2'\nhunter2\n", "smtpPass: '{secret}'\n{secret}\n");
  expect("$ swaks --au alice --ap hunter2 --to b@c\n",
         "$ swaks --au alice --ap {secret} --to b@c\n");
  expect("swaks --auth-password='hunter 2'\n", "swaks --auth-password='{secret}'\n");
  expect("curl -u alice:hunter2 smtp://a\n", "curl -u alice:{secret} smtp://a\n");
  expect("Authorization: Bearer abcdefgh.ijk\n", "Authorization: Bearer {secret}\n");
  expect("    Master-Key: 00112233445566778899AABBCCDDEEFF\n", "    Master-Key: {secret}\n");
  expect_clean("password: hunter2\nPassword = ********\n\"password\":\"\"\n\"password\":\"***\"\n");
  expect_clean("<input type=\"password\" name=\"pass\">\nbypass=\"yes\" compass: 'north'\n");
  expect_clean("tar -u alice:x\ncurl -u alice\nswaks --ap <password>\nswaks --ap $PASSWORD\n");
}

Test(scrub, placeholders_of_programs) {
  expect_clean("C: AUTH PLAIN AGFsaWNlAC8qIHNlY3JldCAqLw==\n");
  expect_clean("334 UGFzc3dvcmQ6\nLyogc2VjcmV0ICov\n250 x\n");
  expect_clean(
      "SERVER -> CLIENT: 334 UGFzc3dvcmQ6\nCLIENT -> SERVER: [credentials hidden]\n"
      "CLIENT -> SERVER: something\n");
  expect_clean(" -> AUTH PLAIN AGFsaWNlAFBST1ZJREVEX0JVVF9SRU1PVkVE\n");
}

// Capabilities, prose, mail: base64 and words that are no credentials.
Test(scrub, no_false_alarm) {
  expect_clean("250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 EXTERNAL XOAUTH2\n250 AUTH=LOGIN PLAIN\n");
  expect_clean(
      "The server wants AUTH LOGIN before MAIL; AUTH PLAIN requires TLS.\n"
      "Use AUTH PLAIN\nrequires\nAUTH LOGIN\nThanks\nSincerely\n");
  expect_clean(
      "DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from:to;\n"
      " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\n"
      " b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR\n"
      "  Fu8NTpNB1kV9L2mC6aQ3rZ0eX7pYw==\n");
  expect_clean(
      "Content-Transfer-Encoding: base64\n\n"
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA\n"
      "WjR9awAAAABJRU5ErkJggg==\n\n"
      "VGhpcyBpcyB0ZXh0IG9mIGEgbWVzc2FnZSwgd2l0aCBsaW5lcyBhcyBsb25nIGFzIHRoZXkg\n"
      "Y2FuIGJlLCBhbmQgYSB0YWlsLg==\n");
  expect_clean(
      "Received: from a (a [1.2.3.4]) by b with ESMTPSA id YWJjZGVm; Mon, 3 Mar 2025\n"
      "Message-ID: <CAGFsaWNlAGh1bnRlcjI@mail.example>\nReferences: <YWxpY2U@a>\n");
  expect_clean("the lines 'passwd:' and 'group:' in it; \t* ACM/ACM.cpp, ACM/ACM\n");
  expect_clean("334 \n235 ok\nYWJjZGVmZ2hp\n");
}

Test(scrub, transcripts) {
  static const char log[] =
      "C: AUTH PLAIN " PLAIN "\nS: 235 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\n";
  struct bytes out = scrub_with(ehlo_scrub_init_transcript, log, strlen(log), 10);
  cr_expect_str_eq(out.bytes,
                   "C: AUTH PLAIN \\{secret}\nS: 235 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\n");
  free(out.bytes);
}

// ---- Names --------------------------------------------------------------------------------------

static void pseudonym(void *arg, char out[EHLO_SCRUB_PSEUDONYM_MAX], const uint8_t *name,
                      size_t len) {
  (void)arg;
  snprintf(out, EHLO_SCRUB_PSEUDONYM_MAX, "{name-%c%zu}", len > 0 ? name[0] : '?', len);
}

static void hide_names(struct ehlo_scrub *scrub) {
  ehlo_scrub_hide_names(scrub, pseudonym, NULL);
}

static void expect_names(const char *log, const char *expected) {
  for (size_t piece = 1; piece < 100; piece += 97) {
    struct bytes out = scrub_with(hide_names, log, strlen(log), piece);
    cr_expect_str_eq(out.bytes, expected);
    struct bytes again = scrub_with(hide_names, out.bytes, out.len, piece);
    cr_expect(s.num_found == 0 && strcmp(again.bytes, expected) == 0, "%s", again.bytes);
    free(again.bytes);
    free(out.bytes);
  }
}

Test(scrub, names) {
  expect_names("MAIL FROM:<bob.x+tag@mail.example> SIZE=1\nTo: Bob <bob.x+tag@mail.example>\n",
               "MAIL FROM:<{name-b9}@mail.example> SIZE=1\nTo: Bob <{name-b9}@mail.example>\n");
  // The user of a credential, also where there is no mailbox.
  expect_names("C: AUTH PLAIN " PLAIN "\nS: 235 alice is here, YWxpY2U\nC: RCPT TO:<alice@a>\n",
               "C: AUTH PLAIN {secret}\nS: 235 {name-a5} is here, {name-a5}U\nC: RCPT "
               "TO:<{name-a5}@a>\n");
  expect_names("> AUTH LOGIN\n> " NAME "\n> " PASSWORD "\n",
               "> AUTH LOGIN\n> {secret}\n> {secret}\n");
  expect_names("a @ b, @c, d@, {name-x}@e, <postmaster>\n",
               "a @ b, @c, d@, {name-x}@e, <postmaster>\n");
}

// ---- Bounds -------------------------------------------------------------------------------------

// Credentials anywhere in a line that is several windows long, at and around every edge.
Test(scrub, a_line_longer_than_the_window) {
  size_t len = 3 * EHLO_SCRUB_WINDOW;
  char *log = malloc(len + 1);
  static const char piece[] = " x AUTH PLAIN " PLAIN " hunter2";
  size_t num = 0;
  memset(log, '.', len);
  for (size_t at = 0; at + sizeof(piece) < len; at += 997) {
    memcpy(log + at, piece, sizeof(piece) - 1);
    num++;
  }
  struct bytes out = scrub(log, len, 4096);
  cr_expect_eq(s.num_found, 2 * num);
  cr_expect(strstr(out.bytes, "AGFs") == NULL && strstr(out.bytes, "hunter2") == NULL);
  struct bytes cut = scrub(log, len, 12345);
  cr_expect(cut.len == out.len && memcmp(cut.bytes, out.bytes, out.len) == 0);
  free(cut.bytes);
  free(out.bytes);
  free(log);
}

// More credentials than places are kept for, and many lines.
Test(scrub, many) {
  struct bytes log = {0};
  for (size_t i = 0; i < 20000; i++) {
    take(&log, "C: AUTH PLAIN " PLAIN "\n", strlen("C: AUTH PLAIN " PLAIN "\n"));
  }
  struct bytes out = scrub(log.bytes, log.len, 10000);
  cr_expect_eq(s.num_found, 20000);
  cr_expect_eq(out.len, 20000 * strlen("C: AUTH PLAIN {secret}\n"));
  free(out.bytes);
  free(log.bytes);
}

Test(scrub, too_many_different) {
  ehlo_scrub_init(&s);
  for (unsigned i = 0; i <= SCRUB_KNOWN_MAX; i++) {
    char line[64];
    int len = snprintf(line, sizeof(line), "password = \"number %u\"\n", i);
    ehlo_scrub_learn(&s, (const uint8_t *)line, (size_t)len);
  }
  cr_expect(!ehlo_scrub_learn_end(&s));
}

static struct ehlo_scrub_finding findings[8];
static size_t num_findings;

static void note(void *arg, const struct ehlo_scrub_finding *finding) {
  (void)arg;
  findings[num_findings++ % 8] = *finding;
}

Test(scrub, places) {
  static const char log[] = "hunter2-xyz\nab AUTH PLAIN AGFsaWNlAGh1bnRlcjIteHl6\n\n hunter2-xyz";
  ehlo_scrub_init(&s);
  ehlo_scrub_learn(&s, (const uint8_t *)log, sizeof(log) - 1);
  ehlo_scrub_learn_end(&s);
  ehlo_scrub_rewrite_begin(&s, NULL, note, NULL);
  ehlo_scrub_rewrite(&s, (const uint8_t *)log, sizeof(log) - 1);
  cr_expect_eq(ehlo_scrub_rewrite_end(&s), 3);
  cr_assert_eq(num_findings, 3);
  cr_expect(findings[0].line == 1 && findings[0].column == 1);
  cr_expect(findings[1].line == 2 && findings[1].column == 15);
  cr_expect(findings[2].line == 4 && findings[2].column == 2);
}

// A dump in the layouts of curl, swaks, tcpdump and xxd: offset, octets, text.
static void dump(char *out, size_t cap, const char *octets, const char *offset, const char *group,
                 size_t per_group, const char *gap, char unprintable) {
  size_t len = strlen(octets);
  size_t used = 0;
  for (size_t at = 0; at < len; at += 16) {
    used += (size_t)snprintf(out + used, cap - used, offset, at);
    for (size_t i = at; i < at + 16; i++) {
      bool last = i % per_group == per_group - 1;
      used += (size_t)snprintf(out + used, cap - used, i < len ? "%02x%s" : "  %.0d%s",
                               (unsigned)(uint8_t)octets[i < len ? i : 0], last ? group : "");
    }
    used += (size_t)snprintf(out + used, cap - used, "%s", gap);
    for (size_t i = at; i < at + 16 && i < len; i++) {
      out[used++] = octets[i] >= ' ' && octets[i] < 0x7f ? octets[i] : unprintable;
    }
    out[used++] = '\n';
  }
  out[used] = '\0';
}

Test(scrub, dumps) {
  static const struct {
    const char *offset;
    const char *group;
    size_t per_group;
    const char *gap;
  } layouts[] = {
      {"%04zx: ", " ", 1, ""},  {"  > %04zu: ", " ", 1, "   "}, {"\t0x%04zx:  ", " ", 2, " "},
      {"%08zx: ", " ", 2, " "}, {"%08zx  ", " ", 1, " "},
  };
  for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
    static const char *const dialogues[] = {
        "AUTH PLAIN " PLAIN "\r\n",
        "334 UGFzc3dvcmQ6\r\n" PASSWORD "\r\n",
        "blanks there    at the end      \r\nAUTH PLAIN " PLAIN "\r\n",
        "a line before\r\nAUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBodW50ZXIyAQE=\r\nbehind\r\n",
    };
    for (size_t d = 0; d < sizeof(dialogues) / sizeof(dialogues[0]); d++) {
      char log[2048];
      dump(log, sizeof(log), dialogues[d], layouts[i].offset, layouts[i].group,
           layouts[i].per_group, layouts[i].gap, '.');
      struct bytes out = scrub(log, strlen(log), 7);
      cr_expect(s.num_found >= 2, "layout %zu:\n%s", i, log);
      for (size_t at = 0; at + 8 <= 12; at++) {
        char hex[32];
        const char *base64 = d == 0   ? "AGFsaWNlAGh1bnRlcjI="
                             : d == 1 ? "aHVudGVyMg=="
                                      : "ciBodW50ZXIyAQE=";
        snprintf(hex, sizeof(hex), "%02x %02x %02x %02x", base64[at], base64[at + 1],
                 base64[at + 2], base64[at + 3]);
        cr_expect(strstr(out.bytes, hex) == NULL, "layout %zu:\n%s", i, out.bytes);
        char text[5] = {base64[at], base64[at + 1], base64[at + 2], base64[at + 3], '\0'};
        cr_expect(strstr(out.bytes, text) == NULL, "layout %zu:\n%s", i, out.bytes);
      }
      free(out.bytes);
    }
  }
  // curl shows the headers of TLS records between a prompt and its answer.
  expect(
      "0000: 33 33 34 20 55 47 46 7a 63 33 64 76 63 6d 51 36 334 UGFzc3dvcmQ6\n=> Send SSL data\n"
      "0000: 17 03 03 00 3f                                  ....?\n=> Send header\n"
      "0000: 61 48 56 75 64 47 56 79 4d 67 3d 3d             aHVudGVyMg==\n",
      "0000: 33 33 34 20 55 47 46 7a 63 33 64 76 63 6d 51 36 334 UGFzc3dvcmQ6\n=> Send SSL data\n"
      "0000: 17 03 03 00 3f                                  ....?\n=> Send header\n"
      "0000: {secret}             {secret}\n");
  expect_clean("0000: 41 55 54 48 20 50 4c 41 49 4e AUTH PLAIN\n0000: deadbeef\n");
}

Test(scrub, wipe) {
  static const char log[] = "AUTH PLAIN " PLAIN "\n";
  free(scrub(log, sizeof(log) - 1, 100).bytes);
  ehlo_scrub_wipe(&s);
  for (size_t i = 0; i < sizeof(s); i++) {
    cr_assert_eq(((const uint8_t *)&s)[i], 0);
  }
}
