// Bounded text with escapes. It must not know where the bytes come from.
#include "tools/live/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void live_text_init(struct live_text *t, char *out, size_t cap) {
  assert(cap >= 4);
  t->out = out;
  t->cap = cap;
  t->len = 0;
  out[0] = '\0';
}

// Three dots in the last places tell the reader that something is missing.
static void mark_cut(struct live_text *t) {
  memcpy(t->out + t->cap - 4, "...", 4);
  t->len = t->cap - 1;
}

void live_text_format(struct live_text *t, const char *format, ...) {
  size_t room = t->cap - t->len;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->out + t->len, room, format, args);
  va_end(args);
  if (n < 0) {
    t->out[t->len] = '\0';
  } else if ((size_t)n >= room) {
    mark_cut(t);
  } else {
    t->len += (size_t)n;
  }
}

void live_text_bytes(struct live_text *t, const void *bytes, size_t len) {
  const unsigned char *p = bytes;
  size_t i = 0;
  for (; i < len && t->len < t->cap - 1; i++) {
    if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"') {
      live_text_format(t, "%c", p[i]);
    } else {
      live_text_format(t, "\\x%02x", p[i]);
    }
  }
  if (i < len) {
    mark_cut(t);
  }
}
