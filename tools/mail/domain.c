// Reads the tokens of RFC 5322 §3.2: comments, quoted strings and angle brackets are told apart,
// atoms are all that is left. A word is an atom or a quoted string; words with only "." between
// them are one.
#include "tools/mail/domain.h"

#include <string.h>

struct scan {
  FILE *out;
  const char *domain;
  struct ehlo_span list;
  size_t copied;    // octets of the list that are written
  size_t word_end;  // of the last word
  size_t num_words;
  bool has_at;   // since the address began
  bool is_done;  // behind "<>", where the address is complete
  size_t num_completed;
};

static void begin_address(struct scan *s) {
  s->num_words = 0;
  s->has_at = false;
  s->is_done = false;
}

static void copy_to(struct scan *s, size_t end) {
  fwrite(s->list.bytes + s->copied, 1, end - s->copied, s->out);
  s->copied = end;
}

// The address ends here: one word without "@" is a local part alone.
static void end_address(struct scan *s) {
  if (!s->is_done && !s->has_at && s->num_words == 1) {
    copy_to(s, s->word_end);
    fprintf(s->out, "@%s", s->domain);
    s->num_completed++;
  }
}

// Behind the quoted string that begins at `pos`.
static size_t skip_quoted(struct ehlo_span list, size_t pos) {
  for (pos++; pos < list.len && list.bytes[pos] != '"'; pos++) {
    pos += list.bytes[pos] == '\\';
  }
  return pos < list.len ? pos + 1 : list.len;
}

// Behind the comment that begins at `pos`. Comments nest.
static size_t skip_comment(struct ehlo_span list, size_t pos) {
  size_t depth = 0;
  for (; pos < list.len; pos++) {
    uint8_t c = list.bytes[pos];
    depth += c == '(';
    if (c == ')' && --depth == 0) {
      return pos + 1;
    }
    pos += c == '\\';
  }
  return list.len;
}

static bool is_special(uint8_t c) {
  return strchr(" \t\r\n(),:;<>@[]\"", c) != NULL;  // and NUL
}

static size_t skip_word(struct ehlo_span list, size_t pos) {
  while (pos < list.len && (!is_special(list.bytes[pos]) || list.bytes[pos] == '"')) {
    pos = list.bytes[pos] == '"' ? skip_quoted(list, pos) : pos + 1;
  }
  return pos;
}

static void on_special(struct scan *s, uint8_t c) {
  switch (c) {
    case ',':
    case ';':
      end_address(s);
      begin_address(s);
      break;
    case ':':  // behind the name of a group, or behind a route
    case '<':
      begin_address(s);
      break;
    case '>':
      end_address(s);
      s->is_done = true;
      break;
    case '@':
    case '[':
      s->has_at = true;
      break;
    default:
      break;
  }
}

size_t mail_domain_complete(FILE *out, struct ehlo_span list, const char *domain) {
  struct scan s = {.out = out, .domain = domain, .list = list};
  for (size_t pos = 0; pos < list.len;) {
    uint8_t c = list.bytes[pos];
    if (c == '(') {
      pos = skip_comment(list, pos);
    } else if (c != '"' && is_special(c)) {
      on_special(&s, c);
      pos++;
    } else {
      pos = s.word_end = skip_word(list, pos);
      s.num_words++;
    }
  }
  end_address(&s);
  copy_to(&s, list.len);
  return s.num_completed;
}
