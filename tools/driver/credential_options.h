// Where a password or token comes from besides what live_options.h has: a command that prints a
// token, and a file descriptor.
#ifndef EHLO_TOOLS_DRIVER_CREDENTIAL_OPTIONS_H
#define EHLO_TOOLS_DRIVER_CREDENTIAL_OPTIONS_H

#include "tools/driver/options.h"

// Over struct live_options.
extern const struct option_row credential_option_rows[];

#endif  // EHLO_TOOLS_DRIVER_CREDENTIAL_OPTIONS_H
