// The clock is the processor time of this process: time that others take is not counted.
#include "tools/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare_times(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool check(struct bench_case *c) {
  bool good = true;
  for (size_t i = 0; i < c->num_contenders; i++) {
    const struct contender *contender = &c->contenders[i];
    if (contender->run != NULL) {
      c->measured[i].wrong = contender->run(contender->work, true) != contender->expected;
    }
    if (c->measured[i].wrong) {
      fprintf(stderr, "bench: %s: what %s gives is wrong\n", c->name, contender->name);
      good = false;
    }
  }
  return good;
}

// One timed run; every run of a contender gives the same digest.
static bool run_once(const struct contender *contender, struct measured *m, uint64_t *digest,
                     double *time_s) {
  long before = count_allocations();
  double start = now_s();
  uint64_t found = contender->run(contender->work, false);
  *time_s = now_s() - start;
  long after = count_allocations();
  m->num_allocations = after < 0 ? -1 : m->num_allocations + after - before;
  bool same = *digest == 0 || *digest == found;
  *digest = found;
  return same;
}

static bool judge_runs(const struct bench_case *c, size_t i, bool same) {
  bool allocated = c->contenders[i].ours && c->measured[i].num_allocations > 0;
  if (!same) {
    fprintf(stderr, "bench: %s: %s gives now this, now that\n", c->name, c->contenders[i].name);
  }
  if (allocated) {
    fprintf(stderr, "bench: %s: %s allocates memory\n", c->name, c->contenders[i].name);
  }
  return same && !allocated;
}

bool measure(struct bench_case *c, const struct settings *settings) {
  static double times_s[CONTENDERS_MAX][ROUNDS_MAX];
  uint64_t digests[CONTENDERS_MAX] = {0};
  bool same[CONTENDERS_MAX];
  bool good = check(c);
  for (size_t i = 0; i < c->num_contenders; i++) {
    same[i] = true;
  }
  for (size_t round = 0; round < settings->num_rounds; round++) {
    for (size_t i = 0; i < c->num_contenders; i++) {
      if (c->contenders[i].run != NULL) {
        same[i] &= run_once(&c->contenders[i], &c->measured[i], &digests[i], &times_s[i][round]);
      }
    }
  }
  for (size_t i = 0; i < c->num_contenders; i++) {
    qsort(times_s[i], settings->num_rounds, sizeof(double), compare_times);
    c->measured[i].best_s = times_s[i][0];
    c->measured[i].median_s = times_s[i][settings->num_rounds / 2];
    good &= judge_runs(c, i, same[i]);
  }
  return good;
}
