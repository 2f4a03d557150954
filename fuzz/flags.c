// Goes into the fuzzers alone: flags of libFuzzer that are better for these targets than its defaults. What
// the command line says stands behind them, and wins.
#include <string.h>

#include "fuzz/fuzz.h"

#define ARGUMENTS_MAX 1024
#define FLAGS_MAX 2

// Entropic scheduling weighs how rare each feature is, in a list that it searches for each feature of each
// input. In the first minutes, when all is rare, that takes longer than a session itself; without it the
// same CPU time runs a fifth more inputs, and from an empty corpus finds more.
static char no_entropic[] = "-entropic=0";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static char *arguments[ARGUMENTS_MAX];
  size_t num = (size_t)*argc;
  size_t num_flags = 0;
  if (num == 0 || num + FLAGS_MAX >= ARGUMENTS_MAX) {
    return 0;
  }
  arguments[0] = (*argv)[0];
  arguments[++num_flags] = no_entropic;
  if (ehlo_fuzz_mutator_flag != NULL) {
    arguments[++num_flags] = ehlo_fuzz_mutator_flag;
  }
  memcpy(arguments + 1 + num_flags, *argv + 1, (num - 1) * sizeof(arguments[0]));
  *argv = arguments;
  *argc += (int)num_flags;
  return 0;
}
