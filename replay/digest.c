// Bytes are hashed eight at a time as they go by, whatever the calls; times and secret places are
// hashed beside them with the number of bytes before them. It keeps nothing of what it was told, and
// it is no proof against somebody who looks for two sessions with one hash.
#include "replay/digest.h"

#include <string.h>

enum mark { MARK_TIME = 1, MARK_SECRET, MARK_END, MARK_NUMBER };

// ---- A lane -------------------------------------------------------------------------------------

// For each `word` another result, and for each `hash` too.
static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 32;
}

// The same on every machine.
static uint64_t load(const uint8_t *bytes) {
  uint64_t word = 0;
  for (unsigned i = 0; i < 8; i++) {
    word |= (uint64_t)bytes[i] << 8 * i;
  }
  return word;
}

static uint64_t load_half(const uint8_t *bytes) {
  return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
         (uint64_t)bytes[3] << 24;
}

// Fewer than eight of them. From four on two loads reach them all, with an overlap of the same bytes.
static uint64_t load_some(const uint8_t *bytes, size_t len) {
  if (len >= 4) {
    return load_half(bytes) | load_half(bytes + len - 4) << 8 * (len - 4);
  }
  uint64_t word = len > 0 ? bytes[0] : 0;
  word |= len > 1 ? (uint64_t)bytes[1] << 8 : 0;
  return word | (len > 2 ? (uint64_t)bytes[2] << 16 : 0);
}

// Words are of eight bytes of the stream, wherever the calls cut it: `shift` bits of the word under way
// are there already.
static void add_bytes(struct ehlo_digest_lane *l, const uint8_t *bytes, size_t len) {
  unsigned shift = 8 * (unsigned)(l->len % 8);
  uint64_t hash = l->hash;
  uint64_t word = l->word;
  l->len += len;
  for (; len >= 8; bytes += 8, len -= 8) {
    uint64_t next = load(bytes);
    hash = mix(hash, word | next << shift);
    word = shift > 0 ? next >> (64 - shift) : 0;
  }
  uint64_t rest = load_some(bytes, len);
  word |= rest << shift;
  if (shift + 8 * len >= 64) {
    hash = mix(hash, word);
    word = rest >> (64 - shift);  // not all of it fitted, so there was a shift
  }
  l->hash = hash;
  l->word = word;
}

static void add_mark(struct ehlo_digest_lane *l, enum mark mark, uint64_t value) {
  l->marks = mix(mix(mix(l->marks, l->len), (uint64_t)mark), value);
}

static void add_time(struct ehlo_digest_lane *l, uint64_t time_us) {
  if (time_us != l->time_us) {
    l->time_us = time_us;
    add_mark(l, MARK_TIME, time_us);
  }
}

static void add_number(struct ehlo_digest_lane *l, uint64_t number) {
  add_mark(l, MARK_NUMBER, number);
}

static void add_text(struct ehlo_digest_lane *l, const char *text, size_t len) {
  add_bytes(l, (const uint8_t *)text, len);
  add_mark(l, MARK_END, 0);
}

static void add_span(struct ehlo_digest_lane *l, struct ehlo_span span) {
  add_bytes(l, span.bytes, span.len);
  add_mark(l, MARK_END, 0);
}

static uint64_t finish(uint64_t hash, const struct ehlo_digest_lane *l) {
  return mix(mix(mix(mix(hash, l->hash), l->word), l->len), l->marks);
}

// ---- The session --------------------------------------------------------------------------------

void ehlo_digest_init(struct ehlo_digest *d) {
  memset(d, 0, sizeof(*d));
}

void ehlo_digest_bytes(struct ehlo_digest *d, enum ehlo_side side, uint64_t time_us,
                       const uint8_t *bytes, size_t len) {
  if (len > 0) {
    add_time(&d->sides[side], time_us);
    add_bytes(&d->sides[side], bytes, len);
  }
}

void ehlo_digest_secret(struct ehlo_digest *d, enum ehlo_side side, uint64_t time_us) {
  struct ehlo_digest_lane *l = &d->sides[side];
  add_time(l, time_us);
  add_mark(l, MARK_SECRET, 0);
  l->num_secrets++;
}

static bool is_word(const uint8_t *text, size_t len, const char *word) {
  size_t word_len = strlen(word);
  return len >= word_len && memcmp(text, word, word_len) == 0 &&
         (len == word_len || text[word_len] == ' ');
}

void ehlo_digest_fact(struct ehlo_digest *d, uint64_t time_us, const uint8_t *text, size_t len) {
  if (is_word(text, len, "submit")) {
    add_span(&d->settings, (struct ehlo_span){text, len});
  } else if (!is_word(text, len, "note") && !is_word(text, len, "ehlo-transcript")) {
    add_time(&d->facts, time_us);
    add_span(&d->facts, (struct ehlo_span){text, len});
  }
}

static void add_dialogue(struct ehlo_digest *d, uint64_t time_us, const struct ehlo_item *item) {
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    ehlo_digest_bytes(d, item->side, time_us, item->bytes + at, item->secret_at[i] - at);
    ehlo_digest_secret(d, item->side, time_us);
    at = item->secret_at[i];
  }
  ehlo_digest_bytes(d, item->side, time_us, item->bytes + at, item->bytes_len - at);
}

// A secret in a fact has no meaning and counts as its place all the same.
static void add_fact_secrets(struct ehlo_digest *d, const struct ehlo_item *item) {
  struct ehlo_digest_lane *l = item->fact == EHLO_FACT_SUBMIT ? &d->settings : &d->facts;
  for (size_t i = 0; i < item->num_secrets && item->fact != EHLO_FACT_NOTE; i++) {
    add_mark(l, MARK_SECRET, item->secret_at[i]);
  }
}

void ehlo_digest_item(struct ehlo_digest *d, uint64_t time_us, const struct ehlo_item *item) {
  switch (item->type) {
    case EHLO_ITEM_SERVER:
    case EHLO_ITEM_CLIENT:
      add_dialogue(d, time_us, item);
      break;
    case EHLO_ITEM_FACT:
      ehlo_digest_fact(d, time_us, item->bytes, item->bytes_len);
      add_fact_secrets(d, item);
      break;
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_EVENT:
      break;
  }
}

// ---- Events -------------------------------------------------------------------------------------

void ehlo_digest_words(struct ehlo_digest *d, const char *text) {
  add_text(&d->events, text, strlen(text));
}

// Where a server's line was hidden, a replay has other text there, of another length: the text of
// replies and challenges, the line of an error and its offset are then not comparable.
void ehlo_digest_event(struct ehlo_digest *d, const struct ehlo_event *event, const char *text) {
  const char *offset = event->type == EHLO_EVENT_FAILED ? strstr(text, " at ") : NULL;
  add_text(&d->events, text, offset != NULL ? (size_t)(offset - text) : strlen(text));
  add_number(&d->events, event->of_recipient ? event->recipient + 1 : 0);
  add_number(&d->events, event->num_due);
  add_number(&d->events, event->reply.num_lines);
  if (event->type == EHLO_EVENT_FAILED) {
    const char *verb = ehlo_verb_name(event->error.verb);
    add_text(&d->events, verb, strlen(verb));
    add_number(&d->events, event->error.verb_sent);
    add_number(&d->details, event->error.offset);
  }
  add_span(&d->details, event->reply.text);
  add_span(&d->details, event->challenge);
  add_span(&d->details, event->error.line);
}

uint64_t ehlo_digest_value(const struct ehlo_digest *d) {
  const struct ehlo_digest_lane *server = &d->sides[EHLO_SIDE_SERVER];
  uint64_t hash = finish(1, &d->settings);
  hash = finish(hash, server);
  hash = finish(hash, &d->sides[EHLO_SIDE_CLIENT]);
  hash = finish(hash, &d->facts);
  hash = finish(hash, &d->events);
  return server->num_secrets > 0 ? hash : finish(hash, &d->details);
}
