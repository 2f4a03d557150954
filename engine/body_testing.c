// A text through the encoder, and a comparison of two.
#include "engine/body_testing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static enum ehlo_status end_body(struct ehlo_body *b, struct encoded *e, size_t out_cap) {
  size_t n = 0;
  uint8_t *block = malloc(out_cap);
  cr_assert(block != NULL);
  enum ehlo_status status = ehlo_body_end(b, &n, block, out_cap);
  memcpy(e->bytes + e->len, block, n);
  e->len += n;
  free(block);
  return status;
}

struct encoded encode_as(enum kind kind, enum ehlo_bare_cr bare_cr, enum ehlo_bare_lf bare_lf,
                         const char *in, size_t len, size_t first, size_t step, size_t out_cap) {
  struct encoded e;
  struct ehlo_body b;
  memset(&e, 0, sizeof(e));
  if (kind == FOR_BDAT) {
    ehlo_body_init_chunk(&b, bare_cr);
  } else {
    ehlo_body_init(&b, bare_cr);
  }
  ehlo_body_set_bare_lf(&b, bare_lf);
  size_t end = first < len ? first : len;
  while (e.used < len && e.status == EHLO_OK) {
    size_t piece = end - e.used;
    uint8_t *block = malloc(out_cap);
    uint8_t *exact = malloc(piece);
    cr_assert(block != NULL && exact != NULL);
    memcpy(exact, in + e.used, piece);
    size_t used = 0;
    size_t n = 0;
    e.status = ehlo_body_encode(&b, &used, &n, block, out_cap, exact, piece);
    cr_assert(used > 0 || e.status != EHLO_OK || out_cap < 4 || n > 0, "no progress");
    memcpy(e.bytes + e.len, block, n);
    e.len += n;
    e.used += used;
    free(exact);
    free(block);
    if (e.used == end) {
      end = end + step < len ? end + step : len;
    }
  }
  if (e.status == EHLO_OK) {
    e.status = end_body(&b, &e, out_cap < EHLO_BODY_END_MAX ? EHLO_BODY_END_MAX : out_cap);
  }
  e.num_lines = b.num_lines;
  return e;
}

void expect_same(const struct encoded *a, const struct encoded *b, const char *in) {
  cr_assert_eq(a->status, b->status, "[%s]", in);
  cr_assert_eq(a->used, b->used, "[%s]", in);
  cr_assert_eq(a->num_lines, b->num_lines, "[%s]", in);
  cr_assert(a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0, "[%s] [%.*s]", in,
            (int)b->len, b->bytes);
}
