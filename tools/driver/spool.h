// A file that is read more than once, wherever it comes from.
#ifndef EHLO_TOOLS_DRIVER_SPOOL_H
#define EHLO_TOOLS_DRIVER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Opens `path` as file_open() does, so that rewind() leads to its beginning. What cannot be rewound, such as
// a pipe, is copied into a file that has no name and only its owner can read; `is_enough` sees each piece that
// was copied, the first one of 64 KiB if there is so much, and ends the copy by saying so (NULL: all of it
// is copied). NULL with `*out_why` if it cannot be read. For file_close().
FILE *spool_open(const char **out_why, const char *path,
                 bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len), void *arg);

bool spool_is_regular(FILE *file);

#endif  // EHLO_TOOLS_DRIVER_SPOOL_H
