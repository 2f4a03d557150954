// An event loop with one client for each connection. The loop waits for sockets and for the earliest
// deadline; whatever wakes it, run() takes the session as far as it goes.
#include "tools/example/epoll.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct session {
  struct delivery *delivery;
  int fd;
  struct ehlo_client client;
  struct ehlo_submit submit;
  bool giving;            // the message is wanted
  struct ehlo_span left;  // of it
  bool over;
  bool ended;        // and its socket is closed
  bool cannot_send;  // the socket broke: what the server said before can still be read
  uint8_t buffer[EHLO_BUFFER_DEFAULT];
};

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- One session ------------------------------------------------------------------------------------

static void take_events(struct session *s) {
  struct ehlo_event event;
  while (ehlo_submit_next(&s->submit, &s->client, &event) != EHLO_EVENT_NONE) {
    if (event.type == EHLO_EVENT_TLS_WANTED) {
      ehlo_input_end(&s->client, EHLO_E_TLS);  // a TLS library would shake hands here
    } else if (event.type == EHLO_EVENT_BODY_WANTED) {
      s->giving = true;
      s->left = s->delivery->message;
    }
  }
}

// As much of the message as there is room for, and its end.
static void give_message(struct session *s) {
  size_t used = 0;
  if (s->submit.finished || !s->giving) {
    return;
  }
  enum ehlo_status status =
      ehlo_submit_body(&s->submit, &s->client, &used, s->left.bytes, s->left.len);
  s->left = (struct ehlo_span){s->left.bytes + used, s->left.len - used};
  if (status == EHLO_OK && s->left.len == 0) {
    status = ehlo_submit_body_end(&s->submit, &s->client);
    s->giving = status != EHLO_OK;
  }
  if (status != EHLO_OK && status != EHLO_E_FULL) {
    ehlo_submit_abandon(&s->submit, status);
  }
}

// True if the socket took something.
static bool send_output(struct session *s) {
  struct ehlo_output out;
  bool moved = false;
  while (!s->cannot_send && ehlo_output_peek(&s->client, &out)) {
    int more = (out.flags & EHLO_OUTPUT_MORE) != 0 ? MSG_MORE : 0;
    ssize_t n = send(s->fd, out.span.bytes, out.span.len, MSG_NOSIGNAL | more);
    s->delivery->num_partial_writes += n < (ssize_t)out.span.len;
    if (n < 0) {
      s->cannot_send = errno != EAGAIN && errno != EINTR;
      return moved;
    }
    ehlo_output_ack(&s->client, (size_t)n, now_ms());
    moved = true;
  }
  return moved;
}

// Until nothing moves any more without the socket or the clock.
static void run(struct session *s) {
  do {
    take_events(s);
    give_message(s);
  } while (send_output(s));
  struct ehlo_output out;
  s->over = s->submit.finished && (s->cannot_send || !ehlo_output_peek(&s->client, &out));
}

static void read_input(struct session *s) {
  uint8_t in[4096];
  ssize_t n = recv(s->fd, in, sizeof(in), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (n < 0) {
    ehlo_input_end(&s->client, errno == ECONNREFUSED ? EHLO_E_CONNECT : EHLO_E_RESET);
  } else if (n == 0) {
    ehlo_input_end(&s->client, EHLO_E_CLOSED);
  }
  for (size_t at = 0, used = 0; n > 0 && at < (size_t)n && !s->over; at += used) {
    ehlo_input(&s->client, &used, in + at, (size_t)n - at, now_ms());
    run(s);  // one reply at a time
  }
}

// ---- All of them ------------------------------------------------------------------------------------

// From now on the loop wakes when the server says something, and when the socket takes what waits.
static bool wait_for_more(struct session *s, int epoll_fd, int operation) {
  struct ehlo_output out;
  bool waits = !s->cannot_send && ehlo_output_peek(&s->client, &out);
  struct epoll_event interest = {.events = EPOLLIN | (waits ? (uint32_t)EPOLLOUT : 0),
                                 .data.ptr = s};
  return epoll_ctl(epoll_fd, operation, s->fd, &interest) == 0;
}

// The connection comes about in the background: until then the socket takes and gives nothing.
static bool begin(struct session *s, struct delivery *d, int epoll_fd) {
  s->delivery = d;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ehlo_client_init(&s->client, &(struct ehlo_config){.timeouts = d->timeouts}, s->buffer,
                   sizeof(s->buffer), now_ms());
  ehlo_submit_init(&s->submit, &d->config);
  if (connect(s->fd, (const struct sockaddr *)&d->server, sizeof(d->server)) != 0 &&
      errno != EINPROGRESS) {
    ehlo_input_end(&s->client, EHLO_E_CONNECT);
  }
  run(s);
  return wait_for_more(s, epoll_fd, EPOLL_CTL_ADD);
}

static void end(struct session *s) {
  s->delivery->outcome = s->submit.verdict.outcome;
  ehlo_client_wipe(&s->client);
  if (s->fd >= 0) {
    close(s->fd);
  }
  s->ended = true;
}

// Milliseconds to the earliest deadline, as epoll_wait() wants them; -1 without one.
static int time_left(const struct session *sessions, size_t num) {
  uint64_t first = EHLO_NEVER;
  uint64_t now = now_ms();
  for (size_t i = 0; i < num; i++) {
    uint64_t deadline = sessions[i].ended ? EHLO_NEVER : ehlo_deadline(&sessions[i].client);
    first = deadline < first ? deadline : first;
  }
  if (first == EHLO_NEVER) {
    return -1;
  }
  uint64_t left = first > now ? first - now : 0;
  return left < INT_MAX ? (int)left : INT_MAX;
}

static size_t num_open(const struct session *sessions, size_t num) {
  size_t open = 0;
  for (size_t i = 0; i < num; i++) {
    open += !sessions[i].ended;
  }
  return open;
}

static void go_on(struct session *s, int epoll_fd) {
  ehlo_tick(&s->client, now_ms());
  run(s);
  if (s->over) {
    end(s);
  } else {
    wait_for_more(s, epoll_fd, EPOLL_CTL_MOD);
  }
}

static void loop(int epoll_fd, struct session *sessions, size_t num) {
  struct epoll_event ready[16];
  while (num_open(sessions, num) > 0) {
    int n = epoll_wait(epoll_fd, ready, 16, time_left(sessions, num));
    for (int i = 0; i < n; i++) {
      struct session *s = ready[i].data.ptr;
      if (!s->over && (ready[i].events & ~(uint32_t)EPOLLOUT) != 0) {
        read_input(s);
      }
    }
    for (size_t i = 0; i < num; i++) {
      if (!sessions[i].ended) {
        go_on(&sessions[i], epoll_fd);
      }
    }
  }
}

bool submit_all(struct delivery *deliveries, size_t num) {
  struct session *sessions = calloc(num, sizeof(*sessions));
  int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  size_t begun = 0;
  bool good = sessions != NULL && epoll_fd >= 0;
  while (good && begun < num) {
    good = begin(&sessions[begun], &deliveries[begun], epoll_fd);
    begun++;
  }
  if (good) {
    loop(epoll_fd, sessions, num);
  }
  for (size_t i = 0; i < begun; i++) {
    if (!sessions[i].ended) {
      end(&sessions[i]);
    }
  }
  close(epoll_fd);
  free(sessions);
  return good;
}
