// The URL of a proxy.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/live/proxy_talk.h"

static bool is_host(const char *host, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (host[i] <= ' ' || host[i] >= 0x7f || strchr("/\\?#@<>\"[]", host[i]) != NULL) {
      return false;
    }
  }
  return len > 0;
}

const char *live_proxy_parse(struct live_proxy *out, const char *url) {
  static const struct {
    const char *scheme;
    enum live_proxy_kind kind;
    uint16_t port;
  } kinds[] = {{"socks5://", LIVE_PROXY_SOCKS5, 1080},
               {"socks5h://", LIVE_PROXY_SOCKS5, 1080},
               {"http://", LIVE_PROXY_HTTP, 8080}};
  memset(out, 0, sizeof(*out));
  const char *rest = NULL;
  for (size_t i = 0; i < 3; i++) {
    size_t len = strlen(kinds[i].scheme);
    if (strncmp(url, kinds[i].scheme, len) == 0) {
      out->kind = kinds[i].kind;
      out->port = kinds[i].port;
      rest = url + len;
    }
  }
  if (rest == NULL) {
    return "it is socks5://HOST[:PORT] or http://HOST[:PORT]";
  }
  const char *at = strrchr(rest, '@');
  if (at != NULL) {
    size_t len = (size_t)(at - rest);
    if (memchr(rest, ':', len) != NULL) {
      return "a password does not belong there; use --proxy-password-file";
    }
    if (len == 0 || len >= sizeof(out->user)) {
      return "the user name is empty or too long";
    }
    memcpy(out->user, rest, len);
    rest = at + 1;
  }
  size_t len = rest[0] == '[' ? strcspn(rest, "]") : strcspn(rest, ":/");
  const char *host = rest[0] == '[' ? rest + 1 : rest;
  size_t host_len = rest[0] == '[' ? len - 1 : len;
  const char *end = rest[0] == '[' && rest[len] == ']' ? rest + len + 1 : rest + len;
  if (host_len == 0 || host_len >= sizeof(out->host) || (rest[0] == '[' && rest[len] != ']')) {
    return "the host is missing or too long";
  }
  if (!is_host(host, host_len)) {
    return "the host is not a name or an address";
  }
  memcpy(out->host, host, host_len);
  if (*end == ':') {
    char *after;
    unsigned long port = strtoul(end + 1, &after, 10);
    if (end[1] < '0' || end[1] > '9' || port == 0 || port > 65535) {
      return "the port is a number from 1 to 65535";
    }
    out->port = (uint16_t)port;
    end = after;
  }
  return *end == '\0' || strcmp(end, "/") == 0 ? NULL : "nothing may follow the port";
}
