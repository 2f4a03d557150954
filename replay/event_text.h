// An event as one line of text, the way transcripts write it after "= ".
#ifndef EHLO_REPLAY_EVENT_TEXT_H
#define EHLO_REPLAY_EVENT_TEXT_H

#include "engine/submit.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_EVENT_TEXT_MAX 96

// "reply 235 2.7.0 to AUTH", "challenge to AUTH", "tls wanted", "body wanted", "closed",
// "failed reply-syntax at 120". Printable ASCII, NUL-terminated.
void ehlo_event_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_event *event);

// Whether a transcript has the event. It has none that only the policy knows of: when the text of a
// chunk is asked for depends on what the transport has taken, and two runs may differ in that.
bool ehlo_event_is_recorded(const struct ehlo_client *c, const struct ehlo_event *event);

// "outcome accepted at quit".
void ehlo_outcome_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit);

// "message 2 refused at rcpt", counted from 1.
void ehlo_message_text(char out[EHLO_EVENT_TEXT_MAX], const struct ehlo_submit *submit,
                       size_t message);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_EVENT_TEXT_H
