// Whatever is read writes back as the same bytes; written anew in the canonical layout it tells the
// same session, with the same hash, and stays as it is when that is done again; reads of any size give
// the same items.
#include "replay/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "replay/digest.h"

enum goal { GOAL_END, GOAL_BAD, GOAL_COMMENT, GOAL_FACT, GOAL_EVENT, GOAL_SERVER, GOAL_SECRET };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_END] = "a whole transcript", [GOAL_BAD] = "a bad line",
    [GOAL_COMMENT] = "a comment",      [GOAL_FACT] = "a fact",
    [GOAL_EVENT] = "an event",         [GOAL_SERVER] = "a line of the server's",
    [GOAL_SECRET] = "a secret",
};

struct source {
  const struct ehlo_fuzz_bytes *text;
  size_t at;
  struct ehlo_fuzz_cuts cuts;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t left = s->text->len - s->at;
  size_t n = ehlo_fuzz_next_cut(&s->cuts, left < cap ? left : cap);
  if (n > 0) {
    memcpy(buf, s->text->bytes + s->at, n);
    s->at += n;
  }
  return (long)n;
}

static bool take(void *arg, const char *text, size_t len) {
  ehlo_fuzz_add(arg, text, len);
  return true;
}

// What one reading of a transcript gives.
struct reading {
  struct ehlo_fuzz_bytes raw;        // every line as it was
  struct ehlo_fuzz_bytes canonical;  // every item written anew
  struct ehlo_fuzz_bytes said;       // the bytes in them, however they are laid out
  struct ehlo_fuzz_bytes marks;      // what stands between which of these bytes
  struct ehlo_digest digest;         // of the items
  uint64_t time_us;                  // of the last one
  enum ehlo_read_result result;
  struct ehlo_transcript_error error;
};

static void free_reading(struct reading *r) {
  free(r->raw.bytes);
  free(r->canonical.bytes);
  free(r->said.bytes);
  free(r->marks.bytes);
}

// The bytes of an item between its secrets, each of which is told by `secret`.
static void each_piece(const struct ehlo_item *item, void (*bytes)(void *, const uint8_t *, size_t),
                       void (*secret)(void *), void *arg) {
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    EHLO_FUZZ_CHECK(item->secret_at[i] >= at && item->secret_at[i] <= item->bytes_len);
    bytes(arg, item->bytes + at, item->secret_at[i] - at);
    secret(arg);
    at = item->secret_at[i];
  }
  bytes(arg, item->bytes + at, item->bytes_len - at);
}

// ---- The canonical layout -----------------------------------------------------------------------

static void write_bytes(void *arg, const uint8_t *bytes, size_t len) {
  ehlo_writer_bytes(arg, bytes, len);
}

static void write_secret(void *arg) {
  ehlo_writer_secret(arg);
}

// A fact or event has no call of the writer's when it holds a secret or a NUL, or is as long as a
// line can be: it stays as it was.
static bool has_a_call(const struct ehlo_item *item) {
  return item->num_secrets == 0 && item->raw_len + 32 < EHLO_TRANSCRIPT_LINE_MAX &&
         memchr(item->bytes, '\0', item->bytes_len) == NULL;
}

static void write_marked(struct ehlo_writer *w, const struct ehlo_item *item) {
  uint64_t delta_us = item->has_time ? item->delta_us : EHLO_NO_TIME;
  if (!has_a_call(item)) {
    ehlo_writer_raw_line(w, item->raw, item->raw_len, true);
  } else if (item->type == EHLO_ITEM_FACT) {
    ehlo_writer_fact(w, delta_us, (const char *)item->bytes, item->bytes_len);
  } else {
    uint8_t *text = calloc(item->bytes_len + 1, 1);
    memcpy(text, item->bytes, item->bytes_len);
    ehlo_writer_event(w, (const char *)text);
    free(text);
  }
}

static void write_dialogue(struct ehlo_writer *w, const struct ehlo_item *item) {
  if (item->has_time || !w->in_chunk || w->side != item->side) {
    ehlo_writer_chunk_begin(w, item->side, item->has_time ? item->delta_us : EHLO_NO_TIME);
  }
  each_piece(item, write_bytes, write_secret, w);
}

// ---- What a transcript says ---------------------------------------------------------------------

struct story {
  struct reading *out;
  bool in_chunk;
  enum ehlo_side side;
};

static void mark(struct reading *r, char what, uint64_t number) {
  const uint64_t words[] = {(uint64_t)what, number, r->said.len};
  ehlo_fuzz_add(&r->marks, words, sizeof(words));
}

static void tell_bytes(void *arg, const uint8_t *bytes, size_t len) {
  ehlo_fuzz_add(&((struct reading *)arg)->said, bytes, len);
}

static void tell_secret(void *arg) {
  ehlo_fuzz_reach(GOAL_SECRET);
  mark(arg, 's', 0);
}

// A chunk goes on over comments and events, and is told once.
static void tell_dialogue(struct story *s, const struct ehlo_item *item) {
  if (!s->in_chunk || s->side != item->side || item->has_time) {
    mark(s->out, item->side == EHLO_SIDE_SERVER ? 'S' : 'C',
         item->has_time ? item->delta_us : EHLO_NO_TIME);
  }
  s->in_chunk = true;
  s->side = item->side;
  each_piece(item, tell_bytes, tell_secret, s->out);
}

static void tell_marked(struct story *s, const struct ehlo_item *item) {
  if (item->type == EHLO_ITEM_FACT) {
    s->in_chunk = false;
    mark(s->out, 'F', item->has_time ? item->delta_us : EHLO_NO_TIME);
    mark(s->out, 'f', item->fact);
  } else {
    mark(s->out, 'E', 0);
  }
  each_piece(item, tell_bytes, tell_secret, s->out);
}

// ---- Reading ------------------------------------------------------------------------------------

static void take_item(struct ehlo_writer *canonical, struct story *s,
                      const struct ehlo_item *item) {
  switch (item->type) {
    case EHLO_ITEM_COMMENT:
      ehlo_writer_comment(canonical, item->text);
      tell_bytes(s->out, (const uint8_t *)item->text, item->text_len);  // long ones become two
      ehlo_fuzz_reach(GOAL_COMMENT);
      break;
    case EHLO_ITEM_FACT:
    case EHLO_ITEM_EVENT:
      write_marked(canonical, item);
      tell_marked(s, item);
      ehlo_fuzz_reach(item->type == EHLO_ITEM_FACT ? GOAL_FACT : GOAL_EVENT);
      break;
    case EHLO_ITEM_SERVER:
    case EHLO_ITEM_CLIENT:
      write_dialogue(canonical, item);
      tell_dialogue(s, item);
      ehlo_fuzz_reach(GOAL_SERVER);
      break;
  }
}

static void read_all(struct reading *out, const struct ehlo_fuzz_bytes *text,
                     struct ehlo_fuzz_cuts cuts) {
  static struct ehlo_reader reader;
  static struct ehlo_writer raw;
  static struct ehlo_writer canonical;
  struct source source = {text, 0, cuts};
  struct story story = {.out = out};
  struct ehlo_item item;
  ehlo_reader_init(&reader, give, &source);
  ehlo_writer_init(&raw, take, &out->raw);
  ehlo_writer_init_gathering(&canonical, take, &out->canonical);
  ehlo_digest_init(&out->digest);
  while ((out->result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    ehlo_writer_raw_line(&raw, item.raw, item.raw_len, item.has_line_feed);
    take_item(&canonical, &story, &item);
    out->time_us += item.has_time ? item.delta_us : 0;
    ehlo_digest_item(&out->digest, out->time_us, &item);
  }
  ehlo_writer_chunk_end(&canonical);
  ehlo_writer_flush(&canonical);
  EHLO_FUZZ_CHECK(!raw.failed && !canonical.failed);
  out->error = reader.error;
  ehlo_fuzz_reach(out->result == EHLO_READ_END ? GOAL_END : GOAL_BAD);
}

// The lines before the bad one, if there is one, were read and are whole.
static void judge_raw(const struct reading *r, const struct ehlo_fuzz_bytes *text) {
  EHLO_FUZZ_CHECK(r->raw.len <= text->len);
  EHLO_FUZZ_CHECK(r->raw.len == 0 || memcmp(r->raw.bytes, text->bytes, r->raw.len) == 0);
  EHLO_FUZZ_CHECK(r->result == EHLO_READ_END || r->result == EHLO_READ_BAD);
  if (r->result == EHLO_READ_END) {
    EHLO_FUZZ_CHECK(r->raw.len == text->len);
    return;
  }
  size_t lines = 1;
  for (size_t i = 0; i < r->raw.len; i++) {
    lines += text->bytes[i] == '\n';
  }
  EHLO_FUZZ_CHECK(r->error.message != NULL && r->error.line == lines && r->error.column > 0);
}

static void expect_same_story(const struct reading *a, const struct reading *b) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     ehlo_digest_value(&a->digest) == ehlo_digest_value(&b->digest));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&a->said, &b->said));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&a->marks, &b->marks));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_fuzz_bytes text = {ehlo_fuzz_copy(data, size), size, size};
  struct reading whole = {.result = EHLO_READ_FAILED};
  read_all(&whole, &text, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  judge_raw(&whole, &text);
  struct reading cut = {.result = EHLO_READ_FAILED};
  read_all(&cut, &text, (struct ehlo_fuzz_cuts){EHLO_FUZZ_PIECES, (uint32_t)size});
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     cut.result == whole.result && cut.error.message == whole.error.message);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT,
                     cut.error.line == whole.error.line && cut.error.column == whole.error.column);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&cut.raw, &whole.raw));
  expect_same_story(&cut, &whole);
  struct reading again = {.result = EHLO_READ_FAILED};
  read_all(&again, &whole.canonical, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  EHLO_FUZZ_CHECK(again.result == EHLO_READ_END);
  expect_same_story(&again, &whole);
  EHLO_FUZZ_CHECK(ehlo_fuzz_same(&again.canonical, &whole.canonical));
  free_reading(&again);
  free_reading(&cut);
  free_reading(&whole);
  free(text.bytes);
  return 0;
}
