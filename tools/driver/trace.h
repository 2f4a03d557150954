// A transcript on screen, item by item, with the marks that users of swaks know:
//   ->  <-  in cleartext,  ~>  <~  under TLS,  <**  <~*  for a reply of class 4 or 5,  === for facts.
// It serves `show` and the live commands alike: what is shown is what is recorded. Each line of the
// dialogue stands in one line, over all cuts; `raw` shows the cuts, the times and every octet.
#ifndef EHLO_TOOLS_DRIVER_TRACE_H
#define EHLO_TOOLS_DRIVER_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "replay/transcript.h"
#include "tools/show/dialogue.h"

#define TRACE_CHALLENGE_MAX 2048  // characters of a challenge that is shown decoded

struct trace {
  FILE *out;
  bool raw;  // every octet, and the times
  bool colour;
  bool typed;  // by whoever sees it: the client's waits, and the message, are not shown
  struct show_dialogue dialogue;
  size_t body_lines;  // of the message at hand
  // The line that is not ended yet on screen.
  bool open;
  bool hidden;  // it is of the message, beyond what is shown
  enum ehlo_side side;
  size_t num_cuts;     // pieces of it after the first
  uint64_t within_us;  // waited for them
  size_t challenge_len;
  bool challenge_secret;  // or too long, or none
  char challenge[TRACE_CHALLENGE_MAX];
  // Text of the transcript that is not a whole line yet.
  size_t pending_len;
  char pending[EHLO_TRANSCRIPT_LINE_MAX + 2];
  struct ehlo_reader reader;
  size_t reader_pos;
};

void trace_init(struct trace *t, FILE *out, bool raw);

// Shows one item.
void trace_item(struct trace *t, const struct ehlo_item *item);

// Ends what is still open on screen. To be called once, at the end.
void trace_finish(struct trace *t);

// Takes text of a transcript as a recorder writes it, and shows each line as it is complete.
void trace_text(struct trace *t, const char *text, size_t len);

#endif  // EHLO_TOOLS_DRIVER_TRACE_H
