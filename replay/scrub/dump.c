// An offset, pairs of digits with blanks between some of them, and the same octets once more as text.
#include "replay/scrub/dump.h"

static int digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '-';
}

// Behind the offset and its colon or blanks; 0 if there is no offset.
static size_t skip_offset(const struct logline *l) {
  size_t at = 0;
  while (at < l->len && (is_blank(l->bytes[at]) || l->bytes[at] == '<' || l->bytes[at] == '>')) {
    at++;
  }
  if (at + 1 < l->len && l->bytes[at] == '0' && l->bytes[at + 1] == 'x') {
    at += 2;
  }
  size_t first = at;
  while (at < l->len && digit(l->bytes[at]) >= 0) {
    at++;
  }
  bool offset = at - first >= 4 && at - first <= 16 && at < l->len;
  if (!offset || (l->bytes[at] != ':' && !is_blank(l->bytes[at]))) {
    return 0;
  }
  while (at < l->len && (is_blank(l->bytes[at]) || l->bytes[at] == ':')) {
    at++;
  }
  return at;
}

// Whether nothing but blanks and then `num` signs follow, those of the octets: themselves, or some other sign
// for what is not printable.
static bool has_text(const struct scrub_dump_line *d, const struct logline *l, size_t end,
                     size_t num) {
  if (end + num >= l->len) {
    return false;
  }
  const uint8_t *text = l->bytes + l->len - num;
  for (const uint8_t *at = l->bytes + end; at < text; at++) {
    if (!is_blank(*at)) {
      return false;
    }
  }
  for (size_t i = 0; i < num; i++) {
    bool plain = d->octets[i] > 0x20 && d->octets[i] < 0x7f;
    if (plain ? text[i] != d->octets[i] : text[i] != '.' && !is_blank(text[i])) {
      return false;
    }
  }
  return true;
}

bool scrub_dump_read(struct scrub_dump_line *out, const struct logline *l) {
  size_t at = skip_offset(l);
  *out = (struct scrub_dump_line){.num = 0};
  if (at == 0) {
    return false;
  }
  size_t end = at;
  while (at + 1 < l->len && out->num < SCRUB_DUMP_LINE_MAX && digit(l->bytes[at]) >= 0 &&
         digit(l->bytes[at + 1]) >= 0) {
    out->octets[out->num] = (uint8_t)(digit(l->bytes[at]) * 16 + digit(l->bytes[at + 1]));
    out->hex_at[out->num++] = at;
    at += 2;
    end = at;
    // More than three blanks part the octets from the text.
    while (at < l->len && at < end + 3 && is_blank(l->bytes[at])) {
      at++;
    }
  }
  // The first characters of the text may look like octets: as many octets as there is text for. Blanks at
  // its end are not part of the line.
  for (size_t num = out->num; num > 0; num--) {
    size_t shown = num;
    do {
      if (has_text(out, l, out->hex_at[num - 1] + 2, shown)) {
        out->num = num;
        out->text_at = l->len - shown;
        return true;
      }
      shown--;
    } while (shown > 0 && (out->octets[shown] <= 0x20 || out->octets[shown] >= 0x7f));
  }
  return out->num >= 4 && at >= l->len;
}
