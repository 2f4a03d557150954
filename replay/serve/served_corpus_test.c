// Each transcript, played to the client that it was recorded with, says what its server said, octet
// for octet and at any cut of the client's, but for two rules of replay/serve/SERVE.md, and for clients that sent
// a message unasked or with LF alone.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/corpus.h"
#include "replay/serve/served_testing.h"

// A hidden challenge cannot be said, and the 421 that came in the middle of a message comes at
// the end of one, which this client never sends.
static bool is_other(const struct ehlo_corpus_file *file) {
  static const char hidden[] = "334 \\{secret}";
  return strstr(file->path, "421-in-the-message") != NULL ||
         memmem(file->bytes, file->len, hidden, sizeof(hidden) - 1) != NULL;
}

// The script of a server knows a message by the 354 before it, and its end by CRLF.
static bool is_blind(const struct ehlo_corpus_file *file) {
  return strstr(file->path, "/lmtp-blind.") != NULL ||
         strstr(file->path, "/script-blind-session.") != NULL ||
         strstr(file->path, "/script-lf-alone.") != NULL;
}

static struct ehlo_served served;
static struct ehlo_faults no_faults;

static void play(struct ehlo_served_run *run, const struct ehlo_script *script,
                 const struct ehlo_sides *sides, size_t piece) {
  memset(run, 0, sizeof(*run));
  memset(&no_faults, 0, sizeof(no_faults));
  ehlo_served_init(&served, script, &no_faults, EHLO_SERVE_RECORDED, 1000, 1);
  ehlo_served_run_steps(run, &served);
  ehlo_served_run_input(run, &served, sides->client.bytes, sides->client.len, piece);
  ehlo_served_finish(&served);
}

// What the server says beyond the record is to commands whose replies the recorded client never
// got.
static bool is_as_recorded(const struct ehlo_served_run *run, const struct ehlo_sides *sides) {
  return ehlo_sides_begin(&run->said, sides->server.bytes, sides->server.len);
}

static size_t check_file(const struct ehlo_corpus_file *file) {
  struct ehlo_script script;
  struct ehlo_transcript_error error;
  struct ehlo_sides sides;
  struct ehlo_served_run whole;
  struct ehlo_served_run cut;
  if (!ehlo_script_read_text(&script, &error, file->bytes, file->len)) {
    cr_expect_not_null(strstr(error.message, "nothing here is said"), "%s:%zu: %s", file->path,
                       error.line, error.message);
    return 0;
  }
  cr_assert(ehlo_sides_read(&sides, file->bytes, file->len));
  play(&whole, &script, &sides, SIZE_MAX);
  play(&cut, &script, &sides, 1);
  cr_expect(is_as_recorded(&whole, &sides) != is_other(file), "%s says %.*s", file->path,
            (int)whole.said.len, whole.said.len > 0 ? (const char *)whole.said.bytes : "");
  cr_expect(is_other(file) || !served.report.differs,
            "%s: its client differs from itself at step %zu: %s for %s", file->path,
            served.report.differs_at, ehlo_meaning_name(served.report.done.meaning),
            ehlo_meaning_name(served.report.recorded.meaning));
  cr_expect(
      whole.log.len == cut.log.len && ehlo_sides_begin(&whole.log, cut.log.bytes, cut.log.len),
      "%s depends on the cuts", file->path);
  ehlo_served_run_free(&whole);
  ehlo_served_run_free(&cut);
  ehlo_sides_free(&sides);
  ehlo_script_free(&script);
  return 1;
}

Test(served_corpus, every_transcript_to_its_own_client) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  size_t num_served = 0;
  for (size_t i = 0; i < corpus->num_files; i++) {
    num_served += is_blind(&corpus->files[i]) ? 0 : check_file(&corpus->files[i]);
  }
  cr_assert_gt(num_served, corpus->num_files * 9 / 10);
}
