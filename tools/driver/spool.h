// A file that is read more than once, wherever it comes from.
#ifndef EHLO_TOOLS_DRIVER_SPOOL_H
#define EHLO_TOOLS_DRIVER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Opens `path` ("-": standard input) so that it can be read twice. What cannot be rewound, such as a
// pipe, is copied into a file that has no name and only its owner can read; `is_enough` sees each piece that
// was copied, the first one of 64 KiB if there is so much, and ends the copy by saying so (NULL: all of it
// is copied). NULL after printing why it cannot be read.
FILE *spool_open(const char *path, bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len),
                 void *arg);
void spool_close(FILE *file);

#endif  // EHLO_TOOLS_DRIVER_SPOOL_H
