// Escapes, both ways. The reader accepts every form that has one meaning; the writer writes one.
#include "replay/escape.h"

#include <assert.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

// -1: not a hexadecimal digit.
static int hex_value(char c) {
  if (c >= 'A' && c <= 'F') {
    c = (char)(c - 'A' + 'a');
  }
  const char *digit = c != '\0' ? strchr(hex_digits, c) : NULL;
  return digit != NULL ? (int)(digit - hex_digits) : -1;
}

enum ehlo_escape ehlo_escape_take(uint8_t *out_byte, size_t *out_used, const char *text,
                                  size_t len) {
  static const char secret[] = EHLO_ESCAPE_SECRET_TEXT;
  static const char letters[] = "\\rnt";
  static const char values[] = "\\\r\n\t";
  assert(len > 0 && text[0] == '\\');
  *out_used = 1;
  if (len == 1) {
    return EHLO_ESCAPE_END;
  }
  for (size_t i = 0; letters[i] != '\0'; i++) {
    if (text[1] == letters[i]) {
      *out_used = 2;
      *out_byte = (uint8_t)values[i];
      return EHLO_ESCAPE_BYTE;
    }
  }
  if (len >= 4 && text[1] == 'x' && hex_value(text[2]) >= 0 && hex_value(text[3]) >= 0) {
    *out_used = 4;
    *out_byte = (uint8_t)(hex_value(text[2]) * 16 + hex_value(text[3]));
    return EHLO_ESCAPE_BYTE;
  }
  *out_used = sizeof(secret) - 1;
  bool known = len >= *out_used && memcmp(text, secret, *out_used) == 0;
  return known ? EHLO_ESCAPE_SECRET : EHLO_ESCAPE_UNKNOWN;
}

size_t ehlo_escape_put(char out[EHLO_ESCAPE_BYTE_MAX], uint8_t byte) {
  size_t len = 0;
  if (byte >= 0x20 && byte <= 0x7e && byte != '\\') {
    out[len++] = (char)byte;
    return len;
  }
  out[len++] = '\\';
  switch (byte) {
    case '\\':
      out[len++] = '\\';
      break;
    case '\r':
      out[len++] = 'r';
      break;
    case '\n':
      out[len++] = 'n';
      break;
    case '\t':
      out[len++] = 't';
      break;
    default:
      out[len++] = 'x';
      out[len++] = hex_digits[byte >> 4];
      out[len++] = hex_digits[byte & 15];
  }
  return len;
}

// ---- Spans --------------------------------------------------------------------------------------

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH EACH(0x80)

// Not 0 exactly where some byte is not printable: under 0x20 borrows from its high bit, 0x7F carries
// into it, and the others have it set.
static uint64_t unprintable(uint64_t word) {
  return ((word - EACH(0x20)) | (word + EACH(1)) | word) & HIGH;
}

static bool is_printable(uint8_t byte) {
  return byte >= 0x20 && byte <= 0x7e;
}

static uint64_t unprintable_at(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof(word));
  return unprintable(word);
}

size_t ehlo_escape_printable(const uint8_t *bytes, size_t len) {
  size_t at = 0;
  while (len - at >= 32 &&
         (unprintable_at(bytes + at) | unprintable_at(bytes + at + 8) |
          unprintable_at(bytes + at + 16) | unprintable_at(bytes + at + 24)) == 0) {
    at += 32;
  }
  while (len - at >= 8 && unprintable_at(bytes + at) == 0) {
    at += 8;
  }
  while (at < len && is_printable(bytes[at])) {
    at++;
  }
  return at;
}

size_t ehlo_escape_plain(const uint8_t *bytes, size_t len) {
  size_t printable = ehlo_escape_printable(bytes, len);
  const uint8_t *backslash = memchr(bytes, '\\', printable);
  return backslash != NULL ? (size_t)(backslash - bytes) : printable;
}

// ---- Texts --------------------------------------------------------------------------------------

bool ehlo_text_unescape(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len) {
  size_t n = 0;
  size_t used = 1;
  for (size_t at = 0; at < len; at += used) {
    uint8_t byte = (uint8_t)text[at];
    used = 1;
    if (byte == '\\' && ehlo_escape_take(&byte, &used, text + at, len - at) != EHLO_ESCAPE_BYTE) {
      return false;
    }
    if (n == cap) {
      return false;
    }
    out[n++] = byte;
  }
  *out_len = n;
  return true;
}

bool ehlo_text_escape(char *out, size_t *out_len, size_t cap, const uint8_t *text, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    char piece[EHLO_ESCAPE_BYTE_MAX] = "\\x20";
    bool last_blank = i == len - 1 && text[i] == ' ';
    size_t piece_len = last_blank ? sizeof(piece) : ehlo_escape_put(piece, text[i]);
    if (piece_len > cap - n) {
      return false;
    }
    memcpy(out + n, piece, piece_len);
    n += piece_len;
  }
  if (n >= cap) {
    return false;
  }
  out[n] = '\0';
  *out_len = n;
  return true;
}
