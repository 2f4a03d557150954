// What two of the same kind have in them: what is offered, TLS, the message.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/compare/compare_parts.h"

// ---- What the server offers ---------------------------------------------------------------------

// The `nth` line with this keyword, from 0; NULL if there are not so many.
static const struct ehlo_compare_capability *find_capability(const struct ehlo_compare_session *s,
                                                             const struct ehlo_compare_exchange *x,
                                                             const char *keyword, size_t nth) {
  for (size_t i = 0; i < x->num_capabilities; i++) {
    const struct ehlo_compare_capability *c = &s->capabilities[x->first_capability + i];
    if (strcmp(ehlo_compare_words(s, c->keyword), keyword) == 0 && nth-- == 0) {
      return c;
    }
  }
  return NULL;
}

// How many with the keyword of the one at `n` stand before it.
static size_t count_before(const struct ehlo_compare_session *s,
                           const struct ehlo_compare_exchange *x, size_t n) {
  const struct ehlo_compare_capability *all = &s->capabilities[x->first_capability];
  const char *keyword = ehlo_compare_words(s, all[n].keyword);
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    count += strcmp(ehlo_compare_words(s, all[i].keyword), keyword) == 0;
  }
  return count;
}

// Whether each word of `a` is among those of `b`.
static bool words_among(const char *a, const char *b) {
  while (*a != '\0') {
    size_t len = strcspn(a, " ");
    const char *at = b;
    while (*at != '\0' && (strcspn(at, " ") != len || strncmp(at, a, len) != 0)) {
      at += strcspn(at, " ");
      at += strspn(at, " ");
    }
    if (*at == '\0') {
      return false;
    }
    a += len;
    a += strspn(a, " ");
  }
  return true;
}

static const char *when_offered(const struct ehlo_compare_run *c,
                                const struct ehlo_compare_exchange *x) {
  bool twice = c->a.greeted_in_clear || c->b.greeted_in_clear;
  return !twice ? "" : x->secure ? " after TLS" : " before TLS";
}

// What only one of them offers, or more often than the other.
static void lacks(struct ehlo_compare_run *c, struct ehlo_compare_place place,
                  const struct ehlo_compare_capability *cap, bool b_has, size_t before,
                  const char *when) {
  const struct ehlo_compare_session *s = b_has ? &c->b : &c->a;
  char text[160];
  const char *keyword = ehlo_compare_words(s, cap->keyword);
  const char *parameters = ehlo_compare_words(s, cap->parameters);
  snprintf(text, sizeof(text), "%s%s%s", keyword, *parameters != '\0' ? " " : "", parameters);
  *(b_has ? &place.b_line : &place.a_line) = cap->line;
  ehlo_compare_differ(c, EHLO_DIFFERENCE_CAPABILITY, place, b_has ? "" : text, b_has ? text : "",
                      before == 0 ? "%s offers no %s%s" : "%s offers %s less often%s",
                      b_has ? "A" : "B", keyword, when);
}

static void compare_capability(struct ehlo_compare_run *c, struct ehlo_compare_place place,
                               const char *when, const struct ehlo_compare_capability *a,
                               const struct ehlo_compare_capability *b) {
  const char *keyword = ehlo_compare_words(&c->a, a->keyword);
  const char *pa = ehlo_compare_words(&c->a, a->parameters);
  const char *pb = ehlo_compare_words(&c->b, b->parameters);
  if (!words_among(pa, pb) || !words_among(pb, pa)) {
    place.a_line = a->line;
    place.b_line = b->line;
    ehlo_compare_differ(c, EHLO_DIFFERENCE_CAPABILITY, place, pa, pb,
                        "A offers %s%s%.100s, B %s%s%.100s%s", keyword,
                        *pa != '\0' ? " " : " without parameters", pa, keyword,
                        *pb != '\0' ? " " : " without parameters", pb, when);
  }
}

void ehlo_compare_capabilities(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                               const struct ehlo_compare_exchange *b) {
  const char *when = when_offered(c, a);
  struct ehlo_compare_place place = ehlo_compare_place_of(a, b, true);
  for (size_t i = 0; i < a->num_capabilities; i++) {
    const struct ehlo_compare_capability *ca = &c->a.capabilities[a->first_capability + i];
    size_t before = count_before(&c->a, a, i);
    const struct ehlo_compare_capability *cb =
        find_capability(&c->b, b, ehlo_compare_words(&c->a, ca->keyword), before);
    if (cb == NULL) {
      lacks(c, place, ca, false, before, when);
    } else {
      compare_capability(c, place, when, ca, cb);
    }
  }
  for (size_t i = 0; i < b->num_capabilities; i++) {
    const struct ehlo_compare_capability *cb = &c->b.capabilities[b->first_capability + i];
    size_t before = count_before(&c->b, b, i);
    if (find_capability(&c->a, a, ehlo_compare_words(&c->b, cb->keyword), before) == NULL) {
      lacks(c, place, cb, true, before, when);
    }
  }
}

// ---- TLS ----------------------------------------------------------------------------------------

// The next word of the details; its name is what stands before "=", or by its place.
static bool next_word(const char **at, char out[160], char name[32], size_t n) {
  static const char *const names[] = {"version", "cipher", "group"};
  static const char *const known[][2] = {{"sha256", "certificate"},
                                         {"chain", "verdict on the chain"},
                                         {"name", "verdict on the name"}};
  size_t len = strcspn(*at, " ");
  if (len == 0) {
    return false;
  }
  snprintf(out, 160, "%.*s", (int)len, *at);
  const char *equals = strchr(out, '=');
  snprintf(name, 32, "%.*s", equals != NULL ? (int)(equals - out) : 24,
           equals != NULL ? out : names[n < 2 ? n : 2]);
  for (size_t i = 0; equals != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(name, known[i][0]) == 0) {
      snprintf(name, 32, "%s", known[i][1]);
      memmove(out, equals + 1, strlen(equals + 1) + 1);
      break;
    }
  }
  *at += len;
  *at += strspn(*at, " ");
  return true;
}

// The word of `details` with this name, empty if there is none.
static void find_word(char out[160], const char *details, const char *name) {
  char found[32];
  for (size_t n = 0; next_word(&details, out, found, n); n++) {
    if (strcmp(found, name) == 0) {
      return;
    }
  }
  out[0] = '\0';
}

// The words of one side, each held against the other's word with its name; those of B that A has were
// told with A's. The first word of a name counts.
static void compare_words(struct ehlo_compare_run *c, struct ehlo_compare_place place,
                          const char *const details[2], size_t side) {
  const char *at = details[side];
  char word[160];
  char name[32];
  char first[160];
  char other[160];
  for (size_t n = 0; next_word(&at, word, name, n); n++) {
    find_word(first, details[side], name);
    find_word(other, details[1 - side], name);
    if (strcmp(first, word) != 0 || strcmp(word, other) == 0 || (side == 1 && other[0] != '\0')) {
      continue;
    }
    const char *wa = side == 0 ? word : other;
    const char *wb = side == 0 ? other : word;
    ehlo_compare_differ(c, EHLO_DIFFERENCE_TLS, place, wa, wb, "the TLS %s of A is %s, of B %s",
                        name, wa[0] != '\0' ? wa : "not known", wb[0] != '\0' ? wb : "not known");
  }
}

void ehlo_compare_tls(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                      const struct ehlo_compare_exchange *b) {
  const char *details[] = {ehlo_compare_words(&c->a, a->command),
                           ehlo_compare_words(&c->b, b->command)};
  struct ehlo_compare_place place = ehlo_compare_place_of(a, b, false);
  if (a->failed != b->failed) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_TLS, place, details[0], details[1],
                        "TLS failed for %s (%.120s), and not for %s", a->failed ? "A" : "B",
                        details[a->failed ? 0 : 1], a->failed ? "B" : "A");
    return;
  }
  if (a->failed) {
    if (strcmp(details[0], details[1]) != 0) {
      ehlo_compare_differ(c, EHLO_DIFFERENCE_TLS, place, details[0], details[1],
                          "TLS failed for A (%.120s), and otherwise for B (%.120s)", details[0],
                          details[1]);
    }
    return;
  }
  size_t told = c->out->num + c->out->num_untold;
  compare_words(c, place, details, 0);
  compare_words(c, place, details, 1);
  if (told == c->out->num + c->out->num_untold && strcmp(details[0], details[1]) != 0) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_TEXT, place, details[0], details[1],
                        "the words on TLS differ");
  }
}

// ---- Messages -----------------------------------------------------------------------------------

static const struct ehlo_compare_text_line *text_line(const struct ehlo_compare_session *s,
                                                      const struct ehlo_compare_exchange *x,
                                                      size_t n) {
  return n < x->num_text_lines ? &s->text_lines[x->first_text_line + n] : NULL;
}

// The first line that differs and is not different by nature; SIZE_MAX: none among those kept.
static size_t first_other_line(const struct ehlo_compare_run *c,
                               const struct ehlo_compare_exchange *a,
                               const struct ehlo_compare_exchange *b) {
  size_t least = a->num_text_lines < b->num_text_lines ? a->num_text_lines : b->num_text_lines;
  for (size_t n = 0; n < least; n++) {
    const struct ehlo_compare_text_line *la = text_line(&c->a, a, n);
    const struct ehlo_compare_text_line *lb = text_line(&c->b, b, n);
    if (la->hash != lb->hash && !(la->fleeting && lb->fleeting)) {
      return n;
    }
  }
  return a->num_text_lines != b->num_text_lines ? least : SIZE_MAX;
}

void ehlo_compare_messages(struct ehlo_compare_run *c, const struct ehlo_compare_exchange *a,
                           const struct ehlo_compare_exchange *b) {
  char sizes[2][40];
  struct ehlo_compare_place place = {"body", a->line, b->line};
  if (a->text_hash == b->text_hash && a->octets == b->octets) {
    return;
  }
  snprintf(sizes[0], 40, "%" PRIu64 " octets", a->octets);
  snprintf(sizes[1], 40, "%" PRIu64 " octets", b->octets);
  size_t n = first_other_line(c, a, b);
  if (a->lasting_hash == b->lasting_hash) {
    ehlo_compare_differ(
        c, EHLO_DIFFERENCE_TEXT, place, sizes[0], sizes[1],
        "the messages differ only in what is new in each: dates, message ids, boundaries");
  } else if (n == SIZE_MAX) {
    ehlo_compare_differ(c, EHLO_DIFFERENCE_MESSAGE, place, sizes[0], sizes[1],
                        "the messages differ far inside: A has %s, B %s", sizes[0], sizes[1]);
  } else {
    const struct ehlo_compare_text_line *la = text_line(&c->a, a, n);
    const struct ehlo_compare_text_line *lb = text_line(&c->b, b, n);
    const char *wa = la != NULL ? ehlo_compare_words(&c->a, la->words) : "";
    const char *wb = lb != NULL ? ehlo_compare_words(&c->b, lb->words) : "";
    place.a_line = la != NULL ? la->line : place.a_line;
    place.b_line = lb != NULL ? lb->line : place.b_line;
    ehlo_compare_differ(
        c, EHLO_DIFFERENCE_MESSAGE, place, wa, wb,
        "the messages differ from line %zu on: A has \"%.90s\", B \"%.90s\" (%s, %s)", n + 1, wa,
        wb, sizes[0], sizes[1]);
  }
}
