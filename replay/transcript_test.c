// The writer of transcripts, by itself and against the reader: what the canonical layout is, and
// that bytes and times survive both ways.
#include <criterion/criterion.h>
#include <stdio.h>
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
};

static long source_read(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->len - s->at;
  n = n < s->piece ? n : s->piece;
  n = n < cap ? n : cap;
  memcpy(buf, s->text + s->at, n);
  s->at += n;
  return (long)n;
}

struct sink {
  char text[1 << 18];
  size_t len;
  size_t num_writes;
  size_t fail_at;  // this write and later ones fail; 0: none
};

static bool sink_write(void *arg, const char *text, size_t len) {
  struct sink *s = arg;
  s->num_writes++;
  if (s->fail_at != 0 && s->num_writes >= s->fail_at) {
    return false;
  }
  cr_assert(len <= sizeof(s->text) - s->len);
  memcpy(s->text + s->len, text, len);
  s->len += len;
  return true;
}

static struct sink sink;
static struct sink sink2;
static struct ehlo_writer writer;
static struct ehlo_reader reader;
static struct source source;
static char big[1 << 16];

static void open_text(const char *text, size_t len, size_t piece) {
  source = (struct source){.text = text, .len = len, .piece = piece};
  ehlo_reader_init(&reader, source_read, &source);
}

static void open_sink(void) {
  memset(&sink, 0, sizeof(sink));
  ehlo_writer_init(&writer, sink_write, &sink);
}

static void sink_is(const char *wanted) {
  cr_assert(!writer.failed);
  cr_assert(sink.len == strlen(wanted) && memcmp(sink.text, wanted, sink.len) == 0,
            "got:\n%.*s\nwanted:\n%s", (int)sink.len, sink.text, wanted);
}

#define BYTES(s) s, sizeof(s) - 1

// ---- Writing what was read ----------------------------------------------------------------------

static const char *const files[] = {
    // RFC 5321 appendix D.1, as it is printed there.
    "      S: 220 foo.com Simple Mail Transfer Service Ready\n"
    "      C: EHLO bar.com\n"
    "      S: 250-foo.com greets bar.com\n"
    "      S: 250-8BITMIME\n"
    "      S: 250-SIZE\n"
    "      S: 250-DSN\n"
    "      S: 250 HELP\n"
    "      C: MAIL FROM:<Smith@bar.com>\n"
    "      S: 250 OK\n"
    "      C: RCPT TO:<Jones@foo.com>\n"
    "      S: 250 OK\n"
    "      C: RCPT TO:<Green@foo.com>\n"
    "      S: 550 No such user here\n"
    "      C: DATA\n"
    "      S: 354 Start mail input; end with <CRLF>.<CRLF>\n"
    "      C: Blah blah blah...\n"
    "      C: ...etc. etc. etc.\n"
    "      C: .\n"
    "      S: 250 OK\n"
    "      C: QUIT\n"
    "      S: 221 foo.com Service closing transmission channel\n",
    "# a comment, kept by the tools\n"
    "! ehlo-transcript 1\n"
    "! connect smtp.example:587 203.0.113.7\n"
    "+0.041235  S: 220 mail.example ESMTP\n"
    "+0.000310  C: EHLO client.example\n"
    "+0.032000  S: 250-mail.example greets\n"
    "           S: 250-SIZE 35882577\n"
    "           S: 250 STA\\\n"
    "+0.180000  S: RTTLS\n"
    "+0.000200  C: STARTTLS\n"
    "+0.030000  S: 220 go ahead\n"
    "+0.061000  ! tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok sha256=9f..\n"
    "+0.000100  C: AUTH PLAIN \\{secret}\n"
    "= reply 235 2.7.0 to AUTH\n"
    "+0.010000  ! eof S\n",
    "S: 220 a\n+01.50    C:\n  S: \\X\n",
    "S: \\xFF\\x41 no line feed at the end",
    "#\n",
    "",
};

Test(writer, gives_back_what_was_read_byte_for_byte) {
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    struct ehlo_item item;
    open_text(files[i], strlen(files[i]), 17);
    open_sink();
    while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
      ehlo_writer_raw_line(&writer, item.raw, item.raw_len, item.has_line_feed);
    }
    size_t read_len = reader.error.message == NULL
                          ? strlen(files[i])
                          : (size_t)(strstr(files[i], "  S: \\X") - files[i]);
    cr_expect_eq(sink.len, read_len);
    cr_expect_arr_eq(sink.text, files[i], sink.len);
  }
}

Test(writer, ends_an_unfinished_line_before_another) {
  open_sink();
  ehlo_writer_raw_line(&writer, "S: a", 4, false);
  ehlo_writer_event(&writer, "b");
  ehlo_writer_raw_line(&writer, "S: c", 4, false);
  sink_is("S: a\n= b\nS: c");
}

// ---- The canonical layout -----------------------------------------------------------------------

static void chunk(enum ehlo_side side, uint64_t delta_us, const char *bytes, size_t len) {
  ehlo_writer_chunk_begin(&writer, side, delta_us);
  ehlo_writer_bytes(&writer, (const uint8_t *)bytes, len);
  ehlo_writer_chunk_end(&writer);
}

Test(writer, aligns_marks_and_continues_chunks) {
  open_sink();
  ehlo_writer_fact(&writer, EHLO_NO_TIME, BYTES("ehlo-transcript 1"));
  ehlo_writer_comment(&writer, "made by hand");
  chunk(EHLO_SIDE_SERVER, 41235, BYTES("220 a\r\n250 STA"));
  chunk(EHLO_SIDE_SERVER, 180000, BYTES("RTTLS\r\n"));
  chunk(EHLO_SIDE_CLIENT, 12345678901, BYTES("\r\n a \r\nb "));
  chunk(EHLO_SIDE_CLIENT, EHLO_NO_TIME, BYTES("\r\n"));
  chunk(EHLO_SIDE_CLIENT, 0, BYTES(""));
  ehlo_writer_event(&writer, "reply 250");
  ehlo_writer_fact(&writer, 10000, BYTES("eof S"));
  sink_is(
      "! ehlo-transcript 1\n"
      "# made by hand\n"
      "+0.041235  S: 220 a\n"
      "           S: 250 STA\\\n"
      "+0.180000  S: RTTLS\n"
      "+12345.678901 C:\n"
      "           C:  a\\x20\n"
      "           C: b \\\n"
      "           C:\n"
      "= reply 250\n"
      "+0.010000  ! eof S\n");
}

Test(writer, escapes_all_that_is_not_printable) {
  open_sink();
  chunk(EHLO_SIDE_SERVER, 0, BYTES("\\ \t\0\x1f\x7f\xff\r\r\nx\ny\r\n\n\r"));
  sink_is(
      "+0.000000  S: \\\\ \\t\\x00\\x1f\\x7f\\xff\\r\n"
      "           S: x\\ny\n"
      "           S: \\n\\r\\\n");
}

Test(writer, keeps_the_places_of_secrets) {
  open_sink();
  ehlo_writer_chunk_begin(&writer, EHLO_SIDE_CLIENT, 0);
  ehlo_writer_bytes(&writer, (const uint8_t *)"AUTH \r", 6);
  ehlo_writer_secret(&writer);
  ehlo_writer_bytes(&writer, (const uint8_t *)"\r\n", 2);
  for (int i = 0; i < 9; i++) {
    ehlo_writer_secret(&writer);
  }
  ehlo_writer_event(&writer, "ends the chunk");
  sink_is(
      "+0.000000  C: AUTH \\r\\{secret}\n"
      "           C: \\{secret}\\{secret}\\{secret}\\{secret}\\{secret}\\{secret}\\{secret}"
      "\\{secret}\\\n"
      "           C: \\{secret}\\\n"
      "= ends the chunk\n");
}

// What is handed over, and when: whole lines, together where a chunk ends.
Test(writer, hands_over_whole_lines) {
  open_sink();
  ehlo_writer_chunk_begin(&writer, EHLO_SIDE_SERVER, 0);
  ehlo_writer_bytes(&writer, (const uint8_t *)"250-a\r\n250 b\r", 13);
  cr_expect_eq(sink.num_writes, 0u);
  ehlo_writer_flush(&writer);
  sink_is("+0.000000  S: 250-a\n");
  ehlo_writer_flush(&writer);
  cr_expect_eq(sink.num_writes, 1u);
  ehlo_writer_bytes(&writer, (const uint8_t *)"\n25", 3);
  cr_expect_eq(sink.num_writes, 1u);
  ehlo_writer_chunk_end(&writer);
  cr_expect_eq(sink.num_writes, 2u);
  sink_is("+0.000000  S: 250-a\n           S: 250 b\n           S: 25\\\n");
  ehlo_writer_event(&writer, "a");
  ehlo_writer_fact(&writer, 0, BYTES("timeout"));
  ehlo_writer_comment(&writer, "b\nc");
  cr_expect_eq(sink.num_writes, 5u);
}

Test(writer, gathers_where_told_to) {
  open_sink();
  ehlo_writer_init_gathering(&writer, sink_write, &sink);
  ehlo_writer_chunk_begin(&writer, EHLO_SIDE_SERVER, 0);
  ehlo_writer_bytes(&writer, (const uint8_t *)"250 a\r\n", 7);
  ehlo_writer_chunk_end(&writer);
  ehlo_writer_event(&writer, "b");
  ehlo_writer_fact(&writer, 0, BYTES("timeout"));
  ehlo_writer_comment(&writer, "c");
  ehlo_writer_raw_line(&writer, BYTES("# d"), false);
  cr_expect_eq(sink.num_writes, 0u);
  ehlo_writer_flush(&writer);
  cr_expect_eq(sink.num_writes, 1u);
  sink_is("+0.000000  S: 250 a\n= b\n+0.000000  ! timeout\n# c\n# d");
  ehlo_writer_event(&writer, "e");
  ehlo_writer_flush(&writer);
  sink_is("+0.000000  S: 250 a\n= b\n+0.000000  ! timeout\n# c\n# d\n= e\n");
}

// A long chunk takes a call for each full room, and no more.
Test(writer, hands_over_a_long_chunk_in_few_calls) {
  open_sink();
  ehlo_writer_chunk_begin(&writer, EHLO_SIDE_CLIENT, 0);
  for (int i = 0; i < 2000; i++) {
    ehlo_writer_bytes(&writer, (const uint8_t *)"0123456789012345678901234567890123456789\r\n", 42);
  }
  cr_expect_gt(sink.num_writes, 0u);
  ehlo_writer_chunk_end(&writer);
  cr_expect_eq(sink.len, 2000u * 55);
  cr_expect_leq(sink.num_writes, sink.len / (EHLO_WRITER_OUT_MAX - LINE_MAX_ - 1) + 1);
  cr_expect_eq(sink.text[sink.len - 1], '\n');
}

// What was good before a text that does not fit is not lost with it.
Test(writer, keeps_what_was_before_a_failure) {
  open_sink();
  ehlo_writer_init_gathering(&writer, sink_write, &sink);
  ehlo_writer_event(&writer, "a");
  memset(big, 'n', sizeof(big));
  ehlo_writer_fact(&writer, 0, big, LINE_MAX_);
  ehlo_writer_event(&writer, "b");
  ehlo_writer_flush(&writer);
  cr_expect(writer.failed && sink.len == 4 && memcmp(sink.text, "= a\n", 4) == 0);
}

Test(writer, caps_a_time_that_could_not_be_read) {
  open_sink();
  ehlo_writer_fact(&writer, EHLO_TRANSCRIPT_DELTA_MAX_US, BYTES("timeout"));
  ehlo_writer_fact(&writer, EHLO_TRANSCRIPT_DELTA_MAX_US + 1, BYTES("timeout"));
  sink_is("+1000000000.000000 ! timeout\n+1000000000.000000 ! timeout\n");
}

Test(writer, breaks_comments) {
  open_sink();
  ehlo_writer_comment(&writer, "a \\ \t\xe9 \n\n b");
  ehlo_writer_comment(&writer, "");
  sink_is("# a \\ \\t\\xe9\n#\n#  b\n#\n");
  open_sink();
  memset(big, 'c', 2 * LINE_MAX_);
  big[2 * LINE_MAX_] = '\0';
  ehlo_writer_comment(&writer, big);
  struct ehlo_item item;
  size_t total = 0;
  open_text(sink.text, sink.len, 4096);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    cr_expect_eq(item.type, EHLO_ITEM_COMMENT);
    total += item.text_len;
  }
  cr_expect(reader.error.message == NULL);
  cr_expect_eq(total, 2 * LINE_MAX_);
}

Test(writer, takes_facts_up_to_the_limit) {
  for (size_t over = 0; over < 2; over++) {
    open_sink();
    memset(big, 'n', sizeof(big));
    memcpy(big, "note ", 5);
    ehlo_writer_fact(&writer, EHLO_NO_TIME, big, LINE_MAX_ - 2 + over);
    cr_expect_eq(writer.failed, over != 0);
    cr_expect_eq(sink.len, over == 0 ? LINE_MAX_ + 1 : 0);
    ehlo_writer_event(&writer, "x");
    cr_expect_eq(sink.len, over == 0 ? LINE_MAX_ + 5 : 0);
  }
}

Test(writer, stops_at_a_failed_write) {
  open_sink();
  sink.fail_at = 2;
  ehlo_writer_event(&writer, "a");
  cr_expect(!writer.failed);
  ehlo_writer_event(&writer, "b");
  cr_expect(writer.failed);
  sink.fail_at = 0;
  ehlo_writer_event(&writer, "c");
  chunk(EHLO_SIDE_SERVER, 0, BYTES("d\r\n"));
  cr_expect_eq(sink.num_writes, 2u);
  cr_expect_eq(sink.len, 4u);
}

// ---- Both ways ----------------------------------------------------------------------------------

// What a transcript says: a chunk is its side, its time and its bytes, with a mark for a secret.
struct story {
  size_t len;
  char text[1 << 18];
};

static struct story told;
static struct story wanted;

static void tell(struct story *s, const void *bytes, size_t len) {
  cr_assert(len <= sizeof(s->text) - s->len);
  memcpy(s->text + s->len, bytes, len);
  s->len += len;
}

static void tell_chunk(struct story *s, enum ehlo_side side, uint64_t delta_us) {
  char head[32];
  int len = snprintf(head, sizeof(head), "<%d %llu>", (int)side, (unsigned long long)delta_us);
  tell(s, head, (size_t)len);
}

static void tell_item(struct story *s, const struct ehlo_item *item) {
  size_t at = 0;
  if (item->has_time) {
    tell_chunk(s, item->side, item->delta_us);
  }
  for (size_t i = 0; i < item->num_secrets; i++) {
    tell(s, item->bytes + at, item->secret_at[i] - at);
    tell(s, "<secret>", 8);
    at = item->secret_at[i];
  }
  tell(s, item->bytes + at, item->bytes_len - at);
}

static void tell_text(struct story *s, const char *text, size_t len) {
  struct ehlo_item item;
  s->len = 0;
  open_text(text, len, 1000);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    tell_item(s, &item);
  }
  cr_assert(reader.error.message == NULL, "%zu:%zu: %s", reader.error.line, reader.error.column,
            reader.error.message);
}

static void random_piece(uint8_t *out, size_t *out_len) {
  static const char alphabet[] = "\r\n\r\n \\\t\0x{}S:250-aaaa\x80\xff";
  size_t scale = rand() % 50 == 0 ? 20000 : 12;
  *out_len = (size_t)rand() % scale;
  for (size_t i = 0; i < *out_len; i++) {
    out[i] = (uint8_t)alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
  }
}

static void random_chunk(void) {
  enum ehlo_side side = rand() % 2 == 0 ? EHLO_SIDE_SERVER : EHLO_SIDE_CLIENT;
  uint64_t delta_us = (uint64_t)rand() * (uint64_t)(rand() % 1000);
  bool begun = false;
  ehlo_writer_chunk_begin(&writer, side, delta_us);
  for (int pieces_left = rand() % 5; pieces_left > 0; pieces_left--) {
    uint8_t piece[20000];
    size_t len = 0;
    bool secret = rand() % 6 == 0;
    if (!secret) {
      random_piece(piece, &len);
    }
    if (!begun && (secret || len > 0)) {
      tell_chunk(&wanted, side, delta_us);
      begun = true;
    }
    if (secret) {
      ehlo_writer_secret(&writer);
      tell(&wanted, "<secret>", 8);
    }
    ehlo_writer_bytes(&writer, piece, len);
    tell(&wanted, piece, len);
  }
  ehlo_writer_chunk_end(&writer);
}

// Decodes what is in `sink` and writes it again: the canonical form stays as it is.
static void rewrite(void) {
  struct ehlo_item item;
  memset(&sink2, 0, sizeof(sink2));
  ehlo_writer_init(&writer, sink_write, &sink2);
  open_text(sink.text, sink.len, 999);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    if (item.has_time || !writer.in_chunk) {
      ehlo_writer_chunk_begin(&writer, item.side, item.has_time ? item.delta_us : EHLO_NO_TIME);
    }
    size_t at = 0;
    for (size_t i = 0; i < item.num_secrets; at = item.secret_at[i++]) {
      ehlo_writer_bytes(&writer, item.bytes + at, item.secret_at[i] - at);
      ehlo_writer_secret(&writer);
    }
    ehlo_writer_bytes(&writer, item.bytes + at, item.bytes_len - at);
  }
  ehlo_writer_chunk_end(&writer);
  cr_expect_eq(sink2.len, sink.len);
  cr_expect_arr_eq(sink2.text, sink.text, sink.len);
}

static void judge_text(void) {
  size_t column = 0;
  for (size_t i = 0; i < sink.len; i++) {
    char c = sink.text[i];
    cr_assert(c == '\n' || (c >= 0x20 && c <= 0x7e));
    cr_assert(c != '\n' || (i > 0 && sink.text[i - 1] != ' '));
    column = c == '\n' ? 0 : column + 1;
    cr_assert_leq(column, LINE_MAX_);
  }
}

Test(both, bytes_and_times_survive) {
  srand(2);
  for (int round = 0; round < 400; round++) {
    open_sink();
    wanted.len = 0;
    for (int chunks = rand() % 6; chunks > 0; chunks--) {
      random_chunk();
    }
    cr_assert(!writer.failed);
    judge_text();
    tell_text(&told, sink.text, sink.len);
    cr_assert_eq(told.len, wanted.len, "round %d:\n%.*s", round, (int)sink.len, sink.text);
    cr_assert_arr_eq(told.text, wanted.text, wanted.len);
    rewrite();
  }
}

// Every length around the limit, ended by a CRLF, a blank and a CRLF, or not at all.
Test(both, long_lines_are_broken_and_joined) {
  static const char *const tails[] = {"\r\n", " \r\n", "", "\r", "\xff\r\n"};
  for (size_t len = LINE_MAX_ - 24; len < LINE_MAX_; len++) {
    for (size_t t = 0; t < sizeof(tails) / sizeof(tails[0]); t++) {
      open_sink();
      wanted.len = 0;
      memset(big, 'a', len);
      memcpy(big + len, tails[t], strlen(tails[t]));
      tell_chunk(&wanted, EHLO_SIDE_SERVER, 1);
      tell(&wanted, big, len + strlen(tails[t]));
      chunk(EHLO_SIDE_SERVER, 1, big, len + strlen(tails[t]));
      judge_text();
      tell_text(&told, sink.text, sink.len);
      cr_assert_eq(told.len, wanted.len);
      cr_assert_arr_eq(told.text, wanted.text, wanted.len);
    }
  }
}
