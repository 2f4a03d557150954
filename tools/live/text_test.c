// Text that cannot overrun its array nor carry a control byte.
#include "tools/live/text.h"

#include <stdbool.h>
#include <string.h>

#include <criterion/criterion.h>

Test(live_text, escapes_what_is_not_printable) {
  char out[64];
  struct live_text t;
  live_text_init(&t, out, sizeof out);
  live_text_format(&t, "%s=", "name");
  live_text_bytes(&t, "a\0b\x1b[31m\"\xc3\xa9~", 12);
  cr_assert_str_eq(out, "name=a\\x00b\\x1b[31m\\x22\\xc3\\xa9~");
}

Test(live_text, cuts_visibly_at_every_size) {
  for (size_t cap = 4; cap < 24; cap++) {
    char out[24];
    struct live_text t;
    memset(out, '#', sizeof out);
    live_text_init(&t, out, cap);
    live_text_bytes(&t, "0123456789", 10);
    cr_assert_eq(strstr(out, "...") != NULL, cap - 1 < 10, "cap %zu: %s", cap, out);
    live_text_format(&t, "%d", 0);
    size_t want = cap - 1 < 11 ? cap - 1 : 11;
    cr_assert_eq(strlen(out), want, "cap %zu: %s", cap, out);
    cr_assert_eq(t.len, want);
    bool cut = strcmp(out + want - 3, "...") == 0;
    cr_assert_eq(cut, cap - 1 < 11, "cap %zu: %s", cap, out);
    for (size_t i = cap; i < sizeof out; i++) {
      cr_assert_eq(out[i], '#', "cap %zu wrote at %zu", cap, i);
    }
  }
}

Test(live_text, stays_cut) {
  char out[8];
  struct live_text t;
  live_text_init(&t, out, sizeof out);
  live_text_format(&t, "%s", "1234567890");
  live_text_bytes(&t, "x", 1);
  live_text_format(&t, "%s", "y");
  cr_assert_str_eq(out, "1234...");
}
