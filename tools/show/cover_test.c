// Tests of what is taken out of a transcript before it is shown.
#include "tools/show/cover.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct row {
  const char *name;
  const char *text;
  const char *covered;
};

// \0alice\0sup3rsecret, and sup3rsecret alone.
#define PLAIN "AGFsaWNlAHN1cDNyc2VjcmV0"
#define ALONE "c3VwM3JzZWNyZXQ="

static const struct row rows[] = {
    {"nothing", "# a\nS: 220 a\nC: EHLO a\\\nC: b\n! eof S\n= closed",
     "# a\nS: 220 a\nC: EHLO a\\\nC: b\n! eof S\n= closed\n"},
    {"a response, and what is said back of it",
     "C: AUTH PLAIN " PLAIN "\n+0.5 S: 535 no sup3rsecret\n# " ALONE "\nC: NOOP\n",
     "C: AUTH PLAIN \\{secret}\n+0.5 S: 535 no \\{secret}\n# \\{secret}Q=\nC: NOOP\n"},
    {"an answer by its place", "S: 334 UGFzc3dvcmQ6\nC: " ALONE "\nS: 235 ok\n",
     "S: 334 UGFzc3dvcmQ6\nC: \\{secret}\nS: 235 ok\n"},
    {"message text is not looked into, but for repetitions",
     "S: 354 go\nC: AUTH PLAIN " PLAIN "\nC: .\nS: 250 ok\nC: AUTH PLAIN " PLAIN
     "\nS: 235 ok\nC: DATA\nS: 354 go\nC: sup3rsecret\nC: .\n",
     "S: 354 go\nC: AUTH PLAIN " PLAIN "\nC: .\nS: 250 ok\nC: AUTH PLAIN \\{secret}"
     "\nS: 235 ok\nC: DATA\nS: 354 go\nC: \\{secret}\nC: .\n"},
    {"what is hidden already", "C: AUTH PLAIN \\{secret}\nS: 334 UGFzc3dvcmQ6\nC: \\{secret}\n",
     "C: AUTH PLAIN \\{secret}\nS: 334 UGFzc3dvcmQ6\nC: \\{secret}\n"},
    {"more places than a line may have",
     "C: AUTH PLAIN " PLAIN
     "\nS: 535 sup3rsecret sup3rsecret sup3rsecret sup3rsecret sup3rsecret sup3rsecret sup3rsecret "
     "sup3rsecret sup3rsecret end\n",
     "C: AUTH PLAIN \\{secret}\nS: 535 \\{secret} \\{secret} \\{secret} \\{secret} \\{secret} "
     "\\{secret} \\{secret} \\{secret} end\n"},
    {"with some hidden already, nothing of the line is left",
     "C: AUTH PLAIN " PLAIN
     "\nS: 535 \\{secret}\\{secret}\\{secret}\\{secret}\\{secret}\\{secret}\\{secret}\\{secret} "
     "sup3rsecret\n",
     "C: AUTH PLAIN \\{secret}\nS: \\{secret}\n"},
};

struct source {
  const char *text;
  size_t left;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct source *s = arg;
  size_t n = s->left < cap ? s->left : cap;
  memcpy(buf, s->text, n);
  s->text += n;
  s->left -= n;
  return (long)n;
}

static struct show_cover cover;
static struct ehlo_reader reader;

Test(cover, hides_what_must_not_be_shown) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct source source = {rows[i].text, strlen(rows[i].text)};
    char shown[2048] = "";
    size_t len = 0;
    struct ehlo_item item;
    struct ehlo_item covered;
    show_cover_init(&cover);
    ehlo_reader_init(&reader, read_text, &source);
    for (size_t line = 1; ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM; line++) {
      const struct ehlo_item *out = show_cover_item(&cover, &covered, &item);
      cr_expect_eq(out->line, line, "%s", rows[i].name);
      cr_expect(out->type == item.type && out->has_time == item.has_time, "%s", rows[i].name);
      len +=
          (size_t)snprintf(shown + len, sizeof(shown) - len, "%.*s\n", (int)out->raw_len, out->raw);
    }
    cr_expect_str_eq(shown, rows[i].covered, "%s:\n%s", rows[i].name, shown);
  }
}
