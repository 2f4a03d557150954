// What the parts of the submission policy share. Internal to engine/.
#ifndef EHLO_ENGINE_SUBMIT_PARTS_H
#define EHLO_ENGINE_SUBMIT_PARTS_H

#include "engine/submit.h"

// ---- verdict.c: decisions. The first one stands. ----

void ehlo_submit_decide_message(struct ehlo_submit *s, struct ehlo_message *m,
                                const struct ehlo_verdict *verdict);
// Of all messages that are still open, and so of the whole.
void ehlo_submit_decide_all(struct ehlo_submit *s, const struct ehlo_verdict *verdict);
void ehlo_submit_decide(struct ehlo_submit *s, enum ehlo_outcome outcome, enum ehlo_stage stage);
void ehlo_submit_decide_problem(struct ehlo_submit *s, enum ehlo_outcome outcome,
                                enum ehlo_stage stage, enum ehlo_submit_problem problem);
// A reply of class 4 or 5 decides.
void ehlo_submit_decide_refused(struct ehlo_submit *s, enum ehlo_stage stage, uint16_t code);
enum ehlo_outcome ehlo_submit_refusal(uint16_t code);
// The client would not send this: the caller's mistake, found before a byte left.
void ehlo_submit_decide_unsendable(struct ehlo_submit *s, enum ehlo_stage stage,
                                   enum ehlo_status status);
// Where the session stands, until something is decided.
void ehlo_submit_enter(struct ehlo_submit *s, enum ehlo_stage stage);
// Whether the caller wanted to get no further than `stage`, which was now reached. A stage that
// this session has not got (STARTTLS without it, AUTH without credentials) is reached with the next.
bool ehlo_submit_stop_at(struct ehlo_submit *s, enum ehlo_stage stage);
bool ehlo_submit_goes_beyond(const struct ehlo_submit *s, enum ehlo_stage stage);

// ---- submit_auth.c ----

void ehlo_submit_begin_auth(struct ehlo_submit *s, struct ehlo_client *c);
void ehlo_submit_on_challenge(struct ehlo_submit *s, struct ehlo_client *c,
                              const struct ehlo_event *event);
// The AUTH got a reply that is no 334. True: it succeeded, and the next stage may begin.
bool ehlo_submit_on_auth_reply(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code);
// Wipes what the exchange leaves behind. May be called at any time, twice too.
void ehlo_submit_end_auth(struct ehlo_submit *s);

// ---- submit_check.c ----

// What is wrong with a message for this server before anything of it is sent. EHLO_OUTCOME_OPEN:
// nothing.
struct ehlo_verdict ehlo_submit_check(const struct ehlo_submit *s, const struct ehlo_client *c,
                                      const struct ehlo_message *m);
bool ehlo_submit_needs_smtputf8(const struct ehlo_message *m);
bool ehlo_submit_uses_bdat(const struct ehlo_submit *s, const struct ehlo_capabilities *caps,
                           const struct ehlo_message *m);

// ---- submit_envelope.c: transactions, command by command ----

// Sends as much as order and room allow.
void ehlo_submit_compose(struct ehlo_submit *s, struct ehlo_client *c);
// Nothing more will be sent in this transaction, the one begun last.
void ehlo_submit_end_composing(struct ehlo_submit *s, struct ehlo_message *m);
// Whether the transaction under way takes a recipient more; `next_send` stands at it then.
bool ehlo_submit_has_more_recipients(struct ehlo_submit *s, const struct ehlo_client *c,
                                     struct ehlo_message *m);
// The message is given whole.
enum ehlo_status ehlo_submit_give_end(struct ehlo_submit *s, struct ehlo_client *c);
// Whether nothing is left to send but QUIT, where the whole is not decided.
bool ehlo_submit_is_composed(const struct ehlo_submit *s);
// The message whose replies come now, NULL if none is under way.
struct ehlo_message *ehlo_submit_head(struct ehlo_submit *s);
// The message begun last, which is the one to give when one is wanted.
size_t ehlo_submit_last(const struct ehlo_submit *s);
// 354 came. False: for nobody, so that the message is empty and already sent.
bool ehlo_submit_body_is_wanted(struct ehlo_submit *s, struct ehlo_client *c);

// ---- submit_reply.c: what the replies make of a transaction ----

// The recipient whose reply to RCPT, or to the message in LMTP, comes next; num_to if there is none.
size_t ehlo_submit_find_recipient(struct ehlo_message *m, enum ehlo_verb verb);
// A reply to MAIL, RCPT, DATA, BDAT or the message. Counts `event->recipient` in the message's list.
void ehlo_submit_on_mail_reply(struct ehlo_submit *s, const struct ehlo_client *c,
                               struct ehlo_event *event);
// Those of which nothing is to be sent any more, and no reply is due.
void ehlo_submit_end_transactions(struct ehlo_submit *s);

#endif  // EHLO_ENGINE_SUBMIT_PARTS_H
