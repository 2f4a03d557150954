// Nothing of a peer's gets out of the place it was put in, and nothing grows without end.
#include "tools/show/markup.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static void expect_text(const char *bytes, size_t len, const char *want) {
  struct markup m = {0};
  markup_text(&m, (struct ehlo_span){(const uint8_t *)bytes, len});
  cr_expect_not(m.failed);
  cr_expect_eq(m.len, strlen(want), "%.*s", (int)m.len, m.bytes);
  cr_expect(memcmp(m.bytes != NULL ? m.bytes : "", want, strlen(want)) == 0, "%.*s", (int)m.len,
            m.bytes);
  markup_free(&m);
}

Test(markup, escapes_what_is_markup) {
#define TEXT(s) s, sizeof(s) - 1
  expect_text(TEXT("plain \\ text"), "plain \\ text");
  expect_text(TEXT("<b a=\"x\" c='y'>&amp;"), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;");
  expect_text(TEXT("\xc3\xa9\xe4\xb8\xad"), "\xc3\xa9\xe4\xb8\xad");
  expect_text(TEXT("\r\n\t"),
              "<span class=c>\\r</span><span class=c>\\n</span><span class=c>\\t</span>");
  expect_text(TEXT("\0\x1b\x7f"),
              "<span class=c>\\x00</span><span class=c>\\x1b</span><span class=c>\\x7f</span>");
  expect_text(TEXT("\xff<\xe2\x80\xae"),
              "<span class=c>\\xff</span>&lt;<span class=c>\\xe2</span><span class=c>\\x80</span>"
              "<span class=c>\\xae</span>");
  expect_text(TEXT("\xc3"), "<span class=c>\\xc3</span>");
  expect_text(TEXT("\xc3<script>"), "<span class=c>\\xc3</span>&lt;script&gt;");
}

// Whatever the octets: no angle bracket, quotation mark or control of theirs is left.
Test(markup, lets_no_octet_through_that_matters) {
  for (unsigned a = 0; a < 256; a++) {
    for (unsigned b = 0; b < 256; b++) {
      uint8_t bytes[] = {(uint8_t)a, (uint8_t)b};
      struct markup m = {0};
      markup_text(&m, (struct ehlo_span){bytes, sizeof(bytes)});
      size_t open = 0;
      for (size_t i = 0; i < m.len; i++) {
        unsigned char c = (unsigned char)m.bytes[i];
        cr_assert(c >= ' ' && c != 0x7f && c != '"' && c != '\'');
        open += c == '<' ? 1 : 0;
        if (c == '<') {
          bool ours = strncmp(m.bytes + i, "<span class=c>", 14) == 0 ||
                      strncmp(m.bytes + i, "</span>", 7) == 0;
          cr_assert(ours, "%.*s", (int)m.len, m.bytes);
        }
      }
      cr_assert_eq(open % 2, 0);
      markup_free(&m);
    }
  }
}

Test(markup, tells_durations) {
  static const struct {
    uint64_t us;
    const char *text;
  } rows[] = {{0, "0.00 ms"},         {412, "0.41 ms"},      {9990, "9.99 ms"},
              {10000, "0.010 s"},     {3105000, "3.105 s"},  {26330000, "26.33 s"},
              {599000000, "599.0 s"}, {3600000000, "3600 s"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct markup m = {0};
    markup_duration(&m, rows[i].us);
    cr_expect(m.len == strlen(rows[i].text) && memcmp(m.bytes, rows[i].text, m.len) == 0, "%.*s",
              (int)m.len, m.bytes);
    markup_free(&m);
  }
}

// The records that are kept, and how many are not.
static void keep(char *out, size_t cap, struct clip *c) {
  snprintf(out, cap, "%.*s(%zu)%.*s%.*s", (int)c->head.len,
           c->head.bytes != NULL ? c->head.bytes : "", c->num_left_out, (int)c->tail[0].len,
           c->tail[0].bytes != NULL ? c->tail[0].bytes : "", (int)c->tail[1].len,
           c->tail[1].bytes != NULL ? c->tail[1].bytes : "");
}

Test(clip, keeps_the_beginning_and_the_end) {
  static const struct {
    unsigned num;
    const char *kept;
  } rows[] = {
      {0, "(0)"},
      {3, "0,1,2,(0)"},
      {5, "0,1,2,3,4,(0)"},
      {6, "0,1,2,3,4,(0)5,"},
      {9, "0,1,2,3,4,(0)5,6,7,8,"},
      {10, "0,1,2,3,4,(2)7,8,9,"},
      {99, "0,1,2,3,4,(91)96,97,98,"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct clip c;
    char kept[200];
    clip_init(&c, 10, rows[i].num > 20 ? 12 : 8);
    for (unsigned k = 0; k < rows[i].num; k++) {
      char record[16];
      clip_add(&c, record, (size_t)snprintf(record, sizeof(record), "%u,", k));
    }
    keep(kept, sizeof(kept), &c);
    cr_expect_str_eq(kept, rows[i].kept, "%u records: %s", rows[i].num, kept);
    clip_clear(&c);
    keep(kept, sizeof(kept), &c);
    cr_expect_str_eq(kept, "(0)");
    clip_free(&c);
  }
}

// In order, nothing twice, all accounted for, within bounds.
Test(clip, loses_no_record_silently) {
  for (unsigned num = 0; num < 400; num++) {
    struct clip c;
    char record[16];
    clip_init(&c, 50, 60);
    for (unsigned k = 0; k < num; k++) {
      clip_add(&c, record, (size_t)snprintf(record, sizeof(record), "%04u", k));
    }
    size_t shown = (c.head.len + c.tail[0].len + c.tail[1].len) / 4;
    cr_assert_eq(shown + c.num_left_out, num);
    cr_assert(c.head.len <= 50 && c.tail[0].len + c.tail[1].len <= 60);
    size_t next = c.head.len / 4 + c.num_left_out;
    for (int t = 0; t < 2; t++) {
      for (size_t at = 0; at < c.tail[t].len; at += 4, next++) {
        snprintf(record, sizeof(record), "%04zu", next);
        cr_assert(memcmp(c.tail[t].bytes + at, record, 4) == 0);
      }
    }
    clip_free(&c);
  }
}
