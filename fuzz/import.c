// Any bytes as a log of any format: a whole transcript comes out, the same however the log was read, or
// also a place and a sentence; and nothing in it says what the log proves to be a secret.
#include "replay/import/import.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum goal { GOAL_BAD = 0, GOAL_HIDDEN, GOAL_TLS, GOAL_FORMATS };  // and one for each format

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_BAD] = "a log that is none",
    [GOAL_HIDDEN] = "a hidden credential",
    [GOAL_TLS] = "TLS",
    [GOAL_FORMATS + EHLO_IMPORT_S_CLIENT] = "s_client",
    [GOAL_FORMATS + EHLO_IMPORT_SWAKS] = "swaks",
    [GOAL_FORMATS + EHLO_IMPORT_CURL] = "curl",
    [GOAL_FORMATS + EHLO_IMPORT_CURL_TRACE] = "curl-trace",
    [GOAL_FORMATS + EHLO_IMPORT_MSMTP] = "msmtp",
    [GOAL_FORMATS + EHLO_IMPORT_SMTPLIB] = "smtplib",
    [GOAL_FORMATS + EHLO_IMPORT_PHPMAILER] = "phpmailer",
    [GOAL_FORMATS + EHLO_IMPORT_NODEMAILER] = "nodemailer",
};

static struct ehlo_scrub scrub;

// What one reading of a log gives.
struct reading {
  struct ehlo_fuzz_bytes transcript;
  bool good;
  struct ehlo_import_error error;
};

// A line's own text: what is not of the notation, nor of a line that the importer always writes so.
static bool is_of_the_log(const char *line, size_t len, size_t *out_at) {
  size_t at = 0;
  while (at < len && line[at] != '#' && line[at] != '!' && line[at] != 'S' && line[at] != 'C') {
    at++;
  }
  *out_at = at + (at < len && line[at] == '#' ? 2 : 3);
  if (*out_at >= len || line[at] == '!') {
    return false;
  }
  const char *text = line + *out_at;
  size_t text_len = len - *out_at;
  return !(text_len == 10 && memcmp(text, "\\{secret}\n", 10) == 0) &&
         !(line[at] == '#' && text_len > 15 && memcmp(text, "(a line of the ", 15) == 0);
}

static bool take(void *arg, const char *line, size_t len) {
  size_t at;
  EHLO_FUZZ_CHECK(len > 0 && line[len - 1] == '\n');
  if (is_of_the_log(line, len, &at)) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                       !ehlo_scrub_is_said(&scrub, (const uint8_t *)line + at, len - at - 1));
  }
  ehlo_fuzz_add(arg, line, len);
  return true;
}

static void read_log(struct reading *out, enum ehlo_import_format format,
                     const struct ehlo_fuzz_bytes *log, struct ehlo_fuzz_cuts cuts) {
  static struct ehlo_importer importer;
  ehlo_importer_init(&importer, format, &scrub, take, &out->transcript);
  for (size_t at = 0; at < log->len;) {
    size_t n = ehlo_fuzz_next_cut(&cuts, log->len - at);
    ehlo_importer_feed(&importer, log->bytes + at, n);
    at += n;
  }
  out->good = ehlo_importer_finish(&importer);
  out->error = importer.error;
  EHLO_FUZZ_CHECK(!ehlo_importer_write_failed(&importer));
  EHLO_FUZZ_CHECK(out->good ||
                  (out->error.line > 0 && out->error.column > 0 && out->error.message != NULL));
}

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct ehlo_fuzz_bytes *left = arg;
  size_t n = left->len < cap ? left->len : cap;
  if (n > 0) {
    memcpy(buf, left->bytes, n);
    left->bytes += n;
    left->len -= n;
  }
  return (long)n;
}

// It is one, from its first line to its last, whatever the log was.
static void expect_transcript(const struct reading *r) {
  static struct ehlo_reader reader;
  struct ehlo_fuzz_bytes left = r->transcript;
  struct ehlo_item item;
  enum ehlo_read_result result;
  ehlo_reader_init(&reader, give, &left);
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    if (item.num_secrets > 0) {
      ehlo_fuzz_reach(GOAL_HIDDEN);
    }
    if (item.type == EHLO_ITEM_FACT && item.fact == EHLO_FACT_TLS) {
      ehlo_fuzz_reach(GOAL_TLS);
    }
  }
  EHLO_FUZZ_CHECK(result == EHLO_READ_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  enum ehlo_import_format format =
      (enum ehlo_import_format)(1 + data[0] % (EHLO_IMPORT_NUM_FORMATS - 1));
  struct ehlo_fuzz_bytes log = {ehlo_fuzz_copy(data + 1, size - 1), size - 1, size - 1};
  struct reading whole = {.good = false};
  struct reading cut = {.good = false};
  ehlo_import_recognise(log.bytes, log.len);
  ehlo_scrub_init(&scrub);
  ehlo_scrub_learn(&scrub, log.bytes, log.len);
  ehlo_scrub_learn_end(&scrub);
  read_log(&whole, format, &log, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  expect_transcript(&whole);
  read_log(&cut, format, &log, (struct ehlo_fuzz_cuts){EHLO_FUZZ_PIECES, (uint32_t)size});
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, cut.good == whole.good &&
                                          cut.error.line == whole.error.line &&
                                          cut.error.column == whole.error.column &&
                                          cut.error.message == whole.error.message);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&cut.transcript, &whole.transcript));
  ehlo_fuzz_reach(whole.good ? GOAL_FORMATS + (size_t)format : GOAL_BAD);
  free(cut.transcript.bytes);
  free(whole.transcript.bytes);
  free(log.bytes);
  return 0;
}
