// AUTH as the policy has it: which mechanism, with or without an initial response, and what becomes
// of each challenge. How a mechanism computes its answer is the mechanism's own affair.
#include "engine/submit_parts.h"

static const struct ehlo_mechanism *choose_mechanism(const struct ehlo_submit *s,
                                                     const struct ehlo_capabilities *caps) {
  for (size_t i = 0; i < s->config.num_mechanisms; i++) {
    if (ehlo_capabilities_has_mechanism(caps, s->config.mechanisms[i]->name)) {
      return s->config.mechanisms[i];
    }
  }
  return NULL;
}

static bool wants_initial_response(const struct ehlo_submit *s) {
  switch (s->config.initial_response) {
    case EHLO_INITIAL_AUTO:
      return s->mechanism->client_first;
    case EHLO_INITIAL_ALWAYS:
      return s->mechanism->may_go_first;
    case EHLO_INITIAL_NEVER:
      break;
  }
  return false;
}

// RFC 4954 §4: an initial response that makes the line too long is sent after an empty challenge.
static enum ehlo_status send_auth(struct ehlo_submit *s, struct ehlo_client *c) {
  struct ehlo_response response;
  s->auth.step = 0;
  if (wants_initial_response(s) && s->mechanism->respond(&s->auth, NULL, &response)) {
    enum ehlo_status status =
        ehlo_send_auth(c, s->mechanism->name, response.parts, response.num_parts, response.secret);
    if (status != EHLO_E_TOO_LONG) {
      return status;
    }
    s->auth.step = 0;
  }
  return ehlo_send_auth(c, s->mechanism->name, NULL, 0, false);
}

void ehlo_submit_begin_auth(struct ehlo_submit *s, struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  ehlo_submit_enter(s, EHLO_STAGE_AUTH);
  s->mechanism = choose_mechanism(s, caps);
  if (s->mechanism == NULL) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH,
                               caps->auth ? EHLO_PROBLEM_NO_MECHANISM : EHLO_PROBLEM_NO_AUTH);
    return;
  }
  enum ehlo_status status = send_auth(s, c);
  if (status == EHLO_E_CLEARTEXT) {
    s->mechanism = NULL;
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_AUTH, EHLO_PROBLEM_CLEARTEXT);
  } else if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_AUTH, status);
  }
}

void ehlo_submit_on_challenge(struct ehlo_submit *s, struct ehlo_client *c,
                              const struct ehlo_event *event) {
  struct ehlo_response response;
  bool readable = event->challenge_valid || !s->mechanism->reads_challenge;
  if (!readable || !s->mechanism->respond(&s->auth, &event->challenge, &response)) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH,
                               EHLO_PROBLEM_CHALLENGE);
    ehlo_send_auth_cancel(c);
    return;
  }
  enum ehlo_status status =
      ehlo_send_auth_response(c, response.parts, response.num_parts, response.secret);
  if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_AUTH, status);
    ehlo_send_auth_cancel(c);
  }
}
