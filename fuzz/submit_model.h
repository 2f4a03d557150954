// What a submission has to do and what has to become of it, as engine/SUBMISSION.md and the RFCs say:
// an implementation of the policy from the outside. It is told of each whole thing that the transport
// took of the client and of each whole reply that the client was given, and says at once whether the
// client may say that now, octet by octet, and at the end what the verdicts have to be.
//
// It is written from that document and not from the engine's code, and reads nothing of a submission
// before its end. It holds no bytes but its own, and does not look at how anything was cut.
#ifndef EHLO_FUZZ_SUBMIT_MODEL_H
#define EHLO_FUZZ_SUBMIT_MODEL_H

#include "engine/submit.h"
#include "fuzz/mail_server.h"
#include "fuzz/submit_input.h"

#define EHLO_MODEL_TRANSACTIONS_MAX 64

// What a reply is due to.
enum ehlo_model_command {
  EHLO_MODEL_GREETING,
  EHLO_MODEL_EHLO,
  EHLO_MODEL_HELO,
  EHLO_MODEL_STARTTLS,
  EHLO_MODEL_XCLIENT,
  EHLO_MODEL_AUTH,    // and a response
  EHLO_MODEL_CANCEL,  // the response "*"
  EHLO_MODEL_MAIL,
  EHLO_MODEL_RCPT,
  EHLO_MODEL_DATA,
  EHLO_MODEL_BODY,
  EHLO_MODEL_BDAT,
  EHLO_MODEL_RSET,
  EHLO_MODEL_QUIT,
};

// What the client may say next.
enum ehlo_model_want {
  EHLO_WANT_NOTHING = 0,  // but a reply
  EHLO_WANT_LINE,         // the line in `line`
  EHLO_WANT_ENVELOPE,     // what the envelopes give
  EHLO_WANT_TLS,          // the handshake
  EHLO_WANT_END,          // nothing any more
};

struct ehlo_model_due {
  enum ehlo_model_command command;
  size_t transaction;
  size_t recipient;
};

struct ehlo_model_transaction {
  size_t message;
  size_t to[EHLO_SERVER_RECIPIENTS_MAX];  // of RCPT, in their order
  size_t num_to;
  size_t num_replies;
  size_t taken[EHLO_SERVER_RECIPIENTS_MAX];
  size_t num_taken;
  size_t num_final;    // replies to the message
  size_t num_due;      // commands without a reply
  size_t full_at;      // num_taken when a recipient was first one too many; SIZE_MAX: none was
  bool no_more;        // 4.5.3
  bool full;           // it had as many recipients as was known to go
  uint16_t refusal;    // of the message, the last one
  uint16_t mail_code;  // 0: no reply yet
  bool ahead;          // its MAIL went behind another message
  bool again;
  bool asked;    // DATA or BDAT was sent
  bool refused;  // DATA was
  bool given;    // the message, to its end
  bool undone;   // RSET was sent
};

// A verdict. -1 where the document leaves it open.
struct ehlo_model_verdict {
  enum ehlo_outcome outcome;
  int stage;
  int problem;
  bool may_have;
};

struct ehlo_model_message {
  struct ehlo_model_verdict verdict;
  enum ehlo_recipient_state to[EHLO_SERVER_RECIPIENTS_MAX];
  size_t num_accepted;
  bool under_way;
};

struct ehlo_submit_model {
  const struct ehlo_submit_input *in;
  struct ehlo_server_offer offer;
  enum ehlo_model_want want;
  struct ehlo_model_due due[EHLO_PENDING_MAX];
  size_t num_due;
  bool secure;
  bool greeted_anew;  // XCLIENT was accepted
  bool ended;         // nothing that comes now counts
  bool quit;
  bool blocked;                       // at the end the client had more to say
  struct ehlo_model_verdict verdict;  // of the session, where it ended before the messages
  // The line that is wanted, and what of it is secret, from its end.
  enum ehlo_model_command line_command;
  size_t line_len;
  size_t line_secret;
  uint8_t line[256];
  // AUTH.
  size_t next_mechanism;  // of the configuration's: where a further attempt begins to look
  unsigned attempts;
  unsigned mechanism;  // of the server's list
  unsigned step;       // responses sent
  unsigned challenges;
  bool proved;
  bool cannot_carry;  // why "*" was sent
  // The messages.
  struct ehlo_model_message messages[EHLO_SERVER_MESSAGES_MAX];
  struct ehlo_model_transaction transactions[EHLO_MODEL_TRANSACTIONS_MAX];
  size_t num_transactions;
  size_t num_mail;
  size_t rcpt_max;      // as the server was seen to take; 0: not known
  uint16_t rset_code;   // RSET was refused with it
  bool left_open;       // MAIL was accepted, and neither a message nor RSET ended that
  size_t num_accepted;  // recipients of what is open, be it a transaction that RSET did not end
  bool one_at_a_time;
  uint8_t domains[8];
  size_t num_domains;
  // The reply at hand, where it is about one recipient.
  bool about_recipient;
  size_t about_message;
  size_t about;
  size_t about_due;  // replies that the same message still gets
};

void ehlo_submit_model_init(struct ehlo_submit_model *m, const struct ehlo_submit_input *in);

// The client said this. `num_secret` octets of it were in secret spans.
void ehlo_submit_model_hear(struct ehlo_submit_model *m, enum ehlo_heard what,
                            struct ehlo_span text, size_t num_secret);
// The client was given a reply of the server, or something that breaks the protocol.
void ehlo_submit_model_reply(struct ehlo_submit_model *m, const struct ehlo_server_reply *reply);
// What the client makes of it: about which recipient of which message it is.
void ehlo_submit_model_event(const struct ehlo_submit_model *m, size_t message,
                             const struct ehlo_event *event);
// Behind the 220 of STARTTLS there is more.
void ehlo_submit_model_inject(struct ehlo_submit_model *m);
// TLS has begun: after STARTTLS, or before the greeting.
void ehlo_submit_model_tls(struct ehlo_submit_model *m);
// The connection ended, or time ran out. `sent`: the transport took all that the client had to say.
void ehlo_submit_model_end(struct ehlo_submit_model *m, enum ehlo_status why, bool sent);

// Holds the verdicts and the recipients against what they have to be. `all_heard`: the client had
// nothing to say that the transport did not take.
void ehlo_submit_model_judge(const struct ehlo_submit_model *m, const struct ehlo_submit *s,
                             bool all_heard);

// ---- Between the model's files ------------------------------------------------------------------

struct ehlo_model_transaction *ehlo_model_last(struct ehlo_submit_model *m);

// The session ends: each message without a verdict gets this one, and QUIT follows.
void ehlo_model_end_all(struct ehlo_submit_model *m, enum ehlo_outcome outcome, int stage,
                        int problem);
void ehlo_model_decide(struct ehlo_submit_model *m, size_t message, enum ehlo_outcome outcome,
                       int stage, int problem);
bool ehlo_model_all_decided(const struct ehlo_submit_model *m);
void ehlo_model_want_quit(struct ehlo_submit_model *m);
void ehlo_model_push(struct ehlo_submit_model *m, enum ehlo_model_command command,
                     size_t transaction, size_t recipient);

extern const struct ehlo_span ehlo_model_nothing;
// From now on this line, which begins with `verb`, and no other.
void ehlo_model_want(struct ehlo_submit_model *m, enum ehlo_model_command command, const char *verb,
                     struct ehlo_span argument);
void ehlo_model_end_by_code(struct ehlo_submit_model *m, unsigned code, enum ehlo_stage stage);
// Ends after a stage, where that was asked for.
bool ehlo_model_stops(struct ehlo_submit_model *m, enum ehlo_stage stage);

// AUTH.
void ehlo_model_want_auth(struct ehlo_submit_model *m);
// `whole`: in one line, as a challenge has to be.
void ehlo_model_on_auth_reply(struct ehlo_submit_model *m, const struct ehlo_server_reply *reply,
                              bool whole);
void ehlo_model_on_cancelled(struct ehlo_submit_model *m, unsigned code);
// Of a code that is to come: whether it is a challenge more than any exchange has.
bool ehlo_model_is_challenge_too_many(struct ehlo_submit_model *m, enum ehlo_model_command command,
                                      unsigned code);

// The envelopes.
void ehlo_model_begin_envelopes(struct ehlo_submit_model *m);
void ehlo_model_hear_envelope(struct ehlo_submit_model *m, enum ehlo_heard what,
                              struct ehlo_span text);
void ehlo_model_envelope_reply(struct ehlo_submit_model *m, const struct ehlo_model_due *due,
                               const struct ehlo_server_reply *reply);
// Of a 421: whom the reply that it stands for would be about.
void ehlo_model_envelope_last(struct ehlo_submit_model *m, const struct ehlo_model_due *due);
bool ehlo_model_offers(const struct ehlo_submit_model *m, uint32_t what);
bool ehlo_model_is_decided(const struct ehlo_submit_model *m, size_t message);
void ehlo_model_decide_by_code(struct ehlo_submit_model *m, size_t message, unsigned code,
                               enum ehlo_stage stage, int problem);
// Whether the next transaction needs RSET first.
bool ehlo_model_needs_rset(const struct ehlo_submit_model *m,
                           const struct ehlo_model_transaction *t);
// Of a message: whether it may begin, or else has its verdict now.
bool ehlo_model_may_begin(struct ehlo_submit_model *m, size_t message);
uint64_t ehlo_model_size_of(const struct ehlo_submit_model *m, size_t message);  // 0: not known
bool ehlo_model_is_utf8(const struct ehlo_submit_model *m, size_t message);
// Whether the session is to go beyond a stage.
bool ehlo_model_goes_beyond(const struct ehlo_submit_model *m, enum ehlo_stage stage);
// Decides what is decided without a word of anybody's.
void ehlo_model_settle(struct ehlo_submit_model *m);

#endif  // EHLO_FUZZ_SUBMIT_MODEL_H
