// The configuration file as a whole. It may hold passwords, so it is read without any copy, and
// wiped when it is done with. What stands in it is not looked at here.
#ifndef EHLO_TOOLS_DRIVER_SETTINGS_FILE_H
#define EHLO_TOOLS_DRIVER_SETTINGS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_FILE_MAX ((size_t)1 << 20)

struct settings_file {
  char *text;  // NUL-terminated; the reader may cut it into pieces; NULL: there is none
  size_t len;
  bool is_private;  // nobody but its owner, who runs this, can read it
};

// Reads the file. Returns NULL, or words on why it cannot be used: an error of the system's, with
// errno set, or more than SETTINGS_FILE_MAX bytes or a NUL byte, with errno 0.
const char *settings_file_read(struct settings_file *out, const char *path);

// Wipes the text and frees it. A struct of zeros is fine.
void settings_file_free(struct settings_file *f);

#endif  // EHLO_TOOLS_DRIVER_SETTINGS_FILE_H
