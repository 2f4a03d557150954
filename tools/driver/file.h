// Files for the transcript reader and writer.
#ifndef EHLO_TOOLS_DRIVER_FILE_H
#define EHLO_TOOLS_DRIVER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Opens `path`, "-" for standard input, and never waits for somebody to come and write there. Regular
// files can be read, terminals, pipes without a name such as a shell's <(…), and named ones that
// somebody has open for writing, be it that they wait for a reader. Directories, sockets, devices and
// named pipes to which nobody writes cannot: NULL, and `*out_why` is a sentence that nobody has to free.
FILE *file_open(const char **out_why, const char *path);
void file_close(FILE *file);

// An ehlo_read_fn and an ehlo_write_fn over a FILE. After an error of reading errno is set.
long file_read(void *file, uint8_t *buf, size_t cap);
bool file_write(void *file, const char *text, size_t len);

#endif  // EHLO_TOOLS_DRIVER_FILE_H
