// See reference.h.
#include "fuzz/reference.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ehlo_reference_base64(struct ehlo_fuzz_bytes *out, const uint8_t *bytes, size_t len) {
  size_t text_len = (len + 2) / 3 * 4;
  uint8_t *text = ehlo_fuzz_extend(out, text_len);
  size_t at = 0;
  for (size_t bit = 0; bit < len * 8; bit += 6) {
    unsigned high = bytes[bit / 8];
    unsigned low = bit / 8 + 1 < len ? bytes[bit / 8 + 1] : 0;
    text[at++] = (uint8_t)digits[(high << 8 | low) >> (10 - bit % 8) & 63];
  }
  while (at < text_len) {
    text[at++] = '=';
  }
}

// The value of each digit, and one more; 0 for what is none.
static const uint8_t *values(void) {
  static uint8_t table[256];
  for (uint8_t i = 0; table['/'] == 0; i++) {
    table[(uint8_t)digits[i]] = (uint8_t)(i + 1);
  }
  return table;
}

bool ehlo_reference_unbase64(struct ehlo_fuzz_bytes *out, const uint8_t *text, size_t len) {
  const uint8_t *value = values();
  uint32_t held = 0;
  unsigned bits = 0;
  size_t end = len;
  while (end > 0 && len - end < 2 && text[end - 1] == '=') {
    end--;
  }
  if (len % 4 != 0) {
    return false;
  }
  uint8_t *bytes = ehlo_fuzz_extend(out, end * 6 / 8);
  for (size_t i = 0; i < end; i++) {
    if (value[text[i]] == 0) {
      return false;
    }
    held = (held << 6 | (value[text[i]] - 1U)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *bytes++ = (uint8_t)(held >> bits);
    }
  }
  return true;
}

size_t ehlo_reference_lines(struct ehlo_fuzz_bytes *out, const uint8_t *message, size_t len) {
  size_t bare_cr = len;
  bool in_line = false;
  for (size_t i = 0; i < len; i++) {
    bool crlf = message[i] == '\r' && i + 1 < len && message[i + 1] == '\n';
    if (message[i] == '\r' && !crlf && bare_cr == len) {
      bare_cr = i;
    }
    in_line = message[i] != '\r' && message[i] != '\n';
    if (in_line) {
      ehlo_fuzz_add(out, &message[i], 1);
    } else {
      ehlo_fuzz_add(out, "\r\n", 2);
      i += crlf;
    }
  }
  if (in_line) {
    ehlo_fuzz_add(out, "\r\n", 2);
  }
  return bare_cr;
}

static bool is_nul_dot(const uint8_t *line, size_t len) {
  size_t num_dots = 0;
  size_t num_nuls = 0;
  for (size_t i = 0; i < len; i++) {
    num_dots += line[i] == '.';
    num_nuls += line[i] == 0;
  }
  return len > 0 && line[0] == 0 && num_dots == 1 && num_dots + num_nuls == len;
}

enum ehlo_status ehlo_reference_refusal(size_t *out_used, const uint8_t *message, size_t len,
                                        bool refuse_cr, bool refuse_lf) {
  for (size_t start = 0; start < len;) {
    size_t end = start;
    while (end < len && message[end] != '\r' && message[end] != '\n') {
      end++;
    }
    bool cr = end < len && message[end] == '\r';
    size_t behind = end + cr;
    bool lf = behind < len && message[behind] == '\n';
    *out_used = behind;
    if (cr && !lf && refuse_cr) {
      return EHLO_E_BARE_CR;
    }
    if (!cr && refuse_lf) {
      return EHLO_E_BARE_LF;
    }
    if (is_nul_dot(message + start, end - start)) {
      return EHLO_E_NUL_DOT;
    }
    start = behind + lf;
  }
  *out_used = len;
  return EHLO_OK;
}

void ehlo_reference_stuff(struct ehlo_fuzz_bytes *out, const uint8_t *lines, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (lines[i] == '.' && (i == 0 || lines[i - 1] == '\n')) {
      ehlo_fuzz_add(out, ".", 1);
    }
    ehlo_fuzz_add(out, &lines[i], 1);
  }
}
