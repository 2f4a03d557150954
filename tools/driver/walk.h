// Finding transcripts: a file by its name, or all *.smtp files in a directory and below, in the order
// of their names, in bounded memory however many there are. It opens no file.
#ifndef EHLO_TOOLS_DRIVER_WALK_H
#define EHLO_TOOLS_DRIVER_WALK_H

#include <stdbool.h>

// Directories inside of one another; deeper ones are told and left out.
#define WALK_DEPTH_MAX 64

enum walk_problem {
  WALK_UNREADABLE,  // what is there may be a transcript, and cannot be read
  WALK_LEFT_OUT,    // a directory that is visited already: nothing is missing
};

struct walk_visitor {
  void (*file)(void *arg, const char *path);
  // `why` is a sentence without a full stop.
  void (*problem)(void *arg, enum walk_problem problem, const char *path, const char *why);
  void *arg;
};

// Calls `file` for `path`, or, if it is a directory, for each *.smtp file in it and below. Links are
// followed. A path that is no directory is given as it is: what it may be is for who opens it.
void walk(const char *path, const struct walk_visitor *visitor);

// What is wrong with reading something that stat() says is of this mode; NULL: it is a file.
const char *walk_judge_mode(unsigned mode);

#endif  // EHLO_TOOLS_DRIVER_WALK_H
