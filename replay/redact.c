// Finds credentials in server lines. The line and each form of a secret are folded to what is
// compared, and their windows of a few characters are compared as integers. Nearly every line is let
// through by a filter of the secrets' windows after one look at it; for the others a table of what
// the line holds keeps the comparison fast with tokens of many kilobytes. It keeps no state from line
// to line.
#include "replay/redact.h"

#include <assert.h>
#include <string.h>

#define HIT_WINDOW 8
#define GRAZE_WINDOW 4
#define BASE64_FORM_MIN 4
#define RAW (-1)

// ---- Folding and windows ------------------------------------------------------------------------

// What is compared: no control bytes and blanks (-1), one letter case, one base64 alphabet.
static int fold(uint8_t byte) {
  if (byte <= 0x20 || byte == 0x7f) {
    return -1;
  }
  switch (byte) {
    case '-':
      return '+';
    case '_':
      return '/';
    default:
      return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
  }
}

// The last `size` folded characters that went by, at most 8 of them.
struct window {
  size_t size;
  size_t num_seen;
  uint64_t value;
};

// Whether the window is complete, and a new one.
static bool window_push(struct window *w, uint8_t byte) {
  int c = fold(byte);
  if (c < 0) {
    return false;
  }
  uint64_t mask = w->size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * w->size)) - 1;
  w->value = ((w->value << 8) | (uint64_t)c) & mask;
  w->num_seen++;
  return w->num_seen >= w->size;
}

static bool line_has(const uint8_t *line, size_t len, const struct window *wanted) {
  struct window w = {.size = wanted->size};
  for (size_t i = 0; i < len; i++) {
    if (window_push(&w, line[i]) && w.value == wanted->value) {
      return true;
    }
  }
  return false;
}

// ---- The windows of a line ----------------------------------------------------------------------

// A Bloom filter: what is not in it is not in the line. A short line has a small one.
#define SEEN_BITS_MIN 10
#define SEEN_BITS_MAX 18
struct seen {
  int bits;
  uint64_t words[(1u << SEEN_BITS_MAX) / 64];
};

static uint32_t seen_bit(const struct seen *s, uint64_t value, int which) {
  uint64_t hash = value * UINT64_C(0x9e3779b97f4a7c15);
  return (uint32_t)(hash >> (64 - (which + 1) * s->bits)) & ((1u << s->bits) - 1);
}

// Sixteen bits for each octet of the line.
static void seen_init(struct seen *s, size_t len) {
  s->bits = SEEN_BITS_MIN;
  while (s->bits < SEEN_BITS_MAX && (size_t)1 << s->bits < 16 * len) {
    s->bits++;
  }
  memset(s->words, 0, ((size_t)1 << s->bits) / 8);
}

static void seen_fill(struct seen *s, const uint8_t *line, size_t len, size_t window) {
  struct window w = {.size = window};
  seen_init(s, len);
  for (size_t i = 0; i < len; i++) {
    if (window_push(&w, line[i])) {
      for (int which = 0; which < 2; which++) {
        uint32_t bit = seen_bit(s, w.value, which);
        s->words[bit / 64] |= UINT64_C(1) << (bit % 64);
      }
    }
  }
}

static bool seen_maybe(const struct seen *s, uint64_t value) {
  for (int which = 0; which < 2; which++) {
    uint32_t bit = seen_bit(s, value, which);
    if ((s->words[bit / 64] >> (bit % 64) & 1) == 0) {
      return false;
    }
  }
  return true;
}

// ---- The forms of a secret ----------------------------------------------------------------------

// A secret as it is (`shift` RAW), or those characters of its base64 that it alone decides when
// `shift` (0, 1, 2) bytes of something else stand before it in its group of three.
struct form {
  const uint8_t *secret;
  size_t len;
  int shift;
};

// Places in a form: from `first` on, and `end` the one past them.
static size_t form_first(const struct form *f) {
  return f->shift == RAW ? 0 : (size_t)(8 * f->shift + 5) / 6;
}

static size_t form_end(const struct form *f) {
  return f->shift == RAW ? f->len : 8 * ((size_t)f->shift + f->len) / 6;
}

static uint8_t form_at(const struct form *f, size_t place) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (f->shift == RAW) {
    return f->secret[place];
  }
  size_t bit = 6 * place - 8 * (size_t)f->shift;
  size_t at = bit / 8;
  unsigned pair = (unsigned)f->secret[at] << 8;
  if (at + 1 < f->len) {
    pair |= f->secret[at + 1];
  }
  return (uint8_t)alphabet[pair >> (10 - bit % 8) & 63];
}

static size_t form_folded_len(const struct form *f) {
  size_t num = 0;
  for (size_t place = form_first(f); place < form_end(f); place++) {
    num += fold(form_at(f, place)) >= 0 ? 1 : 0;
  }
  return num;
}

// How many of its folded characters a window has: all of them where there are few; 0: the form is not
// looked for.
static size_t form_window(const struct form *f, size_t window) {
  size_t len = form_folded_len(f);
  if (len < (f->shift == RAW ? 1 : BASE64_FORM_MIN)) {
    return 0;
  }
  return len < window ? len : window;
}

static bool form_in_line(const struct form *f, const uint8_t *line, size_t len, size_t window,
                         const struct seen *s) {
  struct window w = {.size = form_window(f, window)};
  bool in_table = w.size == window;
  if (w.size == 0) {
    return false;
  }
  for (size_t place = form_first(f); place < form_end(f); place++) {
    if (window_push(&w, form_at(f, place)) && (!in_table || seen_maybe(s, w.value)) &&
        line_has(line, len, &w)) {
      return true;
    }
  }
  return false;
}

static bool contains(const struct ehlo_redactor *r, const uint8_t *line, size_t len,
                     size_t window) {
  struct seen s;
  if (r->num == 0) {
    return false;
  }
  seen_fill(&s, line, len, window);
  const uint8_t *secret = r->bytes;
  for (size_t i = 0; i < r->num; i++) {
    for (int shift = RAW; shift <= 2; shift++) {
      struct form f = {secret, r->len[i], shift};
      if (form_in_line(&f, line, len, window, &s)) {
        return true;
      }
    }
    secret += r->len[i];
  }
  return false;
}

// ---- The windows of the secrets -----------------------------------------------------------------

// A Bloom filter with all bits of a block in one word. With 64 bits and more for each block, as
// long as there is room, an ordinary line hardly ever touches it.
#define FILTER_BITS_MIN 9u
#define FILTER_BITS_MAX 12u
static_assert(1u << FILTER_BITS_MAX == EHLO_REDACT_FILTER_MAX, "as large as it may become");

static uint64_t filter_hash(uint64_t block) {
  return block * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t filter_word_bits(uint64_t hash) {
  return UINT64_C(1) << (hash >> 46 & 63) | UINT64_C(1) << (hash >> 40 & 63) |
         UINT64_C(1) << (hash >> 34 & 63);
}

// The filter holds the blocks of the secrets, of a few characters each. Only every `step`th block of a
// line is looked at: the shortest window has block + step - 1 characters, so none goes by unseen.
#define BLOCK_MAX 5u
static size_t filter_block(const struct ehlo_redactor *r) {
  return r->shortest < BLOCK_MAX ? r->shortest : BLOCK_MAX;
}

static size_t filter_step(const struct ehlo_redactor *r) {
  return r->shortest - filter_block(r) + 1;
}

// The last `len` characters of eight.
static uint64_t end_mask(size_t len) {
  return UINT64_MAX >> (64 - 8 * len);
}

static void put_form(struct ehlo_redactor *r, const struct form *f) {
  struct window block = {.size = filter_block(r)};
  if (form_window(f, HIT_WINDOW) == 0) {
    return;
  }
  for (size_t place = form_first(f); place < form_end(f); place++) {
    if (window_push(&block, form_at(f, place))) {
      uint64_t hash = filter_hash(block.value);
      r->filter[hash >> (64 - r->filter_bits)] |= filter_word_bits(hash);
      r->num_blocks++;
    }
  }
}

static void put_secret(struct ehlo_redactor *r, const uint8_t *secret, size_t len) {
  for (int shift = RAW; shift <= 2; shift++) {
    put_form(r, &(struct form){secret, len, shift});
  }
}

static size_t shortest_window(const uint8_t *secret, size_t len) {
  size_t shortest = HIT_WINDOW;
  for (int shift = RAW; shift <= 2; shift++) {
    size_t size = form_window(&(struct form){secret, len, shift}, HIT_WINDOW);
    shortest = size > 0 && size < shortest ? size : shortest;
  }
  return shortest;
}

// Makes the filter fit for one more secret: what is in it already is put anew if need be.
static void make_room(struct ehlo_redactor *r, const uint8_t *secret, size_t len) {
  size_t shortest = shortest_window(secret, len);
  unsigned bits = r->filter_bits;
  while (bits < FILTER_BITS_MAX && (size_t)1 << bits < r->num_blocks + 5 * len) {
    bits++;
  }
  if (bits == r->filter_bits && shortest >= r->shortest) {
    return;
  }
  r->filter_bits = bits;
  r->shortest = shortest < r->shortest ? shortest : r->shortest;
  r->num_blocks = 0;
  memset(r->filter, 0, sizeof(r->filter[0]) << bits);
  const uint8_t *known = r->bytes;
  for (size_t i = 0; i < r->num; i++) {
    put_secret(r, known, r->len[i]);
    known += r->len[i];
  }
}

static uint64_t last_eight(const uint8_t *end) {
  uint64_t value = 0;
  for (int i = -8; i < 0; i++) {
    value = value << 8 | end[i];
  }
  return value;
}

// Whether a line may hold a window of a secret. It is folded piece by piece, each behind the last
// eight characters of the one before.
static bool touches(const struct ehlo_redactor *r, const uint8_t *line, size_t len) {
  uint8_t text[512];
  size_t used = 8;
  size_t next = used + filter_block(r);  // where the next block to look at ends
  size_t step = filter_step(r);
  uint64_t mask = end_mask(filter_block(r));
  unsigned shift = 64 - r->filter_bits;
  memset(text, 0, used);
  while (len > 0) {
    size_t num = len < sizeof(text) - used ? len : sizeof(text) - used;
    for (size_t i = 0; i < num; i++) {
      uint8_t c = r->folded[line[i]];
      text[used] = c;
      used += c != 0 ? 1 : 0;
    }
    for (; next <= used; next += step) {
      uint64_t hash = filter_hash(last_eight(text + next) & mask);
      uint64_t bits = filter_word_bits(hash);
      if ((r->filter[hash >> shift] & bits) == bits) {
        return true;
      }
    }
    line += num;
    len -= num;
    next -= used - 8;
    memmove(text, text + used - 8, 8);
    used = 8;
  }
  return false;
}

// ---- The secrets --------------------------------------------------------------------------------

void ehlo_redactor_init(struct ehlo_redactor *r) {
  r->num = 0;
  memset(r->len, 0, sizeof(r->len));
  r->used = 0;
  r->full = false;
  r->num_blocks = 0;
  r->shortest = HIT_WINDOW;
  r->filter_bits = FILTER_BITS_MIN;
  for (size_t i = 0; i < (size_t)1 << FILTER_BITS_MIN; i++) {
    r->filter[i] = 0;
  }
  for (unsigned byte = 0; byte < sizeof(r->folded); byte++) {
    int c = fold((uint8_t)byte);
    r->folded[byte] = (uint8_t)(c < 0 ? 0 : c);
  }
}

static bool has_secret(const struct ehlo_redactor *r, const uint8_t *bytes, size_t len) {
  size_t at = 0;
  for (size_t i = 0; i < r->num; i++) {
    if (r->len[i] == len && memcmp(r->bytes + at, bytes, len) == 0) {
      return true;
    }
    at += r->len[i];
  }
  return false;
}

void ehlo_redactor_add(struct ehlo_redactor *r, const uint8_t *bytes, size_t len) {
  if (len == 0 || has_secret(r, bytes, len)) {
    return;
  }
  if (r->num == EHLO_REDACT_MAX || len > sizeof(r->bytes) - r->used) {
    r->full = true;
    return;
  }
  make_room(r, bytes, len);
  put_secret(r, bytes, len);
  memcpy(r->bytes + r->used, bytes, len);
  r->used += len;
  r->len[r->num++] = len;
}

bool ehlo_redactor_is_empty(const struct ehlo_redactor *r) {
  return r->num == 0 && !r->full;
}

bool ehlo_redactor_hits(const struct ehlo_redactor *r, const uint8_t *line, size_t len) {
  return r->full || (touches(r, line, len) && contains(r, line, len, HIT_WINDOW));
}

bool ehlo_redactor_grazes(const struct ehlo_redactor *r, const uint8_t *text, size_t len) {
  return contains(r, text, len, GRAZE_WINDOW);
}

// A plain memset() of what nobody reads again may be left out.
static void wipe(volatile uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    bytes[i] = 0;
  }
}

void ehlo_redactor_wipe(struct ehlo_redactor *r) {
  volatile uint64_t *filter = r->filter;
  for (size_t i = 0; i < (size_t)1 << r->filter_bits; i++) {
    filter[i] = 0;
  }
  wipe(r->bytes, r->used);
  wipe((volatile uint8_t *)r, offsetof(struct ehlo_redactor, bytes));
}
