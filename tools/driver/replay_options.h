// What the command line of `ehlo replay` says.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_OPTIONS_H
#define EHLO_TOOLS_DRIVER_REPLAY_OPTIONS_H

#include "replay/replay.h"
#include "tools/driver/options.h"

#define REPLAY_NUM_CHUNKS 3

struct replay_options {
  bool json;
  bool quiet;
  bool verbose;
  bool tolerant;
  bool update;
  bool step;
  bool all_chunks;
  enum ehlo_chunks chunks;
  size_t num_jobs;
  size_t until;  // the event to stop after, from 1; 0: none
};

extern const struct command replay_command;

const char *replay_chunks_name(enum ehlo_chunks chunks);

// The cuts to be made, from first to last.
enum ehlo_chunks replay_first_chunks(const struct replay_options *o);
enum ehlo_chunks replay_last_chunks(const struct replay_options *o);

// Takes the command line and judges it as a whole. False after printing what is wrong.
bool replay_options_take(struct replay_options *o, const struct option_uses *uses);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_OPTIONS_H
