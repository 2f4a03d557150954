// Marks and quotes. It is asked about places that look like something and only says whether they stand
// where dialogue stands.
#include "replay/scrub/logline.h"

#include <string.h>

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c) {
  c |= 0x20;
  return c >= 'a' && c <= 'z';
}

struct logline logline_of(const uint8_t *line, size_t len) {
  size_t at = 0;
  while (len > 0 && (line[len - 1] == '\r' || is_blank(line[len - 1]))) {
    len--;
  }
  while (at < len && is_blank(line[at])) {
    at++;
  }
  return (struct logline){line, len, at < len && line[at] == '{'};
}

static bool ends_with(const struct logline *l, size_t end, const char *text) {
  size_t len = strlen(text);
  return end >= len && memcmp(l->bytes + end - len, text, len) == 0;
}

// In an object of JSON only some keys hold what was said.
static bool follows_key(const struct logline *l, size_t quote) {
  static const char *const keys[] = {"msg", "message", "data", "line", "text", "raw", "payload"};
  size_t end = quote;
  while (end > 0 && is_blank(l->bytes[end - 1])) {
    end--;
  }
  if (!ends_with(l, end, "\":")) {
    return false;
  }
  end -= 2;
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    size_t len = strlen(keys[i]);
    if (ends_with(l, end, keys[i]) && end > len && l->bytes[end - len - 1] == '"') {
      return true;
    }
  }
  return false;
}

// The word before a blank is a time or a number, and no reply code.
static bool is_stamp(const struct logline *l, size_t end) {
  size_t start = end;
  bool digits = false;
  while (start > 0 && !is_blank(l->bytes[start - 1])) {
    uint8_t c = l->bytes[--start];
    digits = digits || is_digit(c);
    if (is_letter(c) && c != 'T' && c != 'Z') {
      return false;
    }
  }
  return digits && end - start != 3;
}

bool logline_begins_at(const struct logline *l, size_t at) {
  if (at == 0) {
    return true;
  }
  uint8_t before = l->bytes[at - 1];
  if (before == '"' || before == '\'') {
    return !l->is_json || follows_key(l, at - 1);
  }
  if (before == '>') {
    return true;
  }
  if (!is_blank(before)) {
    return l->is_json && ends_with(l, at, "\\n");  // the next line of one string
  }
  size_t end = at;
  while (end > 0 && is_blank(l->bytes[end - 1])) {
    end--;
  }
  if (end == 0) {
    return true;
  }
  uint8_t mark = l->bytes[end - 1];
  return mark == '>' || mark == ':' || mark == ']' || mark == ')' || mark == '|' || mark == '}' ||
         mark == '~' || mark == '*' || (mark == '-' && end > 1 && !is_digit(l->bytes[end - 2])) ||
         mark == ';' || is_stamp(l, end);
}

bool logline_ends_at(const struct logline *l, size_t end) {
  while (end + 1 < l->len && l->bytes[end] == '\\' &&
         (l->bytes[end + 1] == 'r' || l->bytes[end + 1] == 'n')) {
    end += 2;
  }
  if (end >= l->len) {
    return true;
  }
  uint8_t c = l->bytes[end];
  return c == '"' || c == '\'' || c == '<' || c == '&' || logline_is_over_at(l, end);
}

bool logline_is_over_at(const struct logline *l, size_t end) {
  while (end < l->len && is_blank(l->bytes[end])) {
    end++;
  }
  return end >= l->len;
}

static size_t text_end(const struct logline *l, size_t at) {
  size_t end = l->len;
  if (at > 0 && (l->bytes[at - 1] == '\'' || l->bytes[at - 1] == '"')) {
    uint8_t quote = l->bytes[at - 1];
    const uint8_t *close = memchr(l->bytes + at, quote, end - at);
    end = close != NULL ? (size_t)(close - l->bytes) : end;
  }
  while (end >= at + 2 && l->bytes[end - 2] == '\\' &&
         (l->bytes[end - 1] == 'r' || l->bytes[end - 1] == 'n')) {
    end -= 2;
  }
  return end;
}

bool logline_client_text(const struct logline *l, size_t *out_at, size_t *out_len) {
  static const char *const marks[] = {
      "CLIENT -> SERVER: ", " -> ",     " ~> ", "--> ",    ">>> ", "C: ", "send: '",
      "send: \"",           "send: b'", "> ",   "Client: "};
  for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
    size_t len = strlen(marks[i]);
    for (size_t at = 0; at + len <= l->len && at < 64; at++) {
      bool there = memcmp(l->bytes + at, marks[i], len) == 0;
      uint8_t before = at > 0 ? l->bytes[at - 1] : ' ';
      if (there && (marks[i][0] == ' ' || is_blank(before) || before == ']')) {
        *out_at = at + len;
        *out_len = text_end(l, at + len) - (at + len);
        return *out_len > 0;
      }
    }
  }
  return false;
}
