// Any bytes as what a proxy and the server behind it say: what is sent, where it ends and how many
// octets are the proxy's are those of a plain reference, the same at any cut; nothing of the login
// is told. The first octet chooses the proxy, the login, the host, and whether a long header comes
// first, which ends near the limit. The whole is also read as the URL of a proxy: one that is good
// means the same once it is written anew.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tools/live/proxy_talk.h"

enum goal {
  GOAL_SOCKS,
  GOAL_SOCKS_LOGIN,
  GOAL_SOCKS_REFUSED,
  GOAL_HTTP,
  GOAL_HTTP_LATER,
  GOAL_HTTP_REFUSED,
  GOAL_BEHIND,
  GOAL_CUT_OFF,
  GOAL_NO_LIMIT,
  GOAL_REPEATED,
  GOAL_URL,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_SOCKS] = "a way by SOCKS",
    [GOAL_SOCKS_LOGIN] = "a login by SOCKS",
    [GOAL_SOCKS_REFUSED] = "a refusal by SOCKS",
    [GOAL_HTTP] = "a way by HTTP",
    [GOAL_HTTP_LATER] = "a way after an answer that was not final",
    [GOAL_HTTP_REFUSED] = "a refusal by HTTP",
    [GOAL_BEHIND] = "octets of the server",
    [GOAL_CUT_OFF] = "an answer without its end",
    [GOAL_NO_LIMIT] = "an answer beyond the limit",
    [GOAL_REPEATED] = "a login that is said back",
    [GOAL_URL] = "a URL",
};

#define PORT 0x024b
#define PASSWORD "zQ7#kV9!xJ2"
#define PASSWORD_BASE64 "YWxpY2U6elE3I2tWOSF4SjI="

static char long_password[257];  // one more than SOCKS takes
static char huge_password[601];  // more than HTTP does

// ---- The reference ----------------------------------------------------------------------------------

struct run {
  struct ehlo_fuzz_bytes sent;
  size_t used;
  enum live_proxy_state end;
  char error[LIVE_PROXY_ERROR_SIZE];
};

static void end_as(struct run *r, size_t used, enum live_proxy_state end) {
  r->used = used;
  r->end = end;
}

static void add_text(struct run *r, const char *text) {
  ehlo_fuzz_add(&r->sent, text, strlen(text));
}

static void add_target(struct run *r, const char *host) {
  if (strcmp(host, "192.0.2.7") == 0) {
    ehlo_fuzz_add(&r->sent, "\5\1\0\1\300\0\2\7\2\113", 10);
  } else if (strcmp(host, "2001:db8::7") == 0) {
    ehlo_fuzz_add(&r->sent, "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\2\113", 22);
  } else {
    ehlo_fuzz_add(&r->sent, "\5\1\0\3\14mail.example\2\113", 19);
  }
}

static void expect_socks_way(struct run *r, const char *host, const uint8_t *all, size_t len,
                             size_t at) {
  add_target(r, host);
  if (len - at < 4) {
    end_as(r, len, LIVE_PROXY_HEARS);
    return;
  }
  const uint8_t *answer = all + at;
  bool good = answer[0] == 5 && answer[1] == 0;
  size_t address = 0;
  if (answer[3] == 1 || answer[3] == 4) {
    address = answer[3] == 1 ? 4 : 16;
  } else if (answer[3] == 3) {
    address = len - at > 4 ? 1 + (size_t)answer[4] : 1;
  } else {
    good = false;
  }
  if (!good) {
    end_as(r, at + 4, LIVE_PROXY_FAILED);
  } else if (len - at < 4 + address + 2) {
    end_as(r, len, LIVE_PROXY_HEARS);
  } else {
    end_as(r, at + 4 + address + 2, LIVE_PROXY_OPEN);
    ehlo_fuzz_reach(GOAL_SOCKS);
  }
}

static void expect_socks(struct run *r, const struct live_proxy *p, const char *host,
                         const uint8_t *all, size_t len) {
  bool has_user = p->user[0] != '\0';
  ehlo_fuzz_add(&r->sent, has_user ? "\5\2\0\2" : "\5\1\0", has_user ? 4 : 3);
  if (len < 2) {
    end_as(r, len, LIVE_PROXY_HEARS);
  } else if (all[0] != 5 || !(all[1] == 0 || (all[1] == 2 && has_user))) {
    end_as(r, 2, LIVE_PROXY_FAILED);
  } else if (all[1] == 0) {
    expect_socks_way(r, host, all, len, 2);
  } else if (p->password != NULL && strlen(p->password) > 255) {
    end_as(r, 2, LIVE_PROXY_FAILED);
  } else {
    add_text(r, "\1\5alice");
    if (p->password != NULL) {
      add_text(r, "\13" PASSWORD);
    } else {
      ehlo_fuzz_add(&r->sent, "", 1);
    }
    if (len < 4) {
      end_as(r, len, LIVE_PROXY_HEARS);
    } else if (all[3] != 0) {
      end_as(r, 4, LIVE_PROXY_FAILED);
    } else {
      ehlo_fuzz_reach(GOAL_SOCKS_LOGIN);
      expect_socks_way(r, host, all, len, 4);
    }
  }
}

static void add_http(struct run *r, const struct live_proxy *p, const char *host) {
  bool is_v6 = strcmp(host, "2001:db8::7") == 0;
  for (int i = 0; i < 2; i++) {
    add_text(r, i == 0 ? "CONNECT " : "Host: ");
    add_text(r, is_v6 ? "[" : "");
    add_text(r, host);
    add_text(r, is_v6 ? "]:587" : ":587");
    add_text(r, i == 0 ? " HTTP/1.1\r\n" : "\r\n");
  }
  if (p->user[0] != '\0') {
    add_text(r, "Proxy-Authorization: Basic ");
    if (p->password == NULL) {
      add_text(r, "YWxpY2U6");
    } else if (p->password == long_password) {
      add_text(r, "YWxpY2U6");
      for (int i = 0; i < 85; i++) {
        add_text(r, "cXFx");
      }
      add_text(r, "cQ==");
    } else {
      add_text(r, PASSWORD_BASE64);
    }
    add_text(r, "\r\n");
  }
  add_text(r, "\r\n");
}

static bool is_status(const uint8_t *line) {
  return memcmp(line, "HTTP/1.", 7) == 0 && line[7] != '\0' && line[7] != '\r' && line[7] != '\n' &&
         line[8] == ' ' && line[9] >= '0' && line[9] <= '9' && line[10] >= '0' && line[10] <= '9' &&
         line[11] >= '0' && line[11] <= '9';
}

static void expect_http(struct run *r, const struct live_proxy *p, const char *host,
                        const uint8_t *all, size_t len) {
  if (p->user[0] != '\0' && p->password == huge_password) {
    end_as(r, 0, LIVE_PROXY_FAILED);
    return;
  }
  add_http(r, p, host);
  size_t begin = 0;
  for (size_t at = 4; at <= len && at <= LIVE_PROXY_ANSWER_MAX; at++) {
    if (at - begin < 4 || memcmp(all + at - 4, "\r\n\r\n", 4) != 0) {
      continue;
    }
    const uint8_t *line = all + begin;
    bool known = at - begin >= 16 && is_status(line);
    if (known && line[9] == '1' && memcmp(line + 9, "101", 3) != 0) {
      begin = at;
    } else {
      bool open = known && line[9] == '2';
      end_as(r, at, open ? LIVE_PROXY_OPEN : LIVE_PROXY_FAILED);
      ehlo_fuzz_reach(!open ? GOAL_HTTP_REFUSED : begin > 0 ? GOAL_HTTP_LATER : GOAL_HTTP);
      return;
    }
  }
  if (len >= LIVE_PROXY_ANSWER_MAX) {
    end_as(r, LIVE_PROXY_ANSWER_MAX, LIVE_PROXY_FAILED);
    ehlo_fuzz_reach(GOAL_NO_LIMIT);
  } else {
    end_as(r, len, LIVE_PROXY_HEARS);
  }
}

// ---- The talk ---------------------------------------------------------------------------------------

static struct live_proxy_talk talk;

static void say(struct run *r) {
  EHLO_FUZZ_CHECK(talk.request_len > 0 && talk.request_len <= sizeof(talk.request));
  ehlo_fuzz_add(&r->sent, talk.request, talk.request_len);
  live_proxy_talk_said(&talk);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, ehlo_fuzz_is_zero(talk.request, sizeof(talk.request)));
}

// On the heap by itself, so that reading beyond a piece is seen.
static size_t hear(const uint8_t *bytes, size_t len) {
  uint8_t *piece = ehlo_fuzz_copy(bytes, len);
  size_t used = live_proxy_talk_hear(&talk, piece, len);
  free(piece);
  EHLO_FUZZ_CHECK(used <= len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, used == len || talk.state != LIVE_PROXY_HEARS);
  return used;
}

// By cuts, or as a socket is read: never more than surely is the proxy's.
static void run_talk(struct run *r, const struct live_proxy *p, const char *host,
                     const uint8_t *all, size_t len, const struct ehlo_fuzz_cuts *how) {
  struct ehlo_fuzz_cuts cuts = how != NULL ? *how : (struct ehlo_fuzz_cuts){0};
  r->used = 0;
  memset(&talk, 0xa5, sizeof(talk));
  live_proxy_talk_begin(&talk, p, host, PORT);
  for (;;) {
    size_t wants = live_proxy_talk_wants(&talk);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, (wants > 0) == (talk.state == LIVE_PROXY_HEARS));
    if (talk.state == LIVE_PROXY_SAYS) {
      say(r);
      continue;
    }
    if (talk.state != LIVE_PROXY_HEARS || r->used == len) {
      break;
    }
    size_t left = len - r->used;
    size_t n = how != NULL ? ehlo_fuzz_next_cut(&cuts, left) : wants < left ? wants : left;
    size_t used = hear(all + r->used, n);
    EHLO_FUZZ_CHECK(how != NULL || used == n);
    r->used += used;
  }
  r->end = talk.state;
  memcpy(r->error, talk.error, sizeof(r->error));
  live_proxy_talk_wipe(&talk);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, ehlo_fuzz_is_zero((const uint8_t *)&talk, sizeof(talk)));
}

static bool has_window(const char *text, const char *secret) {
  char window[5] = "";
  for (size_t i = 0; i + 4 <= strlen(secret); i++) {
    memcpy(window, secret + i, 4);
    if (strstr(text, window) != NULL) {
      return true;
    }
  }
  return false;
}

static void judge_error(const struct run *r, const struct live_proxy *p) {
  size_t len = strnlen(r->error, sizeof(r->error));
  EHLO_FUZZ_CHECK(len < sizeof(r->error));
  EHLO_FUZZ_CHECK((len > 0) == (r->end == LIVE_PROXY_FAILED));
  for (size_t i = 0; i < len; i++) {
    EHLO_FUZZ_CHECK(r->error[i] >= 0x20 && r->error[i] < 0x7f);
  }
  if (p->user[0] != '\0' && p->password != NULL) {
    bool is_usual = p->password != long_password && p->password != huge_password;
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !has_window(r->error, is_usual ? PASSWORD : "qqqq"));
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                       !has_window(r->error, is_usual ? PASSWORD_BASE64 : "YWxpY2U6cXFxcXFx"));
    if (strstr(r->error, "repeat the login") != NULL) {
      ehlo_fuzz_reach(GOAL_REPEATED);
    }
  }
}

static void expect_same(const struct run *a, const struct run *b, enum ehlo_fuzz_oracle oracle) {
  EHLO_FUZZ_CHECK_BY(oracle, a->end == b->end);
  EHLO_FUZZ_CHECK_BY(oracle, a->used == b->used);
  EHLO_FUZZ_CHECK_BY(oracle, ehlo_fuzz_same(&a->sent, &b->sent));
}

static void check_answers(uint8_t settings, const uint8_t *all, size_t len) {
  static const char *const hosts[] = {"mail.example", "192.0.2.7", "2001:db8::7", "mail.example"};
  static struct run reference;
  static struct run whole;
  static struct run other;
  struct live_proxy p = {.kind = settings & 1 ? LIVE_PROXY_HTTP : LIVE_PROXY_SOCKS5};
  const char *host = hosts[settings >> 1 & 3];
  const char *passwords[] = {NULL, PASSWORD, long_password, huge_password};
  memset(long_password, 'q', sizeof(long_password) - 1);
  memset(huge_password, 'q', sizeof(huge_password) - 1);
  p.password = passwords[settings >> 3 & 3];
  memcpy(p.user, settings & 32 ? "alice" : "", settings & 32 ? 6 : 1);
  ehlo_fuzz_clear(&reference.sent);
  ehlo_fuzz_clear(&whole.sent);
  (p.kind == LIVE_PROXY_HTTP ? expect_http : expect_socks)(&reference, &p, host, all, len);
  run_talk(&whole, &p, host, all, len, &(struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  expect_same(&whole, &reference, EHLO_FUZZ_MODEL);
  judge_error(&whole, &p);
  const struct ehlo_fuzz_cuts cuts[] = {{EHLO_FUZZ_BYTES, 0}, {EHLO_FUZZ_PIECES, (uint32_t)len}};
  for (size_t i = 0; i < 3; i++) {
    if (!ehlo_fuzz_wants_cut(i == 1 ? EHLO_FUZZ_PIECES : EHLO_FUZZ_BYTES, (uint8_t)len)) {
      continue;
    }
    ehlo_fuzz_clear(&other.sent);
    run_talk(&other, &p, host, all, len, i < 2 ? &cuts[i] : NULL);
    expect_same(&other, &whole, EHLO_FUZZ_RECUT);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, strcmp(other.error, whole.error) == 0);
  }
  if (whole.end == LIVE_PROXY_OPEN && whole.used < len) {
    ehlo_fuzz_reach(GOAL_BEHIND);
  }
  if (whole.end == LIVE_PROXY_HEARS) {
    ehlo_fuzz_reach(GOAL_CUT_OFF);
  }
  if (whole.end == LIVE_PROXY_FAILED && p.kind == LIVE_PROXY_SOCKS5) {
    ehlo_fuzz_reach(GOAL_SOCKS_REFUSED);
  }
}

// ---- URLs -------------------------------------------------------------------------------------------

static void check_url(const uint8_t *data, size_t size) {
  struct live_proxy first;
  struct live_proxy again;
  char url[600];
  char *text = (char *)malloc(size + 1);
  EHLO_FUZZ_CHECK(text != NULL);
  memcpy(text, data, size);
  text[size] = '\0';
  if (live_proxy_parse(&first, text) == NULL) {
    bool is_v6 = strchr(first.host, ':') != NULL;
    EHLO_FUZZ_CHECK(first.host[0] != '\0' && first.port != 0 && first.password == NULL);
    snprintf(url, sizeof(url), "%s://%s%s%s%s%s:%u",
             first.kind == LIVE_PROXY_HTTP ? "http" : "socks5", first.user,
             first.user[0] != '\0' ? "@" : "", is_v6 ? "[" : "", first.host, is_v6 ? "]" : "",
             first.port);
    EHLO_FUZZ_CHECK(live_proxy_parse(&again, url) == NULL);
    EHLO_FUZZ_CHECK(first.kind == again.kind && first.port == again.port);
    EHLO_FUZZ_CHECK(strcmp(first.host, again.host) == 0 && strcmp(first.user, again.user) == 0);
    ehlo_fuzz_reach(GOAL_URL);
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_bytes answers;
  check_url(data, size);
  if (size > 0) {
    ehlo_fuzz_clear(&answers);
    if ((data[0] & 192) == 192) {
      static const char line[] = "HTTP/1.1 200 OK\r\nA: ";
      ehlo_fuzz_add(&answers, line, sizeof(line) - 1);
      ehlo_fuzz_fill(&answers, 'a', LIVE_PROXY_ANSWER_MAX - 16 - answers.len);
    }
    ehlo_fuzz_add(&answers, data + 1, size - 1);
    check_answers(data[0], answers.bytes, answers.len);
  }
  return 0;
}
