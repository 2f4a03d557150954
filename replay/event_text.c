// Events in words that stay the same from version to version: transcripts are compared by them.
#include "replay/event_text.h"

#include <inttypes.h>
#include <stdio.h>

static void reply_text(char *out, const struct ehlo_event *event) {
  const struct ehlo_enhanced *e = &event->reply.enhanced;
  char enhanced[24] = "";
  if (e->class != 0) {
    snprintf(enhanced, sizeof(enhanced), " %u.%u.%u", e->class, e->subject, e->detail);
  }
  snprintf(out, EHLO_EVENT_TEXT_MAX, "reply %u%s to %s", event->reply.code, enhanced,
           ehlo_verb_name(event->verb));
}

void ehlo_event_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_event *event) {
  switch (event->type) {
    case EHLO_EVENT_NONE:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "nothing");
      break;
    case EHLO_EVENT_REPLY:
      reply_text(out, event);
      break;
    case EHLO_EVENT_CHALLENGE:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "challenge%s to AUTH",
               event->challenge_valid ? "" : " unreadable");
      break;
    case EHLO_EVENT_TLS_WANTED:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "tls wanted");
      break;
    case EHLO_EVENT_BODY_WANTED:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "body wanted");
      break;
    case EHLO_EVENT_CLOSED:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "closed");
      break;
    case EHLO_EVENT_FAILED:
      snprintf(out, EHLO_EVENT_TEXT_MAX, "failed %s at %" PRIu64,
               ehlo_status_name(event->error.status), event->error.offset);
      break;
  }
}

bool ehlo_event_is_recorded(const struct ehlo_client *c, const struct ehlo_event *event) {
  return event->type != EHLO_EVENT_BODY_WANTED || ehlo_client_state(c) != EHLO_STATE_CHUNK;
}

void ehlo_outcome_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit) {
  snprintf(out, EHLO_EVENT_TEXT_MAX, "outcome %s at %s", ehlo_outcome_name(submit->verdict.outcome),
           ehlo_stage_name(submit->verdict.stage));
}

void ehlo_message_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit,
                       size_t message) {
  const struct ehlo_verdict *v = &submit->config.messages[message].verdict;
  snprintf(out, EHLO_EVENT_TEXT_MAX, "message %zu %s at %s", message + 1,
           ehlo_outcome_name(v->outcome), ehlo_stage_name(v->stage));
}
