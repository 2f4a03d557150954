// Replies are paired with commands in the order in which these were sent (RFC 2920 §3.1).
#include "replay/turns.h"

#include <string.h>

#include "replay/course.h"

void ehlo_turns_init(struct ehlo_turns *t) {
  memset(t, 0, sizeof(*t));
  t->pending[0].verb = EHLO_VERB_GREETING;
  t->num_pending = 1;
  t->num_exchanges = 1;
}

// Once there was no room, there is none until those are answered too: the order is what counts.
static void push(struct ehlo_turns *t, struct ehlo_turn turn) {
  if (t->num_pending == EHLO_TURNS_PENDING_MAX || t->num_lost > 0) {
    t->num_lost++;
    return;
  }
  t->pending[(t->first_pending + t->num_pending++) % EHLO_TURNS_PENDING_MAX] = turn;
}

static void drop(struct ehlo_turns *t, size_t num) {
  t->first_pending = (t->first_pending + num) % EHLO_TURNS_PENDING_MAX;
  t->num_pending -= num;
}

// ---- The client ---------------------------------------------------------------------------------

bool ehlo_turns_is_text(const struct ehlo_turns *t) {
  return t->in_message || t->chunk_left > 0;
}

// One octet behind a 354. Nothing but CRLF "." CRLF ends a message, RFC 5321 §4.1.1.4; the first of
// these CRLFs may be that of DATA.
static bool ends_message(struct ehlo_turns *t, uint8_t octet) {
  static const uint8_t end[] = "\r\n.\r\n";
  bool goes_on = octet == end[t->num_of_end];
  t->num_of_end = goes_on ? (uint8_t)(t->num_of_end + 1) : octet == '\r';
  return t->num_of_end == sizeof(end) - 1;
}

size_t ehlo_turns_text(struct ehlo_turns *t, const uint8_t *bytes, size_t len) {
  if (t->chunk_left > 0) {
    size_t n = len < t->chunk_left ? len : (size_t)t->chunk_left;
    t->chunk_left -= n;
    return n;
  }
  for (size_t i = 0; i < len; i++) {
    if (ends_message(t, bytes[i])) {
      t->in_message = false;
      push(t, t->text);
      return i + 1;
    }
  }
  return len;
}

void ehlo_turns_hidden(struct ehlo_turns *t) {
  t->num_of_end = 0;
}

void ehlo_turns_begin_line(struct ehlo_turns *t) {
  if (!t->in_auth) {
    t->line_exchange = t->num_exchanges++;
  }
}

void ehlo_turns_line(struct ehlo_turns *t, enum ehlo_verb verb, struct ehlo_span line) {
  struct ehlo_turn turn = {t->line_exchange, (uint8_t)verb, false, false};
  t->in_auth = false;
  if (verb == EHLO_VERB_BDAT) {
    struct ehlo_command_line c;
    ehlo_command_read(&c, line.bytes, line.len);
    t->chunk_left = c.is_bdat ? c.octets : 0;
    turn.ends_message = c.meaning == EHLO_MEANS_MESSAGE;
    t->text = turn;
  }
  push(t, turn);
}

// ---- The server ---------------------------------------------------------------------------------

// LMTP does not answer the last chunk of a message for nobody (RFC 2033 §4.3).
static void drop_unanswered(struct ehlo_turns *t) {
  while (t->lmtp && t->num_accepted == 0 && t->num_pending > 0 &&
         t->pending[t->first_pending].verb == EHLO_VERB_BDAT &&
         t->pending[t->first_pending].ends_message) {
    drop(t, 1);
  }
}

// What is answered next.
static struct ehlo_turn next_turn(struct ehlo_turns *t) {
  drop_unanswered(t);
  if (t->num_pending > 0) {
    struct ehlo_turn turn = t->pending[t->first_pending];
    drop(t, 1);
    return turn;
  }
  if (t->num_lost > 0) {
    t->num_lost--;
  } else if (ehlo_turns_is_text(t)) {
    return (struct ehlo_turn){t->text.exchange, t->text.verb, false, true};
  }
  return (struct ehlo_turn){t->num_exchanges++, EHLO_VERB_NONE, false, false};
}

bool ehlo_turns_begin_reply(struct ehlo_turns *t) {
  bool begins = !t->in_reply;
  if (begins && t->finals_left == 0) {
    t->reply = next_turn(t);
  }
  t->in_reply = true;
  return begins;
}

enum ehlo_verb ehlo_turns_awaited(const struct ehlo_turns *t) {
  const struct ehlo_turn *next = t->num_pending > 0 ? &t->pending[t->first_pending] : NULL;
  next = t->in_reply || t->finals_left > 0 ? &t->reply : next;
  return next != NULL ? (enum ehlo_verb)next->verb : EHLO_VERB_NONE;
}

// In LMTP a message has a reply for each recipient that was accepted (RFC 2033 §4.2).
static void end_final(struct ehlo_turns *t) {
  if (t->finals_left == 0 && t->lmtp) {
    t->finals_left = t->num_accepted;
  }
  t->finals_left -= t->finals_left > 0;
  t->num_accepted = t->finals_left > 0 ? t->num_accepted : 0;
}

// A 354 says that DATA was understood, whatever came in between.
static bool finds_data(struct ehlo_turns *t) {
  uint8_t verb = t->reply.verb;
  size_t num = 0;
  while (verb != EHLO_VERB_DATA && num < t->num_pending) {
    verb = t->pending[(t->first_pending + num++) % EHLO_TURNS_PENDING_MAX].verb;
  }
  if (verb == EHLO_VERB_DATA) {
    drop(t, num);
  }
  return verb == EHLO_VERB_DATA;
}

static void begin_message(struct ehlo_turns *t) {
  t->in_message = true;
  t->num_of_end = 2;
  t->finals_left = 0;
  t->text = (struct ehlo_turn){t->num_exchanges++, EHLO_VERB_BODY, true, false};
}

// Those that change what comes next. A transaction goes on behind a MAIL or RSET that was refused.
static void take_effect(struct ehlo_turns *t, enum ehlo_verb verb, bool good) {
  bool hello = verb == EHLO_VERB_EHLO || verb == EHLO_VERB_HELO || verb == EHLO_VERB_LHLO;
  if (good && hello) {
    t->lmtp = verb == EHLO_VERB_LHLO;
  }
  if (good && (hello || verb == EHLO_VERB_MAIL || verb == EHLO_VERB_RSET)) {
    t->num_accepted = 0;
  }
  t->num_accepted += good && verb == EHLO_VERB_RCPT;
}

void ehlo_turns_end_reply(struct ehlo_turns *t, unsigned code) {
  t->in_reply = false;
  t->in_auth = t->reply.verb == EHLO_VERB_AUTH && code == 334;
  if (t->in_auth) {
    t->line_exchange = t->reply.exchange;
  } else if (code == 354 && finds_data(t)) {
    begin_message(t);
  } else if (t->reply.ends_message) {
    end_final(t);
  } else {
    take_effect(t, (enum ehlo_verb)t->reply.verb, code / 100 == 2);
  }
}

void ehlo_turns_tls(struct ehlo_turns *t) {
  t->secure = true;
  t->in_reply = false;
}
