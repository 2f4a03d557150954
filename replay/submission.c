// Policy, message and pump brought together.
#include "replay/submission.h"

static enum ehlo_event_type submission_next(struct ehlo_program *p, struct ehlo_client *c,
                                            struct ehlo_event *out) {
  struct ehlo_submission *s = (struct ehlo_submission *)p;
  enum ehlo_event_type type = ehlo_submit_next(&s->submit, c, out);
  if (type == EHLO_EVENT_BODY_WANTED) {
    s->giving = true;
    s->source.begin(s->source.arg, s->submit.message);
  }
  return type;
}

static bool abandon(struct ehlo_submission *s, enum ehlo_status why) {
  ehlo_submit_abandon(&s->submit, why);
  return false;
}

static bool end_body(struct ehlo_submission *s, struct ehlo_client *c) {
  enum ehlo_status status = ehlo_submit_body_end(&s->submit, c);
  s->giving = status == EHLO_E_FULL;
  return status == EHLO_OK || status == EHLO_E_FULL || abandon(s, status);
}

static bool submission_body(struct ehlo_program *p, struct ehlo_client *c) {
  struct ehlo_submission *s = (struct ehlo_submission *)p;
  while (s->giving) {
    struct ehlo_span text;
    enum ehlo_source_state state = s->source.peek(s->source.arg, &text);
    if (state == EHLO_SOURCE_FAILED) {
      return abandon(s, EHLO_E_ARGUMENT);
    }
    if (state == EHLO_SOURCE_END) {
      return end_body(s, c);
    }
    size_t used = 0;
    enum ehlo_status status = ehlo_submit_body(&s->submit, c, &used, text.bytes, text.len);
    s->source.skip(s->source.arg, used);
    if (status != EHLO_OK) {
      return abandon(s, status);
    }
    if (used == 0) {
      return true;  // no room, or no text yet
    }
  }
  return true;
}

static bool submission_finished(const struct ehlo_program *p) {
  return ((const struct ehlo_submission *)p)->submit.finished;
}

void ehlo_submission_init(struct ehlo_submission *s, const struct ehlo_submit_config *cfg,
                          const struct ehlo_source *source) {
  static const struct ehlo_program_ops ops = {
      .next = submission_next,
      .body = submission_body,
      .finished = submission_finished,
  };
  s->base.ops = &ops;
  s->source = *source;
  ehlo_submit_init(&s->submit, cfg);
}
