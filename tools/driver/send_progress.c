// The line on standard error.
#include "tools/driver/send_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/driver/text.h"
#include "tools/live/net.h"

#define LARGE ((uint64_t)1 << 20)  // octets: what is smaller is gone before a line could be read
#define FIRST_US 1000000
#define EACH_US 200000
#define MEGA 1e6

void send_progress_begin(struct send_progress *p, bool wanted, uint64_t total) {
  memset(p, 0, sizeof(*p));
  const char *term = getenv("TERM");
  p->on = wanted && total >= LARGE && isatty(STDERR_FILENO) == 1 && term != NULL &&
          strcmp(term, "dumb") != 0;
  p->total = total;
  p->start_us = live_net_clock_us();
}

static void draw(struct send_progress *p, uint64_t now_us) {
  double seconds = (double)(now_us - p->start_us) / 1e6;
  double rate = (double)p->given / seconds;
  double left = rate > 0 ? (double)(p->total - p->given) / rate : 0;
  fflush(stdout);
  fprintf(stderr, "\r    message: %.1f of %.1f MB, %.0f %%, %.2f MB/s, %.0f s left\x1b[K",
          (double)p->given / MEGA, (double)p->total / MEGA,
          100 * (double)p->given / (double)p->total, rate / MEGA, left);
  fflush(stderr);
  p->shown = true;
  p->drawn_us = now_us;
}

void send_progress_add(struct send_progress *p, uint64_t n) {
  uint64_t left = p->total - p->given;
  p->given += n < left ? n : left;
  if (!p->on) {
    return;
  }
  uint64_t now_us = live_net_clock_us();
  if (now_us - p->start_us >= FIRST_US && now_us - p->drawn_us >= EACH_US) {
    draw(p, now_us);
  }
}

void send_progress_end(struct send_progress *p) {
  if (p->shown) {
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
  }
  p->shown = p->on = false;
}
