// Escaping for HTML, and memory for it. What comes out of markup_text() can be put into element content
// and into quoted attributes alike; it can end neither.
#include "tools/show/markup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/text/utf8.h"

// ---- Growing ------------------------------------------------------------------------------------

void markup_free(struct markup *m) {
  free(m->bytes);
  *m = (struct markup){0};
}

// Room for `len` further octets and a NUL.
static bool reserve(struct markup *m, size_t len) {
  if (m->failed || len < m->cap - m->len) {
    return !m->failed;
  }
  size_t cap = m->cap + m->cap / 2;
  cap = cap < m->len + len + 256 ? m->len + len + 256 : cap;
  char *bytes = realloc(m->bytes, cap);
  if (bytes == NULL) {
    m->failed = true;
    return false;
  }
  m->bytes = bytes;
  m->cap = cap;
  return true;
}

void markup_bytes(struct markup *m, const char *html, size_t len) {
  if (len > 0 && reserve(m, len)) {
    memcpy(m->bytes + m->len, html, len);
    m->len += len;
  }
}

void markup_add(struct markup *m, const char *html) {
  markup_bytes(m, html, strlen(html));
}

void markup_format(struct markup *m, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  if (len < 0 || (size_t)len >= sizeof(text)) {
    m->failed = true;  // our own words are shorter
    return;
  }
  markup_bytes(m, text, (size_t)len);
}

// ---- Escaping -----------------------------------------------------------------------------------

static const char *entity(uint8_t c) {
  switch (c) {
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '&':
      return "&amp;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return NULL;
  }
}

static void add_visible(struct markup *m, uint8_t c) {
  const char *name = c == '\r' ? "\\r" : c == '\n' ? "\\n" : c == '\t' ? "\\t" : NULL;
  markup_add(m, "<span class=c>");
  if (name != NULL) {
    markup_add(m, name);
  } else {
    markup_format(m, "\\x%02x", c);
  }
  markup_add(m, "</span>");
}

void markup_text(struct markup *m, struct ehlo_span text) {
  for (size_t i = 0; i < text.len;) {
    uint32_t c = 0;
    const uint8_t *at = text.bytes + i;
    size_t len = text_utf8_decode(&c, at, text.len - i);
    const char *name = entity(at[0]);
    if (name != NULL) {
      markup_add(m, name);
      len = 1;
    } else if (len > 0 && text_is_printable(c)) {
      markup_bytes(m, (const char *)at, len);
    } else {
      len = len > 0 ? len : 1;
      for (size_t k = 0; k < len; k++) {
        add_visible(m, at[k]);
      }
    }
    i += len;
  }
}

void markup_duration(struct markup *m, uint64_t us) {
  if (us < 10000) {
    markup_format(m, "%.2f ms", (double)us / 1e3);
  } else {
    int decimals = us < 10000000 ? 3 : us < 100000000 ? 2 : us < 1000000000 ? 1 : 0;
    markup_format(m, "%.*f s", decimals, (double)us / 1e6);
  }
}

// ---- Within bounds ------------------------------------------------------------------------------

void clip_init(struct clip *c, size_t head_max, size_t tail_max) {
  *c = (struct clip){.head_max = head_max, .tail_max = tail_max};
}

void clip_clear(struct clip *c) {
  c->head.len = 0;
  c->tail[0].len = 0;
  c->tail[1].len = 0;
  c->num_tail[0] = 0;
  c->num_tail[1] = 0;
  c->full = false;
  c->num_left_out = 0;
}

void clip_free(struct clip *c) {
  markup_free(&c->head);
  markup_free(&c->tail[0]);
  markup_free(&c->tail[1]);
}

// The newer half becomes the older one.
static void turn_over(struct clip *c) {
  struct markup old = c->tail[0];
  c->num_left_out += c->num_tail[0];
  c->tail[0] = c->tail[1];
  c->num_tail[0] = c->num_tail[1];
  c->tail[1] = old;
  c->tail[1].len = 0;
  c->num_tail[1] = 0;
}

void clip_add(struct clip *c, const char *record, size_t len) {
  c->full = c->full || c->head.len + len > c->head_max;
  if (!c->full) {
    markup_bytes(&c->head, record, len);
    return;
  }
  if (c->tail[1].len + len > c->tail_max / 2) {
    turn_over(c);
  }
  if (len > c->tail_max / 2) {
    c->num_left_out++;
    return;
  }
  markup_bytes(&c->tail[1], record, len);
  c->num_tail[1]++;
}

bool clip_failed(const struct clip *c) {
  return c->head.failed || c->tail[0].failed || c->tail[1].failed;
}
