// Tests of the message encoder over long texts, where it looks at and copies many octets at a time,
// against an encoder that does not.
#include <criterion/criterion.h>
#include <string.h>

#include "engine/body.h"
#include "engine/body_testing.h"

// A line that is a lone dot to whoever drops NUL, and begins with one.
static bool is_nul_dot(const char *line, const char *end) {
  size_t num_dots = 0;
  if (line == end || *line != '\0') {
    return false;
  }
  for (; line < end && (*line == '\0' || *line == '.'); line++) {
    num_dots += *line == '.';
  }
  return line == end && num_dots == 1;
}

static void put(struct encoded *e, const char *text, size_t len) {
  memcpy(e->bytes + e->len, text, len);
  e->len += len;
}

// The encoder as one would write it without a thought of speed.
static struct encoded plain_encode(enum kind kind, enum ehlo_bare_cr bare_cr,
                                   enum ehlo_bare_lf bare_lf, const char *in, size_t len) {
  struct encoded e;
  memset(&e, 0, sizeof(e));
  for (const char *line = in; line < in + len;) {
    const char *end = line;
    while (end < in + len && *end != '\r' && *end != '\n') {
      end++;
    }
    const char *rest = end + (end < in + len && *end == '\r');
    bool lf = rest < in + len && *rest == '\n';
    put(&e, ".", kind == FOR_DATA && line < end && *line == '.');
    put(&e, line, (size_t)(end - line));
    e.used = (size_t)(rest - in);
    if (rest > end && !lf && bare_cr == EHLO_BARE_CR_REFUSE) {
      e.status = EHLO_E_BARE_CR;
    } else if (rest == end && bare_lf == EHLO_BARE_LF_REFUSE) {
      e.status = EHLO_E_BARE_LF;
    } else if (kind == FOR_DATA && is_nul_dot(line, end)) {
      e.status = EHLO_E_NUL_DOT;
    }
    if (e.status != EHLO_OK) {
      return e;
    }
    put(&e, "\r\n", 2);
    e.num_lines++;
    line = rest + lf;
    e.used = (size_t)(line - in);
  }
  put(&e, ".\r\n", kind == FOR_DATA ? 3 : 0);
  return e;
}

// A text of lines with a kind of line end in the main, another now and then, and dots at line starts.
static size_t make_text(char *out, size_t len, uint32_t *seed) {
  static const char *const line_ends[] = {"\r\n", "\n", "\n\n", "\r\n\r\n", "\r", "\n\r\n"};
  size_t n = 0;
  *seed = *seed * 1664525U + 1013904223U;
  size_t mostly = *seed >> 31;
  uint32_t seldom = 1U << (*seed >> 24 & 7);
  while (n + 100 < len) {
    *seed = *seed * 1664525U + 1013904223U;
    for (size_t line_len = (*seed >> 20) % 90; line_len > 0; line_len--) {
      out[n++] = (*seed >> 8 & 15) == line_len ? '\xff' : 'x';
    }
    size_t other = (*seed >> 4) % seldom == 0 ? (*seed >> 16) % 6 : mostly;
    memcpy(out + n, line_ends[other], strlen(line_ends[other]));
    n += strlen(line_ends[other]);
    if ((*seed >> 12 & 15) < 2) {
      out[n++] = '.';
    } else if ((*seed >> 12 & 127) == 2) {
      memcpy(out + n, "\0.\0\n", 4);
      n += 2 + (*seed >> 19 & 1) * 2;
    }
  }
  return n;
}

// Long texts, where many octets are looked at and copied at a time.
Test(body_long, long_texts_against_a_plain_encoder) {
  uint32_t seed = 11;
  size_t num_refused = 0;
  for (unsigned round = 0; round < 6000; round++) {
    char in[1000];
    size_t len = make_text(in, 150 + (size_t)round % 850, &seed);
    enum kind kind = (round & 1) != 0 ? FOR_BDAT : FOR_DATA;
    enum ehlo_bare_cr bare_cr = (round & 2) != 0 ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE;
    enum ehlo_bare_lf bare_lf = (round & 12) != 0 ? EHLO_BARE_LF_NORMALISE : EHLO_BARE_LF_REFUSE;
    struct encoded want = plain_encode(kind, bare_cr, bare_lf, in, len);
    struct encoded e = encode_as(kind, bare_cr, bare_lf, in, len, len, len, OUT_MAX);
    expect_same(&want, &e, "long text");
    e = encode_as(kind, bare_cr, bare_lf, in, len, 1 + (seed >> 8) % len, 1 + (seed >> 4) % 300,
                  4 + (seed >> 12) % 400);
    expect_same(&want, &e, "long text in pieces");
    for (const char *at = in;
         (at = memchr(at, (round & 16) != 0 ? '\r' : '\0', (size_t)(in + len - at))) != NULL;
         at++) {
      e = encode_as(kind, bare_cr, bare_lf, in, len, (size_t)(at - in) + 1, len, OUT_MAX);
      expect_same(&want, &e, "long text, cut behind a CR or NUL");
    }
    num_refused += want.status != EHLO_OK;
  }
  cr_assert(num_refused > 1000 && num_refused < 5000, "%zu", num_refused);
}

// Something that wants a closer look between lines that want none, at every cut.
Test(body_long, one_line_among_clean_ones) {
  static const struct {
    const char *line;
    size_t len;
  } odd[] = {{"\0.\r\n", 4},  {"\0.\0\r\n", 5}, {"\0a\r\n", 4}, {".\r\n", 3}, {"..\r\n", 4},
             {"a\rb\r\n", 5}, {"a\n", 2},       {"\n", 1},      {"\r\n", 2},  {"\r\r\n", 3}};
  for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
    char in[600];
    size_t len = 0;
    for (int line = 0; line < 9; line++) {
      memset(in + len, 'x', 58);
      memcpy(in + len + 58, "\r\n", 2);
      len += 60;
      if (line == 4) {
        memcpy(in + len, odd[i].line, odd[i].len);
        len += odd[i].len;
      }
    }
    for (unsigned settings = 0; settings < 8; settings++) {
      enum kind kind = (settings & 1) != 0 ? FOR_BDAT : FOR_DATA;
      enum ehlo_bare_cr bare_cr = (settings & 2) != 0 ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE;
      enum ehlo_bare_lf bare_lf =
          (settings & 4) != 0 ? EHLO_BARE_LF_REFUSE : EHLO_BARE_LF_NORMALISE;
      struct encoded want = plain_encode(kind, bare_cr, bare_lf, in, len);
      for (size_t first = 1; first <= len; first++) {
        struct encoded e = encode_as(kind, bare_cr, bare_lf, in, len, first, len, OUT_MAX);
        expect_same(&want, &e, odd[i].line);
      }
    }
  }
}
