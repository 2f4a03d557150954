// A temporary file and a rename.
#include "tools/driver/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "engine/ehlo.h"
#include "tools/driver/complaints.h"
#include "tools/driver/text.h"

static int complain(const struct output *o) {
  int why = errno;
  fputs("ehlo: cannot write ", complaints());
  text_print(complaints(), ehlo_str(o->path != NULL ? o->path : "standard output"));
  fprintf(complaints(), ": %s\n", strerror(why));
  return EX_CANTCREAT;
}

int output_open(struct output *o, const char *path) {
  struct stat info;
  *o = (struct output){.file = stdout};
  if (path == NULL || strcmp(path, "-") == 0) {
    return 0;
  }
  o->path = path;
  bool exists = stat(path, &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) {  // a device or a pipe is written as it is
    o->file = fopen(path, "we");
    return o->file != NULL ? 0 : complain(o);
  }
  if (snprintf(o->temporary, sizeof(o->temporary), "%s.XXXXXX", path) >=
      (int)sizeof(o->temporary)) {
    errno = ENAMETOOLONG;
    return complain(o);
  }
  int fd = mkstemp(o->temporary);
  if (fd < 0) {
    o->temporary[0] = '\0';
    return complain(o);
  }
  if (exists) {
    (void)!fchmod(fd, info.st_mode & 0777);
  }
  o->file = fdopen(fd, "w");
  if (o->file == NULL) {
    int status = complain(o);
    close(fd);
    unlink(o->temporary);
    return status;
  }
  return 0;
}

int output_commit(struct output *o) {
  bool good = fflush(o->file) == 0 && !ferror(o->file);
  if (o->path != NULL) {
    good = fclose(o->file) == 0 && good;
    good = good && (o->temporary[0] == '\0' || rename(o->temporary, o->path) == 0);
  }
  int status = good ? 0 : complain(o);
  if (!good && o->temporary[0] != '\0') {
    unlink(o->temporary);
  }
  o->file = NULL;
  return status;
}

void output_drop(struct output *o) {
  if (o->path != NULL && o->file != NULL) {
    fclose(o->file);
  }
  if (o->temporary[0] != '\0') {
    unlink(o->temporary);
  }
  o->file = NULL;
}
