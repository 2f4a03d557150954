// One reading of the text gives all that the passes want to know.
#include "replay/shrink/shrink_scan.h"

#include <stdlib.h>
#include <string.h>

#include "replay/escape.h"

struct scanning {
  struct ehlo_shrink_scan *scan;
  struct ehlo_reader reader;
  struct ehlo_dialogue dialogue;
  size_t pos;
  uint32_t open_piece[2];  // of each side, the line that has not ended yet
  size_t exchanges_cap;
  bool failed;
};

static long give_text(void *arg, uint8_t *buf, size_t cap) {
  struct scanning *s = arg;
  size_t left = s->scan->len - s->pos;
  size_t n = left < cap ? left : cap;
  if (n > 0) {
    memcpy(buf, s->scan->text + s->pos, n);
    s->pos += n;
  }
  return (long)n;
}

size_t ehlo_shrink_atom(const char *text, size_t len) {
  uint8_t byte;
  size_t used = 1;
  if (text[0] == '\\') {
    ehlo_escape_take(&byte, &used, text, len);
  }
  return used;
}

bool ehlo_shrink_is_kept(const struct ehlo_shrink_scan *s, size_t line) {
  return s->keep_header && s->lines[line].type == EHLO_ITEM_FACT &&
         s->lines[line].fact == EHLO_FACT_HEADER;
}

// ---- Exchanges ----------------------------------------------------------------------------------

// NULL: there is no memory.
static struct ehlo_shrink_exchange *exchange_at(struct scanning *s, size_t n) {
  struct ehlo_shrink_scan *scan = s->scan;
  if (n >= s->exchanges_cap) {
    size_t cap = n * 2 + 64;
    struct ehlo_shrink_exchange *more = realloc(scan->exchanges, cap * sizeof(*more));
    if (more == NULL) {
      s->failed = true;
      return NULL;
    }
    memset(more + s->exchanges_cap, 0, (cap - s->exchanges_cap) * sizeof(*more));
    scan->exchanges = more;
    s->exchanges_cap = cap;
  }
  return &scan->exchanges[n];
}

static void on_line(void *arg, const struct ehlo_dialogue_line *line) {
  struct scanning *s = arg;
  struct ehlo_shrink_exchange *x = exchange_at(s, line->exchange);
  struct ehlo_shrink_line *first = &s->scan->lines[line->file_line - 1];
  if (x == NULL) {
    return;
  }
  x->kind = line->kind;
  if (line->side == EHLO_SIDE_SERVER) {
    first->reply = x->num_replies;
    first->ends_reply = line->ends_reply;
    x->code = line->code;
    x->num_replies += line->ends_reply;
  }
}

static void on_text_end(void *arg, size_t exchange, uint64_t time_us) {
  struct ehlo_shrink_exchange *x = exchange_at(arg, exchange);
  (void)time_us;
  if (x != NULL && x->kind != EHLO_EXCHANGE_BDAT) {
    x->kind = EHLO_EXCHANGE_MESSAGE;
  }
}

static void number_transactions(struct ehlo_shrink_scan *s) {
  uint32_t transaction = 0;
  uint32_t accepted = 0;
  for (size_t i = 0; i < s->num_exchanges; i++) {
    struct ehlo_shrink_exchange *x = &s->exchanges[i];
    if (x->kind == EHLO_EXCHANGE_MAIL) {
      transaction++;
      accepted = 0;
    } else if (x->kind == EHLO_EXCHANGE_RCPT) {
      x->accepted_before = accepted;
      accepted += x->code / 100 == 2;
    }
    if (x->kind == EHLO_EXCHANGE_MAIL || x->kind == EHLO_EXCHANGE_RCPT ||
        x->kind == EHLO_EXCHANGE_DATA || x->kind == EHLO_EXCHANGE_MESSAGE ||
        x->kind == EHLO_EXCHANGE_BDAT || x->kind == EHLO_EXCHANGE_RSET) {
      x->transaction = transaction;
    }
  }
}

// Counting sort of the dialogue's lines. `exchanges` has one entry more than there are exchanges.
static void sort_lines(struct ehlo_shrink_scan *s) {
  for (size_t x = 0; x <= s->num_exchanges; x++) {
    s->exchanges[x].first_line = 0;
  }
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].exchange != EHLO_SHRINK_NONE) {
      s->exchanges[s->lines[i].exchange].first_line++;
    }
  }
  uint32_t end = 0;
  for (size_t x = 0; x <= s->num_exchanges; x++) {
    end += s->exchanges[x].first_line;
    s->exchanges[x].first_line = end;
  }
  for (size_t i = s->num_lines; i-- > 0;) {
    if (s->lines[i].exchange != EHLO_SHRINK_NONE) {
      s->by_exchange[--s->exchanges[s->lines[i].exchange].first_line] = (uint32_t)i;
    }
  }
}

// ---- Lines --------------------------------------------------------------------------------------

static void take_item(struct scanning *s, const struct ehlo_item *item, uint32_t at) {
  struct ehlo_shrink_scan *scan = s->scan;
  uint32_t n = (uint32_t)scan->num_lines;
  struct ehlo_shrink_line *line = &scan->lines[n];
  *line = (struct ehlo_shrink_line){
      .at = at,
      .len = (uint32_t)item->raw_len + item->has_line_feed,
      .text_at = at + (uint32_t)(item->text - item->raw),
      .text_len = (uint32_t)item->text_len,
      .time_len = item->raw[0] == '+' ? (uint32_t)strcspn(item->raw, " ") : 0,
      .type = item->type,
      .fact = item->fact,
      .ends_line = item->ends_line,
      .first_piece = n,
      .exchange = EHLO_SHRINK_NONE,
      .message = EHLO_SHRINK_NONE,
  };
  line->time_len += (uint32_t)strspn(item->raw + line->time_len, " ");
  scan->num_lines++;
  struct ehlo_dialogue_place place = ehlo_dialogue_item(&s->dialogue, item);
  line->role = place.role;
  if (place.role == EHLO_ROLE_NONE) {
    return;
  }
  line->exchange = (uint32_t)place.exchange;
  if (s->open_piece[item->side] != EHLO_SHRINK_NONE) {
    line->first_piece = s->open_piece[item->side];
  }
  s->open_piece[item->side] = item->ends_line ? EHLO_SHRINK_NONE : line->first_piece;
}

// Which reply a piece of a line belongs to is known once the line is whole.
static void settle_pieces(struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].role == EHLO_ROLE_REPLY) {
      s->lines[i].reply = s->lines[s->lines[i].first_piece].reply;
    }
  }
}

bool ehlo_shrink_setting(uint32_t *out_at, uint32_t *out_len, const struct ehlo_shrink_scan *s,
                         size_t line, const char *word) {
  static const char mark[] = "submit ";
  const struct ehlo_shrink_line *l = &s->lines[line];
  const char *text = s->text + l->text_at;
  size_t word_len = strlen(word);
  size_t used = sizeof(mark) - 1 + word_len;
  if (l->type != EHLO_ITEM_FACT || l->fact != EHLO_FACT_SUBMIT || l->text_len < used ||
      memcmp(text + sizeof(mark) - 1, word, word_len) != 0 ||
      (l->text_len > used && text[used] != ' ')) {
    return false;
  }
  used += l->text_len > used;
  *out_at = l->text_at + (uint32_t)used;
  *out_len = l->text_len - (uint32_t)used;
  return true;
}

static void number_messages(struct ehlo_shrink_scan *s) {
  static const char *const words[] = {"message",     "from", "mail-params", "to",
                                      "rcpt-params", "size", "8bit",        "binary"};
  uint32_t at;
  uint32_t len;
  for (size_t i = 0; i < s->num_lines; i++) {
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
      if (ehlo_shrink_setting(&at, &len, s, i, words[w])) {
        s->num_messages += w == 0 || s->num_messages == 0;
        s->num_messages += w == 0 && s->num_messages == 1;  // the first one has no line of its own
        s->lines[i].message = (uint32_t)s->num_messages - 1;
      }
    }
  }
}

// ---- Counts -------------------------------------------------------------------------------------

static void add_count(struct ehlo_shrink_scan *s, uint32_t exchange, uint32_t at, uint32_t len) {
  s->counts[s->num_counts++] = (struct ehlo_shrink_count){exchange, at, len};
}

static uint32_t digits_at(const struct ehlo_shrink_scan *s, uint32_t at, uint32_t end) {
  uint32_t n = 0;
  while (at + n < end && s->text[at + n] >= '0' && s->text[at + n] <= '9') {
    n++;
  }
  return n;
}

// Adds the number at `at` if it has the same digits as that of the chunk.
static void add_same(struct ehlo_shrink_scan *s, uint32_t at, uint32_t end,
                     const struct ehlo_shrink_count *as) {
  if (digits_at(s, at, end) == as->len && memcmp(s->text + at, s->text + as->at, as->len) == 0) {
    add_count(s, as->exchange, at, as->len);
  }
}

static void add_size_of_mail(struct ehlo_shrink_scan *s, const struct ehlo_shrink_line *mail,
                             const struct ehlo_shrink_count *as) {
  static const char mark[] = " SIZE=";
  uint32_t end = mail->text_at + mail->text_len;
  for (uint32_t at = mail->text_at; at + sizeof(mark) - 1 < end; at++) {
    if (memcmp(s->text + at, mark, sizeof(mark) - 1) == 0) {
      add_same(s, at + (uint32_t)sizeof(mark) - 1, end, as);
      return;
    }
  }
}

static bool is_command(const struct ehlo_shrink_scan *s, size_t line,
                       enum ehlo_exchange_kind kind) {
  const struct ehlo_shrink_line *l = &s->lines[line];
  return l->role == EHLO_ROLE_COMMAND && l->first_piece == line &&
         s->exchanges[l->exchange].kind == kind;
}

// The chunk of BDAT at `line`, with the MAIL and the setting that tell the same number.
static void count_chunk(struct ehlo_shrink_scan *s, size_t line, size_t mail,
                        const uint32_t *sizes) {
  const struct ehlo_shrink_line *l = &s->lines[line];
  uint32_t transaction = s->exchanges[l->exchange].transaction;
  struct ehlo_shrink_count count = {l->exchange, l->text_at + 5, 0};
  uint32_t at;
  uint32_t len;
  count.len = l->text_len > 5 ? digits_at(s, count.at, l->text_at + l->text_len) : 0;
  if (count.len == 0 || count.len > 18) {
    return;
  }
  add_count(s, count.exchange, count.at, count.len);
  if (mail != SIZE_MAX) {
    add_size_of_mail(s, &s->lines[mail], &count);
  }
  if (transaction > 0 && transaction <= s->num_messages &&
      sizes[transaction - 1] != EHLO_SHRINK_NONE &&
      ehlo_shrink_setting(&at, &len, s, sizes[transaction - 1], "size")) {
    add_same(s, at, at + len, &count);
  }
}

static bool find_counts(struct ehlo_shrink_scan *s) {
  uint32_t *sizes = malloc((s->num_messages + 1) * sizeof(*sizes));
  size_t mail = SIZE_MAX;
  uint32_t at;
  uint32_t len;
  if (sizes == NULL) {
    return false;
  }
  memset(sizes, 0xff, (s->num_messages + 1) * sizeof(*sizes));
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].message != EHLO_SHRINK_NONE && ehlo_shrink_setting(&at, &len, s, i, "size")) {
      sizes[s->lines[i].message] = (uint32_t)i;
    } else if (is_command(s, i, EHLO_EXCHANGE_MAIL)) {
      mail = i;
    } else if (is_command(s, i, EHLO_EXCHANGE_BDAT)) {
      count_chunk(s, i, mail, sizes);
    }
  }
  free(sizes);
  return true;
}

// ---- The whole ----------------------------------------------------------------------------------

static size_t count_lines(const char *text, size_t len) {
  size_t n = 1;
  for (size_t i = 0; i < len; i++) {
    n += text[i] == '\n';
  }
  return n;
}

static bool run(struct scanning *s) {
  struct ehlo_item item;
  enum ehlo_read_result result;
  uint32_t at = 0;
  ehlo_reader_init(&s->reader, give_text, s);
  ehlo_dialogue_init(&s->dialogue, &(struct ehlo_dialogue_hooks){
                                       .line = on_line, .text_end = on_text_end, .arg = s});
  s->open_piece[0] = EHLO_SHRINK_NONE;
  s->open_piece[1] = EHLO_SHRINK_NONE;
  while ((result = ehlo_reader_next(&s->reader, &item)) == EHLO_READ_ITEM) {
    take_item(s, &item, at);
    at += (uint32_t)item.raw_len + item.has_line_feed;
  }
  s->scan->num_exchanges = s->dialogue.turns.num_exchanges;
  s->scan->error = s->reader.error;
  exchange_at(s, s->dialogue.turns.num_exchanges);  // also one of which no line is whole
  return result == EHLO_READ_END && !s->failed;
}

bool ehlo_shrink_scan(struct ehlo_shrink_scan *out, const char *text, size_t len) {
  size_t most = count_lines(text, len) + 1;
  memset(out, 0, sizeof(*out));
  out->text = text;
  out->len = len;
  out->lines = calloc(most, sizeof(*out->lines));
  out->by_exchange = calloc(most, sizeof(*out->by_exchange));
  out->counts = calloc(most * 3, sizeof(*out->counts));
  struct scanning *s = calloc(1, sizeof(*s));
  bool good = s != NULL && out->lines != NULL && out->by_exchange != NULL && out->counts != NULL;
  if (good) {
    s->scan = out;
    good = run(s);
  }
  free(s);
  if (good) {
    settle_pieces(out);
    number_transactions(out);
    sort_lines(out);
    number_messages(out);
    good = find_counts(out);
  }
  return good;
}

void ehlo_shrink_scan_free(struct ehlo_shrink_scan *s) {
  free(s->lines);
  free(s->exchanges);
  free(s->by_exchange);
  free(s->counts);
}
