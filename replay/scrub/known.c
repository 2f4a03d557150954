// Forms of secrets in a pool, found by their first octet. A text is compared as it is and, place by
// place, as what its escapes stand for.
#include "replay/scrub/known.h"

#include <string.h>

#include "replay/scrub/unescape.h"

void scrub_known_init(struct scrub_known *k) {
  memset(k, 0, sizeof(*k));
}

static bool has(const struct scrub_known *k, const uint8_t *secret, size_t len) {
  for (size_t i = 0; i < k->num; i++) {
    if (k->secrets[i].len == len && memcmp(k->bytes + k->secrets[i].at, secret, len) == 0) {
      return true;
    }
  }
  return false;
}

static void add_form(struct scrub_known *k, size_t at, size_t len) {
  uint32_t *first = &k->first[k->bytes[at]];
  k->forms[k->num_forms++] =
      (struct scrub_form){(uint32_t)at, (uint32_t)len, (uint32_t)k->num - 1, *first};
  *first = (uint32_t)k->num_forms;
  k->longest = len > k->longest ? len : k->longest;
}

// Those characters that the secret alone decides when `shift` octets of something else stand before
// it in its group of three.
static size_t encode_inside(uint8_t *out, const uint8_t *secret, size_t len, size_t shift) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t first = (8 * shift + 5) / 6;
  size_t end = 8 * (shift + len) / 6;
  for (size_t place = first; place < end; place++) {
    size_t bit = 6 * place - 8 * shift;
    unsigned pair = (unsigned)secret[bit / 8] << 8;
    if (bit / 8 + 1 < len) {
      pair |= secret[bit / 8 + 1];
    }
    *out++ = (uint8_t)alphabet[pair >> (10 - bit % 8) & 63];
  }
  return end - first;
}

void scrub_known_add(struct scrub_known *k, const uint8_t *secret, size_t len) {
  if (len < SCRUB_SECRET_MIN || has(k, secret, len)) {
    return;
  }
  if (k->num == SCRUB_KNOWN_MAX || len > SCRUB_KNOWN_BYTES_MAX - k->used) {
    k->full = true;
    return;
  }
  memcpy(k->bytes + k->bytes_used, secret, len);
  k->secrets[k->num].at = (uint32_t)k->bytes_used;
  k->secrets[k->num++].len = (uint32_t)len;
  k->used += len;
  add_form(k, k->bytes_used, len);
  k->bytes_used += len;
  for (size_t shift = 0; shift < 3; shift++) {
    size_t form_len = encode_inside(k->bytes + k->bytes_used, secret, len, shift);
    if (form_len >= SCRUB_FORM_MIN) {
      add_form(k, k->bytes_used, form_len);
      k->bytes_used += form_len;
    }
  }
}

// Octets of `text` that read as `form`, each place as it is or as its escape; 0 if they do not.
static size_t reads_as(const uint8_t *text, size_t len, const uint8_t *form, size_t form_len) {
  size_t at = 0;
  size_t done = 0;
  while (done < form_len) {
    struct scrub_unit unit;
    if (at == len) {
      return 0;
    }
    if (scrub_unescape(&unit, text + at, len - at) && unit.num_bytes <= form_len - done &&
        memcmp(unit.bytes, form + done, unit.num_bytes) == 0) {
      at += unit.raw_len;
      done += unit.num_bytes;
    } else if (text[at] == form[done]) {
      at++;
      done++;
    } else {
      return 0;
    }
  }
  return at;
}

// The longest form that begins with the octet `first` and reads as the text does.
static size_t longest_from(const struct scrub_known *k, size_t *secret, uint8_t first,
                           const uint8_t *text, size_t len) {
  size_t longest = 0;
  for (uint32_t f = k->first[first]; f != 0; f = k->forms[f - 1].next) {
    const struct scrub_form *form = &k->forms[f - 1];
    size_t n = reads_as(text, len, k->bytes + form->at, form->len);
    if (n > longest) {
      longest = n;
      *secret = form->secret;
    }
  }
  return longest;
}

size_t scrub_known_at(const struct scrub_known *k, size_t *out_secret, const uint8_t *text,
                      size_t len) {
  struct scrub_unit unit;
  size_t plain_secret = 0;
  size_t escaped_secret = 0;
  size_t plain = longest_from(k, &plain_secret, text[0], text, len);
  size_t escaped = 0;
  if (scrub_unescape(&unit, text, len) && unit.bytes[0] != text[0]) {
    escaped = longest_from(k, &escaped_secret, unit.bytes[0], text, len);
  }
  if (out_secret != NULL) {
    *out_secret = escaped > plain ? escaped_secret : plain_secret;
  }
  return escaped > plain ? escaped : plain;
}

void scrub_known_wipe(struct scrub_known *k) {
  // A plain memset() of what nobody reads again may be left out.
  volatile uint8_t *bytes = (volatile uint8_t *)k;
  for (size_t i = 0; i < sizeof(*k); i++) {
    bytes[i] = 0;
  }
}
