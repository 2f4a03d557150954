// Reads the items of a transcript as a conversation: which line goes on over cuts, which reply answers
// which command, what is message and what is command, where the session stands and who was waited for.
// It believes what the two sides said and judges nothing; a transcript that makes no sense gives
// pieces that make none, and no error. Constant memory, whatever the length.
#ifndef EHLO_TOOLS_SHOW_DIALOGUE_H
#define EHLO_TOOLS_SHOW_DIALOGUE_H

#include "engine/submit.h"
#include "replay/transcript.h"
#include "replay/turns.h"

// Characters of a line that are looked at: the verb of a command, code and enhanced code of a reply.
#define SHOW_HEAD_MAX 64

enum show_role {
  SHOW_COMMAND,
  SHOW_RESPONSE,     // within an AUTH exchange
  SHOW_MESSAGE,      // text of the message
  SHOW_MESSAGE_END,  // the final dot
  SHOW_REPLY,
  SHOW_FACT,
  SHOW_EVENT,
  SHOW_COMMENT,
};

// A line of the dialogue, or what is in one item of it; or an item of another kind.
struct show_piece {
  const struct ehlo_item *item;
  enum show_role role;
  // Of item->bytes, without the CRLF. For the dialogue only.
  size_t from;
  size_t to;
  bool begins;          // not the continuation of a line that was cut
  bool ends;            // its CRLF was here
  bool over;            // nothing more of it comes: also where a chunk of BDAT ends without a CRLF
  char first;           // the line's first character, 0 if there is none yet
  bool cr_before;       // the piece before ended in a CR, which turned out to be none of a CRLF
  enum ehlo_verb verb;  // the command, or what a reply answers; NONE: not known (yet)
  bool has_stage;       // false for what belongs to no stage: comments, events, settings, notes
  enum ehlo_stage stage;
  bool tls;  // said under TLS
  // REPLY, as far as the line shows them up to here.
  unsigned code;  // 0: not known
  struct ehlo_enhanced enhanced;
  bool last;  // no "-" behind the code; only with a code
  // Time.
  bool timed;        // some item up to here has a time
  uint64_t time_us;  // since the start
  bool has_wait;     // something was waited for until this piece: it begins a chunk
  uint64_t wait_us;
  enum ehlo_side waited_for;
};

struct show_line {
  size_t len;  // octets up to here
  bool cr;     // the last one is a CR
  char head[SHOW_HEAD_MAX];
};

// Private.
struct show_dialogue {
  struct ehlo_turns turns;
  struct show_line lines[2];
  enum ehlo_stage stage;
  bool timed;
  uint64_t time_us;
  const struct ehlo_item *item;
  size_t at;  // in item->bytes
  bool given;
};

void show_dialogue_init(struct show_dialogue *d);

// Takes the next item; it has to live until show_dialogue_next() has returned false.
void show_dialogue_item(struct show_dialogue *d, const struct ehlo_item *item);

// Gives the pieces of the item, at least one. False: there is no further one.
bool show_dialogue_next(struct show_dialogue *d, struct show_piece *out);

// The text of a piece, cut where secrets stood. Start with `it` all zero but for its piece.
struct show_segments {
  const struct show_piece *piece;
  size_t next_secret;
  size_t at;
  bool begun;
};
struct show_segment {
  bool secret;  // else `text`
  struct ehlo_span text;
};
bool show_segments_next(struct show_segments *it, struct show_segment *out);

// Whether something hidden stands in the piece.
bool show_piece_is_secret(const struct show_piece *piece);

#endif  // EHLO_TOOLS_SHOW_DIALOGUE_H
