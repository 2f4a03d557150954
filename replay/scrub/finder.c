// Tokens of base64, what stands before them, and what they decode to. Most prove themselves. An answer
// to AUTH LOGIN does not, and is known by the prompt or the command above it.
#include "replay/scrub/finder.h"

#include <string.h>

#include "replay/scrub/fields.h"
#include "replay/scrub/logline.h"
#include "replay/scrub/unescape.h"

#define TOKEN_MIN ((size_t)4)
// A shorter token proves nothing where no credential is expected: "ACM/ACM" decodes to a PLAIN response.
#define PROOF_MIN ((size_t)12)
// A shorter line is not broken for its length.
#define WRAP_MIN ((size_t)48)
// Lines of a log after which nobody waits for an answer any more.
#define EXPECT_LINES 64

void scrub_finder_init(struct scrub_finder *f,
                       void (*found)(void *arg, const struct scrub_place *place),
                       void (*secret)(void *arg, const uint8_t *secret, size_t len),
                       void (*user)(void *arg, const uint8_t *name, size_t len), void *arg) {
  memset(f, 0, sizeof(*f));
  f->found = found;
  f->secret = secret;
  f->user = user;
  f->arg = arg;
}

// A line under way.
struct scan {
  struct scrub_finder *f;
  struct logline line;
  size_t at;  // of the line, in the caller's offsets
};

// A run of base64 in the line, with its escapes read.
struct token {
  size_t start;
  size_t end;
  size_t len;
  uint8_t text[SCRUB_BASE64_MAX];
};

static void tell(const struct scan *s, size_t start, size_t len, const char *what) {
  struct scrub_place place = {s->at + start, len, what};
  s->f->found(s->f->arg, &place);
}

static void expect(struct scrub_finder *f, int what) {
  f->expects.what = what;
  f->expects.next_line = false;
  f->expects.lines_left = EXPECT_LINES;
}

static void tell_credential(struct scrub_finder *f, const struct scrub_credential *c,
                            const uint8_t *octets) {
  f->secret(f->arg, octets + c->secret_at, c->secret_len);
  if (f->user != NULL && c->user_len > 0) {
    f->user(f->arg, octets + c->user_at, c->user_len);
  }
}

// ---- What stands before a token -----------------------------------------------------------------

static bool is_word_char(uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_';
}

static bool same_word(const uint8_t *text, size_t len, const char *word) {
  size_t i = 0;
  for (; i < len && word[i] != '\0'; i++) {
    uint8_t c = text[i];
    if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != (uint8_t)word[i]) {
      return false;
    }
  }
  return i == len && word[i] == '\0';
}

// The word that ends before the blanks before `end`; its length 0 if there is none.
static size_t word_before(const struct scan *s, size_t end, size_t *out_len) {
  const uint8_t *bytes = s->line.bytes;
  size_t stop = end;
  while (stop > 0 && (bytes[stop - 1] == ' ' || bytes[stop - 1] == '\t')) {
    stop--;
  }
  size_t start = stop < end ? stop : end;
  while (start > 0 && stop < end && is_word_char(bytes[start - 1])) {
    start--;
  }
  *out_len = stop < end ? stop - start : 0;
  return start;
}

// "AUTH" at `at`, and not in a reply that offers it. An 'n' before it may be that of a line feed.
static bool is_auth(const struct scan *s, size_t at, size_t len) {
  const uint8_t *bytes = s->line.bytes;
  if (!same_word(bytes + at, len, "AUTH")) {
    return false;
  }
  size_t code_len;
  size_t code = word_before(s, at, &code_len);
  return code_len != 3 || !same_word(bytes + code, 3, "250");
}

static bool is_code(const struct scan *s, size_t at, size_t len, const char *code) {
  bool whole = at == 0 || !is_word_char(s->line.bytes[at - 1]) || s->line.bytes[at - 1] == 'n';
  return len == 3 && whole && memcmp(s->line.bytes + at, code, 3) == 0;
}

// ---- Answers ------------------------------------------------------------------------------------

static bool begins_like(const uint8_t *octets, size_t len, const char *word) {
  return len >= strlen(word) && same_word(octets, strlen(word), word);
}

static void take_challenge(struct scan *s, const struct token *t, const uint8_t *octets,
                           size_t len) {
  struct scrub_expects *e = &s->f->expects;
  int before = (int)e->what;
  if (begins_like(octets, len, "PASS")) {
    expect(s->f, EXPECT_PASSWORD);
  } else if (begins_like(octets, len, "USER")) {
    expect(s->f, EXPECT_USER);
  } else {
    expect(s->f, before == EXPECT_NOTHING ? EXPECT_ANSWER : before);
  }
  e->next_line = t->start <= 4;
  e->challenge_len = t->len < sizeof(e->challenge) ? t->len : sizeof(e->challenge);
  memcpy(e->challenge, t->text, e->challenge_len);
}

static bool is_last_challenge(const struct scan *s, const struct token *t) {
  const struct scrub_expects *e = &s->f->expects;
  return e->challenge_len > 0 && t->len == e->challenge_len &&
         memcmp(t->text, e->challenge, t->len) == 0;
}

// The answers of AUTH LOGIN: first the name, then the password.
static void take_login_answer(struct scan *s, const struct token *t, const uint8_t *octets,
                              size_t len) {
  struct scrub_finder *f = s->f;
  if (f->expects.what == EXPECT_USER) {
    if (f->user != NULL && scrub_is_text(octets, len)) {
      f->user(f->arg, octets, len);
      tell(s, t->start, t->end - t->start, "a user's name");
    }
    expect(f, EXPECT_PASSWORD);
    return;
  }
  expect(f, EXPECT_NOTHING);
  if (!scrub_is_placeholder(octets, len)) {
    tell(s, t->start, t->end - t->start, "a LOGIN password");
    f->secret(f->arg, octets, len);
  }
}

// "AUTH MECHANISM token": what is no credential by its form may still be one by its place, if it is the
// last of the line and is text.
static void take_initial(struct scan *s, const struct token *t, const uint8_t *mechanism,
                         size_t mechanism_len, const uint8_t *octets, size_t len) {
  bool is_last = logline_ends_at(&s->line, t->end);
  if (same_word(mechanism, mechanism_len, "LOGIN") && is_last) {
    take_login_answer(s, t, octets, len);
  } else if (same_word(mechanism, mechanism_len, "PLAIN") && is_last && t->len % 4 == 0 &&
             scrub_is_text(octets, len) && !scrub_is_placeholder(octets, len)) {
    tell(s, t->start, t->end - t->start, "a response to AUTH PLAIN");
    s->f->secret(s->f->arg, octets, len);
  }
}

// "AUTH" stands before it: from now on answers may come.
static void take_mechanism(struct scan *s, const struct token *t) {
  bool login = same_word(s->line.bytes + t->start, t->end - t->start, "LOGIN");
  expect(s->f, login ? EXPECT_USER : EXPECT_ANSWER);
}

// ---- Tokens over several lines ------------------------------------------------------------------

static void close_token(struct scrub_finder *f) {
  uint8_t octets[SCRUB_BASE64_MAX];
  size_t len;
  struct scrub_credential c;
  bool several = f->open && f->num_pieces > 1;
  f->open = false;
  if (!several || !scrub_base64_decode(octets, &len, f->token, f->token_len) ||
      !scrub_credential_prove(&c, octets, len) || (c.of_server && f->ignores_server)) {
    return;
  }
  for (size_t i = 0; i < f->num_pieces; i++) {
    f->pieces[i].what = c.what;
    f->found(f->arg, &f->pieces[i]);
  }
  tell_credential(f, &c, octets);
}

static bool add_piece(struct scan *s, size_t start, size_t end, const uint8_t *text, size_t len) {
  struct scrub_finder *f = s->f;
  if (f->num_pieces == SCRUB_PIECES_MAX || len > sizeof(f->token) - f->token_len) {
    return false;
  }
  f->pieces[f->num_pieces++] = (struct scrub_place){s->at + start, end - start, NULL};
  memcpy(f->token + f->token_len, text, len);
  f->token_len += len;
  return true;
}

// A token that ends the line, has no padding, and decodes to what may go on.
static void maybe_open(struct scan *s, const struct token *t) {
  uint8_t octets[SCRUB_BASE64_MAX];
  size_t len;
  if (s->f->open || s->line.len < WRAP_MIN || !logline_is_over_at(&s->line, t->end) ||
      t->text[t->len - 1] == '=' || !scrub_base64_decode(octets, &len, t->text, t->len / 4 * 4) ||
      !scrub_credential_may_begin(octets, len)) {
    return;
  }
  s->f->open = true;
  s->f->num_pieces = 0;
  s->f->token_len = 0;
  add_piece(s, t->start, t->end, t->text, t->len);
}

static bool is_base64_char(uint8_t c) {
  return is_word_char(c) || c == '+' || c == '/';
}

// The line as the next piece of the open token: a run that ends it, with marks before it alone.
static void go_on(struct scan *s) {
  const uint8_t *bytes = s->line.bytes;
  size_t end = s->line.len;
  size_t start = end;
  while (start > 0 && bytes[start - 1] == '=') {
    start--;
  }
  while (start > 0 && is_base64_char(bytes[start - 1])) {
    start--;
  }
  bool goes_on = end > start && end - start < SCRUB_BASE64_MAX &&
                 logline_begins_at(&s->line, start) &&
                 add_piece(s, start, end, bytes + start, end - start);
  if (!goes_on || bytes[end - 1] == '=' || end < WRAP_MIN) {
    close_token(s->f);
  }
}

// ---- Lines --------------------------------------------------------------------------------------

static void take_token(struct scan *s, const struct token *t) {
  uint8_t octets[SCRUB_BASE64_MAX];
  size_t len = 0;
  struct scrub_credential c;
  size_t before_len;
  size_t before = word_before(s, t->start, &before_len);
  const uint8_t *bytes = s->line.bytes;
  if (is_auth(s, before, before_len)) {
    take_mechanism(s, t);
    return;
  }
  bool is_base64 = t->len >= TOKEN_MIN && scrub_base64_decode(octets, &len, t->text, t->len);
  size_t auth_len = 0;
  size_t auth = before_len > 0 ? word_before(s, before, &auth_len) : 0;
  bool follows_auth = auth_len > 0 && is_auth(s, auth, auth_len);
  bool may_be = t->len >= PROOF_MIN || follows_auth || s->f->expects.what != EXPECT_NOTHING;
  if (is_base64 && may_be && scrub_credential_prove(&c, octets, len) &&
      !(c.of_server && s->f->ignores_server)) {
    tell(s, t->start, t->end - t->start, c.what);
    tell_credential(s->f, &c, octets);
    if (s->f->expects.what == EXPECT_ANSWER) {
      expect(s->f, EXPECT_NOTHING);
    }
  } else if (is_code(s, before, before_len, "334")) {
    take_challenge(s, t, octets, len);
    return;
  } else if (is_base64 && !is_last_challenge(s, t)) {
    bool answers = t->len % 4 == 0 && logline_begins_at(&s->line, t->start) &&
                   logline_ends_at(&s->line, t->end);
    if (follows_auth) {
      take_initial(s, t, bytes + before, before_len, octets, len);
    } else if (answers &&
               (s->f->expects.what == EXPECT_USER || s->f->expects.what == EXPECT_PASSWORD)) {
      take_login_answer(s, t, octets, len);
    }
  }
  maybe_open(s, t);
}

// The next character of base64 at `at`, read through escapes; 0 if it is none.
static uint8_t base64_at(const struct scan *s, size_t at, size_t *out_raw_len) {
  struct scrub_unit unit;
  const uint8_t *bytes = s->line.bytes;
  *out_raw_len = 1;
  if (at < s->line.len && (is_base64_char(bytes[at]) || bytes[at] == '=')) {
    return bytes[at];
  }
  bool escapes = at < s->line.len && (bytes[at] == '\\' || bytes[at] == '&' || bytes[at] == '%');
  if (escapes && scrub_unescape(&unit, bytes + at, s->line.len - at) && unit.num_bytes == 1 &&
      (unit.bytes[0] == '/' || unit.bytes[0] == '+' || unit.bytes[0] == '=')) {
    *out_raw_len = unit.raw_len;
    return unit.bytes[0];
  }
  return 0;
}

// Reads the token at `at`; false if none begins there. What is longer than a token can be is passed over.
static bool read_token(const struct scan *s, struct token *t, size_t at) {
  size_t raw_len;
  bool padding = false;
  t->start = at;
  t->len = 0;
  for (;;) {
    uint8_t c = base64_at(s, at, &raw_len);
    if (c == 0 || (padding && c != '=') || (t->len == 0 && (c == '=' || c == '-'))) {
      break;
    }
    padding = c == '=';
    if (t->len < sizeof(t->text)) {
      t->text[t->len] = c;
    }
    t->len++;
    at += raw_len;
  }
  t->end = at;
  return t->len > 0;
}

static bool is_verb(const uint8_t *text, size_t len) {
  static const char *const verbs[] = {"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA",
                                      "BDAT", "RSET", "QUIT", "NOOP", "AUTH", "STARTTLS"};
  size_t word = 0;
  while (word < len && is_word_char(text[word])) {
    word++;
  }
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
    if (same_word(text, word, verbs[i])) {
      return true;
    }
  }
  return false;
}

static bool is_three_digits(const uint8_t *text) {
  return text[0] >= '2' && text[0] <= '5' && text[1] >= '0' && text[1] <= '9' && text[2] >= '0' &&
         text[2] <= '9';
}

// Nobody types this: it is of a TLS record in a dump.
static bool has_controls(const struct logline *l) {
  for (size_t i = 0; i < l->len; i++) {
    if (l->bytes[i] < 0x20 && l->bytes[i] != '\t') {
      return true;
    }
  }
  return false;
}

// Whether the text ends in a token that will be taken for the answer.
static bool ends_in_answer(const struct scan *s, size_t at, size_t len) {
  uint8_t octets[SCRUB_BASE64_MAX];
  size_t ignored;
  size_t end = at + len;
  size_t start = end;
  while (start > at && s->line.bytes[start - 1] != ' ') {
    start--;
  }
  return (end - start) % 4 == 0 && logline_begins_at(&s->line, start) &&
         scrub_base64_decode(octets, &ignored, s->line.bytes + start, end - start);
}

// What a password prompt is answered with is a password, though it be no base64.
static void take_plain_answer(struct scan *s) {
  uint8_t octets[SCRUB_BASE64_MAX];
  size_t at = 0;
  size_t len = s->line.len;
  size_t decoded_len;
  bool is_client = s->f->expects.next_line || logline_client_text(&s->line, &at, &len);
  const uint8_t *text = s->line.bytes + at;
  if (!is_client || len == 0 || len > SCRUB_BASE64_MAX || is_verb(text, len) ||
      (len > 3 && is_three_digits(text) && !is_word_char(text[3])) || ends_in_answer(s, at, len)) {
    return;
  }
  expect(s->f, EXPECT_NOTHING);
  if (!scrub_is_placeholder(text, len) && !(len == 1 && text[0] == '*')) {
    tell(s, at, len, "an answer to a password prompt");
    if (scrub_base64_decode(octets, &decoded_len, text, len)) {  // its padding is missing
      s->f->secret(s->f->arg, octets, decoded_len);
    }
    s->f->secret(s->f->arg, text, len);
  }
}

// A reply that asks for nothing ends what was expected; 334 alone asks for something.
static void take_replies(struct scan *s) {
  const uint8_t *bytes = s->line.bytes;
  for (size_t at = 0; at + 3 <= s->line.len; at++) {
    if (!is_three_digits(bytes + at)) {
      continue;  // nearly everywhere
    }
    bool ends = at + 3 == s->line.len || bytes[at + 3] == ' ' || bytes[at + 3] == '-' ||
                bytes[at + 3] == '\\' || bytes[at + 3] == '\'' || bytes[at + 3] == '"';
    if (!ends || !logline_begins_at(&s->line, at)) {
      continue;
    }
    bool is_334 = memcmp(bytes + at, "334", 3) == 0;
    if (!is_334) {
      expect(s->f, EXPECT_NOTHING);
    } else if (s->f->expects.what == EXPECT_NOTHING) {
      expect(s->f, EXPECT_ANSWER);
    }
    return;
  }
}

static void take_fields(struct scan *s) {
  struct scrub_field field;
  size_t from = 0;
  while (scrub_field_next(&field, s->line.bytes, s->line.len, from)) {
    tell(s, field.at, field.len, field.what);
    s->f->secret(s->f->arg, s->line.bytes + field.at, field.len);
    from = field.at + field.len;
  }
}

static void take_tokens(struct scan *s) {
  static const size_t beyond = SCRUB_BASE64_MAX;
  struct token t;
  for (size_t at = 0; at < s->line.len;) {
    if (!read_token(s, &t, at)) {
      at++;
      continue;
    }
    if (t.len <= beyond) {
      take_token(s, &t);
    }
    at = t.end;
  }
}

// ---- Dumps --------------------------------------------------------------------------------------

// A place in what was dumped, as places of the dump: one or two in each of its lines.
static void found_in_dump(void *arg, const struct scrub_place *place) {
  struct scrub_dumped *d = arg;
  struct scrub_finder *outer = d->outer;
  size_t end = place->at + place->len;
  for (size_t i = place->at; i < end;) {
    size_t last = i;
    // Within a line the places of the octets are near one another.
    while (last + 1 < end && d->hex_at[last + 1] - d->hex_at[last] <= 8) {
      last++;
    }
    struct scrub_place hex = {d->hex_at[i], d->hex_at[last] + 2 - d->hex_at[i], place->what};
    struct scrub_place text = {d->text_at[i], last + 1 - i, place->what};
    outer->found(outer->arg, &hex);
    if (d->text_at[i] != SIZE_MAX) {
      outer->found(outer->arg, &text);
    }
    i = last + 1;
  }
}

static void secret_in_dump(void *arg, const uint8_t *secret, size_t len) {
  struct scrub_finder *outer = ((struct scrub_dumped *)arg)->outer;
  outer->secret(outer->arg, secret, len);
}

void scrub_finder_look_into_dumps(struct scrub_finder *f, struct scrub_dumped *dumped) {
  f->dumped = dumped;
  dumped->len = 0;
  dumped->outer = f;
  scrub_finder_init(&dumped->finder, found_in_dump, secret_in_dump, NULL, dumped);
}

static void end_dumped_line(struct scrub_dumped *d) {
  if (d->len > 0) {
    scrub_finder_line(&d->finder, d->octets, d->len, 0);
    scrub_finder_end(&d->finder);
  }
  d->len = 0;
}

// False if the line is none of a dump.
static bool take_dump(struct scan *s) {
  struct scrub_dump_line line;
  struct scrub_dumped *d = s->f->dumped;
  if (d == NULL) {
    return false;
  }
  if (!scrub_dump_read(&line, &s->line)) {
    end_dumped_line(d);
    return false;
  }
  for (size_t i = 0; i < line.num; i++) {
    if (line.octets[i] == '\n' || d->len == SCRUB_DUMP_MAX) {
      end_dumped_line(d);
    }
    if (line.octets[i] != '\n') {
      d->octets[d->len] = line.octets[i];
      d->hex_at[d->len] = s->at + line.hex_at[i];
      d->text_at[d->len++] = line.text_at > 0 ? s->at + line.text_at + i : SIZE_MAX;
    }
  }
  return true;
}

bool scrub_finder_is_open(const struct scrub_finder *f) {
  return f->open || (f->dumped != NULL && f->dumped->len > 0);
}

void scrub_finder_line(struct scrub_finder *f, const uint8_t *line, size_t len, size_t at) {
  struct scan s = {.f = f, .line = logline_of(line, len), .at = at};
  bool expects_password = f->expects.what == EXPECT_PASSWORD;
  if (take_dump(&s)) {
    close_token(f);
    return;
  }
  if (f->open) {
    go_on(&s);
  }
  if (expects_password && !has_controls(&s.line)) {
    take_plain_answer(&s);
  }
  f->expects.next_line = f->expects.next_line && has_controls(&s.line);
  take_fields(&s);
  take_replies(&s);
  take_tokens(&s);
  if (f->expects.what != EXPECT_NOTHING && --f->expects.lines_left == 0) {
    expect(f, EXPECT_NOTHING);
  }
}

void scrub_finder_end(struct scrub_finder *f) {
  close_token(f);
  if (f->dumped != NULL) {
    end_dumped_line(f->dumped);
  }
}
