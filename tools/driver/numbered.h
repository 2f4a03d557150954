// The names of several files where one was given.
#ifndef EHLO_TOOLS_DRIVER_NUMBERED_H
#define EHLO_TOOLS_DRIVER_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The first is `path` itself. The others have their number before its suffix: "session.2.smtp"; behind it
// where it has none: "session.2". A dot that the name begins with, or one of a directory, begins no suffix.
// False if `cap` octets do not hold the name.
bool numbered_path(char *out, size_t cap, const char *path, uint64_t number);

#endif  // EHLO_TOOLS_DRIVER_NUMBERED_H
