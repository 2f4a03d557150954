// `ehlo replay --update`: a transcript with its events made anew, put in the place of the old one.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_UPDATE_H
#define EHLO_TOOLS_DRIVER_REPLAY_UPDATE_H

#include "replay/replay.h"
#include "tools/driver/replay_source.h"

enum replay_updated {
  REPLAY_UPDATED,   // or diverged, or bad: then the file is as it was
  REPLAY_UNWRITTEN  // see `why`; the file is as it was
};

// Runs the transcript and, if it goes as recorded and its events are others, replaces the file by what
// came: at once, with its owner and mode, and through a link where `path` is one.
enum replay_updated replay_update(struct ehlo_replay_result *out, char why[200],
                                  struct ehlo_replayer *replayer, struct replay_source *source,
                                  const char *path);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_UPDATE_H
