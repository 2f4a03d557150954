// The hash of a session: what counts, what does not, and that it is the same number everywhere.
#include "replay/digest.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- Bytes and times ----------------------------------------------------------------------------

#define STREAM_LEN 300

// A stream with a time and a secret mark or none before each byte.
struct stream {
  uint8_t bytes[STREAM_LEN];
  uint64_t times[STREAM_LEN];
  bool secrets[STREAM_LEN + 1];
};

static void make_stream(struct stream *s) {
  uint64_t time_us = 0;
  for (size_t i = 0; i < STREAM_LEN; i++) {
    s->bytes[i] = (uint8_t)rand();
    time_us += rand() % 8 == 0 ? (uint64_t)(rand() % 1000) : 0;
    s->times[i] = time_us;
    s->secrets[i] = rand() % 20 == 0;
  }
  s->secrets[STREAM_LEN] = false;
}

// In pieces of up to `piece` bytes.
static uint64_t hash_of(const struct stream *s, enum ehlo_side side, size_t piece) {
  struct ehlo_digest d;
  ehlo_digest_init(&d);
  for (size_t at = 0; at < STREAM_LEN;) {
    if (s->secrets[at]) {
      ehlo_digest_secret(&d, side, s->times[at]);
    }
    size_t n = 1;
    while (n < piece && at + n < STREAM_LEN && s->times[at + n] == s->times[at] &&
           !s->secrets[at + n]) {
      n++;
    }
    ehlo_digest_bytes(&d, side, s->times[at], s->bytes + at, n);
    at += n;
  }
  return ehlo_digest_value(&d);
}

Test(digest, no_cut_makes_a_difference) {
  srand(1);
  for (int round = 0; round < 50; round++) {
    struct stream s;
    make_stream(&s);
    uint64_t whole = hash_of(&s, EHLO_SIDE_SERVER, STREAM_LEN);
    for (size_t piece = 1; piece < 40; piece++) {
      cr_assert_eq(hash_of(&s, EHLO_SIDE_SERVER, piece), whole, "%zu", piece);
    }
    cr_assert_neq(hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN), whole);
  }
}

Test(digest, every_bit_time_and_secret_makes_a_difference) {
  struct stream s;
  srand(2);
  make_stream(&s);
  uint64_t whole = hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN);
  for (size_t i = 0; i < STREAM_LEN; i++) {
    for (int bit = 0; bit < 8; bit++) {
      s.bytes[i] ^= (uint8_t)(1 << bit);
      cr_assert_neq(hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN), whole, "%zu.%d", i, bit);
      s.bytes[i] ^= (uint8_t)(1 << bit);
    }
    s.times[i]++;
    cr_assert_neq(hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN), whole, "time of %zu", i);
    s.times[i]--;
    s.secrets[i] = !s.secrets[i];
    cr_assert_neq(hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN), whole, "secret before %zu", i);
    s.secrets[i] = !s.secrets[i];
  }
  cr_assert_eq(hash_of(&s, EHLO_SIDE_CLIENT, STREAM_LEN), whole);
}

static uint64_t hash_of_zeros(size_t len) {
  static const uint8_t zeros[64];
  struct ehlo_digest d;
  ehlo_digest_init(&d);
  ehlo_digest_bytes(&d, EHLO_SIDE_SERVER, 0, zeros, len);
  return ehlo_digest_value(&d);
}

Test(digest, lengths_of_zeros_differ) {
  for (size_t a = 0; a < 64; a++) {
    for (size_t b = 0; b < a; b++) {
      cr_assert_neq(hash_of_zeros(a), hash_of_zeros(b), "%zu %zu", a, b);
    }
  }
}

// ---- Kinds --------------------------------------------------------------------------------------

// One thing that is told to a digest, and what is said of it.
enum thing { THING_BYTES, THING_SECRET, THING_FACT, THING_WORDS };
struct step {
  enum thing thing;
  enum ehlo_side side;
  uint64_t time_us;
  const char *text;
};

#define MAX_STEPS 6
static uint64_t hash_steps(const struct step steps[MAX_STEPS]) {
  struct ehlo_digest d;
  ehlo_digest_init(&d);
  for (size_t i = 0; i < MAX_STEPS && steps[i].text != NULL; i++) {
    const struct step *s = &steps[i];
    const uint8_t *bytes = (const uint8_t *)s->text;
    switch (s->thing) {
      case THING_BYTES:
        ehlo_digest_bytes(&d, s->side, s->time_us, bytes, strlen(s->text));
        break;
      case THING_SECRET:
        ehlo_digest_secret(&d, s->side, s->time_us);
        break;
      case THING_FACT:
        ehlo_digest_fact(&d, s->time_us, bytes, strlen(s->text));
        break;
      case THING_WORDS:
        ehlo_digest_words(&d, s->text);
        break;
    }
  }
  return ehlo_digest_value(&d);
}

#define SERVER(time, text) \
  { THING_BYTES, EHLO_SIDE_SERVER, (time), (text) }
#define CLIENT(time, text) \
  { THING_BYTES, EHLO_SIDE_CLIENT, (time), (text) }
#define SECRET(time) \
  { THING_SECRET, EHLO_SIDE_CLIENT, (time), "" }
#define FACT(time, text) \
  { THING_FACT, EHLO_SIDE_SERVER, (time), (text) }
#define WORDS(text) \
  { THING_WORDS, EHLO_SIDE_SERVER, 0, (text) }

static const struct {
  const char *name;
  struct step a[MAX_STEPS];
  struct step b[MAX_STEPS];
  bool same;
} pair_rows[] = {
    {"the order of the kinds",
     {SERVER(1, "220 a"), CLIENT(2, "QUIT"), FACT(3, "eof S"), FACT(0, "submit force"), WORDS("w")},
     {WORDS("w"), FACT(3, "eof S"), FACT(0, "submit force"), CLIENT(2, "QUIT"), SERVER(1, "220 a")},
     true},
    {"the order within one", {FACT(1, "a"), FACT(1, "b")}, {FACT(1, "b"), FACT(1, "a")}, false},
    {"where a fact ends", {FACT(1, "ab"), FACT(1, "c")}, {FACT(1, "a"), FACT(1, "bc")}, false},
    {"where words end", {WORDS("ab"), WORDS("c")}, {WORDS("a"), WORDS("bc")}, false},
    {"a fact twice", {FACT(1, "timeout")}, {FACT(1, "timeout"), FACT(1, "timeout")}, false},
    {"the time of a fact", {FACT(1, "tls a")}, {FACT(2, "tls a")}, false},
    {"the time of a setting", {FACT(1, "submit force")}, {FACT(2, "submit force")}, true},
    {"a setting", {FACT(1, "submit to <a@b>")}, {FACT(1, "submit to <a@c>")}, false},
    {"a note", {SERVER(5, "a"), FACT(6, "note well")}, {SERVER(5, "a")}, true},
    {"the header", {FACT(0, "ehlo-transcript 1")}, {{0}}, true},
    {"nothing but a time", {SERVER(5, ""), SERVER(6, "a")}, {SERVER(6, "a")}, true},
    {"a time that comes back",
     {CLIENT(0, "ab"), CLIENT(5, "c")},
     {CLIENT(0, "a"), CLIENT(5, "bc")},
     false},
    {"another secret", {SECRET(1), SECRET(1)}, {SECRET(1)}, false},
    {"the time of a secret", {SECRET(1)}, {SECRET(2)}, false},
    {"a secret and its text", {CLIENT(1, "\\{secret}")}, {SECRET(1)}, false},
    {"whose bytes", {CLIENT(1, "a")}, {SERVER(1, "a")}, false},
};

Test(digest, kinds_are_apart) {
  for (size_t i = 0; i < sizeof(pair_rows) / sizeof(pair_rows[0]); i++) {
    cr_expect_eq(hash_steps(pair_rows[i].a) == hash_steps(pair_rows[i].b), pair_rows[i].same, "%s",
                 pair_rows[i].name);
  }
}

// ---- Events -------------------------------------------------------------------------------------

static uint64_t hash_event(const struct ehlo_event *event, const char *text, bool hidden) {
  struct ehlo_digest d;
  ehlo_digest_init(&d);
  if (hidden) {
    ehlo_digest_secret(&d, EHLO_SIDE_SERVER, 0);
  }
  ehlo_digest_event(&d, event, text);
  return ehlo_digest_value(&d);
}

// What an event holds counts, but where a line was hidden that which the replay cannot have.
Test(digest, events_count_as_far_as_they_can_be_known) {
  static const struct ehlo_event reply = {.type = EHLO_EVENT_REPLY,
                                          .of_recipient = true,
                                          .recipient = 1,
                                          .reply = {.num_lines = 2, .text = {(uint8_t *)"ab", 2}}};
  static const struct ehlo_event failed = {
      .type = EHLO_EVENT_FAILED,
      .error = {.verb = EHLO_VERB_MAIL, .offset = 7, .line = {(uint8_t *)"no", 2}}};
  struct {
    struct ehlo_event event;
    const char *text;
    bool known_where_hidden;
  } rows[] = {
      {reply, "reply 251 to RCPT", true},   {reply, "reply 250 to RCPT", true},
      {reply, "reply 250 to RCPT", true},   {reply, "reply 250 to RCPT", true},
      {reply, "reply 250 to RCPT", false},  {reply, "reply 250 to RCPT", false},
      {failed, "failed closed at 7", true}, {failed, "failed reset at 7", true},
      {failed, "failed reset at 7", true},  {failed, "failed reset at 7", false},
      {failed, "failed reset at 8", false},
  };
  rows[1].event.recipient = 2;
  rows[2].event.of_recipient = false;
  rows[3].event.reply.num_lines = 3;
  rows[4].event.reply.text.len = 1;
  rows[5].event.challenge = (struct ehlo_span){(const uint8_t *)"c", 1};
  rows[7].event.error.verb = EHLO_VERB_RCPT;
  rows[8].event.error.verb_sent = true;
  rows[9].event.error.line.len = 1;
  rows[10].event.error.offset = 8;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    bool is_reply = rows[i].event.type == EHLO_EVENT_REPLY;
    const struct ehlo_event *base = is_reply ? &reply : &failed;
    const char *text = is_reply ? "reply 250 to RCPT" : "failed reset at 7";
    cr_expect_neq(hash_event(&rows[i].event, rows[i].text, false), hash_event(base, text, false),
                  "%zu", i);
    cr_expect_eq(hash_event(&rows[i].event, rows[i].text, true) != hash_event(base, text, true),
                 rows[i].known_where_hidden, "%zu, hidden", i);
  }
}
