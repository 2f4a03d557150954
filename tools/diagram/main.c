// Prints what engine/state.c says, by asking its functions about every state, verb and code:
//   diagram transitions   the diagram in the README, for Mermaid
//   diagram legality      the table of SPECIFICATION.md, "Which command is legal"
//   diagram declared      the transitions of engine/transitions.c, in SPECIFICATION.md as well
// It knows no transition by itself.
#include <stdio.h>
#include <string.h>

#include "engine/state.h"
#include "engine/transitions.h"

#define LABEL_MAX 400
#define CODE_NONE 421  // which has one transition, from everywhere, and is told apart

// ---- Legality ---------------------------------------------------------------------------------------

// In the order of a session, as enum ehlo_verb has them; the greeting is nobody's command.
static bool has_column(int verb) {
  return verb != EHLO_VERB_NONE && verb != EHLO_VERB_GREETING;
}

static void print_legality(void) {
  printf("%-8s", "");
  for (int v = 0; v < EHLO_NUM_VERBS; v++) {
    if (has_column(v)) {
      printf("%s%s", ehlo_verb_name((enum ehlo_verb)v), v + 1 < EHLO_NUM_VERBS ? " " : "\n");
    }
  }
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    int width = 8;
    const char *before = ehlo_state_name((enum ehlo_state)s);
    for (int v = 0; v < EHLO_NUM_VERBS; v++) {
      if (has_column(v)) {
        printf("%-*s", width, before);
        width = (int)strlen(ehlo_verb_name((enum ehlo_verb)v)) + 1;
        before = ehlo_state_is_legal((enum ehlo_state)s, (enum ehlo_verb)v) ? "x" : ".";
      }
    }
    printf("%s\n", before);
  }
}

// ---- Transitions ------------------------------------------------------------------------------------

// A command as the diagram tells them apart: BDAT's last chunk is one of its own.
struct command {
  enum ehlo_verb verb;
  bool last_chunk;
};

static struct ehlo_transition answer(int state, struct command c, int code) {
  unsigned context = c.last_chunk ? EHLO_REPLY_LAST_CHUNK : 0;
  return ehlo_state_on_reply((enum ehlo_state)state, c.verb, (uint16_t)code, context);
}

static bool leads(int state, struct command c, int code, int next) {
  struct ehlo_transition t = answer(state, c, code);
  return code != CODE_NONE && t.status == EHLO_OK && (int)t.next == next;
}

static void add(char *label, const char *text) {
  size_t len = strlen(label);
  snprintf(label + len, LABEL_MAX - len, "%s", text);
}

// The replies that lead from `state` to `next`: whole classes as "2yz", or single codes.
static void replies(char *out, int state, struct command c, int next) {
  out[0] = '\0';
  for (int class = 2; class <= 5; class ++) {
    int num = 0;
    char text[LABEL_MAX] = "";
    for (int code = class * 100; code < class * 100 + 100; code++) {
      if (leads(state, c, code, next)) {
        char word[8];
        snprintf(word, sizeof(word), " %d", code);
        add(text, num < 3 ? word : "");
        num++;
      }
    }
    if (num >= 99) {
      snprintf(text, sizeof(text), " %dyz", class);
    }
    add(out, text);
  }
}

static bool is_possible(int state, struct command c) {
  if (c.verb == EHLO_VERB_GREETING) {
    return state == EHLO_STATE_CONNECT && !c.last_chunk;
  }
  return ehlo_state_is_legal((enum ehlo_state)state, c.verb) &&
         (!c.last_chunk || c.verb == EHLO_VERB_BDAT);
}

static struct command command_at(int i) {
  return (struct command){(enum ehlo_verb)(i / 2), i % 2 != 0};
}
#define NUM_COMMANDS (2 * EHLO_NUM_VERBS)

static void name_of(char out[32], struct command c) {
  snprintf(out, 32, "%s%s", ehlo_verb_name(c.verb), c.last_chunk ? " LAST" : "");
}

// "EHLO, HELO 2yz, AUTH 2yz 4yz": commands in a row that take the same replies share them.
static void label_of(char *out, int state, int next) {
  char before[LABEL_MAX] = "";
  out[0] = '\0';
  for (int i = 0; i < NUM_COMMANDS; i++) {
    struct command c = command_at(i);
    char these[LABEL_MAX];
    char name[32];
    if (!is_possible(state, c) || c.verb == EHLO_VERB_QUIT) {
      continue;
    }
    replies(these, state, c, next);
    if (these[0] == '\0') {
      continue;
    }
    if (before[0] != '\0') {
      add(out, strcmp(before, these) == 0 ? "" : before);
      add(out, ", ");
    }
    name_of(name, c);
    add(out, name);
    strcpy(before, these);
  }
  add(out, before);
}

static void print_edges(int state) {
  for (int next = 0; next < EHLO_NUM_STATES; next++) {
    char label[LABEL_MAX];
    label_of(label, state, next);
    if (next != state && label[0] != '\0') {
      printf("    %s --> %s : %s\n", ehlo_state_name((enum ehlo_state)state),
             ehlo_state_name((enum ehlo_state)next), label);
    }
  }
  enum ehlo_state after_tls = ehlo_state_on_tls((enum ehlo_state)state);
  if ((int)after_tls != state) {
    printf("    %s --> %s : handshake\n", ehlo_state_name((enum ehlo_state)state),
           ehlo_state_name(after_tls));
  }
}

// QUIT and 421 would be an edge from almost everywhere: they are said in words.
static void print_ends(void) {
  const char *separator = "";
  printf("QUIT is legal in ");
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    if (ehlo_state_is_legal((enum ehlo_state)s, EHLO_VERB_QUIT)) {
      printf("%s%s", separator, ehlo_state_name((enum ehlo_state)s));
      separator = ", ";
    }
  }
  struct command quit = {EHLO_VERB_QUIT, false};
  printf("; any reply to it leads to %s, and so does a 421 to anything.\n",
         ehlo_state_name(answer(EHLO_STATE_READY, quit, 221).next));
}

static void print_transitions(void) {
  printf("```mermaid\nstateDiagram-v2\n    [*] --> %s\n", ehlo_state_name(EHLO_STATE_CONNECT));
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    print_edges(s);
  }
  printf("```\n\n");
  print_ends();
}

int main(int argc, char **argv) {
  const char *what = argc == 2 ? argv[1] : "transitions";
  if (strcmp(what, "transitions") == 0) {
    print_transitions();
  } else if (strcmp(what, "legality") == 0) {
    print_legality();
  } else if (strcmp(what, "declared") == 0) {
    ehlo_transitions_print(stdout);
  } else {
    fprintf(stderr, "usage: diagram [transitions|legality|declared]\n");
    return 64;
  }
  return 0;
}
