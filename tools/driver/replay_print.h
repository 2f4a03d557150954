// One result of `ehlo replay`, for people or as JSON.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_PRINT_H
#define EHLO_TOOLS_DRIVER_REPLAY_PRINT_H

#include <stdio.h>

#include "replay/replay.h"

const char *replay_verdict_name(enum ehlo_replay_verdict verdict);

// What became of `path`. `why` is what is wrong if it could not be read.
struct replay_line {
  const char *path;
  enum ehlo_chunks chunks;
  const struct ehlo_replay_result *result;
  const char *why;
};

// To `out` what people want to know, but for what is as recorded where they want it quiet; to `err`
// what is wrong with the file.
void replay_print_text(FILE *out, FILE *err, const struct replay_line *line, bool quiet);

// To `out` one JSON object, without a line feed; to `err` what could not be read.
void replay_print_json(FILE *out, FILE *err, const struct replay_line *line);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_PRINT_H
