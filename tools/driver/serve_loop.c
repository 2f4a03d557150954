// See serve_loop.h. Whatever a connection does, it does without waiting; the only wait is in here.
#include "tools/driver/serve_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/driver/serve_tap.h"

#define STOP_US 2000000  // that the last words may take

struct loop {
  uint64_t accept_us;  // not before, since there is nothing to accept with; 0: there is
  struct serve *serve;
  struct serve_connection *open[SERVE_CONNECTIONS_MAX];
  size_t num_open;
  bool stopping;
};

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal) {
  (void)signal;
  stop_asked = 1;
}

// ---- One connection ----------------------------------------------------------------------------

static void tap_connection(const struct serve *s, struct serve_connection *c, size_t number) {
  char fact[LIVE_ADDRESS_MAX + 300];
  if (s->record == NULL) {
    return;
  }
  c->tap = serve_tap_open(s->record, number);
  snprintf(fact, sizeof(fact), "note served to %s", c->peer);
  serve_tap_fact(c->tap, 0, fact);
}

// False without memory; the descriptor is closed then.
static bool add(struct loop *l, int fd) {
  struct serve *s = l->serve;
  struct serve_connection *c = malloc(sizeof(*c));
  if (c == NULL) {
    close(fd);
    return false;
  }
  serve_connection_init(c, fd, s->context, s->script, s->faults, s->tls, s->speed_permille,
                        ++s->num_connections);
  tap_connection(s, c, s->num_connections);
  s->record_incomplete = s->record_incomplete || (s->record != NULL && c->tap == NULL);
  l->open[l->num_open++] = c;
  serve_connection_advance(c);
  return true;
}

static void end(struct loop *l, size_t i) {
  struct serve_connection *c = l->open[i];
  ehlo_served_finish(&c->served);
  l->serve->record_incomplete = !serve_tap_close(c->tap) || l->serve->record_incomplete;
  serve_connection_free(c);
  if (l->serve->ended != NULL) {
    l->serve->ended(l->serve->arg, c);
  }
  free(c);
  // The order of the others stays, since they share what is counted.
  memmove(l->open + i, l->open + i + 1, (l->num_open - i - 1) * sizeof(l->open[0]));
  l->num_open--;
}

static bool is_full(const struct loop *l) {
  const struct serve *s = l->serve;
  return l->stopping || l->num_open == SERVE_CONNECTIONS_MAX ||
         (s->max_connections > 0 && s->num_connections >= s->max_connections);
}

// ---- Waiting -----------------------------------------------------------------------------------

static int timeout_ms(uint64_t deadline_us) {
  uint64_t now_us = live_net_clock_us();
  uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
  return left_us > 60000000 ? 60000 : (int)((left_us + 999) / 1000);
}

// Polls all of them once. False: it cannot.
static bool wait_once(struct loop *l, struct pollfd *fds, const sigset_t *unblocked) {
  bool full = is_full(l);
  bool starved = !full && live_net_clock_us() < l->accept_us;
  uint64_t deadline_us = starved ? l->accept_us : UINT64_MAX;
  fds[0] = (struct pollfd){.fd = full || starved ? -1 : l->serve->listener, .events = POLLIN};
  for (size_t i = 0; i < l->num_open; i++) {
    struct serve_connection *c = l->open[i];
    short events = serve_connection_events(c);
    uint64_t own_us = serve_connection_deadline_us(c, l->serve->idle_us);
    fds[i + 1] = (struct pollfd){.fd = events != 0 ? c->channel.fd : -1, .events = events};
    deadline_us = own_us < deadline_us ? own_us : deadline_us;
  }
  int ms = timeout_ms(deadline_us);
  struct timespec wait = {ms / 1000, (long)(ms % 1000) * 1000000};
  int n = ppoll(fds, l->num_open + 1, &wait, unblocked);
  if (n < 0) {
    for (size_t i = 0; i <= l->num_open; i++) {
      fds[i].revents = 0;
    }
  }
  return n >= 0 || errno == EINTR;
}

static void accept_one(struct loop *l) {
  int fd = live_net_accept(l->serve->listener, 0);
  if (fd < 0 && live_net_is_starved(errno)) {
    if (l->accept_us == 0) {
      fprintf(complaints(), "ehlo: a connection has to wait: %s\n", strerror(errno));
    }
    l->accept_us = live_net_clock_us() + LIVE_NET_STARVED_US;
  } else if (fd >= 0) {
    l->accept_us = 0;
    (void)add(l, fd);
  }
}

static void check_idle(const struct loop *l, struct serve_connection *c) {
  bool waits = c->holds_step && c->due_us > 0;
  if (c->state == SERVE_OPEN && !waits && live_net_clock_us() >= c->active_us + l->serve->idle_us) {
    serve_connection_stop(c, "421 4.4.2 Idle for too long\r\n");
  }
}

static void serve_ready(struct loop *l, const struct pollfd *fds) {
  size_t polled = l->num_open;
  for (size_t i = 0; i < polled; i++) {
    struct serve_connection *c = l->open[i];
    if ((fds[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 || serve_connection_may_read(c)) {
      serve_connection_read(c);
    }
    serve_connection_advance(c);
    check_idle(l, c);
  }
  for (size_t i = l->num_open; i-- > 0;) {
    if (l->open[i]->state == SERVE_DONE) {
      end(l, i);
    }
  }
}

static void begin_stopping(struct loop *l) {
  l->stopping = true;
  l->serve->idle_us = STOP_US;
  for (size_t i = 0; i < l->num_open; i++) {
    serve_connection_stop(l->open[i], "421 4.3.2 The server stops\r\n");
  }
}

static bool is_over(const struct loop *l) {
  const struct serve *s = l->serve;
  bool enough = s->max_connections > 0 && s->num_connections >= s->max_connections;
  return l->num_open == 0 && (l->stopping || enough);
}

bool serve_run(struct serve *s) {
  struct loop l = {.serve = s};
  struct pollfd fds[SERVE_CONNECTIONS_MAX + 1];
  struct sigaction action = {.sa_handler = ask_to_stop};
  sigset_t stops;
  sigset_t unblocked;
  bool good = true;
  // The signals get through only while nothing is being done.
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, &unblocked);
  sigdelset(&unblocked, SIGINT);
  sigdelset(&unblocked, SIGTERM);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  while (good && !is_over(&l)) {
    good = wait_once(&l, fds, &unblocked);
    if (stop_asked && !l.stopping) {
      begin_stopping(&l);
    }
    serve_ready(&l, fds);
    if ((fds[0].revents & POLLIN) != 0 && !is_full(&l)) {
      accept_one(&l);
    }
  }
  while (l.num_open > 0) {
    end(&l, l.num_open - 1);
  }
  return good;
}
