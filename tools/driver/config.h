// The configuration: its place, and which of its settings a command takes.
#ifndef EHLO_TOOLS_DRIVER_CONFIG_H
#define EHLO_TOOLS_DRIVER_CONFIG_H

#include "tools/driver/live_options.h"

// Applies the settings before any section, and those of the account: the section that the first
// operand names, or else `options->account`, or else the one that account_choose() finds where there
// are no operands and no server is named otherwise. The options are those of the command line, and "server",
// "password" and "default" besides; what only other commands know is left to them. Notes where
// each came from. `*out_is_account`: there is such a section. Returns 0 or an exit status, after
// printing what is wrong, with FILE:LINE:COLUMN.
int config_load(struct live_options *options, const struct command *command,
                const struct option_uses *uses, bool *out_is_account);

// Gives the name of each account in the file that config_load() has read, or would read, in its
// order; those of more than 255 octets, and what is wrong with the file, are passed over.
void config_each_account(const struct live_options *options, const struct option_uses *uses,
                         void (*take)(void *arg, char *name), void *arg);

#endif  // EHLO_TOOLS_DRIVER_CONFIG_H
