// The comparison command by command: which they are and in what order, with arguments, responses and
// messages that are the client's own.
#include <string.h>

#include "replay/harness_match.h"

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
    ehlo_harness_skip_line(h);
  } else {
    h->at = (size_t)(end + 1 - h->item.bytes);
  }
}

// Of the transcript: what is left of a BDAT chunk, as far as it was said in this turn.
static void skip_expected_chunk(struct ehlo_harness *h) {
  while (h->wanted_left > 0 && ehlo_harness_is_turn(h)) {
    ehlo_harness_pass_time(h);
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
    ehlo_harness_pass_time(h);
    dot = is_dot(h->item.bytes, h->item.bytes_len);
    ehlo_harness_skip_line(h);
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
size_t ehlo_harness_match_tolerantly(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
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
    ehlo_harness_pass_time(h);
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

// Whether the record, too, has the client leave off in the line or the message that it is at.
bool ehlo_harness_leaves_off_tolerantly(struct ehlo_harness *h) {
  bool left_off = false;
  if (h->wanted_left > 0) {
    skip_expected_chunk(h);
    return true;
  }
  if (h->next_line == EHLO_HARNESS_MESSAGE) {
    return !skip_expected_message(h);
  }
  if (h->line_len > 0 &&
      (h->next_line == EHLO_HARNESS_RESPONSE ||
       same_word(h->line, kept_len(h), h->item.bytes + h->at, h->item.bytes_len - h->at))) {
    left_off = !ehlo_harness_skip_line(h);
    h->line_len = 0;
  }
  return left_off;
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
