// Which exchange of one session is which of the other. Private to the comparison.
#ifndef EHLO_REPLAY_COMPARE_ALIGN_H
#define EHLO_REPLAY_COMPARE_ALIGN_H

#include "replay/compare/compare_session.h"

// Exchanges of each side that are looked at together, where the sessions are apart.
#define EHLO_COMPARE_WINDOW ((size_t)384)

// Gives each pair in order; one of them is NULL where the other session has no such exchange. False:
// there is no memory.
bool ehlo_compare_align(const struct ehlo_compare_session *a, const struct ehlo_compare_session *b,
                        void (*pair)(void *arg, const struct ehlo_compare_exchange *a,
                                     const struct ehlo_compare_exchange *b),
                        void *arg);

#endif  // EHLO_REPLAY_COMPARE_ALIGN_H
