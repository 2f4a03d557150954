// The cases of replay/: sessions replayed in process, transcripts read and written. What is measured
// beside them has nothing to do with transcripts; it tells what a parser, or the memory, can do here.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "replay/replay.h"
#include "replay/transcript.h"
#include "tools/bench/bench.h"
#include "tools/bench/peers.h"
#include "tools/bench/sessions.h"

// ---- Transcripts in memory ----------------------------------------------------------------------

struct source {
  const char *text;
  size_t left;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->left < cap ? s->left : cap;
  memcpy(buf, s->text, n);
  s->text += n;
  s->left -= n;
  return (long)n;
}

static void append(struct transcript *t, const char *text) {
  size_t len = strlen(text);
  memcpy(t->text + t->len, text, len);
  t->len += len;
}

// ---- The same as JSON ---------------------------------------------------------------------------

// The lines of the same transcript, one JSON object each, as `ehlo show --json` has them.
static uint64_t run_jansson(const void *work, bool check) {
  const struct transcript *w = work;
  uint64_t digest = check ? DIGEST_START : 0;
  for (const char *at = w->text; at < w->text + w->len;) {
    const char *end = memchr(at, '\n', (size_t)(w->text + w->len - at));
    json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
    json_t *text = json_object_get(line, "text");
    digest = check ? digest_octets(digest, json_string_value(text), json_string_length(text))
                   : digest + json_string_length(text);
    json_decref(line);
    at = end + 1;
  }
  return digest;
}

static struct transcript *make_json(const struct transcript *t) {
  static struct ehlo_reader reader;
  static const char *const types[] = {"comment", "fact", "server", "client", "event"};
  struct transcript *out = allocate(sizeof(*out));
  struct source source = {t->text, t->len};
  struct ehlo_item item;
  *out = (struct transcript){.text = allocate(2 * t->len + 1000)};
  ehlo_reader_init(&reader, give, &source);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    size_t len = item.bytes_len - (item.ends_line ? 2 : 0);
    json_t *json = json_pack("{s:I, s:s, s:s%}", "line", (json_int_t)item.line, "type",
                             types[item.type], "text", (const char *)item.bytes, len);
    out->len += json_dumpb(json, out->text + out->len, 2 * t->len + 1000 - out->len, JSON_COMPACT);
    out->text[out->len++] = '\n';
    json_decref(json);
  }
  return out;
}

// ---- Sessions -----------------------------------------------------------------------------------

// One transcript, and how often.
struct sessions {
  struct transcript transcript;
  size_t num;
  struct ehlo_replayer *replayer;
};

static uint64_t run_sessions(const void *work, bool check) {
  static const struct ehlo_replay_options options;
  const struct sessions *w = work;
  uint64_t num_events = 0;
  (void)check;
  for (size_t i = 0; i < w->num; i++) {
    struct ehlo_replay_result r;
    struct source source = {w->transcript.text, w->transcript.len};
    ehlo_replayer_run(w->replayer, &r, give, &source, &options);
    num_events += r.verdict == EHLO_REPLAY_SAME ? r.num_events : 0;
  }
  return num_events;
}

// The same octets, moved.
static uint64_t run_copies(const void *work, bool check) {
  static uint8_t to[8192];
  const struct sessions *w = work;
  (void)check;
  for (size_t i = 0; i < w->num; i++) {
    memcpy(to, w->transcript.text, w->transcript.len);
    __asm__ volatile("" : : "r"(to) : "memory");
  }
  return w->num;
}

static struct sessions *make_sessions(const char *before, const char *after, size_t octets) {
  struct sessions *w = allocate(sizeof(*w));
  *w = (struct sessions){.transcript = {.text = allocate(8192)}, .replayer = ehlo_replayer_new()};
  append(&w->transcript, before);
  append(&w->transcript, bench_session);
  append(&w->transcript, after);
  w->num = octets / w->transcript.len + 1;
  return w;
}

static void add_sessions(struct bench_case *c, const char *name, const struct sessions *w,
                         uint64_t num_events) {
  add_contender(c, name, run_sessions, w, w->num * w->transcript.len, w->num * num_events)->ours =
      true;
  add_rate(c, name, "sessions", w->num, 100000);
}

static void add_json(struct bench_case *c, const struct sessions *w) {
  struct transcript *json = make_json(&w->transcript);
  struct transcript *all = allocate(sizeof(*all));
  *all = (struct transcript){.text = allocate(json->len * w->num)};
  for (size_t i = 0; i < w->num; i++) {
    memcpy(all->text + all->len, json->text, json->len);
    all->len += json->len;
  }
  add_contender(c, "jansson, the same as JSON", run_jansson, all, all->len, run_jansson(all, true))
      ->version = JANSSON_VERSION;
}

static void add_http(struct bench_case *c, size_t len) {
  struct cut_stream *w = allocate(sizeof(*w));
  make_responses_like_replies(&w->stream, len);
  w->chunk_len = 1460;
  add_contender(c, "llhttp", llhttp_responses, w, w->stream.len, w->stream.digest)->version =
      llhttp_version;
}

void case_replay(struct bench_case *c, const struct settings *settings) {
  size_t len = settings->octets / 4;
  struct sessions *submissions =
      make_sessions(bench_session_settings, "= outcome accepted at quit\n", len);
  struct sessions *verbs = make_sessions("! ehlo-transcript 1\n", "", len);
  c->summary = "sessions of 13 replies, each from its transcript, in used memory";
  add_sessions(c, "ehlo, submissions", submissions, BENCH_SESSION_EVENTS + 1);
  add_sessions(c, "ehlo, verbs", verbs, BENCH_SESSION_EVENTS);
  add_contender(c, "memcpy", run_copies, submissions,
                submissions->num * submissions->transcript.len, submissions->num);
  add_json(c, submissions);
  add_http(c, len);
  add_target(c, "ehlo, submissions", "jansson, the same as JSON", 1.5);
}

// ---- Reading ------------------------------------------------------------------------------------

static uint64_t run_reader(const void *work, bool check) {
  static struct ehlo_reader reader;
  const struct transcript *w = work;
  struct source source = {w->text, w->len};
  struct ehlo_item item;
  uint64_t digest = check ? DIGEST_START : 0;
  ehlo_reader_init(&reader, give, &source);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    size_t len = item.bytes_len - (item.ends_line ? 2 : 0);
    digest = check ? digest_octets(digest, item.bytes, len) : digest + len;
  }
  return digest;
}

static uint64_t run_line_ends(const void *work, bool check) {
  const struct transcript *w = work;
  uint64_t num_lines = 0;
  const char *end = w->text + w->len;
  (void)check;
  for (const char *at = w->text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
    num_lines++;
  }
  return num_lines;
}

void case_transcript_read(struct bench_case *c, const struct settings *settings) {
  struct transcript *t = allocate(sizeof(*t));
  make_long_transcript(t, settings->octets);
  struct transcript *json = make_json(t);
  uint64_t text = run_jansson(json, true);
  c->summary = "a transcript to its items; the message in lines of 70 characters";
  add_contender(c, "ehlo", run_reader, t, t->len, text)->ours = true;
  add_contender(c, "jansson, the same as JSON", run_jansson, json, json->len, text)->version =
      JANSSON_VERSION;
  add_contender(c, "memchr, each LF", run_line_ends, t, t->len, run_line_ends(t, false));
  add_target(c, "ehlo", "jansson, the same as JSON", 5);
  add_rate(c, "ehlo", "octets", t->len, 300e6);
}

// ---- Writing ------------------------------------------------------------------------------------

// What one side says, in pieces of the size in which a client hands over a message.
#define PIECE_LEN ((size_t)13824)

static bool take(void *arg, const char *text, size_t len) {
  uint64_t *digest = arg;
  *digest = digest[1] != 0 ? digest_octets(*digest, text, len) : *digest + len;
  return true;
}

static uint64_t run_writer(const void *work, bool check) {
  static struct ehlo_writer writer;
  const struct message *w = work;
  uint64_t digest[2] = {check ? DIGEST_START : 0, check};
  ehlo_writer_init(&writer, take, digest);
  for (size_t at = 0; at < w->len; at += PIECE_LEN) {
    size_t left = w->len - at;
    ehlo_writer_chunk_begin(&writer, EHLO_SIDE_CLIENT, at == 0 ? 0 : EHLO_NO_TIME);
    ehlo_writer_bytes(&writer, w->bytes + at, left < PIECE_LEN ? left : PIECE_LEN);
    ehlo_writer_chunk_end(&writer);
  }
  return digest[0];
}

static uint64_t run_memcpy(const void *work, bool check) {
  static uint8_t to[PIECE_LEN];
  const struct message *w = work;
  (void)check;
  for (size_t at = 0; at < w->len; at += PIECE_LEN) {
    size_t left = w->len - at;
    memcpy(to, w->bytes + at, left < PIECE_LEN ? left : PIECE_LEN);
    __asm__ volatile("" : : "r"(to) : "memory");
  }
  return w->len;
}

// Lines of 70 characters, as many to a piece as fill it: what is written is known without the writer.
static struct message *make_lines(size_t len) {
  struct message *m = allocate(sizeof(*m));
  uint32_t seed = 11;
  *m = (struct message){.bytes = allocate(len + PIECE_LEN), .digest = DIGEST_START};
  while (m->len < len) {
    char line[84] = "           C: ";
    for (size_t i = 14; i < sizeof(line); i++) {
      line[i] = "abcdefghijklmnopqrstuvwxyz,:ABC.-"[next_random(&seed) % 33];
    }
    memcpy(m->bytes + m->len, line + 14, 70);
    memcpy(m->bytes + m->len + 70, "\r\n", 2);
    if (m->len == 0) {
      memcpy(line, "+0.000000 ", 10);
    }
    m->len += 72;
    m->digest = digest_octets(m->digest, line, sizeof(line));
    m->digest = digest_octets(m->digest, "\n", 1);
  }
  return m;
}

void case_transcript_write(struct bench_case *c, const struct settings *settings) {
  struct message *m = make_lines(settings->octets);
  c->summary = "a message to the lines of a transcript, in pieces of 13824 octets";
  add_contender(c, "ehlo", run_writer, m, m->len, m->digest)->ours = true;
  add_contender(c, "memcpy", run_memcpy, m, m->len, m->len);
  add_target(c, "ehlo", "memcpy", 0.05);
  add_rate(c, "ehlo", "octets", m->len, 300e6);
}
