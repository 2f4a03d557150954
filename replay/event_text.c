// Events in words that stay the same from version to version: transcripts are compared by them.
#include "replay/event_text.h"

#include <stdio.h>
#include <string.h>

// Every event of every replay is put into words, so they are put together by hand.
static char *put_text(char *to, const char *text) {
  size_t len = strlen(text);
  memcpy(to, text, len + 1);
  return to + len;
}

static char *put_number(char *to, uint64_t number) {
  char digits[21] = "";
  char *first = digits + sizeof(digits) - 1;
  do {
    *--first = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  return put_text(to, first);
}

static void reply_text(char *out, const struct ehlo_event *event) {
  const struct ehlo_enhanced *e = &event->reply.enhanced;
  char *to = put_number(put_text(out, "reply "), event->reply.code);
  if (e->class_code != 0) {
    to = put_number(put_text(to, " "), e->class_code);
    to = put_number(put_text(to, "."), e->subject);
    to = put_number(put_text(to, "."), e->detail);
  }
  put_text(put_text(to, " to "), ehlo_verb_name(event->verb));
}

static void failed_text(char *out, const struct ehlo_event *event) {
  char *to = put_text(put_text(out, "failed "), ehlo_status_name(event->error.status));
  put_number(put_text(to, " at "), event->error.offset);
}

void ehlo_event_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_event *event) {
  switch (event->type) {
    case EHLO_EVENT_NONE:
      put_text(out, "nothing");
      break;
    case EHLO_EVENT_REPLY:
      reply_text(out, event);
      break;
    case EHLO_EVENT_CHALLENGE:
      put_text(out, event->challenge_valid ? "challenge to AUTH" : "challenge unreadable to AUTH");
      break;
    case EHLO_EVENT_TLS_WANTED:
      put_text(out, "tls wanted");
      break;
    case EHLO_EVENT_BODY_WANTED:
      put_text(out, "body wanted");
      break;
    case EHLO_EVENT_CLOSED:
      put_text(out, "closed");
      break;
    case EHLO_EVENT_FAILED:
      failed_text(out, event);
      break;
  }
}

bool ehlo_event_is_recorded(const struct ehlo_client *c, const struct ehlo_event *event) {
  return event->type != EHLO_EVENT_BODY_WANTED || ehlo_client_state(c) != EHLO_STATE_CHUNK;
}

void ehlo_outcome_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit) {
  char *to = put_text(put_text(out, "outcome "), ehlo_outcome_name(submit->verdict.outcome));
  put_text(put_text(to, " at "), ehlo_stage_name(submit->verdict.stage));
}

void ehlo_message_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit,
                       size_t message) {
  const struct ehlo_verdict *v = &submit->config.messages[message].verdict;
  snprintf(out, EHLO_EVENT_TEXT_MAX, "message %zu %s at %s", message + 1,
           ehlo_outcome_name(v->outcome), ehlo_stage_name(v->stage));
}
