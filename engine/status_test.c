// Tests of the statuses: each has a name of its own, words, and the class that its place in the list
// says.
#include "engine/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(status, names_and_words) {
  for (int i = 0; i < EHLO_NUM_STATUS; i++) {
    const char *name = ehlo_status_name((enum ehlo_status)i);
    cr_assert_not_null(name);
    cr_assert_gt(strlen(ehlo_status_text((enum ehlo_status)i)), 5);
    for (int k = 0; k < i; k++) {
      cr_assert_str_neq(name, ehlo_status_name((enum ehlo_status)k));
    }
  }
  cr_assert_str_eq(ehlo_status_name(EHLO_NUM_STATUS), "unknown");
  cr_assert_str_eq(ehlo_status_text(EHLO_NUM_STATUS), "unknown status");
}

Test(status, classes) {
  static const struct {
    enum ehlo_status first;
    enum ehlo_status last;
    enum ehlo_status_class class;
  } rows[] = {
      {EHLO_OK, EHLO_OK, EHLO_CLASS_NONE},
      {EHLO_E_STATE, EHLO_E_NUL_DOT, EHLO_CLASS_CALLER},
      {EHLO_E_REPLY_SYNTAX, EHLO_E_STARTTLS_INJECTION, EHLO_CLASS_SERVER},
      {EHLO_E_LINE_TOO_LONG, EHLO_E_TOO_MANY_CHALLENGES, EHLO_CLASS_LIMIT},
      {EHLO_E_CONNECT, EHLO_E_TIMEOUT, EHLO_CLASS_TRANSPORT},
  };
  int seen = 0;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (int s = rows[i].first; s <= (int)rows[i].last; s++) {
      cr_assert_eq(ehlo_status_class((enum ehlo_status)s), rows[i].class, "%d", s);
      seen++;
    }
  }
  cr_assert_eq(seen, EHLO_NUM_STATUS);
  cr_assert_eq(ehlo_status_class(EHLO_NUM_STATUS), EHLO_CLASS_NONE);
}
