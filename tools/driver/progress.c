// One line, drawn over and over.
#include "tools/driver/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS 100
#define FIRST_DRAW_MS 300  // what is over sooner needs no bar
#define COLUMNS_MAX 200
#define BAR_MAX 40

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool progress_is_possible(void) {
  const char *term = getenv("TERM");
  return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

void progress_begin(struct progress *p, bool on, size_t total, const char *wrong) {
  memset(p, 0, sizeof(*p));
  p->on = on;
  p->total = total;
  p->wrong = wrong;
  p->start_ms = now_ms();
  p->drawn_ms = p->start_ms + FIRST_DRAW_MS - REDRAW_MS;
}

static size_t columns(void) {
  struct winsize size;
  size_t num = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  return num < COLUMNS_MAX ? num : COLUMNS_MAX;
}

static double per_second(const struct progress *p, uint64_t now) {
  return now > p->start_ms ? (double)p->num_done * 1000 / (double)(now - p->start_ms) : 0;
}

// "[######      ] 1200 of 2400, 23000/s, 0 diverged", cut to the width of the terminal.
static void draw(const struct progress *p, uint64_t now) {
  char words[COLUMNS_MAX];
  char bar[BAR_MAX + 4] = "";
  size_t width = columns() - 1;
  size_t total = p->total > p->num_done ? p->total : p->num_done;
  int len = snprintf(words, sizeof(words), "%zu of %zu, %.0f/s, %zu %s", p->num_done, total,
                     per_second(p, now), p->num_wrong, p->wrong);
  size_t room = width > (size_t)len + 3 ? width - (size_t)len - 3 : 0;
  size_t cells = room < BAR_MAX ? room : BAR_MAX;
  if (cells >= 10 && total > 0) {
    size_t full = (size_t)((double)cells * (double)p->num_done / (double)total);
    memset(bar, ' ', cells + 3);
    memset(bar + 1, '#', full);
    bar[0] = '[';
    bar[cells + 1] = ']';
    bar[cells + 3] = '\0';
  }
  fprintf(stderr, "\r\033[K%s%.*s", bar, (int)width, words);
}

void progress_draw(struct progress *p) {
  uint64_t now = p->on ? now_ms() : 0;
  if (!p->on || now < p->drawn_ms + REDRAW_MS) {
    return;
  }
  fflush(stdout);
  draw(p, now);
  p->drawn_ms = now;
  p->shown = true;
}

void progress_clear(struct progress *p) {
  if (p->shown) {
    fputs("\r\033[K", stderr);
    p->shown = false;
  }
}

void progress_end(struct progress *p, size_t num_jobs) {
  uint64_t now = now_ms();
  progress_clear(p);
  if (p->on) {
    fflush(stdout);
    fprintf(stderr, "%zu files in %.2f s, %.0f a second, with %zu job%s\n", p->num_done,
            (double)(now - p->start_ms) / 1000, per_second(p, now), num_jobs,
            num_jobs == 1 ? "" : "s");
  }
  p->on = false;
}
