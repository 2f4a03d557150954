// Holds one session against the other, pair by pair. The order of the session is the order in which its
// differences are found; what they are worth decides what stands in front.
#include "replay/compare/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/compare/compare_align.h"
#include "replay/compare/compare_parts.h"

// ---- Pairs --------------------------------------------------------------------------------------

// "PLAIN" of "AUTH PLAIN …".
static void mechanism_of(char out[64], const char *command) {
  const char *at = command + strcspn(command, " ");
  at += strspn(at, " ");
  snprintf(out, 64, "%.*s", (int)(strcspn(at, " ") < 63 ? strcspn(at, " ") : 63), at);
}

static void compare_command(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                            const struct ehlo_compare_exchange *b) {
  const char *wa = ehlo_compare_words(&c->a, a->command);
  const char *wb = ehlo_compare_words(&c->b, b->command);
  if (a->spoken_hash == b->spoken_hash) {
    return;
  }
  if (a->kind == EHLO_EXCHANGE_AUTH) {
    char ma[64];
    char mb[64];
    mechanism_of(ma, wa);
    mechanism_of(mb, wb);
    if (strcmp(ma, mb) != 0) {
      ehlo_compare_differ(c, EHLO_DIFFERENCE_MECHANISM, ehlo_compare_place_of(a, b, false), ma, mb,
                          "A logs in by %s, B by %s", ma, mb);
      return;
    }
  }
  // What a response says is the mechanism's own affair, and the size is that of the message.
  bool same = a->kind == EHLO_EXCHANGE_AUTH || a->command_hash == b->command_hash;
  ehlo_compare_differ(c, same ? EHLO_DIFFERENCE_TEXT : EHLO_DIFFERENCE_COMMAND,
                      ehlo_compare_place_of(a, b, false), wa, wb, "A says %.120s, B %.120s", wa,
                      wb);
}

static const char *answer_of(const struct ehlo_compare_exchange *x) {
  return x->codes[0] != '\0' ? x->codes : "something that is no reply";
}

static void compare_replies(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                            const struct ehlo_compare_exchange *b) {
  char name[96];
  struct ehlo_compare_place place = ehlo_compare_place_of(a, b, true);
  bool answered_a = a->reply_line > 0;
  bool answered_b = b->reply_line > 0;
  ehlo_compare_name(name, c, a);
  if (a->kind == EHLO_COMPARE_TLS || (!answered_a && !answered_b)) {
    return;
  }
  if (answered_a != answered_b) {
    const struct ehlo_compare_exchange *x = answered_a ? a : b;
    ehlo_compare_differ(c, EHLO_DIFFERENCE_REPLY, place, answered_a ? a->codes : "",
                        answered_b ? b->codes : "", "%s was answered %s to %s, %s was not",
                        answered_a ? "A" : "B", answer_of(x), name, answered_a ? "B" : "A");
  } else if (a->codes_hash != b->codes_hash) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_REPLY, place, a->codes, b->codes,
                        "A was answered %s to %s, B %s", answer_of(a), name, answer_of(b));
  } else if (a->reply_hash != b->reply_hash) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_TEXT, place, ehlo_compare_words(&c->a, a->reply),
                        ehlo_compare_words(&c->b, b->reply), "the words of the reply to %s differ",
                        name);
  }
  bool cuts = c->options->cuts && c->a.knows_pieces && c->b.knows_pieces;
  if (answered_a && answered_b && cuts && a->num_pieces != b->num_pieces) {
    char pa[24];
    char pb[24];
    snprintf(pa, sizeof(pa), "%zu", a->num_pieces);
    snprintf(pb, sizeof(pb), "%zu", b->num_pieces);
    ehlo_compare_differ(c, EHLO_DIFFERENCE_CUTS, place, pa, pb,
                        "the reply to %s came to A in %s pieces, to B in %s", name, pa, pb);
  }
}

static void compare_times(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                          const struct ehlo_compare_exchange *b) {
  uint64_t least = a->waited_us < b->waited_us ? a->waited_us : b->waited_us;
  uint64_t most = a->waited_us < b->waited_us ? b->waited_us : a->waited_us;
  if (!c->a.knows_times || !c->b.knows_times || a->reply_line == 0 || b->reply_line == 0 ||
      most - least < EHLO_COMPARE_WAIT_US || most / 2 < least) {
    return;
  }
  char name[96];
  char wa[32];
  char wb[32];
  ehlo_compare_name(name, c, a);
  snprintf(wa, sizeof(wa), "%.3f s", (double)a->waited_us / 1e6);
  snprintf(wb, sizeof(wb), "%.3f s", (double)b->waited_us / 1e6);
  bool greeting = a->kind == EHLO_EXCHANGE_GREETING;
  bool unasked = a->kind == EHLO_COMPARE_TLS || a->kind == EHLO_EXCHANGE_UNASKED;
  ehlo_compare_differ(c, EHLO_DIFFERENCE_TIMING, ehlo_compare_place_of(a, b, true), wa, wb,
                      "%s took %.1f s longer %s %s", a->waited_us > b->waited_us ? "A" : "B",
                      (double)(most - least) / 1e6,
                      greeting  ? "to give"
                      : unasked ? "for"
                                : "to answer",
                      a->kind == EHLO_EXCHANGE_UNASKED ? "what nobody asked for" : name);
}

// One that only one session has.
static void alone(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                  const struct ehlo_compare_exchange *b) {
  const struct ehlo_compare_exchange *x = a != NULL ? a : b;
  const char *who = a != NULL ? "A" : "B";
  const char *other = a != NULL ? "B" : "A";
  const char *words = ehlo_compare_words(a != NULL ? &c->a : &c->b, x->command);
  struct ehlo_compare_place place = ehlo_compare_place_of(a, b, false);
  char text[160];
  if (x->kind == EHLO_COMPARE_TLS) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_TLS, place, a != NULL ? words : "",
                        b != NULL ? words : "",
                        x->failed ? "TLS failed for %s (%.120s), %s does not begin it"
                                  : "%s begins TLS (%.120s), %s does not",
                        who, words, other);
  } else if (x->kind == EHLO_EXCHANGE_UNASKED || x->kind == EHLO_EXCHANGE_GREETING) {
    bool greeting = x->kind == EHLO_EXCHANGE_GREETING;
    ehlo_compare_differ(c, EHLO_DIFFERENCE_REPLY, place, a != NULL ? x->codes : "",
                        b != NULL ? x->codes : "",
                        greeting ? "%s was greeted with %s, %s was not greeted"
                                 : "%s was told %s without having asked, %s was not",
                        who, answer_of(x), other);
  } else {
    char name[96];
    ehlo_compare_name(name, c, x);
    snprintf(text, sizeof(text), "%s", *words != '\0' ? words : name);
    ehlo_compare_differ(c, EHLO_DIFFERENCE_COMMAND, place, a != NULL ? text : "",
                        b != NULL ? text : "", "%s sends %.140s%s%.64s%s, %s does not", who, text,
                        x->reply_line > 0 ? " (answered " : "",
                        x->reply_line > 0 ? answer_of(x) : "", x->reply_line > 0 ? ")" : "", other);
  }
}

static void on_pair(void *arg, const struct ehlo_compare_exchange *a,
                    const struct ehlo_compare_exchange *b) {
  struct ehlo_compare_run *c = arg;
  if (a == NULL || b == NULL) {
    alone(c, a, b);
    return;
  }
  if (a->kind == EHLO_COMPARE_TLS) {
    ehlo_compare_tls(c, a, b);
  } else {
    compare_command(c, a, b);
    ehlo_compare_messages(c, a, b);
    if (a->kind == EHLO_EXCHANGE_HELO && a->codes_hash == b->codes_hash) {
      ehlo_compare_capabilities(c, a, b);
    }
    compare_replies(c, a, b);
  }
  compare_times(c, a, b);
}

// ---- Before and behind --------------------------------------------------------------------------

static void compare_connect(struct ehlo_compare_run *c) {
  const char *wa = ehlo_compare_words(&c->a, c->a.connect);
  const char *wb = ehlo_compare_words(&c->b, c->b.connect);
  struct ehlo_compare_place place = {"connect", c->a.connect_line, c->b.connect_line};
  if (c->a.connect_failed != c->b.connect_failed) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_CONNECT, place, wa, wb,
                        "%s could not connect (%.120s), %s could", c->a.connect_failed ? "A" : "B",
                        c->a.connect_failed ? wa : wb, c->a.connect_failed ? "B" : "A");
  } else if (strcmp(wa, wb) != 0) {
    ehlo_compare_differ(c, c->a.connect_failed ? EHLO_DIFFERENCE_CONNECT : EHLO_DIFFERENCE_TEXT,
                        place, wa, wb, "A connects to %.120s, B to %.120s",
                        *wa != '\0' ? wa : "what is not said",
                        *wb != '\0' ? wb : "what is not said");
  }
}

static const struct ehlo_compare_setting *find_setting(const struct ehlo_compare_session *s,
                                                       const char *text, bool whole) {
  size_t len = whole ? strlen(text) : strcspn(text, " ");
  for (size_t i = 0; i < s->num_settings; i++) {
    const char *other = ehlo_compare_words(s, s->settings[i].text);
    if (strncmp(other, text, len) == 0 && (other[len] == '\0' || (!whole && other[len] == ' '))) {
      return &s->settings[i];
    }
  }
  return NULL;
}

static void compare_settings(struct ehlo_compare_run *c) {
  if (!c->a.has_settings || !c->b.has_settings) {
    return;  // a session of another program has none
  }
  for (size_t i = 0; i < c->a.num_settings; i++) {
    const char *wa = ehlo_compare_words(&c->a, c->a.settings[i].text);
    if (find_setting(&c->b, wa, true) != NULL) {
      continue;
    }
    const struct ehlo_compare_setting *other = find_setting(&c->b, wa, false);
    const char *wb = other != NULL ? ehlo_compare_words(&c->b, other->text) : "";
    struct ehlo_compare_place place = {"connect", c->a.settings[i].line,
                                       other != NULL ? other->line : 0};
    ehlo_compare_differ(
        c, EHLO_DIFFERENCE_SETTING, place, wa, wb, "A was to use \"%.120s\", B %s%.120s%s", wa,
        other != NULL ? "\"" : "was told nothing of it", wb, other != NULL ? "\"" : "");
  }
  for (size_t i = 0; i < c->b.num_settings; i++) {
    const char *wb = ehlo_compare_words(&c->b, c->b.settings[i].text);
    const struct ehlo_compare_setting *other = find_setting(&c->a, wb, false);
    const char *wa = other != NULL ? ehlo_compare_words(&c->a, other->text) : "";
    // One that has a counterpart was told above.
    if (find_setting(&c->a, wb, true) == NULL &&
        (other == NULL || find_setting(&c->b, wa, true) != NULL)) {
      struct ehlo_compare_place place = {"connect", 0, c->b.settings[i].line};
      ehlo_compare_differ(c, EHLO_DIFFERENCE_SETTING, place, "", wb,
                          "B was to use \"%.120s\", A was told nothing of it", wb);
    }
  }
}

static const char *end_of(const struct ehlo_compare_session *s) {
  static const char *const ends[] = {"is cut off", "was closed by the server",
                                     "closed the connection", "was reset by the server",
                                     "reset the connection"};
  return s->timed_out ? "timed out" : ends[s->end];
}

// Whether it came to QUIT: then either side may close first.
static bool is_over(const struct ehlo_compare_session *s) {
  const struct ehlo_compare_exchange *last =
      s->num_exchanges > 0 ? &s->exchanges[s->num_exchanges - 1] : NULL;
  return last != NULL && last->kind == EHLO_EXCHANGE_QUIT && last->code / 100 == 2;
}

static void compare_ends(struct ehlo_compare_run *c) {
  const char *ends[] = {end_of(&c->a), end_of(&c->b)};
  struct ehlo_compare_place place = {"end", c->a.end_line, c->b.end_line};
  const char *fa = ehlo_compare_words(&c->a, c->a.failure);
  const char *fb = ehlo_compare_words(&c->b, c->b.failure);
  if (strcmp(ends[0], ends[1]) != 0) {
    bool polite = is_over(&c->a) && is_over(&c->b);
    ehlo_compare_differ(c, polite ? EHLO_DIFFERENCE_TEXT : EHLO_DIFFERENCE_END, place, ends[0],
                        ends[1], "A %s, B %s", ends[0], ends[1]);
  }
  if (strcmp(fa, fb) != 0) {
    struct ehlo_compare_place failed = {"end", c->a.failure_line, c->b.failure_line};
    ehlo_compare_differ(c, EHLO_DIFFERENCE_END, failed, fa, fb, "A %s%s, B %s%s",
                        *fa != '\0' ? "failed with " : "did not fail", fa,
                        *fb != '\0' ? "failed with " : "did not", fb);
  }
  const char *oa = ehlo_compare_words(&c->a, c->a.outcome);
  const char *ob = ehlo_compare_words(&c->b, c->b.outcome);
  if (*oa != '\0' && *ob != '\0' && strcmp(oa, ob) != 0) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_OUTCOME,
                        (struct ehlo_compare_place){"end", c->a.outcome_line, c->b.outcome_line},
                        oa, ob, "the outcome of A is %s, of B %s", oa, ob);
  }
  if (c->a.num_more != c->b.num_more || c->a.more_hash != c->b.more_hash) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_COMMAND, (struct ehlo_compare_place){"end", 0, 0}, "",
                        "", "behind the first %zu commands, which alone are compared, more differs",
                        EHLO_COMPARE_EXCHANGES_MAX);
  }
}

// ---- The whole ----------------------------------------------------------------------------------

static int rank_of(const struct ehlo_difference *d) {
  return !d->matters ? 2 : d->kind == EHLO_DIFFERENCE_TIMING ? 1 : 0;
}

// Stable: within a rank the order of the session stays. False: there is no memory.
static bool sort(struct ehlo_comparison *out) {
  struct ehlo_difference *sorted = malloc((out->num + 1) * sizeof(*sorted));
  size_t n = 0;
  if (sorted == NULL) {
    return false;
  }
  for (int rank = 0; rank < 3; rank++) {
    for (size_t i = 0; i < out->num; i++) {
      if (rank_of(&out->differences[i]) == rank) {
        sorted[n++] = out->differences[i];
      }
    }
  }
  free(out->differences);
  out->differences = sorted;
  return true;
}

static enum ehlo_compare_status judge_reading(enum ehlo_read_result result, bool memory, bool b) {
  if (!memory) {
    return EHLO_COMPARE_NO_MEMORY;
  }
  switch (result) {
    case EHLO_READ_END:
    case EHLO_READ_ITEM:
      return EHLO_COMPARE_OK;
    case EHLO_READ_BAD:
      return b ? EHLO_COMPARE_BAD_B : EHLO_COMPARE_BAD_A;
    case EHLO_READ_FAILED:
      break;
  }
  return b ? EHLO_COMPARE_FAILED_B : EHLO_COMPARE_FAILED_A;
}

static enum ehlo_compare_status read_both(struct ehlo_compare_run *c,
                                          struct ehlo_transcript_error *out_error,
                                          ehlo_read_fn read_a, void *arg_a, ehlo_read_fn read_b,
                                          void *arg_b) {
  bool memory;
  enum ehlo_read_result result = ehlo_compare_read(&c->a, out_error, &memory, read_a, arg_a);
  enum ehlo_compare_status status = judge_reading(result, memory, false);
  if (status == EHLO_COMPARE_OK) {
    result = ehlo_compare_read(&c->b, out_error, &memory, read_b, arg_b);
    status = judge_reading(result, memory, true);
  }
  return status;
}

enum ehlo_compare_status ehlo_compare(struct ehlo_comparison *out,
                                      struct ehlo_transcript_error *out_error, ehlo_read_fn read_a,
                                      void *arg_a, ehlo_read_fn read_b, void *arg_b,
                                      const struct ehlo_compare_options *options) {
  struct ehlo_compare_run c = {.options = options, .out = out};
  memset(out, 0, sizeof(*out));
  enum ehlo_compare_status status = read_both(&c, out_error, read_a, arg_a, read_b, arg_b);
  if (status == EHLO_COMPARE_OK) {
    compare_connect(&c);
    compare_settings(&c);
    bool good = ehlo_compare_align(&c.a, &c.b, on_pair, &c);
    compare_ends(&c);
    status = good && !c.no_memory && sort(out) ? EHLO_COMPARE_OK : EHLO_COMPARE_NO_MEMORY;
  }
  if (status != EHLO_COMPARE_OK) {
    ehlo_comparison_free(out);
  }
  ehlo_compare_session_free(&c.a);
  ehlo_compare_session_free(&c.b);
  return status;
}

void ehlo_comparison_free(struct ehlo_comparison *c) {
  free(c->differences);
  memset(c, 0, sizeof(*c));
}
