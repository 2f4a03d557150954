// Every transition of the session, in one file: which verb is legal in which state, what sending it
// leads to, and what each reply to it leads to. Pure functions; nothing here moves a byte.
#ifndef EHLO_ENGINE_STATE_H
#define EHLO_ENGINE_STATE_H

#include "engine/ehlo.h"

// What a reply does to the session.
struct ehlo_transition {
  enum ehlo_state next;
  enum ehlo_event_type follow_up;  // given after the reply; NONE, TLS_WANTED, …
  enum ehlo_status status;         // not EHLO_OK: the reply breaks the protocol
};

bool ehlo_state_is_legal(enum ehlo_state state, enum ehlo_verb verb);

// Whether another command may be pipelined behind `verb` (RFC 2920 §3.1: these may stand anywhere
// in a group, all others only at its end; RFC 3030 §2 for BDAT, and §3.1 for the final dot).
bool ehlo_state_may_follow(enum ehlo_verb verb);

// Where the session is once `verb` was sent, taking for granted that it succeeds.
enum ehlo_state ehlo_state_on_send(enum ehlo_state state, enum ehlo_verb verb);

// What else decides where a reply leads.
enum ehlo_reply_context {
  EHLO_REPLY_LAST_CHUNK = 1,  // the BDAT was the LAST one
  EHLO_REPLY_LMTP = 2,        // the session is LMTP
  EHLO_REPLY_MORE_DUE = 4,    // and the same message gets further replies
  EHLO_REPLY_SECURE = 8,      // TLS is on
};

// What a reply with `code` to `verb` does in `state`; `context` joins enum ehlo_reply_context.
struct ehlo_transition ehlo_state_on_reply(enum ehlo_state state, enum ehlo_verb verb,
                                           uint16_t code, unsigned context);

// Where the session, or its intent, is once a BDAT chunk is given to its end.
enum ehlo_state ehlo_state_on_chunk(bool last_chunk);

// Where the TLS handshake leads: nowhere, if it was done before the greeting.
enum ehlo_state ehlo_state_on_tls(enum ehlo_state state);

#endif  // EHLO_ENGINE_STATE_H
