// The parts of a fact, by name: what replay/FORMAT.md says of each. What cannot be told apart is one
// part, and nothing is an error.
#ifndef EHLO_TOOLS_SHOW_FACTS_H
#define EHLO_TOOLS_SHOW_FACTS_H

#include "engine/reply.h"
#include "replay/transcript.h"

#define SHOW_PARTS_MAX 24  // any more of a "tls" fact are passed over

enum show_part_kind {
  SHOW_PART_TEXT,
  SHOW_PART_NUMBER,  // decimal digits
  SHOW_PART_FLAG,    // true by being there
  SHOW_PART_LIST,    // of texts, parted by ", "
};

struct show_part {
  enum show_part_kind kind;
  struct ehlo_span name;
  struct ehlo_span raw;  // with the transcript's escapes
};

// "connect", "tls" …
const char *show_fact_word(enum ehlo_fact fact);

// Takes the item, a fact, apart; returns how many parts there are. Spans live as long as the item.
// No two parts have the same name.
size_t show_fact_parts(struct show_part out[SHOW_PARTS_MAX], const struct ehlo_item *item);

// The part with this name, or NULL.
const struct show_part *show_part_find(const struct show_part *parts, size_t num, const char *name);

// Decodes a part's escapes into `out`, cut at `cap`, and returns the length. A part that cannot be
// decoded, since a secret stands in it, is copied as it is.
size_t show_part_text(uint8_t *out, size_t cap, const struct show_part *part);

#endif  // EHLO_TOOLS_SHOW_FACTS_H
