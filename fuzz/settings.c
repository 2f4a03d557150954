// Any bytes as the text of a configuration: the settings, with their places, are those that a plain
// reference finds character by character; written anew they are read as the same; and the account
// that is chosen is the one that a look through the reference's list chooses.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz/fuzz.h"
#include "tools/driver/account.h"
#include "tools/driver/settings.h"

enum goal {
  GOAL_SECTION,
  GOAL_VALUE,
  GOAL_FLAG,
  GOAL_COMMENT,
  GOAL_BAD_SECTION,
  GOAL_BAD_NAME,
  GOAL_MARK,
  GOAL_CRLF,
  GOAL_CHOSEN,
  GOAL_DEFAULT,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_SECTION] = "a section",
    [GOAL_VALUE] = "a setting with a value",
    [GOAL_FLAG] = "one without",
    [GOAL_COMMENT] = "a comment",
    [GOAL_BAD_SECTION] = "no section",
    [GOAL_BAD_NAME] = "a setting without a name",
    [GOAL_MARK] = "a byte order mark",
    [GOAL_CRLF] = "a line that ends in CRLF",
    [GOAL_CHOSEN] = "the account of a sender",
    [GOAL_DEFAULT] = "the default account",
};

// ---- The reference ----------------------------------------------------------------------------------

// What a line is: its octets in classes, by a walk over them.
struct line {
  const uint8_t *bytes;
  size_t len;
};

static bool blank(uint8_t c) {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}

// The place of the first octet from `from` on that is no blank, before `end`.
static size_t skip(struct line l, size_t from, size_t end) {
  while (from < end && blank(l.bytes[from])) {
    from++;
  }
  return from;
}

static size_t back(struct line l, size_t from, size_t end) {
  while (end > from && blank(l.bytes[end - 1])) {
    end--;
  }
  return end;
}

static void expect_word(const struct settings_word *word, struct line l, size_t from, size_t end) {
  size_t first = skip(l, from, end);
  size_t last = back(l, first, end);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, word->len == last - first);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, word->column == first + 1);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, word->text == (const char *)l.bytes + first);
}

static void expect_bad(const struct settings_reader *r, enum settings_result result, size_t number,
                       size_t column) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, result == SETTINGS_BAD);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->error_line == number && r->error_column == column);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->error != NULL);
}

static void expect_section(const struct settings_reader *r, enum settings_result result,
                           const struct settings_item *item, struct line l, size_t number) {
  size_t first = skip(l, 0, l.len);
  size_t last = back(l, first, l.len);
  if (last - first < 2 || l.bytes[last - 1] != ']') {
    expect_bad(r, result, number, last + 1);
    ehlo_fuzz_reach(GOAL_BAD_SECTION);
  } else if (skip(l, first + 1, last - 1) == last - 1) {
    expect_bad(r, result, number, first + 2);
  } else {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, result == SETTINGS_ITEM && item->is_section);
    expect_word(&item->name, l, first + 1, last - 1);
    ehlo_fuzz_reach(GOAL_SECTION);
  }
}

static void expect_setting(const struct settings_reader *r, enum settings_result result,
                           const struct settings_item *item, struct line l, size_t number) {
  size_t first = skip(l, 0, l.len);
  size_t equals = first;
  while (equals < l.len && l.bytes[equals] != '=') {
    equals++;
  }
  if (equals == first) {
    expect_bad(r, result, number, first + 1);
    ehlo_fuzz_reach(GOAL_BAD_NAME);
    return;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, result == SETTINGS_ITEM && !item->is_section);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, item->has_value == (equals < l.len));
  expect_word(&item->name, l, 0, equals);
  if (item->has_value) {
    expect_word(&item->value, l, equals + 1, back(l, equals + 1, l.len));
  }
  ehlo_fuzz_reach(item->has_value ? GOAL_VALUE : GOAL_FLAG);
}

// Takes the next line off the front; false at the end.
static bool take_line(struct line *out, struct line *all) {
  const uint8_t *lf = all->len > 0 ? memchr(all->bytes, '\n', all->len) : NULL;
  size_t n = lf != NULL ? (size_t)(lf - all->bytes) : all->len;
  if (all->len == 0) {
    return false;
  }
  *out = (struct line){all->bytes, n};
  n += lf != NULL ? 1 : 0;
  *all = (struct line){all->bytes + n, all->len - n};
  return true;
}

static void check_items(const uint8_t *data, size_t size) {
  struct settings_reader reader;
  struct settings_item item;
  struct line all = {data, size};
  struct line line;
  settings_begin(&reader, (const char *)data, size);
  if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
    all = (struct line){data + 3, size - 3};
    ehlo_fuzz_reach(GOAL_MARK);
  }
  for (size_t number = 1; take_line(&line, &all); number++) {
    size_t first = skip(line, 0, line.len);
    if (line.len > 0 && line.bytes[line.len - 1] == '\r') {
      ehlo_fuzz_reach(GOAL_CRLF);
    }
    if (first == line.len || line.bytes[first] == '#') {
      ehlo_fuzz_reach(GOAL_COMMENT);
      continue;
    }
    enum settings_result result = settings_next(&reader, &item);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, result != SETTINGS_END);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, result == SETTINGS_BAD || item.line == number);
    (line.bytes[first] == '[' ? expect_section : expect_setting)(&reader, result, &item, line,
                                                                 number);
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, settings_next(&reader, &item) == SETTINGS_END);
}

// ---- Written anew -----------------------------------------------------------------------------------

static void add_word(struct ehlo_fuzz_bytes *out, struct settings_word word) {
  ehlo_fuzz_add(out, word.text, word.len);
}

// What is good in `text`, in as few octets as it takes.
static void write_anew(struct ehlo_fuzz_bytes *out, const uint8_t *text, size_t len) {
  struct settings_reader reader;
  struct settings_item item;
  enum settings_result result;
  ehlo_fuzz_clear(out);
  settings_begin(&reader, (const char *)text, len);
  while ((result = settings_next(&reader, &item)) != SETTINGS_END) {
    if (result == SETTINGS_BAD) {
      continue;
    }
    ehlo_fuzz_add(out, "[", item.is_section ? 1 : 0);
    add_word(out, item.name);
    ehlo_fuzz_add(out, "]", item.is_section ? 1 : 0);
    if (item.has_value) {
      ehlo_fuzz_add(out, "=", 1);
      add_word(out, item.value);
    }
    ehlo_fuzz_add(out, "\n", 1);
  }
}

static void check_anew(const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_bytes first;
  static struct ehlo_fuzz_bytes again;
  write_anew(&first, data, size);
  // A mark within a line is text, and would be none at the front.
  if (first.len < 3 || memcmp(first.bytes, "\xef\xbb\xbf", 3) != 0) {
    write_anew(&again, first.bytes, first.len);
    EHLO_FUZZ_CHECK(ehlo_fuzz_same(&first, &again));
  }
}

// ---- The account ------------------------------------------------------------------------------------

static bool is(struct settings_word word, const char *text) {
  return word.len == strlen(text) && memcmp(word.text, text, word.len) == 0;
}

// Whether the value is the address, with a name before it or not; subaddresses are not tried here.
static bool sends_as(struct settings_word value, const char *address) {
  size_t len = strlen(address);
  size_t end = value.len;
  if (end == len && strncasecmp(value.text, address, len) == 0) {
    return true;
  }
  return end >= len + 2 && value.text[end - 1] == '>' && value.text[end - len - 2] == '<' &&
         strncasecmp(value.text + end - len - 1, address, len) == 0;
}

static void check_account(const uint8_t *data, size_t size) {
  static const char address[] = "a@b.c";
  struct settings_reader reader;
  struct settings_item item;
  struct settings_word section = {NULL, 0, 0};
  struct settings_word sender = {NULL, 0, 0};
  struct settings_word usual = {NULL, 0, 0};
  enum settings_result result;
  char name[64] = "";
  settings_begin(&reader, (const char *)data, size);
  while ((result = settings_next(&reader, &item)) != SETTINGS_END) {
    if (result == SETTINGS_ITEM && item.is_section) {
      section = item.name;
    } else if (result == SETTINGS_ITEM && item.has_value && section.text == NULL &&
               is(item.name, "default")) {
      usual = item.value;
    } else if (result == SETTINGS_ITEM && item.has_value && section.text != NULL &&
               sender.text == NULL && is(item.name, "from") && sends_as(item.value, address)) {
      sender = section;
    }
  }
  struct settings_word wanted = sender.text != NULL ? sender : usual;
  bool chosen = account_choose(name, sizeof(name), (const char *)data, size, address);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, chosen == (wanted.text != NULL && wanted.len < sizeof(name)));
  // A NUL, which no file has here, ends the name.
  if (chosen && memchr(wanted.text, '\0', wanted.len) == NULL) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, is(wanted, name));
    ehlo_fuzz_reach(sender.text != NULL ? GOAL_CHOSEN : GOAL_DEFAULT);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_items(data, size);
  check_anew(data, size);
  check_account(data, size);
  return 0;
}
