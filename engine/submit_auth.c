// AUTH as the policy has it: which mechanism, with or without an initial response, what becomes of
// each challenge and of the end of the exchange. How a mechanism computes its answer is the
// mechanism's own affair.
//
// One credential is tried once. The caller may ask for more attempts; then a mechanism that was
// refused with 5yz, or that cannot carry the credential, is followed by the next one that both sides
// have. A server that broke the mechanism's rules never gets a second one: its next best might be
// to be told the password.
#include <string.h>

#include "engine/client.h"
#include "engine/submit_parts.h"

// ---- Choosing -----------------------------------------------------------------------------------

static bool has_binding(const struct ehlo_submit *s, const struct ehlo_client *c) {
  const struct ehlo_credentials *cred = s->config.credentials;
  return ehlo_client_is_secure(c) && (cred->tls_exporter.len > 0 || cred->tls_unique.len > 0);
}

static bool is_usable(const struct ehlo_submit *s, const struct ehlo_client *c,
                      const struct ehlo_mechanism *m) {
  return ehlo_capabilities_has_mechanism(ehlo_client_capabilities(c), m->name) &&
         (!m->binds || has_binding(s, c));
}

static bool has_blank(struct ehlo_span name) {
  return name.len > 0 && memchr(name.bytes, ' ', name.len) != NULL;
}

// The place of the first mechanism from `at` on that may be used here; num_mechanisms if none may. One
// that would not get the name across comes last, under TLS: what is next may tell the password.
static size_t find_mechanism(const struct ehlo_submit *s, const struct ehlo_client *c, size_t at) {
  bool blank = has_blank(s->config.credentials->user) && ehlo_client_is_secure(c);
  size_t last = s->config.num_mechanisms;
  for (; at < s->config.num_mechanisms; at++) {
    const struct ehlo_mechanism *m = s->config.mechanisms[at];
    if (is_usable(s, c, m) && !(blank && m->ends_name)) {
      return at;
    }
    last = is_usable(s, c, m) && last == s->config.num_mechanisms ? at : last;
  }
  return last;
}

static bool may_try_another(const struct ehlo_submit *s, const struct ehlo_client *c) {
  return s->num_auth_attempts < s->config.auth_attempts &&
         find_mechanism(s, c, s->next_mechanism) < s->config.num_mechanisms;
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

// ---- Ending -------------------------------------------------------------------------------------

void ehlo_submit_end_auth(struct ehlo_submit *s) {
  ehlo_wipe(s->auth.scratch, sizeof(s->auth.scratch));
  ehlo_wipe(&s->auth.ours, sizeof(s->auth.ours));
  ehlo_wipe(&s->auth.expected, sizeof(s->auth.expected));
  s->auth.scratch_len = 0;
}

static enum ehlo_submit_problem problem_of(enum ehlo_auth_problem problem) {
  switch (problem) {
    case EHLO_AUTH_CHALLENGE:
      break;
    case EHLO_AUTH_CREDENTIALS:
      return EHLO_PROBLEM_CREDENTIALS;
    case EHLO_AUTH_NONCE:
      return EHLO_PROBLEM_NONCE;
    case EHLO_AUTH_ITERATIONS:
      return EHLO_PROBLEM_ITERATIONS;
    case EHLO_AUTH_EXTENSION:
      return EHLO_PROBLEM_EXTENSION;
    case EHLO_AUTH_SERVER:
      return EHLO_PROBLEM_SERVER_ERROR;
    case EHLO_AUTH_PROOF:
      return EHLO_PROBLEM_PROOF;
  }
  return EHLO_PROBLEM_CHALLENGE;
}

// The mechanism has no answer.
static void decide_no_answer(struct ehlo_submit *s) {
  bool ours = s->auth.problem == EHLO_AUTH_CREDENTIALS;
  ehlo_submit_decide_problem(s, ours ? EHLO_OUTCOME_USAGE : EHLO_OUTCOME_AUTH_REFUSED,
                             EHLO_STAGE_AUTH, problem_of(s->auth.problem));
}

// ---- An attempt ---------------------------------------------------------------------------------

static void begin_attempt(struct ehlo_submit *s, struct ehlo_client *c) {
  size_t at = find_mechanism(s, c, s->next_mechanism);
  s->mechanism = s->config.mechanisms[at];
  s->next_mechanism = at + 1;
  s->auth = (struct ehlo_auth){
      .credentials = s->config.credentials,
      .attempt = s->num_auth_attempts,
      .server_binds = ehlo_capabilities_binds_channel(ehlo_client_capabilities(c)),
  };
  s->num_auth_attempts++;
  s->auth_cancelled = false;
}

// RFC 4954 §4: an initial response that makes the line too long is sent after an empty challenge.
// False: the mechanism has none to give.
static bool send_auth(struct ehlo_submit *s, struct ehlo_client *c, enum ehlo_status *out_status) {
  struct ehlo_response response;
  *out_status = EHLO_E_TOO_LONG;
  if (wants_initial_response(s)) {
    if (!s->mechanism->respond(&s->auth, NULL, &response)) {
      return false;
    }
    *out_status =
        ehlo_send_auth(c, s->mechanism->name, response.parts, response.num_parts, response.secret);
    if (*out_status == EHLO_E_TOO_LONG) {
      s->auth.step = 0;
    }
  }
  if (*out_status == EHLO_E_TOO_LONG) {
    *out_status = ehlo_send_auth(c, s->mechanism->name, NULL, 0, false);
  }
  return true;
}

static void attempt(struct ehlo_submit *s, struct ehlo_client *c) {
  enum ehlo_status status;
  begin_attempt(s, c);
  while (!send_auth(s, c, &status)) {
    if (!may_try_another(s, c)) {
      decide_no_answer(s);
      return;
    }
    begin_attempt(s, c);
  }
  if (status == EHLO_E_CLEARTEXT) {
    s->mechanism = NULL;
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_AUTH, EHLO_PROBLEM_CLEARTEXT);
  } else if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_AUTH, status);
  }
}

void ehlo_submit_begin_auth(struct ehlo_submit *s, struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  ehlo_submit_enter(s, EHLO_STAGE_AUTH);
  if (find_mechanism(s, c, 0) == s->config.num_mechanisms) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH,
                               caps->auth ? EHLO_PROBLEM_NO_MECHANISM : EHLO_PROBLEM_NO_AUTH);
    return;
  }
  attempt(s, c);
}

// ---- Challenges and the end of it ---------------------------------------------------------------

// RFC 4954 §4: "*" takes the AUTH back, and a 5yz will come.
static void cancel(struct ehlo_submit *s, struct ehlo_client *c) {
  s->auth_cancelled = true;
  ehlo_send_auth_cancel(c);
  ehlo_submit_end_auth(s);
}

void ehlo_submit_on_challenge(struct ehlo_submit *s, struct ehlo_client *c,
                              const struct ehlo_event *event) {
  struct ehlo_response response;
  if (s->auth_cancelled) {  // what was taken back stays so, whatever is asked now
    ehlo_send_auth_cancel(c);
    return;
  }
  bool readable = event->challenge_valid || !s->mechanism->reads_challenge;
  if (!readable) {
    s->auth.problem = EHLO_AUTH_CHALLENGE;
  }
  if (!readable || !s->mechanism->respond(&s->auth, &event->challenge, &response)) {
    if (s->auth.problem != EHLO_AUTH_CREDENTIALS || !may_try_another(s, c)) {
      decide_no_answer(s);
    }
    cancel(s, c);
    return;
  }
  enum ehlo_status status =
      ehlo_send_auth_response(c, response.parts, response.num_parts, response.secret);
  if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_AUTH, status);
    cancel(s, c);
  }
}

bool ehlo_submit_on_auth_reply(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code) {
  bool proved = !s->mechanism->mutual || s->auth.proved;
  ehlo_submit_end_auth(s);
  if (s->verdict.outcome != EHLO_OUTCOME_OPEN) {
    return false;
  }
  if (code / 100 == 4) {
    ehlo_submit_decide(s, EHLO_OUTCOME_DEFERRED, EHLO_STAGE_AUTH);
  } else if (code / 100 == 5 && may_try_another(s, c)) {
    attempt(s, c);
  } else if (code / 100 == 5) {
    ehlo_submit_decide(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH);
  } else if (s->auth_cancelled) {
    // Success for what was taken back: nobody knows whom this server let in.
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH,
                               EHLO_PROBLEM_CHALLENGE);
  } else if (!proved) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH, EHLO_PROBLEM_PROOF);
  }
  return s->verdict.outcome == EHLO_OUTCOME_OPEN && code / 100 == 2;
}
