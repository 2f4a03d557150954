// ehlo replay: transcripts through the engine, offline. Here the files are found, shared out among
// the threads, and told of in order.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/progress.h"
#include "tools/driver/queue.h"
#include "tools/driver/replay_step.h"
#include "tools/driver/replay_summary.h"
#include "tools/driver/replay_until.h"
#include "tools/driver/text.h"
#include "tools/driver/walk.h"

struct replay_command {
  struct replay_options options;
  struct replay_summary summary;
  struct progress progress;
  struct queue *queue;
  bool out_of_memory;
  bool printed;  // a result, in JSON
};

// ---- The threads ----------------------------------------------------------------------------------

static void *begin_worker(void *arg) {
  (void)arg;
  return replay_worker_new();
}

static void end_worker(void *worker) {
  replay_worker_free(worker);
}

static void work(void *worker, void *job) {
  replay_job_run(job, worker);
}

// ---- The results, in order ------------------------------------------------------------------------

static void print(struct replay_command *c, const struct replay_job *job) {
  if (job->out_len + job->err_len > 0) {
    progress_clear(&c->progress);
  }
  if (c->options.json && job->out_len > 0) {
    fputs(c->printed ? "," : "", stdout);
    c->printed = true;
  }
  if (job->out_len > 0) {
    fwrite(job->out, 1, job->out_len, stdout);
  }
  if (job->err_len > 0) {
    fflush(stdout);
    fwrite(job->err, 1, job->err_len, complaints());
  }
}

static void done(void *arg, void *done_job) {
  struct replay_command *c = arg;
  struct replay_job *job = done_job;
  print(c, job);
  replay_summary_add(&c->summary, job);
  c->progress.num_done += job->is_file;
  c->progress.num_wrong = replay_summary_count(&c->summary, EHLO_REPLAY_DIVERGED);
  replay_job_free(job);
  progress_draw(&c->progress);
}

static void waiting(void *arg) {
  progress_draw(&((struct replay_command *)arg)->progress);
}

static const struct queue_ops queue_ops = {begin_worker, end_worker, work, done, waiting};

// ---- The files ------------------------------------------------------------------------------------

static void put(struct replay_command *c, struct replay_job *job) {
  if (job != NULL) {
    queue_put(c->queue, job);
  } else {
    c->out_of_memory = true;
  }
}

static void visit(void *arg, const char *path) {
  struct replay_command *c = arg;
  put(c, replay_job_new(&c->options, path, NULL));
}

static void tell(void *arg, enum walk_problem problem, const char *path, const char *why) {
  struct replay_command *c = arg;
  put(c, problem == WALK_UNREADABLE ? replay_job_new(&c->options, path, why)
                                    : replay_job_tell(&c->options, path, why));
}

static void count(void *arg, const char *path) {
  (void)path;
  ++*(size_t *)arg;
}

static void tell_nobody(void *arg, enum walk_problem problem, const char *path, const char *why) {
  (void)arg;
  (void)problem;
  (void)path;
  (void)why;
}

// A bar wants to know how much there is to do.
static size_t count_files(const struct option_uses *uses) {
  size_t num = 0;
  struct walk_visitor visitor = {count, tell_nobody, &num};
  for (int i = 0; i < uses->num_operands; i++) {
    walk(uses->operands[i], &visitor);
  }
  return num;
}

static void begin_progress(struct replay_command *c, const struct option_uses *uses) {
  const struct replay_options *o = &c->options;
  bool wanted = !o->quiet && !o->json && !o->verbose && progress_is_possible();
  size_t total = wanted ? count_files(uses) : 0;
  progress_begin(&c->progress, total > 1, total, "diverged");
}

static void replay_files(struct replay_command *c, const struct option_uses *uses) {
  struct walk_visitor visitor = {visit, tell, c};
  begin_progress(c, uses);
  for (int i = 0; i < uses->num_operands; i++) {
    walk(uses->operands[i], &visitor);
  }
  queue_finish(c->queue);
  progress_clear(&c->progress);
}

// ---- The command ----------------------------------------------------------------------------------

static int finish(struct replay_command *c) {
  if (c->options.json) {
    fputs(c->printed ? "\n  ]" : "]", stdout);
    replay_summary_print_json(&c->summary, &c->options);
  } else {
    replay_summary_print(&c->summary, &c->options);
  }
  progress_end(&c->progress, c->options.num_jobs);
  if (c->out_of_memory) {
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  if (c->summary.num_files == 0) {
    fprintf(complaints(), "ehlo: there is no transcript (*.smtp) to replay\n");
    return EX_NOINPUT;
  }
  return replay_summary_status(&c->summary);
}

static int run(void *command, const struct option_uses *uses) {
  struct replay_command *c = command;
  if (!replay_options_take(&c->options, uses)) {
    return EX_USAGE;
  }
  if (c->options.step || c->options.until > 0) {
    const char *path = uses->operands[0];
    return c->options.step ? replay_step(&c->options, path) : replay_until(&c->options, path);
  }
  json_object_seed(0);  // before there are threads
  c->queue = queue_new(&queue_ops, c, c->options.num_jobs);
  if (c->queue == NULL) {
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  if (c->options.json) {
    text_note_json();
    fputs("{\n  \"results\": [", stdout);
  }
  replay_files(c, uses);
  return finish(c);
}

int command_replay(int argc, char **argv) {
  struct replay_command c = {0};
  return options_run(&replay_command, argc, argv, &c, run);
}
