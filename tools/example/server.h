// The server's side for the tests of the examples: a thread that follows a script, line by line, over
// one connection. It judges nothing but whether the client said what the script expects.
#ifndef EHLO_TOOLS_EXAMPLE_SERVER_H
#define EHLO_TOOLS_EXAMPLE_SERVER_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct line {
  const char *expect;  // the client's next line; "message": all up to the final dot; NULL: nothing
  const char *answer;  // NULL: the connection is closed; "silence": until the client closes
};

struct server {
  const struct line *script;
  size_t num_lines;
  bool good;      // the client said all of it
  char *message;  // as it came, dots doubled; the server's until server_join()
  size_t message_len;
  int fd;  // the server's end, or what it listens at
  bool listens;
  const atomic_size_t *stuck;  // no message is read before this is not 0; NULL: no such wait
  pthread_t thread;
};

// Begins to serve at one end of a socket pair; gives the other.
int server_pair(struct server *s, const struct line *script, size_t num_lines);

// Begins to listen on the loopback interface, for one connection. With `stuck` its receive buffer is
// small besides, so that a long message comes to a stop on its way.
struct sockaddr_in server_listen(struct server *s, const struct line *script, size_t num_lines,
                                 const atomic_size_t *stuck);

// Waits for the script's end and frees what the server holds but `message`, which is the caller's.
void server_join(struct server *s);

#endif  // EHLO_TOOLS_EXAMPLE_SERVER_H
