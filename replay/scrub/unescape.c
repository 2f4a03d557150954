// \/ \" \' \\ \n \r \t \xHH \uHHHH, &name; &#N; &#xH; and %HH.
#include "replay/scrub/unescape.h"

#include <string.h>

static int digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Exactly `num` hexadecimal digits; -1 if they are not there.
static long hex(const uint8_t *text, size_t len, size_t num) {
  long value = 0;
  for (size_t i = 0; i < num; i++) {
    if (i >= len || digit(text[i]) < 0) {
      return -1;
    }
    value = value * 16 + digit(text[i]);
  }
  return value;
}

static bool one(struct scrub_unit *out, size_t raw_len, uint8_t byte) {
  *out = (struct scrub_unit){raw_len, 1, {byte}};
  return true;
}

// A character by its number, as UTF-8.
static bool character(struct scrub_unit *out, size_t raw_len, long number) {
  if (number < 0 || number > 0xffff) {
    return false;
  }
  if (number < 0x80) {
    return one(out, raw_len, (uint8_t)number);
  }
  uint8_t last = (uint8_t)(0x80 | (number & 0x3f));
  if (number < 0x800) {
    *out = (struct scrub_unit){raw_len, 2, {(uint8_t)(0xc0 | number >> 6), last}};
  } else {
    *out = (struct scrub_unit){
        raw_len, 3, {(uint8_t)(0xe0 | number >> 12), (uint8_t)(0x80 | (number >> 6 & 0x3f)), last}};
  }
  return true;
}

static bool backslash(struct scrub_unit *out, const uint8_t *text, size_t len) {
  static const char from[] = "\\/\"'nrt";
  static const char to[] = "\\/\"'\n\r\t";
  const char *at = len > 1 && text[1] != '\0' ? strchr(from, text[1]) : NULL;
  if (at != NULL) {
    return one(out, 2, (uint8_t)to[at - from]);
  }
  if (len > 1 && text[1] == 'x') {
    long value = hex(text + 2, len - 2, 2);
    return value >= 0 && one(out, 4, (uint8_t)value);
  }
  return len > 1 && text[1] == 'u' && character(out, 6, hex(text + 2, len - 2, 4));
}

static bool numbered_entity(struct scrub_unit *out, const uint8_t *text, size_t len) {
  bool is_hex = len > 2 && (text[2] | 0x20) == 'x';
  size_t at = is_hex ? 3 : 2;
  size_t first = at;
  long value = 0;
  for (; at < len && at < first + 5 && digit(text[at]) >= 0 && (is_hex || digit(text[at]) < 10);
       at++) {
    value = value * (is_hex ? 16 : 10) + digit(text[at]);
  }
  return at > first && at < len && text[at] == ';' && character(out, at + 1, value);
}

static bool entity(struct scrub_unit *out, const uint8_t *text, size_t len) {
  static const struct {
    const char *name;
    uint8_t byte;
  } names[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  if (len > 1 && text[1] == '#') {
    return numbered_entity(out, text, len);
  }
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    size_t name_len = strlen(names[i].name);
    if (len >= name_len && memcmp(text, names[i].name, name_len) == 0) {
      return one(out, name_len, names[i].byte);
    }
  }
  return false;
}

bool scrub_unescape(struct scrub_unit *out, const uint8_t *text, size_t len) {
  switch (len > 0 ? text[0] : 0) {
    case '\\':
      return backslash(out, text, len);
    case '&':
      return entity(out, text, len);
    case '%': {
      long value = hex(text + 1, len - 1, 2);
      return value >= 0 && one(out, 3, (uint8_t)value);
    }
    default:
      return false;
  }
}
