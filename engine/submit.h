// Submission of one message: the policy on top of the verbs. It decides which command comes next,
// what is given up and what the outcome is; it must not touch bytes, time or the world. Every
// decision depends on the configuration and on events, so a replay takes the same ones.
#ifndef EHLO_ENGINE_SUBMIT_H
#define EHLO_ENGINE_SUBMIT_H

#include "engine/auth.h"
#include "engine/ehlo.h"

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
  EHLO_OUTCOME_OPEN = 0,        // not decided yet
  EHLO_OUTCOME_ACCEPTED,        // for every recipient
  EHLO_OUTCOME_PARTIAL,         // for some recipients
  EHLO_OUTCOME_REFUSED,         // 5yz
  EHLO_OUTCOME_DEFERRED,        // 4yz
  EHLO_OUTCOME_UNKNOWN,         // lost after the final dot: the server may have it (RFC 5321 §4.5.5)
  EHLO_OUTCOME_STOPPED,         // the stage asked for was reached
  EHLO_OUTCOME_AUTH_REFUSED,    // credentials refused, or no mechanism fits
  EHLO_OUTCOME_TLS_FAILED,      // the security asked for cannot be had
  EHLO_OUTCOME_PROTOCOL_ERROR,  // the server broke the protocol
  EHLO_OUTCOME_TIMEOUT,
  EHLO_OUTCOME_CONNECT_FAILED,
  EHLO_OUTCOME_LOST,            // the connection ended before the result was known
  EHLO_OUTCOME_USAGE,           // the message or an argument cannot be sent to this server
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

// Everything pointed to is the caller's and must outlive the submission.
struct ehlo_submit_config {
  struct ehlo_span helo_name;
  struct ehlo_span from;  // empty: the null sender
  const struct ehlo_span *to;
  size_t num_to;
  enum ehlo_tls_mode tls;
  const struct ehlo_credentials *credentials;  // NULL: no AUTH
  const struct ehlo_mechanism *const *mechanisms;  // the ones allowed, best first
  size_t num_mechanisms;
  enum ehlo_initial_response initial_response;
  uint64_t message_size;  // octets as sent, dots not doubled; 0: not known
  bool message_is_8bit;
  bool force;             // send what the server did not say it takes
  // End politely after `stop_after`: EHLO is the first one, TLS the one under TLS (or the only one).
  bool stop;
  enum ehlo_stage stop_after;
};

// Why a submission ended without a reply or an error of the client saying so.
enum ehlo_submit_problem {
  EHLO_PROBLEM_NONE = 0,
  EHLO_PROBLEM_NO_STARTTLS,     // not offered
  EHLO_PROBLEM_NO_TLS,          // implicit TLS was asked for and the session began without
  EHLO_PROBLEM_NO_AUTH,         // AUTH not offered
  EHLO_PROBLEM_NO_MECHANISM,    // none of the offered ones is allowed here
  EHLO_PROBLEM_CLEARTEXT,       // the credential would go in cleartext
  EHLO_PROBLEM_CHALLENGE,       // a challenge that the mechanism cannot answer
  EHLO_PROBLEM_TOO_BIG,         // over the SIZE that the server told
  EHLO_PROBLEM_8BIT,            // 8BITMIME not offered
  EHLO_PROBLEM_ARGUMENT,        // the client refused an argument, see `status`
  EHLO_PROBLEM_MESSAGE,         // the client refused the message, see `status`
};

const char *ehlo_submit_problem_text(enum ehlo_submit_problem problem);

struct ehlo_submit {
  struct ehlo_submit_config config;
  struct ehlo_auth auth;
  const struct ehlo_mechanism *mechanism;  // the one used, NULL before AUTH
  enum ehlo_outcome outcome;
  enum ehlo_stage stage;      // where the outcome was decided, until then where it stands
  enum ehlo_submit_problem problem;
  enum ehlo_status status;    // of the client, where it refused or failed
  size_t num_rcpt_sent;
  size_t num_rcpt_replies;
  size_t num_accepted;
  size_t num_deferred;        // with 4yz
  bool mail_sent;
  bool data_sent;
  bool helo_sent;
  bool quit_sent;
  bool finished;              // nothing more will be sent: close the connection
};

void ehlo_submit_init(struct ehlo_submit *s, const struct ehlo_submit_config *cfg);

// Takes the next event of `c`, acts on it with commands of its own, and hands it on. To call in
// place of ehlo_next(), until EHLO_EVENT_NONE. What is left to the caller: TLS_WANTED (handshake),
// BODY_WANTED (ehlo_send_body() until all is given, then ehlo_submit_body_end()), and closing the
// connection at CLOSED, FAILED or once `finished` is true and the output is drained.
enum ehlo_event_type ehlo_submit_next(struct ehlo_submit *s, struct ehlo_client *c,
                                      struct ehlo_event *out);

// The message is given whole: sends the final dot, and QUIT with it where the server pipelines.
// EHLO_E_FULL: acknowledge output and call again.
enum ehlo_status ehlo_submit_body_end(struct ehlo_submit *s, struct ehlo_client *c);

// The message cannot be given to its end (a bare CR, an input that fails): the submission is over,
// and the caller closes the connection, since only that takes back a message half sent.
void ehlo_submit_abandon(struct ehlo_submit *s, enum ehlo_status why);

// The exit status of an ended submission, one of sysexits.h where there is one (see the README).
int ehlo_submit_exit_status(const struct ehlo_submit *s);

#endif  // EHLO_ENGINE_SUBMIT_H
