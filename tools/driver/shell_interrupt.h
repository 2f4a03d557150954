// Ctrl-C in the shell: noted, for whoever waits to look at. A second one that nobody looked at in
// between ends the program as it would have without this, and so do SIGTERM and SIGHUP; the
// terminal is put back first.
#ifndef EHLO_TOOLS_DRIVER_SHELL_INTERRUPT_H
#define EHLO_TOOLS_DRIVER_SHELL_INTERRUPT_H

#include <stdbool.h>
#include <termios.h>

// `terminal`, on standard input, is what is put back; NULL: nothing is. Once in a process.
void shell_interrupt_begin(const struct termios *terminal);
// Whether Ctrl-C was pressed since the last shell_interrupt_clear().
bool shell_interrupt_is_set(void);
void shell_interrupt_clear(void);
void shell_interrupt_end(void);

#endif  // EHLO_TOOLS_DRIVER_SHELL_INTERRUPT_H
