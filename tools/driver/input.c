// See input.h. What can be read is decided in file.c.
#include "tools/driver/input.h"

#include <string.h>
#include <sysexits.h>

#include "engine/ehlo.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/spool.h"
#include "tools/driver/text.h"

int input_complain(const char *path, const char *why) {
  fputs("ehlo: cannot read ", complaints());
  text_print(complaints(), ehlo_str(strcmp(path, "-") == 0 ? "standard input" : path));
  fprintf(complaints(), ": %s\n", why);
  return EX_NOINPUT;
}

static FILE *or_complain(FILE *file, const char *path, const char *why) {
  if (file == NULL) {
    (void)input_complain(path, why);
  }
  return file;
}

FILE *input_open(const char *path) {
  const char *why = NULL;
  FILE *file = file_open(&why, path);
  return or_complain(file, path, why);
}

FILE *input_spool(const char *path, bool (*is_enough)(void *arg, const uint8_t *bytes, size_t len),
                  void *arg) {
  const char *why = NULL;
  FILE *file = spool_open(&why, path, is_enough, arg);
  return or_complain(file, path, why);
}
