// The reply parser. A line is judged as a whole: when its LF comes, when it reaches its limit, or
// when the stream ends. So an error names the whole line, and no cut of the stream can change it.
#include "engine/reply.h"

#include <string.h>
#if defined(__SSE2__) && !defined(EHLO_NO_SIMD)
#include <emmintrin.h>
#endif

#include "engine/check.h"

#define CODE_LEN 3

// ---- Text, many octets at a time ------------------------------------------------------------------

// NUL, LF and CR are below it, and little else that servers send: octets from here on are "plain".
#define FIRST_PLAIN 14

#define WORD_LEN 8
#define EACH_OCTET UINT64_C(0x0101010101010101)

// The top bit of each of eight octets that is not plain; the first octet is the lowest.
static inline uint64_t special_in_word(const uint8_t *in) {
  uint64_t word = (uint64_t)in[0] | (uint64_t)in[1] << 8 | (uint64_t)in[2] << 16 |
                  (uint64_t)in[3] << 24 | (uint64_t)in[4] << 32 | (uint64_t)in[5] << 40 |
                  (uint64_t)in[6] << 48 | (uint64_t)in[7] << 56;
  uint64_t low_bits = word & EACH_OCTET * 0x7f;
  uint64_t plain = (low_bits + EACH_OCTET * (0x80 - FIRST_PLAIN)) | word;
  return ~plain & EACH_OCTET * 0x80;
}

// How many octets are plain before the first that is not. The last word overlaps the one before it, and
// the bits of what was looked at already are shifted out.
static __attribute__((noinline)) size_t plain_len_by_words(const uint8_t *in, size_t len) {
  size_t n = 0;
  uint64_t special = 0;
  while (len - n >= WORD_LEN && (special = special_in_word(in + n)) == 0) {
    n += WORD_LEN;
  }
  if (special == 0 && n < len && len >= WORD_LEN) {
    special = special_in_word(in + len - WORD_LEN) >> 8 * (WORD_LEN - (len - n));
    n = special == 0 ? len : n;
  }
  if (special != 0) {
    return n + (size_t)__builtin_ctzll(special) / 8;
  }
  while (n < len && in[n] >= FIRST_PLAIN) {
    n++;
  }
  return n;
}

// The same with SSE2, which every x86-64 has, 32 octets at a time and a bit for each.
#if defined(__SSE2__) && !defined(EHLO_NO_SIMD)

#define BLOCK_LEN 32

static inline uint32_t special_in_half(const uint8_t *in) {
  __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)in);
  __m128i highest = _mm_set1_epi8(FIRST_PLAIN - 1);
  __m128i special = _mm_cmpeq_epi8(_mm_min_epu8(octets, highest), octets);
  return (uint32_t)_mm_movemask_epi8(special);
}

static inline uint32_t special_in_block(const uint8_t *in) {
  return special_in_half(in) | special_in_half(in + 16) << 16;
}

static inline size_t plain_len(const uint8_t *in, size_t len) {
  size_t n = 0;
  for (; len - n >= BLOCK_LEN; n += BLOCK_LEN) {
    uint32_t special = special_in_block(in + n);
    if (special != 0) {
      return n + (size_t)__builtin_ctz(special);
    }
  }
  return n + plain_len_by_words(in + n, len - n);
}

#else

static inline size_t plain_len(const uint8_t *in, size_t len) {
  return plain_len_by_words(in, len);
}

#endif

// ---- Lines ----------------------------------------------------------------------------------------

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static void begin_line(struct ehlo_reply_parser *p) {
  const struct ehlo_reply_limits *limits = &p->limits;
  size_t line_max = smaller(limits->max_line, limits->max_challenge_line);
  p->line_start = p->len;
  p->quick_end =
      p->num_lines < limits->max_lines ? smaller(p->line_start + line_max, limits->max_reply) : 0;
}

void ehlo_reply_parser_init(struct ehlo_reply_parser *p, uint8_t *buf,
                            const struct ehlo_reply_limits *limits) {
  memset(p, 0, sizeof(*p));
  p->buf = buf;
  p->limits = *limits;
  begin_line(p);
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

static void end_reply(struct ehlo_reply_parser *p, size_t last_line) {
  p->complete = true;
  p->line_start = last_line;
  p->quick_end = 0;
}

// A line that was judged goes into the reply.
static void add_line(struct ehlo_reply_parser *p, uint16_t code) {
  p->code = code;
  p->num_lines++;
  if (p->buf[p->line_start + CODE_LEN] != '-') {
    end_reply(p, p->line_start);
  } else {
    begin_line(p);
  }
}

// The first four octets are those of a right line, with the code that the lines before it have.
static bool begins_well(const struct ehlo_reply_parser *p, const uint8_t *line) {
  uint8_t after = line[CODE_LEN];
  if (after != ' ' && after != '-' && after != '\r') {
    return false;
  }
  if (p->num_lines > 0) {
    return memcmp(line, p->buf, CODE_LEN) == 0;
  }
  return line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2]);
}

// A line has ended: takes it into the reply.
static enum ehlo_status finish_line(struct ehlo_reply_parser *p) {
  const uint8_t *line = p->buf + p->line_start;
  size_t len = p->len - p->line_start;
  if (len >= CODE_LEN + 2 && begins_well(p, line) && plain_len(line, len) == len - 2 &&
      line[len - 2] == '\r') {
    add_line(p, code_of(line));
    return EHLO_OK;
  }
  enum ehlo_status status = judge(p);
  if (status != EHLO_OK) {
    return status;
  }
  uint16_t code = code_of(line);
  if (p->num_lines > 0 && code != p->code) {
    return error_at(p, EHLO_E_REPLY_CODE, p->line_start);
  }
  add_line(p, code);
  return EHLO_OK;
}

static inline uint32_t load_head(const uint8_t *line) {
  return (uint32_t)line[0] | (uint32_t)line[1] << 8 | (uint32_t)line[2] << 16 |
         (uint32_t)line[3] << 24;
}

// The length of the line at `in` if it is wholly there, no longer than `max_line` and beyond doubt
// right, with the head that all lines of its reply begin with but for the fourth octet; else 0.
static inline size_t right_line_len(const uint8_t *in, size_t len, size_t max_line, uint32_t head) {
  if (len < CODE_LEN + 3 || (load_head(in) & 0xffffff) != (head & 0xffffff) ||
      (in[CODE_LEN] != '-' && in[CODE_LEN] != ' ')) {
    return 0;
  }
  size_t n = plain_len(in, len);
  bool right = len - n >= 2 && in[n] == '\r' && in[n + 1] == '\n' && n + 2 <= max_line;
  return right ? n + 2 : 0;
}

// The common case apart, for speed: takes lines that are wholly there, within all limits and right, up
// to the end of the reply. Returns how many octets that was, maybe 0.
static size_t take_whole_lines(struct ehlo_reply_parser *p, const uint8_t *in, size_t len) {
  len = smaller(len, p->limits.max_reply - p->len);
  if (p->len != p->line_start || len < CODE_LEN + 1 || !begins_well(p, in)) {
    return 0;
  }
  size_t max_line = smaller(p->limits.max_line, p->limits.max_challenge_line);
  size_t lines_left = p->limits.max_lines - p->num_lines;
  size_t last_len = 0;
  size_t used = 0;
  uint32_t head = load_head(in);
  while (lines_left > 0 && last_len == 0) {
    size_t line_len = right_line_len(in + used, len - used, max_line, head);
    if (line_len == 0) {
      break;
    }
    last_len = in[used + CODE_LEN] == ' ' ? line_len : 0;
    used += line_len;
    lines_left--;
  }
  if (used > 0) {
    memcpy(p->buf + p->len, in, used);
    p->len += used;
    p->code = code_of(in);
    p->num_lines = p->limits.max_lines - lines_left;
    if (last_len > 0) {
      end_reply(p, p->len - last_len);
    } else {
      begin_line(p);
    }
  }
  return used;
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
static enum ehlo_status take_piece(struct ehlo_reply_parser *p, size_t *out_used, const uint8_t *in,
                                   size_t len) {
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

// These two stand apart from ehlo_reply_feed(), which is quicker for a single octet without them.
static __attribute__((noinline)) enum ehlo_status finish_line_apart(struct ehlo_reply_parser *p) {
  return finish_line(p);
}

static __attribute__((noinline)) enum ehlo_status feed(struct ehlo_reply_parser *p,
                                                       size_t *out_used, const uint8_t *in,
                                                       size_t len) {
  size_t used = 0;
  enum ehlo_status status = EHLO_OK;
  while (!p->complete && used < len && status == EHLO_OK) {
    size_t taken = take_whole_lines(p, in + used, len - used);
    used += taken;
    if (taken == 0) {
      status = take_piece(p, &used, in + used, len - used);
    }
  }
  *out_used = used;
  return status;
}

enum ehlo_status ehlo_reply_feed(struct ehlo_reply_parser *p, size_t *out_used, const uint8_t *in,
                                 size_t len) {
  if (len == 1 && p->len < p->quick_end) {
    uint8_t octet = *in;
    p->buf[p->len++] = octet;
    *out_used = 1;
    return octet == '\n' ? finish_line_apart(p) : EHLO_OK;
  }
  return feed(p, out_used, in, len);
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

// ---- Enhanced status codes ------------------------------------------------------------------------

// Reads one to three digits at `*pos`; false if there is none or a fourth.
static bool read_number(uint16_t *out, struct ehlo_span text, size_t *pos) {
  size_t start = *pos;
  uint16_t number = 0;
  while (*pos < text.len && is_digit(text.bytes[*pos]) && *pos - start <= 3) {
    number = (uint16_t)(number * 10 + (text.bytes[*pos] - '0'));
    ++*pos;
  }
  *out = number;
  return *pos > start && *pos - start <= 3;
}

// RFC 3463 §2:
//   status-code = class "." subject "." detail
//   class = "2"/"4"/"5" ; subject = 1*3digit ; detail = 1*3digit
// Returns its length, whatever follows it, or 0.
static inline size_t read_enhanced(struct ehlo_enhanced *out, struct ehlo_span text) {
  uint16_t subject;
  uint16_t detail;
  size_t pos = 2;
  if (text.len < 5 || text.bytes[1] != '.' ||
      (text.bytes[0] != '2' && text.bytes[0] != '4' && text.bytes[0] != '5')) {
    return 0;
  }
  if (!read_number(&subject, text, &pos) || pos == text.len || text.bytes[pos++] != '.' ||
      !read_number(&detail, text, &pos)) {
    return 0;
  }
  *out = (struct ehlo_enhanced){(uint16_t)(text.bytes[0] - '0'), subject, detail};
  return pos;
}

static bool ends_enhanced(uint8_t c) {
  return c == ' ' || c == '\t';
}

size_t ehlo_enhanced_parse(struct ehlo_enhanced *out, struct ehlo_span text) {
  struct ehlo_enhanced enhanced;
  size_t len = read_enhanced(&enhanced, text);
  bool whole = len > 0 && (len == text.len || ends_enhanced(text.bytes[len]));
  *out = whole ? enhanced : (struct ehlo_enhanced){0};
  return whole ? len : 0;
}

// Nearly all have the form of "2.1.0 ".
static inline bool is_usual_enhanced(const uint8_t *text, size_t len) {
  return len > 5 && text[1] == '.' && text[3] == '.' && ends_enhanced(text[5]) &&
         is_digit(text[2]) && is_digit(text[4]) &&
         (text[0] == '2' || text[0] == '4' || text[0] == '5');
}

static __attribute__((noinline)) size_t unusual_enhanced_len(const uint8_t *text, size_t len) {
  struct ehlo_enhanced enhanced;
  return ehlo_enhanced_parse(&enhanced, (struct ehlo_span){text, len});
}

// ---- Whole replies --------------------------------------------------------------------------------

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

// The enhanced code at the start of a line's text, which goes on to the end of its reply.
static void find_enhanced(struct ehlo_enhanced *out, const uint8_t *text, size_t len) {
  if (is_usual_enhanced(text, len)) {
    *out = (struct ehlo_enhanced){(uint16_t)(text[0] - '0'), (uint16_t)(text[2] - '0'),
                                  (uint16_t)(text[4] - '0')};
    return;
  }
  const uint8_t *cr = memchr(text, '\r', len);
  ehlo_enhanced_parse(out, (struct ehlo_span){text, cr != NULL ? (size_t)(cr - text) : len});
}

void ehlo_reply_get(const struct ehlo_reply_parser *p, struct ehlo_reply *out) {
  EHLO_ASSERT(p->complete);
  struct ehlo_span text = {p->buf, p->len};
  *out = (struct ehlo_reply){.code = p->code, .num_lines = p->num_lines, .text = text};
  const uint8_t *first = p->buf + CODE_LEN + 1;
  if (p->len > CODE_LEN + 3 && first[1] == '.') {
    find_enhanced(&out->enhanced, first, p->len - CODE_LEN - 1);
  }
}

void ehlo_reply_reset(struct ehlo_reply_parser *p) {
  p->offset += p->len;
  p->len = 0;
  p->num_lines = 0;
  p->code = 0;
  p->complete = false;
  begin_line(p);
}

// The length of a line that is not the last, in the general case.
static __attribute__((noinline)) size_t find_line_end(const uint8_t *line, size_t left) {
  const uint8_t *lf = memchr(line, '\n', left);
  return lf != NULL ? (size_t)(lf - line) + 1 : left;
}

// The same; nearly always the first octet that is not plain is the CR of the line's end.
static inline size_t line_len(const uint8_t *line, size_t left) {
  size_t plain = plain_len(line, left);
  return plain < left && line[plain] == '\r' ? plain + 2 : find_line_end(line, left);
}

bool ehlo_reply_line(const struct ehlo_reply *reply, size_t *pos, struct ehlo_reply_line *out) {
  size_t left = reply->text.len - *pos;
  const uint8_t *line = reply->text.bytes + *pos;
  if (*pos >= reply->text.len) {
    return false;
  }
  size_t len = line[CODE_LEN] == '-' ? line_len(line, left) : left;
  *pos += len;
  size_t head = len > CODE_LEN + 2 ? CODE_LEN + 1 : CODE_LEN;
  const uint8_t *text = line + head;
  size_t text_len = len - 2 - head;
  size_t skip = 0;
  if (text_len > 1 && text[1] == '.') {
    skip = is_usual_enhanced(text, text_len) ? 5 : unusual_enhanced_len(text, text_len);
  }
  while (skip > 0 && skip < text_len && text[skip] == ' ') {
    skip++;
  }
  out->whole = (struct ehlo_span){line, len - 2};
  out->text = (struct ehlo_span){text, text_len};
  out->message = (struct ehlo_span){text + skip, text_len - skip};
  return true;
}
