// A transcript to be read, maybe more than once: a file, or a pipe that is kept.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_SOURCE_H
#define EHLO_TOOLS_DRIVER_REPLAY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct replay_source {
  FILE *file;
  bool has_name;  // it is a regular file, and the path given is its own
  char why[120];  // what is wrong, after a failure
};

// Opens `path` as file_open() does; with `again` as spool_open() does. False with `why` set.
bool replay_source_open(struct replay_source *s, const char *path, bool again);

// To be read from the front again.
bool replay_source_rewind(struct replay_source *s);

void replay_source_close(struct replay_source *s);

// An ehlo_read_fn.
long replay_source_read(void *source, uint8_t *buf, size_t cap);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_SOURCE_H
