// HTML as it is made: text that grows, with everything of a peer escaped on the way in. And a list of
// such texts that is kept within bounds, its first and its last ones.
#ifndef EHLO_TOOLS_SHOW_MARKUP_H
#define EHLO_TOOLS_SHOW_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reply.h"

// Free with markup_free(). `failed`: there was no memory for some of it.
struct markup {
  char *bytes;
  size_t len;
  size_t cap;
  bool failed;
};

void markup_free(struct markup *m);

// Our own markup, as it is.
void markup_add(struct markup *m, const char *html);
void markup_bytes(struct markup *m, const char *html, size_t len);
// As printf does. Arguments have to be ours or numbers: nothing is escaped.
void markup_format(struct markup *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Text that may be anything: < > & and quotation marks as entities, and what does not show as itself
// as a visible escape in a span of class "c".
void markup_text(struct markup *m, struct ehlo_span text);

// "0.41 ms", "3.105 s", "26.33 s", "599 s".
void markup_duration(struct markup *m, uint64_t us);

// Records, each put in whole. The first ones, `head_max` octets, are kept, and of the rest the last
// ones, between half of `tail_max` and all of it; a record of more than half of it may go missing.
struct clip {
  size_t head_max;
  size_t tail_max;
  struct markup head;
  struct markup tail[2];  // the older half, the newer one
  size_t num_tail[2];     // records
  bool full;              // the head is
  size_t num_left_out;
};

void clip_init(struct clip *c, size_t head_max, size_t tail_max);
void clip_clear(struct clip *c);  // keeps its memory
void clip_free(struct clip *c);
void clip_add(struct clip *c, const char *record, size_t len);
bool clip_failed(const struct clip *c);

#endif  // EHLO_TOOLS_SHOW_MARKUP_H
