// Where a replay stands: in the transcript, in time, and in the client.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_PLACE_H
#define EHLO_TOOLS_DRIVER_REPLAY_PLACE_H

#include "tools/driver/replay_source.h"
#include "tools/driver/replay_tap.h"

// Prints it to the tap's stream, without the event. `line` is the transcript's line that was used last; `source` is the
// transcript, which is not moved. The tap's replay has begun and its memory is still there.
void replay_place_print(const struct replay_tap *t, const struct replay_source *source,
                        const char *path, size_t line);

// Prints the transcript's lines around `line`, which is marked.
void replay_place_list(FILE *out, const struct replay_source *source, size_t line);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_PLACE_H
