// --until: the transcript is run to the event and no further, and what is known there is printed.
// Whether all went as recorded up to there, a run to the end tells, since an event is held against
// its line of the transcript only as that line is passed.
#include "tools/driver/replay_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/replay_place.h"
#include "tools/driver/replay_stop.h"

struct until {
  struct replay_stop stop;
  size_t wanted;
  bool to_the_end;
  size_t line;  // where the event wanted was given
  char text[EHLO_EVENT_TEXT_MAX];
};

static bool at_event(void *arg) {
  struct until *u = arg;
  if (u->stop.tap->num_events == u->wanted) {
    u->line = u->stop.line;
    snprintf(u->text, sizeof(u->text), "%s", u->stop.tap->text);
    replay_tap_show(u->stop.tap, false);
    return u->to_the_end;
  }
  return true;
}

static int read_event(struct ehlo_reader *r, struct ehlo_item *out) {
  while (ehlo_reader_next(r, out) == EHLO_READ_ITEM) {
    if (out->type == EHLO_ITEM_EVENT) {
      return 1;
    }
  }
  return 0;
}

// The line of the transcript that lists event `wanted`; 0 where it does not list as many.
static size_t listed_at(struct replay_stop *s, size_t wanted) {
  struct ehlo_reader *reader = malloc(sizeof(*reader));
  struct ehlo_item item;
  size_t line = 0;
  if (reader != NULL && replay_source_rewind(&s->source)) {
    ehlo_reader_init(reader, replay_source_read, &s->source);
    for (size_t i = 0; i < wanted; i++) {
      line = read_event(reader, &item) ? item.line : 0;
    }
  }
  free(reader);
  return line;
}

// What is wrong behind the event and behind the line that lists it does not count.
static bool is_behind(struct until *u, size_t line) {
  return line > u->line && line > listed_at(&u->stop, u->wanted);
}

static int judge(struct until *u) {
  const struct ehlo_replay_result *r = &u->stop.result;
  if ((r->verdict == EHLO_REPLAY_DIVERGED && is_behind(u, r->divergence.line)) ||
      (r->verdict == EHLO_REPLAY_BAD && is_behind(u, r->error.line))) {
    return 0;
  }
  return r->verdict == EHLO_REPLAY_SAME ? 0 : replay_stop_tell(&u->stop);
}

static int run(struct until *u) {
  u->to_the_end = true;
  if (!replay_stop_run(&u->stop)) {
    return EX_NOINPUT;
  }
  size_t num_events = u->stop.tap->num_events;
  if (num_events < u->wanted) {
    fflush(stdout);
    fprintf(complaints(), "ehlo: event %zu was not reached, there are %zu\n", u->wanted,
            num_events);
    return replay_stop_tell(&u->stop);
  }
  int status = judge(u);
  u->to_the_end = false;
  replay_tap_show(u->stop.tap, u->stop.options->verbose);
  if (!replay_stop_run(&u->stop)) {
    return EX_NOINPUT;
  }
  printf("event %zu: %s\n", u->wanted, u->text);
  replay_place_print(u->stop.tap, &u->stop.source, u->stop.path, u->line);
  return status;
}

int replay_until(const struct replay_options *o, const char *path) {
  struct until u = {.wanted = o->until};
  int status = replay_stop_open(&u.stop, o, path);
  if (status == 0) {
    u.stop.at_event = at_event;
    u.stop.arg = &u;
    status = run(&u);
    replay_stop_close(&u.stop);
  }
  return status;
}
