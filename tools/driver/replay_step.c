// --step: the replay waits within an event for what the user wants. It can only go forward, so going
// back is a new run up to there.
#include "tools/driver/replay_step.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/replay_place.h"
#include "tools/driver/replay_stop.h"

#define COMMAND_MAX 64
#define TO_THE_END SIZE_MAX

enum step_mode {
  STEP_GO_ON,
  STEP_AGAIN,  // from the beginning, to an event that is past
  STEP_QUIT,
};

struct stepper {
  struct replay_stop stop;
  enum step_mode mode;
  size_t target;  // the event to stop at
  bool at_end;    // the session is over: nothing is to come
};

// ---- Commands -------------------------------------------------------------------------------------

static void help(void) {
  puts(
      "  Enter, n   the next event\n"
      "  N, g N     go to event N, forward or back\n"
      "  l          list the transcript around here\n"
      "  p          print where things stand\n"
      "  c          continue to the end\n"
      "  q          quit\n"
      "  h          this");
}

// One line of standard input without its end; what is too long is no command. False at its end.
static bool read_command(char out[COMMAND_MAX]) {
  size_t len = 0;
  int c;
  if (isatty(STDIN_FILENO)) {
    fputs("step> ", stdout);
  }
  fflush(stdout);
  while ((c = getchar()) != EOF && c != '\n') {
    if (len < COMMAND_MAX - 1) {
      out[len++] = (char)c;
    }
  }
  out[len] = '\0';
  return c != EOF || len > 0;
}

// "12" and "g 12"; 0 if it is neither.
static size_t parse_target(const char *command) {
  const char *digits = command[0] == 'g' ? command + 1 + strspn(command + 1, " ") : command;
  char *end;
  errno = 0;
  unsigned long long number = strtoull(digits, &end, 10);
  bool good = digits[0] >= '0' && digits[0] <= '9' && *end == '\0' && errno == 0;
  return good && number < TO_THE_END ? (size_t)number : 0;
}

static bool is(const char *command, const char *name, const char *letter) {
  return strcmp(command, name) == 0 || strcmp(command, letter) == 0;
}

// Goes to event `target`. True: no further command is wanted here.
static bool go_to(struct stepper *s, size_t target) {
  if (s->at_end && target > s->stop.tap->num_events) {
    printf("there are %zu events\n", s->stop.tap->num_events);
    return false;
  }
  s->mode = target <= s->stop.tap->num_events ? STEP_AGAIN : STEP_GO_ON;
  s->target = target;
  return true;
}

static void print_place(struct stepper *s) {
  if (s->stop.tap->client == NULL) {
    puts("the session did not begin");
  } else {
    printf("event %zu: %s\n", s->stop.tap->num_events, s->stop.tap->text);
    replay_place_print(s->stop.tap, &s->stop.source, s->stop.path, s->stop.line);
  }
}

// Obeys one command. True: the replay goes on, begins again, or is left.
static bool obey(struct stepper *s, const char *command) {
  size_t target = parse_target(command);
  if (target > 0) {
    return go_to(s, target);
  }
  bool next = command[0] == '\0' || is(command, "next", "n");
  if (next || is(command, "continue", "c")) {
    s->target = next ? s->stop.tap->num_events + 1 : TO_THE_END;
    s->mode = s->at_end ? STEP_QUIT : STEP_GO_ON;
    return true;
  }
  if (is(command, "quit", "q")) {
    s->mode = STEP_QUIT;
    return true;
  }
  if (is(command, "list", "l")) {
    replay_place_list(stdout, &s->stop.source, s->stop.line);
  } else if (is(command, "print", "p")) {
    print_place(s);
  } else if (is(command, "help", "h")) {
    help();
  } else {
    puts("that is no command; h lists them");
  }
  return false;
}

static void ask(struct stepper *s) {
  char command[COMMAND_MAX];
  for (;;) {
    if (!read_command(command)) {
      s->mode = STEP_QUIT;
      return;
    }
    if (obey(s, command)) {
      return;
    }
  }
}

// ---- The replay -----------------------------------------------------------------------------------

// What came and went before the event that is stopped at is shown, and all of it on the way to the
// end.
static void show_if_near(struct stepper *s, size_t num_events) {
  bool near = num_events + 1 >= s->target || s->target == TO_THE_END;
  replay_tap_show(s->stop.tap, s->mode == STEP_GO_ON && near);
}

static bool at_event(void *arg) {
  struct stepper *s = arg;
  if (s->mode == STEP_GO_ON && s->stop.tap->num_events == s->target) {
    ask(s);
  }
  show_if_near(s, s->stop.tap->num_events);
  return s->mode == STEP_GO_ON;
}

// One run from the beginning; returns the exit status that it stands for.
static int run_once(struct stepper *s) {
  int status = 0;
  s->mode = STEP_GO_ON;
  s->at_end = false;
  show_if_near(s, 0);
  if (!replay_stop_run(&s->stop)) {
    s->mode = STEP_QUIT;
    return EX_NOINPUT;
  }
  if (s->mode == STEP_GO_ON) {
    s->at_end = true;
    status = replay_stop_tell(&s->stop);
    ask(s);
  }
  return status;
}

int replay_step(const struct replay_options *o, const char *path) {
  struct stepper s = {.target = o->until > 0 ? o->until : 1};
  int status = replay_stop_open(&s.stop, o, path);
  if (status != 0) {
    return status;
  }
  s.stop.at_event = at_event;
  s.stop.arg = &s;
  puts("h lists the commands");
  do {
    status = run_once(&s);
  } while (s.mode == STEP_AGAIN);
  replay_stop_close(&s.stop);
  return status;
}
