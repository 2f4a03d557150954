// What the parts of the submission policy share. Internal to engine/.
#ifndef EHLO_ENGINE_SUBMIT_PARTS_H
#define EHLO_ENGINE_SUBMIT_PARTS_H

#include "engine/submit.h"

// ---- submit.c: decisions ----

// The first decision stands. What comes after it is only politeness.
void ehlo_submit_decide(struct ehlo_submit *s, enum ehlo_outcome outcome, enum ehlo_stage stage);
void ehlo_submit_decide_problem(struct ehlo_submit *s, enum ehlo_outcome outcome,
                                enum ehlo_stage stage, enum ehlo_submit_problem problem);
// A reply of class 4 or 5 decides.
void ehlo_submit_decide_refused(struct ehlo_submit *s, enum ehlo_stage stage, uint16_t code);
// The client would not send this: the caller's mistake, found before a byte left.
void ehlo_submit_decide_unsendable(struct ehlo_submit *s, enum ehlo_stage stage,
                                   enum ehlo_status status);
// Where the session stands, until something is decided.
void ehlo_submit_enter(struct ehlo_submit *s, enum ehlo_stage stage);
// Whether the caller wanted to get no further than `stage`, which was now reached. A stage that
// this session has not got (STARTTLS without it, AUTH without credentials) is reached with the next.
bool ehlo_submit_stop_at(struct ehlo_submit *s, enum ehlo_stage stage);

// ---- submit_auth.c ----

void ehlo_submit_begin_auth(struct ehlo_submit *s, struct ehlo_client *c);
void ehlo_submit_on_challenge(struct ehlo_submit *s, struct ehlo_client *c,
                              const struct ehlo_event *event);

#endif  // EHLO_ENGINE_SUBMIT_PARTS_H
