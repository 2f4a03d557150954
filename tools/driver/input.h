// The FILE of a command that reads one, and what is told where it cannot be read.
#ifndef EHLO_TOOLS_DRIVER_INPUT_H
#define EHLO_TOOLS_DRIVER_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// As file_open() does, and tells why it cannot.
FILE *input_open(const char *path);

// The same for spool_open().
FILE *input_spool(const char *path, bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len),
                  void *arg);

// Tells it. Returns the exit status that stands for it.
int input_complain(const char *path, const char *why);

#endif  // EHLO_TOOLS_DRIVER_INPUT_H
