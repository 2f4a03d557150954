// The declared transitions of a session: each triple of confirmed state, verb of the oldest command
// without a reply, and class of the reply that comes. Those that no client meets stand in one list
// with the reason why. For tests and tools: what the engine does on each is state.c's to say.
#ifndef EHLO_ENGINE_TRANSITIONS_H
#define EHLO_ENGINE_TRANSITIONS_H

#include <stdint.h>
#include <stdio.h>

#include "engine/ehlo.h"

// A 421 ends the session whatever it answers, so it is a class of its own.
enum ehlo_reply_class {
  EHLO_REPLY_2YZ,
  EHLO_REPLY_3YZ,
  EHLO_REPLY_4YZ,
  EHLO_REPLY_5YZ,
  EHLO_REPLY_421,
  EHLO_NUM_REPLY_CLASSES
};

// `code` is one that a reply can have, from 200 to 599.
enum ehlo_reply_class ehlo_reply_class_of(uint16_t code);

// Transitions are numbered without gaps, those that cannot be among them.
#define EHLO_NUM_TRANSITIONS (EHLO_NUM_STATES * EHLO_NUM_VERBS * EHLO_NUM_REPLY_CLASSES)
size_t ehlo_transition_number(enum ehlo_state state, enum ehlo_verb verb,
                              enum ehlo_reply_class reply_class);

// Why no client meets it: a sentence of the list; NULL if it is declared.
const char *ehlo_transition_why_not(size_t number);

// How many are declared.
size_t ehlo_transitions_declared(void);

// "ready MAIL 2yz"
#define EHLO_TRANSITION_NAME_MAX 40
void ehlo_transition_name(char out[EHLO_TRANSITION_NAME_MAX], size_t number);

// The declared ones that a set lacks, by numbers: an octet other than 0 says that one was taken. Each
// is printed in a line, if there is an `out`. Returns how many there are.
size_t ehlo_transitions_missing(FILE *out, const uint8_t taken[EHLO_NUM_TRANSITIONS]);

// How many of the set cannot be, printed in the same way: the list would be wrong.
size_t ehlo_transitions_surplus(FILE *out, const uint8_t taken[EHLO_NUM_TRANSITIONS]);

// The documentation: a line for each declared state and verb, and the list of what cannot be.
void ehlo_transitions_print(FILE *out);

#endif  // EHLO_ENGINE_TRANSITIONS_H
