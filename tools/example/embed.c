// The engine in a program of one's own: a connected socket, a message, and this loop.
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/submit.h"
#include "tools/example/embed.h"

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum ehlo_outcome submit(int fd, const struct ehlo_submit_config *cfg, struct ehlo_span message) {
  static uint8_t buffer[EHLO_BUFFER_DEFAULT];
  struct ehlo_client c;
  struct ehlo_submit s;
  uint8_t in[4096];
  size_t len = 0, at = 0, used = 0;
  ehlo_client_init(&c, &(struct ehlo_config){0}, buffer, sizeof(buffer), now_ms());
  ehlo_submit_init(&s, cfg);
  while (!s.finished) {
    struct ehlo_event event;
    struct ehlo_output out;
    while (ehlo_submit_next(&s, &c, &event) != EHLO_EVENT_NONE) {
      if (event.type == EHLO_EVENT_TLS_WANTED) {
        ehlo_input_end(&c, EHLO_E_TLS);  // here a TLS library would shake hands: ehlo_tls_done()
      } else if (event.type == EHLO_EVENT_REPLY) {
        printf("%u to %s\n", event.reply.code, ehlo_verb_name(event.verb));
      }
    }
    if (!s.finished && ehlo_client_state(&c) == EHLO_STATE_BODY) {
      if (ehlo_submit_body(&s, &c, &used, message.bytes, message.len) != EHLO_OK) {
        ehlo_submit_abandon(&s, EHLO_E_BARE_CR);
      }
      message.bytes += used;
      message.len -= used;
      if (message.len == 0) {
        ehlo_submit_body_end(&s, &c);
      }
    }
    while (ehlo_output_peek(&c, &out)) {
      ssize_t n = send(fd, out.span.bytes, out.span.len, MSG_NOSIGNAL);
      ehlo_output_ack(&c, n > 0 ? (size_t)n : out.span.len, now_ms());  // reading shows what broke
    }
    if (at == len && !s.finished) {
      uint64_t deadline = ehlo_deadline(&c), now = now_ms();
      int wait_ms = deadline > now && deadline - now < 1000 ? (int)(deadline - now) : 1000;
      if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, wait_ms) > 0) {
        ssize_t n = recv(fd, in, sizeof(in), 0);
        at = 0;
        len = n > 0 ? (size_t)n : 0;
        if (n <= 0) {
          ehlo_input_end(&c, n == 0 ? EHLO_E_CLOSED : EHLO_E_RESET);
        }
      }
    }
    ehlo_input(&c, &used, in + at, len - at, now_ms());
    at += used;
  }
  ehlo_client_wipe(&c);
  return s.verdict.outcome;
}
