// See shell_interrupt.h. The handler does only what a handler may.
#include "tools/driver/shell_interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t pressed;
static struct termios saved;
static volatile sig_atomic_t has_saved;

static void die(int signal_number) {
  if (has_saved) {
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
  }
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void note(int signal_number) {
  if (signal_number != SIGINT || pressed) {
    die(signal_number);
  }
  pressed = 1;
}

static void handle(void (*handler)(int)) {
  // Without SA_RESTART: a wait is to end.
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
}

void shell_interrupt_begin(const struct termios *terminal) {
  pressed = 0;
  if (terminal != NULL) {
    saved = *terminal;
    has_saved = 1;
  }
  handle(note);
}

bool shell_interrupt_is_set(void) {
  return pressed != 0;
}

void shell_interrupt_clear(void) {
  pressed = 0;
}

void shell_interrupt_end(void) {
  handle(SIG_DFL);
}
