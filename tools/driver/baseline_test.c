// What changed is told once, in printable lines.
#include "tools/driver/baseline.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t text_len;

static size_t compare(const char *old_text, const char *now_text) {
  json_error_t error;
  json_t *old = baseline_read(&error, old_text, strlen(old_text));
  json_t *now = baseline_read(&error, now_text, strlen(now_text));
  cr_assert(old != NULL && now != NULL);
  free(text);
  FILE *out = open_memstream(&text, &text_len);
  size_t num = baseline_compare(out, old, now);
  fclose(out);
  json_decref(old);
  json_decref(now);
  return num;
}

static void expect(const char *old, const char *now, size_t num, const char *lines) {
  cr_assert_eq(compare(old, now), num, "%s %s: %s", old, now, text);
  cr_assert_str_eq(text, lines);
}

Test(baseline, tells_what_changed) {
  expect("{\"a\": [1, 2]}", "{\"a\": [2, 1]}", 0, "");
  expect("{\"a\": [1, 2, 2]}", "{\"a\": [2, 3]}", 3, "a: gone: 1\na: gone: 2\na: new: 3\n");
  expect("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": null}}", 1, "a.b: was: 1\na.b: is:  null\n");
  expect("{\"a\": 1}", "{}", 1, "a: was: 1\na: is:  null\n");
  expect("{}", "{\"a\": null}", 0, "");
  expect("{\"a\": 1}", "{\"a\": []}", 1, "a: was: 1\na: is:  []\n");
}

Test(baseline, escapes) {
  expect("{\"\\u001b[m\": 1}", "{}", 1, "\\x1b[m: was: 1\n\\x1b[m: is:  null\n");
  expect("{\"a\": []}", "{\"a\": [\"\\u009b\"]}", 1, "a: new: \"\\xc2\\x9b\"\n");
}

static void expect_none(const char *bytes, size_t len, const char *sentence) {
  json_error_t error;
  cr_assert_null(baseline_read(&error, bytes, len));
  free(text);
  FILE *out = open_memstream(&text, &text_len);
  baseline_complain(out, "f\n", &error);
  fclose(out);
  cr_assert(strstr(text, sentence), "%s", text);
}

Test(baseline, says_why_it_is_none) {
  expect_none("[]", 2, "ehlo: f\\x0a:1:1: this is no baseline: no object\n");
  expect_none("{\x1b", 2, "\\x1b");
  expect_none("{\"a\":1,\"a\":1}", 13, "duplicate");
  char *large = calloc(1, BASELINE_MAX + 1);
  memset(large, ' ', BASELINE_MAX + 1);
  expect_none(large, BASELINE_MAX + 1, "more than 65536 octets");
  free(large);
}
