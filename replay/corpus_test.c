// Every transcript of the corpus replays as it says, whole and re-cut, and to the same events. A
// transcript that differs is named with the place where it does.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/corpus.h"

static void replay(struct ehlo_replay_result *out, const struct ehlo_corpus_file *file,
                   enum ehlo_chunks chunks) {
  ehlo_corpus_replay(out, file, &(struct ehlo_replay_options){.chunks = chunks});
}

Test(corpus, replays_as_recorded) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    struct ehlo_replay_result r;
    replay(&r, &corpus->files[i], EHLO_CHUNKS_RECORDED);
    ehlo_corpus_expect_same(&r, &corpus->files[i], "as recorded");
  }
  printf("%zu transcripts\n", corpus->num_files);
}

static void expect_no_difference(enum ehlo_chunks chunks, const char *cut) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result recorded;
    struct ehlo_replay_result r;
    replay(&recorded, file, EHLO_CHUNKS_RECORDED);
    replay(&r, file, chunks);
    ehlo_corpus_expect_same(&r, file, cut);
    cr_expect(r.hash == recorded.hash && r.num_events == recorded.num_events,
              "%s: %s: other events: %016" PRIx64 ", not %016" PRIx64, file->path, cut, r.hash,
              recorded.hash);
  }
}

// Whether the client's bytes are compared makes no difference where they are the same: but for sessions
// that broke, where the client had more to say than was taken of it.
Test(corpus, tolerance_makes_no_difference) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  size_t num_compared = 0;
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result strict;
    replay(&strict, file, EHLO_CHUNKS_RECORDED);
    for (unsigned cut = EHLO_CHUNKS_RECORDED; cut <= EHLO_CHUNKS_BYTE; cut++) {
      struct ehlo_replay_options options = {.chunks = (enum ehlo_chunks)cut, .tolerant = true};
      struct ehlo_replay_result r;
      ehlo_corpus_replay(&r, file, &options);
      ehlo_corpus_expect_same(&r, file, "tolerant");
      if (ehlo_status_class(strict.status) != EHLO_CLASS_TRANSPORT) {
        cr_expect_eq(r.hash, strict.hash, "%s: another hash, cut %u", file->path, cut);
        num_compared++;
      }
    }
  }
  cr_expect_gt(num_compared, corpus->num_files / 2);
}

static const struct ehlo_corpus_file *by_name(const char *name) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  char path[sizeof(corpus->files[0].path)];
  snprintf(path, sizeof(path), "corpus/transcripts/%s.smtp", name);
  for (size_t i = 0; i < corpus->num_files; i++) {
    if (strcmp(corpus->files[i].path, path) == 0) {
      return &corpus->files[i];
    }
  }
  cr_assert_fail("%s is not there", path);
  return NULL;
}

Test(corpus, lines_make_no_difference) {
  expect_no_difference(EHLO_CHUNKS_LINE, "line by line");
}

Test(corpus, bytes_make_no_difference) {
  expect_no_difference(EHLO_CHUNKS_BYTE, "byte by byte");
}

// ---- Written back ---------------------------------------------------------------------------------

// Text to read, and what was written of it.
struct copy {
  const uint8_t *text;
  size_t len;
  size_t pos;
  uint8_t *out;
  size_t out_len;
};

static long copy_read(void *arg, uint8_t *buf, size_t cap) {
  struct copy *c = arg;
  size_t left = c->len - c->pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, c->text + c->pos, n);
  c->pos += n;
  return (long)n;
}

static bool copy_write(void *arg, const char *text, size_t len) {
  struct copy *c = arg;
  cr_assert_leq(len, c->len - c->out_len);
  memcpy(c->out + c->out_len, text, len);
  c->out_len += len;
  return true;
}

static void expect_same_when_written(const char *path, const char *how, const uint8_t *text,
                                     size_t len) {
  static struct ehlo_reader reader;
  static struct ehlo_writer writer;
  struct copy c = {.text = text, .len = len, .out = malloc(len + 1)};
  struct ehlo_item item;
  enum ehlo_read_result result;
  cr_assert_not_null(c.out);
  ehlo_reader_init(&reader, copy_read, &c);
  ehlo_writer_init(&writer, copy_write, &c);
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    ehlo_writer_raw_line(&writer, item.raw, item.raw_len, item.has_line_feed);
  }
  cr_expect_eq(result, EHLO_READ_END, "%s, %s", path, how);
  cr_expect(c.out_len == len && memcmp(c.out, text, len) == 0, "%s, %s: not the same", path, how);
  free(c.out);
}

// With a comment before each line.
static void expect_same_with_comments(const struct ehlo_corpus_file *file) {
  static const char comment[] = "  #a comment \\q with \\{secret}\n";
  uint8_t *text = malloc((file->len + 1) * sizeof(comment));
  size_t len = 0;
  cr_assert_not_null(text);
  for (size_t i = 0; i < file->len; i++) {
    if (i == 0 || file->bytes[i - 1] == '\n') {
      memcpy(text + len, comment, sizeof(comment) - 1);
      len += sizeof(comment) - 1;
    }
    text[len++] = file->bytes[i];
  }
  expect_same_when_written(file->path, "with comments", text, len);
  free(text);
}

Test(corpus, written_back_is_the_same) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    cr_assert_gt(file->len, 0, "%s", file->path);
    expect_same_when_written(file->path, "as it is", file->bytes, file->len);
    expect_same_when_written(file->path, "without its last octet", file->bytes, file->len - 1);
    expect_same_with_comments(file);
  }
}

// With its events made anew it replays as before and has the same hash; made anew again it stays.
Test(corpus, an_update_changes_nothing_but_events) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  static struct ehlo_writer writer;
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct copy once = {.len = 4 * file->len + 65536};
    struct copy twice = {.len = once.len};
    struct ehlo_replay_result r;
    once.out = malloc(once.len);
    twice.out = malloc(twice.len);
    cr_assert(once.out != NULL && twice.out != NULL);
    ehlo_writer_init(&writer, copy_write, &once);
    ehlo_corpus_replay(&r, file, &(struct ehlo_replay_options){.copy = &writer});
    uint64_t hash = r.hash;
    struct ehlo_corpus_file updated = {.bytes = once.out, .len = once.out_len};
    ehlo_writer_init(&writer, copy_write, &twice);
    ehlo_corpus_replay(&r, &updated, &(struct ehlo_replay_options){.copy = &writer});
    cr_expect_eq(r.hash, hash, "%s: updated, another hash", file->path);
    cr_expect(once.out_len == twice.out_len && memcmp(once.out, twice.out, once.out_len) == 0,
              "%s: updated twice, it is not the same", file->path);
    ehlo_corpus_replay(&r, &updated, &(struct ehlo_replay_options){0});
    ehlo_corpus_expect_same(&r, file, "updated");
    free(once.out);
    free(twice.out);
  }
}

// The hash is one number, whatever compiler, optimisation or sanitizer built this. A new number here is
// a new meaning of the hash, or another session in the file: records that people keep have the old one.
Test(corpus, hashes_are_the_same_everywhere) {
  static const struct {
    const char *name;
    uint64_t hash;
  } known[] = {
      {"rfc/rfc5321-d1-typical-transaction", UINT64_C(0x010dfa17ab2841a0)},
      {"rfc/rfc2033-4.3-chunking", UINT64_C(0x74d96713049b0ce8)},
      {"rfc/rfc3030-4.2-pipelining-binarymime", UINT64_C(0xa37e9c1d9ae4820f)},
      {"rfc/rfc4954-4.1-plain-without-initial-response", UINT64_C(0x91c5df70f2453289)},
      {"providers/exchange-online-accepted", UINT64_C(0x01d94fa94bb6a2c5)},
      {"providers/postfix-partial-recipients", UINT64_C(0x03858a813fb4891b)},
      {"faults/auth-scram-sha-1-accepted", UINT64_C(0x72012dfc9234bc97)},
      {"faults/timeout-before-greeting", UINT64_C(0xb33c8c2850217200)},
      {"faults/starttls-injection-same-chunk", UINT64_C(0x3474bc599c31b02d)},
      {"faults/eof-after-the-dot", UINT64_C(0x8ade2b72464414e4)},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    struct ehlo_replay_result r;
    replay(&r, by_name(known[i].name), EHLO_CHUNKS_RECORDED);
    cr_expect_eq(r.hash, known[i].hash, "%s: %016" PRIx64, known[i].name, r.hash);
  }
}

// What people rely on is there by name, and the tests above cannot pass without it.
Test(corpus, holds_what_it_is_known_for) {
  static const struct {
    const char *name;
    enum ehlo_outcome outcome;
    enum ehlo_stage stage;
  } known[] = {
      {"providers/exchange-online-accepted", EHLO_OUTCOME_ACCEPTED, EHLO_STAGE_QUIT},
      {"providers/exchange-online-535-tenant-disabled", EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH},
      {"providers/postfix-partial-recipients", EHLO_OUTCOME_PARTIAL, EHLO_STAGE_QUIT},
      {"providers/postfix-454-tls-not-available", EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS},
      {"faults/eof-after-the-dot", EHLO_OUTCOME_UNKNOWN, EHLO_STAGE_BODY},
      {"faults/eof-after-the-final-250", EHLO_OUTCOME_ACCEPTED, EHLO_STAGE_QUIT},
      {"faults/starttls-injection-same-chunk", EHLO_OUTCOME_PROTOCOL_ERROR, EHLO_STAGE_STARTTLS},
      {"faults/rcpt-all-refused-one-for-now", EHLO_OUTCOME_DEFERRED, EHLO_STAGE_RCPT},
      {"faults/timeout-before-greeting", EHLO_OUTCOME_TIMEOUT, EHLO_STAGE_GREETING},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    struct ehlo_replay_result r;
    replay(&r, by_name(known[i].name), EHLO_CHUNKS_RECORDED);
    cr_expect(r.is_submission && r.outcome == known[i].outcome && r.stage == known[i].stage,
              "%s: outcome %s at %s", known[i].name, ehlo_outcome_name(r.outcome),
              ehlo_stage_name(r.stage));
  }
}

static void replay_with(struct ehlo_replayer *r, struct ehlo_replay_result *out,
                        const struct ehlo_corpus_file *file) {
  struct ehlo_corpus_source source = {.file = file};
  ehlo_replayer_run(r, out, ehlo_corpus_read, &source, &(struct ehlo_replay_options){0});
}

// The same memory serves one transcript after the other, and none can tell which was before it.
Test(corpus, leaves_nothing_in_used_memory) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  struct ehlo_replayer *forwards = ehlo_replayer_new();
  struct ehlo_replayer *backwards = ehlo_replayer_new();
  static struct ehlo_replay_result first[EHLO_CORPUS_FILES_MAX];
  cr_assert(forwards != NULL && backwards != NULL);
  for (size_t i = 0; i < corpus->num_files; i++) {
    replay_with(forwards, &first[i], &corpus->files[i]);
  }
  for (size_t i = corpus->num_files; i-- > 0;) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_replay_result r;
    replay_with(backwards, &r, file);
    ehlo_corpus_expect_same(&r, file, "after others");
    cr_expect(r.hash == first[i].hash && r.num_events == first[i].num_events &&
                  r.outcome == first[i].outcome && r.status == first[i].status &&
                  r.num_writes == first[i].num_writes && r.num_flights == first[i].num_flights,
              "%s", file->path);
  }
  ehlo_replayer_free(forwards);
  ehlo_replayer_free(backwards);
}
