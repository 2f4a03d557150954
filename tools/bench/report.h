// What was measured, for people and for programs.
#ifndef EHLO_TOOLS_BENCH_REPORT_H
#define EHLO_TOOLS_BENCH_REPORT_H

#include "tools/bench/bench.h"

void report_text(const struct bench_case *c);

// One JSON object over all cases. False where it cannot be written.
bool report_json(const struct bench_case *cases, size_t num_cases, const struct settings *settings);

#endif  // EHLO_TOOLS_BENCH_REPORT_H
