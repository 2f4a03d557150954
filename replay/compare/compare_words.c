// Where differences go, and what things are called.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/compare/compare_parts.h"

const char *ehlo_difference_name(enum ehlo_difference_kind kind) {
  static const char *const names[] = {"connect", "setting", "capability", "mechanism", "tls",
                                      "command", "reply",   "message",    "end",       "outcome",
                                      "timing",  "cuts",    "text"};
  return names[kind];
}

static bool matters(enum ehlo_difference_kind kind) {
  return kind != EHLO_DIFFERENCE_TEXT && kind != EHLO_DIFFERENCE_CUTS;
}

void ehlo_compare_differ(struct ehlo_compare_run *c, enum ehlo_difference_kind kind,
                         struct ehlo_compare_place place, const char *a, const char *b,
                         const char *format, ...) {
  struct ehlo_comparison *out = c->out;
  out->num_matter += matters(kind);
  if (out->num == EHLO_COMPARE_DIFFERENCES_MAX) {
    out->num_untold++;
    return;
  }
  if (out->num == c->cap) {
    size_t larger = c->cap * 2 + 16;
    struct ehlo_difference *more = realloc(out->differences, larger * sizeof(*more));
    if (more == NULL) {
      c->no_memory = true;
      return;
    }
    out->differences = more;
    c->cap = larger;
  }
  struct ehlo_difference *d = &out->differences[out->num++];
  memset(d, 0, sizeof(*d));
  d->kind = kind;
  d->stage = place.stage;
  d->matters = matters(kind);
  d->a_line = place.a_line;
  d->b_line = place.b_line;
  snprintf(d->a, sizeof(d->a), "%s", a);
  snprintf(d->b, sizeof(d->b), "%s", b);
  va_list args;
  va_start(args, format);
  vsnprintf(d->sentence, sizeof(d->sentence), format, args);
  va_end(args);
}

static const char *stage_of(const struct ehlo_compare_exchange *x) {
  static const char *const stages[] = {"greeting", "ehlo", "starttls", "xclient", "auth",
                                       "mail",     "rcpt", "data",     "body",    "body",
                                       "rset",     "quit", "other",    "other",   "tls"};
  return stages[x->kind];
}

static void ordinal(char out[24], size_t n) {
  static const char *const words[] = {"",      "first",   "second", "third", "fourth", "fifth",
                                      "sixth", "seventh", "eighth", "ninth", "tenth"};
  if (n <= 10) {
    snprintf(out, 24, "%s", words[n]);
  } else {
    snprintf(out, 24, "%zuth", n);
  }
}

static bool has_second(const struct ehlo_compare_session *s, int kind) {
  size_t n = 0;
  for (size_t i = 0; i < s->num_exchanges && n < 2; i++) {
    n += s->exchanges[i].kind == kind;
  }
  return n == 2;
}

// "the second RCPT", "EHLO after TLS".
void ehlo_compare_name(char out[96], const struct ehlo_compare_run *c,
                       const struct ehlo_compare_exchange *x) {
  char nth[24];
  if (x->kind == EHLO_COMPARE_TLS) {
    snprintf(out, 96, "the TLS handshake");
    return;
  }
  const char *name = ehlo_exchange_name((enum ehlo_exchange_kind)x->kind);
  const char *bare = strncmp(name, "the ", 4) == 0 ? name + 4 : name;
  if (x->kind == EHLO_EXCHANGE_HELO || x->kind == EHLO_EXCHANGE_AUTH) {
    bool after = x->secure && (c->a.greeted_in_clear || c->b.greeted_in_clear);
    snprintf(out, 96, "%s%s", name, after && x->kind == EHLO_EXCHANGE_HELO ? " after TLS" : "");
  } else if (x->kind == EHLO_EXCHANGE_OTHER) {
    snprintf(out, 96, "%.60s",
             ehlo_compare_words(c->a.num_exchanges > 0 && x >= c->a.exchanges &&
                                        x < c->a.exchanges + c->a.num_exchanges
                                    ? &c->a
                                    : &c->b,
                                x->command));
  } else if (has_second(&c->a, x->kind) || has_second(&c->b, x->kind)) {
    ordinal(nth, x->ordinal);
    snprintf(out, 96, "the %s %s", nth, bare);
  } else {
    snprintf(out, 96, "%s", name);
  }
}

struct ehlo_compare_place ehlo_compare_place_of(const struct ehlo_compare_exchange *a,
                                                const struct ehlo_compare_exchange *b, bool reply) {
  size_t a_line = a == NULL ? 0 : reply && a->reply_line > 0 ? a->reply_line : a->line;
  size_t b_line = b == NULL ? 0 : reply && b->reply_line > 0 ? b->reply_line : b->line;
  return (struct ehlo_compare_place){stage_of(a != NULL ? a : b), a_line, b_line};
}
