// The option tables as text: help that fits a screen, all of it, a manual page, and lines for the
// completion of shells.
#ifndef EHLO_TOOLS_DRIVER_HELP_H
#define EHLO_TOOLS_DRIVER_HELP_H

#include "tools/driver/options.h"

// Prints to standard output: NULL or anything else is the help that fits a screen of 24 lines;
// "all" is every option; "man" is a page of mdoc(7); "complete" is a line for each option, "--name
// TAB ARGUMENT TAB help".
void help_print(const struct command *command, const char *kind);

#endif  // EHLO_TOOLS_DRIVER_HELP_H
