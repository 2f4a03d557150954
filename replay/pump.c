// The loop: events, message text, bytes out and in, and again.
#include "replay/pump.h"

#include <string.h>

#define INPUT_MAX 16384

struct loop {
  struct ehlo_pump *pump;
  bool over;
  bool ended;                // by the observer
  enum ehlo_status stopped;  // of class CALLER: the transport gave up
};

static uint64_t now_ms(struct ehlo_pump *p) {
  return p->transport->ops->now_us(p->transport) / 1000;
}

// What the transport said of the connection's end, for the client to judge.
static void connection_ended(struct loop *l, enum ehlo_status why, uint64_t deadline_ms) {
  struct ehlo_client *c = l->pump->client;
  if (ehlo_status_class(why) == EHLO_CLASS_CALLER) {
    l->stopped = why;
    l->over = true;
  } else if (why == EHLO_E_TIMEOUT) {
    uint64_t now = now_ms(l->pump);
    ehlo_tick(c, now > deadline_ms ? now : deadline_ms);
  } else {
    ehlo_input_end(c, why);
  }
}

// `spoken`: what plaintext in place of the server's handshake means, EHLO_OK where it is the client's
// to judge when the next exchange brings it.
static void handshake(struct loop *l, enum ehlo_status spoken) {
  struct ehlo_pump *p = l->pump;
  uint64_t deadline = ehlo_deadline(p->client);
  enum ehlo_status status = p->transport->ops->start_tls(p->transport, deadline);
  if (status == EHLO_OK) {
    ehlo_tls_done(p->client, now_ms(p));
    if (p->observer.secured != NULL) {
      p->observer.secured(p->observer.arg);
    }
  } else if (status != EHLO_E_STARTTLS_INJECTION) {
    connection_ended(l, status, deadline);
  } else if (spoken != EHLO_OK) {
    connection_ended(l, spoken, deadline);
  }
}

// Takes all events that are due.
static void drain_events(struct loop *l) {
  struct ehlo_pump *p = l->pump;
  struct ehlo_event event;
  while (!l->ended) {
    enum ehlo_event_type type = p->program->ops->next(p->program, p->client, &event);
    if (type == EHLO_EVENT_NONE) {
      return;
    }
    if (p->observer.event != NULL && !p->observer.event(p->observer.arg, p->client, &event)) {
      l->ended = true;
      l->over = true;
      return;
    }
    if (type == EHLO_EVENT_TLS_WANTED && ehlo_client_state(p->client) != EHLO_STATE_FAILED) {
      handshake(l, EHLO_OK);
    }
    l->over = l->over || type == EHLO_EVENT_CLOSED || type == EHLO_EVENT_FAILED;
  }
}

static void take_input(struct loop *l, const uint8_t *in, size_t len) {
  struct ehlo_pump *p = l->pump;
  uint64_t now = now_ms(p);
  while (len > 0 && !l->over) {
    size_t used = 0;
    ehlo_input(p->client, &used, in, len, now);
    in += used;
    len -= used;
    drain_events(l);
  }
}

static void give_body(struct loop *l) {
  struct ehlo_pump *p = l->pump;
  enum ehlo_state state = ehlo_client_state(p->client);
  if (state == EHLO_STATE_BODY || state == EHLO_STATE_CHUNK) {
    l->over = !p->program->ops->body(p->program, p->client);
  }
}

static void exchange(struct loop *l, const struct ehlo_output *out) {
  struct ehlo_pump *p = l->pump;
  uint8_t in[INPUT_MAX];
  size_t taken = 0;
  size_t got = 0;
  uint64_t deadline = ehlo_deadline(p->client);
  enum ehlo_status status =
      p->transport->ops->exchange(p->transport, &taken, &got, out, in, sizeof(in), deadline);
  ehlo_output_ack(p->client, taken, now_ms(p));
  take_input(l, in, got);
  if (status != EHLO_OK) {
    connection_ended(l, status, deadline);
  }
}

enum ehlo_status ehlo_pump_run(struct ehlo_pump *p) {
  struct loop l = {.pump = p, .stopped = EHLO_OK};
  if (p->tls_first) {
    handshake(&l, EHLO_E_TLS);
  }
  for (;;) {
    drain_events(&l);
    bool finished = p->program->ops->finished(p->program);
    if (!l.over && !finished) {
      give_body(&l);
    }
    struct ehlo_output out;
    bool has_output = ehlo_output_peek(p->client, &out);
    if (l.over || (finished && !has_output)) {
      break;
    }
    exchange(&l, &out);
  }
  drain_events(&l);
  return l.stopped;
}
