// How far a large message has gone, as a line on a terminal that is drawn over and taken away.
#ifndef EHLO_TOOLS_DRIVER_SEND_PROGRESS_H
#define EHLO_TOOLS_DRIVER_SEND_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct send_progress {
  bool on;
  bool shown;  // it stands on the screen
  uint64_t total;
  uint64_t given;
  uint64_t start_us;
  uint64_t drawn_us;
};

// Begins a message of `total` octets. Nothing is drawn unless `wanted`, standard error is a terminal, and
// the message is large.
void send_progress_begin(struct send_progress *p, bool wanted, uint64_t total);

// Counts `n` octets more, and draws: not in the first second, and then a few times a second.
void send_progress_add(struct send_progress *p, uint64_t n);

// Takes the line away.
void send_progress_end(struct send_progress *p);

#endif  // EHLO_TOOLS_DRIVER_SEND_PROGRESS_H
