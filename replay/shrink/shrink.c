// The search. A list of edits is tried as a whole and, where that changes the outcome, in halves, down
// to single ones; what stays the same stays. Passes are run again until a whole round of them has
// nothing to give: then no edit that is left can go.
#include "replay/shrink/shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "replay/shrink/shrink_edits.h"
#include "replay/shrink/shrink_outcome.h"

struct shrink {
  const struct ehlo_shrink_options *options;
  struct ehlo_shrink_result *result;
  struct ehlo_replayer *replayer;
  struct ehlo_shrink_outcome wanted;
  struct ehlo_shrink_progress progress;
  bool over;
  bool changed;  // by this round
  bool no_memory;
  char *text;  // what there is; `scan` is of it
  size_t len;
  struct ehlo_shrink_scan scan;
  struct ehlo_shrink_edits edits;
  uint64_t num_accepted;
  uint64_t *scratch;                  // for each exchange
  struct ehlo_shrink_state state;     // what stays of `text`
  struct ehlo_shrink_state proposal;  // and would
  char *candidate;
  size_t candidate_len;
  size_t candidate_lines;
  uint64_t *tried;  // hashes of candidates that failed, open addressing; 0: free
  size_t num_tried;
  size_t tried_cap;
};

// ---- Candidates ---------------------------------------------------------------------------------

// Whether a candidate was tried in vain before; remembers it.
static bool was_tried(struct shrink *s, uint64_t hash) {
  size_t mask = s->tried_cap - 1;
  for (size_t at = hash & mask; s->tried[at] != 0; at = (at + 1) & mask) {
    if (s->tried[at] == hash) {
      return true;
    }
  }
  return false;
}

static void insert_tried(uint64_t *table, size_t cap, uint64_t hash) {
  size_t at = hash & (cap - 1);
  while (table[at] != 0) {
    at = (at + 1) & (cap - 1);
  }
  table[at] = hash;
}

static void remember(struct shrink *s, uint64_t hash) {
  if (s->num_tried * 2 >= s->tried_cap) {
    uint64_t *more = calloc(s->tried_cap * 2, sizeof(*more));
    if (more == NULL) {
      return;  // it will be tried once more
    }
    for (size_t i = 0; i < s->tried_cap; i++) {
      if (s->tried[i] != 0) {
        insert_tried(more, s->tried_cap * 2, s->tried[i]);
      }
    }
    free(s->tried);
    s->tried = more;
    s->tried_cap *= 2;
  }
  insert_tried(s->tried, s->tried_cap, hash);
  s->num_tried++;
}

// Writes down what stays; returns its hash.
static uint64_t render(struct shrink *s) {
  uint64_t hash = 14695981039346656037U;
  s->candidate_len = 0;
  s->candidate_lines = 0;
  for (size_t i = 0; i < s->len; i++) {
    if (s->proposal.gone[i] == 0) {
      char c = s->proposal.bytes[i];
      s->candidate[s->candidate_len++] = c;
      s->candidate_lines += c == '\n';
      hash = (hash ^ (uint8_t)c) * 1099511628211U;
    }
  }
  return hash != 0 ? hash : 1;
}

// The edits from `lo` to `hi` on top of what is gone already, with the counts of chunks right or left as
// they are. False: they change nothing.
static bool propose(struct shrink *s, size_t lo, size_t hi, bool count) {
  bool cuts = false;
  memcpy(s->proposal.gone, s->state.gone, s->len);
  memcpy(s->proposal.bytes, s->state.bytes, s->len);
  for (size_t i = lo > 0 ? s->edits.ends[lo - 1] : 0; i < s->edits.ends[hi - 1]; i++) {
    const struct ehlo_shrink_range *range = &s->edits.ranges[i];
    for (uint32_t k = 0; k < range->len && !cuts; k++) {
      cuts = s->proposal.gone[range->at + k] == 0;
    }
    memset(s->proposal.gone + range->at, 1, range->len);
  }
  ehlo_shrink_mend(&s->proposal, &s->scan);
  if (count && s->scan.num_counts > 0) {
    ehlo_shrink_mend_counts(&s->proposal, &s->scan, s->scratch);
  }
  return cuts;
}

static void tell_progress(struct shrink *s) {
  s->result->num_replays++;
  s->progress.num_replays = s->result->num_replays;
  if (s->options->progress != NULL && !s->options->progress(s->options->arg, &s->progress)) {
    s->over = true;
  }
  uint64_t most = s->options->max_replays;
  s->over = s->over || s->result->num_replays >= (most != 0 ? most : EHLO_SHRINK_REPLAYS);
}

static void accept(struct shrink *s) {
  struct ehlo_shrink_state before = s->state;
  s->state = s->proposal;
  s->proposal = before;
  s->changed = true;
  s->num_accepted++;
  s->progress.now.lines = s->candidate_lines;
  s->progress.now.bytes = s->candidate_len;
}

// Whether all of these edits can go; if so they do.
static bool try_with(struct shrink *s, size_t lo, size_t hi, bool count) {
  struct ehlo_shrink_outcome outcome;
  struct ehlo_replay_result replay;
  if (!propose(s, lo, hi, count)) {
    return true;
  }
  uint64_t hash = render(s);
  if (was_tried(s, hash)) {
    return false;
  }
  ehlo_shrink_judge(&outcome, &replay, s->replayer, s->candidate, s->candidate_len, NULL);
  bool same = ehlo_shrink_same(&outcome, &s->wanted, s->options->keep);
  if (same) {
    accept(s);
  } else {
    remember(s, hash);
  }
  tell_progress(s);
  return same;
}

// A chunk that did not come to its end may say more than there is.
static bool try_edits(struct shrink *s, size_t lo, size_t hi) {
  return try_with(s, lo, hi, true) ||
         (hi - lo == 1 && s->scan.num_counts > 0 && !s->over && try_with(s, lo, hi, false));
}

// Whether the edits cut one run of the same octet, so that it does not matter which of them go.
static bool is_uniform(const struct shrink *s, size_t lo, size_t hi) {
  const struct ehlo_shrink_range *first = &s->edits.ranges[lo > 0 ? s->edits.ends[lo - 1] : 0];
  const struct ehlo_shrink_range *last = &s->edits.ranges[s->edits.ends[hi - 1] - 1];
  size_t len = hi - lo;
  return (size_t)(last - first) + 1 == len && last->at - first->at == len - 1 && last->len == 1 &&
         memcmp(s->text + first->at, s->text + first->at + 1, len - 1) == 0;
}

// Halves are as deep as the number of edits has binary digits.
static void reduce(struct shrink *s, size_t lo, size_t hi) {
  if (lo == hi || s->over || try_edits(s, lo, hi) || hi - lo == 1) {
    return;
  }
  size_t middle = lo + (hi - lo) / 2;
  uint64_t accepted = s->num_accepted;
  reduce(s, lo, middle);
  if (s->num_accepted == accepted && is_uniform(s, lo, hi)) {
    try_edits(s, middle, hi);  // not its parts: they are those of the other half
    return;
  }
  reduce(s, middle, hi);
}

// ---- Passes -------------------------------------------------------------------------------------

static size_t count_items(const struct ehlo_shrink_scan *scan) {
  size_t items = 0;
  for (size_t i = 0; i < scan->num_lines; i++) {
    items += scan->lines[i].role == EHLO_ROLE_NONE && scan->lines[i].type != EHLO_ITEM_EVENT;
  }
  for (size_t x = 0; x < scan->num_exchanges; x++) {
    items += scan->exchanges[x].first_line < scan->exchanges[x + 1].first_line;
  }
  return items;
}

static struct ehlo_shrink_size size_of(const struct ehlo_shrink_scan *scan) {
  struct ehlo_shrink_size size = {.items = count_items(scan)};
  for (size_t i = 0; i < scan->num_lines; i++) {
    if (scan->lines[i].type != EHLO_ITEM_EVENT) {
      size.lines++;
      size.bytes += scan->lines[i].len;
    }
  }
  return size;
}

// Makes what stays the text that is looked at from now on. False: there is no memory.
static bool settle(struct shrink *s) {
  size_t len = 0;
  for (size_t i = 0; i < s->len; i++) {
    if (s->state.gone[i] == 0) {
      s->text[len++] = s->state.bytes[i];
    }
  }
  s->len = len;
  ehlo_shrink_scan_free(&s->scan);
  free(s->scratch);
  bool good = ehlo_shrink_scan(&s->scan, s->text, s->len);
  s->scan.keep_header =
      s->wanted.verdict == EHLO_REPLAY_SAME;  // it makes a list of events complete
  s->scratch = calloc(s->scan.num_exchanges + 1, sizeof(*s->scratch));
  s->no_memory = s->no_memory || !good || s->scratch == NULL;
  if (!s->no_memory) {
    memset(s->state.gone, 0, s->len);
    memcpy(s->state.bytes, s->text, s->len);
    s->progress.now = size_of(&s->scan);
  }
  s->over = s->over || s->no_memory;
  return !s->no_memory;
}

static void run_passes(struct shrink *s, const ehlo_shrink_pass_fn *passes, size_t num) {
  for (size_t i = 0; i < num && !s->over; i++) {
    ehlo_shrink_edits_clear(&s->edits);
    passes[i](&s->edits, &s->scan);
    reduce(s, 0, s->edits.num);
    settle(s);
  }
}

typedef void (*line_pass_fn)(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                             size_t line);

static void run_line_pass(struct shrink *s, line_pass_fn pass) {
  for (size_t i = 0; i < s->scan.num_lines && !s->over; i++) {
    ehlo_shrink_edits_clear(&s->edits);
    pass(&s->edits, &s->scan, i);
    reduce(s, 0, s->edits.num);
  }
  settle(s);
}

static void run_round(struct shrink *s) {
  s->progress.level = EHLO_SHRINK_ITEMS;
  run_passes(s, ehlo_shrink_item_passes, ehlo_shrink_num_item_passes);
  s->progress.level = EHLO_SHRINK_LINES;
  run_passes(s, ehlo_shrink_line_passes, ehlo_shrink_num_line_passes);
  s->progress.level = EHLO_SHRINK_BYTES;
  run_passes(s, ehlo_shrink_byte_passes, ehlo_shrink_num_byte_passes);
  run_line_pass(s, ehlo_shrink_pass_line_values);
  run_line_pass(s, ehlo_shrink_pass_line_bytes);
}

// ---- The whole ----------------------------------------------------------------------------------

static bool allocate(struct shrink *s, const char *text, size_t len) {
  s->tried_cap = 1024;
  s->replayer = ehlo_replayer_new();
  s->tried = calloc(s->tried_cap, sizeof(*s->tried));
  s->text = malloc(len + 1);
  s->candidate = malloc(len + 1);
  s->state = (struct ehlo_shrink_state){calloc(len + 1, 1), malloc(len + 1)};
  s->proposal = (struct ehlo_shrink_state){calloc(len + 1, 1), malloc(len + 1)};
  if (s->replayer == NULL || s->tried == NULL || s->text == NULL || s->candidate == NULL ||
      s->state.gone == NULL || s->state.bytes == NULL || s->proposal.gone == NULL ||
      s->proposal.bytes == NULL) {
    return false;
  }
  memcpy(s->text, text, len);
  memcpy(s->state.bytes, text, len);
  s->len = len;
  return true;
}

static void release(struct shrink *s) {
  ehlo_shrink_scan_free(&s->scan);
  ehlo_shrink_edits_free(&s->edits);
  ehlo_replayer_free(s->replayer);
  free(s->scratch);
  free(s->tried);
  free(s->text);
  free(s->candidate);
  free(s->state.gone);
  free(s->state.bytes);
  free(s->proposal.gone);
  free(s->proposal.bytes);
}

// Leaves the "= " lines out: they are made anew in the end. Returns whether there were any.
static bool cut_events(struct shrink *s) {
  bool any = false;
  for (size_t i = 0; i < s->scan.num_lines; i++) {
    if (s->scan.lines[i].type == EHLO_ITEM_EVENT) {
      memset(s->state.gone + s->scan.lines[i].at, 1, s->scan.lines[i].len);
      any = true;
    }
  }
  return any;
}

// A text that grows, for the writer.
struct growing {
  char *text;
  size_t len;
  size_t cap;
};

static bool add_text(void *arg, const char *text, size_t len) {
  struct growing *g = arg;
  if (len > g->cap - g->len) {
    size_t cap = (g->len + len) * 2;
    char *more = realloc(g->text, cap);
    if (more == NULL) {
      return false;
    }
    g->text = more;
    g->cap = cap;
  }
  memcpy(g->text + g->len, text, len);
  g->len += len;
  return true;
}

// The small transcript with its events. False: there is no memory.
static bool write_result(struct shrink *s, bool with_events) {
  struct growing out = {malloc(1), 0, 1};
  struct ehlo_writer *writer = malloc(sizeof(*writer));
  bool good = out.text != NULL && writer != NULL;
  if (good && with_events) {
    struct ehlo_shrink_outcome outcome;
    struct ehlo_replay_result replay;
    ehlo_writer_init(writer, add_text, &out);
    ehlo_shrink_judge(&outcome, &replay, s->replayer, s->text, s->len, writer);
    good = !writer->failed;
  } else if (good) {
    good = add_text(&out, s->text, s->len);
  }
  free(writer);
  s->result->text = out.text;
  s->result->len = out.len;
  return good;
}

static bool search(struct shrink *s, const char *text, size_t len) {
  bool diverged = s->wanted.verdict == EHLO_REPLAY_DIVERGED;
  bool with_events = !diverged && cut_events(s);
  bool any = false;
  if (!settle(s)) {
    return false;
  }
  s->result->before = s->progress.before = s->progress.now;
  do {
    s->changed = false;
    run_round(s);
    any = any || s->changed;
  } while (s->changed && !s->over);
  s->result->after = s->progress.now;
  s->result->minimal = !s->changed && !s->over && !s->edits.failed;
  if (s->no_memory) {
    return false;
  }
  if (any) {
    return write_result(s, with_events);
  }
  s->result->text = malloc(len + 1);
  s->result->len = len;
  if (s->result->text != NULL) {
    memcpy(s->result->text, text, len);
  }
  return s->result->text != NULL;
}

static bool is_too_long(const char *text, size_t len) {
  size_t lines = 0;
  for (size_t i = 0; i < len && len <= EHLO_SHRINK_TEXT_MAX; i++) {
    lines += text[i] == '\n';
  }
  return len > EHLO_SHRINK_TEXT_MAX || lines > EHLO_SHRINK_LINES_MAX;
}

enum ehlo_shrink_status ehlo_shrink(struct ehlo_shrink_result *out, const char *text, size_t len,
                                    const struct ehlo_shrink_options *options) {
  memset(out, 0, sizeof(*out));
  if (is_too_long(text, len)) {
    return EHLO_SHRINK_TOO_LONG;
  }
  struct shrink s = {.options = options, .result = out};
  enum ehlo_shrink_status status = EHLO_SHRINK_NO_MEMORY;
  if (allocate(&s, text, len)) {
    ehlo_shrink_judge(&s.wanted, &out->replay, s.replayer, text, len, NULL);
    out->num_replays = 1;
    bool scanned = ehlo_shrink_scan(&s.scan, text, len);
    if (out->replay.verdict != EHLO_REPLAY_BAD && s.scan.error.message != NULL) {
      out->replay.verdict = EHLO_REPLAY_BAD;  // behind the place where it diverges
      out->replay.error = s.scan.error;
    }
    if (out->replay.verdict == EHLO_REPLAY_BAD) {
      status = EHLO_SHRINK_BAD;
    } else if (scanned && search(&s, text, len)) {
      status = EHLO_SHRINK_OK;
    }
  }
  if (status != EHLO_SHRINK_OK) {
    free(out->text);
    out->text = NULL;
  }
  release(&s);
  return status;
}
