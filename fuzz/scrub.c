// Any bytes as somebody's log: what comes out is the log with marks in some places, the same however it was
// read, and what stands between the marks says none of the secrets that were found.
#include "replay/scrub/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum goal { GOAL_CLEAN, GOAL_FOUND, GOAL_SAID_AGAIN, GOAL_WRAPPED };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_CLEAN] = "a log without credentials",
    [GOAL_FOUND] = "a credential",
    [GOAL_SAID_AGAIN] = "one that stands elsewhere too",
    [GOAL_WRAPPED] = "one over several lines",
};

static const char mark[] = "{secret}";
#define MARK_LEN (sizeof(mark) - 1)

static struct ehlo_scrub scrub;

struct reading {
  struct ehlo_fuzz_bytes text;
  struct ehlo_fuzz_bytes places;
  uint64_t num_found;
};

static bool take(void *arg, const char *text, size_t len) {
  ehlo_fuzz_add(&((struct reading *)arg)->text, text, len);
  return true;
}

static void note(void *arg, const struct ehlo_scrub_finding *finding) {
  struct reading *r = arg;
  EHLO_FUZZ_CHECK(finding->line > 0 && finding->column > 0 && finding->what != NULL);
  ehlo_fuzz_add_number(&r->places, finding->line);
  ehlo_fuzz_add_number(&r->places, finding->column);
  if (strstr(finding->what, "elsewhere") != NULL) {
    ehlo_fuzz_reach(GOAL_SAID_AGAIN);
  }
}

static void each_piece(void (*take_piece)(struct ehlo_scrub *s, const uint8_t *bytes, size_t len),
                       const struct ehlo_fuzz_bytes *log, struct ehlo_fuzz_cuts cuts) {
  for (size_t at = 0; at < log->len;) {
    size_t n = ehlo_fuzz_next_cut(&cuts, log->len - at);
    take_piece(&scrub, log->bytes + at, n);
    at += n;
  }
}

static bool read_log(struct reading *out, const struct ehlo_fuzz_bytes *log,
                     struct ehlo_fuzz_cuts cuts) {
  ehlo_scrub_init(&scrub);
  each_piece(ehlo_scrub_learn, log, cuts);
  bool good = ehlo_scrub_learn_end(&scrub);
  ehlo_scrub_rewrite_begin(&scrub, take, note, out);
  each_piece(ehlo_scrub_rewrite, log, cuts);
  out->num_found = ehlo_scrub_rewrite_end(&scrub);
  EHLO_FUZZ_CHECK(!scrub.write_failed);
  return good;
}

static const uint8_t *find(const uint8_t *text, const uint8_t *end, const uint8_t *part,
                           size_t len) {
  for (; (size_t)(end - text) >= len; text++) {
    if (memcmp(text, part, len) == 0) {
      return text;
    }
  }
  return NULL;
}

// The pieces between the marks stand in the log in this order; none of them says a secret.
static void judge(const struct reading *r, const struct ehlo_fuzz_bytes *log, bool all_known) {
  if (r->text.len == 0) {
    return;
  }
  const uint8_t *at = r->text.bytes;
  const uint8_t *end = at + r->text.len;
  const uint8_t *log_at = log->bytes;
  while (at < end) {
    const uint8_t *next = find(at, end, (const uint8_t *)mark, MARK_LEN);
    size_t len = (size_t)((next != NULL ? next : end) - at);
    const uint8_t *place = find(log_at, log->bytes + log->len, at, len);
    EHLO_FUZZ_CHECK(place != NULL);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !all_known || !ehlo_scrub_is_said(&scrub, at, len));
    log_at = place + len;
    at += len + (next != NULL ? MARK_LEN : 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_fuzz_bytes log = {ehlo_fuzz_copy(data, size), size, size};
  struct reading cut = {.num_found = 0};
  struct reading whole = {.num_found = 0};
  read_log(&cut, &log, (struct ehlo_fuzz_cuts){EHLO_FUZZ_PIECES, (uint32_t)size});
  bool all_known = read_log(&whole, &log, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, whole.num_found == cut.num_found);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&whole.text, &cut.text));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&whole.places, &cut.places));
  judge(&whole, &log, all_known);
  if (whole.num_found == 0) {
    ehlo_fuzz_reach(GOAL_CLEAN);
    EHLO_FUZZ_CHECK(ehlo_fuzz_same(&whole.text, &log));
  } else {
    ehlo_fuzz_reach(GOAL_FOUND);
  }
  if (whole.num_found > 1 && find(whole.text.bytes, whole.text.bytes + whole.text.len,
                                  (const uint8_t *)"{secret}\n{secret}\n", 18) != NULL) {
    ehlo_fuzz_reach(GOAL_WRAPPED);
  }
  free(whole.text.bytes);
  free(whole.places.bytes);
  free(cut.text.bytes);
  free(cut.places.bytes);
  free(log.bytes);
  return 0;
}
