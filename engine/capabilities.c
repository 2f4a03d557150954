// Reads an EHLO reply into the capabilities that this engine acts on.
#include "engine/capabilities.h"

#include <stddef.h>
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

// Adds a name in upper case, unless it is there already; false if it finds no place.
static bool list_add(char *list, size_t cap, struct ehlo_span name) {
  if (list_has(list, name)) {
    return true;
  }
  size_t used = strlen(list);
  if (used + name.len + 3 > cap) {
    return false;
  }
  if (used == 0) {
    list[used++] = ' ';
  }
  for (size_t i = 0; i < name.len; i++) {
    list[used++] = (char)upper(name.bytes[i]);
  }
  list[used++] = ' ';
  list[used] = '\0';
  return true;
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
    if (is_mechanism(name) && !list_add(out->mechanisms, sizeof(out->mechanisms), name)) {
      out->auth_cut = true;
    }
  }
}

// XCLIENT_README of Postfix: the names of the attributes that the server takes.
static void add_xclient(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->xclient = true;
  for (;;) {
    struct ehlo_span name = take_word(&params, false);
    if (name.len == 0) {
      return;
    }
    if (is_mechanism(name)) {
      list_add(out->xclient_names, sizeof(out->xclient_names), name);
    }
  }
}

// 1*DIGIT that is at most `max`; false for anything else, and then the number stays as it was.
static bool read_number(struct ehlo_span word, uint64_t max, uint64_t *out_number) {
  uint64_t number = 0;
  for (size_t i = 0; i < word.len; i++) {
    unsigned digit = (unsigned)word.bytes[i] - '0';
    if (digit > 9 || number > (max - digit) / 10) {
      return false;
    }
    number = number * 10 + digit;
  }
  if (word.len == 0) {
    return false;
  }
  *out_number = number;
  return true;
}

static struct ehlo_span take_until_comma(struct ehlo_span params) {
  const uint8_t *comma = params.len > 0 ? memchr(params.bytes, ',', params.len) : NULL;
  return comma != NULL ? (struct ehlo_span){params.bytes, (size_t)(comma - params.bytes)} : params;
}

static void take_number(uint32_t *out_number, struct ehlo_span params) {
  uint64_t number;
  if (read_number(take_word(&params, false), UINT32_MAX, &number)) {
    *out_number = (uint32_t)number;
  }
}

// RFC 1870 §4: size-param ::= [1*DIGIT]. What is no number, or none of 64 bits, tells no limit.
static void add_size(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->size = true;
  read_number(take_word(&params, false), UINT64_MAX, &out->max_size);
}

// Of two limits the smaller one binds; 0 is none.
static void narrow(uint32_t *limit, uint32_t value) {
  if (value > 0 && (*limit == 0 || value < *limit)) {
    *limit = value;
  }
}

// Those of RFC 9422 §4, all of them numbers from 1.
static const struct {
  const char *name;
  size_t at;  // in struct ehlo_capabilities
} limits[] = {
    {"MAILMAX", offsetof(struct ehlo_capabilities, max_mails)},
    {"RCPTMAX", offsetof(struct ehlo_capabilities, max_rcpts)},
    {"RCPTDOMAINMAX", offsetof(struct ehlo_capabilities, max_rcpt_domains)},
};
#define NUM_LIMITS (sizeof(limits) / sizeof(limits[0]))

// RFC 9422 §3:
//   limits-value = limit-name-value 0*[SP limit-name-value] ; limit-name-value = limit-name "=" limit-value
// Unknown names, and known ones with another value, are passed over.
static void add_limits(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->limits = true;
  for (;;) {
    struct ehlo_span value = take_word(&params, false);
    if (value.len == 0) {
      return;
    }
    struct ehlo_span name = take_word(&value, true);
    uint64_t number = 0;
    if (value.len < 2 ||
        !read_number((struct ehlo_span){value.bytes + 1, value.len - 1}, UINT32_MAX, &number)) {
      continue;
    }
    for (size_t i = 0; i < NUM_LIMITS; i++) {
      if (word_is(name, limits[i].name)) {
        narrow((uint32_t *)(void *)((uint8_t *)out + limits[i].at), (uint32_t)number);
      }
    }
  }
}

// RFC 4865 §4: max-interval SP max-datetime
static void add_future_release(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->future_release = true;
  take_number(&out->max_hold_s, params);
}

// RFC 2852 §4: [min-by-time *( "," extension-token )]
static void add_deliver_by(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->deliver_by = true;
  take_number(&out->min_by_s, take_until_comma(params));
}

static void add_xverp(struct ehlo_capabilities *out, struct ehlo_span params) {
  out->xverp_courier |= word_is(params, "=COURIER");
}

// ---- The keywords -------------------------------------------------------------------------------

// Those that say all by being there.
static const struct {
  const char *keyword;
  size_t at;  // in struct ehlo_capabilities
} flags[] = {
    {"STARTTLS", offsetof(struct ehlo_capabilities, starttls)},
    {"PIPELINING", offsetof(struct ehlo_capabilities, pipelining)},
    {"8BITMIME", offsetof(struct ehlo_capabilities, eight_bit_mime)},
    {"SMTPUTF8", offsetof(struct ehlo_capabilities, smtputf8)},
    {"CHUNKING", offsetof(struct ehlo_capabilities, chunking)},
    {"BINARYMIME", offsetof(struct ehlo_capabilities, binary_mime)},
    {"DSN", offsetof(struct ehlo_capabilities, dsn)},
    {"REQUIRETLS", offsetof(struct ehlo_capabilities, requiretls)},
    {"BURL", offsetof(struct ehlo_capabilities, burl)},
    {"MT-PRIORITY", offsetof(struct ehlo_capabilities, mt_priority)},
    {"ETRN", offsetof(struct ehlo_capabilities, etrn)},
    {"ENHANCEDSTATUSCODES", offsetof(struct ehlo_capabilities, enhanced_status_codes)},
};
#define NUM_FLAGS (sizeof(flags) / sizeof(flags[0]))

enum after_keyword { BLANK = 1, EQUALS = 2 };

// Those with parameters of their own, and what may part these from the keyword.
static const struct {
  const char *keyword;
  unsigned after;
  void (*add)(struct ehlo_capabilities *out, struct ehlo_span params);
} with_params[] = {
    {"AUTH", BLANK | EQUALS, add_auth},
    {"SIZE", BLANK, add_size},
    {"FUTURERELEASE", BLANK, add_future_release},
    {"DELIVERBY", BLANK, add_deliver_by},
    {"XCLIENT", BLANK, add_xclient},
    {"LIMITS", BLANK, add_limits},
    {"XVERP", EQUALS, add_xverp},
};
#define NUM_WITH_PARAMS (sizeof(with_params) / sizeof(with_params[0]))

// RFC 5321 §4.1.1.1:
//   ehlo-line    = ehlo-keyword *( SP ehlo-param )
//   ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
static void add_line(struct ehlo_capabilities *out, struct ehlo_span line) {
  struct ehlo_span rest = line;
  struct ehlo_span word = take_word(&rest, true);
  unsigned after = rest.len > 0 && rest.bytes[0] == '=' ? EQUALS : BLANK;
  for (size_t i = 0; i < NUM_WITH_PARAMS; i++) {
    if ((with_params[i].after & after) != 0 && word_is(word, with_params[i].keyword)) {
      with_params[i].add(out, rest);
      return;
    }
  }
  for (size_t i = 0; i < NUM_FLAGS && after == BLANK; i++) {
    if (word_is(word, flags[i].keyword)) {
      *(bool *)((uint8_t *)out + flags[i].at) = true;
      return;
    }
  }
}

const char *ehlo_capabilities_word(size_t i) {
  if (i < NUM_FLAGS) {
    return flags[i].keyword;
  }
  i -= NUM_FLAGS;
  if (i < NUM_WITH_PARAMS) {
    return with_params[i].keyword;
  }
  i -= NUM_WITH_PARAMS;
  return i < NUM_LIMITS ? limits[i].name : NULL;
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

bool ehlo_capabilities_has_xclient(const struct ehlo_capabilities *caps, struct ehlo_span name) {
  return list_has(caps->xclient_names, name);
}

bool ehlo_capabilities_has_mechanism(const struct ehlo_capabilities *caps, const char *mechanism) {
  struct ehlo_span name = {(const uint8_t *)mechanism, strlen(mechanism)};
  return list_has(caps->mechanisms, name);
}

bool ehlo_capabilities_binds_channel(const struct ehlo_capabilities *caps) {
  return strstr(caps->mechanisms, "-PLUS ") != NULL;
}
