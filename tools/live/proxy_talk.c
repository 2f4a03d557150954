// SOCKS 5 and HTTP CONNECT, one answer at a time.
#include "tools/live/proxy_talk.h"

#include <arpa/inet.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/live/text.h"

#define LOGIN_MAX 600              // octets of "user:password" for HTTP
#define WORDS_MAX 120              // octets of a proxy's words that are told
#define SECRET_WINDOW ((size_t)4)  // so many octets of a secret in a row are never told

static void fail(struct live_proxy_talk *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct live_proxy_talk *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(t->error, sizeof(t->error), format, arguments);
  va_end(arguments);
  t->state = LIVE_PROXY_FAILED;
}

static void say(struct live_proxy_talk *t, enum live_proxy_step step, size_t len) {
  t->step = step;
  t->request_len = len;
  t->answer_len = 0;
  t->state = LIVE_PROXY_SAYS;
}

// ---- SOCKS 5 ----------------------------------------------------------------------------------------

static const char *socks_reason(uint8_t code) {
  static const char *const reasons[] = {"",
                                        "it failed, and it does not say why",
                                        "its rules do not allow it",
                                        "the network cannot be reached from there",
                                        "the host cannot be reached from there",
                                        "the connection was refused",
                                        "the time to live expired",
                                        "it does not know how to connect",
                                        "it does not know this kind of address"};
  return code < sizeof(reasons) / sizeof(reasons[0]) ? reasons[code]
                                                     : "it gave a reason nobody knows";
}

static void socks_say_methods(struct live_proxy_talk *t) {
  static const uint8_t hello[4] = {5, 2, 0, 2};
  memcpy(t->request, hello, sizeof(hello));
  t->request[1] = t->proxy->user[0] != '\0' ? 2 : 1;
  say(t, LIVE_PROXY_METHOD, 2 + (size_t)t->request[1]);
}

static void socks_say_login(struct live_proxy_talk *t) {
  const char *password = t->proxy->password != NULL ? t->proxy->password : "";
  size_t user_len = strlen(t->proxy->user);
  size_t password_len = strlen(password);
  if (user_len > 255 || password_len > 255) {
    fail(t, "SOCKS takes a user name and a password of at most 255 octets");
    return;
  }
  t->request[0] = 1;
  t->request[1] = (uint8_t)user_len;
  memcpy(t->request + 2, t->proxy->user, user_len);
  t->request[2 + user_len] = (uint8_t)password_len;
  memcpy(t->request + 3 + user_len, password, password_len);
  say(t, LIVE_PROXY_LOGIN, 3 + user_len + password_len);
}

static void socks_say_connect(struct live_proxy_talk *t) {
  uint8_t *at = t->request;
  size_t len = strlen(t->host);
  *at++ = 5;
  *at++ = 1;
  *at++ = 0;
  if (inet_pton(AF_INET, t->host, at + 1) == 1) {
    *at = 1;
    at += 5;
  } else if (inet_pton(AF_INET6, t->host, at + 1) == 1) {
    *at = 4;
    at += 17;
  } else {
    at[0] = 3;
    at[1] = (uint8_t)len;
    memcpy(at + 2, t->host, len);
    at += 2 + len;
  }
  *at++ = (uint8_t)(t->port >> 8);
  *at++ = (uint8_t)t->port;
  say(t, LIVE_PROXY_CONNECT, (size_t)(at - t->request));
}

static void socks_on_method(struct live_proxy_talk *t) {
  bool has_user = t->proxy->user[0] != '\0';
  if (t->answer[0] != 5) {
    fail(t, "what answers is no SOCKS 5 proxy");
  } else if (t->answer[1] == 2 && has_user) {
    socks_say_login(t);
  } else if (t->answer[1] == 0) {
    socks_say_connect(t);
  } else {
    fail(t, "the proxy wants %s",
         has_user ? "another way to log in" : "a user name: --proxy socks5://USER@HOST");
  }
}

static void socks_on_login(struct live_proxy_talk *t) {
  if (t->answer[1] != 0) {
    fail(t, "the proxy refused user name or password");
  } else {
    socks_say_connect(t);
  }
}

// The octets of an answer to CONNECT, as far as it is known: the address that the proxy bound,
// which nobody needs, has a length of its own.
static size_t socks_length(const struct live_proxy_talk *t) {
  if (t->answer_len < 4) {
    return 4;
  }
  switch (t->answer[3]) {
    case 1:
      return 4 + 4 + 2;
    case 4:
      return 4 + 16 + 2;
    default:
      return t->answer_len < 5 ? 5 : 4 + 1 + (size_t)t->answer[4] + 2;
  }
}

static void socks_on_connect(struct live_proxy_talk *t) {
  uint8_t type = t->answer[3];
  if (t->answer[0] != 5 || (type != 1 && type != 3 && type != 4)) {
    fail(t, "the proxy's answer is none of SOCKS 5");
  } else if (t->answer[1] != 0) {
    fail(t, "the proxy cannot connect: %s", socks_reason(t->answer[1]));
  } else if (t->answer_len == socks_length(t)) {
    t->state = LIVE_PROXY_OPEN;
  }
}

static size_t socks_wants(const struct live_proxy_talk *t) {
  return (t->step == LIVE_PROXY_CONNECT ? socks_length(t) : 2) - t->answer_len;
}

static void socks_on_octet(struct live_proxy_talk *t, uint8_t octet) {
  size_t wanted = socks_wants(t);
  t->answer[t->answer_len++] = octet;
  if (wanted > 1) {
    return;
  }
  switch (t->step) {
    case LIVE_PROXY_METHOD:
      socks_on_method(t);
      return;
    case LIVE_PROXY_LOGIN:
      socks_on_login(t);
      return;
    case LIVE_PROXY_CONNECT:
      socks_on_connect(t);
      return;
  }
}

// ---- HTTP -------------------------------------------------------------------------------------------

static const char http_end[] = "\r\n\r\n";
#define HTTP_END_LEN (sizeof(http_end) - 1)

// "user:password" in base64, of RFC 7617; its length, 0 without a user.
static size_t http_login(char out[4 * LOGIN_MAX / 3 + 5], const struct live_proxy *p) {
  char plain[LOGIN_MAX];
  size_t len = 0;
  if (p->user[0] != '\0') {
    int n =
        snprintf(plain, sizeof(plain), "%s:%s", p->user, p->password != NULL ? p->password : "");
    len = EVP_EncodeBlock((uint8_t *)out, (const uint8_t *)plain, (size_t)n);
    OPENSSL_cleanse(plain, sizeof(plain));
  }
  return len;
}

static void http_say_connect(struct live_proxy_talk *t) {
  const struct live_proxy *p = t->proxy;
  char login[4 * LOGIN_MAX / 3 + 5] = "";
  char *out = (char *)t->request;
  size_t cap = sizeof(t->request);
  const char *open = strchr(t->host, ':') != NULL ? "[" : "";
  const char *close = open[0] != '\0' ? "]" : "";
  size_t password_len = p->password != NULL ? strlen(p->password) : 0;
  if (p->user[0] != '\0' && strlen(p->user) + 1 + password_len >= LOGIN_MAX) {
    fail(t, "user name and password of an HTTP proxy have at most %d octets together",
         LOGIN_MAX - 2);
    return;
  }
  size_t login_len = http_login(login, p);
  int len = snprintf(out, cap, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s\r\n", open,
                     t->host, close, t->port, open, t->host, close, t->port,
                     login_len > 0 ? "Proxy-Authorization: Basic " : "", login,
                     login_len > 0 ? "\r\n" : "");
  OPENSSL_cleanse(login, sizeof(login));
  say(t, LIVE_PROXY_CONNECT, (size_t)len);
}

// "HTTP/1.1 200 …": the status, 0 if it is no such line.
static int http_status(const uint8_t *line, size_t len) {
  int status = 0;
  if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ') {
    return 0;
  }
  for (size_t i = 9; i < 12; i++) {
    if (line[i] < '0' || line[i] > '9') {
      return 0;
    }
    status = status * 10 + (line[i] - '0');
  }
  return status;
}

// Whether the words hold a window of the secret, or all of a shorter one.
static bool repeats(const uint8_t *words, size_t len, const char *secret, size_t secret_len) {
  size_t window = secret_len < SECRET_WINDOW ? secret_len : SECRET_WINDOW;
  for (size_t i = 0; window > 0 && i + window <= secret_len; i++) {
    for (size_t k = 0; k + window <= len; k++) {
      if (words[k] == (uint8_t)secret[i] && memcmp(words + k, secret + i, window) == 0) {
        return true;
      }
    }
  }
  return false;
}

static bool repeats_login(const struct live_proxy *p, const uint8_t *words, size_t len) {
  char login[4 * LOGIN_MAX / 3 + 5];
  size_t login_len = p->password != NULL ? http_login(login, p) : 0;
  bool found = login_len > 0 && (repeats(words, len, login, login_len) ||
                                 repeats(words, len, p->password, strlen(p->password)));
  OPENSSL_cleanse(login, sizeof(login));
  return found;
}

static void http_refused(struct live_proxy_talk *t, const uint8_t *line, size_t len, int status) {
  struct live_text text;
  len = len < WORDS_MAX ? len : WORDS_MAX;
  live_text_init(&text, t->error, sizeof(t->error));
  live_text_format(&text, "the proxy says ");
  live_text_bytes(&text, line, len);
  // Once as it is said and once as it is told: an escape ends in digits.
  if (repeats_login(t->proxy, line, len) ||
      repeats_login(t->proxy, (const uint8_t *)t->error, text.len)) {
    live_text_init(&text, t->error, sizeof(t->error));
    live_text_format(&text, "the proxy refuses, in words that repeat the login");
  }
  if (status == 407) {
    live_text_format(&text, " (it wants a user name: --proxy http://USER@HOST)");
  }
  t->state = LIVE_PROXY_FAILED;
}

// A final answer follows those of class 1, RFC 9110 §15.2.
static void http_on_answer(struct live_proxy_talk *t) {
  const uint8_t *line = t->answer + t->begin;
  size_t len = 0;
  while (line[len] != '\r' && line[len] != '\n' && line[len] != '\0') {
    len++;
  }
  int status = http_status(line, len);
  if (status / 100 == 2) {
    t->state = LIVE_PROXY_OPEN;
  } else if (status / 100 != 1 || status == 101) {
    http_refused(t, line, len, status);
  } else {
    t->begin = t->answer_len;
    t->end_seen = 0;
  }
}

static void http_on_octet(struct live_proxy_talk *t, uint8_t octet) {
  t->answer[t->answer_len++] = octet;
  if (octet == (uint8_t)http_end[t->end_seen]) {
    t->end_seen++;
  } else {
    t->end_seen = octet == '\r' ? 1 : 0;
  }
  if (t->end_seen == HTTP_END_LEN) {
    http_on_answer(t);
  }
  if (t->state == LIVE_PROXY_HEARS && t->answer_len == sizeof(t->answer)) {
    fail(t, "the proxy's answer does not end within %d octets", LIVE_PROXY_ANSWER_MAX);
  }
}

// ---- Both -------------------------------------------------------------------------------------------

void live_proxy_talk_begin(struct live_proxy_talk *t, const struct live_proxy *proxy,
                           const char *host, uint16_t port) {
  memset(t, 0, sizeof(*t));
  t->proxy = proxy;
  t->host = host;
  t->port = port;
  if (strlen(host) > 255 || strpbrk(host, "\r\n ") != NULL) {
    fail(t, "the host's name cannot be told to a proxy");
  } else if (proxy->kind == LIVE_PROXY_SOCKS5) {
    socks_say_methods(t);
  } else {
    http_say_connect(t);
  }
}

void live_proxy_talk_said(struct live_proxy_talk *t) {
  OPENSSL_cleanse(t->request, sizeof(t->request));
  t->request_len = 0;
  t->state = LIVE_PROXY_HEARS;
}

size_t live_proxy_talk_wants(const struct live_proxy_talk *t) {
  if (t->state != LIVE_PROXY_HEARS) {
    return 0;
  }
  if (t->proxy->kind == LIVE_PROXY_HTTP) {
    size_t room = sizeof(t->answer) - t->answer_len;
    size_t missing = HTTP_END_LEN - t->end_seen;
    return missing < room ? missing : room;
  }
  return socks_wants(t);
}

size_t live_proxy_talk_hear(struct live_proxy_talk *t, const uint8_t *bytes, size_t len) {
  size_t used = 0;
  while (used < len && t->state == LIVE_PROXY_HEARS) {
    if (t->proxy->kind == LIVE_PROXY_HTTP) {
      http_on_octet(t, bytes[used++]);
    } else {
      socks_on_octet(t, bytes[used++]);
    }
  }
  return used;
}

void live_proxy_talk_wipe(struct live_proxy_talk *t) {
  OPENSSL_cleanse(t, sizeof(*t));
}
