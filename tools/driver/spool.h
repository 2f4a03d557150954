// A file that is read more than once, wherever it comes from.
#ifndef EHLO_TOOLS_DRIVER_SPOOL_H
#define EHLO_TOOLS_DRIVER_SPOOL_H

#include <stdio.h>

// Opens `path` ("-": standard input) so that it can be read twice. What cannot be rewound, such as a
// pipe, is copied into a file that has no name and only its owner can read. NULL after printing why it
// cannot be read.
FILE *spool_open(const char *path);
void spool_close(FILE *file);

#endif  // EHLO_TOOLS_DRIVER_SPOOL_H
