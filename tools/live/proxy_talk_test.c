// What proxies answer, and what is told of it.
#include "tools/live/proxy_talk.h"

#include <criterion/criterion.h>
#include <string.h>

static struct live_proxy_talk talk;

static struct live_proxy proxy(enum live_proxy_kind kind, const char *user, const char *password) {
  struct live_proxy p = {.kind = kind, .password = password};
  strcpy(p.user, user);
  return p;
}

// Sends what is to be sent; the octets of `answer` that were taken.
static size_t hear(const char *answer, size_t len) {
  size_t used = 0;
  for (;;) {
    if (talk.state == LIVE_PROXY_SAYS) {
      live_proxy_talk_said(&talk);
    } else if (talk.state == LIVE_PROXY_HEARS && used < len) {
      used += live_proxy_talk_hear(&talk, (const uint8_t *)answer + used, len - used);
    } else {
      return used;
    }
  }
}
#define HEAR(literal) hear(literal, sizeof(literal) - 1)

static void begin(const struct live_proxy *p) {
  live_proxy_talk_begin(&talk, p, "mail.example", 587);
}

Test(proxy_talk, leaves_what_the_server_says) {
  struct live_proxy p = proxy(LIVE_PROXY_HTTP, "", NULL);
  begin(&p);
  cr_assert_eq(HEAR("HTTP/1.1 200 OK\r\nA: b\r\n\r\n220 mail"), 25);
  cr_assert_eq(talk.state, LIVE_PROXY_OPEN);
  p = proxy(LIVE_PROXY_SOCKS5, "", NULL);
  begin(&p);
  cr_assert_eq(HEAR("\5\0\5\0\0\3\2ab\0\1"
                    "220 mail"),
               11);
  cr_assert_eq(talk.state, LIVE_PROXY_OPEN);
}

Test(proxy_talk, waits_for_the_final_answer) {
  struct live_proxy p = proxy(LIVE_PROXY_HTTP, "", NULL);
  begin(&p);
  HEAR("HTTP/1.1 102 wait\r\n\r\n");
  cr_assert_eq(talk.state, LIVE_PROXY_HEARS);
  HEAR("HTTP/1.1 200\r\n\r\n");
  cr_assert_eq(talk.state, LIVE_PROXY_OPEN);
  begin(&p);
  HEAR("HTTP/1.1 101 other\r\n\r\n");
  cr_assert_str_eq(talk.error, "the proxy says HTTP/1.1 101 other");
}

Test(proxy_talk, tells_nothing_of_a_login_that_is_repeated) {
  struct live_proxy p = proxy(LIVE_PROXY_HTTP, "alice", "zQ7#kV9!");
  begin(&p);
  HEAR("HTTP/1.1 403 not with kV9!\r\n\r\n");
  cr_assert_str_eq(talk.error, "the proxy refuses, in words that repeat the login");
  begin(&p);
  cr_assert(memmem(talk.request, talk.request_len, "YWxpY2U6elE3I2tWOSE=", 20));
  HEAR("HTTP/1.1 403 Basic YWxpY2U6elE3I2tWOSE=\r\n\r\n");
  cr_assert_str_eq(talk.error, "the proxy refuses, in words that repeat the login");
  begin(&p);
  HEAR(
      "HTTP/1.1 403 \xa7"
      "#kV\r\n\r\n");
  cr_assert_str_eq(talk.error, "the proxy refuses, in words that repeat the login");
  begin(&p);
  HEAR("HTTP/1.1 403 no\x1b[m\r\n\r\n");
  cr_assert_str_eq(talk.error, "the proxy says HTTP/1.1 403 no\\x1b[m");
}

Test(proxy_talk, sends_a_login_as_a_whole_or_none) {
  static char password[700];
  memset(password, 'q', 593);
  struct live_proxy p = proxy(LIVE_PROXY_HTTP, "alice", password);
  begin(&p);
  cr_assert_eq(talk.state, LIVE_PROXY_SAYS);
  memset(password, 'q', 594);
  begin(&p);
  cr_assert_eq(talk.state, LIVE_PROXY_FAILED);
  cr_assert(strstr(talk.error, "at most 598 octets"));
  p.kind = LIVE_PROXY_SOCKS5;
  begin(&p);
  HEAR("\5\2");
  cr_assert(strstr(talk.error, "at most 255 octets"));
}

Test(proxy_talk, has_a_limit) {
  static char answer[LIVE_PROXY_ANSWER_MAX + 10];
  struct live_proxy p = proxy(LIVE_PROXY_HTTP, "", NULL);
  memset(answer, 'a', sizeof(answer));
  begin(&p);
  cr_assert_eq(hear(answer, sizeof(answer)), LIVE_PROXY_ANSWER_MAX);
  cr_assert(strstr(talk.error, "does not end within 8192 octets"));
}

Test(proxy_talk, reads_urls) {
  struct live_proxy p;
  cr_assert_null(live_proxy_parse(&p, "socks5h://alice@[::1]:1081/"));
  cr_assert(p.kind == LIVE_PROXY_SOCKS5 && p.port == 1081);
  cr_assert_str_eq(p.host, "::1");
  cr_assert_str_eq(p.user, "alice");
  cr_assert_not_null(live_proxy_parse(&p, "http://proxy:+80"));
  cr_assert_not_null(live_proxy_parse(&p, "http://proxy:80x"));
  cr_assert_not_null(live_proxy_parse(&p, "http://[::1"));
  cr_assert_not_null(live_proxy_parse(&p, "http://u:p@proxy"));
  cr_assert_not_null(live_proxy_parse(&p, "http://[a\r\nb]"));
  cr_assert_not_null(live_proxy_parse(&p, "http://pro xy"));
}
