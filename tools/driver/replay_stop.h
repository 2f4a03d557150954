// A replay of one transcript that stops at events. What is done there is for others to say.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_STOP_H
#define EHLO_TOOLS_DRIVER_REPLAY_STOP_H

#include "tools/driver/replay_options.h"
#include "tools/driver/replay_source.h"
#include "tools/driver/replay_tap.h"

struct replay_stop {
  const struct replay_options *options;
  const char *path;
  struct replay_source source;
  struct ehlo_replayer *replayer;
  struct replay_tap *tap;
  struct ehlo_replay_result result;  // of the last run
  size_t line;                       // of the transcript, where the replay stands
  // Called at each event, the policy's included. False ends the replay, if it is one of the session.
  bool (*at_event)(void *arg);
  void *arg;
};

// Returns 0, or an exit status after printing what is wrong.
int replay_stop_open(struct replay_stop *s, const struct replay_options *o, const char *path);
void replay_stop_close(struct replay_stop *s);

// Runs the transcript from its beginning. False after printing that it cannot be read again.
bool replay_stop_run(struct replay_stop *s);

// Prints how the last run ended; returns the exit status that it stands for.
int replay_stop_tell(const struct replay_stop *s);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_STOP_H
