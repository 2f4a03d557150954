// What a case of the bench consists of. A case measures several contenders at the same work and says
// which ratios of their speeds are wanted; measure.c runs it, report.c prints it. Nothing in here
// decides whether a speed is good: the exit status tells only of what is broken.
#ifndef EHLO_TOOLS_BENCH_BENCH_H
#define EHLO_TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENDERS_MAX 8
#define TARGETS_MAX 8
#define ROUNDS_MAX 99

// Does the work once and returns a digest of what came out. With `check` false, which is how it is
// timed, the digest may be as cheap as the number of octets.
typedef uint64_t contender_run(const void *work, bool check);

struct contender {
  const char *name;
  contender_run *run;  // NULL: it is not on this machine, `version` says what to install
  const char *version;
  const void *work;
  size_t octets;      // of input, per run
  uint64_t expected;  // the digest with `check`
  bool ours;          // must not allocate
};

// The speed of one contender as a multiple of another's, at least `wanted`.
struct target {
  const char *of;
  const char *than;
  double wanted;
};

// How often something is to be done in a second of processor time, at least `wanted` times.
struct rate_row {
  const char *of;    // a contender
  const char *unit;  // what is done
  double per_run;
  double wanted;
};

// What measure.c found.
struct measured {
  double best_s;
  double median_s;
  long num_allocations;  // in all timed runs; -1 where they cannot be counted
  bool wrong;            // the digest was not the expected one
};

// A size in octets, at most `wanted`; no limit where that is 0.
struct size_row {
  const char *name;
  size_t octets;
  size_t wanted;
};

struct bench_case {
  const char *name;
  const char *summary;
  struct contender contenders[CONTENDERS_MAX];
  size_t num_contenders;
  struct target targets[TARGETS_MAX];
  size_t num_targets;
  struct rate_row rates[TARGETS_MAX];
  size_t num_rates;
  struct size_row sizes[TARGETS_MAX];
  size_t num_sizes;
  struct measured measured[CONTENDERS_MAX];
};

struct settings {
  size_t octets;  // of input for the large cases
  size_t num_rounds;
  bool json;
};

// Each makes its input, which lives as long as the program, and describes the case.
void case_reply(struct bench_case *c, const struct settings *settings);
void case_reply_1(struct bench_case *c, const struct settings *settings);
void case_body_lf(struct bench_case *c, const struct settings *settings);
void case_body_crlf(struct bench_case *c, const struct settings *settings);
void case_base64_encode(struct bench_case *c, const struct settings *settings);
void case_base64_decode(struct bench_case *c, const struct settings *settings);
void case_replay(struct bench_case *c, const struct settings *settings);
void case_transcript_read(struct bench_case *c, const struct settings *settings);
void case_transcript_write(struct bench_case *c, const struct settings *settings);
void case_size(struct bench_case *c, const struct settings *settings);

// Adds a contender; the fields beyond these are the caller's to set in what is returned.
struct contender *add_contender(struct bench_case *c, const char *name, contender_run *run,
                                const void *work, size_t octets, uint64_t expected);
void add_target(struct bench_case *c, const char *of, const char *than, double wanted);
void add_rate(struct bench_case *c, const char *of, const char *unit, size_t per_run,
              double wanted);

// FNV-1a, 64 bits; begin with DIGEST_START.
#define DIGEST_START UINT64_C(0xcbf29ce484222325)
uint64_t digest_octets(uint64_t digest, const void *octets, size_t len);
uint64_t digest_number(uint64_t digest, uint64_t number);

// Memory that stays; the program ends where there is none.
void *allocate(size_t len);

// The next of a fixed sequence of pseudo-random numbers.
uint32_t next_random(uint32_t *seed);

#endif  // EHLO_TOOLS_BENCH_BENCH_H
