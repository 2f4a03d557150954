// The reader of transcripts: what a line means, what is none and where, and that limits and junk
// end in an error. Each table is read in pieces of several sizes.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/transcript.h"

#define LINE_MAX_ EHLO_TRANSCRIPT_LINE_MAX

// ---- Files in memory ----------------------------------------------------------------------------

struct source {
  const char *text;
  size_t len;
  size_t at;
  size_t piece;  // bytes that each read gives
  bool fails;    // at the end
};

static long source_read(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->len - s->at;
  n = n < s->piece ? n : s->piece;
  n = n < cap ? n : cap;
  if (n == 0 && s->fails) {
    return -1;
  }
  memcpy(buf, s->text + s->at, n);
  s->at += n;
  return (long)n;
}

static struct ehlo_reader reader;
static struct source source;
static char big[1 << 16];

static void open_text(const char *text, size_t len, size_t piece) {
  source = (struct source){.text = text, .len = len, .piece = piece};
  ehlo_reader_init(&reader, source_read, &source);
}

static const size_t pieces[] = {1, 2, 3, 7, 4095, 4096, 4097};
#define NUM_PIECES (sizeof(pieces) / sizeof(pieces[0]))

// ---- Lines that are good ------------------------------------------------------------------------

struct good_row {
  const char *raw;
  enum ehlo_item_type type;
  size_t column;
  int64_t delta_us;  // -1: none
  const char *bytes;
  size_t bytes_len;
  bool ends_line;
  size_t num_secrets;
  size_t secret_at;  // of the last one
};
#define BYTES(s) s, sizeof(s) - 1

static const struct good_row good[] = {
    {"S: 220 ready", EHLO_ITEM_SERVER, 4, -1, BYTES("220 ready\r\n"), true, 0, 0},
    {"      C: QUIT", EHLO_ITEM_CLIENT, 10, -1, BYTES("QUIT\r\n"), true, 0, 0},
    {"S:", EHLO_ITEM_SERVER, 3, -1, BYTES("\r\n"), true, 0, 0},
    {"C:  two", EHLO_ITEM_CLIENT, 4, -1, BYTES(" two\r\n"), true, 0, 0},
    {"C: C: x", EHLO_ITEM_CLIENT, 4, -1, BYTES("C: x\r\n"), true, 0, 0},
    {"+0 C: x", EHLO_ITEM_CLIENT, 7, 0, BYTES("x\r\n"), true, 0, 0},
    {"+12 C:", EHLO_ITEM_CLIENT, 7, 12000000, BYTES("\r\n"), true, 0, 0},
    {"+0.041235  S: 2", EHLO_ITEM_SERVER, 15, 41235, BYTES("2\r\n"), true, 0, 0},
    {"+1.5 S: 2", EHLO_ITEM_SERVER, 9, 1500000, BYTES("2\r\n"), true, 0, 0},
    {"+0000000000000000000000001.000001 S: 2", EHLO_ITEM_SERVER, 38, 1000001, BYTES("2\r\n"), true,
     0, 0},
    {"+1000000000 S: 2", EHLO_ITEM_SERVER, 16, 1000000000000000, BYTES("2\r\n"), true, 0, 0},
    {"S: 250 STA\\", EHLO_ITEM_SERVER, 4, -1, BYTES("250 STA"), false, 0, 0},
    {"S: a\\\\", EHLO_ITEM_SERVER, 4, -1, BYTES("a\\\r\n"), true, 0, 0},
    {"S: a\\\\\\", EHLO_ITEM_SERVER, 4, -1, BYTES("a\\"), false, 0, 0},
    {"S: a \\", EHLO_ITEM_SERVER, 4, -1, BYTES("a "), false, 0, 0},
    {"S: \\r\\n\\t\\x00\\xfF\\x20", EHLO_ITEM_SERVER, 4, -1, BYTES("\r\n\t\0\xff \r\n"), true, 0,
     0},
    {"C: AUTH PLAIN \\{secret}", EHLO_ITEM_CLIENT, 4, -1, BYTES("AUTH PLAIN \r\n"), true, 1, 11},
    {"C: \\{secret}", EHLO_ITEM_CLIENT, 4, -1, BYTES("\r\n"), true, 1, 0},
    {"C: \\{secret}\\", EHLO_ITEM_CLIENT, 4, -1, BYTES(""), false, 1, 0},
    {"C: a\\{secret}b\\{secret}", EHLO_ITEM_CLIENT, 4, -1, BYTES("ab\r\n"), true, 2, 2},
    {"# a comment \\q", EHLO_ITEM_COMMENT, 3, -1, NULL, 0, false, 0, 0},
    {"#", EHLO_ITEM_COMMENT, 2, -1, NULL, 0, false, 0, 0},
    {"  #x", EHLO_ITEM_COMMENT, 4, -1, NULL, 0, false, 0, 0},
    {"= reply 250 to MAIL", EHLO_ITEM_EVENT, 3, -1, BYTES("reply 250 to MAIL"), false, 0, 0},
    {"= a\\x20", EHLO_ITEM_EVENT, 3, -1, BYTES("a "), false, 0, 0},
    {"= a \\{secret}", EHLO_ITEM_EVENT, 3, -1, BYTES("a "), false, 1, 2},
    {"+0.061000  ! tls x", EHLO_ITEM_FACT, 14, 61000, BYTES("tls x"), false, 0, 0},
    {"! note a\\\\b", EHLO_ITEM_FACT, 3, -1, BYTES("note a\\b"), false, 0, 0},
};

static void good_is(const struct good_row *row, const struct ehlo_item *item) {
  cr_expect_eq(item->type, row->type, "%s", row->raw);
  cr_expect_eq(item->line, 1u);
  cr_expect_eq(item->column, row->column, "%s: %zu", row->raw, item->column);
  cr_expect_eq(item->has_time, row->delta_us >= 0, "%s", row->raw);
  cr_expect(!item->has_time || item->delta_us == (uint64_t)row->delta_us, "%s", row->raw);
  cr_expect_str_eq(item->raw, row->raw);
  cr_expect_eq(item->raw_len, strlen(row->raw));
  cr_expect_str_eq(item->text, row->raw + row->column - 1);
  cr_expect_eq(item->text_len, strlen(item->text));
  cr_expect_eq(item->ends_line, row->ends_line, "%s", row->raw);
  cr_expect(item->bytes_len == row->bytes_len, "%s: %zu", row->raw, item->bytes_len);
  cr_expect(row->bytes_len == 0 || memcmp(item->bytes, row->bytes, row->bytes_len) == 0, "%s",
            row->raw);
  cr_expect_eq(item->num_secrets, row->num_secrets, "%s", row->raw);
  cr_expect(row->num_secrets == 0 || item->secret_at[row->num_secrets - 1] == row->secret_at, "%s",
            row->raw);
}

Test(reader, gives_the_item_of_each_good_line) {
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    for (size_t p = 0; p < NUM_PIECES; p++) {
      struct ehlo_item item;
      open_text(good[i].raw, strlen(good[i].raw), pieces[p]);
      cr_assert_eq(ehlo_reader_next(&reader, &item), EHLO_READ_ITEM, "%s: %s", good[i].raw,
                   reader.error.message);
      good_is(&good[i], &item);
      cr_expect(!item.has_line_feed && reader.last_unterminated);
      cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_END);
      cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_END);
    }
  }
}

struct fact_row {
  const char *raw;
  enum ehlo_fact fact;
  const char *args;
  bool failed;
  enum ehlo_side side;
};

static const struct fact_row fact_rows[] = {
    {"! ehlo-transcript 1", EHLO_FACT_HEADER, "1", false, 0},
    {"! connect h:25 192.0.2.1", EHLO_FACT_CONNECT, "h:25 192.0.2.1", false, 0},
    {"! connect failed refused", EHLO_FACT_CONNECT, "failed refused", true, 0},
    {"! connect failedly:25", EHLO_FACT_CONNECT, "failedly:25", false, 0},
    {"! tls", EHLO_FACT_TLS, "", false, 0},
    {"! tls TLSv1.3 x", EHLO_FACT_TLS, "TLSv1.3 x", false, 0},
    {"! tls failed", EHLO_FACT_TLS, "failed", true, 0},
    {"! eof S", EHLO_FACT_EOF, "S", false, EHLO_SIDE_SERVER},
    {"! eof C", EHLO_FACT_EOF, "C", false, EHLO_SIDE_CLIENT},
    {"! reset S", EHLO_FACT_RESET, "S", false, EHLO_SIDE_SERVER},
    {"! reset C", EHLO_FACT_RESET, "C", false, EHLO_SIDE_CLIENT},
    {"! timeout", EHLO_FACT_TIMEOUT, "", false, 0},
    {"! note failed it", EHLO_FACT_NOTE, "failed it", false, 0},
    {"! submit from a@example", EHLO_FACT_SUBMIT, "from a@example", false, 0},
};

Test(reader, knows_the_facts) {
  for (size_t i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++) {
    const struct fact_row *row = &fact_rows[i];
    struct ehlo_item item;
    open_text(row->raw, strlen(row->raw), 4096);
    cr_assert_eq(ehlo_reader_next(&reader, &item), EHLO_READ_ITEM, "%s: %s", row->raw,
                 reader.error.message);
    cr_expect_eq(item.type, EHLO_ITEM_FACT);
    cr_expect_eq(item.fact, row->fact, "%s", row->raw);
    cr_expect_str_eq(item.args, row->args);
    cr_expect_eq(item.args_len, strlen(row->args));
    cr_expect_eq(item.failed, row->failed, "%s", row->raw);
    cr_expect_eq(item.side, row->side, "%s", row->raw);
  }
}

// ---- Lines that are bad -------------------------------------------------------------------------

struct bad_row {
  const char *text;
  size_t len;
  size_t line;
  size_t column;
  const char *word;  // in the message
};

static const struct bad_row bad_rows[] = {
    {BYTES("\n"), 1, 1, "empty"},
    {BYTES("S: a\n\nS: b\n"), 2, 1, "empty"},
    {BYTES("   \n"), 1, 1, "empty"},
    {BYTES("+1 \n"), 1, 1, "empty"},
    {BYTES("S: a\r\n"), 1, 5, "carriage return"},
    {BYTES("S: a\tb\n"), 1, 5, "tab"},
    {BYTES("S: a\0b\n"), 1, 5, "outside"},
    {BYTES("S: a\x7f\n"), 1, 5, "outside"},
    {BYTES("# caf\xc3\xa9\n"), 1, 6, "outside"},
    {BYTES("S: a \n"), 1, 5, "blank"},
    {BYTES("S: \n"), 1, 3, "blank"},
    {BYTES("# a \n"), 1, 4, "blank"},
    {BYTES("! note a \n"), 1, 9, "blank"},
    {BYTES("= a \n"), 1, 4, "blank"},
    {BYTES("S: a\\q\n"), 1, 5, "escape"},
    {BYTES("S: a\\x4\n"), 1, 5, "escape"},
    {BYTES("S: \\x4g\n"), 1, 4, "escape"},
    {BYTES("S: \\xg4\n"), 1, 4, "escape"},
    {BYTES("S: \\{secre}\n"), 1, 4, "escape"},
    {BYTES("S: \\{secret\n"), 1, 4, "escape"},
    {BYTES("S: ok\n  S: \\{Secret}\n"), 2, 6, "escape"},
    {BYTES("S: \\\n"), 1, 4, "hold something"},
    {BYTES("S:a\n"), 1, 3, "one blank"},
    {BYTES("S a\n"), 1, 1, "begins with"},
    {BYTES("s: a\n"), 1, 1, "begins with"},
    {BYTES("  250 ok\n"), 1, 3, "begins with"},
    {BYTES("+S: a\n"), 1, 2, "seconds"},
    {BYTES("+.5 S: a\n"), 1, 2, "seconds"},
    {BYTES("+1. S: a\n"), 1, 4, "seconds"},
    {BYTES("+1.1234567 S: a\n"), 1, 10, "seconds"},
    {BYTES("+1,5 S: a\n"), 1, 3, "seconds"},
    {BYTES("+-1 S: a\n"), 1, 2, "seconds"},
    {BYTES("+1S: a\n"), 1, 3, "seconds"},
    {BYTES("+1"), 1, 3, "seconds"},
    {BYTES("+1000000000.000001 S: a\n"), 1, 2, "over"},
    {BYTES("+1000000001 S: a\n"), 1, 2, "over"},
    {BYTES("+99999999999999999999999999 S: a\n"), 1, 2, "over"},
    {BYTES("+18446744073709551617 S: a\n"), 1, 2, "over"},
    {BYTES(" +1 S: a\n"), 1, 2, "start of the line"},
    {BYTES("+1 +1 S: a\n"), 1, 4, "start of the line"},
    {BYTES("+1 # a\n"), 1, 1, "comment has no time"},
    {BYTES("+1 = a\n"), 1, 1, "event has no time"},
    {BYTES("=\n"), 1, 2, "one blank"},
    {BYTES("=a\n"), 1, 2, "one blank"},
    {BYTES("= a\\\n"), 1, 4, "cannot go on"},
    {BYTES("! note a\\\n"), 1, 9, "cannot go on"},
    {BYTES("! note \\q\n"), 1, 8, "escape"},
    {BYTES("!\n"), 1, 2, "one blank"},
    {BYTES("!note a\n"), 1, 2, "one blank"},
    {BYTES("! wind east\n"), 1, 3, "does not know"},
    {BYTES("! notes a\n"), 1, 3, "does not know"},
    {BYTES("! not a\n"), 1, 3, "does not know"},
    {BYTES("!  note a\n"), 1, 3, "does not know"},
    {BYTES("! Note a\n"), 1, 3, "does not know"},
    {BYTES("! note\n"), 1, 7, "say something"},
    {BYTES("! connect\n"), 1, 10, "say something"},
    {BYTES("! submit\n"), 1, 9, "say something"},
    {BYTES("! timeout now\n"), 1, 11, "nothing may"},
    {BYTES("! eof\n"), 1, 6, "S or C"},
    {BYTES("! eof X\n"), 1, 7, "S or C"},
    {BYTES("! eof S C\n"), 1, 7, "S or C"},
    {BYTES("! reset\n"), 1, 8, "S or C"},
    {BYTES("! ehlo-transcript 2\n"), 1, 19, "not known here"},
    {BYTES("! ehlo-transcript 01\n"), 1, 19, "not known here"},
    {BYTES("! ehlo-transcript 1x\n"), 1, 20, "number"},
    {BYTES("! ehlo-transcript\n"), 1, 18, "missing"},
    {BYTES("+1 ! ehlo-transcript 1\n"), 1, 6, "header"},
    {BYTES("S: a\n! ehlo-transcript 1\n"), 2, 3, "header"},
    {BYTES("! ehlo-transcript 1\n! ehlo-transcript 1\n"), 2, 3, "header"},
};

Test(reader, refuses_bad_lines_at_their_place) {
  for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
    const struct bad_row *row = &bad_rows[i];
    for (size_t p = 0; p < NUM_PIECES; p++) {
      struct ehlo_item item;
      enum ehlo_read_result result;
      open_text(row->text, row->len, pieces[p]);
      do {
        result = ehlo_reader_next(&reader, &item);
      } while (result == EHLO_READ_ITEM);
      cr_assert_eq(result, EHLO_READ_BAD, "row %zu: %s", i, row->text);
      cr_expect_eq(reader.error.line, row->line, "row %zu: %s", i, row->text);
      cr_expect_eq(reader.error.column, row->column, "row %zu: %s: %zu", i, row->text,
                   reader.error.column);
      cr_expect(strstr(reader.error.message, row->word) != NULL, "row %zu: %s: %s", i, row->text,
                reader.error.message);
      cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_BAD);
    }
  }
}

Test(reader, allows_comments_before_the_header) {
  static const char text[] = "# from a mail\n#\n! ehlo-transcript 1\nS: 220 a\n";
  struct ehlo_item item;
  open_text(text, sizeof(text) - 1, 5);
  for (int i = 0; i < 4; i++) {
    cr_assert_eq(ehlo_reader_next(&reader, &item), EHLO_READ_ITEM, "%s", reader.error.message);
    cr_expect(item.has_line_feed);
  }
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_END);
  cr_expect(!reader.last_unterminated);
}

Test(reader, allows_an_empty_file) {
  struct ehlo_item item;
  open_text("", 0, 1);
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_END);
}

// ---- Limits -------------------------------------------------------------------------------------

Test(reader, takes_lines_up_to_the_limit) {
  for (size_t over = 0; over < 2; over++) {
    struct ehlo_item item;
    memset(big, 'a', sizeof(big));
    memcpy(big, "S: ", 3);
    big[LINE_MAX_ + over] = '\n';
    open_text(big, LINE_MAX_ + over + 1, 4096);
    enum ehlo_read_result result = ehlo_reader_next(&reader, &item);
    cr_assert_eq(result, over == 0 ? EHLO_READ_ITEM : EHLO_READ_BAD);
    if (over == 0) {
      cr_expect_eq(item.bytes_len, LINE_MAX_ - 3 + 2);
    } else {
      cr_expect_eq(reader.error.line, 1u);
      cr_expect_eq(reader.error.column, LINE_MAX_ + 1);
    }
  }
}

Test(reader, takes_secrets_up_to_the_limit) {
  for (size_t num = EHLO_TRANSCRIPT_SECRETS_MAX; num < EHLO_TRANSCRIPT_SECRETS_MAX + 2; num++) {
    char text[256] = "C: ";
    struct ehlo_item item;
    for (size_t i = 0; i < num; i++) {
      memcpy(text + strlen(text), "\\{secret}", 10);
    }
    open_text(text, strlen(text), 4096);
    bool fits = num == EHLO_TRANSCRIPT_SECRETS_MAX;
    cr_assert_eq(ehlo_reader_next(&reader, &item), fits ? EHLO_READ_ITEM : EHLO_READ_BAD);
    cr_expect_eq(fits ? item.num_secrets : reader.error.column, fits ? num : 4 + 9 * (num - 1));
  }
}

static long endless_read(void *arg, uint8_t *buf, size_t cap) {
  *(size_t *)arg += cap;
  memset(buf, 'S', cap);
  return (long)cap;
}

Test(reader, stops_early_in_an_endless_line) {
  size_t total = 0;
  struct ehlo_item item;
  ehlo_reader_init(&reader, endless_read, &total);
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_BAD);
  cr_expect_leq(total, EHLO_READER_IN_MAX);
}

Test(reader, tells_failed_reads_from_ends) {
  static const char text[] = "S: 220 a\nS: 2";
  struct ehlo_item item;
  open_text(text, sizeof(text) - 1, 4);
  source.fails = true;
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_ITEM);
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_FAILED);
  cr_expect_eq(ehlo_reader_next(&reader, &item), EHLO_READ_FAILED);
}

// ---- Files that are damaged ---------------------------------------------------------------------

static const char whole[] =
    "# a comment\n! ehlo-transcript 1\n! submit tls none\n+0.1 ! connect a.example:25 192.0.2.1\n"
    "+0.041235  S: 220-a\n           S: 220 STA\\\n+0.2 S: RT\\x41\n= reply 220 to greeting\n"
    "C: AUTH PLAIN \\{secret}\nC:\n! eof S\n";

// A byte that no transcript has is told at its very place, wherever it is.
Test(reader, finds_a_binary_byte_at_its_place) {
  static const char wrong[] = {'\0', '\r', '\t', '\x1f', '\x7f', '\x80', '\xff'};
  for (size_t at = 0; at < sizeof(whole) - 1; at++) {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at; i++) {
      line += whole[i] == '\n';
      column = whole[i] == '\n' ? 1 : column + 1;
    }
    for (size_t k = 0; k < sizeof(wrong) * NUM_PIECES; k++) {
      char text[sizeof(whole)];
      struct ehlo_item item;
      enum ehlo_read_result result;
      memcpy(text, whole, sizeof(whole));
      text[at] = wrong[k % sizeof(wrong)];
      open_text(text, sizeof(whole) - 1, pieces[k / sizeof(wrong)]);
      while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
      }
      cr_assert_eq(result, EHLO_READ_BAD, "%zu", at);
      cr_assert(reader.error.line == line && reader.error.column == column, "%zu: %zu:%zu", at,
                reader.error.line, reader.error.column);
      cr_assert(reader.error.message != NULL && strlen(reader.error.message) > 4);
    }
  }
}

// A file that was cut off is a transcript up to there, or wrong in its last line.
Test(reader, takes_or_refuses_what_was_cut_off) {
  for (size_t len = 0; len < sizeof(whole) - 1; len++) {
    size_t num_lines = 0;
    for (size_t i = 0; i < len; i++) {
      num_lines += i == 0 || whole[i - 1] == '\n';
    }
    for (size_t p = 0; p < NUM_PIECES; p++) {
      struct ehlo_item item;
      enum ehlo_read_result result;
      size_t num_items = 0;
      open_text(whole, len, pieces[p]);
      while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
        num_items++;
      }
      bool bad = result == EHLO_READ_BAD;
      cr_assert(bad || result == EHLO_READ_END, "%zu", len);
      cr_assert_eq(num_items, num_lines - (bad ? 1 : 0), "%zu: %zu items", len, num_items);
      cr_assert(!bad || reader.error.line == num_lines, "%zu: line %zu", len, reader.error.line);
      cr_assert(!bad || whole[len - 1] != '\n', "%zu", len);
    }
  }
}

Test(reader, survives_junk) {
  static const char seeds[] =
      "+0.5 S: a\\x41\\{secret}\\\n! eof S\n= e\n# c\nC: \\\\ x\r\t\0\xff+!=#";
  srand(1);
  for (int round = 0; round < 20000; round++) {
    char text[64];
    size_t len = (size_t)rand() % sizeof(text);
    size_t from = (size_t)rand() % (sizeof(seeds) - 1);
    for (size_t i = 0; i < len; i++) {
      from = rand() % 8 == 0 ? (size_t)rand() : from + 1;
      from %= sizeof(seeds) - 1;
      text[i] = rand() % 64 == 0 ? (char)rand() : seeds[from];
    }
    struct ehlo_item item;
    open_text(text, len, 1 + (size_t)rand() % 9);
    size_t num = 0;
    while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
      cr_assert_leq(++num, len);
    }
    cr_expect(reader.error.message == NULL || reader.error.column >= 1);
  }
}
