// Runs exchanges that are written as tables, for the tests of the mechanisms.
#ifndef EHLO_ENGINE_SASL_TESTING_H
#define EHLO_ENGINE_SASL_TESTING_H

#include "engine/sasl/sasl.h"

// One turn. `response` NULL: the mechanism has none, for `problem`.
struct ehlo_sasl_turn {
  const char *challenge;  // NULL: an initial response is wanted
  const char *response;
  enum ehlo_auth_problem problem;
};

#define EHLO_SASL_TURNS_MAX 5

// An exchange. What is left out of `cred` becomes: user "user", password "pencil", nonce
// "0123456789abcdef", digest-uri "smtp/mail.example". The last turn is the first one without
// challenge and response, but for turn 0.
struct ehlo_sasl_case {
  const char *name;
  const struct ehlo_mechanism *mechanism;
  struct ehlo_credentials cred;
  unsigned attempt;
  bool server_binds;
  bool proved;  // at its end
  struct ehlo_sasl_turn turns[EHLO_SASL_TURNS_MAX];
};

#define SPAN(s) \
  { (const uint8_t *)(s), sizeof(s) - 1 }

// Each challenge comes as a block of exactly its size and is gone before the response is read; the
// state moves to another place before each turn. After a refusal nothing more is to be had. Where a
// response holds a proof, it is a secret.
void ehlo_sasl_cases_run(const struct ehlo_sasl_case *cases, size_t num_cases);
#define RUN_CASES(cases) ehlo_sasl_cases_run(cases, sizeof(cases) / sizeof((cases)[0]))

#endif  // EHLO_ENGINE_SASL_TESTING_H
