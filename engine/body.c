// The message encoder. Runs without a CR, an LF or a leading dot are copied whole.
#include "engine/body.h"

#include <string.h>

void ehlo_body_init(struct ehlo_body *b, enum ehlo_bare_cr bare_cr) {
  memset(b, 0, sizeof(*b));
  b->bare_cr = (uint8_t)bare_cr;
  b->dots = true;
}

void ehlo_body_init_chunk(struct ehlo_body *b, enum ehlo_bare_cr bare_cr) {
  ehlo_body_init(b, bare_cr);
  b->dots = false;
}

static void end_line(struct ehlo_body *b, uint8_t *out, size_t *out_len) {
  out[(*out_len)++] = '\r';
  out[(*out_len)++] = '\n';
  b->in_line = false;
  b->cr = false;
  b->num_lines++;
}

// Copies up to the next line end. The first octet of a line is looked at for its dot.
static size_t copy_run(struct ehlo_body *b, uint8_t *out, size_t *out_len, size_t out_cap,
                       const uint8_t *in, size_t in_len) {
  if (b->dots && !b->in_line && in[0] == '.') {
    out[(*out_len)++] = '.';
  }
  size_t room = out_cap - *out_len;
  size_t run = in_len < room ? in_len : room;
  const uint8_t *lf = memchr(in, '\n', run);
  run = lf != NULL ? (size_t)(lf - in) : run;
  const uint8_t *cr = memchr(in, '\r', run);
  run = cr != NULL ? (size_t)(cr - in) : run;
  memcpy(out + *out_len, in, run);
  *out_len += run;
  b->in_line = b->in_line || run > 0;
  return run;
}

enum ehlo_status ehlo_body_encode(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                  uint8_t *out, size_t out_cap, const uint8_t *in, size_t in_len) {
  *out_used = 0;
  *out_len = 0;
  while (*out_used < in_len && out_cap - *out_len >= 4) {
    uint8_t c = in[*out_used];
    if (b->cr && c != '\n' && b->bare_cr == EHLO_BARE_CR_REFUSE) {
      return EHLO_E_BARE_CR;
    }
    if (b->cr || c == '\n') {
      end_line(b, out, out_len);  // a repaired CR leaves `c` for the next turn
      *out_used += c == '\n';
    } else if (c == '\r') {
      b->cr = true;
      ++*out_used;
    } else {
      *out_used += copy_run(b, out, out_len, out_cap, in + *out_used, in_len - *out_used);
    }
  }
  return EHLO_OK;
}

enum ehlo_status ehlo_body_end(struct ehlo_body *b, size_t *out_len, uint8_t *out, size_t out_cap) {
  *out_len = 0;
  if (b->cr && b->bare_cr == EHLO_BARE_CR_REFUSE) {
    return EHLO_E_BARE_CR;
  }
  if (out_cap < EHLO_BODY_END_MAX) {
    return EHLO_E_FULL;
  }
  if (b->in_line || b->cr) {
    end_line(b, out, out_len);
  }
  if (b->dots) {
    memcpy(out + *out_len, ".\r\n", 3);
    *out_len += 3;
  }
  return EHLO_OK;
}
