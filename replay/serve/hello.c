// See hello.h. Line by line; what is no line of a reply is copied and offers nothing.
#include "replay/serve/hello.h"

#include <string.h>

struct line {
  const uint8_t *bytes;  // with its line end
  size_t len;
};

// Takes the next line off.
static bool next_line(struct line *out, const uint8_t **rest, size_t *left) {
  if (*left == 0) {
    return false;
  }
  const uint8_t *lf = memchr(*rest, '\n', *left);
  *out = (struct line){*rest, lf != NULL ? (size_t)(lf - *rest) + 1 : *left};
  *rest += out->len;
  *left -= out->len;
  return true;
}

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_end(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Whether a word stands at `at`, and ends there.
static bool has_word(const struct line *l, size_t at, const char *word) {
  size_t i = 0;
  for (; word[i] != '\0'; i++) {
    if (at + i >= l->len || upper(l->bytes[at + i]) != (uint8_t)word[i]) {
      return false;
    }
  }
  return at + i >= l->len || is_end(l->bytes[at + i]) ||
         (l->bytes[at + i] == '=' && strcmp(word, "AUTH") == 0);
}

static bool has_keyword(const struct line *l, const char *keyword) {
  return l->len > 4 && has_word(l, 4, keyword);
}

bool ehlo_hello_offers(const uint8_t *reply, size_t len, const char *keyword) {
  struct line l;
  bool is_first = true;
  while (next_line(&l, &reply, &len)) {
    if (!is_first && has_keyword(&l, keyword)) {
      return true;
    }
    is_first = false;
  }
  return false;
}

static bool lists(const struct line *l, const char *mechanism) {
  for (size_t at = 4 + strlen("AUTH"); at < l->len; at++) {
    bool begins = is_end(l->bytes[at]) || l->bytes[at] == '=';
    if (begins && at + 1 < l->len && !is_end(l->bytes[at + 1]) &&
        (mechanism == NULL || has_word(l, at + 1, mechanism))) {
      return true;
    }
  }
  return false;
}

bool ehlo_hello_offers_mechanism(const uint8_t *reply, size_t len, const char *mechanism) {
  struct line l;
  bool is_first = true;
  while (next_line(&l, &reply, &len)) {
    if (!is_first && has_keyword(&l, "AUTH") && lists(&l, mechanism)) {
      return true;
    }
    is_first = false;
  }
  return false;
}

static bool append(uint8_t *out, size_t cap, size_t *at, const void *bytes, size_t len) {
  if (len > cap - *at) {
    return false;
  }
  memcpy(out + *at, bytes, len);
  *at += len;
  return true;
}

size_t ehlo_hello_edit(uint8_t *out, size_t cap, const uint8_t *reply, size_t len, const char *drop,
                       const char *add) {
  struct line l;
  size_t at = 0;
  size_t last_at = 0;  // of the last line, in `out`
  bool is_first = true;
  while (next_line(&l, &reply, &len)) {
    if (is_first || drop == NULL || !has_keyword(&l, drop)) {
      last_at = at;
      if (!append(out, cap, &at, l.bytes, l.len)) {
        return 0;
      }
      if (l.len > 3) {
        out[last_at + 3] = '-';
      }
    }
    is_first = false;
  }
  if (add != NULL) {
    last_at = at;
    if (!append(out, cap, &at, "250 ", 4) || !append(out, cap, &at, add, strlen(add)) ||
        !append(out, cap, &at, "\r\n", 2)) {
      return 0;
    }
  }
  if (at > last_at + 3) {
    out[last_at + 3] = out[last_at + 3] == '-' ? ' ' : out[last_at + 3];
  }
  return at;
}

size_t ehlo_hello_first_line(uint8_t *out, size_t cap, const uint8_t *reply, size_t len) {
  struct line l;
  if (!next_line(&l, &reply, &len) || l.len > cap) {
    return 0;
  }
  memcpy(out, l.bytes, l.len);
  if (l.len > 3 && out[3] == '-') {
    out[3] = ' ';
  }
  return l.len;
}
