// Any bytes at all may be the mock server of a client: what the harness finds does not depend on the
// pieces in which the client hands over its words, nor on those in which the transcript is read.
#include "replay/harness.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define HIDDEN_LEN 8
#define GOAL_TOLERANT 8

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_REPLAY_SAME] = "a client that says what was said",
    [EHLO_REPLAY_DIVERGED] = "one that does not",
    [EHLO_REPLAY_BAD] = "no transcript",
    [GOAL_TOLERANT + EHLO_REPLAY_SAME] = "a client that gives the same commands",
    [GOAL_TOLERANT + EHLO_REPLAY_DIVERGED] = "one that gives others",
};

// Reads the transcript beside the harness and says its client's lines when they are due, now and then
// with an octet of its own.
struct parrot {
  struct ehlo_memory memory;
  struct ehlo_reader reader;
  struct ehlo_item item;
  bool have_item;
  size_t server_left;
  struct ehlo_fuzz_cuts cuts;
  uint32_t noise;  // decides which octets are its own; 0: none
};

static bool next_item(struct parrot *p) {
  while (!p->have_item && ehlo_reader_next(&p->reader, &p->item) == EHLO_READ_ITEM) {
    p->have_item = p->item.type == EHLO_ITEM_SERVER || p->item.type == EHLO_ITEM_CLIENT;
    p->server_left = p->item.bytes_len + p->item.num_secrets * HIDDEN_LEN;
  }
  return p->have_item;
}

static void say(struct parrot *p, struct ehlo_harness *h) {
  uint8_t *bytes = ehlo_fuzz_copy(p->item.bytes, p->item.bytes_len);
  for (size_t i = 0; i < p->item.bytes_len && p->noise != 0; i++) {
    p->noise = p->noise * 1664525 + 1013904223;
    bytes[i] ^= p->noise >> 24 == 0 ? 1 : 0;
  }
  for (size_t at = 0; at < p->item.bytes_len;) {
    size_t n = ehlo_fuzz_next_cut(&p->cuts, p->item.bytes_len - at);
    ehlo_harness_send(h, bytes + at, n);
    at += n;
  }
  free(bytes);
  p->have_item = false;
}

static void follow(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  struct parrot *p = arg;
  EHLO_FUZZ_CHECK((in->len > 0) == (in->happening == EHLO_HARNESS_BYTES));
  for (size_t left = in->len; left > 0 && next_item(p) && p->item.type == EHLO_ITEM_SERVER;) {
    size_t n = left < p->server_left ? left : p->server_left;
    left -= n;
    p->server_left -= n;
    p->have_item = p->server_left > 0;
  }
  while (next_item(p) && p->item.type == EHLO_ITEM_CLIENT) {
    say(p, h);
  }
}

static long read_bytewise(void *memory, uint8_t *buf, size_t cap) {
  return ehlo_memory_read(memory, buf, cap < 1 ? cap : 1);
}

static struct ehlo_harness harness;

static void run(struct ehlo_harness_result *out, const uint8_t *text, size_t len,
                struct ehlo_harness_options options, enum ehlo_fuzz_cut cut, uint32_t noise) {
  static struct parrot p;
  struct ehlo_memory memory = {text, len, 0};
  p.memory = memory;
  p.have_item = false;
  p.cuts = (struct ehlo_fuzz_cuts){cut, (uint32_t)len};
  p.noise = noise;
  ehlo_reader_init(&p.reader, ehlo_memory_read, &p.memory);
  ehlo_harness_run(&harness, out, cut == EHLO_FUZZ_WHOLE ? ehlo_memory_read : read_bytewise,
                   &memory, &options, follow, &p);
  EHLO_FUZZ_CHECK(out->verdict != EHLO_REPLAY_FAILED);
  EHLO_FUZZ_CHECK(out->divergence.found || out->verdict != EHLO_REPLAY_DIVERGED);
  EHLO_FUZZ_CHECK(out->verdict != EHLO_REPLAY_BAD || out->error.message != NULL);
  EHLO_FUZZ_CHECK(!out->divergence.found ||
                  (out->divergence.line > 0 && out->divergence.column > 0) || len == 0);
  ehlo_fuzz_reach(out->verdict + (options.tolerant ? GOAL_TOLERANT : 0));
}

static void expect_same(const struct ehlo_harness_result *a, const struct ehlo_harness_result *b) {
  const struct ehlo_divergence *da = &a->divergence;
  const struct ehlo_divergence *db = &b->divergence;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, a->verdict == b->verdict && a->end_us == b->end_us);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     a->num_early == b->num_early || a->verdict == EHLO_REPLAY_DIVERGED);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     da->found == db->found && da->line == db->line && da->column == db->column);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     strcmp(da->expected, db->expected) == 0 && strcmp(da->got, db->got) == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     a->error.line == b->error.line && a->error.column == b->error.column);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *text = ehlo_fuzz_copy(data, size);
  for (unsigned i = 0; i < 12; i++) {
    struct ehlo_harness_options options = {.chunks = (enum ehlo_chunks)(i % 3),
                                           .tolerant = i % 6 >= 3};
    uint32_t noise = i >= 6 ? (uint32_t)size * 2 + 1 : 0;
    struct ehlo_harness_result whole;
    struct ehlo_harness_result other;
    run(&whole, text, size, options, EHLO_FUZZ_WHOLE, noise);
    for (unsigned cut = EHLO_FUZZ_BYTES; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
      run(&other, text, size, options, (enum ehlo_fuzz_cut)cut, noise);
      expect_same(&other, &whole);
    }
  }
  free(text);
  return 0;
}
