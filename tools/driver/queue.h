// Jobs done by several threads and handed back in the order in which they were put in, whichever is
// ready first. It holds a bounded number of them and knows nothing of what they are.
#ifndef EHLO_TOOLS_DRIVER_QUEUE_H
#define EHLO_TOOLS_DRIVER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

// Threads that a queue may have.
#define QUEUE_THREADS_MAX 256

struct queue_ops {
  // What a thread keeps from job to job, made in that thread; NULL is passed on as it is.
  void *(*begin)(void *arg);
  void (*end)(void *worker);
  // Does a job, in any thread.
  void (*work)(void *worker, void *job);
  // Takes a job that is done, in the thread that calls the queue, in order.
  void (*done)(void *arg, void *job);
  // Called a few times a second by the calling thread while it waits. May be NULL.
  void (*waiting)(void *arg);
};

struct queue;

// `arg` goes to the operations. Threads are started as there is work for them; with one thread, or
// where the system gives none, the caller's own does the jobs as they come. NULL without memory.
struct queue *queue_new(const struct queue_ops *ops, void *arg, size_t num_threads);

// Puts a job in. Waits while too many are under way, and meanwhile takes those that are done.
void queue_put(struct queue *q, void *job);

// Waits for all jobs, takes them and frees the queue.
void queue_finish(struct queue *q);

#endif  // EHLO_TOOLS_DRIVER_QUEUE_H
