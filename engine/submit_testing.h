// Runs submissions that are written as scripts: what the server sends, what the client has to send,
// and the verdict. The runner hands in the message and closes nothing; all order is the policy's.
//
//   S: text          the server sends the text and CRLF; a trailing "\" means no CRLF
//   C: text          the client has sent exactly this line; {…} is a secret span
//   C+ text          the same without its CRLF
//   ! tls            the handshake is done
//   ! end STATUS     the connection ended
//   ! timeout        the clock moves to the deadline; one millisecond before it nothing happens
//   ! room N         the transport takes N more bytes from here on, and no more
//   = VERDICT        outcome, stage, exit status, and "problem=…", "missing=…", "status=…" where
//                    there is one
//   ? flights N, taken N: recipients that RCPT took in the transaction at hand or the last one,
//     accepted N: recipients that got the message
//   ? wait N         milliseconds to the deadline
//   ? to STATES      of the recipients, a letter each: w s t a r d (enum ehlo_recipient_state)
//   ? message N VERDICT   of that message, from 0: outcome and stage
//   ? about N        the message that the last event was about
// Escapes are \xHH, \\ and \{c*N} for N times the character c. Lines of the server in a row are one
// chunk. Between two turns of the server nothing may be sent that no C line names.
#ifndef EHLO_ENGINE_SUBMIT_TESTING_H
#define EHLO_ENGINE_SUBMIT_TESTING_H

#include "engine/submit.h"

#define SPAN(s) \
  { (const uint8_t *)(s), sizeof(s) - 1 }
#define EHLO_CASE_TEXT_MAX 120000

// Settings and the envelope, which is the same for each of `num_messages` messages but for
// `second_to`.
struct ehlo_case_config {
  struct ehlo_span helo_name;
  struct ehlo_span from;
  struct ehlo_span mail_params;
  const struct ehlo_span *to;
  size_t num_to;
  const struct ehlo_span *to_behind;  // as many, of the messages behind the first; NULL: the same
  struct ehlo_span rcpt_params;
  uint64_t message_size;
  bool message_is_8bit;
  bool message_is_binary;
  size_t num_messages;         // 0: one
  struct ehlo_span second_to;  // the recipient of the second message, where it has another one
  enum ehlo_tls_mode tls;
  bool lmtp;
  struct ehlo_span xclient;
  const struct ehlo_credentials *credentials;
  const struct ehlo_mechanism *const *mechanisms;
  size_t num_mechanisms;
  enum ehlo_initial_response initial_response;
  unsigned auth_attempts;
  enum ehlo_transfer transfer;
  bool force;
  bool stop;
  enum ehlo_stage stop_after;
};

// A submission. What is left out of `config` becomes: client.example, from a@client.example to
// b@mail.example, PLAIN before LOGIN, STARTTLS required.
struct ehlo_submit_case {
  const char *name;
  struct ehlo_case_config config;
  const char *message;  // NULL: "hi" in one line
  bool allow_cleartext_auth;
  const char *text;
  size_t buf_len;  // 0: EHLO_BUFFER_DEFAULT
};

// user "user", password "pass".
extern const struct ehlo_credentials ehlo_case_credentials;

// Runs it whole, byte by byte, at all two-way cuts of what the server sends, and each of the first
// two with a transport that takes one byte at a time.
void ehlo_submit_case_run(const struct ehlo_submit_case *c);

void ehlo_submit_cases_run(const struct ehlo_submit_case *cases, size_t num_cases);
#define RUN_CASES(cases) ehlo_submit_cases_run(cases, sizeof(cases) / sizeof((cases)[0]))

#endif  // EHLO_ENGINE_SUBMIT_TESTING_H
