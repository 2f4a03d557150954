// A queue of lines in one block: for each a header, then its text as written. Escapes are read when
// their byte is compared; what has none is compared as a span.
#include "replay/expect.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "replay/escape.h"

struct header {
  uint64_t time_us;
  size_t line;
  uint32_t column;
  uint16_t text_len;
  bool ends_line;
};

_Static_assert(sizeof(struct header) <= 32, "as documented");
_Static_assert(EHLO_TRANSCRIPT_LINE_MAX <= UINT16_MAX, "a text's length fits");

// What is next in one go: literal bytes, one escaped byte, or a secret.
struct piece {
  struct header header;
  struct ehlo_place place;
  bool secret;
  uint8_t byte;          // of an escape
  const uint8_t *bytes;  // NULL: `byte` is it
  size_t len;
  size_t text_used;  // characters, all of them or as many as bytes are taken
};

void ehlo_expect_clear(struct ehlo_expect *e) {
  e->next = (struct ehlo_expect_cursor){0, 0, 0};
  e->end = 0;
  e->unread = 0;
  e->cr_passed = false;
}

void ehlo_expect_init(struct ehlo_expect *e) {
  ehlo_expect_clear(e);
  e->foreign = false;
  e->lf_passed = false;
}

bool ehlo_expect_is_empty(const struct ehlo_expect *e) {
  return e->end == 0;
}

static void make_room(struct ehlo_expect *e) {
  memmove(e->room, e->room + e->next.entry, e->end - e->next.entry);
  e->end -= e->next.entry;
  e->unread = e->unread > e->next.entry ? e->unread - e->next.entry : 0;
  e->next.entry = 0;
}

bool ehlo_expect_add(struct ehlo_expect *e, const struct ehlo_item *item, uint64_t time_us) {
  size_t len = sizeof(struct header) + item->text_len;
  if (len > sizeof(e->room) - e->end) {
    make_room(e);
  }
  if (len > sizeof(e->room) - e->end) {
    return false;
  }
  struct header header = {.time_us = time_us,
                          .line = item->line,
                          .column = (uint32_t)item->column,
                          .text_len = (uint16_t)item->text_len,
                          .ends_line = item->ends_line};
  memcpy(e->room + e->end, &header, sizeof(header));
  memcpy(e->room + e->end + sizeof(header), item->text, item->text_len);
  e->end += len;
  return true;
}

// ---- Pieces -------------------------------------------------------------------------------------

static void take_escape(struct piece *out, const char *text, size_t len) {
  enum ehlo_escape escape = ehlo_escape_take(&out->byte, &out->text_used, text, len);
  assert(escape == EHLO_ESCAPE_BYTE || escape == EHLO_ESCAPE_SECRET);
  out->bytes = NULL;
  out->secret = escape == EHLO_ESCAPE_SECRET;
  out->len = out->secret ? 0 : 1;
}

// The piece at the cursor; false at the end. A lone backslash at a line's end is no piece.
static bool piece_at(const struct ehlo_expect *e, struct ehlo_expect_cursor *at,
                     struct piece *out) {
  static const uint8_t crlf[] = {'\r', '\n'};
  while (at->entry < e->end) {
    memcpy(&out->header, e->room + at->entry, sizeof(out->header));
    const uint8_t *text = e->room + at->entry + sizeof(out->header);
    size_t text_len = out->header.text_len - (out->header.ends_line ? 0 : 1);
    out->place = (struct ehlo_place){out->header.line, out->header.column + at->text_at};
    out->secret = false;
    if (at->text_at < text_len) {
      const uint8_t *rest = text + at->text_at;
      const uint8_t *escape = memchr(rest, '\\', text_len - at->text_at);
      out->bytes = rest;
      out->len = escape != NULL ? (size_t)(escape - rest) : text_len - at->text_at;
      out->text_used = out->len;
      if (out->len == 0) {
        take_escape(out, (const char *)rest, text_len - at->text_at);
      }
      return true;
    }
    if (out->header.ends_line && at->crlf_at < sizeof(crlf)) {
      out->bytes = crlf + at->crlf_at;
      out->len = sizeof(crlf) - at->crlf_at;
      out->text_used = 0;
      return true;
    }
    *at = (struct ehlo_expect_cursor){at->entry + sizeof(out->header) + out->header.text_len, 0, 0};
  }
  return false;
}

// Goes over `n` bytes of the piece, or over its secret.
static void step(struct ehlo_expect_cursor *at, const struct piece *p, size_t n) {
  if (p->bytes == NULL) {
    at->text_at += p->text_used;
  } else if (p->text_used == 0) {
    at->crlf_at += n;
  } else {
    at->text_at += n;
  }
}

static const uint8_t *bytes_of(const struct piece *p) {
  return p->bytes != NULL ? p->bytes : &p->byte;
}

// All before the cursor is done with.
static void take_up_to(struct ehlo_expect *e, struct ehlo_expect_cursor at) {
  struct piece unused;
  e->next = at;
  if (!piece_at(e, &e->next, &unused)) {
    ehlo_expect_clear(e);
  }
}

static void put_piece(struct ehlo_digest *digest, const struct piece *p) {
  if (p->secret) {
    ehlo_digest_secret(digest, EHLO_SIDE_CLIENT, p->header.time_us);
  } else {
    ehlo_digest_bytes(digest, EHLO_SIDE_CLIENT, p->header.time_us, bytes_of(p), p->len);
  }
}

// ---- Reading ------------------------------------------------------------------------------------

bool ehlo_expect_has_unread(const struct ehlo_expect *e) {
  return e->unread < e->end;
}

static void add_piece(struct ehlo_expect_text *out, const struct piece *p) {
  if (p->secret) {
    out->secret_at[out->num_secrets++] = out->len;
    return;
  }
  memcpy(out->bytes + out->len, bytes_of(p), p->len);
  out->len += p->len;
}

bool ehlo_expect_read(struct ehlo_expect *e, struct ehlo_expect_text *out) {
  struct ehlo_expect_cursor at = {e->unread, 0, 0};
  struct piece p;
  if (!ehlo_expect_has_unread(e)) {
    return false;
  }
  out->len = 0;
  out->num_secrets = 0;
  for (bool first = true; piece_at(e, &at, &p) && at.entry == e->unread; first = false) {
    out->place = first ? p.place : out->place;
    add_piece(out, &p);
    step(&at, &p, p.len);
  }
  struct header header;
  memcpy(&header, e->room + e->unread, sizeof(header));
  e->unread += sizeof(header) + header.text_len;
  return true;
}

void ehlo_expect_skip(struct ehlo_expect *e, struct ehlo_digest *digest) {
  struct piece p;
  for (; piece_at(e, &e->next, &p); step(&e->next, &p, p.len)) {
    put_piece(digest, &p);
  }
  ehlo_expect_clear(e);
}

// ---- For people ---------------------------------------------------------------------------------

struct ehlo_place ehlo_expect_place(const struct ehlo_expect *e) {
  struct ehlo_expect_cursor at = e->next;
  struct piece p;
  bool some = piece_at(e, &at, &p);
  assert(some);
  (void)some;
  return p.place;
}

// Adds bytes; false where the line or the room is at its end.
static bool quote(char out[200], size_t *len, const uint8_t *bytes, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (*len >= 190) {
      return false;
    }
    *len += ehlo_escape_put(out + *len, bytes[i]);
    if (bytes[i] == '\n') {
      return false;
    }
  }
  return true;
}

void ehlo_expect_describe(const struct ehlo_expect *e, char out[200]) {
  struct ehlo_expect_cursor at = e->next;
  struct piece p;
  size_t len = 0;
  bool first = true;
  out[len++] = '"';
  for (; piece_at(e, &at, &p); first = false) {
    if (p.secret && first) {
      snprintf(out, 200, "a secret");
      return;
    }
    if (p.secret || !quote(out, &len, bytes_of(&p), p.len)) {
      break;
    }
    step(&at, &p, p.len);
  }
  out[len++] = '"';
  out[len] = '\0';
}

// ---- Comparing ----------------------------------------------------------------------------------

// Bytes of the client that go into the digest together, as long as their time is the same.
struct run {
  struct ehlo_digest *digest;
  const uint8_t *bytes;
  size_t len;
  uint64_t time_us;
};

static void run_end(struct run *r) {
  ehlo_digest_bytes(r->digest, EHLO_SIDE_CLIENT, r->time_us, r->bytes, r->len);
  r->bytes += r->len;
  r->len = 0;
}

static void run_add(struct run *r, size_t n, uint64_t time_us) {
  if (time_us != r->time_us) {
    run_end(r);
    r->time_us = time_us;
  }
  r->len += n;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t num_same(const uint8_t *a, const uint8_t *b, size_t len) {
  if (memcmp(a, b, len) == 0) {
    return len;
  }
  size_t n = 0;
  while (a[n] == b[n]) {
    n++;
  }
  return n;
}

static bool match_secret(struct ehlo_expect *e, size_t *out_len, const struct ehlo_output *out,
                         struct ehlo_digest *digest) {
  struct ehlo_expect_cursor at = e->next;
  struct piece p;
  bool begun = (out->flags & EHLO_OUTPUT_CONTINUED) != 0;
  bool is_secret = piece_at(e, &at, &p) && p.secret;
  if (!begun && !is_secret && !e->foreign) {
    return false;
  }
  *out_len = out->span.len;
  if (begun || !is_secret) {
    return true;
  }
  ehlo_digest_secret(digest, EHLO_SIDE_CLIENT, p.header.time_us);
  step(&at, &p, 0);
  take_up_to(e, at);
  return true;
}

static bool is_lone_lf(const struct piece *p) {
  return p->bytes == NULL && !p->secret && p->byte == '\n';
}

// Whether the next byte is one that only the client has: the CR before an LF that stands alone in the
// transcript, or behind it, in a message, the dot that the client puts before another (RFC 5321 §4.5.2).
static bool passes_byte(struct ehlo_expect *e, const struct piece *p, const struct ehlo_output *out,
                        size_t at) {
  const uint8_t *next = out->span.bytes + at;
  if (e->foreign && is_lone_lf(p) && next[0] == '\r' && !e->cr_passed) {
    e->cr_passed = true;
    return true;
  }
  bool dots = at + 1 < out->span.len && next[0] == '.' && next[1] == '.';
  bool passes = e->lf_passed && dots && (out->flags & EHLO_OUTPUT_BODY) != 0;
  e->lf_passed = e->lf_passed && !passes;
  return passes;
}

// Whether `byte` is sent for what is next, which the engine would not send.
static bool stands_in(const struct ehlo_expect *e, const struct piece *p, uint8_t byte) {
  bool escape = p->bytes == NULL && !p->secret;
  bool refused = p->secret || (escape && (p->byte < 0x20 || p->byte > 0x7e) && p->byte != '\n');
  return e->foreign && byte == EHLO_STAND_IN && refused;
}

// Whether the command that is sent ends here, and its line goes on.
static bool ends_early(const struct ehlo_expect *e, const struct piece *p,
                       const struct ehlo_output *out, size_t at) {
  bool line_end = is_lone_lf(p) || (p->bytes != NULL && p->text_used == 0);
  bool command = (out->flags & EHLO_OUTPUT_BODY) == 0;
  return e->foreign && command && out->span.bytes[at] == '\r' && !line_end;
}

bool ehlo_expect_match(struct ehlo_expect *e, size_t *out_len, const struct ehlo_output *out,
                       struct ehlo_digest *digest) {
  *out_len = 0;
  if ((out->flags & EHLO_OUTPUT_SECRET) != 0) {
    return match_secret(e, out_len, out, digest);
  }
  struct ehlo_expect_cursor at = e->next;
  struct run run = {.digest = digest, .bytes = out->span.bytes};
  struct piece p;
  bool good = true;
  while (good && *out_len < out->span.len && piece_at(e, &at, &p)) {
    if (stands_in(e, &p, out->span.bytes[*out_len])) {
      run_end(&run);
      put_piece(digest, &p);
      step(&at, &p, p.len);
      run.bytes++;
      ++*out_len;
      continue;
    }
    if (ends_early(e, &p, out, *out_len)) {
      run_end(&run);
      put_piece(digest, &p);
      step(&at, &p, p.len);
      continue;
    }
    if (p.secret) {
      good = *out_len > 0;
      break;
    }
    if (passes_byte(e, &p, out, *out_len)) {
      run_end(&run);
      run.bytes++;
      ++*out_len;
      continue;
    }
    size_t n = least(p.len, out->span.len - *out_len);
    size_t same = num_same(bytes_of(&p), out->span.bytes + *out_len, n);
    if (same > 0) {
      step(&at, &p, same);
      run_add(&run, same, p.header.time_us);
      *out_len += same;
      e->lf_passed = e->cr_passed && (out->flags & EHLO_OUTPUT_BODY) != 0;
      e->cr_passed = false;
    }
    good = same > 0;
  }
  run_end(&run);
  take_up_to(e, at);
  return good;
}

size_t ehlo_expect_num_bytes(const struct ehlo_expect *e, size_t max) {
  struct ehlo_expect_cursor at = e->next;
  struct piece p;
  size_t num = 0;
  for (; num < max && piece_at(e, &at, &p) && !p.secret; step(&at, &p, p.len)) {
    num += p.len;
  }
  return least(num, max);
}

void ehlo_expect_replace(struct ehlo_expect *e, const struct ehlo_output *out,
                         struct ehlo_digest *digest, uint64_t time_us) {
  struct ehlo_expect_cursor at = e->next;
  struct piece p;
  if ((out->flags & EHLO_OUTPUT_SECRET) != 0) {
    size_t unused;
    if (!match_secret(e, &unused, out, digest)) {
      ehlo_digest_secret(digest, EHLO_SIDE_CLIENT, time_us);
    }
    return;
  }
  struct run run = {.digest = digest, .bytes = out->span.bytes};
  size_t done = 0;
  while (done < out->span.len && piece_at(e, &at, &p)) {
    size_t n = least(p.len, out->span.len - done);
    step(&at, &p, n);
    run_add(&run, n, p.header.time_us);
    done += n;
  }
  run_add(&run, out->span.len - done, time_us);
  run_end(&run);
  take_up_to(e, at);
}

void ehlo_expect_drop_half_line_end(struct ehlo_expect *e, struct ehlo_digest *digest) {
  struct ehlo_expect_cursor at = e->next;
  uint8_t half[2];
  uint64_t times[2];
  size_t len = 0;
  struct piece p;
  for (; piece_at(e, &at, &p); step(&at, &p, p.len)) {
    for (size_t i = 0; i < p.len || p.secret; i++) {
      uint8_t byte = p.secret ? 0 : bytes_of(&p)[i];
      if (len == sizeof(half) || (byte != '.' && byte != '\r')) {
        return;
      }
      times[len] = p.header.time_us;
      half[len++] = byte;
    }
  }
  for (size_t i = 0; i < len; i++) {
    ehlo_digest_bytes(digest, EHLO_SIDE_CLIENT, times[i], half + i, 1);
  }
  ehlo_expect_clear(e);
}
