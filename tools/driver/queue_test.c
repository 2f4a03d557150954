// The queue: results come in order whatever the threads do, each once, never more than a window of
// jobs under way, and a worker is ended by the thread that began it.
#include "tools/driver/queue.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NUM_JOBS 20000

struct bench {
  size_t num_done;
  size_t num_put;
  size_t most_under_way;
  atomic_size_t num_workers;
  atomic_size_t num_begun;
  bool in_order;
  pthread_t caller;
  bool done_by_caller;
};

struct job {
  size_t number;
  unsigned effort;
  bool worked;
};

struct worker {
  struct bench *bench;
  pthread_t thread;
};

static void *begin(void *arg) {
  struct worker *w = calloc(1, sizeof(*w));
  w->bench = arg;
  w->thread = pthread_self();
  atomic_fetch_add(&w->bench->num_workers, 1);
  atomic_fetch_add(&w->bench->num_begun, 1);
  return w;
}

static void end(void *arg) {
  struct worker *w = arg;
  cr_expect(pthread_equal(w->thread, pthread_self()));
  atomic_fetch_sub(&w->bench->num_workers, 1);
  free(w);
}

static void work(void *arg, void *job_arg) {
  struct worker *w = arg;
  struct job *job = job_arg;
  cr_expect(pthread_equal(w->thread, pthread_self()));
  volatile unsigned effort = job->effort;
  while (effort > 0) {
    effort--;
  }
  job->worked = true;
}

static void done(void *arg, void *job_arg) {
  struct bench *b = arg;
  struct job *job = job_arg;
  b->in_order = b->in_order && job->number == b->num_done && job->worked;
  b->done_by_caller = b->done_by_caller && pthread_equal(b->caller, pthread_self());
  b->num_done++;
  free(job);
}

static const struct queue_ops ops = {begin, end, work, done, NULL};

// Every so many jobs one takes long, so that those behind it are done first.
static void run(struct bench *b, size_t num_threads, size_t num_jobs) {
  *b = (struct bench){.in_order = true, .done_by_caller = true, .caller = pthread_self()};
  struct queue *q = queue_new(&ops, b, num_threads);
  cr_assert_not_null(q);
  for (size_t i = 0; i < num_jobs; i++) {
    struct job *job = calloc(1, sizeof(*job));
    job->number = i;
    job->effort = i % 500 == 7 ? 1000000 : 10;
    queue_put(q, job);
    b->num_put++;
    size_t under_way = b->num_put - b->num_done;
    b->most_under_way = under_way > b->most_under_way ? under_way : b->most_under_way;
  }
  queue_finish(q);
}

Test(queue, keeps_the_order) {
  static const size_t threads[] = {0, 1, 2, 3, 16, QUEUE_THREADS_MAX, QUEUE_THREADS_MAX + 1};
  for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
    struct bench b;
    run(&b, threads[i], NUM_JOBS);
    cr_expect_eq(b.num_done, NUM_JOBS, "%zu threads: %zu done", threads[i], b.num_done);
    cr_expect(b.in_order && b.done_by_caller, "%zu threads", threads[i]);
    cr_expect_eq(atomic_load(&b.num_workers), 0, "%zu threads", threads[i]);
  }
}

Test(queue, is_bounded) {
  struct bench b;
  run(&b, 4, NUM_JOBS);
  cr_expect_leq(b.most_under_way, 64 * 5, "%zu", b.most_under_way);
  cr_expect_leq(atomic_load(&b.num_begun), 4);
  run(&b, 1, NUM_JOBS);
  cr_expect_eq(b.most_under_way, 0, "one thread keeps nothing back");
}

// One job needs no more than one thread, and none at all is no mistake.
Test(queue, starts_threads_as_there_is_work) {
  struct bench b;
  run(&b, 8, 1);
  cr_expect_eq(b.num_done, 1);
  cr_expect_eq(atomic_load(&b.num_begun), 1);
  run(&b, 8, 0);
  cr_expect_eq(atomic_load(&b.num_begun), 0);
}
