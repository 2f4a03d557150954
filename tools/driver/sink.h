// Where the recorder's text goes: the transcript file, and the screen. A file that can no longer be
// written is told at once and the session goes on without it.
//
// A name appears in one step and never stands for half of another session: the text goes into a file of
// its own beside it, which takes the name once its first lines are in it. What stood there before is
// gone only then. From there on each call of sink_write is in the file when it returns, so that a crash
// or a kill loses nothing already seen.
#ifndef EHLO_TOOLS_DRIVER_SINK_H
#define EHLO_TOOLS_DRIVER_SINK_H

#include <sys/types.h>

#include "tools/driver/trace.h"

#define SINK_PATH_MAX \
  4096  // chars of a transcript's path, NUL and the ending of its first name included

struct sink {
  int fd;           // of the transcript, -1 if there is none, or none any more
  bool incomplete;  // it could not be written to its end
  bool withheld;    // it takes its name only when sink_keep() says so
  bool named;
  off_t whole;  // octets of whole lines in it
  const char *path;
  char first_name[SINK_PATH_MAX];  // where it is until it is named; empty: at `path` from the start
  struct trace *trace;             // NULL: nothing is shown
};

// Opens the transcript `path` (NULL: none), readable by its owner alone; `path` stays the caller's and
// has to last as long. What is no regular file, such as a pipe or a device, is written as it stands.
// Returns 0 or an exit status, after printing what is wrong.
int sink_open(struct sink *s, const char *path, struct trace *trace);

// The same for a transcript that is wanted only after a failure: until sink_keep() it has another name,
// `path` with an ending, and sink_close() removes it.
int sink_open_withheld(struct sink *s, const char *path, struct trace *trace);

// An ehlo_write_fn for whole lines.
bool sink_write(void *sink, const char *text, size_t len);

// Gives a withheld transcript its name.
void sink_keep(struct sink *s);

void sink_close(struct sink *s);

// Whether the transcript is there under its name, whole or not. Good after sink_close() too.
bool sink_is_kept(const struct sink *s);

#endif  // EHLO_TOOLS_DRIVER_SINK_H
