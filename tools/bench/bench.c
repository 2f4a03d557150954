// Small helpers of all cases.
#include "tools/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct contender *add_contender(struct bench_case *c, const char *name, contender_run *run,
                                const void *work, size_t octets, uint64_t expected) {
  struct contender *added = &c->contenders[c->num_contenders++];
  *added = (struct contender){
      .name = name, .run = run, .work = work, .octets = octets, .expected = expected};
  return added;
}

void add_target(struct bench_case *c, const char *of, const char *than, double wanted) {
  c->targets[c->num_targets++] = (struct target){of, than, wanted};
}

void add_rate(struct bench_case *c, const char *of, const char *unit, size_t per_run,
              double wanted) {
  c->rates[c->num_rates++] = (struct rate_row){of, unit, (double)per_run, wanted};
}

uint64_t digest_octets(uint64_t digest, const void *octets, size_t len) {
  const uint8_t *bytes = octets;
  for (size_t i = 0; i < len; i++) {
    digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
  }
  return digest;
}

uint64_t digest_number(uint64_t digest, uint64_t number) {
  return digest_octets(digest, &number, sizeof(number));
}

void *allocate(size_t len) {
  void *block = malloc(len);
  if (block == NULL) {
    fprintf(stderr, "bench: out of memory\n");
    exit(EX_OSERR);
  }
  return block;
}

uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525U + 1013904223U;
  return *seed >> 8;
}
