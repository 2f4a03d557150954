// --color, of the commands that may show a session in colour.
#ifndef EHLO_TOOLS_DRIVER_COLOUR_H
#define EHLO_TOOLS_DRIVER_COLOUR_H

#include "tools/driver/options.h"

// Over any options: it holds for the whole program.
extern const struct option_row colour_option_rows[];

#endif  // EHLO_TOOLS_DRIVER_COLOUR_H
