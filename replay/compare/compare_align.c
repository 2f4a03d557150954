// An edit distance over exchanges, within a window that moves along, so that memory stays bounded: what
// is alike goes by itself, and where it ends, the cheapest way through the window is taken for its
// first half.
#include "replay/compare/compare_align.h"

#include <stdlib.h>

// An exchange without a counterpart; one that says something else than its counterpart; one that may
// yet have a counterpart behind the window.
#define COST_ALONE 2U
#define COST_OTHER 3U
#define COST_OPEN 1U
#define COST_NEVER 1000000U

enum step { STEP_BOTH, STEP_A, STEP_B };

static uint32_t cost_of(const struct ehlo_compare_exchange *a,
                        const struct ehlo_compare_exchange *b) {
  bool placed = a->kind == EHLO_EXCHANGE_HELO || a->kind == EHLO_EXCHANGE_AUTH;
  if (a->kind != b->kind || (placed && a->secure != b->secure)) {
    return COST_NEVER;
  }
  bool same = a->kind == EHLO_COMPARE_TLS ||
              (a->command_hash == b->command_hash && a->text_hash == b->text_hash);
  return same ? 0 : COST_OTHER;
}

struct window {
  const struct ehlo_compare_exchange *a;
  const struct ehlo_compare_exchange *b;
  size_t num_a;
  size_t num_b;
  uint32_t cost_a;  // of what is left of A where B's part is used up
  uint32_t cost_b;
  uint8_t step[EHLO_COMPARE_WINDOW + 1][EHLO_COMPARE_WINDOW + 1];
  uint32_t cost[2][EHLO_COMPARE_WINDOW + 1];
};

// The cheapest first step from each place to the window's end, from the end backwards.
static void fill(struct window *w) {
  for (size_t j = w->num_b + 1; j-- > 0;) {
    w->cost[w->num_a & 1][j] = (uint32_t)(w->num_b - j) * w->cost_b;
    w->step[w->num_a][j] = STEP_B;
  }
  for (size_t i = w->num_a; i-- > 0;) {
    uint32_t *here = w->cost[i & 1];
    const uint32_t *next = w->cost[(i + 1) & 1];
    here[w->num_b] = (uint32_t)(w->num_a - i) * w->cost_a;
    w->step[i][w->num_b] = STEP_A;
    for (size_t j = w->num_b; j-- > 0;) {
      uint32_t both = next[j + 1] + cost_of(&w->a[i], &w->b[j]);
      uint32_t only_a = next[j] + COST_ALONE;
      uint32_t only_b = here[j + 1] + COST_ALONE;
      uint32_t least = both <= only_a && both <= only_b ? both : only_a <= only_b ? only_a : only_b;
      w->step[i][j] = least == both ? STEP_BOTH : least == only_a ? STEP_A : STEP_B;
      here[j] = least;
    }
  }
}

bool ehlo_compare_align(const struct ehlo_compare_session *a, const struct ehlo_compare_session *b,
                        void (*pair)(void *arg, const struct ehlo_compare_exchange *a,
                                     const struct ehlo_compare_exchange *b),
                        void *arg) {
  struct window *w = malloc(sizeof(*w));
  size_t i = 0;
  size_t j = 0;
  while (w != NULL && (i < a->num_exchanges || j < b->num_exchanges)) {
    while (i < a->num_exchanges && j < b->num_exchanges &&
           cost_of(&a->exchanges[i], &b->exchanges[j]) == 0) {
      pair(arg, &a->exchanges[i++], &b->exchanges[j++]);
    }
    size_t left_a = a->num_exchanges - i;
    size_t left_b = b->num_exchanges - j;
    w->a = left_a > 0 ? a->exchanges + i : NULL;
    w->b = left_b > 0 ? b->exchanges + j : NULL;
    w->num_a = left_a < EHLO_COMPARE_WINDOW ? left_a : EHLO_COMPARE_WINDOW;
    w->num_b = left_b < EHLO_COMPARE_WINDOW ? left_b : EHLO_COMPARE_WINDOW;
    w->cost_a = w->num_b < left_b ? COST_OPEN : COST_ALONE;
    w->cost_b = w->num_a < left_a ? COST_OPEN : COST_ALONE;
    fill(w);
    bool last = w->num_a == left_a && w->num_b == left_b;
    size_t until = last ? SIZE_MAX : EHLO_COMPARE_WINDOW / 2;
    size_t x = 0;
    size_t y = 0;
    while ((x < w->num_a || y < w->num_b) && x < until && y < until) {
      uint8_t step = w->step[x][y];
      pair(arg, step == STEP_B ? NULL : &w->a[x], step == STEP_A ? NULL : &w->b[y]);
      x += step != STEP_B;
      y += step != STEP_A;
    }
    i += x;
    j += y;
  }
  free(w);
  return w != NULL;
}
