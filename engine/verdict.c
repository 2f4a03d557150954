// What is decided of messages and of the whole submission. A first decision stands; what comes after
// it is only politeness.
#include "engine/submit_parts.h"

static bool is_taken(const struct ehlo_message *m) {
  return m->verdict.outcome == EHLO_OUTCOME_ACCEPTED || m->verdict.outcome == EHLO_OUTCOME_PARTIAL;
}

// Every message is decided: for several of them, what can be said of all. That the server may have
// one matters more than what became of the others; where none was taken, that trying again may help
// matters more than a refusal.
static void conclude(struct ehlo_submit *s) {
  const struct ehlo_message *unknown = NULL;
  const struct ehlo_message *refused = NULL;
  const struct ehlo_message *other = NULL;
  size_t num_taken = 0;
  size_t num_accepted = 0;
  for (size_t i = 0; i < s->config.num_messages; i++) {
    const struct ehlo_message *m = &s->config.messages[i];
    num_taken += is_taken(m);
    num_accepted += m->verdict.outcome == EHLO_OUTCOME_ACCEPTED;
    if (m->verdict.outcome == EHLO_OUTCOME_UNKNOWN) {
      unknown = unknown != NULL ? unknown : m;
    } else if (m->verdict.outcome == EHLO_OUTCOME_REFUSED) {
      refused = m;
    } else {
      other = other != NULL ? other : m;
    }
  }
  if (unknown != NULL) {
    s->verdict = unknown->verdict;
  } else if (num_taken == 0) {
    s->verdict = other != NULL ? other->verdict : refused->verdict;
  } else {
    s->verdict = s->config.messages[s->config.num_messages - 1].verdict;
    s->verdict.outcome =
        num_accepted == s->config.num_messages ? EHLO_OUTCOME_ACCEPTED : EHLO_OUTCOME_PARTIAL;
  }
}

void ehlo_submit_decide_message(struct ehlo_submit *s, struct ehlo_message *m,
                                const struct ehlo_verdict *verdict) {
  if (m->verdict.outcome != EHLO_OUTCOME_OPEN) {
    return;
  }
  m->verdict = *verdict;
  if (m->num_accepted > 0 && verdict->outcome != EHLO_OUTCOME_ACCEPTED &&
      verdict->outcome != EHLO_OUTCOME_UNKNOWN) {
    m->verdict.outcome = EHLO_OUTCOME_PARTIAL;
  }
  s->num_decided++;
  if (s->num_decided == s->config.num_messages) {
    conclude(s);
  }
}

void ehlo_submit_decide_all(struct ehlo_submit *s, const struct ehlo_verdict *verdict) {
  for (size_t i = 0; i < s->config.num_messages; i++) {
    ehlo_submit_decide_message(s, &s->config.messages[i], verdict);
  }
  if (s->verdict.outcome == EHLO_OUTCOME_OPEN) {
    s->verdict = *verdict;
  }
}

void ehlo_submit_decide(struct ehlo_submit *s, enum ehlo_outcome outcome, enum ehlo_stage stage) {
  ehlo_submit_decide_all(s, &(struct ehlo_verdict){.outcome = outcome, .stage = stage});
}

void ehlo_submit_decide_problem(struct ehlo_submit *s, enum ehlo_outcome outcome,
                                enum ehlo_stage stage, enum ehlo_submit_problem problem) {
  ehlo_submit_decide_all(
      s, &(struct ehlo_verdict){.outcome = outcome, .stage = stage, .problem = problem});
}

void ehlo_submit_decide_refused(struct ehlo_submit *s, enum ehlo_stage stage, uint16_t code) {
  ehlo_submit_decide(s, ehlo_submit_refusal(code), stage);
}

void ehlo_submit_decide_unsendable(struct ehlo_submit *s, enum ehlo_stage stage,
                                   enum ehlo_status status) {
  ehlo_submit_decide_all(s, &(struct ehlo_verdict){.outcome = EHLO_OUTCOME_USAGE,
                                                   .stage = stage,
                                                   .problem = EHLO_PROBLEM_ARGUMENT,
                                                   .status = status});
}

enum ehlo_outcome ehlo_submit_refusal(uint16_t code) {
  return code / 100 == 4 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED;
}

void ehlo_submit_enter(struct ehlo_submit *s, enum ehlo_stage stage) {
  if (s->verdict.outcome == EHLO_OUTCOME_OPEN) {
    s->verdict.stage = stage;
  }
}

bool ehlo_submit_stop_at(struct ehlo_submit *s, enum ehlo_stage stage) {
  if (ehlo_submit_goes_beyond(s, stage)) {
    return false;
  }
  ehlo_submit_decide(s, EHLO_OUTCOME_STOPPED, stage);
  return true;
}

bool ehlo_submit_goes_beyond(const struct ehlo_submit *s, enum ehlo_stage stage) {
  return !s->config.stop || s->config.stop_after > stage;
}
