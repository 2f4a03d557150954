// A state machine over single octets, so that no cut matters; within a line all up to the next CR is
// taken at once.
#include "replay/unstuff.h"

#include <string.h>

enum place { LINE_START, DOT, DOT_CR, TEXT, TEXT_CR, LF_START, LF_DOT };

void ehlo_unstuff_init(struct ehlo_unstuff *u) {
  u->place = LINE_START;
  u->bare_lf = false;
  u->ended = false;
}

void ehlo_unstuff_init_bare_lf(struct ehlo_unstuff *u) {
  ehlo_unstuff_init(u);
  u->bare_lf = true;
}

bool ehlo_unstuff_is_amid(const struct ehlo_unstuff *u) {
  return !u->ended &&
         (u->place == DOT || u->place == DOT_CR || u->place == TEXT_CR || u->place == LF_DOT);
}

static enum place after(uint8_t c, enum place place, bool bare_lf) {
  if (c == '\r') {
    return TEXT_CR;
  }
  if (c == '\n') {
    return place == TEXT_CR ? LINE_START : bare_lf ? LF_START : TEXT;
  }
  return TEXT;
}

static size_t up_to(char end, const uint8_t *in, size_t len) {
  const uint8_t *found = len > 0 ? memchr(in, end, len) : NULL;
  return found != NULL ? (size_t)(found - in) : len;
}

// Octets before the next that may matter.
static size_t plain_len(const struct ehlo_unstuff *u, const uint8_t *in, size_t len) {
  size_t n = up_to('\r', in, len);
  return u->bare_lf ? up_to('\n', in, n) : n;
}

void ehlo_unstuff_feed(struct ehlo_unstuff *u, size_t *out_used, size_t *out_len, uint8_t *out,
                       const uint8_t *in, size_t in_len) {
  *out_used = 0;
  *out_len = 0;
  while (*out_used < in_len && !u->ended) {
    uint8_t c = in[(*out_used)++];
    enum place place = (enum place)u->place;
    if (place == LINE_START && c == '.') {
      u->place = DOT;
    } else if (place == DOT && c == '\r') {
      u->place = DOT_CR;
    } else if (place == LF_START && c == '.') {
      u->place = LF_DOT;
    } else if (c == '\n' && (place == DOT_CR || place == LF_DOT || (place == DOT && u->bare_lf))) {
      u->ended = true;
    } else {
      if (place == DOT_CR) {
        out[(*out_len)++] = '\r';
        place = TEXT_CR;
      } else if (place == LF_DOT) {
        out[(*out_len)++] = '.';
      }
      out[(*out_len)++] = c;
      u->place = (uint8_t)after(c, place, u->bare_lf);
      if (u->place == TEXT) {
        size_t n = plain_len(u, in + *out_used, in_len - *out_used);
        memcpy(out + *out_len, in + *out_used, n);
        *out_used += n;
        *out_len += n;
      }
    }
  }
}
