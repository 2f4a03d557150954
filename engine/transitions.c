// See transitions.h.
#include "engine/transitions.h"

#include <stdbool.h>

#define S(s) (1U << EHLO_STATE_##s)
#define V(v) (1U << EHLO_VERB_##v)
#define ALL UINT32_MAX

// Replies that no client meets, by confirmed state and verb. The first entry that fits is the reason.
static const struct {
  uint32_t states;
  uint32_t verbs;
  const char *why;
} impossible[] = {
    {S(DATA) | S(CHUNK) | S(QUIT), ALL, "states of the intent alone, which no reply confirms"},
    {S(CLOSED) | S(FAILED), ALL, "the session is over: what comes is dropped"},
    {S(TLS), ALL, "any octet is an injection and is not looked at"},
    {ALL, V(NONE), "nothing is outstanding: client.c refuses the reply, or takes the 421"},
    {~S(CONNECT), V(GREETING), "it comes first, once"},
    {S(CONNECT), ~V(GREETING), "no verb is legal there"},
    {S(AUTH), ~V(AUTH), "only a response or \"*\" is legal there"},
    {S(BODY), ~V(BODY), "after DATA nothing stands between the 354 and the final dot"},
    {~S(BODY), V(BODY), "the final dot is legal there alone, and DATA stands last in its flight"},
};
#define NUM_IMPOSSIBLE (sizeof(impossible) / sizeof(impossible[0]))

static const char *const class_names[EHLO_NUM_REPLY_CLASSES] = {
    [EHLO_REPLY_2YZ] = "2yz", [EHLO_REPLY_3YZ] = "3yz", [EHLO_REPLY_4YZ] = "4yz",
    [EHLO_REPLY_5YZ] = "5yz", [EHLO_REPLY_421] = "421",
};

enum ehlo_reply_class ehlo_reply_class_of(uint16_t code) {
  return code == 421 ? EHLO_REPLY_421 : (enum ehlo_reply_class)(code / 100U - 2);
}

size_t ehlo_transition_number(enum ehlo_state state, enum ehlo_verb verb,
                              enum ehlo_reply_class reply_class) {
  return ((size_t)state * EHLO_NUM_VERBS + verb) * EHLO_NUM_REPLY_CLASSES + reply_class;
}

static enum ehlo_state state_of(size_t number) {
  return (enum ehlo_state)(number / EHLO_NUM_REPLY_CLASSES / EHLO_NUM_VERBS);
}

static enum ehlo_verb verb_of(size_t number) {
  return (enum ehlo_verb)(number / EHLO_NUM_REPLY_CLASSES % EHLO_NUM_VERBS);
}

static bool fits(size_t entry, enum ehlo_state state, enum ehlo_verb verb) {
  return (impossible[entry].states >> state & 1) != 0 && (impossible[entry].verbs >> verb & 1) != 0;
}

const char *ehlo_transition_why_not(size_t number) {
  for (size_t i = 0; i < NUM_IMPOSSIBLE; i++) {
    if (fits(i, state_of(number), verb_of(number))) {
      return impossible[i].why;
    }
  }
  return NULL;
}

size_t ehlo_transitions_declared(void) {
  return ehlo_transitions_missing(NULL, (const uint8_t[EHLO_NUM_TRANSITIONS]){0});
}

void ehlo_transition_name(char out[EHLO_TRANSITION_NAME_MAX], size_t number) {
  snprintf(out, EHLO_TRANSITION_NAME_MAX, "%s %s %s", ehlo_state_name(state_of(number)),
           ehlo_verb_name(verb_of(number)), class_names[number % EHLO_NUM_REPLY_CLASSES]);
}

// Those that are in the set or not, and declared or not, as is asked for.
static size_t list(FILE *out, const uint8_t *taken, bool in_set, bool declared) {
  size_t num = 0;
  for (size_t i = 0; i < EHLO_NUM_TRANSITIONS; i++) {
    char name[EHLO_TRANSITION_NAME_MAX];
    if ((taken[i] != 0) != in_set || (ehlo_transition_why_not(i) == NULL) != declared) {
      continue;
    }
    num++;
    if (out != NULL) {
      ehlo_transition_name(name, i);
      fprintf(out, "%s\n", name);
    }
  }
  return num;
}

size_t ehlo_transitions_missing(FILE *out, const uint8_t taken[EHLO_NUM_TRANSITIONS]) {
  return list(out, taken, false, true);
}

size_t ehlo_transitions_surplus(FILE *out, const uint8_t taken[EHLO_NUM_TRANSITIONS]) {
  return list(out, taken, true, false);
}

// ---- Documentation --------------------------------------------------------------------------------

// The names of the states or verbs of a mask; a mask that leaves out few is told by those.
static void print_names(FILE *out, uint32_t mask, int num, const char *(*name)(int)) {
  uint32_t whole = num < 32 ? (1U << num) - 1 : ALL;
  int set = 0;
  for (int i = 0; i < num; i++) {
    set += (int)(mask >> i & 1);
  }
  bool few_out = set > num / 2;
  const char *separator = !few_out ? "" : set == num ? "any" : "any but ";
  for (int i = 0; i < num; i++) {
    if (((mask & whole) >> i & 1) == !few_out) {
      fprintf(out, "%s%s", separator, name(i));
      separator = ", ";
    }
  }
  fputs(set == num ? separator : "", out);
}

static const char *name_of_state(int state) {
  return ehlo_state_name((enum ehlo_state)state);
}

static const char *name_of_verb(int verb) {
  return ehlo_verb_name((enum ehlo_verb)verb);
}

static void print_impossible(FILE *out) {
  fprintf(out, "\nWhat cannot be, and why:\n\n");
  for (size_t i = 0; i < NUM_IMPOSSIBLE; i++) {
    fprintf(out, "- reply to ");
    print_names(out, impossible[i].verbs, EHLO_NUM_VERBS, name_of_verb);
    fprintf(out, " in ");
    print_names(out, impossible[i].states, EHLO_NUM_STATES, name_of_state);
    fprintf(out, ": %s\n", impossible[i].why);
  }
}

void ehlo_transitions_print(FILE *out) {
  fprintf(out,
          "%zu transitions are declared: in each state, a reply 2yz, 3yz, 4yz, 5yz or 421 to\n\n",
          ehlo_transitions_declared());
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    uint32_t verbs = 0;
    for (int v = 0; v < EHLO_NUM_VERBS; v++) {
      size_t number = ehlo_transition_number((enum ehlo_state)s, (enum ehlo_verb)v, EHLO_REPLY_2YZ);
      verbs |= ehlo_transition_why_not(number) == NULL ? 1U << v : 0;
    }
    if (verbs != 0) {
      fprintf(out, "- %s: ", name_of_state(s));
      print_names(out, verbs, EHLO_NUM_VERBS, name_of_verb);
      fprintf(out, "\n");
    }
  }
  print_impossible(out);
}
