// Escaping, by one rule for the terminal and one for JSON.
#include "tools/driver/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Decodes the UTF-8 character at `s`; returns its length, 0 if there is none (RFC 3629 §4).
static size_t decode_utf8(uint32_t *out, const uint8_t *s, size_t left) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint8_t c = s[0];
  size_t len = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
  if (len == 0 || len > left) {
    return 0;
  }
  *out = len == 1 ? c : c & (0x7fU >> len);
  for (size_t i = 1; i < len; i++) {
    if (s[i] >> 6 != 2) {
      return 0;
    }
    *out = *out << 6 | (s[i] & 0x3f);
  }
  bool surrogate = *out >= 0xd800 && *out < 0xe000;
  return *out < least[len] || surrogate || *out > 0x10ffff ? 0 : len;
}

// Characters that a terminal shows as themselves and in their place: no controls, nothing that
// turns the direction of writing, nothing without width.
static bool is_printable(uint32_t c) {
  if (c < 0xa0) {
    return c >= ' ' && c < 0x7f;
  }
  return c != 0xad && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
         !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && !(c >= 0xe000 && c <= 0xf8ff) &&
         !(c >= 0xfff0 && c <= 0xffff) && c < 0xe0000;
}

void text_print(FILE *out, struct ehlo_span text) {
  bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  for (size_t i = 0; i < text.len;) {
    uint32_t c = 0;
    size_t len = decode_utf8(&c, text.bytes + i, text.len - i);
    if (len == 0 || !is_printable(c) || (len > 1 && !utf8)) {
      len = len == 0 ? 1 : len;
      for (size_t k = 0; k < len; k++) {
        fprintf(out, "\\x%02x", text.bytes[i + k]);
      }
    } else {
      fwrite(text.bytes + i, 1, len, out);
    }
    i += len;
  }
}

void text_print_raw(FILE *out, struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.bytes[i];
    if (c == '\r' || c == '\n') {
      fputs(c == '\r' ? "\\r" : "\\n", out);
    } else if (c == '\\') {
      fputs("\\\\", out);
    } else if (c >= ' ' && c < 0x7f) {
      fputc(c, out);
    } else {
      fprintf(out, "\\x%02x", c);
    }
  }
}

json_t *text_to_json(struct ehlo_span text) {
  char *copy = malloc(text.len * 4 + 1);
  size_t len = 0;
  if (copy == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < text.len;) {
    uint32_t c = 0;
    size_t n = decode_utf8(&c, text.bytes + i, text.len - i);
    if (n == 0 || c == 0) {
      len += (size_t)snprintf(copy + len, 5, "\\x%02x", text.bytes[i]);
      n = 1;
    } else {
      memcpy(copy + len, text.bytes + i, n);
      len += n;
    }
    i += n;
  }
  json_t *json = json_stringn(copy, len);
  free(copy);
  return json;
}

static void print_json_escape(FILE *out, uint32_t c) {
  if (c < 0x10000) {
    fprintf(out, "\\u%04x", (unsigned)c);
  } else {
    c -= 0x10000;
    fprintf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)),
            (unsigned)(0xdc00 + (c & 0x3ff)));
  }
}

void text_write_json(FILE *out, json_t *json, size_t flags) {
  char *dump = json_dumps(json, flags | JSON_REAL_PRECISION(9));
  size_t len = dump != NULL ? strlen(dump) : 0;
  for (size_t i = 0; i < len;) {
    uint32_t c = 0;
    const uint8_t *at = (const uint8_t *)dump + i;
    size_t n = decode_utf8(&c, at, len - i);  // jansson gives nothing but UTF-8
    if (c == '\n' || is_printable(c)) {
      fwrite(at, 1, n, out);
    } else {
      print_json_escape(out, c);
    }
    i += n > 0 ? n : 1;
  }
  free(dump);
  json_decref(json);
}

void text_print_json(json_t *json, size_t flags) {
  text_write_json(stdout, json, flags);
  putchar('\n');
}

bool text_colour(FILE *out) {
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
         strcmp(term, "dumb") != 0;
}
