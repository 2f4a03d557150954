// See submit_model.h. This file holds the end of a submission against the model: verdicts, recipients,
// what becomes of all messages together, and the exit status.
#include "fuzz/submit_model.h"

#define CHECK(condition) EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, condition)

void ehlo_submit_model_event(const struct ehlo_submit_model *m, size_t message,
                             const struct ehlo_event *event) {
  if (event->type == EHLO_EVENT_REPLY && m->about_recipient) {
    CHECK(event->of_recipient && message == m->about_message);
    CHECK(event->recipient == m->about && event->num_due == m->about_due);
  }
}

// `staged`: the document says at which stage. Where recipients are left for another session it does not.
static void judge_verdict(const struct ehlo_model_verdict *wanted, const struct ehlo_verdict *v,
                          bool staged) {
  CHECK(v->outcome == wanted->outcome);
  CHECK(wanted->stage < 0 || !staged || (int)v->stage == wanted->stage);
  CHECK(wanted->problem < 0 || (int)v->problem == wanted->problem);
}

static void judge_recipients(const struct ehlo_submit_model *m, const struct ehlo_message *message,
                             size_t i, bool all_heard) {
  const struct ehlo_model_message *wanted = &m->messages[i];
  CHECK(message->num_accepted == wanted->num_accepted);
  for (size_t k = 0; k < message->num_to; k++) {
    enum ehlo_recipient_state state = message->to[k].state;
    bool unheard = !all_heard && wanted->to[k] == EHLO_RECIPIENT_WAITING;
    // Behind a QUIT that nobody heard, a 503 to MAIL is no reason to send it again: what the server
    // said of its recipients then stands, be it "taken", but nobody got the message.
    bool after_quit = unheard && m->one_at_a_time && state != EHLO_RECIPIENT_ACCEPTED;
    bool other_domain =
        m->offer.max_domains > 0 && wanted->to[k] != state &&
        (wanted->to[k] == EHLO_RECIPIENT_WAITING || state == EHLO_RECIPIENT_WAITING);
    CHECK(state == wanted->to[k] || (unheard && state == EHLO_RECIPIENT_SENT) || after_quit ||
          (other_domain &&
           (wanted->to[k] == EHLO_RECIPIENT_DEFERRED || state == EHLO_RECIPIENT_DEFERRED)));
  }
}

// engine/SUBMISSION.md: "What becomes of all of them".
static enum ehlo_outcome outcome_of_all(const struct ehlo_submit *s) {
  size_t num = s->config.num_messages;
  size_t accepted = 0;
  bool unknown = false;
  bool some = false;
  enum ehlo_outcome first = EHLO_OUTCOME_REFUSED;
  for (size_t i = 0; i < num; i++) {
    enum ehlo_outcome o = s->config.messages[i].verdict.outcome;
    accepted += o == EHLO_OUTCOME_ACCEPTED;
    unknown = unknown || o == EHLO_OUTCOME_UNKNOWN;
    some = some || o == EHLO_OUTCOME_ACCEPTED || o == EHLO_OUTCOME_PARTIAL;
    first = first == EHLO_OUTCOME_REFUSED ? o : first;
  }
  if (num == 1) {
    return s->config.messages[0].verdict.outcome;
  }
  return unknown           ? EHLO_OUTCOME_UNKNOWN
         : accepted == num ? EHLO_OUTCOME_ACCEPTED
         : some            ? EHLO_OUTCOME_PARTIAL
                           : first;
}

// The README's table.
static bool is_exit_status(const struct ehlo_verdict *v, int status) {
  static const int statuses[EHLO_NUM_OUTCOMES] = {
      [EHLO_OUTCOME_ACCEPTED] = 0,        [EHLO_OUTCOME_PARTIAL] = 1,
      [EHLO_OUTCOME_REFUSED] = 69,        [EHLO_OUTCOME_DEFERRED] = 75,
      [EHLO_OUTCOME_UNKNOWN] = 79,        [EHLO_OUTCOME_STOPPED] = 0,
      [EHLO_OUTCOME_AUTH_REFUSED] = 77,   [EHLO_OUTCOME_TLS_FAILED] = 78,
      [EHLO_OUTCOME_PROTOCOL_ERROR] = 76, [EHLO_OUTCOME_TIMEOUT] = 75,
      [EHLO_OUTCOME_CONNECT_FAILED] = 74, [EHLO_OUTCOME_LOST] = 74,
      [EHLO_OUTCOME_USAGE] = 64,
  };
  bool of_message = v->outcome == EHLO_OUTCOME_USAGE && v->problem == EHLO_PROBLEM_8BIT;
  return status == (of_message ? 65 : statuses[v->outcome]);
}

void ehlo_submit_model_judge(const struct ehlo_submit_model *m, const struct ehlo_submit *s,
                             bool all_heard) {
  size_t num = m->in->config.num_messages;
  for (size_t i = 0; i < num; i++) {
    const struct ehlo_verdict *v = &s->config.messages[i].verdict;
    if (all_heard) {
      judge_verdict(&m->messages[i].verdict, v, m->offer.max_domains == 0);
    } else {  // it may have decided more than anybody heard of
      CHECK((v->outcome == EHLO_OUTCOME_UNKNOWN) ==
            (m->messages[i].verdict.outcome == EHLO_OUTCOME_UNKNOWN));
    }
    judge_recipients(m, &s->config.messages[i], i, all_heard);
  }
  if (num == 0) {
    judge_verdict(&m->verdict, &s->verdict, true);
  } else {
    CHECK(s->verdict.outcome == outcome_of_all(s));
  }
  CHECK(is_exit_status(&s->verdict, ehlo_submit_exit_status(s)));
}
