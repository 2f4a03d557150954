// The message encoder. Runs without a CR, an LF or a leading dot are copied whole.
#include "engine/body.h"

#include <string.h>

// What a server that drops NUL has of a line that begins with one.
enum nul_line {
  NUL_LINE_NO = 0,  // more than a dot, or no such line
  NUL_LINE_EMPTY,
  NUL_LINE_DOT,  // the end of data, if it ended here
};

void ehlo_body_init(struct ehlo_body *b, enum ehlo_bare_cr bare_cr) {
  memset(b, 0, sizeof(*b));
  b->bare_cr = (uint8_t)bare_cr;
  b->dots = true;
}

void ehlo_body_init_chunk(struct ehlo_body *b, enum ehlo_bare_cr bare_cr) {
  ehlo_body_init(b, bare_cr);
  b->dots = false;
}

void ehlo_body_set_bare_lf(struct ehlo_body *b, enum ehlo_bare_lf bare_lf) {
  b->bare_lf = (uint8_t)bare_lf;
}

// Whether the line may end, at a CRLF or an LF or at the end of the message.
static enum ehlo_status check_line_end(struct ehlo_body *b) {
  if (!b->cr && b->bare_lf == EHLO_BARE_LF_REFUSE) {
    b->refused = EHLO_E_BARE_LF;
  } else if (b->nul_line == NUL_LINE_DOT) {
    b->refused = EHLO_E_NUL_DOT;
  }
  return (enum ehlo_status)b->refused;
}

static void end_line(struct ehlo_body *b, uint8_t *out, size_t *out_len) {
  out[(*out_len)++] = '\r';
  out[(*out_len)++] = '\n';
  b->in_line = false;
  b->cr = false;
  b->nul_line = NUL_LINE_NO;
  b->num_lines++;
}

static void follow_nul_line(struct ehlo_body *b, const uint8_t *in, size_t len) {
  for (size_t i = 0; i < len && b->nul_line != NUL_LINE_NO; i++) {
    if (in[i] == '.' && b->nul_line == NUL_LINE_EMPTY) {
      b->nul_line = NUL_LINE_DOT;
    } else if (in[i] != 0) {
      b->nul_line = NUL_LINE_NO;
    }
  }
}

// Copies up to the next line end. The first octet of a line is looked at for its dot, or NUL.
static size_t copy_run(struct ehlo_body *b, uint8_t *out, size_t *out_len, size_t out_cap,
                       const uint8_t *in, size_t in_len) {
  if (b->dots && !b->in_line && in[0] == '.') {
    out[(*out_len)++] = '.';
  }
  if (b->dots && !b->in_line && in[0] == 0) {
    b->nul_line = NUL_LINE_EMPTY;
  }
  size_t room = out_cap - *out_len;
  size_t run = in_len < room ? in_len : room;
  const uint8_t *lf = memchr(in, '\n', run);
  run = lf != NULL ? (size_t)(lf - in) : run;
  const uint8_t *cr = memchr(in, '\r', run);
  run = cr != NULL ? (size_t)(cr - in) : run;
  if (b->nul_line != NUL_LINE_NO) {
    follow_nul_line(b, in, run);
  }
  memcpy(out + *out_len, in, run);
  *out_len += run;
  b->in_line = b->in_line || run > 0;
  return run;
}

enum ehlo_status ehlo_body_encode(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                  uint8_t *out, size_t out_cap, const uint8_t *in, size_t in_len) {
  *out_used = 0;
  *out_len = 0;
  if (b->refused != EHLO_OK) {
    return (enum ehlo_status)b->refused;
  }
  while (*out_used < in_len && out_cap - *out_len >= 4) {
    uint8_t c = in[*out_used];
    if (b->cr && c != '\n' && b->bare_cr == EHLO_BARE_CR_REFUSE) {
      return EHLO_E_BARE_CR;
    }
    if (b->cr || c == '\n') {
      if (check_line_end(b) != EHLO_OK) {
        return (enum ehlo_status)b->refused;
      }
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
  if (b->refused != EHLO_OK || ((b->in_line || b->cr) && check_line_end(b) != EHLO_OK)) {
    return (enum ehlo_status)b->refused;
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
