// `ehlo replay --step`: one transcript, stopped at each of its events.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_STEP_H
#define EHLO_TOOLS_DRIVER_REPLAY_STEP_H

#include "tools/driver/replay_options.h"

// Stops at each event, from o->until on if that is not 0, and obeys the commands that come on
// standard input, a line each. Returns the exit status: that of the replay, if it came to its end.
int replay_step(const struct replay_options *o, const char *path);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_STEP_H
