// Writes inputs of the session target that take every declared transition: transition_seeds OUT_DIR
// Of each state where any command may be answered, and each verb, two sessions or, where each reply is
// the last, five. Which transitions there are is not known here: the corpus test counts them.
#include <stdio.h>
#include <stdlib.h>

#include "engine/ehlo.h"

// Credentials may go in cleartext, output is taken at once, the default buffer.
#define SETTINGS "M7\n"
#define READY "S250-x\nS250 CHUNKING\n"
#define MAIL "CMAIL FROM:<a@b>\nS250 x\n"
#define CHALLENGED "CAUTH LOGIN\nS334 VXNlcm5hbWU6\nRu\n"
#define SENT RCPT "CDATA\nS354 x\nBa\n.\n"
#define RCPT MAIL "CRCPT TO:<c@d>\nS250 x\n"

// The way into a state from the start on, and back into it from any other; "" where there is none.
static const struct {
  const char *name;
  const char *way;
  const char *back;
} places[] = {
    {"greeted", "S220 x\n", "WXCLIENT NAME=a\nS220 x\n"},
    {"refused", "S554 x\n", ""},
    {"ready", "S220 x\nCEHLO c\n" READY, "WEHLO c\n" READY},
    {"mail", "S220 x\nCEHLO c\n" READY MAIL, "WEHLO c\n" READY MAIL},
    {"rcpt", "S220 x\nCEHLO c\n" READY RCPT, "WEHLO c\n" READY RCPT},
    {"chunked", "S220 x\nCEHLO c\n" READY RCPT "CBDAT 0\nS250 x\n",
     "WEHLO c\n" READY RCPT "CBDAT 0\nS250 x\n"},
};
#define NUM_PLACES (sizeof(places) / sizeof(places[0]))

// Sessions of the other states, where one command alone may be answered. The first two replies of
// places[] are greetings already.
static const struct {
  const char *name;
  const char *way;
  const char *back;
} single[] = {
    {"connect", "", ""},
    {"auth", "T\nS220 x\nCEHLO c\nS250-x\nS250 AUTH LOGIN\n" CHALLENGED, CHALLENGED},
    {"body", "S220 x\nCEHLO c\n" READY SENT, SENT},
};
#define NUM_SINGLE (sizeof(single) / sizeof(single[0]))

static const char *const codes[] = {"250", "354", "450", "550", "421"};
#define NUM_CODES (sizeof(codes) / sizeof(codes[0]))

static FILE *begin(const char *folder, const char *place, const char *verb, const char *what) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s-%s-%s", folder, place, verb, what);
  FILE *out = fopen(path, "wb");
  if (out == NULL) {
    perror(path);
    exit(1);
  }
  fputs(SETTINGS, out);
  return out;
}

static void end(FILE *out) {
  if (fclose(out) != 0) {
    perror("transition_seeds");
    exit(1);
  }
}

static const char *line_of(enum ehlo_verb verb) {
  return verb == EHLO_VERB_OTHER  ? "XFOO"
         : verb == EHLO_VERB_AUTH ? "AUTH LOGIN"
         : verb == EHLO_VERB_BDAT ? "BDAT 0"
                                  : ehlo_verb_name(verb);
}

// A raw command, which is legal in any of these states, and its reply.
static void exchange(FILE *out, enum ehlo_verb verb, const char *code) {
  bool tls = verb == EHLO_VERB_STARTTLS && code[0] == '2';
  fprintf(out, "W%s\nS%s x\n%s", line_of(verb), tls ? "220" : code, tls ? "T\n" : "");
}

static void write_alone(const char *folder, size_t place, enum ehlo_verb verb, const char *code) {
  FILE *out = begin(folder, places[place].name, ehlo_verb_name(verb), code);
  fputs(places[place].way, out);
  exchange(out, verb, code);
  end(out);
}

// Two replies that may leave the session going on, and one that may not.
static void write_pair(const char *folder, size_t i, enum ehlo_verb verb) {
  FILE *out = begin(folder, places[i].name, ehlo_verb_name(verb), "refused");
  fputs(places[i].way, out);
  exchange(out, verb, "450");
  fputs(places[i].back, out);
  exchange(out, verb, "550");
  fputs(places[i].back, out);
  exchange(out, verb, "354");
  if (verb == EHLO_VERB_OTHER) {  // which may have any reply
    exchange(out, verb, "250");
    exchange(out, verb, "421");
    end(out);
    return;
  }
  end(out);
  out = begin(folder, places[i].name, ehlo_verb_name(verb), "accepted");
  fputs(places[i].way, out);
  exchange(out, verb, "250");
  fputs(places[i].back, out);
  exchange(out, verb, "421");
  end(out);
}

static bool goes_on(enum ehlo_verb verb) {
  return verb != EHLO_VERB_QUIT && verb != EHLO_VERB_DATA;
}

// Whether a 2yz leads out of a state to which no way leads back.
static bool is_lost(size_t place, enum ehlo_verb verb) {
  return places[place].back[0] == '\0' &&
         (verb <= EHLO_VERB_MAIL || verb == EHLO_VERB_RSET || verb == EHLO_VERB_XCLIENT);
}

static void write_place(const char *folder, size_t place) {
  for (int v = EHLO_VERB_GREETING + 1; v < EHLO_NUM_VERBS; v++) {
    enum ehlo_verb verb = (enum ehlo_verb)v;
    if (verb == EHLO_VERB_BODY) {
      continue;
    }
    if (goes_on(verb)) {
      write_pair(folder, place, verb);
    }
    for (size_t i = 0; i < NUM_CODES && !goes_on(verb); i++) {
      write_alone(folder, place, verb, codes[i]);
    }
    if (is_lost(place, verb)) {
      write_alone(folder, place, verb, "421");
    }
  }
}

static void write_single(const char *folder, size_t i) {
  static const char *const ends[] = {"354", "421"};
  for (size_t k = 0; k < 2; k++) {
    FILE *out = begin(folder, single[i].name, "last", ends[k]);
    fprintf(out, "%sS%s x\n", single[i].way, ends[k]);
    end(out);
  }
  FILE *out = begin(folder, single[i].name, "last", "any");
  fprintf(out, "%sS450 x\n", single[i].way);
  if (single[i].back[0] != '\0') {
    fprintf(out, "%sS550 x\n%sS250 x\n", single[i].back, single[i].back);
  }
  end(out);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: transition_seeds OUT_DIR\n");
    return 64;
  }
  for (size_t i = 0; i < NUM_PLACES; i++) {
    write_place(argv[1], i);
  }
  for (size_t i = 0; i < NUM_SINGLE; i++) {
    write_single(argv[1], i);
  }
  return 0;
}
