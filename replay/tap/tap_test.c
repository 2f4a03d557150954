// Sessions of other programs, and the transcript that each has to leave: what is hidden, what is
// shown, and that it does not depend on how the bytes were cut. Each case is written as it is read,
// a line for each chunk of a side.
#include "replay/tap/tap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "! ehlo-transcript 1\n"
#define C "           C: "
#define C_EMPTY "           C:\n"
#define S "           S: "

struct step {
  char side;  // 'C', 'S', '!'; 0 ends
  const char *text;
};

struct sample {
  const char *what;
  struct step steps[24];
  const char *record;  // without the header
};

// ---- Running ------------------------------------------------------------------------------------

static struct ehlo_tap tap;
static char record[1 << 20];
static size_t record_len;

static bool take(void *arg, const char *text, size_t len) {
  (void)arg;
  cr_assert(len > 0 && text[len - 1] == '\n', "a line is written whole");
  cr_assert_lt(len, sizeof(record) - record_len);
  memcpy(record + record_len, text, len);
  record_len += len;
  record[record_len] = '\0';
  return true;
}

static void give(char side, const char *text, size_t len, uint64_t time_us) {
  // A block of its own, so that a sanitizer sees a read beyond it.
  uint8_t *copy = malloc(len > 0 ? len : 1);
  memcpy(copy, text, len);
  if (side == '!') {
    ehlo_tap_fact(&tap, time_us, (const char *)copy, len);
  } else if (side == 'C') {
    ehlo_tap_client(&tap, copy, len, time_us);
  } else {
    ehlo_tap_server(&tap, copy, len, time_us);
  }
  free(copy);
}

static void start(void) {
  record_len = 0;
  ehlo_tap_init(&tap, take, NULL);
}

// Every step in pieces of `cut` octets; `timed`: each step at a time of its own.
static void run(const struct step *steps, size_t cut, bool timed) {
  start();
  for (size_t i = 0; steps[i].side != 0; i++) {
    size_t len = strlen(steps[i].text);
    uint64_t time_us = timed ? (i + 1) * 1000 : EHLO_NO_TIME;
    size_t size = steps[i].side == '!' ? len : cut;
    for (size_t at = 0; at < len; at += size) {
      give(steps[i].side, steps[i].text + at, len - at < size ? len - at : size, time_us);
    }
  }
  ehlo_tap_finish(&tap);
  cr_assert_not(ehlo_tap_failed(&tap));
}

// ---- Reading it back ----------------------------------------------------------------------------

// What a record says, however its lines are broken: each chunk with its side and time, a secret as
// one octet that no session here has.
static char story[1 << 20];
static size_t story_len;

static long give_record(void *arg, uint8_t *buf, size_t cap) {
  size_t *at = arg;
  size_t n = record_len - *at < cap ? record_len - *at : cap;
  memcpy(buf, record + *at, n);
  *at += n;
  return (long)n;
}

static void tell(const char *bytes, size_t len) {
  cr_assert_lt(len, sizeof(story) - story_len);
  memcpy(story + story_len, bytes, len);
  story_len += len;
}

static void tell_item(const struct ehlo_item *item, char *side) {
  char head[64];
  if (item->has_time || item->type == EHLO_ITEM_FACT || *side != (char)('a' + item->type)) {
    tell(head, (size_t)snprintf(head, sizeof(head), "[%d %d +%llu]", (int)item->type,
                                (int)item->side, (unsigned long long)item->delta_us));
  }
  *side = item->type == EHLO_ITEM_FACT ? 0 : (char)('a' + item->type);
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    tell((const char *)item->bytes + at, item->secret_at[i] - at);
    tell("\x7f", 1);
    at = item->secret_at[i];
  }
  tell((const char *)item->bytes + at, item->bytes_len - at);
}

static void read_back(void) {
  static struct ehlo_reader reader;
  size_t at = 0;
  char side = 0;
  struct ehlo_item item;
  enum ehlo_read_result result;
  story_len = 0;
  ehlo_reader_init(&reader, give_record, &at);
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    tell_item(&item, &side);
  }
  cr_assert_eq(result, EHLO_READ_END, "line %zu: %s", reader.error.line, reader.error.message);
}

static void expect_same_at_any_cut(const struct sample *sample) {
  static char whole[sizeof(story)];
  run(sample->steps, SIZE_MAX / 2, true);
  read_back();
  size_t whole_len = story_len;
  memcpy(whole, story, story_len);
  for (size_t cut = 1; cut <= 5; cut++) {
    run(sample->steps, cut, true);
    read_back();
    cr_expect(story_len == whole_len && memcmp(whole, story, whole_len) == 0, "%s, cut at %zu:\n%s",
              sample->what, cut, record);
  }
}

static void check(const struct sample *samples, size_t num) {
  for (size_t i = 0; i < num; i++) {
    run(samples[i].steps, SIZE_MAX / 2, false);
    cr_expect_str_eq(record + strlen(HEADER), samples[i].record, "%s:\n%s", samples[i].what,
                     record);
    expect_same_at_any_cut(&samples[i]);
  }
}

#define CHECK(samples) check(samples, sizeof(samples) / sizeof((samples)[0]))

// ---- What is hidden -----------------------------------------------------------------------------

// "\0user\0tim-secret" and the like, encoded by another program.
#define PLAIN "AHVzZXIAdGltLXNlY3JldA=="
#define USER "dXNlcg=="
#define PASSWORD "dGltLXNlY3JldA=="

Test(tap, exchanges) {
  static const struct sample samples[] = {
      {"PLAIN with an initial response",
       {{'S', "220 mail.example\r\n"},
        {'C', "EHLO me\r\n"},
        {'S', "250-mail.example\r\n250 AUTH PLAIN\r\n"},
        {'C', "AUTH PLAIN " PLAIN "\r\n"},
        {'S', "235 2.7.0 ok\r\n"},
        {'C', "MAIL FROM:<a@b.example>\r\n"}},
       S "220 mail.example\n" C "EHLO me\n" S "250-mail.example\n" S "250 AUTH PLAIN\n" C
         "AUTH PLAIN \\{secret}\n" S "235 2.7.0 ok\n" C "MAIL FROM:<a@b.example>\n"},
      {"without one",
       {{'C', "auth  plain\r\n"}, {'S', "334 \r\n"}, {'C', PLAIN "\r\n"}, {'S', "235 ok\r\n"}},
       C "auth  plain\n" S "334\\x20\n" C "\\{secret}\n" S "235 ok\n"},
      {"LOGIN, the names of the questions shown",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN\r\n"},
        {'S', "334 VXNlcm5hbWU6\r\n"},
        {'C', USER "\r\n"},
        {'S', "334 UGFzc3dvcmQ6\r\n"},
        {'C', PASSWORD "\r\n"},
        {'S', "535 5.7.8 no user\r\n"},
        {'C', "QUIT\r\n"}},
       S "220 x\n" C "AUTH LOGIN\n" S "334 VXNlcm5hbWU6\n" C "\\{secret}\n" S "334 UGFzc3dvcmQ6\n" C
         "\\{secret}\n" S "535 5.7.8 no user\n" C "QUIT\n"},
      {"a server that says the password back, plain and in base64",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN " USER "\r\n"},
        {'S', "334 UGFzc3dvcmQ6\r\n"},
        {'C', PASSWORD "\r\n"},
        {'S', "535-5.7.8 tim-secret is wrong\r\n535-5.7.8 so is " PASSWORD "\r\n535 5.7.8 " USER
              "\r\n"}},
       S "220 x\n" C "AUTH LOGIN \\{secret}\n" S "334 UGFzc3dvcmQ6\n" C "\\{secret}\n" S
         "535-5.7.8 \\{secret}\n" S "535-5.7.8 \\{secret}\n" S "535 5.7.8 " USER "\n"},
      {"a cancelled exchange",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN\r\n"},
        {'S', "334 VXNlcm5hbWU6\r\n"},
        {'C', "*\r\n"},
        {'S', "501 cancelled\r\n"},
        {'C', "NOOP\r\n"}},
       S "220 x\n" C "AUTH LOGIN\n" S "334 VXNlcm5hbWU6\n" C "*\n" S "501 cancelled\n" C "NOOP\n"},
      {"an empty initial response and an empty response",
       {{'S', "220 x\r\n"},
        {'C', "AUTH EXTERNAL =\r\n"},
        {'S', "334 \r\n"},
        {'C', "\r\n"},
        {'S', "235 ok\r\n"}},
       S "220 x\n" C "AUTH EXTERNAL =\n" S "334\\x20\n" C_EMPTY S "235 ok\n"},
      {"more than a star is a secret",
       {{'C', "AUTH LOGIN\r\n"}, {'S', "334 a\r\n"}, {'C', "*tim-secret\r\n"}, {'S', "535 n\r\n"}},
       C "AUTH LOGIN\n" S "334 a\n" C "\\{secret}\n" S "535 n\n"},
      {"continuation lines sent before they were asked for",
       {{'S', "220 x\r\n"},
        {'C', "EHLO me\r\nAUTH LOGIN\r\n" USER "\r\n" PASSWORD "\r\nMAIL FROM:<a@b.example>\r\n"},
        {'S', "250 x\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n250 ok\r\n"},
        {'C', "RCPT TO:<c@d.example>\r\n"}},
       S "220 x\n" C "EHLO me\n" C "AUTH LOGIN\n" C "\\{secret}\n" C "\\{secret}\n" C
         "\\{secret}\n" S "250 x\n" S "334 VXNlcm5hbWU6\n" S "334 UGFzc3dvcmQ6\n" S "235 ok\n" S
         "250 ok\n" C "RCPT TO:<c@d.example>\n"},
      {"AUTH behind other commands, each with a reply",
       {{'S', "220 x\r\n"},
        {'C', "NOOP\r\nRSET\r\nAUTH PLAIN\r\n"},
        {'S', "250 a\r\n250 b\r\n"},
        {'C', PLAIN "\r\n"},
        {'S', "334 \r\n"},
        {'S', "235 ok\r\n"},
        {'C', "NOOP\r\n"}},
       S "220 x\n" C "NOOP\n" C "RSET\n" C "AUTH PLAIN\n" S "250 a\n" S "250 b\n" C "\\{secret}\n" S
         "334\\x20\n" S "235 ok\n" C "NOOP\n"},
      {"a client that goes on although AUTH was refused",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN\r\n"},
        {'S', "530 STARTTLS first\r\n"},
        {'C', USER "\r\n"},
        {'S', "500 what\r\n"},
        {'C', PASSWORD "\r\n"},
        {'S', "500 what is " PASSWORD "\r\n"},
        {'C', "QUIT\r\n"},
        {'C', "dXNl\r\n"}},
       S "220 x\n" C "AUTH LOGIN\n" S "530 STARTTLS first\n" C "\\{secret}\n" S "500 what\n" C
         "\\{secret}\n" S "500 \\{secret}\n" C "QUIT\n" C "dXNl\n"},
      {"commands that are typed while an exchange is open",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN\r\n"},
        {'S', "334 VXNlcm5hbWU6\r\n"},
        {'C', "MAIL FROM:<a@b.example>\r\n"},
        {'S', "501 no base64: MAIL FROM:<a@b.example>\r\n"},
        {'C', "MAIL FROM:<a@b.example>\r\n"}},
       S "220 x\n" C "AUTH LOGIN\n" S "334 VXNlcm5hbWU6\n" C "\\{secret}\n" S
         "501 no base64: MAIL FROM:<a@b.example>\n" C "MAIL FROM:<a@b.example>\n"},
  };
  CHECK(samples);
}

Test(tap, words_behind_auth) {
  static const struct sample samples[] = {
      {"a user name in place of a mechanism",
       {{'S', "220 x\r\n"}, {'C', "AUTH dXNlcg==\r\n"}, {'S', "504 dXNlcg==\r\n"}, {'C', "A\r\n"}},
       S "220 x\n" C "AUTH \\{secret}\n" S "504 \\{secret}\n" C "\\{secret}\n"},
      {"a mechanism that the server offers, and one that nobody knows",
       {{'S', "220 x\r\n"},
        {'C', "EHLO me\r\n"},
        {'S', "250-x\r\n250-AUTH=X-OWN x_two\r\n250 AUTHX Y-NOT\r\n"},
        {'C', "AUTH x-own tim-secret\r\n"},
        {'S', "535 no\r\n"},
        {'C', "AUTH X_TWO\r\n"},
        {'S', "535 no\r\n"},
        {'C', "AUTH Y-NOT\r\n"}},
       S "220 x\n" C "EHLO me\n" S "250-x\n" S "250-AUTH=X-OWN x_two\n" S "250 AUTHX Y-NOT\n" C
         "AUTH x-own \\{secret}\n" S "535 no\n" C "AUTH X_TWO\n" S "535 no\n" C
         "AUTH \\{secret}\n"},
      {"odd blanks, and what stands before",
       {{'C', " \tAuTh\tPLAIN\t " PLAIN " \r\n"}},
       C " \\tAuTh\\tPLAIN\\t \\{secret}\n"},
      {"no blank", {{'C', "AUTHPLAIN " PLAIN "\r\n"}}, C "AUTHPLAIN \\{secret}\n"},
      {"nothing", {{'C', "AUTH\r\n"}}, C "AUTH\n"},
      {"another command",
       {{'C', "AUTO PLAIN x\r\nAUT\r\nA\r\n"}},
       C "AUTO PLAIN x\n" C "AUT\n" C "A\n"},
      {"Exchange's own", {{'C', "X-EXPS LOGIN " USER "\r\n"}}, C "X-EXPS LOGIN \\{secret}\n"},
      {"ends in a bare LF",
       {{'C', "AUTH PLAIN " PLAIN "\nNOOP\n"}, {'S', "235 x\n"}, {'C', "NOOP\n"}},
       C "AUTH PLAIN \\{secret}\\n\\{secret}\\n\\\n" S "235 \\{secret}\\\n" C "NOOP\\n\\\n"},
      {"cut off in the mechanism", {{'C', "AUTH dXNl"}}, C "AUTH \\\n" C "\\{secret}\\\n"},
      {"interrupted in the mechanism",
       {{'C', "AUTH dXNl"}, {'S', "421 bye\r\n"}, {'C', "cg==\r\n"}},
       C "AUTH \\\n" C "\\{secret}\\\n" S "421 bye\n" C_EMPTY},
      {"words without end before it",
       {{'C',
         "AUTH PLAIN x"
         "\r"}},
       C "AUTH PLAIN \\{secret}\\\n"},
  };
  CHECK(samples);
}

Test(tap, messages) {
  static const struct sample samples[] = {
      {"what looks like AUTH in a message is text",
       {{'S', "220 x\r\n"},
        {'C', "DATA\r\n"},
        {'S', "354 go\r\n"},
        {'C', "AUTH PLAIN abc\r\n..\r\n\r\n.\r\nAUTH PLAIN " PLAIN "\r\n"},
        {'S', "250 ok\r\n235 ok\r\n"}},
       S "220 x\n" C "DATA\n" S "354 go\n" C "AUTH PLAIN abc\n" C "..\n" C_EMPTY C ".\n" C
         "AUTH PLAIN \\{secret}\n" S "250 ok\n" S "235 ok\n"},
      {"an empty message, and two messages",
       {{'S', "220 x\r\n"},
        {'C', "DATA\r\n"},
        {'S', "354 go\r\n"},
        {'C', ".\r\n"},
        {'S', "250 ok\r\n"},
        {'C', "data\r\n"},
        {'S', "354 go\r\n"},
        {'C', "AUTH LOGIN x\r\n\r\r\n.\r\n"},
        {'S', "250 ok\r\n"},
        {'C', "AUTH LOGIN x\r\n"}},
       S "220 x\n" C "DATA\n" S "354 go\n" C ".\n" S "250 ok\n" C "data\n" S "354 go\n" C
         "AUTH LOGIN x\n" C "\\r\n" C ".\n" S "250 ok\n" C "AUTH LOGIN \\{secret}\n"},
      {"DATA refused",
       {{'S', "220 x\r\n"}, {'C', "DATA\r\n"}, {'S', "503 no\r\n"}, {'C', "AUTH PLAIN x\r\n"}},
       S "220 x\n" C "DATA\n" S "503 no\n" C "AUTH PLAIN \\{secret}\n"},
      {"chunks",
       {{'S', "220 x\r\n"},
        {'C', "BDAT 14\r\nAUTH PLAIN x\r\nBDAT 3 LAST\r\nAUTAUTH PLAIN y\r\n"},
        {'S', "250 ok\r\n250 ok\r\n"}},
       S "220 x\n" C "BDAT 14\n" C "AUTH PLAIN x\n" C "BDAT 3 LAST\n" C
         "AUTAUTH PLAIN \\{secret}\n" S "250 ok\n" S "250 ok\n"},
      {"a chunk that was refused before it came",
       {{'S', "220 x\r\n"},
        {'C', "BDAT 1000 LAST\r\n"},
        {'S', "503 no\r\n"},
        {'C', "AUTH PLAIN x\r\n"}},
       S "220 x\n" C "BDAT 1000 LAST\n" S "503 no\n" C "AUTH PLAIN \\{secret}\n"},
      {"a server that speaks in the middle of the text",
       {{'S', "220 x\r\n"},
        {'C', "DATA\r\n"},
        {'S', "354 go\r\n"},
        {'C', "AUTH PLAIN a\r\ntext, AUTH"},
        {'S', "552 enough\r\n"},
        {'C', " PLAIN b\r\nAUTH PLAIN c\r\n"},
        {'S', "500 what\r\n"},
        {'C', "AUTH PLAIN d\r\n"}},
       S "220 x\n" C "DATA\n" S "354 go\n" C "AUTH PLAIN a\n" C "text, AUTH\\\n" S "552 enough\n" C
         " PLAIN b\n" C "AUTH PLAIN \\{secret}\n" S "500 what\n" C "AUTH PLAIN \\{secret}\n"},
      {"text that was sent before it was asked for",
       {{'S', "220 x\r\n"},
        {'C', "DATA\r\nSubject: a\r\n\r\nAUTH PLAIN x\r\n.\r\n"},
        {'S', "354 go\r\n250 ok\r\n"},
        {'C', "AUTH PLAIN y\r\n"}},
       S "220 x\n" C "DATA\n" C "Subject: a\n" C_EMPTY C "AUTH PLAIN \\{secret}\n" C
         "\\{secret}\n" S "354 go\n" S "250 ok\n" C "AUTH PLAIN \\{secret}\n"},
      {"a 354 that nobody asked for",
       {{'S', "220 x\r\n"},
        {'C', "AUTH LOGIN\r\n"},
        {'S', "354 go\r\n"},
        {'C', "AUTH PLAIN x\r\n"}},
       S "220 x\n" C "AUTH LOGIN\n" S "354 go\n" C "AUTH PLAIN \\{secret}\n"},
      {"AUTH and a message in one flight",
       {{'S', "220 x\r\n"},
        {'C', "AUTH PLAIN " PLAIN "\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"},
        {'S', "235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"},
        {'C', "AUTH PLAIN x\r\n.\r\nQUIT\r\n"}},
       S "220 x\n" C "AUTH PLAIN \\{secret}\n" C "\\{secret}\n" C "\\{secret}\n" C "\\{secret}\n" S
         "235 ok\n" S "250 ok\n" S "250 ok\n" S "354 go\n" C "AUTH PLAIN x\n" C ".\n" C "QUIT\n"},
      {"LMTP: more replies than commands",
       {{'S', "220 x\r\n"},
        {'C', "DATA\r\n"},
        {'S', "354 go\r\n"},
        {'C', "a\r\n.\r\n"},
        {'S', "250 one\r\n250 two\r\n250 three\r\n"},
        {'C', "DATA\r\n"},
        {'S', "354 go\r\n"},
        {'C', "AUTH PLAIN x\r\n.\r\n"}},
       S "220 x\n" C "DATA\n" S "354 go\n" C "a\n" C ".\n" S "250 one\n" S "250 two\n" S
         "250 three\n" C "DATA\n" S "354 go\n" C "AUTH PLAIN x\n" C ".\n"},
  };
  CHECK(samples);
}

Test(tap, proofs_and_tls) {
  static const struct sample samples[] = {
      // RFC 7677 §3: "v=6rriTRBi23WpRMM/wmeJ…", the server's; "c=biws,r=…,p=…", the client's.
      {"SCRAM",
       {{'S', "220 x\r\n"},
        {'C', "AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZkV3YmVSV2diTkVrcU8=\r\n"},
        {'S', "334 cj1yT3ByTkdmRXdiZVJXZ2JORWtxTyVodllE\r\n"},
        {'C', "Yz1iaXdzLHI9ck9wLHA9ZEh6YlphcFdJazRqVWhOK1V0ZTl5dGFnOXpqZk1IZ3NxbW1peg==\r\n"},
        {'S', "334 dj02cnJpVFJCaTIzV3BSTU0vd21lSg==\r\n"},
        {'C', "\r\n"},
        {'S', "235 2.7.0 dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz\r\n"}},
       S "220 x\n" C "AUTH SCRAM-SHA-256 \\{secret}\n" S
         "334 cj1yT3ByTkdmRXdiZVJXZ2JORWtxTyVodllE\n" C "\\{secret}\n" S
         "334 \\{secret}\n" C_EMPTY S "235 2.7.0 \\{secret}\n"},
      {"DIGEST-MD5's",
       {{'S', "220 x\r\n"},
        {'C', "AUTH DIGEST-MD5\r\n"},
        {'S', "334 cmVhbG09ImEiLG5vbmNlPSJiIg==\r\n"},
        {'C', "dXNlcm5hbWU9ImEiLHJlc3BvbnNlPTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm\r\n"},
        {'S', "334 cnNwYXV0aD1lYTQwZjYwMzM1YzQyN2I1NTI3Yjg0ZGJhYmNkZmZmZA==\r\n"},
        {'C', "\r\n"},
        {'S', "235 0123456789abcdef\r\n"}},
       S "220 x\n" C "AUTH DIGEST-MD5\n" S "334 cmVhbG09ImEiLG5vbmNlPSJiIg==\n" C "\\{secret}\n" S
         "334 \\{secret}\n" C_EMPTY S "235 \\{secret}\n"},
      {"a challenge that is broken off while it may be a proof",
       {{'S', "220 x\r\n"}, {'C', "AUTH X-Y\r\n"}, {'S', "334 dj02cnJp"}, {'!', "eof S"}},
       S "220 x\n" C "AUTH \\{secret}\n" S "334 \\{secret}\\\n! eof S\n"},
      {"a proof that nobody asked for",
       {{'S', "220 x\r\n"}, {'C', "NOOP\r\n"}, {'S', "334 dj02cnJpVFJC\r\n"}},
       S "220 x\n" C "NOOP\n" S "334 \\{secret}\n"},
      {"a reply that is broken off in its code",
       {{'S', "220 x\r\n"}, {'C', "NOOP\r\n"}, {'S', "23"}, {'C', "NOOP\r\n"}, {'S', "5 x\r\n"}},
       S "220 x\n" C "NOOP\n" S "23\\\n" C "NOOP\n" S "5 x\n"},
      {"TLS begins everything anew, also in the middle of a line",
       {{'S', "220 x\r\n"},
        {'C', "EHLO me\r\n"},
        {'S', "250 AUTH OWN\r\n"},
        {'C', "STARTTLS\r\n"},
        {'S', "220 go\r\n250-odd"},
        {'!', "tls TLSv1.3"},
        {'C', "EHLO me\r\n"},
        {'S', "250 x\r\n"},
        {'C', "AUTH OWN\r\n"},
        {'S', "334 \r\n"},
        {'C', PASSWORD "\r\n"},
        {'S', "235 tim-secret\r\n"}},
       S "220 x\n" C "EHLO me\n" S "250 AUTH OWN\n" C "STARTTLS\n" S "220 go\n" S
         "250-odd\\\n! tls TLSv1.3\n" C "EHLO me\n" S "250 x\n" C "AUTH \\{secret}\n" S
         "334\\x20\n" C "\\{secret}\n" S "235 \\{secret}\n"},
      {"TLS from the start",
       {{'!', "connect a:465 192.0.2.1"},
        {'!', "tls TLSv1.3"},
        {'S', "220 x\r\n"},
        {'C', "NOOP\r\n"},
        {'S', "250 x\r\n"},
        {'C', "AUTH PLAIN\r\n"},
        {'S', "535 x\r\n"},
        {'C', "NOOP\r\n"},
        {'!', "note n"},
        {'!', "eof C"}},
       "! connect a:465 192.0.2.1\n! tls TLSv1.3\n" S "220 x\n" C "NOOP\n" S "250 x\n" C
       "AUTH PLAIN\n" S "535 x\n" C "NOOP\n! note n\n! eof C\n"},
  };
  CHECK(samples);
}
