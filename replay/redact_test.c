// The redactor: a secret is found in every form that it is looked for in, wherever it stands and
// however it is cut by blanks and control bytes; ordinary server lines are let through.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/redact.h"

static struct ehlo_redactor r;

static void add(const char *secret) {
  ehlo_redactor_add(&r, (const uint8_t *)secret, strlen(secret));
}

static bool hits(const char *line) {
  return ehlo_redactor_hits(&r, (const uint8_t *)line, strlen(line));
}

static bool grazes(const char *text) {
  return ehlo_redactor_grazes(&r, (const uint8_t *)text, strlen(text));
}

struct row {
  const char *secret;
  const char *line;
  bool hits;
  bool grazes;
};

static const struct row rows[] = {
    // As it is.
    {"hunter2", "535 bad password hunter2\r\n", true, true},
    {"hunter2", "535 bad password HUNTER2\r\n", true, true},
    {"hunter2", "535 h u-n\tt", false, false},
    {"hunter2", "535 h u\tn\x01t\r\ner2", true, true},
    {"hunter2", "535 hunter", false, true},
    {"hunter2", "535 unter2", false, true},
    {"hunter2", "535 hunt", false, true},
    {"hunter2", "535 hun", false, false},
    {"hunter2", "535 hunt er", false, true},
    // Windows of eight.
    {"correct horse battery", "535 the word is ecthorse", true, true},
    {"correct horse battery", "535 the word is cthorse", false, true},
    {"correct horse battery", "535 correct h", true, true},
    {"correct horse battery", "535 e battery", true, true},
    {"correct horse battery", "535 correct", false, true},
    // A secret of its own window's length, and one less.
    {"12345678", "a 12345678 b", true, true},
    {"12345678", "a 1234567 b", false, true},
    {"1234567", "a 1234567 b", true, true},
    {"1234567", "a 123456 b", false, true},
    {"1234", "a 1234 b", true, true},
    {"1234", "a 123 b", false, false},
    // Base64 of "hunter2secret" behind 0, 1 and 2 other bytes.
    {"hunter2secret", "334 aHVudGVyMnNlY3JldA==", true, true},
    {"hunter2secret", "334 AGh1bnRlcjJzZWNyZXQ=", true, true},
    {"hunter2secret", "334 AABodW50ZXIyc2VjcmV0", true, true},
    {"hunter2secret", "334 AABODW50ZXIYC2", true, true},
    {"hunter2secret", "334 aHVu dGVy Mn", true, true},
    {"hunter2secret", "334 aHVudGV", false, true},
    {"hunter2secret", "334 AGh1bnRlcjJ", true, true},
    // The characters next to it depend on what stands there, and are not looked at.
    {"hunter2secret", "334 xxVudGVyMnN", true, true},
    {"hunter2secret", "334 JnR1bnRlcjJ", true, true},
    {"hunter2secret", "334 cjJzZWNyZXQxMjM=", true, true},
    // The other alphabet of RFC 4648.
    {"~~~???~~~???", "535 fn5-Pz8_fn5-", true, true},
    {"~~~???~~~???", "535 fn5+Pz8/fn5+", true, true},
    // Short ones: in full, and no forms of under four characters.
    {"ab", "535 xaby", true, true},
    {"ab", "535 a-b", false, false},
    {"a", "535 bcd", false, false},
    {"abc", "535 abc", true, true},
    {"abc", "535 YWJj", true, true},
    {"abc", "535 ab", false, false},
    {"abc", "535 FiY WJ", false, false},
    {"abcd", "535 YWJjZ", true, true},
    {"   ", "535 a b  c   d", false, false},
    // Ordinary.
    {"correct horse battery", "250-mail.example greets you", false, false},
    {"correct horse battery", "535 5.7.8 Username and Password not accepted", false, false},
    {"correct horse battery", "334 UGFzc3dvcmQ6", false, false},
    {"correct horse battery", "", false, false},
};

Test(redact, rows) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    ehlo_redactor_init(&r);
    add(rows[i].secret);
    cr_expect_eq(hits(rows[i].line), rows[i].hits, "row %zu: %s in %s", i, rows[i].secret,
                 rows[i].line);
    cr_expect_eq(grazes(rows[i].line), rows[i].grazes, "row %zu, grazes: %s in %s", i,
                 rows[i].secret, rows[i].line);
  }
}

// ---- What it holds ------------------------------------------------------------------------------

Test(redact, is_empty_until_something_is_added) {
  ehlo_redactor_init(&r);
  cr_expect(ehlo_redactor_is_empty(&r));
  add("");
  cr_expect(ehlo_redactor_is_empty(&r) && !hits("anything at all"));
  add("x1");
  cr_expect(!ehlo_redactor_is_empty(&r));
  add("x1");
  cr_expect_eq(r.num, 1u);
}

Test(redact, looks_for_each_secret) {
  char secret[] = "secret-number-0";
  ehlo_redactor_init(&r);
  for (size_t i = 0; i < EHLO_REDACT_MAX; i++) {
    secret[14] = (char)('a' + i);
    add(secret);
  }
  cr_expect(!r.full);
  cr_expect(!hits("xet-numb"));
  cr_expect(hits("t-number-a") && hits("t-number-h"));
  add("another");
  cr_expect(r.full);
  cr_expect(hits("any line is an echo now"));
  cr_expect(!grazes("but this is not"));
}

Test(redact, is_full_one_byte_past_its_room) {
  static uint8_t bytes[EHLO_REDACT_BYTES_MAX];
  memset(bytes, 'k', sizeof(bytes));
  for (size_t over = 0; over < 2; over++) {
    ehlo_redactor_init(&r);
    ehlo_redactor_add(&r, bytes, 100);
    ehlo_redactor_add(&r, bytes, sizeof(bytes) - 100 + over);
    cr_expect_eq(r.full, over != 0);
    cr_expect_eq(r.num, 2 - over);
    cr_expect(hits("kkkkkkkkkk"));
  }
  static uint8_t more[EHLO_REDACT_BYTES_MAX + 1];
  ehlo_redactor_init(&r);
  ehlo_redactor_add(&r, more, sizeof(more));
  cr_expect(r.full && r.num == 0 && !ehlo_redactor_is_empty(&r));
}

Test(redact, wipes_itself) {
  static const struct ehlo_redactor zero;
  static uint8_t token[12288];
  memset(token, 'k', sizeof(token));
  ehlo_redactor_init(&r);
  add("hunter2");
  ehlo_redactor_wipe(&r);
  cr_expect_eq(memcmp(&r, &zero, sizeof(r)), 0);
  ehlo_redactor_init(&r);
  add("hunter2");
  ehlo_redactor_add(&r, token, sizeof(token));  // the filter grows
  ehlo_redactor_wipe(&r);
  cr_expect_eq(memcmp(&r, &zero, sizeof(r)), 0);
}

// Used again in memory that is anything but zero.
Test(redact, begins_anew_whatever_was_there) {
  memset(&r, 0xa5, sizeof(r));
  ehlo_redactor_init(&r);
  cr_expect(ehlo_redactor_is_empty(&r) && !hits("535 bad password hunter2"));
  add("hunter2");
  cr_expect(hits("535 bad password hunter2") && !hits("535 bad password hunter"));
}

// ---- At random ----------------------------------------------------------------------------------

static size_t base64(char *out, const uint8_t *in, size_t len) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  unsigned bits = 0;
  unsigned num_bits = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | in[i];
    for (num_bits += 8; num_bits >= 6; num_bits -= 6) {
      out[n++] = alphabet[bits >> (num_bits - 6) & 63];
    }
  }
  if (num_bits > 0) {
    out[n++] = alphabet[bits << (6 - num_bits) & 63];
  }
  while (n % 4 != 0) {
    out[n++] = '=';
  }
  return n;
}

// Puts `text` into `line` with blanks and control bytes strewn in.
static size_t strew(uint8_t *line, size_t at, const uint8_t *text, size_t len) {
  static const uint8_t strewn[] = {' ', '\t', '\r', '\n', 0, 0x7f, 0x1b};
  for (size_t i = 0; i < len; i++) {
    while (rand() % 4 == 0) {
      line[at++] = strewn[(size_t)rand() % sizeof(strewn)];
    }
    line[at++] =
        rand() % 2 == 0 && text[i] >= 'a' && text[i] <= 'z' ? (uint8_t)(text[i] - 32) : text[i];
  }
  return at;
}

static size_t ordinary(uint8_t *line, size_t at) {
  for (int i = rand() % 40; i > 0; i--) {
    line[at++] = (uint8_t) "0.:<>@ ()"[rand() % 9];
  }
  return at;
}

static size_t random_secret(uint8_t *out) {
  size_t len = 6 + (size_t)rand() % 60;
  for (size_t i = 0; i < len; i++) {
    out[i] = (uint8_t)('a' + rand() % 26);
  }
  return len;
}

Test(redact, finds_secrets_put_anywhere) {
  srand(3);
  for (int round = 0; round < 5000; round++) {
    uint8_t secret[80];
    uint8_t text[200];
    uint8_t line[4000];
    size_t len = random_secret(secret);
    ehlo_redactor_init(&r);
    add("decoy-decoy-decoy");
    ehlo_redactor_add(&r, secret, len);
    size_t text_len = len;
    memcpy(text, secret, len);
    if (rand() % 2 == 0) {
      uint8_t message[100] = {0};
      size_t before = (size_t)rand() % 7;
      memset(message, rand() % 256, sizeof(message));
      memcpy(message + before, secret, len);
      text_len = base64((char *)text, message, before + len + (size_t)rand() % 5);
    }
    size_t start = ordinary(line, 0);
    cr_expect(!ehlo_redactor_hits(&r, line, start));
    size_t end = ordinary(line, strew(line, start, text, text_len));
    cr_assert(ehlo_redactor_hits(&r, line, end), "round %d", round);
    cr_assert(ehlo_redactor_grazes(&r, line, end), "round %d", round);
  }
}

// Any eight characters in a row of a form are a hit, and no seven.
Test(redact, finds_every_window) {
  static const char secret[] = "abcdefghijklmnopqrstuvwxyz";
  ehlo_redactor_init(&r);
  add(secret);
  for (size_t at = 0; at + 8 <= sizeof(secret) - 1; at++) {
    for (size_t len = 7; len <= 8; len++) {
      char line[32] = "550 ";
      memcpy(line + 4, secret + at, len);
      cr_expect_eq(hits(line), len == 8, "%s", line);
    }
  }
}

// One window and nothing more of a secret, at each place of a line of several pieces.
Test(redact, finds_a_window_at_each_place) {
  static const char secret[] = "abcdefgh";
  for (size_t len = 1; len <= 8; len++) {
    ehlo_redactor_init(&r);
    ehlo_redactor_add(&r, (const uint8_t *)secret, len);
    for (size_t at = 0; at + len < 1600; at++) {
      uint8_t line[1600];
      for (size_t i = 0; i < sizeof(line); i++) {
        line[i] = i % 7 == 3 ? ' ' : '.';
      }
      cr_assert(!ehlo_redactor_hits(&r, line, sizeof(line)));
      memcpy(line + at, secret, len);
      cr_assert(ehlo_redactor_hits(&r, line, sizeof(line)), "%zu at %zu", len, at);
    }
  }
}

// The characters of base64 that a secret alone decides: all of them are looked at, and no more.
Test(redact, looks_at_just_the_characters_that_the_secret_decides) {
  static const uint8_t secret[] = "Qz7!kP2@wX9#";
  const size_t len = sizeof(secret) - 1;
  for (size_t cut = len - 2; cut <= len; cut++) {
    ehlo_redactor_init(&r);
    ehlo_redactor_add(&r, secret, cut);
    for (size_t shift = 0; shift < 3; shift++) {
      uint8_t message[20] = {0};
      char text[40];
      memcpy(message + shift, secret, cut);
      base64(text, message, sizeof(message));
      size_t first = shift == 0 ? 0 : shift + 1;
      size_t end = 8 * (shift + cut) / 6;
      cr_expect(ehlo_redactor_hits(&r, (const uint8_t *)text + first, 8));
      cr_expect(ehlo_redactor_hits(&r, (const uint8_t *)text + end - 8, 8));
      if (first > 0) {
        cr_expect(!ehlo_redactor_hits(&r, (const uint8_t *)text + first - 1, 8));
      }
      if (8 * (shift + cut) % 6 != 0) {
        cr_expect(!ehlo_redactor_hits(&r, (const uint8_t *)text + end - 7, 8));
      }
    }
  }
}

Test(redact, long_tokens) {
  static uint8_t token[12288];
  static uint8_t line[4096];
  srand(4);
  for (size_t i = 0; i < sizeof(token); i++) {
    token[i] = (uint8_t)('a' + rand() % 26);
  }
  for (size_t i = 0; i < sizeof(line); i++) {
    line[i] = (uint8_t)('a' + rand() % 26);
  }
  ehlo_redactor_init(&r);
  ehlo_redactor_add(&r, token, sizeof(token));
  cr_expect(!ehlo_redactor_hits(&r, line, sizeof(line)));
  memcpy(line + 2000, token + sizeof(token) - 8, 8);
  cr_expect(ehlo_redactor_hits(&r, line, sizeof(line)));
}

// ---- Against the plainest way to do it ----------------------------------------------------------

// The same by its definition alone: each form as a string, each of its windows looked for anywhere in
// the folded line.
static size_t folded(char *out, const uint8_t *text, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    uint8_t c = text[i];
    if (c > 0x20 && c != 0x7f) {
      out[n++] = (char)(c == '-'   ? '+'
                        : c == '_' ? '/'
                                   : (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
  }
  return n;
}

static bool plain_has_form(const uint8_t *form, size_t form_len, size_t least, const char *line,
                           size_t line_len, size_t window) {
  static char text[3 * EHLO_REDACT_BYTES_MAX];
  size_t len = folded(text, form, form_len);
  size_t size = len < window ? len : window;
  if (len < least) {
    return false;
  }
  for (size_t at = 0; at + size <= len; at++) {
    for (size_t there = 0; there + size <= line_len; there++) {
      if (memcmp(line + there, text + at, size) == 0) {
        return true;
      }
    }
  }
  return false;
}

static bool plain_has_secret(const uint8_t *secret, size_t secret_len, const char *line,
                             size_t line_len, size_t window) {
  if (plain_has_form(secret, secret_len, 1, line, line_len, window)) {
    return true;
  }
  for (size_t before = 0; before < 3; before++) {
    static uint8_t message[256];
    static char text[512];
    memset(message, 0, sizeof(message));
    memcpy(message + before, secret, secret_len);
    base64(text, message, before + secret_len);
    size_t first = before == 0 ? 0 : before + 1;
    size_t end = 8 * (before + secret_len) / 6;
    if (end > first &&
        plain_has_form((uint8_t *)text + first, end - first, 4, line, line_len, window)) {
      return true;
    }
  }
  return false;
}

static bool plainly(const uint8_t *line, size_t len, size_t window) {
  static char text[4096];
  size_t text_len = folded(text, line, len);
  size_t at = 0;
  for (size_t i = 0; i < r.num; i++) {
    if (plain_has_secret(r.bytes + at, r.len[i], text, text_len, window)) {
      return true;
    }
    at += r.len[i];
  }
  return false;
}

// Secrets of one letter up to two hundred octets of anything; blanks and control bytes among them.
static void add_secret_of_few_letters(void) {
  uint8_t secret[200];
  size_t len = 1 + (size_t)rand() % (rand() % 8 == 0 ? sizeof(secret) : 14);
  for (size_t i = 0; i < len; i++) {
    secret[i] = rand() % 12 == 0 ? (uint8_t)rand() : (uint8_t) "abAB-_+/ "[rand() % 9];
  }
  ehlo_redactor_add(&r, secret, len);
}

// A line with a piece of a form in it, or a piece that nearly is one.
static size_t line_with_a_piece(uint8_t *line, size_t num) {
  size_t which = (size_t)rand() % num;
  size_t at = 0;
  for (size_t i = 0; i < which; i++) {
    at += r.len[i];
  }
  uint8_t message[256] = {0};
  char text[512];
  size_t before = (size_t)rand() % 4;
  memcpy(message + before % 3, r.bytes + at, r.len[which]);
  size_t len = before == 3 ? r.len[which] : base64(text, message, before + r.len[which]);
  if (before == 3) {
    memcpy(text, r.bytes + at, len);
  }
  size_t from = (size_t)rand() % len;
  size_t n = 1 + (size_t)rand() % 12;
  n = n < len - from ? n : len - from;
  size_t end = strew(line, ordinary(line, 0), (uint8_t *)text + from, n);
  if (end > 0 && rand() % 4 == 0) {
    line[(size_t)rand() % end] ^= 1;
  }
  return ordinary(line, end);
}

Test(redact, does_what_its_definition_says) {
  size_t num_hits = 0;
  size_t num_grazes = 0;
  srand(6);
  for (int round = 0; round < 4000; round++) {
    ehlo_redactor_init(&r);
    for (int i = 1 + rand() % 4; i > 0; i--) {
      add_secret_of_few_letters();
    }
    for (int i = 0; i < 5; i++) {
      uint8_t line[2000];
      size_t len = line_with_a_piece(line, r.num);
      bool hit = plainly(line, len, 8);
      bool graze = plainly(line, len, 4);
      cr_assert_eq(ehlo_redactor_hits(&r, line, len), hit, "round %d", round);
      cr_assert_eq(ehlo_redactor_grazes(&r, line, len), graze, "round %d", round);
      num_hits += hit ? 1 : 0;
      num_grazes += graze ? 1 : 0;
    }
  }
  cr_expect(num_hits > 1000 && num_hits < 19000, "%zu of 20000", num_hits);
  cr_expect(num_grazes > num_hits && num_grazes < 19500, "%zu of 20000", num_grazes);
}

// While it grows, none of the secrets that it has is lost.
Test(redact, finds_all_secrets_while_the_filter_grows) {
  static uint8_t secrets[EHLO_REDACT_MAX][1300];
  srand(7);
  ehlo_redactor_init(&r);
  for (size_t i = 0; i < EHLO_REDACT_MAX; i++) {
    for (size_t k = 0; k < sizeof(secrets[i]); k++) {
      secrets[i][k] = (uint8_t)('!' + rand() % 94);
    }
    ehlo_redactor_add(&r, secrets[i], sizeof(secrets[i]));
    for (size_t k = 0; k <= i; k++) {
      size_t at = (size_t)rand() % (sizeof(secrets[k]) - 8);
      cr_assert(ehlo_redactor_hits(&r, secrets[k] + at, 8), "%zu of %zu", k, i);
    }
  }
  cr_expect(!r.full);
}
