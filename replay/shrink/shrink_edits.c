// Lists of edits, and what has to be mended behind them.
#include "replay/shrink/shrink_edits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for one more; false, with the array as it was, when there is no memory.
static bool grow(void **array, size_t *cap, size_t num, size_t size) {
  if (num < *cap) {
    return true;
  }
  size_t larger = num * 2 + 64;
  void *more = realloc(*array, larger * size);
  if (more == NULL) {
    return false;
  }
  *array = more;
  *cap = larger;
  return true;
}

void ehlo_shrink_edits_free(struct ehlo_shrink_edits *e) {
  free(e->ranges);
  free(e->ends);
  memset(e, 0, sizeof(*e));
}

void ehlo_shrink_edits_clear(struct ehlo_shrink_edits *e) {
  e->num_ranges = 0;
  e->num = 0;
}

void ehlo_shrink_cut(struct ehlo_shrink_edits *e, uint32_t at, uint32_t len) {
  void *array = e->ranges;
  if (len == 0 || e->failed) {
    return;
  }
  if (!grow(&array, &e->ranges_cap, e->num_ranges, sizeof(*e->ranges))) {
    e->failed = true;
    return;
  }
  e->ranges = array;
  e->ranges[e->num_ranges++] = (struct ehlo_shrink_range){at, len};
}

void ehlo_shrink_edit_end(struct ehlo_shrink_edits *e) {
  void *array = e->ends;
  size_t begun = e->num > 0 ? e->ends[e->num - 1] : 0;
  if (e->num_ranges == begun || e->failed) {
    return;
  }
  if (!grow(&array, &e->cap, e->num, sizeof(*e->ends))) {
    e->failed = true;
    return;
  }
  e->ends = array;
  e->ends[e->num++] = e->num_ranges;
}

// ---- Mending ------------------------------------------------------------------------------------

// "250-SIZE" in place of a "250 HELP" that is gone.
static void mend_replies(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s) {
  const struct ehlo_shrink_line *left = NULL;  // the last line of this reply that is left
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    if (l->role != EHLO_ROLE_REPLY || l->first_piece != i) {
      continue;
    }
    bool same = left != NULL && left->exchange == l->exchange && left->reply == l->reply;
    left = same ? left : NULL;
    if (state->gone[l->at] == 0) {
      left = l;
    } else if (l->ends_reply && left != NULL && left->text_len >= 4 &&
               state->bytes[left->text_at + 3] == '-') {
      state->bytes[left->text_at + 3] = ' ';
    }
  }
}

// "C:" in place of "C: x" whose text is gone.
static void mend_empty_lines(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    bool blank = l->role != EHLO_ROLE_NONE && l->text_len > 0 && l->text_at > l->at &&
                 s->text[l->text_at - 1] == ' ';
    if (blank && memchr(state->gone + l->text_at, 0, l->text_len) == NULL) {
      state->gone[l->text_at - 1] = 1;
    }
  }
}

// Octets of a chunk's line that are gone.
static uint64_t octets_gone(const struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s,
                            const struct ehlo_shrink_line *l) {
  uint64_t gone = 0;
  for (uint32_t at = 0; at < l->text_len;) {
    const char *atom = s->text + l->text_at + at;
    size_t len = ehlo_shrink_atom(atom, l->text_len - at);
    bool is_octet = (len != 9 && len != 1) || *atom != '\\';  // no secret, no lone backslash
    gone += is_octet && state->gone[l->text_at + at] != 0;
    at += (uint32_t)len;
  }
  bool crlf_gone = l->ends_line && state->gone[l->at + l->len - 1] != 0;
  return gone + (crlf_gone ? 2 : 0);
}

// A number that becomes smaller takes no more room than it had.
static void put_number(struct ehlo_shrink_state *state, const struct ehlo_shrink_count *count,
                       uint64_t number) {
  char digits[24];
  size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
  size_t spare = count->len - len;
  for (size_t i = 0; i < count->len; i++) {
    state->gone[count->at + i] = i < spare;
    if (i >= spare) {
      state->bytes[count->at + i] = digits[i - spare];
    }
  }
}

void ehlo_shrink_mend_counts(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s,
                             uint64_t *scratch) {
  memset(scratch, 0, s->num_exchanges * sizeof(*scratch));
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].role == EHLO_ROLE_TEXT &&
        s->exchanges[s->lines[i].exchange].kind == EHLO_EXCHANGE_BDAT) {
      scratch[s->lines[i].exchange] += octets_gone(state, s, &s->lines[i]);
    }
  }
  for (size_t i = 0; i < s->num_counts; i++) {
    const struct ehlo_shrink_count *c = &s->counts[i];
    uint64_t number = 0;
    for (size_t k = 0; k < c->len; k++) {
      number = number * 10 + (uint64_t)(s->text[c->at + k] - '0');
    }
    bool whole_line_gone = state->gone[c->at - 1] != 0;  // what stands before a number is no digit
    if (scratch[c->exchange] > 0 && scratch[c->exchange] <= number && !whole_line_gone) {
      put_number(state, c, number - scratch[c->exchange]);
    }
  }
}

void ehlo_shrink_mend(struct ehlo_shrink_state *state, const struct ehlo_shrink_scan *s) {
  mend_replies(state, s);
  mend_empty_lines(state, s);
}
