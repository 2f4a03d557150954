// From a path to what is printed of it.
#include "tools/driver/replay_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/driver/replay_print.h"
#include "tools/driver/replay_source.h"
#include "tools/driver/replay_tap.h"
#include "tools/driver/replay_update.h"
#include "tools/driver/text.h"

// Text that is written to a stream, taken, and written anew.
struct page {
  FILE *stream;
  char *text;
  size_t len;
};

struct replay_worker {
  struct ehlo_replayer *replayer;
  struct page out;
  struct page err;
};

// A job while it is run.
struct run {
  struct replay_job *job;
  struct ehlo_replayer *replayer;
  struct replay_source source;
  struct replay_tap *tap;  // NULL: the conversation is not shown
  FILE *out;
  FILE *err;
};

void replay_job_free(struct replay_job *job) {
  free(job->path);
  free(job->refused);
  free(job->out);
  free(job->err);
  free(job);
}

struct replay_job *replay_job_new(const struct replay_options *options, const char *path,
                                  const char *refused) {
  struct replay_job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    return NULL;
  }
  job->options = options;
  job->path = strdup(path);
  job->refused = refused != NULL ? strdup(refused) : NULL;
  job->is_file = true;
  if (job->path == NULL || (refused != NULL && job->refused == NULL)) {
    replay_job_free(job);
    return NULL;
  }
  return job;
}

struct replay_job *replay_job_tell(const struct replay_options *options, const char *path,
                                   const char *why) {
  struct replay_job *job = replay_job_new(options, path, NULL);
  FILE *err = job != NULL ? open_memstream(&job->err, &job->err_len) : NULL;
  if (err == NULL) {
    return job;
  }
  job->is_file = false;
  fputs("ehlo: ", err);
  text_print(err, ehlo_str(path));
  fprintf(err, ": %s\n", why);
  fclose(err);
  return job;
}

// ---- Running --------------------------------------------------------------------------------------

static void take_result(struct run *r, const struct ehlo_replay_result *result,
                        enum ehlo_chunks chunks) {
  struct replay_job *job = r->job;
  struct replay_line line = {job->path, chunks, result, r->source.why};
  job->endings[job->num_endings++] = (struct replay_ending){
      chunks, result->verdict, result->is_submission, result->outcome, result->state};
  if (job->options->json) {
    fputs(job->num_endings > 1 ? ",\n    " : "\n    ", r->out);
    replay_print_json(r->out, r->err, &line);
  } else {
    replay_print_text(r->out, r->err, &line, job->options->quiet);
  }
}

static void update(struct run *r) {
  struct ehlo_replay_result result;
  char why[200];
  if (replay_update(&result, why, r->replayer, &r->source, r->job->path) == REPLAY_UPDATED) {
    take_result(r, &result, EHLO_CHUNKS_RECORDED);
    return;
  }
  r->job->unwritable = true;
  fputs("ehlo: cannot update ", r->err);
  text_print(r->err, ehlo_str(r->job->path));
  fprintf(r->err, ": %s\n", why);
}

static bool tap_event(void *tap, const struct ehlo_client *c, const struct ehlo_event *event,
                      size_t line) {
  (void)c;
  (void)line;
  replay_tap_event(tap, event);
  return true;
}

static void tap_verdict(void *tap, const char *text) {
  replay_tap_verdict(tap, text);
}

static void run_once(struct run *r, enum ehlo_chunks chunks) {
  struct ehlo_replay_options options = {.chunks = chunks, .tolerant = r->job->options->tolerant};
  struct ehlo_replay_result result;
  if (r->tap != NULL) {
    options.event = tap_event;
    options.verdict = tap_verdict;
    options.event_arg = r->tap;
    replay_tap_attach(r->tap, &options);
  }
  ehlo_replayer_run(r->replayer, &result, replay_source_read, &r->source, &options);
  take_result(r, &result, chunks);
}

static bool open_source(struct run *r, bool again) {
  if (r->job->refused != NULL) {
    snprintf(r->source.why, sizeof(r->source.why), "%s", r->job->refused);
    return false;
  }
  return replay_source_open(&r->source, r->job->path, again);
}

static void run_all(struct run *r) {
  const struct replay_options *o = r->job->options;
  enum ehlo_chunks first = replay_first_chunks(o);
  enum ehlo_chunks last = replay_last_chunks(o);
  bool good = open_source(r, first != last);
  if (good && o->update) {
    update(r);
  } else if (good) {
    run_once(r, first);
    for (unsigned i = first + 1; good && i <= last; i++) {
      good = replay_source_rewind(&r->source);
      if (good) {
        run_once(r, (enum ehlo_chunks)i);
      }
    }
  }
  if (!good) {
    struct ehlo_replay_result nothing = {.verdict = EHLO_REPLAY_FAILED};
    take_result(r, &nothing, first);
  }
  replay_source_close(&r->source);
}

// ---- Threads --------------------------------------------------------------------------------------

struct replay_worker *replay_worker_new(void) {
  struct replay_worker *w = calloc(1, sizeof(*w));
  if (w == NULL) {
    return NULL;
  }
  w->replayer = ehlo_replayer_new();
  w->out.stream = open_memstream(&w->out.text, &w->out.len);
  w->err.stream = open_memstream(&w->err.text, &w->err.len);
  if (w->replayer == NULL || w->out.stream == NULL || w->err.stream == NULL) {
    replay_worker_free(w);
    return NULL;
  }
  return w;
}

static void free_page(struct page *p) {
  if (p->stream != NULL) {
    fclose(p->stream);
  }
  free(p->text);
}

void replay_worker_free(struct replay_worker *w) {
  if (w != NULL) {
    free_page(&w->out);
    free_page(&w->err);
    ehlo_replayer_free(w->replayer);
    free(w);
  }
}

// Takes what was written since the last time. False: it was more than there is memory for.
static bool take_page(char **out, size_t *out_len, struct page *p) {
  if (fflush(p->stream) != 0) {
    return false;
  }
  *out = p->len > 0 ? malloc(p->len) : NULL;
  if (*out != NULL) {
    memcpy(*out, p->text, p->len);
    *out_len = p->len;
  }
  bool taken = *out_len == p->len;
  rewind(p->stream);
  return taken;
}

void replay_job_run(struct replay_job *job, struct replay_worker *worker) {
  if (!job->is_file) {
    return;
  }
  if (worker == NULL) {
    job->endings[job->num_endings++] = (struct replay_ending){.verdict = EHLO_REPLAY_FAILED};
    return;
  }
  struct run r = {
      .job = job,
      .replayer = worker->replayer,
      .out = worker->out.stream,
      .err = worker->err.stream,
  };
  if (job->options->verbose && (r.tap = replay_tap_new(stdout)) != NULL) {
    replay_tap_show(r.tap, true);
  }
  run_all(&r);
  replay_tap_free(r.tap);
  if (!take_page(&job->out, &job->out_len, &worker->out) ||
      !take_page(&job->err, &job->err_len, &worker->err)) {
    job->endings[0].verdict = EHLO_REPLAY_FAILED;  // it cannot be told of
  }
}
