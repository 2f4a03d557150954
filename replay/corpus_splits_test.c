// Chunk invariance on the corpus: each transcript, with the server's stream cut once more at each of
// its octets, gives the events that it gives as recorded. Byte by byte is corpus_test.c's.
//
// All cuts of a stream up to 16 KiB are made. Of a longer one, which only the limits of a reply have,
// those of its first and last 2 KiB, and those up to 4 octets from a line's end. AddressSanitizer, which
// looks at memory and not at events, gets every sixteenth.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/corpus.h"

#define STREAM_MAX ((size_t)16384)
#define EDGE_LEN ((size_t)2048)
#define NEAR_LINE_END ((size_t)4)

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH ((size_t)16)
#endif
#endif
#ifndef EACH
#define EACH ((size_t)1)
#endif

// A transport around the player: no chunk goes beyond `cut`. It keeps where the stream's lines end.
struct cutter {
  struct ehlo_transport base;
  struct ehlo_transport *inner;
  size_t cut;
  size_t given;
  size_t num_exchanges;  // those that brought something
  bool line_ends[1 << 17];
};

static enum ehlo_status cut_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                     const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                     uint64_t deadline_ms) {
  struct cutter *c = (struct cutter *)t;
  if (c->given < c->cut && c->cut - c->given < in_cap) {
    in_cap = c->cut - c->given;
  }
  enum ehlo_status status =
      c->inner->ops->exchange(c->inner, out_taken, in_len, out, in, in_cap, deadline_ms);
  cr_assert_leq(c->given + *in_len, sizeof(c->line_ends));
  for (size_t i = 0; i < *in_len; i++) {
    c->line_ends[c->given++] = in[i] == '\n';
  }
  c->num_exchanges += *in_len > 0;
  return status;
}

static enum ehlo_status cut_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct cutter *c = (struct cutter *)t;
  return c->inner->ops->start_tls(c->inner, deadline_ms);
}

static void cut_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct cutter *c = (struct cutter *)t;
  c->inner->ops->describe_tls(c->inner, out, cap);
}

static void cut_close(struct ehlo_transport *t) {
  struct cutter *c = (struct cutter *)t;
  c->inner->ops->close(c->inner);
}

static uint64_t cut_now_us(struct ehlo_transport *t) {
  struct cutter *c = (struct cutter *)t;
  return c->inner->ops->now_us(c->inner);
}

static struct ehlo_transport *put_around(void *arg, struct ehlo_transport *player,
                                         const struct ehlo_client *c,
                                         const struct ehlo_submit *submit) {
  struct cutter *cutter = arg;
  (void)c;
  (void)submit;
  cutter->inner = player;
  cutter->given = 0;
  cutter->num_exchanges = 0;
  return &cutter->base;
}

static void replay_cut(struct ehlo_replay_result *out, const struct ehlo_corpus_file *file,
                       struct cutter *cutter, size_t cut) {
  static const struct ehlo_transport_ops ops = {
      .exchange = cut_exchange,
      .start_tls = cut_start_tls,
      .describe_tls = cut_describe_tls,
      .close = cut_close,
      .now_us = cut_now_us,
  };
  cutter->base.ops = &ops;
  cutter->cut = cut;
  ehlo_corpus_replay(out, file,
                     &(struct ehlo_replay_options){.around = put_around, .around_arg = cutter});
}

static bool is_near_line_end(const bool *line_ends, size_t len, size_t cut) {
  size_t from = cut < NEAR_LINE_END ? 0 : cut - NEAR_LINE_END;
  size_t to = cut + NEAR_LINE_END < len ? cut + NEAR_LINE_END : len;
  return memchr(line_ends + from, true, to - from) != NULL;
}

static bool is_wanted(const bool *line_ends, size_t len, size_t cut) {
  return len <= STREAM_MAX || cut < EDGE_LEN || len - cut < EDGE_LEN ||
         is_near_line_end(line_ends, len, cut);
}

struct counts {
  size_t cuts;      // in all, to be shared among the shards
  size_t mine;      // this shard's
  size_t runs;      // here
  size_t new_cuts;  // here, where the transcript has none
};

// The recorded run tells the length of the stream and its line ends, which no cut changes.
static void run_file(struct counts *counts, const struct ehlo_corpus_file *file) {
  static struct cutter recorded_cutter;
  static struct cutter cutter;
  struct ehlo_replay_result recorded;
  replay_cut(&recorded, file, &recorded_cutter, 0);
  ehlo_corpus_expect_same(&recorded, file, "as recorded");
  for (size_t cut = 1; cut < recorded_cutter.given; cut++) {
    if (!is_wanted(recorded_cutter.line_ends, recorded_cutter.given, cut) ||
        !ehlo_corpus_is_mine(counts->cuts++) || ++counts->mine % EACH != 0) {
      continue;
    }
    char how[40];
    struct ehlo_replay_result r;
    snprintf(how, sizeof(how), "cut at %zu", cut);
    replay_cut(&r, file, &cutter, cut);
    ehlo_corpus_expect_same(&r, file, how);
    bool same = r.hash == recorded.hash && r.num_events == recorded.num_events &&
                r.outcome == recorded.outcome && r.status == recorded.status;
    cr_expect(same, "%s: %s: other events: %016" PRIx64 ", not %016" PRIx64, file->path, how,
              r.hash, recorded.hash);
    if (!same || r.verdict != EHLO_REPLAY_SAME) {
      return;  // one cut tells enough of a transcript
    }
    counts->runs++;
    counts->new_cuts += cutter.num_exchanges > recorded_cutter.num_exchanges;
  }
}

Test(corpus_splits, every_cut_gives_the_same_events) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  struct counts counts = {0};
  for (size_t i = 0; i < corpus->num_files; i++) {
    run_file(&counts, &corpus->files[i]);
  }
  // Cuts at the end of a recorded chunk make no new one, but those are few.
  cr_expect_gt(counts.new_cuts, counts.runs / 2);
  printf("%zu of %zu splits of %zu transcripts run here, %zu of them inside a chunk\n", counts.runs,
         counts.cuts, corpus->num_files, counts.new_cuts);
}
