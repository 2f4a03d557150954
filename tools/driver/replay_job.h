// One transcript of `ehlo replay`: opened, run with each of the cuts asked for, and told of. It
// touches nothing that another thread does, and prints into memory: a few lines for each run. Only a
// conversation that is to be seen goes to standard output as it comes; then there are no threads.
#ifndef EHLO_TOOLS_DRIVER_REPLAY_JOB_H
#define EHLO_TOOLS_DRIVER_REPLAY_JOB_H

#include "tools/driver/replay_options.h"

// How one run ended, to be counted.
struct replay_ending {
  enum ehlo_chunks chunks;
  enum ehlo_replay_verdict verdict;
  bool is_submission;
  enum ehlo_outcome outcome;
  enum ehlo_state state;
};

// What a thread keeps from job to job.
struct replay_worker;

struct replay_worker *replay_worker_new(void);  // NULL without memory
void replay_worker_free(struct replay_worker *w);

struct replay_job {
  const struct replay_options *options;
  char *path;
  size_t num_endings;
  struct replay_ending endings[REPLAY_NUM_CHUNKS];
  bool is_file;   // else there is only something to tell
  char *refused;  // why it is not even to be opened, or NULL
  bool unwritable;
  // What goes to standard output and to standard error. Both may be NULL.
  char *out;
  size_t out_len;
  char *err;
  size_t err_len;
};

// NULL without memory. `path` is copied. `refused` is NULL, or says why there is no opening it.
struct replay_job *replay_job_new(const struct replay_options *options, const char *path,
                                  const char *refused);
void replay_job_free(struct replay_job *job);

// A job that only tells "ehlo: PATH: why".
struct replay_job *replay_job_tell(const struct replay_options *options, const char *path,
                                   const char *why);

// `worker` is this thread's, NULL if there was no memory for one.
void replay_job_run(struct replay_job *job, struct replay_worker *worker);

#endif  // EHLO_TOOLS_DRIVER_REPLAY_JOB_H
