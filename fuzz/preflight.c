// What the preflight finds in a message, a reference finds that has the whole message before it:
// the same findings on the same lines at any cut, and the size that the encoder then sends.
#include "engine/preflight.h"

#include <string.h>

#include "engine/body.h"
#include "fuzz/fuzz.h"
#include "fuzz/reference_message.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_FINDING_NO_HEADER] = "no header",
    [EHLO_FINDING_BARE_CR] = "a bare CR",
    [EHLO_FINDING_NUL_DOT] = "NUL and a lone dot",
    [EHLO_FINDING_NUL] = "NUL",
    [EHLO_FINDING_LONG_LINE] = "a long line",
    [EHLO_FINDING_BARE_LF] = "a bare LF",
    [EHLO_FINDING_NO_LAST_END] = "a last line without an end",
    [EHLO_FINDING_MIXED_ENDS] = "line ends of both kinds",
    [EHLO_FINDING_EIGHT_BIT_HEADER] = "8-bit characters in the header",
    [EHLO_FINDING_EIGHT_BIT_BODY] = "8-bit characters in the body",
    [EHLO_FINDING_BAD_HEADER] = "a line that is no header field",
    [EHLO_FINDING_NO_BLANK_LINE] = "no blank line",
    [EHLO_FINDING_TWICE] = "a field twice",
    [EHLO_FINDING_MISSING] = "a field that is missing",
};

static void look(struct ehlo_preflight *p, const uint8_t *message, size_t len,
                 struct ehlo_fuzz_cuts cuts) {
  static struct ehlo_fuzz_block block;
  ehlo_preflight_init(p);
  for (size_t at = 0; at < len;) {
    size_t piece = ehlo_fuzz_next_cut(&cuts, len - at);
    uint8_t *exact = ehlo_fuzz_lend(&block, piece);
    memcpy(exact, message + at, piece);
    ehlo_preflight_feed(p, exact, piece);
    ehlo_fuzz_return(&block);
    at += piece;
  }
  ehlo_preflight_end(p);
}

// What is asked of a message as a whole is what its findings add up to.
static void judge_sums(const struct ehlo_preflight *p, const struct ehlo_reference_message *wanted,
                       enum ehlo_fuzz_oracle by) {
  uint64_t sums[EHLO_NUM_FINDINGS] = {0};
  for (size_t i = 0; i < wanted->num_findings; i++) {
    sums[wanted->findings[i].kind]++;
  }
  EHLO_FUZZ_CHECK_BY(by, ehlo_preflight_count(p, EHLO_FINDING_TWICE) == sums[EHLO_FINDING_TWICE]);
  EHLO_FUZZ_CHECK_BY(by,
                     ehlo_preflight_count(p, EHLO_FINDING_MISSING) == sums[EHLO_FINDING_MISSING]);
  EHLO_FUZZ_CHECK_BY(
      by, ehlo_preflight_is_8bit(p) ==
              (sums[EHLO_FINDING_EIGHT_BIT_HEADER] + sums[EHLO_FINDING_EIGHT_BIT_BODY] > 0));
}

// Each finding of the reference comes in turn, and nothing else.
static void judge(const struct ehlo_preflight *p, const struct ehlo_reference_message *wanted,
                  enum ehlo_fuzz_oracle by) {
  struct ehlo_finding f;
  size_t pos = 0;
  for (size_t i = 0; i < wanted->num_findings; i++) {
    const struct ehlo_finding *w = &wanted->findings[i];
    EHLO_FUZZ_CHECK_BY(by, ehlo_preflight_next(p, &pos, &f));
    EHLO_FUZZ_CHECK_BY(by, f.kind == w->kind && f.count == w->count);
    EHLO_FUZZ_CHECK_BY(by, f.line == w->line && f.other_line == w->other_line);
    EHLO_FUZZ_CHECK_BY(by, (f.field == NULL) == (w->field == NULL));
    EHLO_FUZZ_CHECK_BY(by, f.field == NULL || strcmp(f.field, w->field) == 0);
    ehlo_fuzz_reach(f.kind);
  }
  EHLO_FUZZ_CHECK_BY(by, !ehlo_preflight_next(p, &pos, &f));
  EHLO_FUZZ_CHECK_BY(by, p->num_lines == wanted->num_lines && p->num_fields == wanted->num_fields);
  EHLO_FUZZ_CHECK_BY(by, p->wire_size == wanted->size);
  judge_sums(p, wanted, by);
}

// What the encoder makes of it without dots, which is what SIZE means; what it refuses is found.
static void encode(const struct ehlo_preflight *p, const uint8_t *message, size_t len) {
  size_t cap = 2 * len + EHLO_BODY_END_MAX;
  static struct ehlo_fuzz_block block;
  uint8_t *out = ehlo_fuzz_lend(&block, cap);
  struct ehlo_body body;
  size_t used = 0;
  size_t sent = 0;
  size_t end = 0;
  ehlo_body_init_chunk(&body, EHLO_BARE_CR_REPAIR);
  EHLO_FUZZ_CHECK(ehlo_body_encode(&body, &used, &sent, out, cap, message, len) == EHLO_OK);
  EHLO_FUZZ_CHECK(ehlo_body_end(&body, &end, out + sent, cap - sent) == EHLO_OK);
  EHLO_FUZZ_CHECK(sent + end == p->wire_size && body.num_lines == p->num_lines);
  ehlo_body_init(&body, EHLO_BARE_CR_REFUSE);
  ehlo_body_set_bare_lf(&body, EHLO_BARE_LF_REFUSE);
  enum ehlo_status status = ehlo_body_encode(&body, &used, &sent, out, cap, message, len);
  if (status == EHLO_OK) {
    status = ehlo_body_end(&body, &end, out + sent, cap - sent);
  }
  bool refused = ehlo_preflight_count(p, EHLO_FINDING_BARE_CR) > 0 ||
                 ehlo_preflight_count(p, EHLO_FINDING_BARE_LF) > 0 ||
                 ehlo_preflight_count(p, EHLO_FINDING_NO_LAST_END) > 0 ||
                 ehlo_preflight_count(p, EHLO_FINDING_NUL_DOT) > 0;
  EHLO_FUZZ_CHECK(refused == (status != EHLO_OK));
  ehlo_fuzz_return(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_reference_message wanted;
  struct ehlo_preflight p;
  ehlo_reference_message(&wanted, data, size);
  for (int cut = 0; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    bool whole = cut == EHLO_FUZZ_WHOLE;
    if (whole || ehlo_fuzz_wants_cut((enum ehlo_fuzz_cut)cut, (uint8_t)size)) {
      look(&p, data, size, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, (uint32_t)size});
      judge(&p, &wanted, whole ? EHLO_FUZZ_MODEL : EHLO_FUZZ_RECUT);
    }
  }
  encode(&p, data, size);
  return 0;
}
