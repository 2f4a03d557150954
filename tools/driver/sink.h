// Where the recorder's text goes: the transcript file, and the screen. A file that can no longer be
// written is told at once and the session goes on without it.
#ifndef EHLO_TOOLS_DRIVER_SINK_H
#define EHLO_TOOLS_DRIVER_SINK_H

#include "tools/driver/trace.h"

struct sink {
  int fd;           // of the transcript, -1 if there is none
  bool incomplete;  // it could not be written to its end
  const char *path;
  struct trace *trace;  // NULL: nothing is shown
};

// Opens `path` for the transcript (NULL: none), readable by its owner alone. Returns 0 or an exit
// status, after printing what is wrong.
int sink_open(struct sink *s, const char *path, struct trace *trace);

// An ehlo_write_fn.
bool sink_write(void *sink, const char *text, size_t len);

void sink_close(struct sink *s);

#endif  // EHLO_TOOLS_DRIVER_SINK_H
