// Reads transcripts: bytes of a file in, one item for each of its lines out. It is strict, since
// whatever it guessed at would be replayed as fact, and it must not look at what the lines say:
// that the dialogue is SMTP is for others to find out.
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "replay/escape.h"
#include "replay/transcript.h"

// What a fact's word may be followed by.
enum args_rule {
  ARGS_NONE,
  ARGS_ANY,
  ARGS_SOME,
  ARGS_SIDE,     // "S" or "C"
  ARGS_VERSION,  // "1"
};

struct fact_row {
  const char *word;
  size_t len;
  enum ehlo_fact fact;
  enum args_rule rule;
};

#define WORD(text) (text), sizeof(text) - 1
static const struct fact_row facts[] = {
    {WORD("ehlo-transcript"), EHLO_FACT_HEADER, ARGS_VERSION},
    {WORD("connect"), EHLO_FACT_CONNECT, ARGS_SOME},
    {WORD("tls"), EHLO_FACT_TLS, ARGS_ANY},
    {WORD("eof"), EHLO_FACT_EOF, ARGS_SIDE},
    {WORD("reset"), EHLO_FACT_RESET, ARGS_SIDE},
    {WORD("timeout"), EHLO_FACT_TIMEOUT, ARGS_NONE},
    {WORD("note"), EHLO_FACT_NOTE, ARGS_SOME},
    {WORD("submit"), EHLO_FACT_SUBMIT, ARGS_SOME},
};

const char *ehlo_fact_word(size_t i) {
  return i < sizeof(facts) / sizeof(facts[0]) ? facts[i].word : NULL;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// `pos` is a place in the line, from 0.
static bool bad(struct ehlo_reader *r, size_t pos, const char *message) {
  r->error = (struct ehlo_transcript_error){r->line, pos + 1, message};
  return false;
}

// ---- From bytes to lines ------------------------------------------------------------------------

static const char *judge_byte(uint8_t byte) {
  switch (byte) {
    case '\r':
      return "a carriage return: lines of a transcript end in a line feed alone; within text write "
             "\\r";
    case '\t':
      return "a tab: write \\t";
    default:
      return "a byte outside printable ASCII: write \\x and two hexadecimal digits";
  }
}

// Reads more behind what is there of a line, which then stands in front. False when there is no more.
static bool read_more(struct ehlo_reader *r) {
  if (r->at_end) {
    return false;
  }
  r->in_len -= r->in_pos;
  memmove(r->in, r->in + r->in_pos, r->in_len);
  r->in_pos = 0;
  size_t cap = EHLO_READER_IN_MAX - r->in_len;
  long n = r->read(r->arg, (uint8_t *)r->in + r->in_len, cap);
  if (n <= 0 || (size_t)n > cap) {
    r->at_end = true;
    r->read_failed = n != 0;
    return false;
  }
  r->in_len += (size_t)n;
  return true;
}

// Looks for the line feed; `*out_len` is the length of the line before it, or of what there is of it.
static bool find_line_end(struct ehlo_reader *r, size_t *out_len) {
  size_t seen = 0;
  for (;;) {
    size_t len = r->in_len - r->in_pos;
    const char *line = r->in + r->in_pos;
    const char *end = memchr(line + seen, '\n', len - seen);
    *out_len = end != NULL ? (size_t)(end - line) : len;
    if (end != NULL) {
      return true;
    }
    if (len > EHLO_TRANSCRIPT_LINE_MAX || !read_more(r)) {
      return false;
    }
    seen = len;
  }
}

// Gives the next line, without its line feed and NUL-terminated, in place. False: there is none, or it
// is bad.
static bool read_line(struct ehlo_reader *r, const char **out, size_t *out_len) {
  size_t len;
  bool whole = find_line_end(r, &len);
  if (!whole && len == 0) {
    return false;
  }
  char *line = r->in + r->in_pos;
  size_t fitting = len < EHLO_TRANSCRIPT_LINE_MAX ? len : EHLO_TRANSCRIPT_LINE_MAX;
  size_t printable = ehlo_escape_printable((const uint8_t *)line, fitting);
  r->line++;
  if (printable < fitting) {
    return bad(r, printable, judge_byte((uint8_t)line[printable]));
  }
  if (len > EHLO_TRANSCRIPT_LINE_MAX) {
    return bad(r, fitting, "the line is too long: end it with a backslash and go on in the next");
  }
  line[len] = '\0';
  r->in_pos += len + (whole ? 1 : 0);
  r->last_unterminated = !whole;
  *out = line;
  *out_len = len;
  return !r->read_failed;
}

// ---- From escapes to bytes ----------------------------------------------------------------------

// Decodes one escape at `at` into r->bytes and `out`.
static bool decode_escape(struct ehlo_reader *r, struct ehlo_item *out, size_t *at) {
  const char *text = out->text + *at;
  size_t pos = out->column - 1 + *at;
  size_t used;
  uint8_t byte;
  switch (ehlo_escape_take(&byte, &used, text, out->text_len - *at)) {
    case EHLO_ESCAPE_BYTE:
      r->bytes[out->bytes_len++] = byte;
      break;
    case EHLO_ESCAPE_SECRET:
      if (out->num_secrets == EHLO_TRANSCRIPT_SECRETS_MAX) {
        return bad(r, pos, "too many \\{secret} in one line");
      }
      out->secret_at[out->num_secrets++] = out->bytes_len;
      break;
    case EHLO_ESCAPE_END:
      if (out->type == EHLO_ITEM_FACT || out->type == EHLO_ITEM_EVENT) {
        return bad(r, pos, "a fact or event cannot go on in the next line");
      }
      out->ends_line = false;
      break;
    case EHLO_ESCAPE_UNKNOWN:
      return bad(r, pos, "an escape is \\\\, \\r, \\n, \\t, \\xHH or \\{secret}");
  }
  *at += used;
  return true;
}

static bool decode(struct ehlo_reader *r, struct ehlo_item *out) {
  out->bytes = r->bytes;
  for (size_t at = 0; at < out->text_len;) {
    const char *text = out->text + at;
    const char *escape = memchr(text, '\\', out->text_len - at);
    size_t plain = escape != NULL ? (size_t)(escape - text) : out->text_len - at;
    memcpy(r->bytes + out->bytes_len, text, plain);
    out->bytes_len += plain;
    at += plain;
    if (escape != NULL && !decode_escape(r, out, &at)) {
      return false;
    }
  }
  return true;
}

// ---- From lines to items ------------------------------------------------------------------------

static bool set_text(struct ehlo_reader *r, struct ehlo_item *out, size_t pos) {
  assert(pos <= out->raw_len);
  out->text = out->raw + pos;
  out->text_len = out->raw_len - pos;
  out->column = pos + 1;
  if (out->raw[out->raw_len - 1] == ' ') {
    return bad(r, out->raw_len - 1, "a blank at the end of the line: write \\x20, or nothing");
  }
  return true;
}

// time = "+" 1*DIGIT [ "." 1*6DIGIT ] 1*SP
static bool parse_time(struct ehlo_reader *r, struct ehlo_item *out, size_t *pos) {
  const char *raw = out->raw;
  size_t at = 1;
  uint64_t us = 0;
  if (raw[0] != '+') {
    return true;
  }
  for (; is_digit(raw[at]) && us <= EHLO_TRANSCRIPT_DELTA_MAX_US; at++) {
    us = us * 10 + (uint64_t)(raw[at] - '0') * 1000000;
  }
  bool whole = at > 1;
  if (whole && raw[at] == '.') {
    uint64_t unit = 100000;
    for (at++; is_digit(raw[at]) && unit > 0; at++, unit /= 10) {
      us += (uint64_t)(raw[at] - '0') * unit;
    }
    whole = unit < 100000;
  }
  if (us > EHLO_TRANSCRIPT_DELTA_MAX_US) {
    return bad(r, 1, "the time is over 1000000000 seconds");
  }
  if (!whole || raw[at] != ' ') {
    return bad(r, at, "a time is seconds with up to six decimals, then a blank: +0.041235");
  }
  out->has_time = true;
  out->delta_us = us;
  *pos = at;
  return true;
}

// "S:" / "C:", then nothing, or one blank and text
static bool parse_dialogue(struct ehlo_reader *r, struct ehlo_item *out, size_t pos) {
  bool server = out->raw[pos] == 'S';
  out->type = server ? EHLO_ITEM_SERVER : EHLO_ITEM_CLIENT;
  out->side = server ? EHLO_SIDE_SERVER : EHLO_SIDE_CLIENT;
  out->ends_line = true;
  if (out->raw[pos + 1] != ':') {
    return bad(r, pos, "a line begins with S:, C:, !, = or #");
  }
  pos += 2;
  if (out->raw[pos] != '\0' && out->raw[pos] != ' ') {
    return bad(r, pos, "one blank has to follow S: and C:");
  }
  if (!set_text(r, out, out->raw[pos] == ' ' ? pos + 1 : pos) || !decode(r, out)) {
    return false;
  }
  if (out->ends_line) {
    memcpy(r->bytes + out->bytes_len, "\r\n", 2);
    out->bytes_len += 2;
  } else if (out->bytes_len == 0 && out->num_secrets == 0) {
    return bad(r, out->column - 1, "a piece of a line has to hold something");
  }
  return true;
}

static bool judge_version(struct ehlo_reader *r, const struct ehlo_item *out, size_t pos) {
  for (size_t i = 0; i < out->args_len; i++) {
    if (!is_digit(out->args[i])) {
      return bad(r, pos + i, "the version has to be a number");
    }
  }
  if (out->args_len == 0) {
    return bad(r, pos, "the version is missing");
  }
  if (strcmp(out->args, "1") != 0) {
    return bad(r, pos, "this version is not known here; it takes a newer ehlo than this one");
  }
  if (r->past_header || out->has_time) {
    return bad(r, out->column - 1, "the header has no time and nothing but comments before it");
  }
  return true;
}

static bool judge_args(struct ehlo_reader *r, struct ehlo_item *out, enum args_rule rule) {
  size_t pos = (size_t)(out->args - out->raw);
  switch (rule) {
    case ARGS_ANY:
      return true;
    case ARGS_NONE:
      return out->args_len == 0 || bad(r, pos, "nothing may follow this fact");
    case ARGS_SOME:
      return out->args_len > 0 || bad(r, pos, "this fact has to say something");
    case ARGS_SIDE:
      if (strcmp(out->args, "S") != 0 && strcmp(out->args, "C") != 0) {
        return bad(r, pos, "S or C has to follow: whose end it was");
      }
      out->side = out->args[0] == 'S' ? EHLO_SIDE_SERVER : EHLO_SIDE_CLIENT;
      return true;
    case ARGS_VERSION:
      return judge_version(r, out, pos);
  }
  return false;
}

// fact = "! " word [ SP args ]
static bool parse_fact(struct ehlo_reader *r, struct ehlo_item *out, size_t pos) {
  out->type = EHLO_ITEM_FACT;
  if (out->raw[pos + 1] != ' ') {
    return bad(r, pos + 1, "one blank and a word have to follow the !");
  }
  if (!set_text(r, out, pos + 2) || !decode(r, out)) {
    return false;
  }
  const char *blank = memchr(out->text, ' ', out->text_len);
  bool has_args = blank != NULL;
  size_t word_len = has_args ? (size_t)(blank - out->text) : out->text_len;
  out->args = out->text + word_len + (has_args ? 1 : 0);
  out->args_len = out->text_len - (size_t)(out->args - out->text);
  for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
    if (facts[i].len == word_len && memcmp(facts[i].word, out->text, word_len) == 0) {
      out->fact = facts[i].fact;
      out->failed = (out->fact == EHLO_FACT_CONNECT || out->fact == EHLO_FACT_TLS) &&
                    strcspn(out->args, " ") == 6 && memcmp(out->args, "failed", 6) == 0;
      return judge_args(r, out, facts[i].rule);
    }
  }
  return bad(r, pos + 2, "a fact that version 1 does not know");
}

static bool parse_event(struct ehlo_reader *r, struct ehlo_item *out, size_t pos) {
  out->type = EHLO_ITEM_EVENT;
  if (out->raw[pos + 1] != ' ') {
    return bad(r, pos + 1, "one blank and an event have to follow the =");
  }
  if (out->has_time) {
    return bad(r, 0, "an event has no time");
  }
  return set_text(r, out, pos + 2) && decode(r, out);
}

static bool parse_comment(struct ehlo_reader *r, struct ehlo_item *out, size_t pos) {
  out->type = EHLO_ITEM_COMMENT;
  if (out->has_time) {
    return bad(r, 0, "a comment has no time");
  }
  return set_text(r, out, out->raw[pos + 1] == ' ' ? pos + 2 : pos + 1);
}

// Blanks before the mark of a line without a time, in the canonical layout.
#define MARK_COLUMN (sizeof(blanks) - 1)
static const char blanks[] = "           ";

static bool parse_line(struct ehlo_reader *r, struct ehlo_item *out) {
  size_t pos = 0;
  if (!parse_time(r, out, &pos)) {
    return false;
  }
  if (out->raw_len >= MARK_COLUMN && memcmp(out->raw, blanks, MARK_COLUMN) == 0) {
    pos = MARK_COLUMN;  // as tools write it
  }
  while (out->raw[pos] == ' ') {
    pos++;
  }
  switch (out->raw[pos]) {
    case 'S':
    case 'C':
      return parse_dialogue(r, out, pos);
    case '!':
      return parse_fact(r, out, pos);
    case '=':
      return parse_event(r, out, pos);
    case '#':
      return parse_comment(r, out, pos);
    case '+':
      return bad(r, pos, "a time stands at the start of the line, and only once");
    case '\0':
      return bad(r, 0,
                 "the line is empty: an empty line of the dialogue is S: or C:, and # a comment");
    default:
      return bad(r, pos, "a line begins with S:, C:, !, = or #");
  }
}

void ehlo_reader_init(struct ehlo_reader *r, ehlo_read_fn read, void *arg) {
  memset(r, 0, offsetof(struct ehlo_reader, in));
  r->read = read;
  r->arg = arg;
}

enum ehlo_read_result ehlo_reader_next(struct ehlo_reader *r, struct ehlo_item *out) {
  memset(out, 0, offsetof(struct ehlo_item, secret_at));
  if (r->error.message != NULL) {
    return EHLO_READ_BAD;
  }
  if (!read_line(r, &out->raw, &out->raw_len)) {
    if (r->error.message != NULL) {
      return EHLO_READ_BAD;
    }
    return r->read_failed ? EHLO_READ_FAILED : EHLO_READ_END;
  }
  out->line = r->line;
  out->has_line_feed = !r->last_unterminated;
  if (!parse_line(r, out)) {
    return EHLO_READ_BAD;
  }
  r->past_header = r->past_header || out->type != EHLO_ITEM_COMMENT;
  return EHLO_READ_ITEM;
}
