// Where the number goes, and how long a name may be.
#include "tools/driver/numbered.h"

#include <criterion/criterion.h>
#include <string.h>

static void names(const char *path, uint64_t number, const char *expected) {
  char out[64];
  cr_assert(numbered_path(out, sizeof(out), path, number), "%s", path);
  cr_assert_str_eq(out, expected);
}

Test(numbered, the_first_has_the_name_itself) {
  names("session.smtp", 1, "session.smtp");
  names("session", 1, "session");
  names("-", 1, "-");
}

Test(numbered, the_number_stands_before_the_suffix) {
  names("session.smtp", 2, "session.2.smtp");
  names("a.b.smtp", 10, "a.b.10.smtp");
  names("d/session.smtp", 3, "d/session.3.smtp");
  names("session.", 2, "session.2.");
  names("a.smtp", UINT64_MAX, "a.18446744073709551615.smtp");
}

Test(numbered, and_at_the_end_where_there_is_no_suffix) {
  names("session", 2, "session.2");
  names("-", 2, "-.2");
  names("d.d/session", 2, "d.d/session.2");
  names("/session", 2, "/session.2");
}

Test(numbered, a_leading_dot_is_no_suffix) {
  names(".smtp", 2, ".smtp.2");
  names("d/.smtp", 2, "d/.smtp.2");
  names(".a.smtp", 2, ".a.2.smtp");
  names("../a", 2, "../a.2");
}

Test(numbered, a_name_that_does_not_fit_is_refused) {
  char path[80];
  char out[64];
  memset(path, 'x', sizeof(path));
  memcpy(path + 56, ".smtp", 6);  // 61 characters; 63 fit
  cr_assert(numbered_path(out, sizeof(out), path, 2));
  cr_assert_eq(strlen(out), 63);
  cr_assert_str_eq(out + 56, ".2.smtp");
  cr_assert_not(numbered_path(out, sizeof(out), path, 10));
  cr_assert(numbered_path(out, sizeof(out), path, 1));
  memset(path, 'x', 64);
  path[64] = '\0';
  cr_assert_not(numbered_path(out, sizeof(out), path, 1));
}
