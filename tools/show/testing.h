// Transcripts in memory, for the tests of this package.
#ifndef EHLO_TOOLS_SHOW_TESTING_H
#define EHLO_TOOLS_SHOW_TESTING_H

#include "replay/transcript.h"

// Gives each item of a transcript to `take`; one that is no transcript fails the test.
void testing_read(const char *text, void (*take)(void *arg, const struct ehlo_item *item),
                  void *arg);

#endif  // EHLO_TOOLS_SHOW_TESTING_H
