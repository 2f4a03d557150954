// What is typed without being shown.
#include "tools/driver/shell_hidden.h"

#include <criterion/criterion.h>
#include <string.h>

static enum shell_hidden_result type(struct shell_hidden *h, const char *keys) {
  enum shell_hidden_result result = SHELL_HIDDEN_MORE;
  for (; *keys != '\0' && result == SHELL_HIDDEN_MORE; keys++) {
    result = shell_hidden_take(h, (uint8_t)*keys);
  }
  return result;
}

static void expect(const char *keys, enum shell_hidden_result result, const char *text) {
  static struct shell_hidden h;
  memset(&h, 0, sizeof(h));
  cr_expect_eq(type(&h, keys), result, "%s", text);
  cr_expect(h.len == strlen(text) && memcmp(h.bytes, text, h.len) == 0, "%.*s", (int)h.len,
            (const char *)h.bytes);
}

Test(shell_hidden, keys) {
  expect("abc\r", SHELL_HIDDEN_LINE, "abc");
  expect("abc\n", SHELL_HIDDEN_LINE, "abc");
  expect("\n", SHELL_HIDDEN_LINE, "");
  expect(
      "abx\x7f"
      "c\n",
      SHELL_HIDDEN_LINE, "abc");
  expect(
      "ab\xc3\xa9\x08"
      "c\n",
      SHELL_HIDDEN_LINE, "abc");
  expect("abc\x15xy\n", SHELL_HIDDEN_LINE, "xy");
  expect(
      "a\x1b[1;5Db\x1bOAc\x1b"
      "fd\n",
      SHELL_HIDDEN_LINE, "abcd");
  expect(
      "a\x01\tb\x04"
      "c\n",
      SHELL_HIDDEN_LINE, "abc");
  expect("\x04", SHELL_HIDDEN_END, "");
  expect("a\x7f\x7f", SHELL_HIDDEN_BACK, "");
}

Test(shell_hidden, what_is_taken_back_is_gone_from_memory) {
  static struct shell_hidden h;
  memset(&h, 0, sizeof(h));
  type(&h, "secret\x15");
  cr_expect_eq(h.bytes[0], 0);
  type(&h, "xy\x7f");
  cr_expect_eq(h.bytes[1], 0);
}

Test(shell_hidden, a_line_is_bounded) {
  static struct shell_hidden h;
  memset(&h, 0, sizeof(h));
  for (size_t i = 0; i < SHELL_LINE_MAX; i++) {
    shell_hidden_take(&h, 'x');
  }
  cr_expect(h.len == SHELL_LINE_MAX && !h.beyond);
  shell_hidden_take(&h, 'x');
  cr_expect(h.len == SHELL_LINE_MAX && h.beyond);
}
