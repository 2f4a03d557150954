// Escaping, by one rule for the terminal and one for JSON.
#include "tools/driver/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/text/utf8.h"

#define SOME_MAX 200  // octets

void text_print(FILE *out, struct ehlo_span text) {
  bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  for (size_t i = 0; i < text.len;) {
    uint32_t c = 0;
    size_t len = text_utf8_decode(&c, text.bytes + i, text.len - i);
    if (len == 0 || !text_is_printable(c) || (len > 1 && !utf8)) {
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

void text_print_some(FILE *out, struct ehlo_span text) {
  bool is_long = text.len > SOME_MAX;
  text.len = is_long ? SOME_MAX : text.len;
  text_print(out, text);
  if (is_long) {
    fputs("…", out);
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
    size_t n = text_utf8_decode(&c, text.bytes + i, text.len - i);
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

static bool has_json;

bool text_has_json(void) {
  return has_json;
}

void text_note_json(void) {
  has_json = true;
}

void text_write_json(FILE *out, json_t *json, size_t flags) {
  has_json = has_json || out == stdout;
  char *dump = json_dumps(json, flags | JSON_REAL_PRECISION(9));
  size_t len = dump != NULL ? strlen(dump) : 0;
  size_t plain = 0;  // from here on nothing needs an escape
  for (size_t i = 0; i < len;) {
    uint32_t c = 0;
    if (dump[i] >= ' ' && dump[i] < 0x7f) {
      i++;  // nearly all of it
      continue;
    }
    const uint8_t *at = (const uint8_t *)dump + i;
    size_t n = text_utf8_decode(&c, at, len - i);  // jansson gives nothing but UTF-8
    n = n > 0 ? n : 1;
    if (c != '\n' && !text_is_printable(c)) {
      fwrite(dump + plain, 1, i - plain, out);
      print_json_escape(out, c);
      plain = i + n;
    }
    i += n;
  }
  if (dump != NULL) {
    fwrite(dump + plain, 1, len - plain, out);
  }
  free(dump);
  json_decref(json);
}

// What JSON asks to escape, in the words of jansson.
static void print_json_ascii(FILE *out, uint8_t c) {
  static const char letters[] = "\"\\bfnrt";
  static const char values[] = "\"\\\b\f\n\r\t";
  const char *value = memchr(values, c, sizeof(values) - 1);
  if (value != NULL) {
    fprintf(out, "\\%c", letters[value - values]);
  } else {
    fprintf(out, "\\u%04X", (unsigned)c);
  }
}

// Prints the character at the front of `text`, which is not printable ASCII or is escaped; returns
// its length.
static size_t print_json_special(FILE *out, struct ehlo_span text) {
  uint32_t c = 0;
  size_t n = text_utf8_decode(&c, text.bytes, text.len);
  if (n == 0 || c == 0) {
    fprintf(out, "\\\\x%02x", text.bytes[0]);
    return 1;
  }
  if (c < ' ' || c == '"' || c == '\\') {
    print_json_ascii(out, (uint8_t)c);
  } else if (!text_is_printable(c)) {
    print_json_escape(out, c);
  } else {
    fwrite(text.bytes, 1, n, out);
  }
  return n;
}

static bool is_plain_json(uint8_t c) {
  return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

void text_write_json_string(FILE *out, struct ehlo_span text) {
  putc_unlocked('"', out);
  for (size_t i = 0; i < text.len;) {
    size_t plain = i;
    while (i < text.len && is_plain_json(text.bytes[i])) {
      i++;
    }
    fwrite_unlocked(text.bytes + plain, 1, i - plain, out);
    if (i < text.len) {
      i += print_json_special(out, (struct ehlo_span){text.bytes + i, text.len - i});
    }
  }
  putc_unlocked('"', out);
}

void text_print_json(json_t *json, size_t flags) {
  text_write_json(stdout, json, flags);
  putchar('\n');
}

static enum text_colour_use colour_use;

void text_set_colour(enum text_colour_use use) {
  colour_use = use;
}

bool text_colour(FILE *out) {
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  if (colour_use != TEXT_COLOUR_AUTO) {
    return colour_use == TEXT_COLOUR_ALWAYS;
  }
  return isatty(fileno(out)) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
         strcmp(term, "dumb") != 0;
}
