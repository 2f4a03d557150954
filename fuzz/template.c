// Any bytes as a template: the text of a plain reference that cuts it at each "{{", or a place in
// it where one stands, and the same complaint whatever the values are.
#include "tools/mail/template.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum goal { GOAL_VALUE, GOAL_HEADER, GOAL_OPEN, GOAL_UNKNOWN, GOAL_UNCLOSED, GOAL_NO_VALUE };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_VALUE] = "a value in a body",        [GOAL_HEADER] = "a value in a header",
    [GOAL_OPEN] = "two braces that are meant", [GOAL_UNKNOWN] = "a name that is not known",
    [GOAL_UNCLOSED] = "braces without an end", [GOAL_NO_VALUE] = "a name without a value",
};

static const struct mail_template_value values[] = {
    {"n", "{{h", "}}b\n\n"}, {"none", NULL, NULL}, {NULL, NULL, NULL}};

// Where the first empty line ends; the length if there is none.
static size_t header_length(struct ehlo_span text) {
  for (size_t line = 0; line < text.len;) {
    const uint8_t *end = memchr(text.bytes + line, '\n', text.len - line);
    if (end == NULL) {
      break;
    }
    size_t next = (size_t)(end - text.bytes) + 1;
    if (next - line == 1 || (next - line == 2 && text.bytes[line] == '\r')) {
      return next;
    }
    line = next;
  }
  return text.len;
}

// What stands for the name between the braces; NULL if it may not stand there.
static const char *value_of(const char *name, size_t len, bool in_header) {
  while (len > 0 && (name[0] == ' ' || name[0] == '\t')) {
    name++;
    len--;
  }
  while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t')) {
    len--;
  }
  if (len == 4 && memcmp(name, "open", 4) == 0) {
    ehlo_fuzz_reach(GOAL_OPEN);
    return "{{";
  }
  if (len != 1 || name[0] != 'n') {
    ehlo_fuzz_reach(len == 4 && memcmp(name, "none", 4) == 0 ? GOAL_NO_VALUE : GOAL_UNKNOWN);
    return NULL;
  }
  ehlo_fuzz_reach(in_header ? GOAL_HEADER : GOAL_VALUE);
  return in_header ? values[0].in_header : values[0].in_body;
}

static const uint8_t *find(const uint8_t *from, const uint8_t *end, const char *pair) {
  return from < end ? memmem(from, (size_t)(end - from), pair, 2) : NULL;
}

// The offset of the mistake, or the length of the text.
static size_t reference(struct ehlo_fuzz_bytes *out, struct ehlo_span text, size_t header) {
  const uint8_t *at = text.bytes;
  const uint8_t *end = text.bytes + text.len;
  const uint8_t *open;
  while ((open = find(at, end, "{{")) != NULL) {
    const uint8_t *close = find(open + 2, end, "}}");
    bool in_header = (size_t)(open - text.bytes) < header;
    const char *value =
        close == NULL ? NULL
                      : value_of((const char *)open + 2, (size_t)(close - open) - 2, in_header);
    ehlo_fuzz_add(out, at, (size_t)(open - at));
    if (value == NULL) {
      if (close == NULL) {
        ehlo_fuzz_reach(GOAL_UNCLOSED);
      }
      return (size_t)(open - text.bytes);
    }
    ehlo_fuzz_add(out, value, strlen(value));
    at = close + 2;
  }
  ehlo_fuzz_add(out, at, (size_t)(end - at));
  return text.len;
}

static size_t offset_of(struct ehlo_span text, size_t line, size_t column) {
  size_t at = 0;
  for (; line > 1; line--) {
    const uint8_t *end = memchr(text.bytes + at, '\n', text.len - at);
    EHLO_FUZZ_CHECK(end != NULL);
    at = (size_t)(end - text.bytes) + 1;
  }
  return at + column - 1;
}

static void run(struct ehlo_span text, bool has_header) {
  struct ehlo_fuzz_bytes wanted = {.len = 0};
  struct mail_template_error error = {.line = 0};
  char *got = NULL;
  size_t len = 0;
  size_t wrong = reference(&wanted, text, has_header ? header_length(text) : 0);
  FILE *out = open_memstream(&got, &len);
  bool good = mail_template_write(out, &error, text, has_header, values);
  fclose(out);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, good == (wrong == text.len));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, len == wanted.len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, len == 0 || memcmp(got, wanted.bytes, len) == 0);
  if (!good) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, offset_of(text, error.line, error.column) == wrong);
    EHLO_FUZZ_CHECK(error.what != NULL && strlen(error.name) <= MAIL_TEMPLATE_NAME_MAX);
  }
  free(got);
  free(wanted.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_span text = {ehlo_fuzz_copy(data, size), size};
  run(text, false);
  run(text, true);
  free((void *)(uintptr_t)text.bytes);
  return 0;
}
