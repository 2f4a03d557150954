// See session_text.h.
#include "fuzz/session_text.h"

#include <regex.h>
#include <string.h>

#define LINE_FEED 0x1a
#define REPEAT_60 0x1c
#define REPEAT_1000 0x1d

static void put(uint8_t *out, size_t *len, uint8_t byte, size_t times) {
  size_t room = EHLO_FUZZ_TEXT_MAX - *len;
  times = times < room ? times : room;
  memset(out + *len, byte, times);
  *len += times;
}

static void put_decoded(uint8_t *out, size_t *len, uint8_t byte) {
  uint8_t before = *len > 0 ? out[*len - 1] : ' ';
  if (byte == LINE_FEED) {
    put(out, len, '\n', 1);
  } else if (byte == REPEAT_60 || byte == REPEAT_1000) {
    put(out, len, before, byte == REPEAT_60 ? 60 : 1000);
  } else {
    put(out, len, byte, 1);
  }
}

size_t ehlo_fuzz_step_read(uint8_t out[EHLO_FUZZ_TEXT_MAX], char *out_what, const uint8_t *data,
                           size_t *at, size_t size) {
  size_t len = 0;
  *out_what = (char)data[*at];
  if (*out_what == '\n') {
    ++*at;
    return 0;
  }
  for (++*at; *at < size && data[*at] != '\n'; ++*at) {
    put_decoded(out, &len, data[*at]);
  }
  ++*at;
  if (*out_what == 'S') {
    put(out, &len, '\r', 1);
  }
  if (*out_what == 'S' || *out_what == 'B') {
    put(out, &len, '\n', 1);
  }
  return len;
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

// Whether a raw BDAT says how many octets follow.
static bool read_raw_bdat(struct ehlo_fuzz_command *out, struct ehlo_span line) {
  static regex_t pattern;
  static bool compiled;
  char text[EHLO_FUZZ_TEXT_MAX + 1];
  regmatch_t found[3];
  if (!compiled) {
    compiled = true;
    EHLO_FUZZ_CHECK(
        regcomp(&pattern, "^BDAT +([0-9]{1,18})( +LAST)? *$", REG_EXTENDED | REG_ICASE) == 0);
  }
  memcpy(text, line.bytes, line.len);
  text[line.len] = '\0';
  if (regexec(&pattern, text, 3, found, 0) != 0) {
    return false;
  }
  size_t digits = (size_t)(found[1].rm_eo - found[1].rm_so);
  out->chunk_len =
      ehlo_fuzz_number((struct ehlo_span){line.bytes + found[1].rm_so, digits}, UINT64_MAX / 16);
  out->last_chunk = found[2].rm_so >= 0;
  return true;
}

void ehlo_fuzz_command_read(struct ehlo_fuzz_command *out, struct ehlo_span line, bool raw) {
  memset(out, 0, sizeof(*out));
  out->raw = raw || !read_verb(out, line);
  if (out->raw) {
    out->head.len = 0;
    out->has_secret = false;
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
