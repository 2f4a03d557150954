// A state machine over single octets, so that no cut matters; within a line all up to the next CR is
// taken at once.
#include "replay/unstuff.h"

#include <string.h>

enum place { LINE_START, DOT, DOT_CR, TEXT, TEXT_CR };

void ehlo_unstuff_init(struct ehlo_unstuff *u) {
  u->place = LINE_START;
  u->ended = false;
}

static enum place after(uint8_t c, enum place place) {
  if (c == '\r') {
    return TEXT_CR;
  }
  return c == '\n' && place == TEXT_CR ? LINE_START : TEXT;
}

static size_t up_to_cr(const uint8_t *in, size_t len) {
  const uint8_t *cr = len > 0 ? memchr(in, '\r', len) : NULL;
  return cr != NULL ? (size_t)(cr - in) : len;
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
    } else if (place == DOT_CR && c == '\n') {
      u->ended = true;
    } else {
      if (place == DOT_CR) {
        out[(*out_len)++] = '\r';
        place = TEXT_CR;
      }
      out[(*out_len)++] = c;
      u->place = (uint8_t)after(c, place);
      if (u->place == TEXT) {
        size_t n = up_to_cr(in + *out_used, in_len - *out_used);
        memcpy(out + *out_len, in + *out_used, n);
        *out_used += n;
        *out_len += n;
      }
    }
  }
}
