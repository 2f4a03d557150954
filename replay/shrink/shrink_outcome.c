// Watches a replay for the reply that decides.
#include "replay/shrink/shrink_outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watch {
  struct ehlo_shrink_outcome *out;
  const struct ehlo_submit *submit;  // NULL: it is none
  struct ehlo_span left;             // of the text
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct ehlo_span *left = &((struct watch *)arg)->left;
  size_t n = left->len < cap ? left->len : cap;
  if (n > 0) {
    memcpy(buf, left->bytes, n);
    *left = (struct ehlo_span){left->bytes + n, left->len - n};
  }
  return (long)n;
}

static struct ehlo_transport *on_begin(void *arg, struct ehlo_transport *player,
                                       const struct ehlo_client *c,
                                       const struct ehlo_submit *submit) {
  (void)c;
  ((struct watch *)arg)->submit = submit;
  return player;
}

static uint64_t hash(struct ehlo_span span) {
  uint64_t h = 14695981039346656037U;
  for (size_t i = 0; i < span.len; i++) {
    h = (h ^ span.bytes[i]) * 1099511628211U;
  }
  return h;
}

static void take_reply(struct ehlo_shrink_outcome *out, const struct ehlo_event *event) {
  bool refused = event->reply.code >= 400;
  if (event->verb == EHLO_VERB_QUIT || (out->refused && !refused)) {
    return;
  }
  out->refused = refused;
  out->code = event->reply.code;
  out->enhanced = event->reply.enhanced;
  out->verb = event->verb;
  out->words = hash(event->reply.text);
}

static bool on_event(void *arg, const struct ehlo_client *c, const struct ehlo_event *event,
                     size_t line) {
  struct watch *w = arg;
  (void)c;
  (void)line;
  if (event->type == EHLO_EVENT_REPLY) {
    take_reply(w->out, event);
  } else if (event->type == EHLO_EVENT_FAILED) {
    w->out->failed_verb = event->error.verb;
    w->out->failed_sent = event->error.verb_sent;
    w->out->failed_line = hash(event->error.line);
  }
  w->out->problem = w->submit != NULL ? w->submit->verdict.problem : EHLO_PROBLEM_NONE;
  return true;
}

// A replay reads no further than to where it diverges.
static bool is_transcript(const char *text, size_t len) {
  struct watch watch = {.left = {(const uint8_t *)text, len}};
  struct ehlo_reader *reader = malloc(sizeof(*reader));
  struct ehlo_item item;
  enum ehlo_read_result result = EHLO_READ_ITEM;
  if (reader == NULL) {
    return false;
  }
  ehlo_reader_init(reader, give, &watch);
  while (result == EHLO_READ_ITEM) {
    result = ehlo_reader_next(reader, &item);
  }
  free(reader);
  return result == EHLO_READ_END;
}

// An error's offset is a place, and places move: "failed closed at 79".
static void without_place(char out[200], const char *text) {
  const char *at = strncmp(text, "failed ", 7) == 0 ? strstr(text, " at ") : NULL;
  snprintf(out, 200, "%.*s", at != NULL ? (int)(at - text) : 199, text);
}

void ehlo_shrink_judge(struct ehlo_shrink_outcome *out, struct ehlo_replay_result *out_replay,
                       struct ehlo_replayer *replayer, const char *text, size_t len,
                       struct ehlo_writer *copy) {
  struct watch watch = {.out = out, .left = {(const uint8_t *)text, len}};
  struct ehlo_replay_options options = {.copy = copy,
                                        .around = on_begin,
                                        .around_arg = &watch,
                                        .event = on_event,
                                        .event_arg = &watch};
  memset(out, 0, sizeof(*out));
  ehlo_replayer_run(replayer, out_replay, give, &watch, &options);
  out->verdict = out_replay->verdict;
  out->is_submission = out_replay->is_submission;
  out->outcome = out_replay->outcome;
  out->stage = out_replay->stage;
  out->state = out_replay->state;
  out->status = out_replay->status;
  if (out->verdict == EHLO_REPLAY_DIVERGED) {
    out->verdict = is_transcript(text, len) ? out->verdict : EHLO_REPLAY_BAD;
    without_place(out->expected, out_replay->divergence.expected);
    without_place(out->got, out_replay->divergence.got);
  }
}

static bool same_reply(const struct ehlo_shrink_outcome *a, const struct ehlo_shrink_outcome *b) {
  return a->refused == b->refused && a->code == b->code && a->verb == b->verb &&
         a->enhanced.class_code == b->enhanced.class_code &&
         a->enhanced.subject == b->enhanced.subject && a->enhanced.detail == b->enhanced.detail;
}

bool ehlo_shrink_same(const struct ehlo_shrink_outcome *a, const struct ehlo_shrink_outcome *b,
                      enum ehlo_shrink_keep keep) {
  if (a->verdict != b->verdict) {
    return false;
  }
  if (a->verdict == EHLO_REPLAY_DIVERGED) {
    return strcmp(a->expected, b->expected) == 0 && strcmp(a->got, b->got) == 0;
  }
  if (a->is_submission != b->is_submission || a->outcome != b->outcome || a->stage != b->stage ||
      a->problem != b->problem || a->state != b->state || a->status != b->status ||
      a->failed_verb != b->failed_verb || a->failed_sent != b->failed_sent) {
    return false;
  }
  if (keep == EHLO_SHRINK_KEEP_OUTCOME) {
    return true;
  }
  return same_reply(a, b) && (keep == EHLO_SHRINK_KEEP_REPLY ||
                              (a->words == b->words && a->failed_line == b->failed_line));
}
