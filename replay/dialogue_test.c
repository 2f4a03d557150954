// Which command a line belongs to: pipelined, continued, in chunks, hidden, early, no reply at all.
#include "replay/dialogue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// A story is a line for each line of the dialogue: exchange, what it is about, what was said; replies
// with their code, and "." where one ends. Text of messages is told by its length.
static const struct {
  const char *name;
  const char *text;
  const char *story;
} rows[] = {
    {"one after the other", "S: 220-a\nS: 220 b\nC: EHLO c\nS: 250 a\nC: QUIT\nS: 221 b\n",
     "0 the greeting 220 220-a\n0 the greeting 220. 220 b\n1 EHLO EHLO c\n1 EHLO 250. 250 a\n"
     "2 QUIT QUIT\n2 QUIT 221. 221 b\n"},
    {"pipelined",
     "S: 220\nC: MAIL FROM:<>\nC: rcpt to:<a>\nC: DATA\nS: 250 1\nS: 550 2\nS: 354 3\nC: x\nC: .\n"
     "C: QUIT\nS: 250 4\nS: 221 5\n",
     "0 the greeting 220. 220\n1 MAIL MAIL FROM:<>\n2 RCPT rcpt to:<a>\n3 DATA DATA\n"
     "1 MAIL 250. 250 1\n2 RCPT 550. 550 2\n3 DATA 354. 354 3\n4 text 3\n4 text 3\n4 end\n"
     "5 QUIT QUIT\n4 the message 250. 250 4\n5 QUIT 221. 221 5\n"},
    {"a dot that does not end it",
     "S: 220\nC: DATA\nS: 354\nC: ..\nC: .\\\nC: \\r\\\nC: \\n\\\nC: QUIT\nS: 250\nS: 221\n",
     "0 the greeting 220. 220\n1 DATA DATA\n1 DATA 354. 354\n2 text 4\n2 text 1\n2 text 1\n2 text "
     "1\n"
     "2 end\n3 QUIT QUIT\n2 the message 250. 250\n3 QUIT 221. 221\n"},
    {"a challenge and its response",
     "S: 220\nC: AUTH LOGIN\nS: 334 VXNlcg==\nC: YQ==\nS: 334 UGFzcw==\nC: \\{secret}\nS: 235 ok\n",
     "0 the greeting 220. 220\n1 AUTH AUTH LOGIN\n1 AUTH 334. 334 VXNlcg==\n1 AUTH + YQ==\n"
     "1 AUTH 334. 334 UGFzcw==\n1 AUTH + \\{secret}\n1 AUTH 235. 235 ok\n"},
    {"chunks", "S: 220\nC: BDAT 5\nC: QUIT\\\nC: \\n\\\nC: BDAT 0 LAST\nS: 250 a\nS: 250 b\n",
     "0 the greeting 220. 220\n1 BDAT BDAT 5\n1 text 4\n1 text 1\n1 end\n2 BDAT BDAT 0 LAST\n2 "
     "end\n"
     "1 BDAT 250. 250 a\n2 BDAT 250. 250 b\n"},
    {"a command right behind a chunk", "S: 220\nC: BDAT 2 LAST\nC: abNOOP\nS: 250 a\nS: 250 b\n",
     "0 the greeting 220. 220\n1 BDAT BDAT 2 LAST\n1 text 2\n1 end\n2 a command NOOP\n"
     "1 BDAT 250. 250 a\n2 a command 250. 250 b\n"},
    {"in the message", "S: 220\nC: DATA\nS: 354 a\nC: x\nS: 421 b\n",
     "0 the greeting 220. 220\n1 DATA DATA\n1 DATA 354. 354 a\n2 text 3\n2 the message 421. 421 "
     "b\n"},
    {"no reply at all", "S: HTTP/1.1 400 Bad\nC: EHLO a\nS: 25x\nC: QUIT\nS: 2500 b\nS: 220 c\n",
     "0 the greeting 0 HTTP/1.1 400 Bad\n1 EHLO EHLO a\n0 the greeting 0 25x\n2 QUIT QUIT\n"
     "0 the greeting 0 2500 b\n0 the greeting 220. 220 c\n"},
    {"under TLS",
     "! tls\nS: 220\nC: STARTTLS\nS: 220 go\n! tls\nC: EHLO a\nS: 250-\\{secret}\nS: 250 b\n",
     "0 the greeting 220. 220\n1 STARTTLS STARTTLS\n1 STARTTLS 220. 220 go\n2 EHLO EHLO a\n"
     "2 EHLO 250 250-\\{secret}\n2 EHLO 250. 250 b\n"},
};

struct teller {
  char story[2048];
  size_t len;
};

__attribute__((format(printf, 2, 3))) static void tell(struct teller *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  t->len += (size_t)vsnprintf(t->story + t->len, sizeof(t->story) - t->len, format, args);
  va_end(args);
  cr_assert_lt(t->len, sizeof(t->story));
}

static void on_line(void *arg, const struct ehlo_dialogue_line *line) {
  tell(arg, "%zu %s ", line->exchange, ehlo_exchange_name(line->kind));
  if (line->side == EHLO_SIDE_SERVER) {
    tell(arg, "%u%s ", line->code, line->ends_reply ? "." : "");
  } else if (line->continued) {
    tell(arg, "+ ");
  }
  tell(arg, "%.*s\n", (int)line->len, (const char *)line->bytes);
}

static void on_text(void *arg, size_t exchange, const uint8_t *bytes, size_t len, size_t line) {
  (void)bytes;
  (void)line;
  tell(arg, "%zu text %zu\n", exchange, len);
}

static void on_text_end(void *arg, size_t exchange, uint64_t time_us) {
  (void)time_us;
  tell(arg, "%zu end\n", exchange);
}

struct source {
  const char *text;
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = strlen(s->text);
  n = n < cap ? n : cap;
  memcpy(buf, s->text, n);
  s->text += n;
  return (long)n;
}

static struct ehlo_reader reader;
static struct ehlo_dialogue dialogue;

// Follows all of `text`; `place` sees each item with its place.
static void follow(struct teller *t, const char *text,
                   void (*place)(const struct ehlo_item *, struct ehlo_dialogue_place)) {
  struct source source = {text};
  struct ehlo_item item;
  enum ehlo_read_result result;
  ehlo_reader_init(&reader, give, &source);
  ehlo_dialogue_init(&dialogue, &(struct ehlo_dialogue_hooks){on_line, on_text, on_text_end, t});
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    struct ehlo_dialogue_place where = ehlo_dialogue_item(&dialogue, &item);
    if (place != NULL) {
      place(&item, where);
    }
  }
  cr_assert_eq(result, EHLO_READ_END, "%zu:%zu: %s", reader.error.line, reader.error.column, text);
}

Test(dialogue, tells_what_each_line_is_about) {
  for (size_t i = 0; i < NUM(rows); i++) {
    struct teller t = {.len = 0};
    follow(&t, rows[i].text, NULL);
    cr_expect_str_eq(t.story, rows[i].story, "%s:\n%s", rows[i].name, t.story);
  }
}

// Each item of this one, in its order.
static const struct ehlo_dialogue_place places[] = {
    {EHLO_ROLE_NONE, 0},  {EHLO_ROLE_REPLY, 0},   {EHLO_ROLE_COMMAND, 1}, {EHLO_ROLE_COMMAND, 2},
    {EHLO_ROLE_REPLY, 1}, {EHLO_ROLE_REPLY, 1},   {EHLO_ROLE_REPLY, 2},   {EHLO_ROLE_TEXT, 3},
    {EHLO_ROLE_TEXT, 3},  {EHLO_ROLE_COMMAND, 4}, {EHLO_ROLE_COMMAND, 4}, {EHLO_ROLE_REPLY, 3},
};

static void check_place(const struct ehlo_item *item, struct ehlo_dialogue_place place) {
  const struct ehlo_dialogue_place *wanted = &places[item->line - 1];
  cr_expect(place.role == wanted->role && place.exchange == wanted->exchange, "line %zu: %d of %zu",
            item->line, (int)place.role, place.exchange);
}

Test(dialogue, tells_where_an_item_belongs) {
  struct teller t = {.len = 0};
  follow(&t,
         "# a\nS: 220\nC: NOOP\nC: DATA\nS: 25\\\nS: 0 ok\nS: 354\nC: x\nC: .\nC: NO\\\nC: OP\nS: "
         "250\n",
         check_place);
}

// A line that is longer than what is kept: as much of it, and a hash of all.
Test(dialogue, keeps_so_much_of_a_line) {
  static char text[EHLO_DIALOGUE_LINE_MAX + 64];
  memset(text, 'x', sizeof(text) - 1);
  memcpy(text, "S: 220 ", 7);
  text[sizeof(text) - 2] = '\n';
  struct source source = {text};
  struct ehlo_item item;
  ehlo_reader_init(&reader, give, &source);
  ehlo_dialogue_init(&dialogue, NULL);
  cr_assert_eq(ehlo_reader_next(&reader, &item), EHLO_READ_ITEM);
  ehlo_dialogue_item(&dialogue, &item);
  cr_expect_eq(dialogue.server.len, EHLO_DIALOGUE_LINE_MAX);
}
