// Editing a reply, line by line: "250-KEYWORD parameters".
#include "tools/driver/hello.h"

#include <string.h>
#include <strings.h>

#define CODE "250"
#define HEAD_LEN ((size_t)4)  // code and separator

struct lines {
  struct ehlo_span rest;
};

// The next line with its line end. False at the end.
static bool next_line(struct lines *l, struct ehlo_span *out) {
  if (l->rest.len == 0) {
    return false;
  }
  const uint8_t *lf = memchr(l->rest.bytes, '\n', l->rest.len);
  size_t len = lf != NULL ? (size_t)(lf - l->rest.bytes) + 1 : l->rest.len;
  *out = (struct ehlo_span){l->rest.bytes, len};
  l->rest = (struct ehlo_span){l->rest.bytes + len, l->rest.len - len};
  return true;
}

static bool is_success(struct ehlo_span line) {
  return line.len >= HEAD_LEN && memcmp(line.bytes, CODE, sizeof(CODE) - 1) == 0;
}

// The words of a line behind its head, one after the other from `*at`; '=' ends one too, as in the
// old "AUTH=LOGIN".
static struct ehlo_span next_word(struct ehlo_span line, size_t *at) {
  while (*at < line.len && strchr(" =\r\n", line.bytes[*at]) != NULL && line.bytes[*at] != 0) {
    (*at)++;
  }
  size_t start = *at;
  while (*at < line.len && line.bytes[*at] > ' ' && line.bytes[*at] != '=') {
    (*at)++;
  }
  return (struct ehlo_span){line.bytes + start, *at - start};
}

static bool is_word(struct ehlo_span word, const char *name) {
  return word.len == strlen(name) && strncasecmp((const char *)word.bytes, name, word.len) == 0;
}

static bool has_keyword(struct ehlo_span line, const char *name) {
  size_t at = HEAD_LEN;
  return line.len > HEAD_LEN && is_word(next_word(line, &at), name);
}

bool hello_offers_starttls(struct ehlo_span reply) {
  struct lines l = {reply};
  struct ehlo_span line;
  bool first = true;
  bool found = false;
  while (next_line(&l, &line)) {
    if (!is_success(line)) {
      return false;
    }
    found = found || (!first && has_keyword(line, "STARTTLS"));
    first = false;
  }
  return found;
}

static size_t put(char *out, size_t len, const void *bytes, size_t num) {
  memcpy(out + len, bytes, num);
  return len + num;
}

static bool binds(struct ehlo_span word) {
  static const char suffix[] = "-PLUS";
  size_t n = sizeof(suffix) - 1;
  return word.len > n && strncasecmp((const char *)word.bytes + word.len - n, suffix, n) == 0;
}

// A line "250-AUTH …", without the names that nobody in front can use.
static size_t put_auth(char *out, size_t len, struct ehlo_span line) {
  size_t at = HEAD_LEN;
  struct ehlo_span word = next_word(line, &at);
  len = put(out, len, line.bytes, HEAD_LEN + word.len);
  for (;;) {
    size_t from = at;
    word = next_word(line, &at);
    if (word.len == 0) {
      return put(out, len, line.bytes + from, line.len - from);
    }
    if (!binds(word)) {
      len = put(out, len, line.bytes + from, at - from);
    }
  }
}

// Makes the line at `last` the reply's last, and any before it one of several.
static void set_separators(char *out, size_t len) {
  for (size_t at = 0; at < len;) {
    const char *lf = memchr(out + at, '\n', len - at);
    size_t end = lf != NULL ? (size_t)(lf - out) + 1 : len;
    if (end - at > HEAD_LEN - 1) {
      out[at + HEAD_LEN - 1] = end == len ? ' ' : '-';
    }
    at = end;
  }
}

size_t hello_for_front(char *out, struct ehlo_span reply, bool offers_starttls) {
  static const char own[] = "250-STARTTLS\r\n";
  struct lines l = {reply};
  struct ehlo_span line;
  size_t len = 0;
  bool first = true;
  while (next_line(&l, &line)) {
    if (!is_success(line) || line.len <= HEAD_LEN) {
      memcpy(out, reply.bytes, reply.len);
      return reply.len;
    }
    if (first) {
      len = put(out, len, line.bytes, line.len);
      len = offers_starttls ? put(out, len, own, sizeof(own) - 1) : len;
    } else if (has_keyword(line, "AUTH")) {
      len = put_auth(out, len, line);
    } else if (!has_keyword(line, "STARTTLS")) {
      len = put(out, len, line.bytes, line.len);
    }
    first = false;
  }
  set_separators(out, len);
  return len;
}
