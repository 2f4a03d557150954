// Submission of messages over one connection: the policy on top of the verbs. It decides which
// command comes next, what is given up and what the outcome is; it must not touch bytes, time or the
// world. Every decision depends on the configuration and on events, so a replay takes the same ones.
#ifndef EHLO_ENGINE_SUBMIT_H
#define EHLO_ENGINE_SUBMIT_H

#include "engine/auth.h"
#include "engine/ehlo.h"

#ifdef __cplusplus
extern "C" {
#endif

// Where a submission ended or is to end, in the order of a session.
enum ehlo_stage {
  EHLO_STAGE_CONNECT = 0,
  EHLO_STAGE_GREETING,
  EHLO_STAGE_EHLO,
  EHLO_STAGE_STARTTLS,
  EHLO_STAGE_TLS,
  EHLO_STAGE_AUTH,
  EHLO_STAGE_MAIL,
  EHLO_STAGE_RCPT,
  EHLO_STAGE_DATA,
  EHLO_STAGE_BODY,
  EHLO_STAGE_QUIT,
  EHLO_NUM_STAGES
};

const char *ehlo_stage_name(enum ehlo_stage stage);

enum ehlo_outcome {
  EHLO_OUTCOME_OPEN = 0,      // not decided yet
  EHLO_OUTCOME_ACCEPTED,      // for every recipient
  EHLO_OUTCOME_PARTIAL,       // for some recipients
  EHLO_OUTCOME_REFUSED,       // 5yz
  EHLO_OUTCOME_DEFERRED,      // 4yz
  EHLO_OUTCOME_UNKNOWN,       // lost after the final dot: the server may have it (RFC 5321 §4.5.5)
  EHLO_OUTCOME_STOPPED,       // the stage asked for was reached
  EHLO_OUTCOME_AUTH_REFUSED,  // credentials refused, or no mechanism fits
  EHLO_OUTCOME_TLS_FAILED,    // the security asked for cannot be had
  EHLO_OUTCOME_PROTOCOL_ERROR,  // the server broke the protocol
  EHLO_OUTCOME_TIMEOUT,
  EHLO_OUTCOME_CONNECT_FAILED,
  EHLO_OUTCOME_LOST,   // the connection ended before the result was known
  EHLO_OUTCOME_USAGE,  // the message or an argument cannot be sent to this server
  EHLO_NUM_OUTCOMES
};

const char *ehlo_outcome_name(enum ehlo_outcome outcome);

enum ehlo_tls_mode {
  EHLO_TLS_STARTTLS = 0,  // required; never falls back to cleartext
  EHLO_TLS_IMPLICIT,
  EHLO_TLS_NONE,
};

enum ehlo_initial_response {
  EHLO_INITIAL_AUTO = 0,  // where the mechanism's specification has one
  EHLO_INITIAL_ALWAYS,    // also LOGIN's user name, which most servers take
  EHLO_INITIAL_NEVER,
};

// How the message goes: after DATA, or in a chunk of BDAT (RFC 3030), which saves a round trip.
enum ehlo_transfer {
  EHLO_TRANSFER_DATA = 0,
  EHLO_TRANSFER_AUTO,  // BDAT where the server offers CHUNKING and the size is known
  EHLO_TRANSFER_BDAT,  // or else not at all
};

// Why a message, or the whole submission, ended without a reply or an error of the client saying so.
enum ehlo_submit_problem {
  EHLO_PROBLEM_NONE = 0,
  EHLO_PROBLEM_NO_STARTTLS,   // not offered
  EHLO_PROBLEM_NO_TLS,        // implicit TLS was asked for and the session began without
  EHLO_PROBLEM_NO_AUTH,       // AUTH not offered
  EHLO_PROBLEM_NO_MECHANISM,  // none of the offered ones is allowed here
  EHLO_PROBLEM_CLEARTEXT,     // the credential would go in cleartext
  EHLO_PROBLEM_CHALLENGE,     // a challenge that the mechanism cannot answer
  EHLO_PROBLEM_CREDENTIALS,   // a name or password that the mechanism cannot carry
  EHLO_PROBLEM_NONCE,         // the server's nonce does not extend ours
  EHLO_PROBLEM_ITERATIONS,    // an iteration count that is too low or too high
  EHLO_PROBLEM_EXTENSION,     // a mandatory extension of the mechanism that is not known
  EHLO_PROBLEM_SERVER_ERROR,  // the server ended the exchange with an error inside a challenge
  EHLO_PROBLEM_PROOF,         // the server did not prove that it knows the password
  EHLO_PROBLEM_TOO_BIG,       // over the SIZE that the server told
  EHLO_PROBLEM_8BIT,          // 8BITMIME not offered
  EHLO_PROBLEM_UNSUPPORTED,   // another extension not offered, see `missing`
  EHLO_PROBLEM_MAIL_MAX,      // the server takes no more messages on this connection (RFC 9422)
  EHLO_PROBLEM_RSET,          // the transaction before it could not be ended
  EHLO_PROBLEM_ARGUMENT,      // the client refused an argument, see `status`
  EHLO_PROBLEM_MESSAGE,       // the client refused the message, see `status`
};

const char *ehlo_submit_problem_text(enum ehlo_submit_problem problem);

// How a message, or all of them, ended.
struct ehlo_verdict {
  enum ehlo_outcome outcome;  // OPEN: not yet
  enum ehlo_stage stage;      // where it was decided, until then where it stands
  enum ehlo_submit_problem problem;
  enum ehlo_status status;  // of the client, where it refused or failed
  const char *missing;      // UNSUPPORTED: the extension
  bool may_have;            // the transport has taken all of it, and its last reply did not come
};

// What has become of a recipient.
enum ehlo_recipient_state {
  EHLO_RECIPIENT_WAITING = 0,  // RCPT was not sent, or is to be sent again in another transaction
  EHLO_RECIPIENT_SENT,         // its reply is due
  EHLO_RECIPIENT_TAKEN,        // 2yz to RCPT; the message had no reply, or never was given
  EHLO_RECIPIENT_ACCEPTED,     // and the message was accepted for them
  EHLO_RECIPIENT_REFUSED,      // 5yz, to RCPT or to the message
  EHLO_RECIPIENT_DEFERRED,     // 4yz, likewise
};

struct ehlo_recipient {
  struct ehlo_span address;
  struct ehlo_span params;          // ESMTP parameters of RCPT, may be empty
  enum ehlo_recipient_state state;  // the policy's; 0 before
};

// The books of one transaction. Private.
struct ehlo_transaction {
  size_t num_sent;        // RCPT
  size_t num_replies;     // to RCPT
  size_t num_taken;       // with 2yz
  size_t taken_at_split;  // when the first recipient was one too many
  size_t num_accepted;    // recipients for whom the message was accepted
  size_t num_due;         // commands outstanding
  size_t next_send;       // where to look for the next recipient to send,
  size_t next_reply;      // to have its reply,
  size_t next_final;      // to have its final reply
  uint64_t end;           // of the message in the client's output, when `given`
  uint16_t refusal;       // the code that refused all of it, 0 if none did
  bool mail_taken;
  bool ahead;     // its MAIL left before the reply to the message before it
  bool again;     // MAIL was refused for that alone: all of it is sent once more
  bool split;     // recipients were left for another transaction
  bool all_sent;  // no further RCPT
  bool given;     // the message, to its end
  bool composed;  // nothing more will be sent
};

// A message and its envelope, with what has become of it. It is in one transaction at a time, and
// takes several where the server limits recipients.
struct ehlo_message {
  struct ehlo_span from;  // empty: the null sender
  struct ehlo_span
      params;  // ESMTP parameters of MAIL besides SIZE, BODY and SMTPUTF8; may be empty
  struct ehlo_recipient *to;
  size_t num_to;
  uint64_t size;   // octets as sent, dots not doubled; 0: not known
  bool is_8bit;    // BODY=8BITMIME
  bool is_binary;  // BODY=BINARYMIME: goes octet by octet as it is, only by BDAT
  // The policy's from here on; 0 before.
  struct ehlo_verdict verdict;
  size_t num_begun;     // recipients that do not wait
  size_t num_accepted;  // for whom the server has the message
  size_t num_deferred;
  struct ehlo_transaction transaction;
};

// Everything pointed to is the caller's and must outlive the submission. Messages and recipients are
// written to: they keep what has become of them, so that the policy's own memory does not grow with
// their number.
struct ehlo_submit_config {
  struct ehlo_span helo_name;
  struct ehlo_message *messages;
  size_t num_messages;  // 0: greet, log in and quit
  bool lmtp;            // RFC 2033: LHLO, and a reply for each recipient
  enum ehlo_tls_mode tls;
  struct ehlo_span xclient;                    // attributes for XCLIENT before AUTH, empty for none
  const struct ehlo_credentials *credentials;  // NULL: no AUTH
  const struct ehlo_mechanism *const *mechanisms;  // the ones allowed, best first
  size_t num_mechanisms;
  unsigned auth_attempts;  // mechanisms to try, one after the other, before giving up; 0 is 1
  enum ehlo_initial_response initial_response;
  enum ehlo_transfer transfer;
  bool force;  // send what the server did not say it takes
  // End politely after `stop_after`: EHLO is the first one, TLS the one under TLS (or the only one).
  bool stop;
  enum ehlo_stage stop_after;
};

// Messages that may be under way at once, where the server pipelines.
#define EHLO_SUBMIT_TRANSACTIONS_MAX 8
// A message of more octets does not leave by BDAT before the replies to its recipients are there.
#define EHLO_SUBMIT_AHEAD_MAX 65536
// Recipients' domains that are told apart where the server limits them (RFC 9422).
#define EHLO_SUBMIT_DOMAINS_MAX 8

struct ehlo_submit {
  struct ehlo_submit_config config;
  struct ehlo_auth auth;
  const struct ehlo_mechanism *mechanism;  // the one used last, NULL before AUTH
  struct ehlo_verdict verdict;             // on all of it; on one message, that message's
  size_t message;                          // the one that the event given last is about
  bool finished;                           // nothing more will be sent: close the connection
  // Private.
  size_t under_way[EHLO_SUBMIT_TRANSACTIONS_MAX];  // messages, a ring in the order of their MAIL
  size_t first_under_way;
  size_t num_under_way;
  uint8_t composing;      // what of the last of them is to be sent next
  size_t num_decided;     // messages
  size_t next_message;    // those before it are decided or under way
  size_t rcpt_max;        // recipients that the server took at most in a transaction; 0: not known
  size_t num_mail;        // MAIL commands sent
  uint16_t rset_refusal;  // the code that RSET was refused with, 0 if it was not
  bool one_at_a_time;     // the server takes no MAIL before its reply to the message before it
  struct ehlo_span domains[EHLO_SUBMIT_DOMAINS_MAX];  // of recipients sent
  size_t num_domains;
  size_t next_mechanism;       // of the configuration's: where a further attempt begins to look
  unsigned num_auth_attempts;  // begun
  bool auth_cancelled;
  bool envelope;  // the session is ready for MAIL
  bool body_due;  // BODY_WANTED is to be given, for a chunk
  bool xclient_sent;
  bool helo_sent;
};

void ehlo_submit_init(struct ehlo_submit *s, const struct ehlo_submit_config *cfg);

// Takes the next event of `c`, acts on it with commands of its own, and hands it on. To call in
// place of ehlo_next(), until EHLO_EVENT_NONE. `message` tells which message an event is about, and
// the event's recipient counts in that message's list. What is left to the caller: TLS_WANTED
// (handshake), BODY_WANTED (ehlo_submit_body() from that message's first octet on until all is given,
// then ehlo_submit_body_end(); a message may be wanted again), and closing the connection at CLOSED,
// FAILED or once `finished` is true and the output is drained.
enum ehlo_event_type ehlo_submit_next(struct ehlo_submit *s, struct ehlo_client *c,
                                      struct ehlo_event *out);

// Gives a piece of the message wanted last, like ehlo_send_body(): `*out_used` octets were taken,
// less than `len` when the output is full. After an error it can only be abandoned.
enum ehlo_status ehlo_submit_body(struct ehlo_submit *s, struct ehlo_client *c, size_t *out_used,
                                  const uint8_t *in, size_t len);

// The message is given whole: sends its end, and with it, where the server pipelines, what comes next.
// EHLO_E_FULL: acknowledge output and call again.
enum ehlo_status ehlo_submit_body_end(struct ehlo_submit *s, struct ehlo_client *c);

// The message cannot be given to its end (a bare CR, an input that fails): the submission is over,
// and the caller closes the connection, since only that takes back a message half sent.
void ehlo_submit_abandon(struct ehlo_submit *s, enum ehlo_status why);

// The exit status of an ended submission, one of sysexits.h where there is one (see the README).
int ehlo_submit_exit_status(const struct ehlo_submit *s);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_SUBMIT_H
