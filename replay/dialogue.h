// Who said what to whom: follows the dialogue of a transcript and tells which command each line of
// it belongs to, pipelined or not. It reads a session as a person would and judges nothing, so it
// follows any session, also one that breaks the protocol.
#ifndef EHLO_REPLAY_DIALOGUE_H
#define EHLO_REPLAY_DIALOGUE_H

#include "replay/transcript.h"
#include "replay/turns.h"

// Octets that are kept of one line. Its hash is over all of them.
#define EHLO_DIALOGUE_LINE_MAX ((size_t)2048)

// What an exchange is about: a command, all that belongs to it, and its reply.
enum ehlo_exchange_kind {
  EHLO_EXCHANGE_GREETING = 0,
  EHLO_EXCHANGE_HELO,  // EHLO, HELO, LHLO
  EHLO_EXCHANGE_STARTTLS,
  EHLO_EXCHANGE_XCLIENT,
  EHLO_EXCHANGE_AUTH,  // with its challenges and responses
  EHLO_EXCHANGE_MAIL,
  EHLO_EXCHANGE_RCPT,
  EHLO_EXCHANGE_DATA,     // with its 354
  EHLO_EXCHANGE_MESSAGE,  // from the first line behind the 354 to what its final dot was answered
  EHLO_EXCHANGE_BDAT,     // with the octets of the chunk
  EHLO_EXCHANGE_RSET,
  EHLO_EXCHANGE_QUIT,
  EHLO_EXCHANGE_OTHER,
  EHLO_EXCHANGE_UNASKED,  // a reply to nothing
  EHLO_NUM_EXCHANGE_KINDS
};

// A whole line of a command, a response or a reply.
struct ehlo_dialogue_line {
  enum ehlo_side side;
  enum ehlo_exchange_kind kind;
  size_t exchange;       // from 0, in the order in which they began
  const uint8_t *bytes;  // without the line end; \{secret} stands as it is written
  size_t len;            // at most EHLO_DIALOGUE_LINE_MAX
  uint64_t hash;         // FNV-1a over all of the line
  size_t file_line;      // where it begins
  uint64_t time_us;      // when it ended, from the start of the session
  bool continued;        // not the first line of its command or reply
  // SERVER:
  unsigned code;    // 0: there is none
  bool ends_reply;  // the last line of its reply
};

struct ehlo_dialogue;

// Any member may be NULL.
struct ehlo_dialogue_hooks {
  void (*line)(void *arg, const struct ehlo_dialogue_line *line);
  // Octets of a message, dots as they were sent. The final dot's line is among them.
  void (*text)(void *arg, size_t exchange, const uint8_t *bytes, size_t len, size_t file_line);
  // The message is over: its final dot, or the last octet of a chunk, was sent.
  void (*text_end)(void *arg, size_t exchange, uint64_t time_us);
  void *arg;
};

enum ehlo_dialogue_role {
  EHLO_ROLE_NONE = 0,  // no dialogue
  EHLO_ROLE_COMMAND,   // or a response to a challenge
  EHLO_ROLE_TEXT,      // of a message
  EHLO_ROLE_REPLY,
};

// What the first octet of an item belongs to.
struct ehlo_dialogue_place {
  enum ehlo_dialogue_role role;
  size_t exchange;
};

struct ehlo_dialogue_half {  // one side's line under way
  size_t len;
  uint64_t hash;
  size_t file_line;
  bool begun;
  uint8_t bytes[EHLO_DIALOGUE_LINE_MAX];
};

struct ehlo_dialogue {
  struct ehlo_dialogue_hooks hooks;
  uint64_t time_us;
  struct ehlo_turns turns;
  // Private from here on.
  struct ehlo_dialogue_half client;
  struct ehlo_dialogue_half server;
  size_t file_line;
  bool goes_on;  // the server's line, with a reply that another began
};

void ehlo_dialogue_init(struct ehlo_dialogue *d, const struct ehlo_dialogue_hooks *hooks);

// Takes the next item of the transcript.
struct ehlo_dialogue_place ehlo_dialogue_item(struct ehlo_dialogue *d,
                                              const struct ehlo_item *item);

// "RCPT", "the message" and so on.
const char *ehlo_exchange_name(enum ehlo_exchange_kind kind);

#endif  // EHLO_REPLAY_DIALOGUE_H
