// The reply parser. A line is judged as a whole: when its LF comes, when it reaches its limit, or
// when the stream ends. So an error names the whole line, and no cut of the stream can change it.
#include "engine/reply.h"

#include <string.h>

#include "engine/check.h"

#define CODE_LEN 3

void ehlo_reply_parser_init(struct ehlo_reply_parser *p, uint8_t *buf,
                            const struct ehlo_reply_limits *limits) {
  memset(p, 0, sizeof(*p));
  p->buf = buf;
  p->limits = *limits;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static uint16_t code_of(const uint8_t *line) {
  return (uint16_t)((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

static enum ehlo_status error_at(struct ehlo_reply_parser *p, enum ehlo_status status, size_t at) {
  p->error_offset = p->offset + at;
  return status;
}

// RFC 5321 §4.2:
//   Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//   Reply-code = %x32-35 %x30-35 %x30-39
// Judges as much of the line as is there. Wider than the RFC where servers are: the second digit
// goes to 9, a line may end after the code, and the text may hold any octet but NUL, CR and LF.
static enum ehlo_status judge(struct ehlo_reply_parser *p) {
  const uint8_t *line = p->buf + p->line_start;
  size_t len = p->len - p->line_start;
  for (size_t i = 0; i < len && i < CODE_LEN; i++) {
    if (!is_digit(line[i]) || (i == 0 && (line[i] < '2' || line[i] > '5'))) {
      return error_at(p, EHLO_E_REPLY_SYNTAX, p->line_start + i);
    }
  }
  if (len <= CODE_LEN) {
    return EHLO_OK;
  }
  if (line[CODE_LEN] != ' ' && line[CODE_LEN] != '-' && line[CODE_LEN] != '\r') {
    return error_at(p, EHLO_E_REPLY_SYNTAX, p->line_start + CODE_LEN);
  }
  const uint8_t *text = line + CODE_LEN;
  size_t text_len = len - CODE_LEN;
  const uint8_t *end = text + text_len;
  const uint8_t *cr = memchr(text, '\r', text_len);
  size_t before_cr = cr != NULL ? (size_t)(cr - text) : text_len;
  const uint8_t *nul = memchr(text, '\0', before_cr);
  if (nul != NULL) {
    return error_at(p, EHLO_E_REPLY_SYNTAX, p->line_start + (size_t)(nul - line));
  }
  if (cr == NULL) {
    return end[-1] == '\n' ? error_at(p, EHLO_E_REPLY_SYNTAX, p->len - 1) : EHLO_OK;
  }
  if (cr + 1 < end && cr[1] != '\n') {
    return error_at(p, EHLO_E_REPLY_SYNTAX, p->line_start + (size_t)(cr - line));
  }
  return EHLO_OK;
}

// A line has ended: takes it into the reply.
static enum ehlo_status finish_line(struct ehlo_reply_parser *p) {
  enum ehlo_status status = judge(p);
  if (status != EHLO_OK) {
    return status;
  }
  const uint8_t *line = p->buf + p->line_start;
  uint16_t code = code_of(line);
  if (p->num_lines > 0 && code != p->code) {
    return error_at(p, EHLO_E_REPLY_CODE, p->line_start);
  }
  p->code = code;
  p->num_lines++;
  p->complete = line[CODE_LEN] != '-';
  if (!p->complete) {
    p->line_start = p->len;
  }
  return EHLO_OK;
}

// A limit was reached: a line that could never be a reply line is told as that.
static enum ehlo_status over_limit(struct ehlo_reply_parser *p, enum ehlo_status limit) {
  enum ehlo_status status = ehlo_reply_judge_partial(p);
  return status != EHLO_OK ? status : error_at(p, limit, p->len);
}

static size_t line_limit(const struct ehlo_reply_parser *p) {
  bool challenge = p->challenge_expected && p->len - p->line_start >= CODE_LEN &&
                   memcmp(p->buf + p->line_start, "334", CODE_LEN) == 0;
  return challenge ? p->limits.max_challenge_line : p->limits.max_line;
}

// Copies the next piece of the line, up to its LF, its limit or the end of `in`.
static enum ehlo_status take_piece(struct ehlo_reply_parser *p, size_t *out_used,
                                   const uint8_t *in, size_t len) {
  size_t line_len = p->len - p->line_start;
  if (p->num_lines == p->limits.max_lines) {
    return error_at(p, EHLO_E_TOO_MANY_LINES, p->len);
  }
  if (p->challenge_expected && line_len < CODE_LEN && len > CODE_LEN - line_len) {
    len = CODE_LEN - line_len;  // which limit holds depends on the code
  }
  size_t line_room = line_limit(p) - line_len;
  size_t reply_room = p->limits.max_reply - p->len;
  size_t room = line_room < reply_room ? line_room : reply_room;
  if (room == 0) {
    return over_limit(p, line_room == 0 ? EHLO_E_LINE_TOO_LONG : EHLO_E_REPLY_TOO_LONG);
  }
  size_t take = len < room ? len : room;
  const uint8_t *lf = memchr(in, '\n', take);
  if (lf != NULL) {
    take = (size_t)(lf - in) + 1;
  }
  memcpy(p->buf + p->len, in, take);
  p->len += take;
  *out_used += take;
  return lf != NULL ? finish_line(p) : EHLO_OK;
}

enum ehlo_status ehlo_reply_feed(struct ehlo_reply_parser *p, size_t *out_used, const uint8_t *in,
                                 size_t len) {
  *out_used = 0;
  while (!p->complete && *out_used < len) {
    enum ehlo_status status = take_piece(p, out_used, in + *out_used, len - *out_used);
    if (status != EHLO_OK) {
      return status;
    }
  }
  return EHLO_OK;
}

enum ehlo_status ehlo_reply_judge_partial(struct ehlo_reply_parser *p) {
  if (p->complete) {
    return EHLO_OK;
  }
  enum ehlo_status status = judge(p);
  if (status != EHLO_OK) {
    return status;
  }
  size_t len = p->len - p->line_start;
  if (p->num_lines > 0 && len >= CODE_LEN && code_of(p->buf + p->line_start) != p->code) {
    return error_at(p, EHLO_E_REPLY_CODE, p->line_start);
  }
  return EHLO_OK;
}

struct ehlo_span ehlo_reply_last_line(const struct ehlo_reply_parser *p) {
  struct ehlo_span line = {p->buf + p->line_start, p->len - p->line_start};
  if (line.len > 0 && line.bytes[line.len - 1] == '\n') {
    line.len--;
  }
  if (line.len > 0 && line.bytes[line.len - 1] == '\r') {
    line.len--;
  }
  return line;
}

void ehlo_reply_get(const struct ehlo_reply_parser *p, struct ehlo_reply *out) {
  EHLO_ASSERT(p->complete);
  memset(out, 0, sizeof(*out));
  out->code = p->code;
  out->num_lines = p->num_lines;
  out->text = (struct ehlo_span){p->buf, p->len};
  size_t pos = 0;
  struct ehlo_reply_line first;
  if (ehlo_reply_line(out, &pos, &first)) {
    ehlo_enhanced_parse(&out->enhanced, first.text);
  }
}

void ehlo_reply_reset(struct ehlo_reply_parser *p) {
  p->offset += p->len;
  p->len = 0;
  p->line_start = 0;
  p->num_lines = 0;
  p->code = 0;
  p->complete = false;
}

bool ehlo_reply_line(const struct ehlo_reply *reply, size_t *pos, struct ehlo_reply_line *out) {
  if (*pos >= reply->text.len) {
    return false;
  }
  const uint8_t *start = reply->text.bytes + *pos;
  size_t left = reply->text.len - *pos;
  const uint8_t *lf = memchr(start, '\n', left);
  size_t len = lf != NULL ? (size_t)(lf - start) + 1 : left;
  *pos += len;
  out->whole = (struct ehlo_span){start, len - 2};
  size_t head = out->whole.len > CODE_LEN ? CODE_LEN + 1 : CODE_LEN;
  out->text = (struct ehlo_span){start + head, out->whole.len - head};
  struct ehlo_enhanced enhanced;
  size_t skip = ehlo_enhanced_parse(&enhanced, out->text);
  while (skip > 0 && skip < out->text.len && out->text.bytes[skip] == ' ') {
    skip++;
  }
  out->message = (struct ehlo_span){out->text.bytes + skip, out->text.len - skip};
  return true;
}

// Reads one to three digits at `*pos`; false if there is none or a fourth.
static bool parse_number(uint16_t *out, struct ehlo_span text, size_t *pos) {
  size_t digits = 0;
  *out = 0;
  while (*pos < text.len && is_digit(text.bytes[*pos]) && digits <= 3) {
    *out = (uint16_t)(*out * 10 + (text.bytes[*pos] - '0'));
    ++*pos;
    ++digits;
  }
  return digits >= 1 && digits <= 3;
}

static bool skip_dot(struct ehlo_span text, size_t *pos) {
  if (*pos >= text.len || text.bytes[*pos] != '.') {
    return false;
  }
  ++*pos;
  return true;
}

// RFC 3463 §2:
//   status-code = class "." subject "." detail
//   class = "2"/"4"/"5" ; subject = 1*3digit ; detail = 1*3digit
size_t ehlo_enhanced_parse(struct ehlo_enhanced *out, struct ehlo_span text) {
  struct ehlo_enhanced e;
  size_t pos = 0;
  memset(out, 0, sizeof(*out));
  if (!parse_number(&e.class, text, &pos) || pos != 1 || !skip_dot(text, &pos) ||
      !parse_number(&e.subject, text, &pos) || !skip_dot(text, &pos) ||
      !parse_number(&e.detail, text, &pos)) {
    return 0;
  }
  if (e.class != 2 && e.class != 4 && e.class != 5) {
    return 0;
  }
  if (pos < text.len && text.bytes[pos] != ' ' && text.bytes[pos] != '\t') {
    return 0;
  }
  *out = e;
  return pos;
}
