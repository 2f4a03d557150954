// Sentences and patterns.
#include "tools/explain/sentence.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base64.h"

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

// "5.7.139" and then a blank or the end; its length, or 0.
static size_t enhanced_code(struct ehlo_enhanced *out, struct ehlo_span text) {
  uint16_t parts[3] = {0};
  size_t at = 0;
  for (int i = 0; i < 3; i++) {
    size_t begin = at;
    while (at < text.len && at - begin < 3 && is_digit(text.bytes[at])) {
      parts[i] = (uint16_t)(parts[i] * 10 + (text.bytes[at++] - '0'));
    }
    bool ends = i == 2 && (at == text.len || !(is_digit(text.bytes[at]) || text.bytes[at] == '.'));
    if (at == begin || (i < 2 && (at == text.len || text.bytes[at] != '.')) || (i == 2 && !ends)) {
      return 0;
    }
    at += i < 2;
  }
  if (parts[0] != 2 && parts[0] != 4 && parts[0] != 5) {
    return 0;
  }
  *out = (struct ehlo_enhanced){parts[0], parts[1], parts[2]};
  return at;
}

size_t explain_codes(unsigned *out_code, struct ehlo_enhanced *out_enhanced,
                     struct ehlo_span line) {
  const uint8_t *b = line.bytes;
  if (line.len < 3 || b[0] < '2' || b[0] > '5' || !is_digit(b[1]) || !is_digit(b[2]) ||
      (line.len > 3 && b[3] != ' ' && b[3] != '-')) {
    return 0;
  }
  *out_code = (unsigned)(b[0] - '0') * 100 + (unsigned)(b[1] - '0') * 10 + (unsigned)(b[2] - '0');
  *out_enhanced = (struct ehlo_enhanced){0};
  size_t at = line.len > 3 ? 4 : 3;
  while (at < line.len && b[at] == ' ') {
    at++;
  }
  return at + enhanced_code(out_enhanced, (struct ehlo_span){b + at, line.len - at});
}

static void add(struct explain_sentence *s, char c) {
  bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
  if (s->len == EXPLAIN_SENTENCE_MAX || (blank && (s->len == 0 || s->text[s->len - 1] == ' '))) {
    return;
  }
  s->text[s->len++] = blank ? ' ' : c;
}

// The codes of this very reply at the beginning of a line or of a word; 0 if there are none.
static size_t own_codes(const struct explain_question *q, struct ehlo_span rest, bool begins_line) {
  unsigned code;
  struct ehlo_enhanced e;
  size_t n = q->code != 0 ? explain_codes(&code, &e, rest) : 0;
  if (n == 0 || code != q->code) {
    n = begins_line ? enhanced_code(&e, rest) : 0;
    return n > 0 && e.class_code == q->enhanced.class_code && e.subject == q->enhanced.subject &&
                   e.detail == q->enhanced.detail
               ? n
               : 0;
  }
  bool same = e.class_code == q->enhanced.class_code && e.subject == q->enhanced.subject &&
              e.detail == q->enhanced.detail;
  // Within a line only what the lines of one reply repeat is a code of its.
  return begins_line || (same && (e.class_code != 0 || rest.bytes[3] == '-')) ? n : 0;
}

// A character of a web page or a word processor, as a mail server would have written it; its length
// in octets, 0 for another one.
static size_t plain(char *out, struct ehlo_span text) {
  static const struct {
    const char *from;
    char to;
  } rows[] = {{"\xe2\x80\x98", '\''}, {"\xe2\x80\x99", '\''}, {"\xe2\x80\x9c", '"'},
              {"\xe2\x80\x9d", '"'},  {"\xe2\x80\x90", '-'},  {"\xe2\x80\x91", '-'},
              {"\xe2\x80\x93", '-'},  {"\xc2\xa0", ' '}};
  for (size_t i = 0; text.bytes[0] >= 0x80 && i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t n = strlen(rows[i].from);
    if (text.len >= n && memcmp(text.bytes, rows[i].from, n) == 0) {
      *out = rows[i].to;
      return n;
    }
  }
  return 0;
}

void explain_sentence_make(struct explain_sentence *out, const struct explain_question *q) {
  out->len = 0;
  for (size_t at = 0; at < q->words.len;) {
    bool begins_line = at == 0 || q->words.bytes[at - 1] == '\n';
    bool begins_word = begins_line || q->words.bytes[at - 1] == ' ';
    struct ehlo_span rest = {q->words.bytes + at, q->words.len - at};
    size_t skip = begins_word ? own_codes(q, rest, begins_line) : 0;
    char c = ' ';
    skip = skip > 0 ? skip : plain(&c, rest);
    if (skip > 0) {
      add(out, c);
      at += skip;
    } else {
      add(out, (char)q->words.bytes[at++]);
    }
  }
  while (out->len > 0 && out->text[out->len - 1] == ' ') {
    out->len--;
  }
  out->text[out->len] = '\0';
}

void explain_sentence_decode(struct explain_sentence *s) {
  uint8_t json[EXPLAIN_SENTENCE_MAX];
  size_t len;
  struct ehlo_span base64 = {(const uint8_t *)s->text + 4, s->len - 4};
  if (s->len < 8 || strncmp(s->text, "334 ", 4) != 0 || !ehlo_base64_decode(json, &len, base64) ||
      len == 0 || json[0] != '{') {
    return;
  }
  s->len = 0;
  for (size_t i = 0; i < len; i++) {
    add(s, (char)json[i]);
  }
  s->text[s->len] = '\0';
}

// ---- Patterns ---------------------------------------------------------------------------------------

#define PART_MAX 256

// Takes the pattern's next part, up to an asterisk, into `out`. Returns what follows it.
static const char *next_part(char out[PART_MAX], const char *match) {
  size_t len = 0;
  while (*match != '\0' && *match != '*') {
    match += *match == '\\' && match[1] == '*';
    if (len < PART_MAX - 1) {
      out[len++] = *match;
    }
    match++;
  }
  out[len] = '\0';
  return *match == '*' ? match + 1 : match;
}

static const char *find(const char *text, const char *part) {
  size_t len = strlen(part);
  const char first[] = {(char)tolower((unsigned char)part[0]),
                        (char)toupper((unsigned char)part[0]), '\0'};
  if (len == 0) {
    return text;
  }
  while ((text = strpbrk(text, first)) != NULL && strncasecmp(text, part, len) != 0) {
    text++;
  }
  return text;
}

// Finds the parts one behind the other; the first place of each is as good as any.
static const char *find_all(const char **out_begin, const char *text, const char *match) {
  char part[PART_MAX];
  *out_begin = NULL;
  while (*match != '\0') {
    match = next_part(part, match);
    const char *place = find(text, part);
    if (place == NULL) {
      return NULL;
    }
    *out_begin = *out_begin == NULL ? place : *out_begin;
    text = place + strlen(part);
  }
  return text;
}

bool explain_sentence_has(const struct explain_sentence *s, const char *match) {
  const char *begin;
  return find_all(&begin, s->text, match) != NULL;
}

bool explain_sentence_is(const struct explain_sentence *s, const char *match) {
  const char *begin;
  const char *end = find_all(&begin, s->text, match);
  return end != NULL && begin == s->text && (end[0] == '\0' || strcmp(end, ".") == 0);
}

// ---- Traces -----------------------------------------------------------------------------------------

static void copy(char out[EXPLAIN_TRACE_MAX], const char *from, size_t len) {
  snprintf(out, EXPLAIN_TRACE_MAX, "%.*s", (int)(len < EXPLAIN_TRACE_MAX ? len : EXPLAIN_TRACE_MAX),
           from);
}

static bool has_within(const char *from, size_t len, const char *what) {
  size_t n = strlen(what);
  for (size_t i = 0; i + n <= len; i++) {
    if (strncasecmp(from + i, what, n) == 0) {
      return true;
    }
  }
  return false;
}

// "[BN9PR03CA0001.namprd03.prod.outlook.com 2026-11-20T10:11:12.345Z 08DE2A0B1C2D3E4F]"
static bool trace_of_exchange(char out[EXPLAIN_TRACE_MAX], const struct explain_sentence *s) {
  for (const char *p = s->text + s->len; p > s->text; p--) {
    const char *end = p[-1] == '[' ? strchr(p, ']') : NULL;
    if (end == NULL) {
      continue;
    }
    size_t len = (size_t)(end - p);
    if (has_within(p, len, ".outlook.com") || has_within(p, len, ".exchangelabs.com") ||
        has_within(p, len, "Hostname=")) {
      copy(out, p, len);
      return true;
    }
  }
  return false;
}

// "… 5b1f17b1804b1-477ae5f8e0asm12345e9.6 - gsmtp"
static bool trace_of_gmail(char out[EXPLAIN_TRACE_MAX], const struct explain_sentence *s) {
  const char *mark = strstr(s->text, " - gsmtp");
  if (mark == NULL) {
    return false;
  }
  const char *begin = mark;
  while (begin > s->text && begin[-1] != ' ') {
    begin--;
  }
  copy(out, begin, (size_t)(mark - begin));
  return true;
}

// Yandex ends a reply with "1764151872-aBcDeFgH".
static bool trace_of_yandex(char out[EXPLAIN_TRACE_MAX], const struct explain_sentence *s) {
  const char *last = strrchr(s->text, ' ');
  last = last != NULL ? last + 1 : s->text;
  size_t digits = strspn(last, "0123456789");
  if (digits < 9 || digits > 12 || last[digits] != '-' || strlen(last + digits) < 6) {
    return false;
  }
  copy(out, last, strlen(last));
  return true;
}

void explain_trace(char out[EXPLAIN_TRACE_MAX], const struct explain_sentence *s) {
  out[0] = '\0';
  if (!trace_of_exchange(out, s) && !trace_of_gmail(out, s)) {
    trace_of_yandex(out, s);
  }
}
