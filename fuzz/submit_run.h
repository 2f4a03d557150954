// One submission of the target, against a server that decides by the input: who carries the octets, what
// is claimed in the end, and which of the goals of the target it reaches. It stands apart from the
// target so that the fuzz engine is not steered by what only watches.
#ifndef EHLO_FUZZ_SUBMIT_RUN_H
#define EHLO_FUZZ_SUBMIT_RUN_H

#include "engine/submit.h"
#include "fuzz/fuzz.h"
#include "fuzz/mail_server.h"
#include "fuzz/submit_input.h"
#include "fuzz/submit_model.h"

// Goals, behind one for each outcome: one for each stage, these, and one for each problem.
enum ehlo_submit_goal {
  EHLO_SUBMIT_GOAL_STAGE = EHLO_NUM_OUTCOMES,
  EHLO_SUBMIT_GOAL_SPLIT = EHLO_SUBMIT_GOAL_STAGE + EHLO_NUM_STAGES,
  EHLO_SUBMIT_GOAL_SEVERAL,
  EHLO_SUBMIT_GOAL_AGAIN,
  EHLO_SUBMIT_GOAL_TLS,
  EHLO_SUBMIT_GOAL_IMPLICIT,
  EHLO_SUBMIT_GOAL_HELO,
  EHLO_SUBMIT_GOAL_XCLIENT,
  EHLO_SUBMIT_GOAL_AUTH,
  EHLO_SUBMIT_GOAL_AUTH_CLEAR,
  EHLO_SUBMIT_GOAL_AUTH_BOUND,
  EHLO_SUBMIT_GOAL_AUTH_SECOND,
  EHLO_SUBMIT_GOAL_CANCEL,
  EHLO_SUBMIT_GOAL_CHUNK,
  EHLO_SUBMIT_GOAL_LMTP,
  EHLO_SUBMIT_GOAL_PROBLEM,  // and one for each
};

#define EHLO_SUBMIT_BUFFER_MAX 8192

struct ehlo_submit_run {
  const struct ehlo_submit_input *in;
  struct ehlo_mail_server server;
  struct ehlo_submit_model model;
  struct ehlo_client client;
  struct ehlo_submit submit;
  struct ehlo_message messages[EHLO_SERVER_MESSAGES_MAX];
  struct ehlo_recipient to[EHLO_SERVER_MESSAGES_MAX][EHLO_SERVER_RECIPIENTS_MAX];
  struct ehlo_fuzz_cuts cuts;
  struct ehlo_span left;  // of the message that is wanted
  bool giving;
  bool tls_wanted;
  size_t replies_given;  // octets
  size_t num_replies;    // whole
  size_t sent;           // octets
  size_t num_secret;     // octets of the client's line at hand
  size_t sent_in_clear;  // when TLS began
  bool over;             // the connection is
  uint64_t now_ms;
  struct ehlo_server_bytes log;  // what may not depend on cuts
  uint8_t buffer[EHLO_SUBMIT_BUFFER_MAX];
};

// Runs a submission with these decisions to its end and judges it.
void ehlo_submit_run(struct ehlo_submit_run *r, const struct ehlo_submit_input *in,
                     enum ehlo_fuzz_cut cut, const uint8_t *data, size_t size);

// Two runs with the same decisions have to come to the same.
void ehlo_submit_run_compare(const struct ehlo_submit_run *a, const struct ehlo_submit_run *b);

#endif  // EHLO_FUZZ_SUBMIT_RUN_H
