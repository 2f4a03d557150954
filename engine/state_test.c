// Tests of the state table: the whole of it as one readable picture, and every transition taken by
// a real client, counted.
#include "engine/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

// Which verbs are legal where: x.
static const char picture[] =
    "        EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA body BDAT RSET NOOP VRFY EXPN HELP ETRN "
    "XCLIENT QUIT other\n"
    "connect .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "greeted x    x    x    .        .    .    .    .    .    .    x    x    x    x    x    .    . "
    "      x    x\n"
    "refused .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      x    .\n"
    "ready   x    x    x    x        x    x    .    .    .    .    x    x    x    x    x    x    x "
    "      x    x\n"
    "tls     .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "auth    .    .    .    .        x    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "mail    x    x    x    .        .    .    x    .    .    .    x    x    x    x    x    .    . "
    "      x    x\n"
    "rcpt    x    x    x    .        .    .    x    x    .    x    x    x    x    x    x    .    . "
    "      x    x\n"
    "data    .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "body    .    .    .    .        .    .    .    .    x    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "chunk   .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "chunked .    .    .    .        .    .    .    .    .    x    x    x    .    .    .    .    . "
    "      x    .\n"
    "quit    .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "closed  .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n"
    "failed  .    .    .    .        .    .    .    .    .    .    .    .    .    .    .    .    . "
    "      .    .\n";

static const enum ehlo_verb verbs[] = {
    EHLO_VERB_EHLO, EHLO_VERB_HELO,    EHLO_VERB_LHLO, EHLO_VERB_STARTTLS, EHLO_VERB_AUTH,
    EHLO_VERB_MAIL, EHLO_VERB_RCPT,    EHLO_VERB_DATA, EHLO_VERB_BODY,     EHLO_VERB_BDAT,
    EHLO_VERB_RSET, EHLO_VERB_NOOP,    EHLO_VERB_VRFY, EHLO_VERB_EXPN,     EHLO_VERB_HELP,
    EHLO_VERB_ETRN, EHLO_VERB_XCLIENT, EHLO_VERB_QUIT, EHLO_VERB_OTHER,
};
#define NUM_VERBS (sizeof(verbs) / sizeof(verbs[0]))

Test(state, picture) {
  char drawn[sizeof(picture) + 400] = "       ";
  for (size_t v = 0; v < NUM_VERBS; v++) {
    sprintf(drawn + strlen(drawn), " %s", ehlo_verb_name(verbs[v]));
  }
  strcat(drawn, "\n");
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    sprintf(drawn + strlen(drawn), "%-8s", ehlo_state_name((enum ehlo_state)s));
    for (size_t v = 0; v < NUM_VERBS; v++) {
      bool legal = ehlo_state_is_legal((enum ehlo_state)s, verbs[v]);
      sprintf(drawn + strlen(drawn), " %c%s", legal ? 'x' : '.', v + 1 == NUM_VERBS ? "\n" : "");
    }
    cr_assert(!ehlo_state_is_legal((enum ehlo_state)s, EHLO_VERB_NONE));
    cr_assert(!ehlo_state_is_legal((enum ehlo_state)s, EHLO_VERB_GREETING));
  }
  // Blanks only lay it out.
  char a[sizeof(drawn)], b[sizeof(drawn)];
  size_t a_len = 0, b_len = 0;
  for (const char *at = picture; *at != '\0'; at++) {
    a[a_len] = *at;
    a_len += *at != ' ';
  }
  for (const char *at = drawn; *at != '\0'; at++) {
    b[b_len] = *at;
    b_len += *at != ' ';
  }
  cr_assert(a_len == b_len && memcmp(a, b, a_len) == 0, "the table is\n%s", drawn);
}

Test(state, what_may_be_followed) {
  for (int v = 0; v < EHLO_NUM_VERBS; v++) {
    bool want = v == EHLO_VERB_MAIL || v == EHLO_VERB_RCPT || v == EHLO_VERB_RSET ||
                v == EHLO_VERB_BODY || v == EHLO_VERB_BDAT;
    cr_assert_eq(ehlo_state_may_follow((enum ehlo_verb)v), want, "%s",
                 ehlo_verb_name((enum ehlo_verb)v));
  }
}

// If it succeeds, a command leads where it was said to: so the intent meets the replies.
Test(state, where_success_leads) {
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    for (size_t v = 0; v < NUM_VERBS; v++) {
      enum ehlo_state state = (enum ehlo_state)s;
      enum ehlo_state want = ehlo_state_on_reply(state, verbs[v], 220, 0).next;
      want = verbs[v] == EHLO_VERB_DATA ? EHLO_STATE_DATA : want;  // and then its text
      want = verbs[v] == EHLO_VERB_BDAT ? EHLO_STATE_CHUNK : want;
      want = verbs[v] == EHLO_VERB_QUIT ? EHLO_STATE_QUIT : want;
      if (ehlo_state_is_legal(state, verbs[v])) {
        cr_assert_eq(ehlo_state_on_send(state, verbs[v]), want, "%s in %s",
                     ehlo_verb_name(verbs[v]), ehlo_state_name(state));
      }
    }
  }
}

// Of a code the class decides, but for the few that mean more (RFC 5321 §4.3.2).
Test(state, codes_by_class) {
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    for (int v = EHLO_VERB_GREETING; v < EHLO_NUM_VERBS; v++) {
      for (uint16_t code = 200; code < 600; code++) {
        enum ehlo_state state = (enum ehlo_state)s;
        enum ehlo_verb verb = (enum ehlo_verb)v;
        struct ehlo_transition got = ehlo_state_on_reply(state, verb, code, 0);
        uint16_t other = (uint16_t)(code / 100 * 100 + 77);
        struct ehlo_transition want = ehlo_state_on_reply(state, verb, other, 0);
        bool special = code == 220 || code == 334 || code == 354 || code == 421;
        cr_assert(special || (got.next == want.next && got.status == want.status &&
                              got.follow_up == want.follow_up),
                  "%u to %s in %s", code, ehlo_verb_name(verb), ehlo_state_name(state));
      }
    }
  }
}

// Where each reply leads: the state after 250, 220, 354, 334, 450 and 550, "!" where such a reply
// is impossible. A 421 leads to closed from everywhere. BDAT+ is a LAST one.
static const char *const transitions[][8] = {
    // state, verb,       250        220        354        334        450        550
    {"connect", "greeting", "!", "greeted", "!", "!", "refused", "refused"},
    {"greeted", "EHLO", "ready", "ready", "!", "!", "greeted", "greeted"},
    {"greeted", "HELO", "ready", "ready", "!", "!", "greeted", "greeted"},
    {"greeted", "LHLO", "ready", "ready", "!", "!", "greeted", "greeted"},
    {"greeted", "RSET", "greeted", "greeted", "!", "!", "greeted", "greeted"},
    {"greeted", "NOOP", "greeted", "greeted", "!", "!", "greeted", "greeted"},
    {"greeted", "VRFY", "greeted", "greeted", "!", "!", "greeted", "greeted"},
    {"greeted", "EXPN", "greeted", "greeted", "!", "!", "greeted", "greeted"},
    {"greeted", "HELP", "greeted", "greeted", "!", "!", "greeted", "greeted"},
    {"greeted", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
    {"greeted", "other", "greeted", "greeted", "greeted", "greeted", "greeted", "greeted"},
    {"refused", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
    {"ready", "EHLO", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "HELO", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "LHLO", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "STARTTLS", "!", "tls", "!", "!", "ready", "ready"},
    {"ready", "AUTH", "ready", "ready", "!", "auth", "ready", "ready"},
    {"ready", "MAIL", "mail", "mail", "!", "!", "ready", "ready"},
    {"ready", "RSET", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "NOOP", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "VRFY", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "EXPN", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "HELP", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "ETRN", "ready", "ready", "!", "!", "ready", "ready"},
    {"ready", "XCLIENT", "greeted", "greeted", "!", "!", "ready", "ready"},
    {"ready", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
    {"ready", "other", "ready", "ready", "ready", "ready", "ready", "ready"},
    {"auth", "AUTH", "ready", "ready", "!", "auth", "ready", "ready"},
    {"mail", "EHLO", "ready", "ready", "!", "!", "mail", "mail"},
    {"mail", "HELO", "ready", "ready", "!", "!", "mail", "mail"},
    {"mail", "LHLO", "ready", "ready", "!", "!", "mail", "mail"},
    {"mail", "RCPT", "rcpt", "rcpt", "!", "!", "mail", "mail"},
    {"mail", "RSET", "ready", "ready", "!", "!", "mail", "mail"},
    {"mail", "NOOP", "mail", "mail", "!", "!", "mail", "mail"},
    {"mail", "VRFY", "mail", "mail", "!", "!", "mail", "mail"},
    {"mail", "EXPN", "mail", "mail", "!", "!", "mail", "mail"},
    {"mail", "HELP", "mail", "mail", "!", "!", "mail", "mail"},
    {"mail", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
    {"mail", "other", "mail", "mail", "mail", "mail", "mail", "mail"},
    {"rcpt", "EHLO", "ready", "ready", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "HELO", "ready", "ready", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "LHLO", "ready", "ready", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "RCPT", "rcpt", "rcpt", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "DATA", "!", "!", "body", "!", "rcpt", "rcpt"},
    {"rcpt", "BDAT", "chunked", "chunked", "!", "!", "chunked", "chunked"},
    {"rcpt", "BDAT+", "ready", "ready", "!", "!", "ready", "ready"},
    {"rcpt", "RSET", "ready", "ready", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "NOOP", "rcpt", "rcpt", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "VRFY", "rcpt", "rcpt", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "EXPN", "rcpt", "rcpt", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "HELP", "rcpt", "rcpt", "!", "!", "rcpt", "rcpt"},
    {"rcpt", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
    {"rcpt", "other", "rcpt", "rcpt", "rcpt", "rcpt", "rcpt", "rcpt"},
    {"body", "body", "ready", "ready", "!", "!", "ready", "ready"},
    {"chunked", "BDAT", "chunked", "chunked", "!", "!", "chunked", "chunked"},
    {"chunked", "BDAT+", "ready", "ready", "!", "!", "ready", "ready"},
    {"chunked", "RSET", "ready", "ready", "!", "!", "chunked", "chunked"},
    {"chunked", "NOOP", "chunked", "chunked", "!", "!", "chunked", "chunked"},
    {"chunked", "QUIT", "closed", "closed", "closed", "closed", "closed", "closed"},
};
#define NUM_ROWS (sizeof(transitions) / sizeof(transitions[0]))

static const unsigned codes[] = {250, 220, 354, 334, 450, 550, 421};
#define NUM_CODES (sizeof(codes) / sizeof(codes[0]))

// How a script gets to a state, and calls a verb there.
#define READY                                                                     \
  "S: 220 x\n> ehlo c\nS: 250-x\nS: 250-STARTTLS\nS: 250-CHUNKING\nS: 250-ETRN\n" \
  "S: 250-XCLIENT ADDR\nS: 250 AUTH LOGIN\n"
#define MAIL READY "> mail <a@b>\nS: 250 x\n"
#define RCPT MAIL "> rcpt <a@b>\nS: 250 x\n"

static const struct {
  const char *state;
  const char *script;
} ways[EHLO_NUM_STATES] = {
    {"connect", ""},
    {"greeted", "S: 220 x\n"},
    {"refused", "S: 554 x\n"},
    {"ready", READY},
    {"tls", READY "> starttls\nS: 220 x\n"},
    {"auth", READY "> auth LOGIN\nS: 334 \n"},
    {"mail", MAIL},
    {"rcpt", RCPT},
    {"data", RCPT "> data\n"},
    {"body", RCPT "> data\nS: 354 x\n"},
    {"chunk", RCPT "> bdat 5\n"},
    {"chunked", RCPT "> bdat 0\nS: 250 x\n"},
    {"quit", READY "> quit\n"},
    {"closed", READY "> quit\nS: 221 x\n"},
    {"failed", READY "S: 250 x\n"},
};

static const struct {
  const char *verb;
  const char *call;
} calls[] = {
    {"EHLO", "ehlo c"},       {"HELO", "helo c"},
    {"STARTTLS", "starttls"}, {"AUTH", "auth LOGIN"},
    {"MAIL", "mail <a@b>"},   {"RCPT", "rcpt <a@b>"},
    {"DATA", "data"},         {"body", "end"},
    {"BDAT", "bdat 0"},       {"BDAT+", "bdat 0 LAST"},
    {"RSET", "rset"},         {"NOOP", "noop "},
    {"VRFY", "vrfy x"},       {"EXPN", "expn x"},
    {"HELP", "help "},        {"QUIT", "quit"},
    {"other", "raw XFOO"},    {"LHLO", "lhlo c"},
    {"ETRN", "etrn x"},       {"XCLIENT", "xclient ADDR=x"},
};
#define NUM_CALLS (sizeof(calls) / sizeof(calls[0]))

static const char *way_to(const char *state) {
  for (size_t i = 0; i < EHLO_NUM_STATES; i++) {
    if (strcmp(ways[i].state, state) == 0) {
      return ways[i].script;
    }
  }
  cr_assert_fail("%s", state);
  return "";
}

static const char *call_of(const char *verb, const char *state) {
  if (strcmp(verb, "body") == 0 && strcmp(state, "chunk") == 0) {
    return "chunk x\n> end";  // which is the end of a chunk of text, not of octets
  }
  if (strcmp(verb, "AUTH") == 0 && strcmp(state, "auth") == 0) {
    return "respond x";
  }
  for (size_t i = 0; i < NUM_CALLS; i++) {
    if (strcmp(calls[i].verb, verb) == 0) {
      return calls[i].call;
    }
  }
  return "";
}

// Runs a script for its effects alone.
static void run(struct ehlo_session *s, const struct ehlo_script *script) {
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.effects_only = true;
  ehlo_script_run_once(s, script, mode);
}

// Takes one transition with a client of its own; returns the state it led to, "!" for impossible.
static const char *take(struct ehlo_session *s, const char *state, const char *verb,
                        unsigned code) {
  char text[1000];
  bool greeting = strcmp(verb, "greeting") == 0;
  snprintf(text, sizeof(text), "%s%s%s%sS: %u x\n", way_to(state), greeting ? "" : "> ",
           greeting ? "" : call_of(verb, state), greeting ? "" : "\n", code);
  struct ehlo_script script = {
      .name = verb, .text = text, .config = {.allow_cleartext_auth = true}};
  run(s, &script);
  enum ehlo_state got = ehlo_client_state(&s->client);
  bool impossible = strstr(s->events, "failed reply-impossible") != NULL;
  cr_assert_eq(impossible, got == EHLO_STATE_FAILED, "%s %s %u: %s", state, verb, code, s->events);
  ehlo_session_free(s);
  return impossible ? "!" : ehlo_state_name(got);
}

Test(state, every_transition_is_taken) {
  struct ehlo_session *s = malloc(sizeof(*s));
  size_t taken = 0;
  for (size_t i = 0; i < NUM_ROWS; i++) {
    const char *const *row = transitions[i];
    for (size_t k = 0; k < NUM_CODES; k++) {
      const char *want = codes[k] == 421 ? "closed" : row[2 + k];
      const char *got = take(s, row[0], row[1], codes[k]);
      cr_assert_str_eq(got, want, "%s %s %u leads to %s instead of %s", row[0], row[1], codes[k],
                       got, want);
      taken++;
    }
  }
  free(s);
  fprintf(stderr, "transitions taken: %zu, of %zu rows with %zu replies each\n", taken, NUM_ROWS,
          NUM_CODES);
  // No legal pair is without a row. BDAT has two, the greeting is nobody's command.
  size_t num_legal = 0;
  for (int state = 0; state < EHLO_NUM_STATES; state++) {
    for (size_t v = 0; v < NUM_VERBS; v++) {
      num_legal += ehlo_state_is_legal((enum ehlo_state)state, verbs[v]);
    }
  }
  cr_assert_eq(NUM_ROWS, num_legal + 2 + 1);
  cr_assert_eq(taken, NUM_ROWS * NUM_CODES);
}

// And every illegal pair is refused by a client that stands there, without a byte.
Test(state, every_illegal_verb_is_refused) {
  struct ehlo_session *s = malloc(sizeof(*s));
  size_t refused = 0;
  for (size_t i = 0; i < EHLO_NUM_STATES; i++) {
    for (size_t k = 0; k < NUM_CALLS; k++) {
      const char *verb = calls[k].verb;
      enum ehlo_verb v = EHLO_VERB_OTHER;
      for (size_t n = 0; n < NUM_VERBS; n++) {
        size_t len = strlen(ehlo_verb_name(verbs[n]));
        v = strncmp(ehlo_verb_name(verbs[n]), verb, len) == 0 ? verbs[n] : v;
      }
      bool failed = strcmp(ways[i].state, "failed") == 0;
      // A raw line may stand where QUIT may.
      bool raw = v == EHLO_VERB_OTHER && ehlo_state_is_legal((enum ehlo_state)i, EHLO_VERB_QUIT);
      if (ehlo_state_is_legal((enum ehlo_state)i, v) || raw) {
        continue;
      }
      char text[1000];
      snprintf(text, sizeof(text), "%s> %s -> %s\n? state %s\n", ways[i].script,
               call_of(verb, ways[i].state), failed ? "reply-unexpected" : "state", ways[i].state);
      struct ehlo_script script = {
          .name = text, .text = text, .config = {.allow_cleartext_auth = true}};
      run(s, &script);
      ehlo_session_free(s);
      refused++;
    }
  }
  free(s);
  fprintf(stderr, "illegal verbs refused: %zu\n", refused);
}

// Replies that meet a confirmed state behind the intent, as pipelining makes them.
Test(state, replies_behind_the_intent) {
  const unsigned lmtp = EHLO_REPLY_LMTP;
  const unsigned last = EHLO_REPLY_LAST_CHUNK;
  const unsigned more = EHLO_REPLY_LMTP | EHLO_REPLY_MORE_DUE;
  const struct {
    enum ehlo_state state;
    enum ehlo_verb verb;
    uint16_t code;
    unsigned context;
    enum ehlo_state next;
  } rows[] = {
      {EHLO_STATE_READY, EHLO_VERB_RCPT, 250, 0, EHLO_STATE_READY},  // MAIL was refused before it
      {EHLO_STATE_READY, EHLO_VERB_RCPT, 503, 0, EHLO_STATE_READY},
      {EHLO_STATE_READY, EHLO_VERB_DATA, 503, 0, EHLO_STATE_READY},
      {EHLO_STATE_READY, EHLO_VERB_DATA, 354, 0, EHLO_STATE_BODY},
      {EHLO_STATE_MAIL, EHLO_VERB_DATA, 354, 0, EHLO_STATE_BODY},
      {EHLO_STATE_MAIL, EHLO_VERB_DATA, 554, 0, EHLO_STATE_MAIL},
      {EHLO_STATE_MAIL, EHLO_VERB_RCPT, 251, 0, EHLO_STATE_RCPT},
      {EHLO_STATE_MAIL, EHLO_VERB_RCPT, 252, 0, EHLO_STATE_RCPT},
      // RFC 2033 §4.2: no message without a recipient, and a reply for each.
      {EHLO_STATE_READY, EHLO_VERB_DATA, 354, lmtp, EHLO_STATE_FAILED},
      {EHLO_STATE_MAIL, EHLO_VERB_DATA, 354, lmtp, EHLO_STATE_FAILED},
      {EHLO_STATE_MAIL, EHLO_VERB_DATA, 503, lmtp, EHLO_STATE_MAIL},
      {EHLO_STATE_RCPT, EHLO_VERB_DATA, 354, lmtp, EHLO_STATE_BODY},
      {EHLO_STATE_BODY, EHLO_VERB_BODY, 250, more, EHLO_STATE_BODY},
      {EHLO_STATE_BODY, EHLO_VERB_BODY, 550, more, EHLO_STATE_BODY},
      {EHLO_STATE_BODY, EHLO_VERB_BODY, 354, more, EHLO_STATE_FAILED},
      {EHLO_STATE_BODY, EHLO_VERB_BODY, 250, lmtp, EHLO_STATE_READY},
      {EHLO_STATE_CHUNKED, EHLO_VERB_BDAT, 250, more | last, EHLO_STATE_CHUNKED},
      {EHLO_STATE_RCPT, EHLO_VERB_BDAT, 450, more | last, EHLO_STATE_RCPT},
      {EHLO_STATE_RCPT, EHLO_VERB_BDAT, 250, lmtp | last, EHLO_STATE_READY},
      {EHLO_STATE_RCPT, EHLO_VERB_BDAT, 250, lmtp, EHLO_STATE_CHUNKED},
      // RFC 3207 §4.2: no TLS within TLS.
      {EHLO_STATE_READY, EHLO_VERB_STARTTLS, 220, EHLO_REPLY_SECURE, EHLO_STATE_FAILED},
      {EHLO_STATE_READY, EHLO_VERB_STARTTLS, 503, EHLO_REPLY_SECURE, EHLO_STATE_READY},
      {EHLO_STATE_CONNECT, EHLO_VERB_NONE, 421, 0, EHLO_STATE_CLOSED},
      {EHLO_STATE_CONNECT, EHLO_VERB_NONE, 250, 0, EHLO_STATE_FAILED},
      {EHLO_STATE_CONNECT, EHLO_NUM_VERBS, 250, 0, EHLO_STATE_FAILED},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_transition t =
        ehlo_state_on_reply(rows[i].state, rows[i].verb, rows[i].code, rows[i].context);
    cr_assert_eq(t.next, rows[i].next, "row %zu: %s", i, ehlo_state_name(t.next));
  }
}

Test(state, names) {
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    cr_assert_str_eq(ehlo_state_name((enum ehlo_state)s), ways[s].state);
  }
  cr_assert_str_eq(ehlo_state_name(EHLO_NUM_STATES), "unknown");
  cr_assert_str_eq(ehlo_verb_name(EHLO_NUM_VERBS), "unknown");
  cr_assert_str_eq(ehlo_verb_name(EHLO_VERB_NONE), "nothing");
  for (int v = 0; v < EHLO_NUM_VERBS; v++) {
    cr_assert_not_null(ehlo_verb_name((enum ehlo_verb)v));
    // Where sending a verb leads has an answer for every pair.
    cr_assert_lt(ehlo_state_on_send(EHLO_STATE_GREETED, (enum ehlo_verb)v), EHLO_NUM_STATES);
  }
  cr_assert_eq(ehlo_state_on_send(EHLO_STATE_GREETED, EHLO_VERB_RSET), EHLO_STATE_GREETED);
  cr_assert_eq(ehlo_state_on_send(EHLO_STATE_RCPT, EHLO_VERB_RSET), EHLO_STATE_READY);
}

Test(state, verb_of_a_line) {
  static const struct {
    const char *line;
    enum ehlo_verb verb;
  } rows[] = {
      {"MAIL FROM:<a@b>", EHLO_VERB_MAIL},
      {"mail", EHLO_VERB_MAIL},
      {"Rcpt\tTO:<a>", EHLO_VERB_RCPT},
      {"MAILX", EHLO_VERB_OTHER},
      {"MAI", EHLO_VERB_OTHER},
      {" MAIL", EHLO_VERB_OTHER},
      {"", EHLO_VERB_OTHER},
      {"body", EHLO_VERB_OTHER},
      {"BODY", EHLO_VERB_OTHER},
      {"greeting", EHLO_VERB_OTHER},
      {"nothing", EHLO_VERB_OTHER},
      {"other", EHLO_VERB_OTHER},
      {"QUIT", EHLO_VERB_QUIT},
      {"quit now", EHLO_VERB_QUIT},
      {"DATA", EHLO_VERB_DATA},
      {"bdat 5 LAST", EHLO_VERB_BDAT},
      {"AUTH PLAIN x", EHLO_VERB_AUTH},
      {"STARTTLS", EHLO_VERB_STARTTLS},
      {"HELO a", EHLO_VERB_HELO},
      {"EHLO a", EHLO_VERB_EHLO},
      {"lhlo a", EHLO_VERB_LHLO},
      {"ETRN @a", EHLO_VERB_ETRN},
      {"xclient ADDR=1", EHLO_VERB_XCLIENT},
      {"MAIL:", EHLO_VERB_OTHER},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cr_assert_eq(ehlo_verb_of_line(ehlo_str(rows[i].line)), rows[i].verb, "[%s]", rows[i].line);
  }
}
