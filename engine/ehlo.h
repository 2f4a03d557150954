// ehlo: an SMTP submission client without I/O.
//
// Bytes from a server go in, bytes for the server and events for the program come out. The engine
// opens nothing, reads no clock and allocates nothing; what touches the world stands outside it.
//
//     transport --ehlo_input-->  struct ehlo_client  --ehlo_next--> program
//     transport <--ehlo_output--                     <--ehlo_send_*-- program
//
// What holds everywhere:
//
//  1. Memory. The caller owns the context and one buffer. Spans handed out live until the next call
//     that takes a non-const client. Nothing is to be freed; ehlo_client_wipe() zeroes both. With
//     EHLO_BUFFER_DEFAULT, context and buffer together stay within 64 KiB.
//  2. Errors are sticky and the first one wins. It carries a status, the offset in the server's
//     stream and the offending line. Statuses of class CALLER are no such errors: the call did
//     nothing and the session is unharmed. A 4yz or 5yz reply is an event, never an error.
//  3. Whole replies. A reply event holds every line, verbatim.
//  4. Chunk invariance. Events depend on the bytes and the times, never on how the bytes were cut.
//     There is no clock, no randomness and no locale in here.
//  5. Secrets are a property of the output span, uniform over it. A secret span is zeroed once it
//     is acknowledged, and at the latest when the session ends.
//  6. STARTTLS (RFC 3207). After the 220, any byte before ehlo_tls_done() is an error, also within
//     the same input call. What was learnt before TLS is forgotten. No credential leaves in
//     cleartext unless the configuration allows exactly that.
//  7. Time. Milliseconds from any fixed start come in as `now_ms` and never go back; a deadline
//     comes out. A call at or past the deadline fails with EHLO_E_TIMEOUT before it does anything
//     else, so a server that drips bytes gains nothing.
//  8. Replies that nobody asked for are reported, never skipped: a 421 is an event at any time
//     (RFC 5321 §3.8), any other is EHLO_E_REPLY_UNEXPECTED.
//  9. No injection. An argument with CR, LF, NUL, another control byte, or non-ASCII where
//     SMTPUTF8 does not cover it, is refused unsent. Nothing is ever altered to fit.
//
// engine/SPECIFICATION.md states the states, the order of precedence of errors and what counts
// after QUIT, RSET and the final 250. engine/submit.h is the policy for submitting messages on top
// of this, and engine/SUBMISSION.md specifies it.
#ifndef EHLO_ENGINE_EHLO_H
#define EHLO_ENGINE_EHLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/body.h"
#include "engine/capabilities.h"
#include "engine/parameter.h"
#include "engine/reply.h"
#include "engine/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_VERSION "0.1.0"

// Limits. A reply also has to fit into the buffer: 49,664 octets with EHLO_BUFFER_DEFAULT.
#define EHLO_REPLY_MAX ((size_t)65536)       // octets in a reply
#define EHLO_REPLY_LINE_MAX ((size_t)4096)   // octets in a reply line, CRLF included
#define EHLO_REPLY_LINES_MAX ((size_t)1000)  // lines in a reply
#define EHLO_TOKEN_MAX ((size_t)12288)  // octets of base64 in a challenge or response, RFC 4954 §4
#define EHLO_CHALLENGES_MAX 8           // challenges in one AUTH exchange
#define EHLO_COMMAND_MAX ((size_t)2048)   // octets in any other command line, CRLF included
#define EHLO_PENDING_MAX 64               // commands whose reply is outstanding
#define EHLO_OUTPUT_FULL ((size_t)13824)  // "AUTH …" with the longest token, and room for the rest
#define EHLO_NEVER UINT64_MAX             // a deadline that does not come

// Bytes of buffer: all limits; the most that stays within 64 KiB together with the context; and the
// fewest that work at all, 4 KiB with the context. A quarter is for output, at most EHLO_OUTPUT_FULL,
// the rest for one reply, at most EHLO_REPLY_MAX; what is more than both serves output.
#define EHLO_BUFFER_FULL (EHLO_REPLY_MAX + EHLO_OUTPUT_FULL)
#define EHLO_BUFFER_DEFAULT ((size_t)62 * 1024)
#define EHLO_BUFFER_MIN ((size_t)2048)

// What a reply answers. EHLO_VERB_GREETING is nobody's command; EHLO_VERB_BODY is the final dot.
enum ehlo_verb {
  EHLO_VERB_NONE = 0,
  EHLO_VERB_GREETING,
  EHLO_VERB_EHLO,
  EHLO_VERB_HELO,
  EHLO_VERB_LHLO,  // LMTP's EHLO
  EHLO_VERB_STARTTLS,
  EHLO_VERB_AUTH,  // and each response within the exchange
  EHLO_VERB_MAIL,
  EHLO_VERB_RCPT,
  EHLO_VERB_DATA,
  EHLO_VERB_BODY,
  EHLO_VERB_BDAT,
  EHLO_VERB_RSET,
  EHLO_VERB_NOOP,
  EHLO_VERB_VRFY,
  EHLO_VERB_EXPN,
  EHLO_VERB_HELP,
  EHLO_VERB_ETRN,
  EHLO_VERB_XCLIENT,
  EHLO_VERB_QUIT,
  EHLO_VERB_OTHER,  // a line of ehlo_send_raw() that is none of these
  EHLO_NUM_VERBS
};

// "MAIL", "greeting", "body" …; never NULL.
const char *ehlo_verb_name(enum ehlo_verb verb);

// The verb that a command line begins with, whole word and any case; OTHER if there is none.
enum ehlo_verb ehlo_verb_of_line(struct ehlo_span line);

// Where the session stands, counting the commands sent as if they will succeed.
enum ehlo_state {
  EHLO_STATE_CONNECT = 0,  // the greeting is awaited
  EHLO_STATE_GREETED,      // no EHLO yet, or none since TLS began or XCLIENT was accepted
  EHLO_STATE_REFUSED,      // greeted with 4yz or 5yz: only QUIT is left
  EHLO_STATE_READY,        // EHLO, HELO or LHLO was accepted, no transaction is open
  EHLO_STATE_TLS,          // the handshake is the transport's
  EHLO_STATE_AUTH,         // a challenge wants its response
  EHLO_STATE_MAIL,         // a transaction without an accepted recipient
  EHLO_STATE_RCPT,         // a transaction with one or more
  EHLO_STATE_DATA,         // DATA was sent, its 354 is awaited
  EHLO_STATE_BODY,         // 354 came: the message is being sent
  EHLO_STATE_CHUNK,        // inside a BDAT chunk
  EHLO_STATE_CHUNKED,      // after a BDAT that was not the last
  EHLO_STATE_QUIT,         // QUIT was sent
  EHLO_STATE_CLOSED,       // over, in order
  EHLO_STATE_FAILED,       // over, with an error
  EHLO_NUM_STATES
};

const char *ehlo_state_name(enum ehlo_state state);

// Bounds on each wait, in milliseconds; 0 takes the default, RFC 5321 §4.5.3.2 where it names one.
// A bound on a reply starts when the reply before it came, or when its command was sent to an idle
// server, and is not extended by parts of the reply. Output that the transport takes restarts it.
struct ehlo_timeouts {
  uint32_t greeting_ms;  // 300,000
  uint32_t command_ms;   // 300,000: EHLO, AUTH, MAIL, RCPT, RSET and the rest
  uint32_t tls_ms;       // 120,000: the handshake
  uint32_t data_ms;      // 120,000: the 354
  uint32_t block_ms;     // 180,000: each piece of the message, until the transport takes it
  uint32_t body_ms;      // 600,000: the reply after the final dot
  uint32_t quit_ms;      // 5,000: the result is known by then
};

// All zero is the default.
struct ehlo_config {
  struct ehlo_timeouts timeouts;
  bool allow_cleartext_auth;  // permits ehlo_send_auth() without TLS
  enum ehlo_bare_cr bare_cr;  // refuse (default) or repair a bare CR in the message
  enum ehlo_bare_lf bare_lf;  // make a bare LF a CRLF (default) or refuse it: byte-exact
};

// What stopped a session. `line` is the line that offended or was unfinished when the connection
// ended, empty where there is none; `offset` counts octets of the server's stream, without TLS.
struct ehlo_error {
  enum ehlo_status status;
  uint64_t offset;
  struct ehlo_span line;
  enum ehlo_verb verb;  // the oldest command without a reply, NONE if there is none
  bool verb_sent;       // the transport had taken all of that command, or of the final dot
};

enum ehlo_event_type {
  EHLO_EVENT_NONE = 0,    // nothing more now: send, read or wait
  EHLO_EVENT_REPLY,       // a whole reply
  EHLO_EVENT_CHALLENGE,   // a 334: answer with ehlo_send_auth_response() or _cancel()
  EHLO_EVENT_TLS_WANTED,  // begin the handshake, then ehlo_tls_done() or ehlo_input_end(); not where
                          // ehlo_client_state() is FAILED already, by bytes behind the 220
  EHLO_EVENT_BODY_WANTED,  // 354: ehlo_send_body() and ehlo_send_body_end()
  EHLO_EVENT_CLOSED,       // after QUIT or a 421: close the connection
  EHLO_EVENT_FAILED,       // see `error`; nothing more will be sent
};

struct ehlo_event {
  enum ehlo_event_type type;
  enum ehlo_verb verb;      // REPLY, CHALLENGE: what was answered; NONE: a 421 on its own
  bool of_recipient;        // REPLY: it is about one recipient: to RCPT, or in LMTP to the message
  size_t recipient;         // then which one of the transaction, from 0: of those that RCPT named,
                            // or in LMTP, to the message, of those that were accepted
  size_t num_due;           // REPLY in LMTP: replies that the same message still gets
  struct ehlo_reply reply;  // REPLY, CHALLENGE
  bool challenge_valid;     // CHALLENGE: its text was base64 (RFC 4648 §4), or empty
  struct ehlo_span challenge;  // CHALLENGE: decoded
  struct ehlo_error error;     // FAILED
};

enum ehlo_output_flags {
  EHLO_OUTPUT_SECRET = 1,     // holds a credential: never to a log or record
  EHLO_OUTPUT_BODY = 2,       // message content
  EHLO_OUTPUT_MORE = 4,       // another span follows at once: hold back what was written
  EHLO_OUTPUT_CONTINUED = 8,  // a part of this span was acknowledged before
};

// Bytes for the server. All of a span has the same flags.
struct ehlo_output {
  struct ehlo_span span;
  unsigned flags;
};

// Private from here to the end of the struct: complete only so that callers can allocate it. It is
// plain memory: a copy together with a copy of the buffer (see ehlo_client_rebase) is a snapshot.
struct ehlo_segment {
  uint32_t end;  // in the output region
  uint8_t flags;
};
#define EHLO_SEGMENTS_MAX 12

struct ehlo_client {
  struct ehlo_config config;
  struct ehlo_capabilities caps;
  struct ehlo_reply_parser parser;
  struct ehlo_body body;
  uint8_t *out;
  size_t out_cap;
  size_t out_start;
  size_t out_end;
  struct ehlo_segment segments[EHLO_SEGMENTS_MAX];
  uint8_t num_segments;
  bool span_touched;                       // part of the first segment was acknowledged
  uint64_t queued_total;                   // bytes ever put into the output
  uint64_t acked_total;                    // bytes ever taken from it
  uint64_t pending_end[EHLO_PENDING_MAX];  // where each command ends, in queued_total's count
  uint8_t pending[EHLO_PENDING_MAX];       // enum ehlo_verb, a ring
  uint8_t pending_first;
  uint8_t num_pending;
  uint8_t state;      // enum ehlo_state, by the replies that came
  uint8_t intent;     // enum ehlo_state, if all that is pending succeeds
  uint8_t follow_up;  // enum ehlo_event_type to give after the reply
  bool reply_ready;
  uint8_t reply_verb;  // enum ehlo_verb
  bool error_told;
  bool secure;
  bool authenticated;
  uint8_t num_challenges;
  size_t reply_recipient;
  bool reply_of_recipient;
  size_t num_rcpt_replies;
  size_t num_accepted;
  size_t num_body_replies;  // LMTP: had for the message so far
  size_t reply_num_due;
  uint64_t chunk_left;  // bytes of the BDAT chunk not yet queued
  bool chunk_last;
  uint8_t chunk_way;  // enum ehlo_chunk_way
  bool lmtp;
  struct ehlo_params params;  // at the MAIL of this transaction
  uint64_t wait_start_ms;
  uint64_t hurry_end_ms;  // 0: no hurry
  uint64_t now_ms;
  enum ehlo_status status;
  uint64_t error_offset;
  uint8_t error_verb;  // enum ehlo_verb
  bool error_verb_sent;
  bool error_has_line;
};

// ---- Setting up -----------------------------------------------------------------------------------

// Prepares `c` for a connection that is just open. `cfg` is copied, `buf` is the caller's and must
// outlive the session. `buf_len` is at least EHLO_BUFFER_MIN.
void ehlo_client_init(struct ehlo_client *c, const struct ehlo_config *cfg, uint8_t *buf,
                      size_t buf_len, uint64_t now_ms);

// Points a copied client at the copy of its buffer, which has the same length.
void ehlo_client_rebase(struct ehlo_client *c, uint8_t *buf);

// Goes on in another buffer of any length from EHLO_BUFFER_MIN, and zeroes the old one, which is the
// caller's again. For idle sessions: nothing is outstanding, no output or event waits and no reply
// has begun; else EHLO_E_STATE or the sticky status, and nothing happens. A program that holds many
// such sessions keeps each in 4 KiB and moves it to a larger buffer before use. Until then a reply
// that nobody asked for, such as a 421, has to fit into the smaller one.
enum ehlo_status ehlo_client_move(struct ehlo_client *c, uint8_t *buf, size_t buf_len);

// Zeroes the context and its buffer.
void ehlo_client_wipe(struct ehlo_client *c);

// ---- The transport's side -------------------------------------------------------------------------

// Takes bytes that the server sent. It stops after each reply, `*out_used` bytes in, so that its
// event can be taken: call again with the rest once ehlo_next() has given EHLO_EVENT_NONE. Bytes
// after the session's end are taken and dropped. Returns the sticky status.
enum ehlo_status ehlo_input(struct ehlo_client *c, size_t *out_used, const uint8_t *in, size_t len,
                            uint64_t now_ms);

// The connection ended: `why` is a status of class TRANSPORT. With only QUIT outstanding it is a
// normal end, since servers need not wait with the close (RFC 5321 §4.1.1.10).
enum ehlo_status ehlo_input_end(struct ehlo_client *c, enum ehlo_status why);

// Gives the oldest span not yet acknowledged; false if there is none.
bool ehlo_output_peek(const struct ehlo_client *c, struct ehlo_output *out);

// The transport took the first `n` bytes of that span.
void ehlo_output_ack(struct ehlo_client *c, size_t n, uint64_t now_ms);

// The handshake succeeded and the certificate is to the caller's liking. Legal when TLS_WANTED was
// given, and before anything was read where TLS comes first (RFC 8314 §3); else EHLO_E_STATE.
enum ehlo_status ehlo_tls_done(struct ehlo_client *c, uint64_t now_ms);

// When the present wait ends, in the caller's milliseconds; EHLO_NEVER while nothing is awaited.
uint64_t ehlo_deadline(const struct ehlo_client *c);

// The result is known, and the rest is politeness: from the first call on, all waits that are left,
// for replies to what was sent before and for QUIT, are bound to `quit_ms` together.
void ehlo_hurry(struct ehlo_client *c);

// Lets the time pass: at or after the deadline the session fails with EHLO_E_TIMEOUT. To be called
// before a verb that follows a pause, since verbs take the time of the last call that told it.
void ehlo_tick(struct ehlo_client *c, uint64_t now_ms);

// ---- The program's side ---------------------------------------------------------------------------

// Takes the next event. A FAILED or CLOSED event comes once.
enum ehlo_event_type ehlo_next(struct ehlo_client *c, struct ehlo_event *out);

enum ehlo_state ehlo_client_state(const struct ehlo_client *c);
const struct ehlo_capabilities *ehlo_client_capabilities(const struct ehlo_client *c);
bool ehlo_client_is_secure(const struct ehlo_client *c);         // TLS is on
bool ehlo_client_is_authenticated(const struct ehlo_client *c);  // an AUTH got its 2yz
bool ehlo_client_is_lmtp(const struct ehlo_client *c);           // LHLO was accepted
size_t ehlo_client_num_accepted(const struct ehlo_client *c);    // recipients of this transaction
size_t ehlo_client_num_pending(const struct ehlo_client *c);     // commands without a reply

// Whether the call for `verb` may be made now, with the right arguments. Several commands may be
// outstanding only where the server offered PIPELINING and the order of RFC 2920 §3.1 allows it.
bool ehlo_client_may_send(const struct ehlo_client *c, enum ehlo_verb verb);

// Each ehlo_send_* queues one command. They share these errors, all of class CALLER: EHLO_E_STATE,
// EHLO_E_ARGUMENT, EHLO_E_TOO_LONG, EHLO_E_FULL and, where the server offered no such thing,
// EHLO_E_UNSUPPORTED. After a failed session they return its status.

enum ehlo_status ehlo_send_ehlo(struct ehlo_client *c, struct ehlo_span name);  // RFC 5321 §4.1.1.1
enum ehlo_status ehlo_send_helo(struct ehlo_client *c, struct ehlo_span name);
enum ehlo_status ehlo_send_starttls(struct ehlo_client *c);  // RFC 3207

// LHLO (RFC 2033). Its 2yz makes the session LMTP, until a 2yz to EHLO or HELO, a handshake or
// XCLIENT: then each recipient accepted in a transaction gets a reply of its own to the final dot, or
// to the last BDAT, and the command is outstanding until the last of them. A BDAT LAST without an
// accepted recipient gets none (§4.3): it is over, without an event, once it was sent.
enum ehlo_status ehlo_send_lhlo(struct ehlo_client *c, struct ehlo_span name);

// AUTH (RFC 4954). The parts are joined and sent as base64. `initial` NULL: no initial response;
// joined length 0: "=". `secret` marks the base64 as a secret span. EHLO_E_CLEARTEXT without TLS
// unless the configuration allows it.
enum ehlo_status ehlo_send_auth(struct ehlo_client *c, const char *mechanism,
                                const struct ehlo_span *initial, size_t num_parts, bool secret);
enum ehlo_status ehlo_send_auth_response(struct ehlo_client *c, const struct ehlo_span *parts,
                                         size_t num_parts, bool secret);
enum ehlo_status ehlo_send_auth_cancel(struct ehlo_client *c);  // "*"

// MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3). `path` goes between the angle brackets: an address,
// empty for the null sender, a source route at the caller's risk. `params` is empty or ESMTP
// parameters separated by one blank, sent as they are. Of each known one (engine/parameter.h) the
// place, the form and the value are judged (EHLO_E_ARGUMENT, EHLO_E_TOO_LONG), and its extension
// must have been offered (EHLO_E_UNSUPPORTED; ehlo_params_missing() tells which).
enum ehlo_status ehlo_send_mail(struct ehlo_client *c, struct ehlo_span path,
                                struct ehlo_span params);
enum ehlo_status ehlo_send_rcpt(struct ehlo_client *c, struct ehlo_span path,
                                struct ehlo_span params);

// DATA (§4.1.1.4), then after BODY_WANTED the message in pieces of any size with LF or CRLF line
// ends: `*out_used` bytes were taken, less than `len` when the output is full. EHLO_E_BARE_CR,
// EHLO_E_BARE_LF and EHLO_E_NUL_DOT (engine/body.h): the session can only be given up.
// ehlo_send_body_end() sends the final dot; EHLO_E_FULL: acknowledge output first. EHLO_E_STATE for
// DATA after BODY=BINARYMIME, which takes BDAT (RFC 3030 §3).
enum ehlo_status ehlo_send_data(struct ehlo_client *c);
enum ehlo_status ehlo_send_body(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                size_t len);
enum ehlo_status ehlo_send_body_end(struct ehlo_client *c);

// BDAT (RFC 3030): announces a chunk of `len` octets; one of 0 is complete at once. What follows is
// given in one of two ways, and the other is EHLO_E_STATE:
//  - ehlo_send_chunk() takes octets and sends them verbatim, until `len` are given.
//  - ehlo_send_body() takes text with LF or CRLF line ends, as after DATA, but a dot is like any
//    other octet; `len` counts what is sent, with CRLF. ehlo_send_body_end() ends the last line and
//    completes the chunk. Text that is longer or shorter: EHLO_E_CHUNK_SIZE, for this and every later
//    call; the session can only be given up, and the chunk has not left whole.
enum ehlo_status ehlo_send_bdat(struct ehlo_client *c, uint64_t len, bool last);
enum ehlo_status ehlo_send_chunk(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                 size_t len);

enum ehlo_status ehlo_send_rset(struct ehlo_client *c);
enum ehlo_status ehlo_send_noop(struct ehlo_client *c, struct ehlo_span text);  // may be empty
enum ehlo_status ehlo_send_vrfy(struct ehlo_client *c, struct ehlo_span text);
enum ehlo_status ehlo_send_expn(struct ehlo_client *c, struct ehlo_span text);
enum ehlo_status ehlo_send_help(struct ehlo_client *c, struct ehlo_span text);  // may be empty
enum ehlo_status ehlo_send_quit(struct ehlo_client *c);

// ETRN (RFC 1985 §5): `node` is a domain, or "@" domain, or "#" and a queue's name.
enum ehlo_status ehlo_send_etrn(struct ehlo_client *c, struct ehlo_span node);

// XCLIENT (Postfix): `attributes` are NAME=value, separated by one blank, each name among those that
// the server listed and each value xtext (ehlo_xtext_encode). Outside transactions only. After a 2yz
// the session is greeted anew: EHLO has to follow.
enum ehlo_status ehlo_send_xclient(struct ehlo_client *c, struct ehlo_span attributes);

// Any line as it is, without CRLF, whether or not it is wise: order and form are not looked at. Its
// first word decides what its reply means; a BDAT whose size can be read wants its chunk, as
// ehlo_send_bdat() does. Refused: control bytes, a second command while a reply is outstanding, and
// what would let a credential out: AUTH with a response in it, and AUTH at all where ehlo_send_auth()
// is EHLO_E_CLEARTEXT.
enum ehlo_status ehlo_send_raw(struct ehlo_client *c, struct ehlo_span line);

// The same for a line that holds a credential, joined from `head`, `secret` and `tail`, of which the
// second is not empty and goes as a secret span, as it is. EHLO_E_CLEARTEXT as for AUTH, whatever the
// line is. Its verb is that of `head`, if the first word ends there; behind AUTH and its mechanism
// nothing else may stand than the secret.
enum ehlo_status ehlo_send_raw_secret(struct ehlo_client *c, struct ehlo_span head,
                                      struct ehlo_span secret, struct ehlo_span tail);

// A span over a C string, which may be NULL.
struct ehlo_span ehlo_str(const char *s);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_EHLO_H
