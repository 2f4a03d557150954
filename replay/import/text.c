// Prefixes, numbers and times. Nothing here knows of a format.
#include "replay/import/text.h"

#include <string.h>

bool text_begins(struct text t, const char *beginning) {
  size_t len = strlen(beginning);
  return t.len >= len && memcmp(t.bytes, beginning, len) == 0;
}

bool text_is(struct text t, const char *whole) {
  return t.len == strlen(whole) && text_begins(t, whole);
}

struct text text_after(struct text t, size_t n) {
  n = n < t.len ? n : t.len;
  return (struct text){t.bytes + n, t.len - n};
}

bool text_take(struct text *t, const char *beginning) {
  bool there = text_begins(*t, beginning);
  if (there) {
    *t = text_after(*t, strlen(beginning));
  }
  return there;
}

static int digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') {
    return byte - '0';
  }
  uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

bool text_take_number(struct text *t, uint64_t *out, unsigned base) {
  size_t n = 0;
  *out = 0;
  while (n < t->len && n < 15 && (unsigned)digit(t->bytes[n]) < base) {
    *out = *out * base + (uint64_t)digit(t->bytes[n++]);
  }
  *t = text_after(*t, n);
  return n > 0;
}

size_t text_find(struct text t, const char *part) {
  size_t at = 0;
  while (at < t.len && !text_begins(text_after(t, at), part)) {
    at++;
  }
  return at;
}

// Exactly `digits` of them.
static bool take_digits(struct text *t, uint64_t *out, size_t digits) {
  struct text part = {t->bytes, digits};
  if (t->len < digits || !text_take_number(&part, out, 10) || part.len > 0) {
    return false;
  }
  *t = text_after(*t, digits);
  return true;
}

bool text_take_time(struct text *t, uint64_t *out_us) {
  struct text rest = *t;
  uint64_t h;
  uint64_t m;
  uint64_t s;
  uint64_t us = 0;
  if (!take_digits(&rest, &h, 2) || !text_take(&rest, ":") || !take_digits(&rest, &m, 2) ||
      !text_take(&rest, ":") || !take_digits(&rest, &s, 2)) {
    return false;
  }
  if (rest.len > 0 && rest.bytes[0] == '.') {
    uint64_t scale = 100000;
    size_t n = 1;
    for (; n < rest.len && digit(rest.bytes[n]) < 10; n++) {
      us += (uint64_t)digit(rest.bytes[n]) * scale;
      scale /= 10;
    }
    rest = text_after(rest, n);
  }
  *out_us = ((h * 60 + m) * 60 + s) * 1000000 + us;
  *t = rest;
  return true;
}

// Days since 1970-01-01, of the Gregorian calendar.
static uint64_t days_since_1970(uint64_t year, uint64_t month, uint64_t day) {
  static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  uint64_t past = year - 1;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  uint64_t days = past * 365 + past / 4 - past / 100 + past / 400;
  return days + before[month - 1] + (leap && month > 2) + day - 1 - 719162;
}

bool text_take_date(struct text *t, uint64_t *out_us) {
  struct text rest = *t;
  uint64_t year;
  uint64_t month;
  uint64_t day;
  if (!take_digits(&rest, &year, 4) || !text_take(&rest, "-") || !take_digits(&rest, &month, 2) ||
      !text_take(&rest, "-") || !take_digits(&rest, &day, 2) || year < 1970 || month < 1 ||
      month > 12 || day < 1 || (!text_take(&rest, " ") && !text_take(&rest, "T")) ||
      !text_take_time(&rest, out_us)) {
    return false;
  }
  *out_us += days_since_1970(year, month, day) * UINT64_C(86400000000);
  *t = rest;
  return true;
}

bool text_is_reply(struct text t) {
  uint64_t code;
  struct text rest = t;
  return take_digits(&rest, &code, 3) && code >= 100 &&
         (rest.len == 0 || rest.bytes[0] == ' ' || rest.bytes[0] == '-');
}
