// Which account is meant.
#include "tools/driver/account.h"

#include <criterion/criterion.h>
#include <string.h>

static const char config[] =
    "# from = no@x.test\n"
    "default = work\n"
    "from = top@x.test\r\n"
    "[home]\n"
    "  from = Me <Me@Home.test> \n"
    "[work]\n"
    "from=me@work.test\n"
    "default = nonsense\n"
    "[again]\n"
    "from = me@work.test";

static void expect(const char *text, const char *from, const char *wanted) {
  char name[16];
  bool good = account_choose(name, sizeof(name), text, strlen(text), from);
  cr_assert_eq(good, wanted != NULL, "%s", from);
  if (good) {
    cr_assert_str_eq(name, wanted);
  }
}

Test(account, of_the_sender) {
  expect(config, "me@home.test", "home");
  expect(config, "ME@work.test", "work");
  expect(config, "me+list+x@home.test", "home");
  expect(config, "+me@home.test", "work");
  expect(config, "me@home.test+x", "work");
}

Test(account, default_where_nobody_sends_as_that) {
  expect(config, "top@x.test", "work");
  expect(config, NULL, "work");
  expect(config, "", "work");
}

Test(account, none) {
  expect("", "a@b", NULL);
  expect("[a]\ndefault = x\nfrom = c@d\n", "a@b", NULL);
  expect("default = a name that is longer than the room", NULL, NULL);
  expect("[]\nfrom = <\n[x]\nfrom = >", "a@b", NULL);
}
