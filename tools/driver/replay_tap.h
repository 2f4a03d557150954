// The conversation of a replay on screen, as `send --verbose` shows a live one, with its events
// numbered; and what was said last.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_TAP_H
#define EHLO_TOOLS_DRIVER_REPLAY_TAP_H

#include <stdio.h>

#include "replay/recorder.h"
#include "replay/replay.h"
#include "tools/driver/trace.h"

#define REPLAY_TAP_LINE_MAX 160

struct replay_tap {
  struct ehlo_transport base;
  struct ehlo_player *player;
  const struct ehlo_client *client;
  const struct ehlo_submit *submit;  // NULL: no policy
  struct ehlo_redactor no_secrets;
  struct ehlo_recorder recorder;  // around the player
  struct trace trace;
  FILE *out;
  FILE *nowhere;
  bool shown;
  bool in_message;  // what the client sends is no command
  size_t num_events;
  char text[EHLO_EVENT_TEXT_MAX];  // of the last one
  // As the transcript writes them, maybe shortened.
  char command[REPLAY_TAP_LINE_MAX];
  char reply[REPLAY_TAP_LINE_MAX];
};

// For any number of replays, one after the other. NULL without memory.
struct replay_tap *replay_tap_new(FILE *out);
void replay_tap_free(struct replay_tap *t);

// Puts the tap into a replay that is about to begin: sets `around` and its argument.
void replay_tap_attach(struct replay_tap *t, struct ehlo_replay_options *options);

// Whether the conversation is printed from here on; it is not, before the first call.
void replay_tap_show(struct replay_tap *t, bool shown);

// Counts an event and prints it, where the conversation is printed. The first is of the session, the
// second of the policy.
void replay_tap_event(struct replay_tap *t, const struct ehlo_event *event);
void replay_tap_verdict(struct replay_tap *t, const char *text);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_TAP_H
