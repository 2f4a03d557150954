// What the manual page of a command says beside its options: what it reads of the environment, which
// files it looks for by itself, and examples. //tools/integration:readme_test runs every example.
#ifndef EHLO_TOOLS_DRIVER_MANUAL_H
#define EHLO_TOOLS_DRIVER_MANUAL_H

#include "tools/driver/options.h"

// Prints the sections ENVIRONMENT and FILES, where there is something to be said in them, as mdoc(7).
void manual_print_surroundings(const struct command *command);

// Prints the section EXAMPLES as mdoc(7).
void manual_print_examples(const struct command *command);

// Prose in which nothing is a macro or an escape; each sentence begins a line, as mdoc wants it.
void manual_put(const char *text);

// Text as it stands, line by line.
void manual_put_literal(const char *text);

#endif  // EHLO_TOOLS_DRIVER_MANUAL_H
