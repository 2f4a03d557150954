// The loop: accepts, waits for all sessions at once, lets each go on. Signals are taken only while
// it waits, so that no session is cut in the middle of a step.
#include "tools/driver/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/driver/relay_session.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number) {
  (void)number;
  stop_wanted = 1;
}

struct loop {
  const struct relay_config *config;
  struct relay_session *sessions;
  size_t num_sessions;
  uint64_t num_accepted;
  uint64_t num_ended;
  uint64_t accept_us;  // not before, since there is nothing to accept with; 0: there is
  bool incomplete;
  int last_status;
  struct pollfd fds[1 + 2 * RELAY_SESSIONS_MAX];
};

static bool is_done(const struct loop *l) {
  return l->config->connections != 0 && l->num_ended >= l->config->connections;
}

static bool accepts(const struct loop *l) {
  return l->num_sessions < RELAY_SESSIONS_MAX &&
         (l->config->connections == 0 || l->num_accepted < l->config->connections);
}

static void accept_one(struct loop *l) {
  int fd = live_net_accept(l->config->listen_fd, 0);
  if (fd < 0) {
    if (live_net_is_starved(errno)) {
      if (l->accept_us == 0) {
        fprintf(complaints(), "ehlo: a connection has to wait: %s\n", strerror(errno));
      }
      l->accept_us = live_net_clock_us() + LIVE_NET_STARVED_US;
    }
    return;
  }
  l->accept_us = 0;
  struct relay_session *s = relay_session_begin(l->config, fd, l->num_accepted + 1);
  if (s == NULL) {
    fprintf(complaints(), "ehlo: out of memory for another session\n");
    close(fd);
    return;
  }
  l->num_accepted++;
  s->next = l->sessions;
  l->sessions = s;
  l->num_sessions++;
}

// Waits until something can be done, a deadline comes or a signal does.
static void wait_for_all(struct loop *l, const sigset_t *open_signals) {
  bool starved = accepts(l) && live_net_clock_us() < l->accept_us;
  bool listens = accepts(l) && !starved;
  uint64_t wake_us = starved ? l->accept_us : UINT64_MAX;
  nfds_t num = 1;
  l->fds[0] = (struct pollfd){.fd = listens ? l->config->listen_fd : -1, .events = POLLIN};
  for (struct relay_session *s = l->sessions; s != NULL; s = s->next) {
    relay_session_wait(s, l->fds + num, &wake_us);
    num += 2;
  }
  uint64_t now_us = live_net_clock_us();
  uint64_t left_us = wake_us > now_us ? wake_us - now_us : 0;
  struct timespec left = {.tv_sec = (time_t)(left_us / 1000000),
                          .tv_nsec = (long)(left_us % 1000000) * 1000};
  if (ppoll(l->fds, num, wake_us == UINT64_MAX ? NULL : &left, open_signals) <= 0) {
    l->fds[0].revents = 0;
  }
}

static void end_session(struct loop *l, struct relay_session *s) {
  l->last_status = s->status;
  l->num_ended++;
  l->num_sessions--;
  l->incomplete = !relay_session_end(s) || l->incomplete;
}

static void go_on(struct loop *l) {
  struct relay_session **at = &l->sessions;
  while (*at != NULL) {
    struct relay_session *s = *at;
    relay_session_go(s);
    if (s->stage == RELAY_OVER) {
      *at = s->next;
      end_session(l, s);
    } else {
      at = &s->next;
    }
  }
}

static void stop_all(struct loop *l) {
  while (l->sessions != NULL) {
    struct relay_session *s = l->sessions;
    l->sessions = s->next;
    relay_session_stop(s);
    end_session(l, s);
  }
}

static void catch_signals(sigset_t *out_open) {
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t ours;
  stop_wanted = 0;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigprocmask(SIG_BLOCK, &ours, out_open);
  sigdelset(out_open, SIGINT);
  sigdelset(out_open, SIGTERM);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int relay_run(const struct relay_config *config) {
  static struct loop loop;
  sigset_t open_signals;
  memset(&loop, 0, sizeof(loop));
  loop.config = config;
  catch_signals(&open_signals);
  while (!is_done(&loop) && !stop_wanted) {
    wait_for_all(&loop, &open_signals);
    if ((loop.fds[0].revents & POLLIN) != 0) {
      accept_one(&loop);
    }
    go_on(&loop);
  }
  stop_all(&loop);
  int status = config->connections == 1 && !stop_wanted ? loop.last_status : 0;
  return status == 0 && loop.incomplete ? EX_CANTCREAT : status;
}
