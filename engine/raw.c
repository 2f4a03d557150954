// A line of the program's own, as it is: order and form are the server's to judge. What it must never
// do is let a credential go unmarked or in cleartext, or let one line become two.
#include <string.h>

#include "engine/argument.h"
#include "engine/client.h"

struct raw_line {
  struct ehlo_span head;    // up to the secret
  struct ehlo_span secret;  // empty: there is none
  struct ehlo_span tail;
  enum ehlo_verb verb;
  uint64_t chunk_len;  // BDAT
  bool last_chunk;
};

static bool same_letter(uint8_t c, char upper) {
  return (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) == upper;
}

static size_t skip_blanks(struct ehlo_span text, size_t at) {
  while (at < text.len && text.bytes[at] == ' ') {
    at++;
  }
  return at;
}

static size_t skip_word(struct ehlo_span text, size_t at) {
  while (at < text.len && text.bytes[at] != ' ') {
    at++;
  }
  return at;
}

static bool word_is_last(struct ehlo_span text, size_t at) {
  static const char last[] = "LAST";
  size_t len = skip_word(text, at) - at;
  for (size_t i = 0; i < len && len == 4; i++) {
    if (!same_letter(text.bytes[at + i], last[i])) {
      return false;
    }
  }
  return len == 4;
}

// RFC 3030 §2: bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF. More blanks than these may
// stand there; without a size that can be read no octets follow.
static bool read_bdat(struct raw_line *line) {
  struct ehlo_span text = line->head;
  size_t start = skip_blanks(text, skip_word(text, 0));
  size_t at = start;
  line->chunk_len = 0;
  while (at < text.len && at - start < 18 && text.bytes[at] >= '0' && text.bytes[at] <= '9') {
    line->chunk_len = line->chunk_len * 10 + (uint64_t)(text.bytes[at++] - '0');
  }
  size_t end = skip_blanks(text, at);
  line->last_chunk = end > at && end < text.len && word_is_last(text, end);
  if (line->last_chunk) {
    end = skip_blanks(text, skip_word(text, end));
  }
  return at > start && end == text.len;
}

// The verb of the line, as far as its first word can be seen.
static enum ehlo_verb verb_of(struct raw_line *line) {
  bool has_secret = line->secret.len > 0;
  bool word_ends = !has_secret || skip_word(line->head, 0) < line->head.len;
  enum ehlo_verb verb = word_ends ? ehlo_verb_of_line(line->head) : EHLO_VERB_OTHER;
  if (verb == EHLO_VERB_BDAT && (has_secret || !read_bdat(line))) {
    return EHLO_VERB_OTHER;
  }
  return verb;
}

// Whether text behind AUTH and its mechanism is marked; "=" is the empty response (RFC 4954 §4).
static bool is_auth_marked(const struct raw_line *line) {
  struct ehlo_span text = line->head;
  size_t mechanism = skip_blanks(text, skip_word(text, 0));
  size_t initial = skip_blanks(text, skip_word(text, mechanism));
  size_t end = skip_blanks(text, skip_word(text, initial));
  bool none = initial == text.len;
  bool empty = end == text.len && skip_word(text, initial) == initial + 1 && !none &&
               text.bytes[initial] == '=' && line->secret.len == 0;
  return skip_blanks(line->tail, 0) == line->tail.len && (none || empty);
}

static enum ehlo_status check_order(const struct ehlo_client *c) {
  // Where QUIT may stand, a command of the caller's own may.
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_QUIT);
  return c->status == EHLO_OK && c->num_pending > 0 ? EHLO_E_STATE : status;
}

static enum ehlo_status check_text(const struct ehlo_client *c, const struct raw_line *line) {
  enum ehlo_status status = ehlo_argument_line(line->head);
  if (status == EHLO_OK) {
    status = ehlo_argument_line(line->secret);
  }
  if (status == EHLO_OK) {
    status = ehlo_argument_line(line->tail);
  }
  bool auth = line->verb == EHLO_VERB_AUTH;
  if (status == EHLO_OK && auth && !is_auth_marked(line)) {
    status = EHLO_E_ARGUMENT;
  }
  bool credential = auth || line->secret.len > 0;
  bool cleartext = !c->secure && !c->config.allow_cleartext_auth;
  return status == EHLO_OK && credential && cleartext ? EHLO_E_CLEARTEXT : status;
}

// Like ehlo_put_line(), with a secret within.
static enum ehlo_status put_secret_line(struct ehlo_client *c, const struct raw_line *line) {
  size_t len = line->head.len + line->secret.len + line->tail.len + 2;
  if (len > EHLO_TOKEN_MAX || len > c->out_cap) {
    return EHLO_E_TOO_LONG;
  }
  if (len > ehlo_output_room(c)) {
    return EHLO_E_FULL;
  }
  ehlo_put(c, line->head, 0);
  ehlo_put(c, line->secret, EHLO_OUTPUT_SECRET);
  ehlo_put(c, line->tail, 0);
  ehlo_put(c, ehlo_str("\r\n"), 0);
  ehlo_client_push(c, line->verb);
  return EHLO_OK;
}

// What the line's own call would have noted.
static void note_verb(struct ehlo_client *c, const struct raw_line *line) {
  if (line->verb == EHLO_VERB_DATA) {
    ehlo_body_init(&c->body, c->config.bare_cr);
    ehlo_body_set_bare_lf(&c->body, c->config.bare_lf);
  } else if (line->verb == EHLO_VERB_MAIL) {
    memset(&c->params, 0, sizeof(c->params));
  } else if (line->verb == EHLO_VERB_AUTH) {
    c->num_challenges = 0;
  } else if (line->verb == EHLO_VERB_BDAT) {
    ehlo_client_begin_chunk(c, line->chunk_len);
  }
}

static enum ehlo_status send_line(struct ehlo_client *c, struct raw_line *line) {
  enum ehlo_status status = check_order(c);
  if (status != EHLO_OK) {
    return status;
  }
  line->verb = verb_of(line);
  status = check_text(c, line);
  if (status != EHLO_OK) {
    return status;
  }
  c->chunk_last = line->verb == EHLO_VERB_BDAT ? line->last_chunk : c->chunk_last;
  status = line->secret.len > 0 ? put_secret_line(c, line)
                                : ehlo_put_line(c, line->verb, &line->head, 1);
  if (status == EHLO_OK) {
    note_verb(c, line);
  }
  return status;
}

enum ehlo_status ehlo_send_raw(struct ehlo_client *c, struct ehlo_span line) {
  struct raw_line raw = {.head = line};
  return send_line(c, &raw);
}

enum ehlo_status ehlo_send_raw_secret(struct ehlo_client *c, struct ehlo_span head,
                                      struct ehlo_span secret, struct ehlo_span tail) {
  struct raw_line raw = {.head = head, .secret = secret, .tail = tail};
  if (secret.len == 0) {
    return c->status != EHLO_OK ? c->status : EHLO_E_ARGUMENT;
  }
  return send_line(c, &raw);
}
