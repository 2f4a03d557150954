// The message encoder. encode_step() is all of it, and what decides in every doubtful case. The two
// functions before it only go faster over text that is as it should be: lines that end with CRLF and
// need no dot are copied many at a time, lines that end with LF one at a time.
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

#define BLOCK_LEN 128
#define STEP_MAX 4  // octets that one step may need room for

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

// Sixteen octets as one value. GCC and clang make it vector instructions where the machine has some,
// and words elsewhere; a comparison gives all ones or zero for each octet.
typedef uint8_t octets16 __attribute__((vector_size(16)));

static octets16 load16(const uint8_t *in) {
  octets16 v;
  memcpy(&v, in, sizeof(v));
  return v;
}

// Whether the octets of a block, each with the one before it, are CRLF text that goes out as it is:
// an LF behind each CR and nowhere else, and for DATA neither a dot nor NUL at the start of a line.
// Counts the lines that end in it.
static bool is_clean(const uint8_t *in, bool dots, uint64_t *out_num_lines) {
  uint8_t dot = dots ? '.' : '\n';  // an LF behind an LF is wrong anyway
  uint8_t nul = dots ? '\0' : '\n';
  octets16 wrong = {0};
  octets16 lines = {0};
  for (size_t i = 0; i < BLOCK_LEN; i += sizeof(octets16)) {
    octets16 octets = load16(in + i);
    octets16 before = load16(in + i - 1);
    octets16 lf = (octets16)(octets == '\n');
    wrong |= lf ^ (octets16)(before == '\r');
    octets16 wrong_at_start = (octets16)(octets == dot) | (octets16)(octets == nul);
    wrong |= wrong_at_start & (octets16)(before == '\n');
    lines -= lf;
  }
  uint64_t halves[2];
  memcpy(halves, &lines, sizeof(lines));
  *out_num_lines = (halves[0] + halves[1]) * UINT64_C(0x0101010101010101) >> 56;
  memcpy(halves, &wrong, sizeof(wrong));
  return (halves[0] | halves[1]) == 0;
}

// Copies whole blocks of CRLF text. Returns how many octets were taken, maybe 0.
static size_t copy_clean(struct ehlo_body *b, uint8_t *out, const uint8_t *in, size_t len) {
  bool at_start = b->dots && !b->in_line;
  bool first_is_plain = in[0] != '\n' && !(at_start && (in[0] == '.' || in[0] == '\0'));
  size_t end = 1;  // octets known to be clean
  uint64_t num_lines;
  if (b->cr || b->nul_line != NUL_LINE_NO || !first_is_plain) {
    return 0;
  }
  while (len - end >= BLOCK_LEN && is_clean(in + end, b->dots, &num_lines)) {
    end += BLOCK_LEN;
    b->num_lines += num_lines;
  }
  if (end == 1) {
    return 0;
  }
  end -= in[end - 1] == '\r';  // what it is depends on the octet behind it
  memcpy(out, in, end);
  b->in_line = in[end - 1] != '\n';
  return end;
}

// Copies lines that end with LF and have no CR. Returns how many octets were taken, maybe 0.
static size_t copy_lf_lines(struct ehlo_body *b, size_t *out_len, uint8_t *out, size_t out_cap,
                            const uint8_t *in, size_t in_len) {
  size_t len = smaller(in_len, out_cap);
  const uint8_t *cr = memchr(in, '\r', len);
  const uint8_t *end = cr != NULL ? cr : in + len;
  const uint8_t *line = in;
  const uint8_t *lf;
  uint8_t *at = out;
  bool dots = b->dots && !b->in_line;  // of the line that is looked at
  uint64_t num_lines = 0;
  *out_len = 0;
  if (b->cr || b->nul_line != NUL_LINE_NO || b->bare_lf != EHLO_BARE_LF_NORMALISE) {
    return 0;
  }
  while ((lf = memchr(line, '\n', (size_t)(end - line))) != NULL) {
    size_t line_len = (size_t)(lf - line);
    if ((size_t)(out + out_cap - at) < line_len + 3 || (dots && *line == '\0')) {
      break;
    }
    if (dots && *line == '.') {
      *at++ = '.';
    }
    memcpy(at, line, line_len);
    memcpy(at + line_len, "\r\n", 2);
    at += line_len + 2;
    line = lf + 1;
    dots = b->dots;
    num_lines++;
  }
  b->in_line = b->in_line && num_lines == 0;
  b->num_lines += num_lines;
  *out_len = (size_t)(at - out);
  return (size_t)(line - in);
}

// Takes the next octet, or a run of them. `*out_used` and `*out_len` move on.
static enum ehlo_status encode_step(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                    uint8_t *out, size_t out_cap, const uint8_t *in,
                                    size_t in_len) {
  uint8_t c = in[*out_used];
  if (b->cr && c != '\n' && b->bare_cr == EHLO_BARE_CR_REFUSE) {
    b->refused = EHLO_E_BARE_CR;
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
  return EHLO_OK;
}

// Encodes by steps up to the end of a line, behind which it may go faster again.
static enum ehlo_status encode_to_line_end(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                           uint8_t *out, size_t out_cap, const uint8_t *in,
                                           size_t in_len) {
  uint64_t line = b->num_lines;
  enum ehlo_status status = EHLO_OK;
  while (b->num_lines == line && *out_used < in_len && out_cap - *out_len >= STEP_MAX &&
         status == EHLO_OK) {
    status = encode_step(b, out_used, out_len, out, out_cap, in, in_len);
  }
  return status;
}

enum ehlo_status ehlo_body_encode(struct ehlo_body *b, size_t *out_used, size_t *out_len,
                                  uint8_t *out, size_t out_cap, const uint8_t *in, size_t in_len) {
  enum ehlo_status status = (enum ehlo_status)b->refused;
  *out_used = 0;
  *out_len = 0;
  while (*out_used < in_len && out_cap - *out_len >= STEP_MAX && status == EHLO_OK) {
    const uint8_t *rest = in + *out_used;
    size_t left = in_len - *out_used;
    size_t room = out_cap - *out_len;
    size_t len = copy_clean(b, out + *out_len, rest, smaller(left, room));
    size_t taken = len;
    if (taken == 0) {
      taken = copy_lf_lines(b, &len, out + *out_len, room, rest, left);
    }
    *out_used += taken;
    *out_len += len;
    if (taken == 0) {
      status = encode_to_line_end(b, out_used, out_len, out, out_cap, in, in_len);
    }
  }
  return status;
}

enum ehlo_status ehlo_body_end(struct ehlo_body *b, size_t *out_len, uint8_t *out, size_t out_cap) {
  *out_len = 0;
  if (b->refused == EHLO_OK && b->cr && b->bare_cr == EHLO_BARE_CR_REFUSE) {
    b->refused = EHLO_E_BARE_CR;
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
