// `ehlo replay --until`: one transcript, run up to an event.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_UNTIL_H
#define EHLO_TOOLS_DRIVER_REPLAY_UNTIL_H

#include "tools/driver/replay_options.h"

// Replays `path` up to event o->until and tells how things stand there. Returns the exit status: 0 if
// all went as recorded up to there.
int replay_until(const struct replay_options *o, const char *path);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_UNTIL_H
