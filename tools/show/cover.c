// The line as it is written goes to the finder; where it finds something the line is put together anew
// and read again, so that whoever shows it meets a hidden place like any other.
#include "tools/show/cover.h"

#include <string.h>

#include "replay/escape.h"

static void add_place(struct show_cover *c, size_t at, size_t len) {
  if (c->num_places < EHLO_TRANSCRIPT_SECRETS_MAX) {
    c->places[c->num_places++] = (struct scrub_place){.at = at, .len = len};
  } else {  // the last one takes all that follows
    c->places[c->num_places - 1].len = at + len - c->places[c->num_places - 1].at;
  }
}

// Places of a credential that began in a line above are behind us.
static void on_found(void *arg, const struct scrub_place *place) {
  struct show_cover *c = arg;
  if (place->at >= c->at) {
    add_place(c, place->at - c->at, place->len);
  }
}

static void on_secret(void *arg, const uint8_t *secret, size_t len) {
  scrub_known_add(&((struct show_cover *)arg)->known, secret, len);
}

void show_cover_init(struct show_cover *c) {
  scrub_known_init(&c->known);
  scrub_finder_init(&c->finder, on_found, on_secret, NULL, c);
  c->finder.ignores_server = true;  // a proof that can be read is a wrong one (FORMAT.md)
  c->in_message = false;
  c->at = 0;
}

// Whether the item is text of a message, which is looked at for repetitions only.
static bool is_message(struct show_cover *c, const struct ehlo_item *item) {
  if (item->type == EHLO_ITEM_SERVER) {
    c->in_message = item->bytes_len >= 3 && memcmp(item->bytes, "354", 3) == 0;
  }
  if (item->type != EHLO_ITEM_CLIENT || !c->in_message) {
    return false;
  }
  c->in_message = item->text_len != 1 || item->text[0] != '.';
  return true;
}

static void find_repetitions(struct show_cover *c, const struct ehlo_item *item) {
  const uint8_t *raw = (const uint8_t *)item->raw;
  size_t next = 0;
  size_t num_found = c->num_places;
  struct scrub_place found[EHLO_TRANSCRIPT_SECRETS_MAX];
  memcpy(found, c->places, sizeof(found));
  c->num_places = 0;
  for (size_t at = 0; at < item->raw_len;) {
    size_t whole = scrub_known_at(&c->known, NULL, raw + at, item->raw_len - at);
    size_t piece = scrub_known_piece_at(&c->known, raw + at, item->raw_len - at);
    size_t len = whole > piece ? whole : piece;
    if (next < num_found && found[next].at <= at) {
      len = found[next].len > len ? found[next].len : len;
      next++;
    }
    if (len > 0) {
      add_place(c, at, len);
    }
    at += len > 0 ? len : 1;
  }
}

static void put(struct show_cover *c, const char *text, size_t len) {
  size_t room = sizeof(c->raw) - c->raw_len;
  len = len < room ? len : room;
  memcpy(c->raw + c->raw_len, text, len);
  c->raw_len += len;
}

// The line with its places hidden; what is not text, such as a time, is none of theirs.
static void put_together(struct show_cover *c, const struct ehlo_item *item) {
  size_t text_at = (size_t)(item->text - item->raw);
  size_t at = 0;
  c->raw_len = 0;
  for (size_t i = 0; i < c->num_places; i++) {
    const struct scrub_place *place = &c->places[i];
    size_t from = place->at > text_at ? place->at : text_at;
    size_t end = place->at + place->len;
    if (end > from && from >= at) {
      put(c, item->raw + at, from - at);
      put(c, EHLO_ESCAPE_SECRET_TEXT, sizeof(EHLO_ESCAPE_SECRET_TEXT) - 1);
      at = end;
    }
  }
  put(c, item->raw + at, item->raw_len - at);
}

static long read_raw(void *arg, uint8_t *buf, size_t cap) {
  struct show_cover *c = arg;
  size_t left = c->raw_len - c->read;
  size_t n = left < cap ? left : cap;
  memcpy(buf, c->raw + c->read, n);
  c->read += n;
  return (long)n;
}

static bool read_again(struct show_cover *c, struct ehlo_item *out) {
  c->read = 0;
  ehlo_reader_init(&c->reader, read_raw, c);
  return ehlo_reader_next(&c->reader, out) == EHLO_READ_ITEM;
}

const struct ehlo_item *show_cover_item(struct show_cover *c, struct ehlo_item *out,
                                        const struct ehlo_item *item) {
  c->num_places = 0;
  if (!is_message(c, item)) {
    scrub_finder_line(&c->finder, (const uint8_t *)item->raw, item->raw_len, c->at);
  }
  c->at += item->raw_len + 1;
  if (c->known.num > 0) {
    find_repetitions(c, item);
  }
  if (c->num_places == 0) {
    return item;
  }
  put_together(c, item);
  if (!read_again(c,
                  out)) {  // with its \{secret} the line is no line any more: all of it is hidden
    c->raw_len = 0;
    put(c, item->raw, (size_t)(item->text - item->raw));
    put(c, EHLO_ESCAPE_SECRET_TEXT, sizeof(EHLO_ESCAPE_SECRET_TEXT) - 1);
    read_again(c, out);
  }
  out->line = item->line;
  out->has_line_feed = item->has_line_feed;
  return out;
}
