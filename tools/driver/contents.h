// The whole of a file in memory: mapped where it can be, so its size costs no memory, else read.
#ifndef EHLO_TOOLS_DRIVER_CONTENTS_H
#define EHLO_TOOLS_DRIVER_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENTS_MAX ((size_t)1 << 30)  // octets

struct contents {
  const uint8_t *bytes;
  size_t len;
  bool mapped;
};

// Reads `path`, "-" for standard input; `what` is what it is called in a complaint, such as "the
// message". Returns 0 or an exit status, after printing what is wrong.
int contents_read(struct contents *out, const char *path, const char *what);

void contents_free(struct contents *c);

#endif  // EHLO_TOOLS_DRIVER_CONTENTS_H
