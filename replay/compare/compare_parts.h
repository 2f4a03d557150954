// What the parts of the comparison share: where differences go, and what things are called. Private
// to it.
#ifndef EHLO_REPLAY_COMPARE_PARTS_H
#define EHLO_REPLAY_COMPARE_PARTS_H

#include "replay/compare/compare_session.h"

struct ehlo_compare_run {
  const struct ehlo_compare_options *options;
  struct ehlo_compare_session a;
  struct ehlo_compare_session b;
  struct ehlo_comparison *out;
  size_t cap;  // of out->differences
  bool no_memory;
};

// What a difference is between: a line of each, 0 for none, and a stage.
struct ehlo_compare_place {
  const char *stage;
  size_t a_line;
  size_t b_line;
};

// Notes a difference.
__attribute__((format(printf, 6, 7))) void ehlo_compare_differ(struct ehlo_compare_run *c,
                                                               enum ehlo_difference_kind kind,
                                                               struct ehlo_compare_place place,
                                                               const char *a, const char *b,
                                                               const char *format, ...);

// "the second RCPT", "EHLO after TLS".
void ehlo_compare_name(char out[96], const struct ehlo_compare_run *c,
                       const struct ehlo_compare_exchange *x);

// Where a pair stands: its commands, or its replies. One of it may be NULL.
struct ehlo_compare_place ehlo_compare_place_of(const struct ehlo_compare_exchange *a,
                                                const struct ehlo_compare_exchange *b, bool reply);

// What is within a pair.
void ehlo_compare_capabilities(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                               const struct ehlo_compare_exchange *b);
void ehlo_compare_tls(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                      const struct ehlo_compare_exchange *b);
void ehlo_compare_messages(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                           const struct ehlo_compare_exchange *b);

#endif  // EHLO_REPLAY_COMPARE_PARTS_H
