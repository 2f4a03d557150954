// A ring of jobs under one lock. A job is put in at `end`, taken by a thread at `next`, and handed
// back at `first` once it and all before it are done.
#include "tools/driver/queue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW_PER_THREAD 64
#define WAITING_NS 200000000

struct slot {
  void *job;
  bool done;
};

struct queue {
  const struct queue_ops *ops;
  void *arg;
  pthread_mutex_t lock;
  pthread_cond_t work_is_there;
  pthread_cond_t some_are_done;
  struct slot *slots;
  size_t window;
  // Counted from the first job on; a job's slot is its number modulo `window`.
  uint64_t first;
  uint64_t next;
  uint64_t end;
  bool closing;
  bool caller_waits;
  size_t max_threads;  // 0: the caller does the work
  size_t num_threads;
  pthread_t threads[QUEUE_THREADS_MAX];
  void *own_worker;  // the caller's, where it does the work
  bool has_own_worker;
};

struct queue *queue_new(const struct queue_ops *ops, void *arg, size_t num_threads) {
  struct queue *q = calloc(1, sizeof(*q));
  if (q == NULL) {
    return NULL;
  }
  q->ops = ops;
  q->arg = arg;
  q->max_threads = num_threads <= 1                  ? 0
                   : num_threads < QUEUE_THREADS_MAX ? num_threads
                                                     : QUEUE_THREADS_MAX;
  q->window = WINDOW_PER_THREAD * (q->max_threads + 1);
  q->slots = calloc(q->window, sizeof(*q->slots));
  if (q->slots == NULL) {
    free(q);
    return NULL;
  }
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&q->lock, NULL);
  pthread_cond_init(&q->work_is_there, NULL);
  pthread_cond_init(&q->some_are_done, &monotonic);
  pthread_condattr_destroy(&monotonic);
  return q;
}

static struct slot *slot_of(struct queue *q, uint64_t number) {
  return &q->slots[number % q->window];
}

static bool first_is_done(struct queue *q) {
  return q->first < q->end && slot_of(q, q->first)->done;
}

// Whether the caller, who waits, has enough to do: a wake for each job would cost more than the job.
static bool caller_is_due(struct queue *q) {
  return first_is_done(q) && (q->closing || q->end - q->next <= q->window / 2);
}

// ---- Threads --------------------------------------------------------------------------------------

// One job. The lock is held before and after.
static void do_next(struct queue *q, void *worker) {
  uint64_t number = q->next++;
  void *job = slot_of(q, number)->job;
  pthread_mutex_unlock(&q->lock);
  q->ops->work(worker, job);
  pthread_mutex_lock(&q->lock);
  slot_of(q, number)->done = true;
  if (q->caller_waits && caller_is_due(q)) {
    q->caller_waits = false;
    pthread_cond_signal(&q->some_are_done);
  }
}

static void *thread(void *arg) {
  struct queue *q = arg;
  void *worker = q->ops->begin(q->arg);
  pthread_mutex_lock(&q->lock);
  for (;;) {
    while (q->next == q->end && !q->closing) {
      pthread_cond_wait(&q->work_is_there, &q->lock);
    }
    if (q->next == q->end) {
      break;
    }
    do_next(q, worker);
  }
  pthread_mutex_unlock(&q->lock);
  q->ops->end(worker);
  return NULL;
}

// Another thread if jobs wait for one. Where none at all can be had, the caller does the work.
static void start_thread(struct queue *q) {
  if (q->num_threads >= q->max_threads || q->next == q->end) {
    return;
  }
  if (pthread_create(&q->threads[q->num_threads], NULL, thread, q) == 0) {
    q->num_threads++;
  } else {
    q->max_threads = q->num_threads;
  }
}

// ---- The caller -----------------------------------------------------------------------------------

// Hands back what is done, in order. The lock is held before and after.
static void take_done(struct queue *q) {
  while (first_is_done(q)) {
    void *job = slot_of(q, q->first)->job;
    slot_of(q, q->first)->done = false;
    q->first++;
    pthread_mutex_unlock(&q->lock);
    q->ops->done(q->arg, job);
    pthread_mutex_lock(&q->lock);
  }
}

static void wait_for_some(struct queue *q) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += WAITING_NS;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  q->caller_waits = true;
  pthread_cond_timedwait(&q->some_are_done, &q->lock, &until);
  q->caller_waits = false;
  if (q->ops->waiting != NULL) {
    pthread_mutex_unlock(&q->lock);
    q->ops->waiting(q->arg);
    pthread_mutex_lock(&q->lock);
  }
}

// Where there is no thread, a job is done as it comes.
static void do_all(struct queue *q) {
  if (!q->has_own_worker) {
    q->own_worker = q->ops->begin(q->arg);
    q->has_own_worker = true;
  }
  while (q->next < q->end) {
    do_next(q, q->own_worker);
  }
}

void queue_put(struct queue *q, void *job) {
  pthread_mutex_lock(&q->lock);
  while (q->end - q->first == q->window) {
    if (!first_is_done(q)) {
      wait_for_some(q);
    }
    take_done(q);
  }
  *slot_of(q, q->end++) = (struct slot){.job = job};
  start_thread(q);
  if (q->num_threads == 0) {
    do_all(q);
  }
  pthread_cond_signal(&q->work_is_there);
  take_done(q);
  pthread_mutex_unlock(&q->lock);
}

void queue_finish(struct queue *q) {
  pthread_mutex_lock(&q->lock);
  q->closing = true;
  pthread_cond_broadcast(&q->work_is_there);
  take_done(q);
  while (q->first < q->end) {
    wait_for_some(q);
    take_done(q);
  }
  pthread_mutex_unlock(&q->lock);
  for (size_t i = 0; i < q->num_threads; i++) {
    pthread_join(q->threads[i], NULL);
  }
  if (q->has_own_worker) {
    q->ops->end(q->own_worker);
  }
  pthread_cond_destroy(&q->work_is_there);
  pthread_cond_destroy(&q->some_are_done);
  pthread_mutex_destroy(&q->lock);
  free(q->slots);
  free(q);
}
