// What a transcript could do without: lists of edits, each a few ranges of octets to cut, made by
// passes over a scan. An edit is a proposal: whether it goes is for the replay to say. Private to
// the shrinker.
#ifndef EHLO_REPLAY_SHRINK_EDITS_H
#define EHLO_REPLAY_SHRINK_EDITS_H

#include "replay/shrink/shrink_scan.h"

struct ehlo_shrink_range {
  uint32_t at;
  uint32_t len;
};

// Edit `n` is the ranges from ends[n - 1] to ends[n].
struct ehlo_shrink_edits {
  struct ehlo_shrink_range *ranges;
  size_t num_ranges;
  size_t ranges_cap;
  size_t *ends;
  size_t num;
  size_t cap;
  bool failed;  // there was no memory for one
};

void ehlo_shrink_edits_free(struct ehlo_shrink_edits *e);
void ehlo_shrink_edits_clear(struct ehlo_shrink_edits *e);
// Adds a range to the edit under way; edit_end() closes it. One without a range is none.
void ehlo_shrink_cut(struct ehlo_shrink_edits *e, uint32_t at, uint32_t len);
void ehlo_shrink_edit_end(struct ehlo_shrink_edits *e);

// The text of a scan under edits: `gone` and `bytes` have an octet for each of its octets.
struct ehlo_shrink_state {
  uint8_t *gone;
  char *bytes;
};

// Makes good what cuts leave behind: the line that is now the last of its reply ends it ("250-" becomes
// "250 "), and no blank stands in front of nothing.
void ehlo_shrink_mend(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s);
// And what counts the octets of a chunk counts those that are left. `scratch` has a number for each
// exchange.
void ehlo_shrink_mend_counts(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s,
                             uint64_t *scratch);

// A pass adds its edits for the whole text, in its order.
typedef void (*ehlo_shrink_pass_fn)(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s);

// Whole things: messages with their settings and transactions, recipients with what was said to
// and of them, logging in, TLS, single exchanges, parameters, facts and comments.
extern const ehlo_shrink_pass_fn ehlo_shrink_item_passes[];
extern const size_t ehlo_shrink_num_item_passes;
// Cuts within lines, times, lines of replies and messages, any line.
extern const ehlo_shrink_pass_fn ehlo_shrink_line_passes[];
extern const size_t ehlo_shrink_num_line_passes;
// Words behind a code, details of facts.
extern const ehlo_shrink_pass_fn ehlo_shrink_byte_passes[];
extern const size_t ehlo_shrink_num_byte_passes;
// Every octet or escape of one line's value in all the places where it stands, if it is a setting;
// and of its text and its time.
void ehlo_shrink_pass_line_values(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                                  size_t line);
void ehlo_shrink_pass_line_bytes(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                                 size_t line);

#endif  // EHLO_REPLAY_SHRINK_EDITS_H
