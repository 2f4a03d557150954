// Which account of the configuration is meant when nobody names one: the one that sends as an
// address, else the default. Looks through the text of a configuration file and judges nothing in
// it.
#ifndef EHLO_TOOLS_DRIVER_ACCOUNT_H
#define EHLO_TOOLS_DRIVER_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

// The name of the first section whose "from" is the address `from`, its name, letter case and
// subaddress ("+detail", RFC 5233) aside; else what "default" before any section says. False if
// there is neither, or `cap` is too small.
bool account_choose(char *out, size_t cap, const char *config, size_t config_len, const char *from);

#endif  // EHLO_TOOLS_DRIVER_ACCOUNT_H
