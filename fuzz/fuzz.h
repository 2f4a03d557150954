// What all fuzz targets share: checks, exact-size copies, bytes that grow, cuts, and the goals that
// the seeds of a target have to reach. It knows nothing of SMTP.
#ifndef EHLO_FUZZ_FUZZ_H
#define EHLO_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A function of a target that only watches, so that it does not guide libFuzzer and costs less. Never
// LLVMFuzzerTestOneInput(): libFuzzer gives up if the empty input comes to nothing that guides it.
#if defined(__clang__)
#define EHLO_FUZZ_WATCHER __attribute__((no_sanitize("coverage")))
#else
#define EHLO_FUZZ_WATCHER
#endif

// What a target defines: one input. It keeps no bytes from one call to the next, only room. The input is
// a heap block of exactly its size, here as in libFuzzer, so that a sanitizer sees a read beyond.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What can find a fault. A finding names which of them did. A build may leave some out, to see what the
// others find without them: -DEHLO_FUZZ_ORACLES=… joins those that judge. Sanitizers are one more.
enum ehlo_fuzz_oracle {
  EHLO_FUZZ_INVARIANT = 1,  // a rule of the target's own
  EHLO_FUZZ_MODEL = 2,      // what an independent implementation says
  EHLO_FUZZ_RECUT = 4,      // the same bytes in other pieces
  EHLO_FUZZ_SECRECY = 8,    // where octets of a secret may be
  EHLO_FUZZ_LIVENESS = 16,  // always progress, a deadline, or an end
};
#ifndef EHLO_FUZZ_ORACLES
#define EHLO_FUZZ_ORACLES 31
#endif
#define EHLO_FUZZ_HAS(oracle) ((EHLO_FUZZ_ORACLES & (oracle)) != 0)

// A flag of libFuzzer that a target's mutator wants.
__attribute__((weak)) extern char ehlo_fuzz_mutator_flag[];

// What has to hold. If it does not and the oracle judges, the program ends, which is a finding. The
// condition is evaluated either way.
#define EHLO_FUZZ_CHECK_BY(oracle, condition)      \
  ((condition) || !EHLO_FUZZ_HAS(oracle) ? (void)0 \
                                         : ehlo_fuzz_fail(__FILE__, __LINE__, oracle, #condition))
#define EHLO_FUZZ_CHECK(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_INVARIANT, condition)
_Noreturn void ehlo_fuzz_fail(const char *file, int line, enum ehlo_fuzz_oracle oracle,
                              const char *condition);

// What the seeds of a target have to reach, lest a corpus test succeed and test nothing. An entry
// may be NULL.
#define EHLO_FUZZ_GOALS_MAX 64
extern const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX];
extern bool ehlo_fuzz_reached[EHLO_FUZZ_GOALS_MAX];
static inline void ehlo_fuzz_reach(size_t goal) {
  ehlo_fuzz_reached[goal] = true;
}

// More goals than those, for a target whose libraries have any: says each that the seeds have missed,
// and how many there are.
__attribute__((weak)) size_t ehlo_fuzz_goals_missed(void);

// How many states all inputs so far came to, of how many, for a target whose libraries have a table.
__attribute__((weak)) size_t ehlo_fuzz_states(size_t *out_declared);

// A heap block of exactly `len` bytes, so that a sanitizer sees a read beyond.
uint8_t *ehlo_fuzz_copy(const uint8_t *bytes, size_t len);

// The same for a target that wants to be quick: the memory is kept for the next time, and what is not
// lent of it is poisoned, so that a sanitizer sees what is read beyond, before, and after the return.
// All zero is a block without memory. The bytes that are lent hold whatever they held.
struct ehlo_fuzz_block {
  uint8_t *bytes;
  size_t cap;
  size_t lent;
};

uint8_t *ehlo_fuzz_lend(struct ehlo_fuzz_block *block, size_t len);
void ehlo_fuzz_return(struct ehlo_fuzz_block *block);

bool ehlo_fuzz_is_all(uint8_t byte, const uint8_t *bytes, size_t len);
bool ehlo_fuzz_is_zero(const uint8_t *bytes, size_t len);

// Bytes that grow. All zero is empty; freed by the caller, or cleared for the next input.
struct ehlo_fuzz_bytes {
  uint8_t *bytes;
  size_t len;
  size_t cap;
};

// Room for `len` bytes more, which count from now on.
uint8_t *ehlo_fuzz_extend(struct ehlo_fuzz_bytes *b, size_t len);
void ehlo_fuzz_add(struct ehlo_fuzz_bytes *b, const void *bytes, size_t len);
void ehlo_fuzz_clear(struct ehlo_fuzz_bytes *b);
void ehlo_fuzz_fill(struct ehlo_fuzz_bytes *b, uint8_t byte, size_t times);
void ehlo_fuzz_add_number(struct ehlo_fuzz_bytes *b, uint64_t number);
bool ehlo_fuzz_same(const struct ehlo_fuzz_bytes *a, const struct ehlo_fuzz_bytes *b);

// How a run cuts what it is given: not at all, everywhere, or into pieces, half of them of 1 to 4 bytes and
// half of 1 to 64.
enum ehlo_fuzz_cut { EHLO_FUZZ_WHOLE, EHLO_FUZZ_BYTES, EHLO_FUZZ_PIECES, EHLO_FUZZ_NUM_CUTS };

struct ehlo_fuzz_cuts {
  enum ehlo_fuzz_cut cut;
  uint32_t state;  // of the sizes of pieces; any value begins a sequence
};

// The length of the next piece of the `left` bytes that are left.
size_t ehlo_fuzz_next_cut(struct ehlo_fuzz_cuts *cuts, size_t left);

// Besides whole, a fuzzer runs an input at one cut, which the input names by an octet of its own:
// speed finds more than thoroughness, and other inputs name the other. The corpus test, for which
// nobody waits, runs all.
extern bool ehlo_fuzz_every_cut;
bool ehlo_fuzz_wants_cut(enum ehlo_fuzz_cut cut, uint8_t name);

#endif  // EHLO_FUZZ_FUZZ_H
