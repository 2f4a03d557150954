// What is written of two programs' session is a transcript and does not depend on how their bytes were
// cut; and where a client and a server keep to the protocol, nothing of a secret is in it: no four
// octets in a row, of it or of its base64 at any alignment.
//
// An input that begins with 'R' is a session as it stands, each line what one side says: a letter (C, S,
// or c, s for a line that has no end here, T for TLS, N for a note) and the text. Of any other input each
// octet chooses what a client of ours does next, to a server of ours.
#include "replay/tap/tap.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"
#include "fuzz/fuzz.h"

enum {
  GOAL_RAW,
  GOAL_EXCHANGE,
  GOAL_EARLY,
  GOAL_CANCEL,
  GOAL_REFUSED,
  GOAL_ECHO,
  GOAL_TEXT,
  GOAL_CHUNK,
  GOAL_TLS,
  GOAL_PIPELINE,
  GOAL_CUT_SECRET,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_RAW] = "a session as it stands",
    [GOAL_EXCHANGE] = "an exchange",
    [GOAL_EARLY] = "responses before they are asked for",
    [GOAL_CANCEL] = "a cancelled exchange",
    [GOAL_REFUSED] = "AUTH refused",
    [GOAL_ECHO] = "a secret said back",
    [GOAL_TEXT] = "a message",
    [GOAL_CHUNK] = "a chunk",
    [GOAL_TLS] = "TLS",
    [GOAL_PIPELINE] = "AUTH behind other commands",
    [GOAL_CUT_SECRET] = "a secret in the record",
};

#define SECRET "Zq7#vK9!xW2$jQ4z"
#define SECRET_LEN (sizeof(SECRET) - 1)

// ---- A session ----------------------------------------------------------------------------------

// What passes, in order: a side or 'T' or 'N', and where its bytes end.
#define STEPS_MAX 512

struct session {
  struct ehlo_fuzz_bytes bytes;
  size_t num_steps;
  char side[STEPS_MAX];
  size_t end[STEPS_MAX];
};

static bool has_room(const struct session *s) {
  return s->num_steps + 16 < STEPS_MAX;
}

// Goes on with the step of this side, if it is the last one.
static void say(struct session *s, char side, const void *bytes, size_t len) {
  ehlo_fuzz_add(&s->bytes, bytes, len);
  if (s->num_steps == 0 || s->side[s->num_steps - 1] != side) {
    if (s->num_steps == STEPS_MAX) {
      return;
    }
    s->side[s->num_steps++] = side;
  }
  s->end[s->num_steps - 1] = s->bytes.len;
}

static void say_text(struct session *s, char side, const char *text) {
  say(s, side, text, strlen(text));
}

// ---- As it stands -------------------------------------------------------------------------------

static void read_raw(struct session *s, const uint8_t *data, size_t size) {
  ehlo_fuzz_reach(GOAL_RAW);
  while (size > 0 && has_room(s)) {
    const uint8_t *lf = memchr(data, '\n', size);
    size_t len = lf != NULL ? (size_t)(lf - data) : size;
    if (len > 0) {
      char letter = (char)data[0];
      bool client = letter == 'C' || letter == 'c';
      if (letter == 'T' || letter == 'N') {
        say_text(s, letter, ".");
      } else {
        say(s, client ? 'C' : 'S', data + 1, len - 1);
        say_text(s, client ? 'C' : 'S', letter == 'c' || letter == 's' ? "" : "\r\n");
      }
    }
    data += lf != NULL ? len + 1 : len;
    size -= lf != NULL ? len + 1 : len;
  }
}

// ---- A client and a server ----------------------------------------------------------------------

struct choices {
  const uint8_t *data;
  size_t left;
};

static uint8_t choose(struct choices *c) {
  if (c->left == 0) {
    return 0;
  }
  c->left--;
  return *c->data++;
}

static struct ehlo_span choose_text(struct choices *c) {
  size_t len = choose(c);
  len = len < c->left ? len : c->left;
  struct ehlo_span text = {c->data, len};
  c->data += len;
  c->left -= len;
  return text;
}

static void say_base64(struct session *s, char side, const void *bytes, size_t len) {
  struct ehlo_span part = {bytes, len};
  uint8_t text[256];
  say(s, side, text, ehlo_base64_encode(text, &part, 1));
}

// The responses of each mechanism; the secret stands where its own has it.
struct mechanism {
  const char *name;
  size_t num_responses;
  const char *response[2];
  size_t len[2];
};

static const struct mechanism mechanisms[] = {
    {"PLAIN", 1, {"\0user\0" SECRET}, {6 + SECRET_LEN}},
    {"LOGIN", 2, {"user", SECRET}, {4, SECRET_LEN}},
    {"CRAM-MD5", 1, {"user " SECRET}, {5 + SECRET_LEN}},
    {"SCRAM-SHA-256", 2, {"n,,n=user,r=abc", "c=biws,r=abcd,p=" SECRET}, {15, 16 + SECRET_LEN}},
    {"XOAUTH2", 1, {"user=u\1auth=Bearer " SECRET "\1\1"}, {21 + SECRET_LEN}},
    {"DIGEST-MD5", 1, {"username=\"u\",response=" SECRET ",qop=auth"}, {31 + SECRET_LEN}},
    {"X-OWN", 1, {SECRET}, {SECRET_LEN}},
};
#define NUM_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

enum {
  INITIAL = 1,
  EARLY = 2,
  REFUSED = 4,
  CANCEL = 8,
  ECHO = 16,
  ODD = 32,
  GOES_ON = 64,
  RAW_TEXT = 128,
};

static void say_response(struct session *s, const struct mechanism *m, size_t i, unsigned flags) {
  if ((flags & RAW_TEXT) != 0 && memchr(m->response[i], '\0', m->len[i]) == NULL &&
      memchr(m->response[i], 1, m->len[i]) == NULL) {
    say(s, 'C', m->response[i], m->len[i]);
  } else {
    say_base64(s, 'C', m->response[i], m->len[i]);
  }
}

static void say_final(struct session *s, unsigned flags) {
  static const char around[] = "ab" SECRET "c";
  say_text(s, 'S', (flags & REFUSED) != 0 ? "535-5.7.8 no\r\n535 5.7.8 no " : "235 2.7.0 yes ");
  if ((flags & ECHO) != 0) {
    ehlo_fuzz_reach(GOAL_ECHO);
    size_t shift = flags % 3;
    if ((flags & GOES_ON) != 0) {
      say_text(s, 'S', SECRET);
    } else {
      say_base64(s, 'S', around + shift, sizeof(around) - 1 - shift);
    }
  }
  say_text(s, 'S', "\r\n");
}

// AUTH, in one of the many ways of clients. With EARLY nobody waits for anybody.
static void exchange(struct session *s, struct choices *c) {
  const struct mechanism *m = &mechanisms[choose(c) % NUM_MECHANISMS];
  unsigned flags = choose(c);
  size_t first = (flags & INITIAL) != 0 ? 1 : 0;
  bool early = (flags & EARLY) != 0;
  bool cancels = (flags & CANCEL) != 0 && first < m->num_responses && !early;
  ehlo_fuzz_reach(GOAL_EXCHANGE);
  say_text(s, 'C', (flags & ODD) != 0 ? " \taUtH \t" : "AUTH ");
  say_text(s, 'C', m->name);
  if (first > 0) {
    say_text(s, 'C', " ");
    say_response(s, m, 0, flags);
  }
  say_text(s, 'C', "\r\n");
  for (size_t i = first; early && i < m->num_responses; i++) {
    ehlo_fuzz_reach(GOAL_EARLY);
    say_response(s, m, i, flags);
    say_text(s, 'C', "\r\n");
  }
  if ((flags & REFUSED) != 0 && (flags & CANCEL) != 0) {
    ehlo_fuzz_reach(GOAL_REFUSED);
    say_text(s, 'S', "504 5.5.4 not this one\r\n");
    for (size_t i = first; early && i < m->num_responses; i++) {
      say_text(s, 'S', "500 5.5.1 what\r\n");
    }
    return;
  }
  for (size_t i = first; i < m->num_responses; i++) {
    say_text(s, 'S', "334 \r\n");
    if (cancels) {
      ehlo_fuzz_reach(GOAL_CANCEL);
      say_text(s, 'C', "*\r\n");
      flags &= ~(unsigned)ECHO;  // the server has no secret to say back
      break;
    }
    if (!early) {
      say_response(s, m, i, flags);
      say_text(s, 'C', "\r\n");
    }
  }
  say_final(s, flags);
}

static void message(struct session *s, struct choices *c) {
  struct ehlo_span text = choose_text(c);
  say_text(s, 'C', "DATA\r\n");
  say_text(s, 'S', "354 go\r\n");
  for (size_t at = 0; at < text.len;) {
    const uint8_t *lf = memchr(text.bytes + at, '\n', text.len - at);
    size_t end = lf != NULL ? (size_t)(lf - text.bytes) : text.len;
    // No line end of the text's own but CRLF, and no dot that would be the end.
    say_text(s, 'C', text.bytes[at] == '.' ? "." : "");
    for (; at < end; at++) {
      say(s, 'C', text.bytes[at] == '\r' ? (const uint8_t *)"?" : text.bytes + at, 1);
    }
    say_text(s, 'C', "\r\n");
    at++;
  }
  say_text(s, 'C', ".\r\n");
  say_text(s, 'S', "250 2.0.0 taken\r\n");
  ehlo_fuzz_reach(GOAL_TEXT);
}

static void chunk(struct session *s, struct choices *c) {
  struct ehlo_span text = choose_text(c);
  char line[32] = "BDAT 000 LAST\r\n";
  line[5] = (char)('0' + text.len / 100);
  line[6] = (char)('0' + text.len / 10 % 10);
  line[7] = (char)('0' + text.len % 10);
  say_text(s, 'C', line);
  say(s, 'C', text.bytes, text.len);
  say_text(s, 'S', "250 2.0.0 taken\r\n");
  ehlo_fuzz_reach(GOAL_CHUNK);
}

static void command(struct session *s, const char *line, const char *reply) {
  say_text(s, 'C', line);
  say_text(s, 'S', reply);
}

static void play(struct session *s, struct choices *c) {
  say_text(s, 'S', "220 mail.example\r\n");
  while (c->left > 0 && has_room(s)) {
    switch (choose(c) % 8) {
      case 0:
        command(s, "EHLO me\r\n", "250-mail.example\r\n250 AUTH PLAIN X-OWN LOGIN\r\n");
        break;
      case 1:
        exchange(s, c);
        break;
      case 2:
        message(s, c);
        break;
      case 3:
        chunk(s, c);
        break;
      case 4:
        command(s, "STARTTLS\r\n", "220 go\r\n");
        say_text(s, 'T', ".");
        ehlo_fuzz_reach(GOAL_TLS);
        break;
      case 5:
        command(s, "MAIL FROM:<a@b.example>\r\n", "550-5.1.0 no\r\n550 5.1.0 never\r\n");
        break;
      case 6:
        // Two commands whose replies come after the AUTH behind them.
        say_text(s, 'C', "RSET\r\nNOOP\r\nAUTH PLAIN ");
        say_base64(s, 'C', mechanisms[0].response[0], mechanisms[0].len[0]);
        say_text(s, 'C', "\r\n");
        say_text(s, 'S', "250 a\r\n250 b\r\n235 c\r\n");
        ehlo_fuzz_reach(GOAL_PIPELINE);
        break;
      case 7:
        say_text(s, 'N', ".");
        break;
    }
  }
}

// ---- Running ------------------------------------------------------------------------------------

static bool take(void *arg, const char *text, size_t len) {
  EHLO_FUZZ_CHECK(len > 0 && text[len - 1] == '\n');
  ehlo_fuzz_add(arg, text, len);
  return true;
}

static void give(struct ehlo_tap *t, char side, const uint8_t *bytes, size_t len, uint64_t time) {
  uint8_t *copy = ehlo_fuzz_copy(bytes, len);
  if (side == 'C') {
    ehlo_tap_client(t, copy, len, time);
  } else {
    ehlo_tap_server(t, copy, len, time);
  }
  free(copy);
}

static void run(struct ehlo_fuzz_bytes *out, const struct session *s, struct ehlo_fuzz_cuts cuts) {
  static struct ehlo_tap tap;
  ehlo_tap_init(&tap, take, out);
  size_t at = 0;
  for (size_t i = 0; i < s->num_steps; i++) {
    uint64_t time_us = (i + 1) * 1000;
    if (s->side[i] == 'T' || s->side[i] == 'N') {
      const char *fact = s->side[i] == 'T' ? "tls TLSv1.3" : "note n";
      ehlo_tap_fact(&tap, time_us, fact, strlen(fact));
      at = s->end[i];
    }
    while (at < s->end[i]) {
      size_t n = ehlo_fuzz_next_cut(&cuts, s->end[i] - at);
      give(&tap, s->side[i], s->bytes.bytes + at, n, time_us);
      at += n;
    }
  }
  ehlo_tap_finish(&tap);
  EHLO_FUZZ_CHECK(!ehlo_tap_failed(&tap));
}

// ---- What a record says, however its lines are broken -------------------------------------------

struct source {
  const struct ehlo_fuzz_bytes *text;
  size_t at;
};

static long give_text(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t left = s->text->len - s->at;
  size_t n = left < cap ? left : cap;
  if (n > 0) {
    memcpy(buf, s->text->bytes + s->at, n);
  }
  s->at += n;
  return (long)n;
}

static void mark(struct ehlo_fuzz_bytes *marks, uint64_t what, uint64_t number, size_t at) {
  const uint64_t words[] = {what, number, at};
  ehlo_fuzz_add(marks, words, sizeof(words));
}

static void tell(struct ehlo_fuzz_bytes *said, struct ehlo_fuzz_bytes *marks,
                 const struct ehlo_item *item) {
  for (size_t i = 0; i < item->num_secrets; i++) {
    ehlo_fuzz_reach(GOAL_CUT_SECRET);
    mark(marks, 's', 0, said->len + item->secret_at[i]);
  }
  ehlo_fuzz_add(said, item->bytes, item->bytes_len);
}

// The bytes, and between which of them a chunk begins, a secret or a fact stands.
static void read_back(struct ehlo_fuzz_bytes *said, struct ehlo_fuzz_bytes *marks,
                      const struct ehlo_fuzz_bytes *text) {
  static struct ehlo_reader reader;
  struct source source = {text, 0};
  struct ehlo_item item;
  enum ehlo_item_type last = EHLO_ITEM_COMMENT;
  enum ehlo_read_result result;
  ehlo_reader_init(&reader, give_text, &source);
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    if (item.has_time || item.type != last) {
      mark(marks, (uint64_t)item.type, item.has_time ? item.delta_us : 0, said->len);
    }
    last = item.type;
    tell(said, marks, &item);
  }
  EHLO_FUZZ_CHECK(result == EHLO_READ_END);
}

// ---- The secret ---------------------------------------------------------------------------------

static uint32_t window_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool contains(const uint8_t *bytes, size_t len, uint32_t window) {
  uint32_t seen = 0;
  for (size_t i = 0; i < len; i++) {
    seen = seen << 8 | bytes[i];
    if (seen == window && i >= 3) {
      return true;
    }
  }
  return false;
}

// Whether any window of the secret's forms is in there.
static bool gives_away(const uint8_t *bytes, size_t len) {
  for (size_t shift = 0; shift <= 3; shift++) {
    uint8_t form[64] = SECRET;
    size_t from = 0;
    size_t end = SECRET_LEN;
    if (shift < 3) {
      uint8_t padded[SECRET_LEN + 2] = {0};
      memcpy(padded + shift, SECRET, SECRET_LEN);
      struct ehlo_span part = {padded, shift + SECRET_LEN};
      ehlo_base64_encode(form, &part, 1);
      from = (8 * shift + 5) / 6;
      end = 8 * (shift + SECRET_LEN) / 6;
    }
    for (size_t at = from; at + 4 <= end; at++) {
      if (contains(bytes, len, window_at(form + at))) {
        return true;
      }
    }
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct session session = {.num_steps = 0};
  bool raw = size > 0 && data[0] == 'R';
  if (raw) {
    read_raw(&session, data + 1, size - 1);
  } else {
    struct choices choices = {data, size};
    play(&session, &choices);
  }
  struct ehlo_fuzz_bytes said[2] = {{0}, {0}};
  struct ehlo_fuzz_bytes marks[2] = {{0}, {0}};
  for (int cut = 0; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    struct ehlo_fuzz_bytes text = {0};
    int which = cut == 0 ? 0 : 1;
    said[1].len = 0;
    marks[1].len = 0;
    run(&text, &session, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, (uint32_t)size});
    read_back(&said[which], &marks[which], &text);
    // What the input has brought itself may be there.
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                       raw || gives_away(data, size) || !gives_away(text.bytes, text.len));
    free(text.bytes);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, cut == 0 || ehlo_fuzz_same(&said[0], &said[1]));
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, cut == 0 || ehlo_fuzz_same(&marks[0], &marks[1]));
  }
  for (int i = 0; i < 2; i++) {
    free(said[i].bytes);
    free(marks[i].bytes);
  }
  free(session.bytes.bytes);
  return 0;
}
