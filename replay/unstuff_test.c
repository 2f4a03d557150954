// The unstuffer against the engine's encoder: what one writes the other reads back, at every cut.
#include "replay/unstuff.h"

#include <criterion/criterion.h>
#include <string.h>

#include "engine/body.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))
#define CAP 256

struct bytes {
  size_t len;
  uint8_t bytes[CAP];
};

static struct bytes bytes_of(const char *text, size_t len) {
  struct bytes b = {.len = len};
  memcpy(b.bytes, text, len);
  return b;
}

// On the wire: dots doubled, lines ended, the final dot.
static struct bytes encode(struct bytes in) {
  struct bytes out = {0};
  struct ehlo_body body;
  size_t used;
  size_t len;
  ehlo_body_init(&body, EHLO_BARE_CR_REFUSE);
  cr_assert_eq(ehlo_body_encode(&body, &used, &len, out.bytes, CAP, in.bytes, in.len), EHLO_OK);
  cr_assert_eq(used, in.len);
  out.len = len;
  cr_assert_eq(ehlo_body_end(&body, &len, out.bytes + out.len, CAP - out.len), EHLO_OK);
  out.len += len;
  return out;
}

// Feeds `wire` in two pieces, or in pieces of one byte where `cut` is SIZE_MAX. What is behind the
// end of data is left alone, and its length returned.
static size_t decode(struct bytes *out, bool *ended, struct bytes wire, size_t cut) {
  struct ehlo_unstuff u;
  size_t at = 0;
  *out = (struct bytes){0};
  ehlo_unstuff_init(&u);
  while (at < wire.len && !u.ended) {
    size_t piece = cut == SIZE_MAX ? 1 : at < cut ? cut - at : wire.len - at;
    uint8_t text[CAP + 2];
    size_t used;
    size_t len;
    ehlo_unstuff_feed(&u, &used, &len, text, wire.bytes + at, piece);
    cr_assert(used <= piece && len <= used + 2);
    memcpy(out->bytes + out->len, text, len);
    out->len += len;
    at += used;
  }
  *ended = u.ended;
  return wire.len - at;
}

static bool same(struct bytes a, struct bytes b) {
  return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

// Messages with CRLF at the end of each line, the last one too.
static const char *const messages[] = {
    "",
    "a\r\n",
    "\r\n",
    ".\r\n",
    "..\r\n",
    "...\r\n.a\r\na.\r\n",
    "a\r\n.\r\nb\r\n",
    "\r\n\r\n.\r\n\r\n",
    "a\r\n\r\n..\r\n",
    ". \r\n.\t\r\n",
};

Test(unstuff, reads_back_what_the_encoder_wrote) {
  for (size_t i = 0; i < NUM(messages); i++) {
    struct bytes message = bytes_of(messages[i], strlen(messages[i]));
    struct bytes wire = encode(message);
    for (size_t cut = 0; cut <= wire.len; cut++) {
      struct bytes out;
      bool ended;
      size_t left = decode(&out, &ended, wire, cut < wire.len ? cut : SIZE_MAX);
      cr_expect(ended && left == 0 && same(out, message), "message %zu cut at %zu", i, cut);
    }
  }
}

// Every message of up to seven of these characters that has whole lines.
Test(unstuff, reads_back_every_short_message) {
  static const char *const pieces[] = {".", "a", "\r\n"};
  for (unsigned n = 0; n < 2187; n++) {
    struct bytes message = {0};
    for (unsigned rest = n + 2187; rest > 1; rest /= 3) {
      const char *piece = pieces[rest % 3];
      memcpy(message.bytes + message.len, piece, strlen(piece));
      message.len += strlen(piece);
    }
    memcpy(message.bytes + message.len, "\r\n", 2);
    message.len += 2;
    struct bytes out;
    bool ended;
    size_t left = decode(&out, &ended, encode(message), SIZE_MAX);
    cr_expect(ended && left == 0 && same(out, message), "message %u", n);
  }
}

// What other clients may have sent: the end is CRLF "." CRLF and nothing else.
Test(unstuff, finds_the_end_where_it_is) {
  static const struct {
    const char *wire;
    size_t wire_len;
    const char *text;
    size_t text_len;
    bool ended;
    size_t left;
  } rows[] = {
#define ROW(wire, text, ended, left) {wire, sizeof(wire) - 1, text, sizeof(text) - 1, ended, left}
      ROW(".\r\nQUIT\r\n", "", true, 6),
      ROW("a\r\n.\r\n.\r\n", "a\r\n", true, 3),
      ROW("a\n.\n", "a\n.\n", false, 0),
      ROW("a\n.\r\n.\r\n", "a\n.\r\n", true, 0),
      ROW("a\r.\r\n.\r\n", "a\r.\r\n", true, 0),
      ROW("a\r\n.\r", "a\r\n", false, 0),
      ROW("a\r\n.", "a\r\n", false, 0),
      ROW(".\ra\r\n.\r\n", "\ra\r\n", true, 0),
      ROW(".\r\r\n.\r\n", "\r\r\n", true, 0),
      ROW(".\n.\r\n", "\n.\r\n", false, 0),
      ROW("\0.\xff\r\n..\0\r\n.\r\n", "\0.\xff\r\n.\0\r\n", true, 0),
#undef ROW
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    struct bytes wire = bytes_of(rows[i].wire, rows[i].wire_len);
    struct bytes text = bytes_of(rows[i].text, rows[i].text_len);
    for (size_t cut = 0; cut <= wire.len; cut++) {
      struct bytes out;
      bool ended;
      size_t left = decode(&out, &ended, wire, cut < wire.len ? cut : SIZE_MAX);
      cr_expect(ended == rows[i].ended && left == rows[i].left && same(out, text),
                "row %zu cut at %zu: ended %d, %zu left, %zu bytes of text", i, cut, (int)ended,
                left, out.len);
    }
  }
}
