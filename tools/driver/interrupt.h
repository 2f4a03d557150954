// Ctrl-C, SIGTERM and SIGHUP while a session runs: noted, so that the session can end politely and its record be
// whole. A second one ends the program at once. Once the session is over the program dies by the signal, as its
// caller expects.
#ifndef EHLO_TOOLS_DRIVER_INTERRUPT_H
#define EHLO_TOOLS_DRIVER_INTERRUPT_H

#include <signal.h>

// The signal that came, 0: none. For whoever waits to look at.
extern volatile sig_atomic_t interrupt_signal;

// From here on signals are noted.
void interrupt_begin(void);

// Dies by the signal that was noted, if one was.
void interrupt_end(void);

#endif  // EHLO_TOOLS_DRIVER_INTERRUPT_H
