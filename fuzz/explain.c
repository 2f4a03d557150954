// Any bytes as somebody's log: the refusals in it are the same whatever stood in memory before,
// each is a code of class 4 or 5 with bounded words, and what explains it is a sentence of ours,
// never the stranger's.
#include "tools/explain/log.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum goal { GOAL_GENERAL, GOAL_ENTRY, GOAL_TOKEN, GOAL_TRACE, GOAL_HOST, GOAL_STAGE, GOAL_LINES };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_GENERAL] = "a refusal that no entry fits", [GOAL_ENTRY] = "one of the catalogue",
    [GOAL_TOKEN] = "a refused token in base64",      [GOAL_TRACE] = "what support asks for",
    [GOAL_HOST] = "a host told by the log",          [GOAL_STAGE] = "a stage told by the log",
    [GOAL_LINES] = "a reply of several lines",
};

static struct explain_log log_reader;

static void check_sentence(const char *text) {
  size_t len = strlen(text);
  EHLO_FUZZ_CHECK(len > 0);
  for (size_t i = 0; i < len; i++) {
    EHLO_FUZZ_CHECK((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
  }
}

static void check_explanation(const struct explanation *e) {
  check_sentence(e->meaning);
  check_sentence(e->source);
  EHLO_FUZZ_CHECK(e->num_fix <= EXPLAIN_FIX_MAX);
  EHLO_FUZZ_CHECK(memchr(e->trace, '\0', sizeof(e->trace)) != NULL);
  for (size_t i = 0; i < e->num_fix; i++) {
    check_sentence(e->fix[i]);
  }
  EHLO_FUZZ_CHECK((e->id == NULL) == (e->as_of == NULL));
  ehlo_fuzz_reach(e->id != NULL ? GOAL_ENTRY : GOAL_GENERAL);
  if (e->trace[0] != '\0') {
    ehlo_fuzz_reach(GOAL_TRACE);
  }
}

static void found(void *arg, const struct explain_question *q) {
  struct ehlo_fuzz_bytes *all = arg;
  struct explanation e;
  EHLO_FUZZ_CHECK(q->code == 0 || (q->code >= 400 && q->code <= 599));
  EHLO_FUZZ_CHECK(q->words.len > 0 && q->words.len <= EXPLAIN_LOG_WORDS_MAX);
  ehlo_fuzz_add_number(all, q->code);
  ehlo_fuzz_add(all, (const char *)q->words.bytes, q->words.len);
  if (explain_answer(&e, q)) {
    check_explanation(&e);
    ehlo_fuzz_add(all, e.meaning, strlen(e.meaning));
  } else {
    EHLO_FUZZ_CHECK(q->code == 0);
  }
  if (q->code == 0) {
    ehlo_fuzz_reach(GOAL_TOKEN);
  }
  if (q->host != NULL) {
    ehlo_fuzz_reach(GOAL_HOST);
  }
  if (q->stage_known) {
    ehlo_fuzz_reach(GOAL_STAGE);
  }
  if (memchr(q->words.bytes, '\n', q->words.len) != NULL) {
    ehlo_fuzz_reach(GOAL_LINES);
  }
}

static void read_log(struct ehlo_fuzz_bytes *out, const uint8_t *bytes, size_t len, int before) {
  memset(&log_reader, before, sizeof(log_reader));
  explain_log_init(&log_reader, found, out);
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    size_t n = lf != NULL ? (size_t)(lf - bytes) - at : len - at;
    // On the heap by itself, so that reading beyond a line is seen.
    uint8_t *line = malloc(n > 0 ? n : 1);
    EHLO_FUZZ_CHECK(line != NULL);
    memcpy(line, bytes + at, n);
    explain_log_line(&log_reader, (struct ehlo_span){line, n});
    free(line);
    at += n + 1;
  }
  explain_log_end(&log_reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_bytes first;
  static struct ehlo_fuzz_bytes second;
  ehlo_fuzz_clear(&first);
  ehlo_fuzz_clear(&second);
  read_log(&first, data, size, 0);
  read_log(&second, data, size, 0xa5);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&first, &second));
  return 0;
}
