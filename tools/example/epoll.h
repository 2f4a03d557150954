// Several submissions at once in one thread: the engine under an event loop of the program's own.
#ifndef EHLO_TOOLS_EXAMPLE_EPOLL_H
#define EHLO_TOOLS_EXAMPLE_EPOLL_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "engine/submit.h"

// One message for one server, without TLS. All but the last two members are the caller's to fill in.
struct delivery {
  struct sockaddr_in server;
  struct ehlo_submit_config config;
  struct ehlo_timeouts timeouts;  // 0: the engine's
  struct ehlo_span message;
  enum ehlo_outcome outcome;
  atomic_size_t num_partial_writes;  // how often the socket took a part, or nothing
};

// Submits all of them, each over a connection of its own. False if the system gives no epoll
// descriptor, no socket or no memory; then nothing was submitted.
bool submit_all(struct delivery *deliveries, size_t num);

#endif  // EHLO_TOOLS_EXAMPLE_EPOLL_H
