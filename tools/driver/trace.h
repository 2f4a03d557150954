// A transcript on screen, item by item, with the marks that users of swaks know:
//   ->  <-  in cleartext,  ~>  <~  under TLS,  <**  <~*  for a reply of class 4 or 5,  === for facts.
// It serves `show` and the live commands alike: what is shown is what is recorded.
#ifndef EHLO_TOOLS_DRIVER_TRACE_H
#define EHLO_TOOLS_DRIVER_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "replay/transcript.h"

struct trace {
  FILE *out;
  bool raw;  // every octet, and the times
  bool colour;
  bool tls;
  bool in_body;  // the client's lines are message text
  size_t body_lines;
  uint64_t time_us;
  // Text of the transcript that is not a whole line yet.
  size_t pending_len;
  char pending[EHLO_TRANSCRIPT_LINE_MAX + 2];
  struct ehlo_reader reader;
  size_t reader_pos;
};

void trace_init(struct trace *t, FILE *out, bool raw);

// Shows one item.
void trace_item(struct trace *t, const struct ehlo_item *item);

// Takes text of a transcript as a recorder writes it, and shows each line as it is complete.
void trace_text(struct trace *t, const char *text, size_t len);

#endif  // EHLO_TOOLS_DRIVER_TRACE_H
