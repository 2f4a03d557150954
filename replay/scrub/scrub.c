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

static void add_name(void *arg, const uint8_t *name, size_t len) {
  struct ehlo_scrub *s = arg;
  if (!s->rewriting) {
    scrub_known_add(&s->names, name, len);
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

static void tell(struct ehlo_scrub *s, const char *what) {
  struct ehlo_scrub_finding finding = {s->line, s->column, what};
  s->num_found++;
  if (s->finding != NULL) {
    s->finding(s->arg, &finding);
  }
}

static bool is_local_char(uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         (c != '\0' && strchr("._-+~{}", c) != NULL) || c >= 0x80;
}

// The local part that ends at `end`, where an '@' stands before a domain; 0 if none does.
static size_t local_len(const struct ehlo_scrub *s, size_t begin, size_t end) {
  size_t start = end;
  bool domain = end + 1 < s->len && is_local_char(s->buf[end + 1]) && s->buf[end + 1] != '{';
  while (domain && start > begin && end - start < 256 && is_local_char(s->buf[start - 1])) {
    start--;
  }
  bool is_pseudonym = end - start > 5 && memcmp(s->buf + start, "{name", 5) == 0;
  return is_pseudonym ? 0 : end - start;
}

// A name or its local part gives way to its pseudonym; a domain stays.
static void put_pseudonym(struct ehlo_scrub *s, const uint8_t *name, size_t len) {
  char text[EHLO_SCRUB_PSEUDONYM_MAX];
  const uint8_t *at = memchr(name, '@', len);
  size_t local = at != NULL ? (size_t)(at - name) : len;
  s->pseudonym(s->pseudonym_arg, text, name, local);
  put(s, (const uint8_t *)text, strlen(text));
  put(s, name + local, len - local);
}

// What is to give way at one place of the window.
struct way {
  size_t back;  // octets before the place that belong to it
  size_t len;   // from the place on
  const char *what;
  const uint8_t *name;  // NULL: a credential
  size_t name_len;
};

static bool find_name(const struct ehlo_scrub *s, struct way *out, size_t plain, size_t at) {
  size_t secret = 0;
  if (s->pseudonym == NULL) {
    return false;
  }
  size_t len = s->names.num > 0 ? scrub_known_at(&s->names, &secret, s->buf + at, s->len - at) : 0;
  if (len > 0) {
    *out = (struct way){0, len, "a user's name", s->names.bytes + s->names.secrets[secret].at,
                        s->names.secrets[secret].len};
    return true;
  }
  size_t local = s->buf[at] == '@' ? local_len(s, plain, at) : 0;
  *out = (struct way){local, 0, "a mailbox", s->buf + at - local, local};
  return local > 0;
}

static size_t known_at(const struct ehlo_scrub *s, size_t at) {
  size_t whole = scrub_known_at(&s->known, NULL, s->buf + at, s->len - at);
  size_t piece = scrub_known_piece_at(&s->known, s->buf + at, s->len - at);
  return whole > piece ? whole : piece;
}

static bool find_credential(const struct ehlo_scrub *s, struct way *out, size_t *next, size_t at) {
  size_t known = s->known.num > 0 ? known_at(s, at) : 0;
  while (*next < s->num_places && s->places[*next].at + s->places[*next].len <= at) {
    ++*next;
  }
  const struct scrub_place *place = &s->places[*next];
  bool found = *next < s->num_places && place->at <= at;
  size_t len = found ? place->at + place->len - at : 0;
  *out = (struct way){0, known > len ? known : len,
                      len > 0 ? place->what : "a credential that stands elsewhere too", NULL, 0};
  return out->len > 0;
}

// Writes the window up to `end`, or a little further where something goes on there. Returns how far.
static size_t flush_window(struct ehlo_scrub *s, size_t end) {
  size_t at = 0;
  size_t plain = 0;  // what is not written yet
  size_t next = 0;
  while (at < end) {
    struct way way;
    if (!find_credential(s, &way, &next, at) && !find_name(s, &way, plain, at)) {
      at++;
      continue;
    }
    put(s, s->buf + plain, at - way.back - plain);
    count(s, s->buf + plain, at - way.back - plain);
    tell(s, way.what);
    if (way.name != NULL) {
      put_pseudonym(s, way.name, way.name_len);
    } else {
      put(s, (const uint8_t *)s->substitute, strlen(s->substitute));
    }
    count(s, s->buf + at - way.back, way.back + way.len);
    plain = at + way.len;
    at = way.len > 0 ? plain : at + 1;
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
  struct scrub_expects dumped = s->dumped.finder.expects;
  while (at < s->len && s->num_places < EHLO_SCRUB_PLACES_MAX - 2 * SCRUB_PIECES_MAX) {
    const uint8_t *lf = memchr(s->buf + at, '\n', s->len - at);
    if (lf == NULL && !at_end) {
      break;
    }
    size_t end = lf != NULL ? (size_t)(lf - s->buf) : s->len;
    scrub_finder_line(&s->finder, s->buf + at, end - at, at);
    at = lf != NULL ? end + 1 : end;
    if (!scrub_finder_is_open(&s->finder)) {
      safe = at;
      expects = s->finder.expects;
      dumped = s->dumped.finder.expects;
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
    dumped = s->dumped.finder.expects;
  }
  // What is behind `safe` is read once more, from the state of that place.
  s->finder.open = false;
  s->finder.expects = expects;
  s->dumped.len = 0;
  s->dumped.finder.expects = dumped;
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
  scrub_finder_init(&s->finder, add_place, add_secret, s->pseudonym != NULL ? add_name : NULL, s);
  s->finder.ignores_server = s->is_transcript;
  scrub_finder_look_into_dumps(&s->finder, &s->dumped);
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

void ehlo_scrub_hide_names(struct ehlo_scrub *s, ehlo_pseudonym_fn pseudonym, void *arg) {
  s->pseudonym = pseudonym;
  s->pseudonym_arg = arg;
  begin(s);
}

void ehlo_scrub_learn(struct ehlo_scrub *s, const uint8_t *bytes, size_t len) {
  feed(s, bytes, len);
}

bool ehlo_scrub_learn_end(struct ehlo_scrub *s) {
  feed_end(s);
  return !s->known.full && !s->names.full;
}

bool ehlo_scrub_is_said(const struct ehlo_scrub *s, const uint8_t *text, size_t len) {
  for (size_t at = 0; at < len && s->known.num > 0; at++) {
    if (scrub_known_at(&s->known, NULL, text + at, len - at) > 0) {
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

void ehlo_scrub_wipe(struct ehlo_scrub *s) {
  // A plain memset() of what nobody reads again may be left out.
  volatile uint8_t *bytes = (volatile uint8_t *)s;
  for (size_t i = 0; i < sizeof(*s); i++) {
    bytes[i] = 0;
  }
}
