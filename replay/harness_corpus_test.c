// Each transcript of the corpus as the server of a client that says exactly what was said then: that
// is the same, however it is cut, and any octet changed is a difference in its line.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/corpus.h"
#include "replay/harness.h"
#include "replay/transcript.h"

#define HIDDEN_LEN 8
#define NOWHERE SIZE_MAX

// Follows the transcript beside the harness, with a reader of its own.
struct parrot {
  struct ehlo_reader reader;
  struct ehlo_item item;
  bool have_item;
  struct ehlo_memory memory;
  size_t server_left;  // octets of the server's item that did not come yet
  size_t num_said;     // octets, without secrets
  size_t mutate;       // which of them is said differently
  size_t mutated_line;
  bool end;
};

static bool next_item(struct parrot *p) {
  while (!p->have_item && !p->end) {
    p->end = ehlo_reader_next(&p->reader, &p->item) != EHLO_READ_ITEM;
    bool spoken = p->item.type == EHLO_ITEM_SERVER || p->item.type == EHLO_ITEM_CLIENT;
    bool happens =
        p->item.type == EHLO_ITEM_FACT &&
        (p->item.failed || p->item.fact == EHLO_FACT_TLS || p->item.fact == EHLO_FACT_TIMEOUT ||
         p->item.fact == EHLO_FACT_EOF || p->item.fact == EHLO_FACT_RESET);
    p->have_item = !p->end && (spoken || happens);
    p->server_left = p->item.bytes_len + p->item.num_secrets * HIDDEN_LEN;
  }
  return p->have_item;
}

static void say_byte(struct parrot *p, struct ehlo_harness *h, uint8_t byte) {
  if (p->num_said++ == p->mutate) {
    p->mutated_line = p->item.line;
    byte ^= 0x80;
  }
  ehlo_harness_send(h, &byte, 1);
}

static void say_item(struct parrot *p, struct ehlo_harness *h) {
  size_t secret = 0;
  for (size_t i = 0; i <= p->item.bytes_len; i++) {
    for (; secret < p->item.num_secrets && p->item.secret_at[secret] == i; secret++) {
      ehlo_harness_send(h, "c2VjcmV0", 8);
    }
    if (i < p->item.bytes_len) {
      say_byte(p, h, p->item.bytes[i]);
    }
  }
  p->have_item = false;
}

static void follow(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  struct parrot *p = arg;
  size_t left = in->len;
  while (left > 0 && next_item(p)) {
    cr_assert_eq(p->item.type, EHLO_ITEM_SERVER);
    size_t n = left < p->server_left ? left : p->server_left;
    left -= n;
    p->server_left -= n;
    p->have_item = p->server_left > 0;
  }
  if (in->happening != EHLO_HARNESS_BYTES && next_item(p)) {
    cr_assert_eq(p->item.type, EHLO_ITEM_FACT);
    p->have_item = false;
  }
  while (next_item(p) && p->item.type == EHLO_ITEM_CLIENT) {
    say_item(p, h);
  }
}

static struct parrot parrot;
static struct ehlo_harness harness;

static void run(struct ehlo_harness_result *out, const struct ehlo_corpus_file *file,
                struct ehlo_harness_options options, size_t mutate) {
  struct ehlo_memory memory = {file->bytes, file->len, 0};
  memset(&parrot, 0, sizeof(parrot));
  parrot.memory = memory;
  parrot.mutate = mutate;
  ehlo_reader_init(&parrot.reader, ehlo_memory_read, &parrot.memory);
  ehlo_harness_run(&harness, out, ehlo_memory_read, &memory, &options, follow, &parrot);
}

// A client under the harness speaks when it is its turn, and the tolerant comparison takes a line behind
// a refused AUTH for a command: what these clients did cannot be told of one.
static bool is_blind(const struct ehlo_corpus_file *file) {
  return strstr(file->path, "/script-blind-session.") != NULL ||
         strstr(file->path, "/script-blind-login-refused.") != NULL;
}

Test(harness_corpus, what_was_said_is_the_same) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  size_t num_same = 0;
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    for (unsigned k = 0; k < 6 && !is_blind(file); k++) {
      struct ehlo_harness_options options = {.chunks = (enum ehlo_chunks)(k % 3),
                                             .tolerant = k >= 3};
      struct ehlo_harness_result r;
      run(&r, file, options, NOWHERE);
      const struct ehlo_divergence *d = &r.divergence;
      cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s:%zu:%zu: cuts %u: expected %s, got %s",
                   file->path, d->line, d->column, k, d->expected, d->got);
      num_same += r.verdict == EHLO_REPLAY_SAME;
    }
  }
  printf("%zu of %zu\n", num_same, corpus->num_files * 6);
}

Test(harness_corpus, what_is_said_differently_is_told) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  size_t num_told = 0;
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    struct ehlo_harness_result r;
    if (is_blind(file)) {
      continue;
    }
    run(&r, file, (struct ehlo_harness_options){0}, NOWHERE);
    size_t num_said = parrot.num_said;
    for (size_t at = 0; at < num_said; at += 1 + num_said / 40) {
      run(&r, file, (struct ehlo_harness_options){0}, at);
      cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED, "%s: octet %zu", file->path, at);
      cr_expect_eq(r.divergence.line, parrot.mutated_line, "%s:%zu: it was line %zu", file->path,
                   r.divergence.line, parrot.mutated_line);
      num_told++;
    }
  }
  cr_expect_gt(num_told, 1000);
}
