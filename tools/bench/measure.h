// Runs the contenders of a case against each other.
#ifndef EHLO_TOOLS_BENCH_MEASURE_H
#define EHLO_TOOLS_BENCH_MEASURE_H

#include "tools/bench/bench.h"

// Checks what each contender gives, then times them in turn, round after round, so that whatever
// else the machine does meets all of them alike. False where something is broken; a line on standard
// error says what.
bool measure(struct bench_case *c, const struct settings *settings);

// Calls of malloc(), calloc() and realloc() up to now, in the whole process; -1 where this build
// cannot count them.
long count_allocations(void);

#endif  // EHLO_TOOLS_BENCH_MEASURE_H
