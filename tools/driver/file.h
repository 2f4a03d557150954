// Files for the transcript reader and writer.
#ifndef EHLO_TOOLS_DRIVER_FILE_H
#define EHLO_TOOLS_DRIVER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Opens `path`, "-" for standard input. NULL with errno set if it cannot, also for a directory.
FILE *file_open(const char *path);
void file_close(FILE *file);

// An ehlo_read_fn and an ehlo_write_fn over a FILE.
long file_read(void *file, uint8_t *buf, size_t cap);
bool file_write(void *file, const char *text, size_t len);

#endif  // EHLO_TOOLS_DRIVER_FILE_H
