// A bar on a terminal while many files are worked through: how many are done, how fast, how many
// went wrong. It writes to standard error alone, and only where that is a terminal.
#ifndef EHLO_TOOLS_DRIVER_PROGRESS_H
#define EHLO_TOOLS_DRIVER_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
  bool on;
  bool shown;  // it stands on the screen
  size_t total;
  size_t num_done;
  size_t num_wrong;
  const char *wrong;  // what these are called
  uint64_t start_ms;
  uint64_t drawn_ms;
};

// Whether a bar could be seen.
bool progress_is_possible(void);

// Begins to count; the bar is off unless `on`.
void progress_begin(struct progress *p, bool on, size_t total, const char *wrong);

// Draws the bar if it is due: a few times a second.
void progress_draw(struct progress *p);

// Takes the bar away, so that something else can be printed there.
void progress_clear(struct progress *p);

// Takes the bar away for good and says in a line how many were done, in what time.
void progress_end(struct progress *p, size_t num_jobs);

#endif  // EHLO_TOOLS_DRIVER_PROGRESS_H
