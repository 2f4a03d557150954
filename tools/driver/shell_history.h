// The shell's history between two runs: $XDG_STATE_HOME/ehlo/history, or
// ~/.local/state/ehlo/history, its owner's alone and bounded. What goes into it is the caller's to
// decide, and is never a secret.
#ifndef EHLO_TOOLS_DRIVER_SHELL_HISTORY_H
#define EHLO_TOOLS_DRIVER_SHELL_HISTORY_H

#include <histedit.h>

#define SHELL_HISTORY_MAX 500  // lines

// The history so far; NULL without memory. What cannot be read is begun anew.
History *shell_history_open(void);
void shell_history_add(History *h, const char *line);
// Writes it, where there is a place for it, and frees it.
void shell_history_close(History *h);

#endif  // EHLO_TOOLS_DRIVER_SHELL_HISTORY_H
