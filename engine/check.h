// Invariants. They stay in every build: one that does not hold stops the program on the spot, which
// in a protocol engine is the lesser harm. A trap, since <assert.h> would bring in stdio.
#ifndef EHLO_ENGINE_CHECK_H
#define EHLO_ENGINE_CHECK_H

#define EHLO_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())

#endif  // EHLO_ENGINE_CHECK_H
