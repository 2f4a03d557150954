// The program that follows a transcript: reads the client's lines back into verbs and message text,
// for transcripts of sessions that were not a submission of ours. It decides nothing by itself.
#ifndef EHLO_REPLAY_VERBS_H
#define EHLO_REPLAY_VERBS_H

#include "replay/player.h"
#include "replay/program.h"
#include "replay/unstuff.h"

struct ehlo_verbs {
  struct ehlo_program base;
  struct ehlo_player *player;
  struct ehlo_unstuff unstuff;
  uint64_t chunk_left;
  bool over;
  size_t line_len;
  bool line_secret;  // the line holds a \{secret}
  uint8_t line[EHLO_TRANSCRIPT_LINE_MAX];
};

void ehlo_verbs_init(struct ehlo_verbs *v, struct ehlo_player *player);

#endif  // EHLO_REPLAY_VERBS_H
