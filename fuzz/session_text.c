// See session_text.h.
#include "fuzz/session_text.h"

#include <string.h>

#define LINE_FEED 0x1a
#define REPEAT_60 0x1c
#define REPEAT_1000 0x1d

// How many octets an octet of the input stands for.
static size_t times_of(uint8_t byte) {
  return byte == REPEAT_60 ? 60 : byte == REPEAT_1000 ? 1000 : 1;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

// What stands behind the text of a step.
static const char *end_of(char what) {
  return what == 'S' ? "\r\n" : what == 'B' ? "\n" : "";
}

// Whether each octet stands for itself, as it nearly always does. Without a sanitizer's eye on each octet
// this is as good as free.
__attribute__((no_sanitize("address"))) static bool is_plain(const uint8_t *text, size_t len) {
  unsigned special = 0;
  for (size_t i = 0; i < len; i++) {
    special |= (text[i] == LINE_FEED) | (text[i] == REPEAT_60) | (text[i] == REPEAT_1000);
  }
  return special == 0;
}

static size_t decoded_len(const uint8_t *text, size_t len, size_t end_len) {
  size_t total = end_len;
  for (size_t i = 0; i < len; i++) {
    total += times_of(text[i]);
  }
  return smaller(total, EHLO_FUZZ_TEXT_MAX);
}

// As much as there is room for.
static void decode(uint8_t *out, size_t room, const uint8_t *text, size_t len, const char *end) {
  size_t at = 0;
  uint8_t byte = ' ';
  for (size_t i = 0; i < len && at < room; i++) {
    size_t times = smaller(times_of(text[i]), room - at);
    if (text[i] != REPEAT_60 && text[i] != REPEAT_1000) {
      byte = text[i] == LINE_FEED ? '\n' : text[i];
    }
    memset(out + at, byte, times);
    at += times;
  }
  for (; *end != '\0' && at < room; end++) {
    out[at++] = (uint8_t)*end;
  }
}

struct ehlo_fuzz_step ehlo_fuzz_step_read(struct ehlo_fuzz_block *block, const uint8_t *data,
                                          size_t *at, size_t size) {
  char what = (char)data[*at];
  const uint8_t *text = data + *at + 1;
  size_t left = size - *at - 1;
  if (what == '\n') {
    left = 0;
  }
  const uint8_t *lf = left > 0 ? memchr(text, '\n', left) : NULL;
  size_t len = lf != NULL ? (size_t)(lf - text) : left;
  *at += 1 + len + (what != '\n');
  const char *end = end_of(what);
  size_t end_len = strlen(end);
  bool plain = is_plain(text, len);
  size_t room =
      plain ? smaller(len + end_len, EHLO_FUZZ_TEXT_MAX) : decoded_len(text, len, end_len);
  uint8_t *out = ehlo_fuzz_lend(block, room);
  if (plain && room == len + end_len) {
    memcpy(out, text, len);
    memcpy(out + len, end, end_len);
  } else {
    decode(out, room, text, len, end);
  }
  return (struct ehlo_fuzz_step){what, {out, room}};
}

uint64_t ehlo_fuzz_number(struct ehlo_span text, uint64_t max) {
  uint64_t number = 0;
  for (size_t i = 0; i < text.len && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
    number = number * 10 + (uint64_t)(text.bytes[i] - '0');
    if (number > max) {
      return max;
    }
  }
  return number;
}

// ---- Commands -----------------------------------------------------------------------------------

// Takes `word` off the front of `line`.
static bool take(struct ehlo_span *line, const char *word) {
  if (line->len == 0 || line->bytes[0] != (uint8_t)word[0]) {
    return false;
  }
  size_t len = strlen(word);
  if (line->len < len || memcmp(line->bytes, word, len) != 0) {
    return false;
  }
  *line = (struct ehlo_span){line->bytes + len, line->len - len};
  return true;
}

static void add(struct ehlo_fuzz_command *out, struct ehlo_span bytes) {
  ehlo_fuzz_add(&out->head, bytes.bytes, bytes.len);
}

// "MAIL FROM:<path> parameters", up to the last bracket.
static bool read_path(struct ehlo_fuzz_command *out, struct ehlo_span rest) {
  size_t end = rest.len;
  while (end > 0 && rest.bytes[end - 1] != '>') {
    end--;
  }
  if (end == 0 || (end < rest.len && (rest.bytes[end] != ' ' || end + 1 == rest.len))) {
    return false;
  }
  size_t skip = end < rest.len ? end + 1 : end;
  out->path = (struct ehlo_span){rest.bytes, end - 1};
  out->text = (struct ehlo_span){rest.bytes + skip, rest.len - skip};
  return true;
}

// "AUTH MECHANISM", "AUTH MECHANISM =" and "AUTH MECHANISM credential"
static bool read_auth(struct ehlo_fuzz_command *out, struct ehlo_span rest) {
  const uint8_t *blank = rest.len > 0 ? memchr(rest.bytes, ' ', rest.len) : NULL;
  size_t len = blank != NULL ? (size_t)(blank - rest.bytes) : rest.len;
  if (len >= sizeof(out->mechanism) || (len > 0 && memchr(rest.bytes, '\0', len) != NULL)) {
    return false;
  }
  memcpy(out->mechanism, rest.bytes, len);
  out->has_secret = blank != NULL;
  if (blank != NULL) {
    struct ehlo_span text = {blank + 1, rest.len - len - 1};
    bool empty = text.len == 0 || (text.len == 1 && text.bytes[0] == '=');
    out->text = empty ? ehlo_str("") : text;
  }
  add(out, ehlo_str("AUTH "));
  add(out, ehlo_str(out->mechanism));
  add(out, ehlo_str(out->has_secret ? " " : ""));
  add(out, ehlo_str(out->has_secret && out->text.len == 0 ? "=" : ""));
  return true;
}

// "BDAT 86" and "BDAT 86 LAST"
static bool read_bdat(struct ehlo_fuzz_command *out, struct ehlo_span rest) {
  size_t digits = 0;
  while (digits < rest.len && rest.bytes[digits] >= '0' && rest.bytes[digits] <= '9') {
    digits++;
  }
  struct ehlo_span number = {rest.bytes, digits};
  struct ehlo_span tail = {rest.bytes + digits, rest.len - digits};
  out->last_chunk = take(&tail, " LAST");
  bool zero = digits == 1 && rest.bytes[0] == '0';
  if (digits == 0 || digits > 9 || tail.len > 0 || (rest.bytes[0] == '0' && !zero)) {
    return false;
  }
  out->chunk_len = ehlo_fuzz_number(number, UINT32_MAX);
  add(out, ehlo_str("BDAT "));
  add(out, number);
  add(out, ehlo_str(out->last_chunk ? " LAST" : ""));
  return true;
}

// A verb and what follows it after one blank, if anything does.
static bool read_argument(struct ehlo_fuzz_command *out, struct ehlo_span rest) {
  if (rest.len > 0 && !take(&rest, " ")) {
    return false;
  }
  bool alone = out->verb == EHLO_VERB_STARTTLS || out->verb == EHLO_VERB_DATA ||
               out->verb == EHLO_VERB_RSET || out->verb == EHLO_VERB_QUIT;
  out->text = rest;
  add(out, ehlo_str(ehlo_verb_name(out->verb)));
  add(out, ehlo_str(rest.len > 0 ? " " : ""));
  add(out, rest);
  return !alone || rest.len == 0;
}

static bool read_verb(struct ehlo_fuzz_command *out, struct ehlo_span line) {
  struct ehlo_span rest = line;
  bool mail = take(&rest, "MAIL FROM:<");
  if (mail || take(&rest, "RCPT TO:<")) {
    out->verb = mail ? EHLO_VERB_MAIL : EHLO_VERB_RCPT;
    add(out, line);
    return read_path(out, rest);
  }
  if (take(&rest, "AUTH ")) {
    out->verb = EHLO_VERB_AUTH;
    return read_auth(out, rest);
  }
  if (take(&rest, "BDAT ")) {
    out->verb = EHLO_VERB_BDAT;
    return read_bdat(out, rest);
  }
  static const enum ehlo_verb verbs[] = {
      EHLO_VERB_LHLO,     EHLO_VERB_ETRN, EHLO_VERB_XCLIENT, EHLO_VERB_EHLO, EHLO_VERB_HELO,
      EHLO_VERB_STARTTLS, EHLO_VERB_DATA, EHLO_VERB_RSET,    EHLO_VERB_NOOP, EHLO_VERB_VRFY,
      EHLO_VERB_EXPN,     EHLO_VERB_HELP, EHLO_VERB_QUIT};
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
    out->verb = verbs[i];
    if (take(&rest, ehlo_verb_name(out->verb))) {
      return read_argument(out, rest);
    }
  }
  return false;
}

static size_t skip_blanks(struct ehlo_span *line) {
  size_t num = 0;
  while (num < line->len && line->bytes[num] == ' ') {
    num++;
  }
  *line = (struct ehlo_span){line->bytes + num, line->len - num};
  return num;
}

static bool take_last(struct ehlo_span *line) {
  static const char word[] = "LAST";
  for (size_t i = 0; i < 4; i++) {
    if (i >= line->len || (line->bytes[i] & ~0x20) != word[i]) {
      return false;
    }
  }
  *line = (struct ehlo_span){line->bytes + 4, line->len - 4};
  return true;
}

// Whether a raw BDAT says how many octets follow: in any case, with any number of blanks, and 18 digits
// at most.
static bool read_raw_bdat(struct ehlo_fuzz_command *out, struct ehlo_span line) {
  struct ehlo_span rest = {line.bytes + 4, line.len - 4};
  size_t digits = 0;
  size_t blanks = skip_blanks(&rest);
  while (digits < rest.len && rest.bytes[digits] >= '0' && rest.bytes[digits] <= '9') {
    digits++;
  }
  struct ehlo_span number = {rest.bytes, digits};
  rest = (struct ehlo_span){rest.bytes + digits, rest.len - digits};
  if (blanks == 0 || digits == 0 || digits > 18) {
    return false;
  }
  out->last_chunk = skip_blanks(&rest) > 0 && take_last(&rest);
  out->chunk_len = ehlo_fuzz_number(number, UINT64_MAX / 16);
  skip_blanks(&rest);
  return rest.len == 0;
}

void ehlo_fuzz_command_read(struct ehlo_fuzz_command *out, struct ehlo_span line, bool raw) {
  struct ehlo_fuzz_bytes head = out->head;
  ehlo_fuzz_clear(&head);
  *out = (struct ehlo_fuzz_command){.head = head};
  out->raw = raw || !read_verb(out, line);
  if (out->raw) {
    ehlo_fuzz_clear(&out->head);
    out->has_secret = false;
    out->last_chunk = false;
    out->verb = ehlo_verb_of_line(line);
    if (out->verb == EHLO_VERB_BDAT && !read_raw_bdat(out, line)) {
      out->verb = EHLO_VERB_OTHER;
    }
    out->text = line;
    add(out, line);
  }
}

enum ehlo_status ehlo_fuzz_command_send(const struct ehlo_fuzz_command *command,
                                        struct ehlo_client *c) {
  struct ehlo_span text = command->text;
  if (command->raw) {
    return ehlo_send_raw(c, text);
  }
  switch (command->verb) {
    case EHLO_VERB_EHLO:
      return ehlo_send_ehlo(c, text);
    case EHLO_VERB_HELO:
      return ehlo_send_helo(c, text);
    case EHLO_VERB_LHLO:
      return ehlo_send_lhlo(c, text);
    case EHLO_VERB_ETRN:
      return ehlo_send_etrn(c, text);
    case EHLO_VERB_XCLIENT:
      return ehlo_send_xclient(c, text);
    case EHLO_VERB_STARTTLS:
      return ehlo_send_starttls(c);
    case EHLO_VERB_AUTH:
      return ehlo_send_auth(c, command->mechanism, command->has_secret ? &text : NULL, 1, true);
    case EHLO_VERB_MAIL:
      return ehlo_send_mail(c, command->path, text);
    case EHLO_VERB_RCPT:
      return ehlo_send_rcpt(c, command->path, text);
    case EHLO_VERB_DATA:
      return ehlo_send_data(c);
    case EHLO_VERB_BDAT:
      return ehlo_send_bdat(c, command->chunk_len, command->last_chunk);
    case EHLO_VERB_RSET:
      return ehlo_send_rset(c);
    case EHLO_VERB_NOOP:
      return ehlo_send_noop(c, text);
    case EHLO_VERB_VRFY:
      return ehlo_send_vrfy(c, text);
    case EHLO_VERB_EXPN:
      return ehlo_send_expn(c, text);
    case EHLO_VERB_HELP:
      return ehlo_send_help(c, text);
    case EHLO_VERB_QUIT:
      return ehlo_send_quit(c);
    case EHLO_VERB_NONE:
    case EHLO_VERB_GREETING:
    case EHLO_VERB_BODY:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      break;
  }
  return ehlo_send_raw(c, text);
}

static size_t index_of(struct ehlo_span text, size_t from, uint8_t byte) {
  while (from < text.len && text.bytes[from] != byte) {
    from++;
  }
  return from;
}

void ehlo_fuzz_split_secret(struct ehlo_span line, struct ehlo_span *out_head,
                            struct ehlo_span *out_secret, struct ehlo_span *out_tail) {
  size_t begin = index_of(line, 0, 1);
  size_t end = index_of(line, begin, 2);
  size_t from = begin < end ? begin + 1 : end;
  size_t behind = end < line.len ? end + 1 : end;
  *out_head = (struct ehlo_span){line.bytes, begin};
  *out_secret = (struct ehlo_span){line.bytes + from, end - from};
  *out_tail = (struct ehlo_span){line.bytes + behind, line.len - behind};
}
