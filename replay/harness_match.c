// Comparing, octet by octet or command by command. Items are read as they are needed, so a message of
// any length is compared in the memory of one line.
#include "replay/harness_match.h"

#include <stdio.h>
#include <string.h>

#include "replay/escape.h"

// ---- Items ----------------------------------------------------------------------------------------

void ehlo_harness_drop(struct ehlo_harness *h) {
  h->have_item = false;
  h->server_pos = 0;
  h->at = 0;
}

// Whether an item is about the session between server and client.
static bool matters(const struct ehlo_item *item) {
  switch (item->type) {
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_EVENT:
      return false;
    case EHLO_ITEM_SERVER:
    case EHLO_ITEM_CLIENT:
      return true;
    case EHLO_ITEM_FACT:
      return item->failed || (item->fact != EHLO_FACT_HEADER && item->fact != EHLO_FACT_CONNECT &&
                              item->fact != EHLO_FACT_NOTE && item->fact != EHLO_FACT_SUBMIT);
  }
  return false;
}

static void pass_time(struct ehlo_harness *h) {
  h->time_us += h->item.has_time ? h->item.delta_us : 0;
  h->item.has_time = false;
}

bool ehlo_harness_peek(struct ehlo_harness *h) {
  while (!h->have_item) {
    enum ehlo_read_result result = ehlo_reader_next(&h->reader, &h->item);
    if (result != EHLO_READ_ITEM) {
      return false;
    }
    h->have_item = matters(&h->item);
    if (!h->have_item) {
      pass_time(h);
    }
  }
  return true;
}

bool ehlo_harness_is_turn(struct ehlo_harness *h) {
  return !h->over && ehlo_harness_peek(h) && h->item.type == EHLO_ITEM_CLIENT;
}

// ---- Divergence -----------------------------------------------------------------------------------

// Up to one line of `bytes`, escaped, shortened to fit.
static void quote(char out[200], const uint8_t *bytes, size_t len) {
  size_t at = 0;
  out[at++] = '"';
  for (size_t i = 0; i < len && at < 190; i++) {
    at += ehlo_escape_put(out + at, bytes[i]);
    if (bytes[i] == '\n') {
      break;
    }
  }
  out[at++] = '"';
  out[at] = '\0';
}

// What the transcript has from the place on, where it is text as it is written there.
static void describe_expected(const struct ehlo_harness *h, char out[200]) {
  const struct ehlo_item *item = &h->item;
  if (!h->have_item) {
    snprintf(out, 200, "the end of the transcript");
  } else if (item->type == EHLO_ITEM_FACT) {
    snprintf(out, 200, "%s", item->text);
  } else if (h->options.tolerant) {
    quote(out, item->bytes + h->at, item->bytes_len - h->at);
  } else {
    size_t at = h->at < item->text_len ? h->at : item->text_len;
    snprintf(out, 200, "\"%.180s%s\"", item->text + at, item->ends_line ? "\\r\\n" : "");
  }
}

// The characters that the item's octets before `at` are written with.
static size_t written(const struct ehlo_item *item, size_t at) {
  size_t pos = 0;
  for (size_t i = 0; i < at && pos < item->text_len;) {
    uint8_t byte;
    size_t used = 1;
    bool counts = true;
    if (item->text[pos] == '\\') {
      counts = ehlo_escape_take(&byte, &used, item->text + pos, item->text_len - pos) ==
               EHLO_ESCAPE_BYTE;
    }
    pos += used;
    i += counts;
  }
  return pos;
}

// Where the client's item is wrong, after its mark.
static size_t place_in_text(const struct ehlo_harness *h) {
  if (!h->have_item || h->item.type != EHLO_ITEM_CLIENT) {
    return 0;
  }
  return h->options.tolerant        ? written(&h->item, h->at)
         : h->at < h->item.text_len ? h->at
                                    : h->item.text_len;
}

void ehlo_harness_diverge(struct ehlo_harness *h, const char *got, const uint8_t *bytes,
                          size_t len) {
  struct ehlo_divergence *d = &h->result->divergence;
  h->over = true;
  d->found = true;
  d->line = h->have_item ? h->item.line : h->reader.line;
  d->column = h->have_item ? h->item.column : 1;
  d->column += place_in_text(h);
  describe_expected(h, d->expected);
  if (got != NULL) {
    snprintf(d->got, sizeof(d->got), "%s", got);
  } else {
    quote(d->got, bytes, len);
  }
}

// ---- Strict ---------------------------------------------------------------------------------------

// The octet that is expected next, and how many characters it is written with. Of an item at hand
// that is the client's and has some left, or its END.
static enum ehlo_escape expected(const struct ehlo_harness *h, uint8_t *out_byte,
                                 size_t *out_used) {
  const struct ehlo_item *item = &h->item;
  *out_used = 1;
  if (h->at >= item->text_len) {
    *out_byte = (uint8_t) "\r\n"[h->at - item->text_len];
    return EHLO_ESCAPE_BYTE;
  }
  *out_byte = (uint8_t)item->text[h->at];
  if (item->text[h->at] != '\\') {
    return EHLO_ESCAPE_BYTE;
  }
  return ehlo_escape_take(out_byte, out_used, item->text + h->at, item->text_len - h->at);
}

// The rest of a line that is not compared, over as many items as it is written in. False: it does not
// end in this turn.
static bool skip_line(struct ehlo_harness *h) {
  bool ended = false;
  while (!ended && ehlo_harness_is_turn(h)) {
    ended = h->item.ends_line;
    ehlo_harness_drop(h);
  }
  return ended;
}

// Whether all of the client's item was said, but for the backslash that says that no line ends here.
static bool is_used_up(const struct ehlo_harness *h) {
  const struct ehlo_item *item = &h->item;
  return item->ends_line ? h->at == item->text_len + 2 : h->at + 1 == item->text_len;
}

// A secret goes up to the client's CRLF.
static void pass_secret(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  if (bytes[0] == '\n' && !h->cr) {
    ehlo_harness_diverge(h, NULL, bytes, len);
  } else if (bytes[0] == '\n') {
    h->in_secret = false;
    skip_line(h);
  }
  h->cr = bytes[0] == '\r';
}

// Takes the first of `bytes`. False: there was nothing to compare it with yet.
static bool match_byte(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  uint8_t byte;
  size_t used;
  if (h->in_secret) {
    pass_secret(h, bytes, len);
    return true;
  }
  switch (expected(h, &byte, &used)) {
    case EHLO_ESCAPE_SECRET:
      h->in_secret = true;
      h->cr = false;
      h->at += used;
      return false;
    case EHLO_ESCAPE_END:
    case EHLO_ESCAPE_UNKNOWN:
      ehlo_harness_drop(h);
      return false;
    case EHLO_ESCAPE_BYTE:
      break;
  }
  if (byte != bytes[0]) {
    ehlo_harness_diverge(h, NULL, bytes, len);
    return true;
  }
  h->at += used;
  if (is_used_up(h)) {
    ehlo_harness_drop(h);
  }
  return true;
}

static size_t match_strictly(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  size_t used = 0;
  while (used < len && ehlo_harness_is_turn(h)) {
    pass_time(h);
    used += match_byte(h, bytes + used, len - used) ? 1 : 0;
  }
  return used;
}

// ---- Tolerant -------------------------------------------------------------------------------------

// A command's first word.
static size_t word_len(const uint8_t *line, size_t len) {
  size_t n = 0;
  while (n < len && line[n] != ' ' && line[n] != '\r' && line[n] != '\n') {
    n++;
  }
  return n;
}

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool same_word(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
  size_t len = word_len(a, a_len);
  bool same = len == word_len(b, b_len);
  for (size_t i = 0; same && i < len; i++) {
    same = upper(a[i]) == upper(b[i]);
  }
  return same;
}

// The octets that a BDAT announces (RFC 3030 §2); 0 for any other line.
static uint64_t chunk_size(const uint8_t *line, size_t len) {
  static const uint8_t bdat[] = "BDAT ";
  uint64_t size = 0;
  size_t at = sizeof(bdat) - 1;
  if (len <= at || !same_word(line, len, bdat, at)) {
    return 0;
  }
  for (; at < len && line[at] >= '0' && line[at] <= '9' && size < UINT64_MAX / 20; at++) {
    size = size * 10 + (uint64_t)(line[at] - '0');
  }
  return size;
}

// Of the transcript: up to the end of a line.
static void skip_expected_line(struct ehlo_harness *h) {
  const uint8_t *end = memchr(h->item.bytes + h->at, '\n', h->item.bytes_len - h->at);
  if (end == NULL || end + 1 == h->item.bytes + h->item.bytes_len) {
    skip_line(h);
  } else {
    h->at = (size_t)(end + 1 - h->item.bytes);
  }
}

// Of the transcript: what is left of a BDAT chunk, as far as it was said in this turn.
static void skip_expected_chunk(struct ehlo_harness *h) {
  while (h->wanted_left > 0 && ehlo_harness_is_turn(h)) {
    pass_time(h);
    size_t left = h->item.bytes_len - h->at;
    if (left > h->wanted_left) {
      h->at += (size_t)h->wanted_left;
      h->wanted_left = 0;
      return;
    }
    h->wanted_left -= left;
    ehlo_harness_drop(h);
  }
}

static bool is_dot(const uint8_t *line, size_t len) {
  return len == 3 && memcmp(line, ".\r\n", 3) == 0;
}

// False: it does not end in this turn.
static bool skip_expected_message(struct ehlo_harness *h) {
  bool dot = false;
  while (!dot && ehlo_harness_is_turn(h)) {
    pass_time(h);
    dot = is_dot(h->item.bytes, h->item.bytes_len);
    skip_line(h);
  }
  return dot;
}

// Of the client's line under way its beginning is kept.
static size_t kept_len(const struct ehlo_harness *h) {
  return h->line_len < sizeof(h->line) ? h->line_len : sizeof(h->line);
}

// A whole line of the client's.
static void match_line(struct ehlo_harness *h) {
  size_t kept = kept_len(h);
  const uint8_t *wanted = h->item.bytes + h->at;
  size_t wanted_len = h->item.bytes_len - h->at;
  h->line_len = 0;
  if (h->next_line == EHLO_HARNESS_MESSAGE) {
    if (is_dot(h->line, kept)) {
      h->next_line = EHLO_HARNESS_COMMAND;
      skip_expected_message(h);
    }
    return;
  }
  bool command = h->next_line == EHLO_HARNESS_COMMAND;
  if (command && !same_word(h->line, kept, wanted, wanted_len)) {
    ehlo_harness_diverge(h, NULL, h->line, kept);
    return;
  }
  h->wanted_left = command ? chunk_size(wanted, wanted_len) : 0;
  h->left = command ? chunk_size(h->line, kept) : 0;
  h->next_line = EHLO_HARNESS_COMMAND;
  skip_expected_line(h);
  skip_expected_chunk(h);
}

static size_t pass_chunk(struct ehlo_harness *h, size_t len) {
  size_t n = len < h->left ? len : (size_t)h->left;
  h->left -= n;
  return n;
}

// A line counts once it is whole. A chunk may be longer than the recorded one, so it may go on after
// the turn.
static size_t match_tolerantly(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  size_t used = 0;
  while (used < len && (h->left > 0 || ehlo_harness_is_turn(h))) {
    if (h->left > 0) {
      used += pass_chunk(h, len - used);
      continue;
    }
    if (h->wanted_left > 0) {
      skip_expected_chunk(h);
      continue;
    }
    pass_time(h);
    if (h->line_len < sizeof(h->line)) {
      h->line[h->line_len] = bytes[used];
    }
    h->line_len++;
    if (bytes[used++] == '\n') {
      match_line(h);
    }
  }
  return used;
}

size_t ehlo_harness_match(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  return h->options.tolerant ? match_tolerantly(h, bytes, len) : match_strictly(h, bytes, len);
}

// ---- Silence --------------------------------------------------------------------------------------

// Whether the record, too, has the client leave off in what it is at.
static bool leaves_off(struct ehlo_harness *h) {
  if (!h->options.tolerant) {
    return h->in_secret && is_used_up(h) && !skip_line(h);
  }
  if (h->next_line == EHLO_HARNESS_MESSAGE) {
    return !skip_expected_message(h);
  }
  bool begun = h->line_len > 0 &&
               (h->next_line == EHLO_HARNESS_RESPONSE ||
                same_word(h->line, kept_len(h), h->item.bytes + h->at, h->item.bytes_len - h->at));
  return begun && !skip_line(h);
}

void ehlo_harness_fall_silent(struct ehlo_harness *h, const char *got) {
  if (h->wanted_left > 0) {
    skip_expected_chunk(h);
    return;
  }
  ehlo_harness_diverge(h, got, NULL, 0);
  h->over = false;
  if (leaves_off(h)) {
    memset(&h->result->divergence, 0, sizeof(h->result->divergence));
    h->in_secret = false;
    h->line_len = 0;
  } else {
    h->over = true;
  }
}

// ---- What the server asks for ---------------------------------------------------------------------

// The last line of a reply is "ddd text", and decides: 354 wants a message, 334 a response.
static void end_reply_line(struct ehlo_harness *h) {
  bool last = h->reply_len < 4 || h->reply[3] != '-';
  if (last && h->reply_len >= 3) {
    h->next_line = memcmp(h->reply, "354", 3) == 0   ? EHLO_HARNESS_MESSAGE
                   : memcmp(h->reply, "334", 3) == 0 ? EHLO_HARNESS_RESPONSE
                                                     : EHLO_HARNESS_COMMAND;
  }
  h->reply_len = 0;
}

void ehlo_harness_hear(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] == '\n') {
      end_reply_line(h);
    } else if (h->reply_len < sizeof(h->reply)) {
      h->reply[h->reply_len++] = (char)bytes[i];
    }
  }
}
