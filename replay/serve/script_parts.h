// What the files of the script's reader share. Not for others.
#ifndef EHLO_REPLAY_SCRIPT_PARTS_H
#define EHLO_REPLAY_SCRIPT_PARTS_H

#include "replay/serve/script.h"
#include "replay/unstuff.h"

#define SCRIPT_LINE_KEPT ((size_t)1024)  // of a client's line: its verb, mechanism and "LAST"

struct script_pending {
  enum ehlo_meaning meaning;
  bool to_cancel;
  uint32_t verb;
};

enum script_place { SCRIPT_AT_COMMAND, SCRIPT_AT_RESPONSE, SCRIPT_AT_MESSAGE, SCRIPT_AT_CHUNK };

struct script_reader {
  struct ehlo_script *script;
  struct ehlo_course course;
  bool out_of_memory;
  const char *wrong;  // what makes it impossible to play
  // The client's side.
  enum script_place place;
  bool answered_early;  // the message or chunk that is under way has its reply
  struct ehlo_unstuff unstuff;
  uint64_t chunk_left;
  bool chunk_last;
  size_t line_len;  // all of it
  uint8_t line[SCRIPT_LINE_KEPT];
  struct script_pending pending[EHLO_SCRIPT_PENDING_MAX];
  size_t pending_at;
  size_t num_pending;
  size_t num_final;  // replies that a message of LMTP has had
  // The server's side.
  bool in_reply;
  size_t reply_at;     // of the reply that is not whole, in the text
  size_t line_at;      // of its line
  size_t first_piece;  // its own
  bool is_hidden;
  uint64_t clock_us;
  enum ehlo_side side;  // who spoke last
  bool spoke;           // ... and no fact came since
};

enum script_array { ARRAY_TEXT, ARRAY_PIECES, ARRAY_ANSWERS, ARRAY_ATTEMPTS, ARRAY_STEPS };

// Room for `more` members of an array behind its `num`; NULL, and noted, without memory.
void *script_grow(struct script_reader *r, enum script_array array, void *members, size_t size,
                  size_t num, size_t more);

// The same for a member of the script; returns from the caller without memory.
#define SCRIPT_GROW(r, array, field, num, more)                                            \
  do {                                                                                     \
    void *grown_ =                                                                         \
        script_grow(r, array, (r)->script->field, sizeof(*(r)->script->field), num, more); \
    if (grown_ == NULL) {                                                                  \
      return;                                                                              \
    }                                                                                      \
    (r)->script->field = grown_;                                                           \
  } while (0)

// Nothing more is to be read: no memory, or what cannot be played.
bool script_is_over(const struct script_reader *r);

// A command, or a message, waits for its reply.
void script_push(struct script_reader *r, enum ehlo_meaning meaning, bool to_cancel, uint32_t verb);

// What the client said (script_client.c).
void script_take_client(struct script_reader *r, const struct ehlo_item *item);

#endif  // EHLO_REPLAY_SCRIPT_PARTS_H
