// Whose turn it is: which command a reply answers, and whether the client's next octets are a
// command, a response to a challenge or text of a message. It is told what each side said, as soon
// as a line of it is whole, and it believes both: it judges nothing, so it follows any session, also
// one that breaks the protocol. It does not cut lines, and keeps no text.
#ifndef EHLO_REPLAY_TURNS_H
#define EHLO_REPLAY_TURNS_H

#include "engine/ehlo.h"

// Commands that may be without a reply. Replies to any more are of no known command.
#define EHLO_TURNS_PENDING_MAX ((size_t)4096)

struct ehlo_turn {
  uint32_t exchange;  // numbered from 0; of a response, that of its AUTH
  uint8_t verb;  // enum ehlo_verb: GREETING; BODY, the message behind a 354; NONE: not asked for
  bool ends_message;  // BODY, and BDAT with LAST: LMTP answers it for each recipient
  bool early;         // a reply to text that is not whole, so nobody asked for it
};

struct ehlo_turns {
  struct ehlo_turn reply;  // what the reply that was begun answers
  struct ehlo_turn text;   // BODY or BDAT: whose text comes, or came last
  uint32_t line_exchange;  // of the client's line that was begun
  uint32_t num_exchanges;
  uint64_t chunk_left;  // octets of BDAT to come
  bool in_message;      // behind a 354, up to the dot
  bool in_auth;         // the client's line is a response
  bool secure;          // under TLS
  // Private from here on.
  bool lmtp;
  bool in_reply;
  uint8_t num_of_end;   // octets of the CRLF "." CRLF that are there
  size_t num_accepted;  // recipients of the transaction
  size_t finals_left;   // of LMTP: replies to the message that are to come
  size_t first_pending;
  size_t num_pending;
  size_t num_lost;  // commands that had no room there
  struct ehlo_turn pending[EHLO_TURNS_PENDING_MAX];
};

void ehlo_turns_init(struct ehlo_turns *t);

// Whether the client's next octets are of a message.
bool ehlo_turns_is_text(const struct ehlo_turns *t);

// Takes octets of a message or chunk; returns how many of them are of it. It is over if it was text
// before and is none now.
size_t ehlo_turns_text(struct ehlo_turns *t, const uint8_t *bytes, size_t len);

// A secret stood there: no line of the message with one is its end.
void ehlo_turns_hidden(struct ehlo_turns *t);

// A line of the client begins that is no text: sets `line_exchange`.
void ehlo_turns_begin_line(struct ehlo_turns *t);

// That line is whole; `line` is without its end, as much as is kept of it. `verb` is AUTH for a
// response.
void ehlo_turns_line(struct ehlo_turns *t, enum ehlo_verb verb, struct ehlo_span line);

// A line of the server begins: sets `reply` and returns true, unless it goes on with one.
bool ehlo_turns_begin_reply(struct ehlo_turns *t);

// What the server is to answer next, or is answering. NONE: nothing.
enum ehlo_verb ehlo_turns_awaited(const struct ehlo_turns *t);

// The last line of a reply is whole: one with a code and no "-" behind that (RFC 5321 §4.2.1). Any
// other line leaves the turn where it is.
void ehlo_turns_end_reply(struct ehlo_turns *t, unsigned code);

// TLS is up: what was not whole before it stays so.
void ehlo_turns_tls(struct ehlo_turns *t);

#endif  // EHLO_REPLAY_TURNS_H
