// All that is known to go wrong, shrunk; and a thousand events with one among them that matters.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/corpus.h"
#include "replay/shrink/shrink.h"
#include "replay/shrink/shrink_outcome.h"

static struct ehlo_shrink_result shrink(const char *text, size_t len, enum ehlo_shrink_keep keep) {
  struct ehlo_shrink_result r;
  struct ehlo_shrink_options options = {.keep = keep};
  cr_assert_eq(ehlo_shrink(&r, text, len, &options), EHLO_SHRINK_OK);
  return r;
}

static bool is_event(const char *line) {
  return strncmp(line, "= ", 2) == 0;
}

static const char *next_line(const char *at, const char *end) {
  const char *feed = memchr(at, '\n', (size_t)(end - at));
  return feed != NULL ? feed + 1 : end;
}

// Copies a text without its events, NUL-terminated.
static char *without_events(const char *text, size_t len) {
  char *out = calloc(len + 1, 1);
  size_t at = 0;
  for (const char *line = text; line < text + len;) {
    const char *next = next_line(line, text + len);
    if (!is_event(line)) {
      memcpy(out + at, line, (size_t)(next - line));
      at += (size_t)(next - line);
    }
    line = next;
  }
  return out;
}

// Whether `part` is `whole` with octets left out, but for a blank in place of a hyphen and for digits.
static bool is_part(const char *part, const char *whole) {
  for (; *whole != '\0' && *part != '\0'; whole++) {
    bool digits = *part >= '0' && *part <= '9' && *whole >= '0' && *whole <= '9';
    part += *part == *whole || digits || (*part == ' ' && *whole == '-');
  }
  return *part == '\0';
}

static bool same_end(const struct ehlo_replay_result *a, const struct ehlo_replay_result *b) {
  return a->verdict == b->verdict && a->is_submission == b->is_submission &&
         a->outcome == b->outcome && a->stage == b->stage && a->state == b->state &&
         a->status == b->status;
}

static void expect_shrunk(const struct ehlo_corpus_file *file, const struct ehlo_shrink_result *r) {
  struct ehlo_replay_result before;
  struct ehlo_replay_result after;
  struct ehlo_corpus_file small = *file;
  small.bytes = (uint8_t *)r->text;
  small.len = r->len;
  ehlo_corpus_replay(&before, file, &(struct ehlo_replay_options){0});
  for (unsigned chunks = 0; chunks < 3; chunks++) {
    ehlo_corpus_replay(&after, &small,
                       &(struct ehlo_replay_options){.chunks = (enum ehlo_chunks)chunks});
    cr_expect(same_end(&before, &after), "%s: another end: %.*s", file->path, (int)r->len, r->text);
  }
  char *part = without_events(r->text, r->len);
  char *whole = without_events((const char *)file->bytes, file->len);
  cr_expect(is_part(part, whole), "%s: more than there was: %s", file->path, part);
  free(part);
  free(whole);
}

// No line can go without the outcome changing, by a look at each.
static void expect_minimal(const struct ehlo_corpus_file *file, const struct ehlo_shrink_result *r,
                           struct ehlo_replayer *replayer) {
  struct ehlo_shrink_outcome wanted;
  struct ehlo_shrink_outcome outcome;
  struct ehlo_replay_result replay;
  char *text = without_events(r->text, r->len);
  char *shorter = malloc(r->len + 1);
  ehlo_shrink_judge(&wanted, &replay, replayer, text, strlen(text), NULL);
  const char *end = text + strlen(text);
  for (const char *line = text; line < end; line = next_line(line, end)) {
    const char *next = next_line(line, end);
    size_t before = (size_t)(line - text);
    memcpy(shorter, text, before);
    memcpy(shorter + before, next, (size_t)(end - next));
    ehlo_shrink_judge(&outcome, &replay, replayer, shorter, before + (size_t)(end - next), NULL);
    bool header = strncmp(line, "! ehlo-transcript", 17) == 0;
    cr_expect(header || !ehlo_shrink_same(&wanted, &outcome, EHLO_SHRINK_KEEP_REPLY),
              "%s: not needed: %.*s", file->path, (int)(next - line), line);
  }
  free(text);
  free(shorter);
}

Test(shrink_corpus, shrinks_what_is_known) {
  const struct ehlo_corpus *corpus = ehlo_corpus();
  struct ehlo_replayer *replayer = ehlo_replayer_new();
  struct ehlo_shrink_size before = {0};
  struct ehlo_shrink_size after = {0};
  for (size_t i = 0; i < corpus->num_files; i++) {
    const struct ehlo_corpus_file *file = &corpus->files[i];
    bool huge = file->len > 20000;
    if (!ehlo_corpus_is_mine(i) || huge) {
      continue;
    }
    struct ehlo_shrink_result r =
        shrink((const char *)file->bytes, file->len, EHLO_SHRINK_KEEP_REPLY);
    cr_expect(r.minimal, "%s", file->path);
    expect_shrunk(file, &r);
    expect_minimal(file, &r, replayer);
    struct ehlo_shrink_result again = shrink(r.text, r.len, EHLO_SHRINK_KEEP_REPLY);
    cr_expect(again.len == r.len && memcmp(again.text, r.text, r.len) == 0,
              "%s: another result the second time: %.*s", file->path, (int)again.len, again.text);
    before.lines += r.before.lines;
    after.lines += r.after.lines;
    before.bytes += r.before.bytes;
    after.bytes += r.after.bytes;
    free(again.text);
    free(r.text);
  }
  ehlo_replayer_free(replayer);
  printf("%zu lines of %zu, %zu bytes of %zu\n", after.lines, before.lines, after.bytes,
         before.bytes);
  cr_expect_lt(after.bytes * 2, before.bytes);
}

// ---- A thousand events --------------------------------------------------------------------------

struct text {
  char *bytes;
  size_t len;
  size_t cap;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  t->len += (size_t)vsnprintf(t->bytes + t->len, t->cap - t->len, format, args);
  va_end(args);
  cr_assert_lt(t->len, t->cap);
}

static struct text new_text(void) {
  struct text t = {malloc(1 << 20), 0, 1 << 20};
  add(&t, "! ehlo-transcript 1\n");
  return t;
}

// Another program's session: 250 transactions, one of which has a recipient that is refused.
static struct text many_transactions(size_t needle) {
  struct text t = new_text();
  add(&t, "+0.1 S: 220 mail.example ESMTP\n+0.1 C: EHLO client.example\n");
  add(&t, "+0.1 S: 250-mail.example\n     S: 250 ENHANCEDSTATUSCODES\n");
  for (size_t i = 0; i < 250; i++) {
    add(&t, "+0.1 C: MAIL FROM:<sender%zu@example.com>\n+0.1 S: 250 2.1.0 Ok\n", i);
    add(&t, "+0.1 C: RCPT TO:<recipient%zu@example.net>\n", i);
    add(&t, "+0.1 S: %s\n", i == needle ? "550 5.1.1 No such user here" : "250 2.1.5 Ok");
    if (i == needle) {
      add(&t, "+0.1 C: RSET\n+0.1 S: 250 2.0.0 Ok\n");
      continue;
    }
    add(&t, "+0.1 C: DATA\n+0.1 S: 354 Go ahead\n+0.1 C: Subject: message %zu\n", i);
    add(&t, "     C:\n     C: Hello.\n     C: .\n+0.1 S: 250 2.0.0 Ok: queued as %zu\n", i);
  }
  add(&t, "+0.1 C: QUIT\n+0.1 S: 221 2.0.0 Bye\n");
  return t;
}

// A submission to 990 recipients, one of whom is refused.
static struct text many_recipients(size_t needle) {
  struct text t = new_text();
  add(&t, "! submit tls none\n! submit helo client.example\n! submit from <a@example.com>\n");
  for (size_t i = 0; i < 990; i++) {
    add(&t, "! submit to <recipient%zu@example.net>\n", i);
  }
  add(&t, "S: 220 mail.example ESMTP\nC: EHLO client.example\nS: 250 mail.example\n");
  add(&t, "C: MAIL FROM:<a@example.com>\nS: 250 Ok\n");
  for (size_t i = 0; i < 990; i++) {
    add(&t, "C: RCPT TO:<recipient%zu@example.net>\n", i);
    add(&t, "S: %s\n", i == needle ? "550 5.1.1 No such user here" : "250 Ok");
  }
  add(&t, "C: DATA\nS: 354 Go ahead\nC: Subject: hello\nC: .\nS: 250 Ok\nC: QUIT\nS: 221 Bye\n");
  return t;
}

// A submission of 330 messages, one of which is refused; nobody waits for any of them.
static struct text many_messages(size_t needle) {
  struct text t = new_text();
  add(&t, "! submit tls none\n! submit helo client.example\n");
  for (size_t i = 0; i < 330; i++) {
    add(&t, "%s! submit from <a%zu@example.com>\n! submit to <b@example.com>\n",
        i > 0 ? "! submit message\n" : "", i);
  }
  add(&t, "S: 220 mail.example ESMTP\nC: EHLO client.example\nS: 250 mail.example\n");
  for (size_t i = 0; i < 330; i++) {
    add(&t, "C: MAIL FROM:<a%zu@example.com>\nS: 250 Ok\nC: RCPT TO:<b@example.com>\n", i);
    add(&t, "S: 250 Ok\nC: DATA\nS: 354 Go ahead\nC: Subject: %zu\nC: .\n", i);
    add(&t, "S: %s\n", i == needle ? "554 5.6.0 Spam" : "250 Ok");
  }
  add(&t, "C: QUIT\nS: 221 Bye\n");
  return t;
}

static const struct {
  struct text (*make)(size_t needle);
  const char *words;
  size_t most_lines;
  uint64_t most_replays;
} haystacks[] = {
    {many_transactions, "550 5.1.1", 6, 400},
    {many_recipients, "550 5.1.1", 24, 800},
    {many_messages, "554 5.6.0", 30, 1200},
};

Test(shrink_corpus, finds_one_in_a_thousand) {
  for (size_t h = 0; h < sizeof(haystacks) / sizeof(haystacks[0]); h++) {
    for (size_t needle = 1; needle < 250; needle += 83) {
      struct text t = haystacks[h].make(needle);
      struct ehlo_shrink_result r = shrink(t.bytes, t.len, EHLO_SHRINK_KEEP_REPLY);
      cr_assert_eq(r.replay.verdict, EHLO_REPLAY_SAME, "%zu: %zu:%zu %s, %s", h,
                   r.replay.divergence.line, r.replay.divergence.column,
                   r.replay.divergence.expected, r.replay.divergence.got);
      cr_expect(r.replay.num_events >= 990, "%zu events", r.replay.num_events);
      char *small = without_events(r.text, r.len);
      cr_expect(r.minimal && strstr(small, haystacks[h].words) != NULL &&
                    r.after.lines <= haystacks[h].most_lines &&
                    r.num_replays <= haystacks[h].most_replays,
                "%zu, needle %zu: %d replays, %zu lines: %s", h, needle, (int)r.num_replays,
                r.after.lines, small);
      free(small);
      free(r.text);
      free(t.bytes);
    }
  }
}
