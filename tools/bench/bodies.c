// The body cases: a message to what goes to the server, in blocks of 64 KiB.
#include <string.h>

#include "engine/body.h"
#include "tools/bench/bench.h"
#include "tools/bench/peers.h"

#define BLOCK_LEN ((size_t)65536)
#define LINE_LEN 64  // of the message, with its LF

static void append(struct message *m, const void *octets, size_t len) {
  memcpy(m->bytes + m->len, octets, len);
  m->len += len;
}

// Lines of 64 octets with LF, or the same with CRLF; one in a hundred begins with a dot.
static struct message *make_message(size_t len, const char *line_end) {
  struct message *m = allocate(sizeof(*m));
  uint32_t seed = 3;
  *m = (struct message){.bytes = allocate(len + 2 * LINE_LEN), .digest = DIGEST_START};
  while (m->len < len) {
    char line[LINE_LEN - 1];
    for (size_t i = 0; i < sizeof(line); i++) {
      line[i] = (char)(' ' + next_random(&seed) % 94);
    }
    line[0] = next_random(&seed) % 100 == 0 ? '.' : 'a';
    append(m, line, sizeof(line));
    append(m, line_end, strlen(line_end));
    m->digest = digest_octets(m->digest, ".", line[0] == '.');
    m->digest = digest_octets(m->digest, line, sizeof(line));
    m->digest = digest_octets(m->digest, "\r\n", 2);
  }
  return m;
}

static uint64_t run_encoder(const void *work, bool check) {
  static uint8_t out[BLOCK_LEN];
  const struct message *w = work;
  struct ehlo_body b;
  uint64_t digest = check ? DIGEST_START : 0;
  ehlo_body_init(&b, EHLO_BARE_CR_REFUSE);
  for (size_t at = 0; at < w->len;) {
    size_t left = w->len - at;
    size_t used;
    size_t len;
    if (ehlo_body_encode(&b, &used, &len, out, sizeof(out), w->bytes + at,
                         left < BLOCK_LEN ? left : BLOCK_LEN) != EHLO_OK) {
      return 0;
    }
    digest = check ? digest_octets(digest, out, len) : digest + len;
    at += used;
  }
  return digest;
}

static uint64_t run_memcpy(const void *work, bool check) {
  static uint8_t out[BLOCK_LEN];
  const struct message *w = work;
  uint64_t digest = 0;
  (void)check;
  for (size_t at = 0; at < w->len;) {
    size_t left = w->len - at;
    size_t len = left < BLOCK_LEN ? left : BLOCK_LEN;
    memcpy(out, w->bytes + at, len);
    __asm__ volatile("" : : "r"(out) : "memory");  // or else the compiler leaves the copying out
    digest += len;
    at += len;
  }
  return digest;
}

static void describe(struct bench_case *c, const struct message *m) {
  add_contender(c, "ehlo", run_encoder, m, m->len, m->digest)->ours = true;
  add_contender(c, "libetpan", etpan_body, m, m->len, m->digest)->version = etpan_version;
  add_contender(c, "memcpy", run_memcpy, m, m->len, m->len);
}

void case_body_lf(struct bench_case *c, const struct settings *settings) {
  c->summary = "a message with LF line ends, 64 octets a line, in blocks of 64 KiB";
  describe(c, make_message(settings->octets, "\n"));
  add_target(c, "ehlo", "memcpy", 0.25);
  add_target(c, "ehlo", "libetpan", 3);
}

void case_body_crlf(struct bench_case *c, const struct settings *settings) {
  c->summary = "the same with CRLF line ends";
  describe(c, make_message(settings->octets, "\r\n"));
  add_target(c, "ehlo", "memcpy", 0.45);
  add_target(c, "ehlo", "libetpan", 3);
}
