// Takes credentials out of a transcript that somebody wrote with them in the open, item by item, before
// it is shown. What a tool recorded holds none. replay/scrub decides what is one: an answer that proves
// to be by its form or its place, and from there on each repetition of it. Lines of the dialogue that
// were cut are judged piece by piece. Constant memory.
#ifndef EHLO_TOOLS_SHOW_COVER_H
#define EHLO_TOOLS_SHOW_COVER_H

#include "replay/scrub/finder.h"
#include "replay/scrub/known.h"
#include "replay/transcript.h"

// All members are private.
struct show_cover {
  struct scrub_finder finder;
  struct scrub_known known;
  bool in_message;
  size_t at;  // of the line in the file
  size_t num_places;
  struct scrub_place places[EHLO_TRANSCRIPT_SECRETS_MAX];
  struct ehlo_reader reader;
  size_t read;  // of `raw`, by the reader
  size_t raw_len;
  char raw[EHLO_TRANSCRIPT_LINE_MAX + 64];
};

void show_cover_init(struct show_cover *c);

// The item, or `out` with \{secret} in the place of what must not be shown. It lives until the next call
// on `c` or on the reader that gave `item`.
const struct ehlo_item *show_cover_item(struct show_cover *c, struct ehlo_item *out,
                                        const struct ehlo_item *item);

#endif  // EHLO_TOOLS_SHOW_COVER_H
