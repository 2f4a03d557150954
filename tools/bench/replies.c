// The reply cases: bytes of a stream to replies and their lines, in pieces of the size of a TCP
// segment and octet by octet.
#include <string.h>

#include "engine/ehlo.h"
#include "tools/bench/bench.h"
#include "tools/bench/peers.h"
#include "tools/bench/stream.h"

#define SEGMENT_LEN 1460  // octets in a TCP segment over Ethernet

static uint64_t digest_reply(uint64_t digest, const struct ehlo_reply *reply) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  while (ehlo_reply_line(reply, &pos, &line)) {
    digest = digest_octets(digest, line.text.bytes, line.text.len);
    digest = digest_octets(digest, "\n", 1);
  }
  return digest_number(digest, reply->code);
}

// What a program does with a reply: looks at the code, the enhanced code, the text, and with
// `each_line` at every line's message apart.
static uint64_t look_at_reply(const struct ehlo_reply *reply, bool each_line) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  uint64_t sum = (uint64_t)reply->code + reply->enhanced.detail + reply->text.len;
  while (each_line && ehlo_reply_line(reply, &pos, &line)) {
    sum += line.message.len;
  }
  return sum;
}

static uint64_t take_reply(struct ehlo_reply_parser *p, uint64_t digest, bool check,
                           bool each_line) {
  struct ehlo_reply reply;
  ehlo_reply_get(p, &reply);
  digest = check ? digest_reply(digest, &reply) : digest + look_at_reply(&reply, each_line);
  ehlo_reply_reset(p);
  return digest;
}

static void begin_parser(struct ehlo_reply_parser *p) {
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  static const struct ehlo_reply_limits limits = {EHLO_REPLY_LINE_MAX, EHLO_TOKEN_MAX + 6,
                                                  sizeof(buf), EHLO_REPLY_LINES_MAX};
  ehlo_reply_parser_init(p, buf, &limits);
}

static uint64_t run_parser(const struct cut_stream *w, bool check, bool each_line) {
  struct ehlo_reply_parser p;
  uint64_t digest = check ? DIGEST_START : 0;
  begin_parser(&p);
  for (size_t at = 0; at < w->stream.len;) {
    size_t left = w->stream.len - at;
    size_t end = at + (left < w->chunk_len ? left : w->chunk_len);
    while (at < end) {
      size_t used;
      if (ehlo_reply_feed(&p, &used, w->stream.bytes + at, end - at) != EHLO_OK) {
        return 0;
      }
      at += used;
      if (p.complete) {
        digest = take_reply(&p, digest, check, each_line);
      }
    }
  }
  return digest;
}

static uint64_t run_replies(const void *work, bool check) {
  return run_parser(work, check, false);
}

static uint64_t run_lines(const void *work, bool check) {
  return run_parser(work, check, true);
}

// Octet by octet: what is no error was taken.
static uint64_t run_octets(const void *work, bool check) {
  const struct cut_stream *w = work;
  struct ehlo_reply_parser p;
  uint64_t digest = check ? DIGEST_START : 0;
  begin_parser(&p);
  for (size_t at = 0; at < w->stream.len; at++) {
    size_t used;
    if (ehlo_reply_feed(&p, &used, w->stream.bytes + at, 1) != EHLO_OK) {
      return 0;
    }
    if (p.complete) {
      digest = take_reply(&p, digest, check, true);
    }
  }
  return digest;
}

// Queues a command that any reply answers, and takes it as sent.
static void send_anything(struct ehlo_client *c) {
  struct ehlo_output out;
  ehlo_send_raw(c, ehlo_str("XBENCH"));
  while (ehlo_output_peek(c, &out)) {
    ehlo_output_ack(c, out.span.len, 0);
  }
}

static uint64_t run_client(const void *work, bool check) {
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  static const struct ehlo_config config;
  const struct cut_stream *w = work;
  struct ehlo_client c;
  struct ehlo_event event;
  uint64_t digest = check ? DIGEST_START : 0;
  ehlo_client_init(&c, &config, buf, sizeof(buf), 0);
  for (size_t at = 0; at < w->stream.len;) {
    size_t left = w->stream.len - at;
    size_t end = at + (left < w->chunk_len ? left : w->chunk_len);
    while (at < end) {
      size_t used;
      if (ehlo_input(&c, &used, w->stream.bytes + at, end - at, 0) != EHLO_OK) {
        return 0;
      }
      at += used;
      while (ehlo_next(&c, &event) != EHLO_EVENT_NONE) {
        digest =
            check ? digest_reply(digest, &event.reply) : digest + look_at_reply(&event.reply, true);
        send_anything(&c);
      }
    }
  }
  return digest;
}

// The least that finding lines can cost: where each LF of a chunk is.
static uint64_t run_memchr(const void *work, bool check) {
  const struct cut_stream *w = work;
  uint64_t num_lines = 0;
  (void)check;
  for (size_t at = 0; at < w->stream.len;) {
    size_t left = w->stream.len - at;
    const uint8_t *chunk = w->stream.bytes + at;
    const uint8_t *end = chunk + (left < w->chunk_len ? left : w->chunk_len);
    for (const uint8_t *lf; (lf = memchr(chunk, '\n', (size_t)(end - chunk))) != NULL;) {
      chunk = lf + 1;
      num_lines++;
    }
    at += (size_t)(end - (w->stream.bytes + at));
  }
  return num_lines;
}

static const struct cut_stream *cut(const struct stream *stream, size_t chunk_len) {
  struct cut_stream *w = allocate(sizeof(*w));
  *w = (struct cut_stream){*stream, chunk_len};
  return w;
}

static void add_replies(struct bench_case *c, const char *name, contender_run *run,
                        const struct stream *stream, size_t chunk_len) {
  add_contender(c, name, run, cut(stream, chunk_len), stream->len, stream->digest)->ours = true;
}

static void add_peers(struct bench_case *c, const struct stream *replies, size_t len,
                      size_t chunk_len) {
  struct stream responses;
  make_responses_like_replies(&responses, len);
  add_contender(c, "llhttp, same lines", llhttp_responses, cut(&responses, chunk_len),
                responses.len, responses.digest)
      ->version = llhttp_version;
  make_responses(&responses, len);
  add_contender(c, "llhttp, web responses", llhttp_responses, cut(&responses, chunk_len),
                responses.len, responses.digest)
      ->version = llhttp_version;
  add_contender(c, "libetpan", etpan_replies, cut(replies, chunk_len), replies->len,
                replies->digest)
      ->version = etpan_version;
}

void case_reply(struct bench_case *c, const struct settings *settings) {
  struct stream replies;
  make_replies(&replies, settings->octets);
  c->summary = "replies of submission servers, in chunks of 1460 octets";
  add_replies(c, "ehlo, each reply", run_replies, &replies, SEGMENT_LEN);
  add_replies(c, "ehlo, each line", run_lines, &replies, SEGMENT_LEN);
  add_replies(c, "ehlo, whole client", run_client, &replies, SEGMENT_LEN);
  add_peers(c, &replies, settings->octets, SEGMENT_LEN);
  add_contender(c, "memchr, each LF", run_memchr, cut(&replies, SEGMENT_LEN), replies.len,
                replies.num_lines);
  add_target(c, "ehlo, each line", "llhttp, same lines", 1.2);
  add_target(c, "ehlo, each line", "llhttp, web responses", 1.2);
  add_target(c, "ehlo, each line", "libetpan", 4);
  add_target(c, "ehlo, each line", "memchr, each LF", 0.35);
  add_target(c, "ehlo, each reply", "libetpan", 4);
  add_target(c, "ehlo, each reply", "memchr, each LF", 0.35);
}

void case_reply_1(struct bench_case *c, const struct settings *settings) {
  struct stream replies;
  make_replies(&replies, settings->octets);
  c->summary = "the same, octet by octet";
  add_replies(c, "ehlo, each line", run_octets, &replies, 1);
  add_replies(c, "ehlo, 1460 at a time", run_lines, &replies, SEGMENT_LEN);
  add_replies(c, "ehlo, whole client", run_client, &replies, 1);
  add_peers(c, &replies, settings->octets, 1);
  add_target(c, "ehlo, each line", "ehlo, 1460 at a time", 0.25);
}
