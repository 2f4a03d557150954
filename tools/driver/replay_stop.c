// One transcript, its replayer and its tap, for as many runs as it takes.
#include "tools/driver/replay_stop.h"

#include <string.h>
#include <sysexits.h>

#include "tools/driver/replay_print.h"

static int complain(const struct replay_stop *s, const char *why) {
  struct ehlo_replay_result nothing = {.verdict = EHLO_REPLAY_FAILED};
  struct replay_line line = {s->path, EHLO_CHUNKS_RECORDED, &nothing, why};
  replay_print_text(stdout, stderr, &line, true);
  return EX_NOINPUT;
}

int replay_stop_open(struct replay_stop *s, const struct replay_options *o, const char *path) {
  memset(s, 0, sizeof(*s));
  s->options = o;
  s->path = path;
  if (!replay_source_open(&s->source, path, true)) {
    return complain(s, s->source.why);
  }
  s->replayer = ehlo_replayer_new();
  s->tap = replay_tap_new(stdout);
  if (s->replayer == NULL || s->tap == NULL) {
    replay_stop_close(s);
    return complain(s, "out of memory");
  }
  return 0;
}

void replay_stop_close(struct replay_stop *s) {
  replay_source_close(&s->source);
  ehlo_replayer_free(s->replayer);
  replay_tap_free(s->tap);
}

static bool on_event(void *arg, const struct ehlo_client *c, const struct ehlo_event *event,
                     size_t line) {
  struct replay_stop *s = arg;
  (void)c;
  s->line = line;
  replay_tap_event(s->tap, event);
  return s->at_event(s->arg);
}

static void on_verdict(void *arg, const char *text) {
  struct replay_stop *s = arg;
  replay_tap_verdict(s->tap, text);
  s->at_event(s->arg);
}

bool replay_stop_run(struct replay_stop *s) {
  struct ehlo_replay_options options = {
      .chunks = s->options->chunks,
      .tolerant = s->options->tolerant,
      .event = on_event,
      .verdict = on_verdict,
      .event_arg = s,
  };
  s->line = 0;
  replay_tap_attach(s->tap, &options);
  if (!replay_source_rewind(&s->source)) {
    complain(s, s->source.why);
    return false;
  }
  ehlo_replayer_run(s->replayer, &s->result, replay_source_read, &s->source, &options);
  return true;
}

int replay_stop_tell(const struct replay_stop *s) {
  struct replay_line line = {s->path, s->options->chunks, &s->result, s->source.why};
  fflush(stdout);
  replay_print_text(stdout, stderr, &line, s->options->quiet);
  switch (s->result.verdict) {
    case EHLO_REPLAY_SAME:
      return 0;
    case EHLO_REPLAY_DIVERGED:
      return 1;
    case EHLO_REPLAY_BAD:
      return EX_DATAERR;
    case EHLO_REPLAY_FAILED:
      return EX_NOINPUT;
  }
  return EX_SOFTWARE;
}
