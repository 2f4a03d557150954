// A recorder around the player writes down what passes, secrets hidden, and the trace prints what it
// writes. What is not to be seen goes nowhere, so that the trace knows of TLS and of the message.
#include "tools/driver/replay_tap.h"

#include <stdlib.h>
#include <string.h>

// ---- What the recorder writes ---------------------------------------------------------------------

// Takes the text behind "S: " or "C: ", without its line end.
static void keep(char out[REPLAY_TAP_LINE_MAX], const char *text, size_t len) {
  bool whole = len < REPLAY_TAP_LINE_MAX;
  size_t kept = whole ? len : REPLAY_TAP_LINE_MAX - sizeof(" ...");
  memcpy(out, text, kept);
  memcpy(out + kept, whole ? "" : " ...", whole ? 1 : sizeof(" ..."));
}

// One line, without its line feed.
static void keep_last(struct replay_tap *t, const char *text, size_t len) {
  size_t mark = 0;
  while (mark < len && text[0] == '+' && text[mark] != ' ') {
    mark++;
  }
  while (mark < len && text[mark] == ' ') {
    mark++;
  }
  if (mark + 2 > len || text[mark + 1] != ':') {
    return;
  }
  size_t begin = mark + 3 <= len ? mark + 3 : len;
  if (text[mark] == 'S') {
    keep(t->reply, text + begin, len - begin);
  } else if (text[mark] == 'C' && !t->in_message) {
    keep(t->command, text + begin, len - begin);
  }
}

// An ehlo_write_fn: whole lines.
static bool take_text(void *arg, const char *text, size_t len) {
  struct replay_tap *t = arg;
  for (size_t at = 0; at < len;) {
    const char *end = memchr(text + at, '\n', len - at);
    size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
    keep_last(t, text + at, line_len);
    at += line_len + 1;
  }
  trace_text(&t->trace, text, len);
  return true;
}

// ---- The transport --------------------------------------------------------------------------------

static enum ehlo_status tap_exchange(struct ehlo_transport *transport, size_t *out_taken,
                                     size_t *in_len, const struct ehlo_output *out, uint8_t *in,
                                     size_t in_cap, uint64_t deadline_ms) {
  struct replay_tap *t = (struct replay_tap *)transport;
  t->in_message = (out->flags & EHLO_OUTPUT_BODY) != 0;
  return t->recorder.base.ops->exchange(&t->recorder.base, out_taken, in_len, out, in, in_cap,
                                        deadline_ms);
}

static enum ehlo_status tap_start_tls(struct ehlo_transport *transport, uint64_t deadline_ms) {
  struct replay_tap *t = (struct replay_tap *)transport;
  return t->recorder.base.ops->start_tls(&t->recorder.base, deadline_ms);
}

static void tap_describe_tls(struct ehlo_transport *transport, char *out, size_t cap) {
  struct replay_tap *t = (struct replay_tap *)transport;
  t->recorder.base.ops->describe_tls(&t->recorder.base, out, cap);
}

static void tap_close(struct ehlo_transport *transport) {
  struct replay_tap *t = (struct replay_tap *)transport;
  t->recorder.base.ops->close(&t->recorder.base);
}

static uint64_t tap_now_us(struct ehlo_transport *transport) {
  struct replay_tap *t = (struct replay_tap *)transport;
  return t->recorder.base.ops->now_us(&t->recorder.base);
}

static const struct ehlo_transport_ops tap_ops = {
    .exchange = tap_exchange,
    .start_tls = tap_start_tls,
    .describe_tls = tap_describe_tls,
    .close = tap_close,
    .now_us = tap_now_us,
};

static struct ehlo_transport *put_around(void *arg, struct ehlo_transport *player,
                                         const struct ehlo_client *c,
                                         const struct ehlo_submit *submit) {
  struct replay_tap *t = arg;
  t->base.ops = &tap_ops;
  t->player = (struct ehlo_player *)player;
  t->client = c;
  t->submit = submit;
  ehlo_redactor_init(&t->no_secrets);
  ehlo_recorder_init(&t->recorder, player, &t->no_secrets, take_text, t);
  return &t->base;
}

// ---- The caller -----------------------------------------------------------------------------------

struct replay_tap *replay_tap_new(FILE *out) {
  struct replay_tap *t = calloc(1, sizeof(*t));
  if (t == NULL) {
    return NULL;
  }
  t->out = out;
  t->nowhere = fopen("/dev/null", "we");
  if (t->nowhere == NULL) {
    free(t);
    return NULL;
  }
  return t;
}

void replay_tap_free(struct replay_tap *t) {
  if (t != NULL) {
    fclose(t->nowhere);
    free(t);
  }
}

void replay_tap_show(struct replay_tap *t, bool shown) {
  t->shown = shown;
  t->trace.out = shown ? t->out : t->nowhere;
}

void replay_tap_attach(struct replay_tap *t, struct ehlo_replay_options *options) {
  trace_init(&t->trace, t->out, false);
  replay_tap_show(t, t->shown);
  t->client = NULL;
  t->num_events = 0;
  t->text[0] = '\0';
  t->command[0] = '\0';
  t->reply[0] = '\0';
  options->around = put_around;
  options->around_arg = t;
}

void replay_tap_verdict(struct replay_tap *t, const char *text) {
  t->num_events++;
  snprintf(t->text, sizeof(t->text), "%s", text);
  fprintf(t->trace.out, "%3zu = %s\n", t->num_events, text);
}

void replay_tap_event(struct replay_tap *t, const struct ehlo_event *event) {
  char text[EHLO_EVENT_TEXT_MAX];
  ehlo_event_text(text, event);
  replay_tap_verdict(t, text);
}
