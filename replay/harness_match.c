// Items, read as they are needed, and the comparison octet by octet: a message of any length is
// compared in the memory of one line.
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

void ehlo_harness_pass_time(struct ehlo_harness *h) {
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
      ehlo_harness_pass_time(h);
    }
  }
  return true;
}

bool ehlo_harness_is_turn(struct ehlo_harness *h) {
  return !h->over && ehlo_harness_peek(h) && h->item.type == EHLO_ITEM_CLIENT;
}

// ---- Divergence -----------------------------------------------------------------------------------

// Goes on with a quotation up to the end of a line, escaped, shortened to fit. False: it is complete.
static bool quote_more(char out[200], const uint8_t *bytes, size_t len) {
  size_t at = strlen(out) - 1;  // over the closing quote
  bool more = true;
  for (size_t i = 0; i < len && more; i++) {
    at += ehlo_escape_put(out + at, bytes[i]);
    more = bytes[i] != '\n' && at < 190;
  }
  out[at++] = '"';
  out[at] = '\0';
  return more;
}

static bool quote(char out[200], const uint8_t *bytes, size_t len) {
  snprintf(out, 200, "\"\"");
  return quote_more(out, bytes, len);
}

void ehlo_harness_quote(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  h->quoting = h->quoting && quote_more(h->result->divergence.got, bytes, len);
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
    h->quoting = quote(d->got, bytes, len);
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
bool ehlo_harness_skip_line(struct ehlo_harness *h) {
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
    ehlo_harness_skip_line(h);
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

size_t ehlo_harness_match_strictly(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  size_t used = 0;
  while (used < len && ehlo_harness_is_turn(h)) {
    ehlo_harness_pass_time(h);
    used += match_byte(h, bytes + used, len - used) ? 1 : 0;
  }
  return used;
}

bool ehlo_harness_leaves_off_strictly(struct ehlo_harness *h) {
  bool left_off = h->in_secret && is_used_up(h) && !ehlo_harness_skip_line(h);
  h->in_secret = h->in_secret && !left_off;
  return left_off;
}
