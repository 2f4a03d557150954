// HOST:PORT at its edges, and the name of what listens.
#include "tools/driver/listen.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void reads(const char *text, const char *host, unsigned port) {
  struct listen_place place = {"", 1};
  const char *wrong = listen_parse(&place, text);
  cr_assert_null(wrong, "%s: %s", text, wrong);
  cr_assert_str_eq(place.host, host, "%s", text);
  cr_assert_eq(place.port, port, "%s", text);
}

static void refuses(const char *text, const char *why) {
  struct listen_place place;
  const char *wrong = listen_parse(&place, text);
  cr_assert_not_null(wrong, "%s is taken", text);
  cr_assert_not_null(strstr(wrong, why), "%s: %s", text, wrong);
}

Test(listen, reads_host_and_port) {
  reads("127.0.0.1:2525", "127.0.0.1", 2525);
  reads("localhost:0", "localhost", 0);
  reads("h:65535", "h", 65535);
  reads("[::1]:25", "::1", 25);
  reads("[fe80::1%eth0]:25", "fe80::1%eth0", 25);
  reads("[127.0.0.1]:0025", "127.0.0.1", 25);
}

Test(listen, refuses_ports_that_are_none) {
  static const char *const texts[] = {
      "",       "h",     "h:",    "h:65536", "h:99999999999999999999999",
      "h:-1",   "h:+25", "h: 25", "h:25 ",   "h:2.5",
      "h:0x19", "[::1]", "h:1e3"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    refuses(texts[i], "HOST:PORT");
  }
}

Test(listen, refuses_hosts_that_are_none) {
  refuses(":25", "missing");
  refuses("[]:25", "brackets");
  refuses("[:25", "brackets");
  refuses("::1:25", "brackets");
  refuses("[::1:25", "brackets");
  refuses("a:b:25", "brackets");
}

Test(listen, a_host_of_255_characters_is_the_longest) {
  char text[300];
  memset(text, 'h', sizeof(text));
  snprintf(text + 255, sizeof(text) - 255, ":25");
  struct listen_place place;
  cr_assert_null(listen_parse(&place, text));
  cr_assert_eq(strlen(place.host), 255);
  memset(text, 'h', sizeof(text));
  snprintf(text + 256, sizeof(text) - 256, ":25");
  refuses(text, "too long");
}

Test(listen, has_the_name_of_what_it_came_to) {
  struct listen_place place = {"127.0.0.1", 0};
  struct listening first;
  struct listening second;
  char error[256] = "";
  char port[16];
  cr_assert(listen_open(&first, error, sizeof(error), &place), "%s", error);
  cr_assert_str_eq(first.address, "127.0.0.1");
  unsigned number = 0;
  cr_assert_eq(sscanf(first.name, "127.0.0.1:%u", &number), 1, "%s", first.name);
  cr_assert_gt(number, 0);
  snprintf(port, sizeof(port), ":%u", number);
  cr_assert_str_eq(strchr(first.name, ':'), port);

  place.port = (uint16_t)number;
  cr_assert_not(listen_open(&second, error, sizeof(error), &place));
  cr_assert_eq(second.fd, -1);
  cr_assert_neq(error[0], '\0');
  close(first.fd);
}

Test(listen, a_name_with_an_ipv6_address_has_brackets) {
  struct listen_place place = {"::1", 0};
  struct listening l;
  char error[256] = "";
  if (!listen_open(&l, error, sizeof(error), &place)) {
    cr_skip("no IPv6 here: %s", error);
  }
  cr_assert_eq(strncmp(l.name, "[::1]:", 6), 0, "%s", l.name);
  close(l.fd);
}
