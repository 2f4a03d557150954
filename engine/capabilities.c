// Reads an EHLO reply into the capabilities that this engine acts on.
#include "engine/capabilities.h"

#include <string.h>

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

// Takes the next word off `text`; it ends at a blank, and at '=' where `at_equals` says so.
static struct ehlo_span take_word(struct ehlo_span *text, bool at_equals) {
  size_t i = 0;
  while (i < text->len && is_blank(text->bytes[i])) {
    i++;
  }
  size_t start = i;
  while (i < text->len && !is_blank(text->bytes[i]) && !(at_equals && text->bytes[i] == '=')) {
    i++;
  }
  struct ehlo_span word = {text->bytes + start, i - start};
  *text = (struct ehlo_span){text->bytes + i, text->len - i};
  return word;
}

static bool word_is(struct ehlo_span word, const char *keyword) {
  if (word.len != strlen(keyword)) {
    return false;
  }
  for (size_t i = 0; i < word.len; i++) {
    if (upper(word.bytes[i]) != (uint8_t)keyword[i]) {
      return false;
    }
  }
  return true;
}

// RFC 4422 §3.1: sasl-mech = 1*20mech-char ; mech-char = UPPER-ALPHA / DIGIT / "-" / "_"
static bool is_mechanism(struct ehlo_span word) {
  if (word.len == 0 || word.len > 20) {
    return false;
  }
  for (size_t i = 0; i < word.len; i++) {
    uint8_t c = upper(word.bytes[i]);
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
      return false;
    }
  }
  return true;
}

// Whether the list holds ` NAME `, `name` in any case.
static bool list_has(const char *list, struct ehlo_span name) {
  const char *at = list;
  while (*at == ' ' && at[1] != '\0') {
    const char *word = at + 1;
    const char *end = strchr(word, ' ');
    size_t len = end != NULL ? (size_t)(end - word) : strlen(word);
    size_t i = 0;
    while (i < len && i < name.len && (uint8_t)word[i] == upper(name.bytes[i])) {
      i++;
    }
    if (i == len && i == name.len) {
      return true;
    }
    at = word + len;
  }
  return false;
}

static void add_mechanism(struct ehlo_capabilities *out, struct ehlo_span name) {
  if (!is_mechanism(name) || list_has(out->mechanisms, name)) {
    return;
  }
  size_t used = strlen(out->mechanisms);
  if (used + name.len + 3 > sizeof(out->mechanisms)) {
    out->auth_cut = true;
    return;
  }
  if (used == 0) {
    out->mechanisms[used++] = ' ';
  }
  for (size_t i = 0; i < name.len; i++) {
    out->mechanisms[used++] = (char)upper(name.bytes[i]);
  }
  out->mechanisms[used++] = ' ';
  out->mechanisms[used] = '\0';
}

static void add_auth(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->auth = true;
  if (params.len > 0 && params.bytes[0] == '=') {
    params.bytes++;
    params.len--;
  }
  for (;;) {
    struct ehlo_span name = take_word(&params, false);
    if (name.len == 0) {
      return;
    }
    add_mechanism(out, name);
  }
}

// RFC 1870 §4: size-param ::= [1*DIGIT]. What is no number tells no limit; one too large for 64
// bits is no limit in practice.
static void add_size(struct ehlo_capabilities *out, struct ehlo_span params) {
  struct ehlo_span word = take_word(&params, false);
  uint64_t size = 0;
  out->size = true;
  for (size_t i = 0; i < word.len; i++) {
    if (word.bytes[i] < '0' || word.bytes[i] > '9') {
      return;
    }
    unsigned digit = (unsigned)(word.bytes[i] - '0');
    size = size > (UINT64_MAX - digit) / 10 ? UINT64_MAX : size * 10 + digit;
  }
  out->max_size = size;
}

// RFC 5321 §4.1.1.1:
//   ehlo-line    = ehlo-keyword *( SP ehlo-param )
//   ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
static void add_line(struct ehlo_capabilities *out, struct ehlo_span line) {
  struct ehlo_span rest = line;
  struct ehlo_span word = take_word(&rest, true);
  bool equals = rest.len > 0 && rest.bytes[0] == '=';
  if (word_is(word, "AUTH")) {
    add_auth(out, rest);
    return;
  }
  if (equals) {
    return;
  }
  if (word_is(word, "SIZE")) {
    add_size(out, rest);
  }
  out->starttls |= word_is(word, "STARTTLS");
  out->pipelining |= word_is(word, "PIPELINING");
  out->eight_bit_mime |= word_is(word, "8BITMIME");
  out->smtputf8 |= word_is(word, "SMTPUTF8");
  out->chunking |= word_is(word, "CHUNKING");
  out->binary_mime |= word_is(word, "BINARYMIME");
  out->dsn |= word_is(word, "DSN");
  out->enhanced_status_codes |= word_is(word, "ENHANCEDSTATUSCODES");
}

void ehlo_capabilities_parse(struct ehlo_capabilities *out, const struct ehlo_reply *reply) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  memset(out, 0, sizeof(*out));
  out->esmtp = true;
  ehlo_reply_line(reply, &pos, &line);  // the first line is the server's name
  while (ehlo_reply_line(reply, &pos, &line)) {
    add_line(out, line.text);
  }
}

bool ehlo_capabilities_has_mechanism(const struct ehlo_capabilities *caps, const char *mechanism) {
  struct ehlo_span name = {(const uint8_t *)mechanism, strlen(mechanism)};
  return list_has(caps->mechanisms, name);
}
