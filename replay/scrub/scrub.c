// The window over the log: lines go to the finder, what is done is written and the rest moves up. A
// credential over several lines keeps its lines in the window; a line longer than the window is cut where
// no word is.
#include "replay/scrub/scrub.h"

#include <string.h>

// Kept of a line that is longer than the window, so that what begins in its first part can be told.
#define KEPT (EHLO_SCRUB_WINDOW / 4)

// ---- Places -------------------------------------------------------------------------------------

// Keeps them in order and apart. When there are more than can be kept, the last one grows.
static void add_place(void *arg, const struct scrub_place *place) {
  struct ehlo_scrub *s = arg;
  size_t at = s->num_places;
  while (at > 0 && s->places[at - 1].at > place->at) {
    at--;
  }
  if (at > 0 && s->places[at - 1].at + s->places[at - 1].len > place->at) {
    struct scrub_place *last = &s->places[at - 1];
    size_t end = place->at + place->len;
    last->len = end > last->at + last->len ? end - last->at : last->len;
  } else if (s->num_places == EHLO_SCRUB_PLACES_MAX) {
    struct scrub_place *last = &s->places[s->num_places - 1];
    last->len = place->at + place->len > last->at ? place->at + place->len - last->at : last->len;
  } else {
    memmove(s->places + at + 1, s->places + at, (s->num_places - at) * sizeof(s->places[0]));
    s->places[at] = *place;
    s->num_places++;
  }
}

static void add_secret(void *arg, const uint8_t *secret, size_t len) {
  struct ehlo_scrub *s = arg;
  if (!s->rewriting) {
    scrub_known_add(&s->known, secret, len);
  }
}

// ---- Writing ------------------------------------------------------------------------------------

static void put(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  if (len > 0 && s->write != NULL && !s->write_failed &&
      !s->write(s->arg, (const char *)bytes, len)) {
    s->write_failed = true;
  }
}

static void count(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    if (lf == NULL) {
      s->column += len - at;
      return;
    }
    s->line++;
    s->column = 1;
    at = (size_t)(lf - bytes) + 1;
  }
}

static void take_out(struct ehlo_scrub *s, size_t at, size_t len, const char *what) {
  struct ehlo_scrub_finding finding = {s->line, s->column, what};
  s->num_found++;
  if (s->finding != NULL) {
    s->finding(s->arg, &finding);
  }
  put(s, (const uint8_t *)s->substitute, strlen(s->substitute));
  count(s, s->buf + at, len);
}

// Writes the window up to `end`, or a little further where a secret goes on there. Returns how far.
static size_t flush_window(struct ehlo_scrub *s, size_t end) {
  size_t at = 0;
  size_t plain = 0;
  size_t next = 0;
  while (at < end) {
    size_t known = s->known.num > 0 ? scrub_known_at(&s->known, s->buf + at, s->len - at) : 0;
    while (next < s->num_places && s->places[next].at + s->places[next].len <= at) {
      next++;
    }
    bool found = next < s->num_places && s->places[next].at <= at;
    size_t len = found ? s->places[next].at + s->places[next].len - at : 0;
    if (known == 0 && len == 0) {
      at++;
      continue;
    }
    put(s, s->buf + plain, at - plain);
    count(s, s->buf + plain, at - plain);
    const char *what = len > 0 ? s->places[next].what : "a credential that stands elsewhere too";
    size_t taken = known > len ? known : len;
    take_out(s, at, taken, what);
    at += taken;
    plain = at;
  }
  put(s, s->buf + plain, at > plain ? at - plain : 0);
  count(s, s->buf + plain, at > plain ? at - plain : 0);
  return at;
}

// ---- The window ---------------------------------------------------------------------------------

// Where a line that fills the window may be cut: where no word is, else anywhere.
static size_t cut_of(const struct ehlo_scrub *s) {
  size_t least = EHLO_SCRUB_WINDOW - 2 * KEPT;
  for (size_t at = EHLO_SCRUB_WINDOW - KEPT; at > least; at--) {
    uint8_t c = s->buf[at - 1];
    if (c == ' ' || c == '"' || c == '\'' || c == ',' || c == '\t') {
      return at;
    }
  }
  return EHLO_SCRUB_WINDOW - KEPT;
}

static void drop(struct ehlo_scrub *s, size_t end) {
  size_t done = s->rewriting ? flush_window(s, end) : end;
  s->len -= done;
  memmove(s->buf, s->buf + done, s->len);
  s->num_places = 0;
}

// Takes what lines the window holds, or all of it at the end of the file.
static void take_window(struct ehlo_scrub *s, bool at_end) {
  size_t at = 0;
  size_t safe = 0;  // where nothing is open that began before
  struct scrub_expects expects = s->finder.expects;
  while (at < s->len && s->num_places < EHLO_SCRUB_PLACES_MAX - 2 * SCRUB_PIECES_MAX) {
    const uint8_t *lf = memchr(s->buf + at, '\n', s->len - at);
    if (lf == NULL && !at_end) {
      break;
    }
    size_t end = lf != NULL ? (size_t)(lf - s->buf) : s->len;
    scrub_finder_line(&s->finder, s->buf + at, end - at, at);
    at = lf != NULL ? end + 1 : end;
    if (!s->finder.open) {
      safe = at;
      expects = s->finder.expects;
    }
  }
  if (at == 0) {
    at = cut_of(s);
    scrub_finder_line(&s->finder, s->buf, at, 0);
    safe = 0;
  }
  if (safe == 0 || (at_end && at == s->len)) {
    scrub_finder_end(&s->finder);
    safe = at;
    expects = s->finder.expects;
  }
  // What is behind `safe` is read once more, from the state of that place.
  s->finder.open = false;
  s->finder.expects = expects;
  while (s->num_places > 0 && s->places[s->num_places - 1].at >= safe) {
    s->num_places--;
  }
  drop(s, safe);
}

static void feed(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    size_t room = sizeof(s->buf) - s->len;
    size_t n = len < room ? len : room;
    memcpy(s->buf + s->len, bytes, n);
    s->len += n;
    bytes += n;
    len -= n;
    if (s->len == sizeof(s->buf)) {
      take_window(s, false);
    }
  }
}

static void feed_end(struct ehlo_scrub *s) {
  while (s->len > 0) {
    take_window(s, true);
  }
}

// ---- The two readings ---------------------------------------------------------------------------

static void begin(struct ehlo_scrub *s) {
  scrub_finder_init(&s->finder, add_place, add_secret, NULL, s);
  s->finder.ignores_server = s->is_transcript;
  s->len = 0;
  s->num_places = 0;
  s->line = 1;
  s->column = 1;
}

void ehlo_scrub_init(struct ehlo_scrub *s) {
  memset(s, 0, sizeof(*s));
  s->substitute = "{secret}";
  begin(s);
}

void ehlo_scrub_init_transcript(struct ehlo_scrub *s) {
  s->is_transcript = true;
  s->substitute = "\\{secret}";
  begin(s);
}

void ehlo_scrub_learn(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  feed(s, bytes, len);
}

bool ehlo_scrub_learn_end(struct ehlo_scrub *s) {
  feed_end(s);
  s->saw_dump = s->finder.saw_dump;
  return !s->known.full;
}

bool ehlo_scrub_is_said(const struct ehlo_scrub *s, const uint8_t *text, size_t len) {
  for (size_t at = 0; at < len && s->known.num > 0; at++) {
    if (scrub_known_at(&s->known, text + at, len - at) > 0) {
      return true;
    }
  }
  return false;
}

void ehlo_scrub_rewrite_begin(struct ehlo_scrub *s, ehlo_write_fn write,
                              void (*finding)(void *arg, const struct ehlo_scrub_finding *finding),
                              void *arg) {
  begin(s);
  s->rewriting = true;
  s->write = write;
  s->finding = finding;
  s->arg = arg;
  s->num_found = 0;
}

void ehlo_scrub_rewrite(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  feed(s, bytes, len);
}

uint64_t ehlo_scrub_rewrite_end(struct ehlo_scrub *s) {
  feed_end(s);
  return s->num_found;
}

bool ehlo_scrub_saw_dump(const struct ehlo_scrub *s) {
  return s->saw_dump;
}

void ehlo_scrub_wipe(struct ehlo_scrub *s) {
  // A plain memset() of what nobody reads again may be left out.
  volatile uint8_t *bytes = (volatile uint8_t *)s;
  for (size_t i = 0; i < sizeof(*s); i++) {
    bytes[i] = 0;
  }
}
