// See shell_hidden.h.
#include "tools/driver/shell_hidden.h"

#include <openssl/mem.h>

#define CTRL(c) ((c)&0x1f)

enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_PARAMETERS };

// ECMA-48 §5.4: ESC, then "[" or "O", parameters, and an octet from "@" on ends it.
static bool is_of_escape(struct shell_hidden *h, uint8_t c) {
  if (c == 0x1b) {
    h->escape = ESCAPE_BEGUN;
    return true;
  }
  if (h->escape == ESCAPE_BEGUN) {
    h->escape = c == '[' || c == 'O' ? ESCAPE_PARAMETERS : ESCAPE_NONE;
    return true;
  }
  if (h->escape == ESCAPE_PARAMETERS) {
    h->escape = c >= '@' && c <= '~' ? ESCAPE_NONE : ESCAPE_PARAMETERS;
    return true;
  }
  return false;
}

static void clear(struct shell_hidden *h) {
  OPENSSL_cleanse(h->bytes, sizeof(h->bytes));
  h->len = 0;
  h->beyond = false;
}

static enum shell_hidden_result take_back(struct shell_hidden *h) {
  if (h->len == 0) {
    return SHELL_HIDDEN_BACK;
  }
  while (h->len > 1 && (h->bytes[h->len - 1] & 0xc0) == 0x80) {
    h->bytes[--h->len] = 0;  // of a character of UTF-8
  }
  h->bytes[--h->len] = 0;
  return SHELL_HIDDEN_MORE;
}

enum shell_hidden_result shell_hidden_take(struct shell_hidden *h, uint8_t c) {
  if (is_of_escape(h, c)) {
    return SHELL_HIDDEN_MORE;
  }
  if (c == '\r' || c == '\n') {
    return SHELL_HIDDEN_LINE;
  }
  if (c == CTRL('D') && h->len == 0) {
    return SHELL_HIDDEN_END;
  }
  if (c == CTRL('H') || c == 0x7f) {
    return take_back(h);
  }
  if (c == CTRL('U')) {
    clear(h);
  } else if (c >= ' ' && h->len < sizeof(h->bytes)) {
    h->bytes[h->len++] = c;
  } else if (c >= ' ') {
    h->beyond = true;
  }
  return SHELL_HIDDEN_MORE;
}
