// The corpus in memory, for tests that run all of it many times, and the sharing out of that work
// among the shards of a test. It judges nothing.
#ifndef EHLO_REPLAY_CORPUS_H
#define EHLO_REPLAY_CORPUS_H

#include "replay/replay.h"

#define EHLO_CORPUS_FILES_MAX 2048

struct ehlo_corpus_file {
  char path[300];
  uint8_t *bytes;
  size_t len;
};

struct ehlo_corpus {
  size_t num_files;
  struct ehlo_corpus_file files[EHLO_CORPUS_FILES_MAX];  // by path
};

// All transcripts that stand in the runfiles, read once for the process. A group without one is a
// failed assertion.
const struct ehlo_corpus *ehlo_corpus(void);

// Gives a file's text: an ehlo_read_fn.
struct ehlo_corpus_source {
  const struct ehlo_corpus_file *file;
  size_t pos;
};
long ehlo_corpus_read(void *source, uint8_t *buf, size_t cap);

// Replays one of them.
void ehlo_corpus_replay(struct ehlo_replay_result *out, const struct ehlo_corpus_file *file,
                        const struct ehlo_replay_options *options);

// Expects that the replay went as the transcript says; `how` names the run where it did not.
void ehlo_corpus_expect_same(const struct ehlo_replay_result *r,
                             const struct ehlo_corpus_file *file, const char *how);

// Whether the `n`th piece of work is this shard's. Without shards, all of it is.
bool ehlo_corpus_is_mine(size_t n);

#endif  // EHLO_REPLAY_CORPUS_H
