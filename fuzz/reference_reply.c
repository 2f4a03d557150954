// See reference_reply.h.
#include "fuzz/reference_reply.h"

#include <string.h>

// A line as far as it is there.
struct line {
  const uint8_t *bytes;
  size_t len;
};

static bool is_one_of(uint8_t c, const char *set) {
  return c != '\0' && strchr(set, c) != NULL;
}

// 1 and 2: the place of the first octet of the head that cannot stand there, or `line.len`.
static size_t judge_head(struct line line) {
  static const char *const allowed[] = {"2345", "0123456789", "0123456789", " -\r"};
  for (size_t i = 0; i < 4 && i < line.len; i++) {
    if (!is_one_of(line.bytes[i], allowed[i])) {
      return i;
    }
  }
  return line.len;
}

// 3: the same for the text, whose octets are looked at up to the first CR.
static size_t judge_text(struct line line) {
  const uint8_t *first_cr = line.len > 0 ? memchr(line.bytes, '\r', line.len) : NULL;
  size_t cr = first_cr != NULL ? (size_t)(first_cr - line.bytes) : line.len;
  const uint8_t *nul = cr > 0 ? memchr(line.bytes, '\0', cr) : NULL;
  if (nul != NULL) {
    return (size_t)(nul - line.bytes);
  }
  if (cr + 1 < line.len && line.bytes[cr + 1] != '\n') {
    return cr;
  }
  bool bare = cr == line.len && line.len > 0 && line.bytes[line.len - 1] == '\n';
  return bare ? line.len - 1 : line.len;
}

static uint16_t code_of(struct line line) {
  unsigned code = 0;
  for (size_t i = 0; i < 3; i++) {
    code = code * 10 + (line.bytes[i] - '0');
  }
  return (uint16_t)code;
}

// 1 to 4. `*out_at` is from the start of the line.
static enum ehlo_status judge(const struct ehlo_reference_reply *r, struct line line,
                              size_t *out_at) {
  *out_at = judge_head(line);
  if (*out_at == line.len) {
    *out_at = judge_text(line);
  }
  if (*out_at < line.len) {
    return EHLO_E_REPLY_SYNTAX;
  }
  *out_at = 0;
  bool changes = r->num_lines > 0 && line.len >= 3 && code_of(line) != r->code;
  return changes ? EHLO_E_REPLY_CODE : EHLO_OK;
}

static size_t without_end(struct line line) {
  size_t len = line.len;
  len -= len > 0 && line.bytes[len - 1] == '\n';
  len -= len > 0 && line.bytes[len - 1] == '\r';
  return len;
}

// Takes what is there of the line at `at`; true if another one follows.
static bool read_line(struct ehlo_reference_reply *r, const uint8_t *stream, size_t *at, size_t len,
                      const struct ehlo_reply_limits *limits, bool challenge_expected) {
  struct line line = {stream + *at, len - *at};
  bool challenge = challenge_expected && line.len >= 3 && memcmp(line.bytes, "334", 3) == 0;
  size_t line_max = challenge ? limits->max_challenge_line : limits->max_line;
  size_t reply_max = limits->max_reply - *at;
  size_t max = line_max < reply_max ? line_max : reply_max;
  bool over = line.len > max;
  line.len = over ? max : line.len;
  const uint8_t *lf = line.len > 0 ? memchr(line.bytes, '\n', line.len) : NULL;
  if (lf != NULL) {
    line.len = (size_t)(lf - line.bytes) + 1;
  }
  size_t error_at;
  enum ehlo_status status = judge(r, line, &error_at);
  if (status == EHLO_OK && lf == NULL && over) {
    status = line_max <= reply_max ? EHLO_E_LINE_TOO_LONG : EHLO_E_REPLY_TOO_LONG;
    error_at = max;
  }
  r->last_line = *at;
  r->last_line_len = without_end(line);
  r->status = lf != NULL || over ? status : EHLO_OK;
  r->status_at_end = status;
  r->error_at = *at + error_at;
  if (lf == NULL || status != EHLO_OK) {
    return false;
  }
  r->code = code_of(line);
  r->num_lines++;
  *at += line.len;
  r->complete = line.bytes[3] != '-';
  return !r->complete;
}

void ehlo_reference_read_reply(struct ehlo_reference_reply *out, const uint8_t *stream, size_t len,
                               const struct ehlo_reply_limits *limits, bool challenge_expected) {
  size_t at = 0;
  memset(out, 0, sizeof(*out));
  while (read_line(out, stream, &at, len, limits, challenge_expected)) {
    if (out->num_lines == limits->max_lines) {
      bool more = at < len;
      out->status = more ? EHLO_E_TOO_MANY_LINES : EHLO_OK;
      out->status_at_end = out->status;
      out->error_at = at;
      out->last_line = at;
      out->last_line_len = 0;
      return;
    }
  }
  out->len = at;
}
