// The handler does only what a handler may.
#include "tools/driver/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t interrupt_signal;

static void note(int number) {
  if (interrupt_signal != 0) {
    signal(number, SIG_DFL);
    raise(number);
  }
  interrupt_signal = number;
}

void interrupt_begin(void) {
  // Without SA_RESTART: a wait is to end.
  struct sigaction action = {.sa_handler = note};
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    struct sigaction before;
    // What whoever started this program ignores, as nohup does, stays ignored.
    if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
      sigaction(numbers[i], &action, NULL);
    }
  }
}

void interrupt_end(void) {
  if (interrupt_signal != 0) {
    signal(interrupt_signal, SIG_DFL);
    raise(interrupt_signal);
  }
}
