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
  bool over;
  bool secure;         // under TLS, as far as it was noticed
  bool line_whole;     // `line` is a line, and was not sent yet
  bool bare_lf;        // it ended in an LF alone
  bool cr;             // the text so far ended in a CR, not given yet
  size_t num_secrets;  // in the line
  size_t secret_at;    // the place of the first
  size_t line_len;
  size_t in_at;       // of `in`, the piece of the transcript at hand
  size_t in_secrets;  // how many of its secrets were passed
  struct ehlo_expect_text in;
  uint8_t line[EHLO_TRANSCRIPT_LINE_MAX];
};

void ehlo_verbs_init(struct ehlo_verbs *v, struct ehlo_player *player);

#endif  // EHLO_REPLAY_VERBS_H
