// Where a command's text goes: standard output, or a file that is there whole or not at all.
#ifndef EHLO_TOOLS_DRIVER_OUTPUT_H
#define EHLO_TOOLS_DRIVER_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct output {
  FILE *file;
  const char *path;  // NULL: standard output
  char temporary[PATH_MAX];
};

// NULL or "-" as `path` is standard output. A file is written beside its place under another name; it has
// the permissions of the one that it replaces, else it is its owner's alone. Returns 0, or the exit
// status 73 after printing why.
int output_open(struct output *o, const char *path);
// Puts the file in its place. Returns 0, or 73 after printing why; then nothing was replaced.
int output_commit(struct output *o);
// Nothing is put anywhere; what went to standard output has gone.
void output_drop(struct output *o);

#endif  // EHLO_TOOLS_DRIVER_OUTPUT_H
