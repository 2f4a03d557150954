// Cuts a transcript down to the smallest one that has the same outcome: by delta debugging over whole
// things (messages, recipients, exchanges, settings, comments), then lines, then octets, until
// nothing more can go. Transcript in memory in, transcript in memory out: no file, no clock.
//
// What comes out is the input with some of it left out. Nothing is added but what keeps it whole: the
// last line of a reply gets the blank that ends it ("250-" becomes "250 "), a number that counts a
// chunk's octets counts those that are left, and the "= " lines say what the engine gives now. So
// what was hidden stays hidden.
#ifndef EHLO_REPLAY_SHRINK_H
#define EHLO_REPLAY_SHRINK_H

#include "replay/replay.h"

// Octets and lines that a transcript may have.
#define EHLO_SHRINK_TEXT_MAX ((size_t)16777216)
#define EHLO_SHRINK_LINES_MAX ((size_t)1000000)
// Replays that are tried at the most, where the caller names no number.
#define EHLO_SHRINK_REPLAYS UINT64_C(100000)

// What "the same outcome" is. A transcript that replays as recorded has to go on doing so, as a
// submission if it was one; one that diverges has to diverge in the same way, with the same words
// expected and got, wherever they stand, and the rest of this does not apply to it.
enum ehlo_shrink_keep {
  // The submission's outcome, stage and problem; where the client stood at the end, its error, and
  // the command under way then.
  EHLO_SHRINK_KEEP_OUTCOME,
  // And the reply that decided: code, enhanced code, and the command that it answered. It is the last
  // refusal (4yz, 5yz), or where nothing was refused the last reply, QUIT's aside.
  EHLO_SHRINK_KEEP_REPLY,
  // And its words, and the line that broke the protocol, as they are.
  EHLO_SHRINK_KEEP_TEXT,
};

struct ehlo_shrink_size {
  size_t items;  // commands with their replies, messages, facts, comments
  size_t lines;  // "= " lines aside
  size_t bytes;  // of these lines
};

enum ehlo_shrink_level {
  EHLO_SHRINK_ITEMS,
  EHLO_SHRINK_LINES,
  EHLO_SHRINK_BYTES,
};

struct ehlo_shrink_progress {
  enum ehlo_shrink_level level;
  struct ehlo_shrink_size before;
  struct ehlo_shrink_size now;
  uint64_t num_replays;
};

struct ehlo_shrink_options {
  enum ehlo_shrink_keep keep;
  uint64_t max_replays;  // 0: EHLO_SHRINK_REPLAYS
  // NULL, or called after each replay. False: what there is by now is the result.
  bool (*progress)(void *arg, const struct ehlo_shrink_progress *progress);
  void *arg;
};

enum ehlo_shrink_status {
  EHLO_SHRINK_OK = 0,
  EHLO_SHRINK_BAD,       // it is no transcript: see replay.error
  EHLO_SHRINK_TOO_LONG,  // it has more octets or lines than that
  EHLO_SHRINK_NO_MEMORY,
};

struct ehlo_shrink_result {
  struct ehlo_replay_result replay;  // of the input
  char *text;                        // of the smaller transcript; to be freed by the caller. OK
  size_t len;
  struct ehlo_shrink_size before;
  struct ehlo_shrink_size after;
  uint64_t num_replays;
  // Nothing more can go: no edit that is left to try has the same outcome. Else the bound was met, or
  // `progress` ended it.
  bool minimal;
};

// Where nothing can go, `text` is the input as it is.
enum ehlo_shrink_status ehlo_shrink(struct ehlo_shrink_result *out, const char *text, size_t len,
                                    const struct ehlo_shrink_options *options);

#endif  // EHLO_REPLAY_SHRINK_H
