// A session of the session target, step by step: a client, the buffer that it lives in, the transport and
// the program around it, and what watches them.
//
// A step is applied by ehlo_fuzz_session_step(), whose parts are one function for each kind of step. All
// that comes of it passes the functions under "What is seen" of session_steps.c: the status of each call,
// each event, each piece of output and of the server's stream, and at the end of the step the client at
// rest. What wants to watch sessions is called there, and is told in the whole run alone, unless it is
// about cuts. A span that is seen lives until the next call to the client.
#ifndef EHLO_FUZZ_SESSION_STEPS_H
#define EHLO_FUZZ_SESSION_STEPS_H

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"
#include "fuzz/session_model.h"
#include "fuzz/session_text.h"
#include "fuzz/trail.h"
#include "fuzz/witness.h"

// Goals of the target that steps reach.
#define EHLO_FUZZ_GOAL_EVENT 0
#define EHLO_FUZZ_GOAL_STATE 8
#define EHLO_FUZZ_GOAL_STATUS 24
#define EHLO_FUZZ_GOAL_MOVE 60
#define EHLO_FUZZ_GOAL_LMTP 61
#define EHLO_FUZZ_GOAL_SECRET 62

struct ehlo_fuzz_session {
  struct ehlo_client client;
  struct ehlo_fuzz_session_settings settings;
  struct ehlo_fuzz_cuts cuts;
  bool whole;  // the run that all oracles judge
  uint64_t now_ms;
  struct ehlo_fuzz_block rooms[EHLO_FUZZ_NUM_ROOMS][2];  // a client may move
  struct ehlo_fuzz_block *room;                          // the one it is in
  size_t num_received;                                   // octets of the server
  size_t num_sent;
  uint8_t sent_kind;                 // of the last octet that was sent
  enum ehlo_status status;           // of the last call in this step
  bool events_taken;                 // all of this step
  enum ehlo_state confirmed;         // the state before the octets that were given last
  struct ehlo_fuzz_command command;  // the last one
  struct ehlo_fuzz_trail trail;
  struct ehlo_witness witness;
  struct ehlo_session_model model;
};

// A session is all zero, or what another one left. With `first`, a whole run that is over, this one is
// held against it; its own cuts are `cuts`.
void ehlo_fuzz_session_begin(struct ehlo_fuzz_session *s,
                             const struct ehlo_fuzz_session_settings *settings,
                             struct ehlo_fuzz_cuts cuts, const struct ehlo_fuzz_session *first);

void ehlo_fuzz_session_step(struct ehlo_fuzz_session *s, struct ehlo_fuzz_step step);

// Nothing more comes, until the deadline, if there is one.
void ehlo_fuzz_session_end(struct ehlo_fuzz_session *s);

#endif  // EHLO_FUZZ_SESSION_STEPS_H
