// Takes SERVER apart.
#include "tools/driver/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy(char *out, size_t cap, const char *text, size_t len) {
  if (len >= cap) {
    return false;
  }
  memcpy(out, text, len);
  out[len] = '\0';
  return true;
}

static bool is_port(const char *text) {
  char *end;
  unsigned long port = strtoul(text, &end, 10);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port >= 1 && port <= 65535;
}

static bool is_host(const char *host) {
  for (const char *c = host; *c != '\0'; c++) {
    if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("/\\?#@<>\"", *c) != NULL) {
      return false;
    }
  }
  return host[0] != '\0';
}

// host, host:port, [v6], [v6]:port, and a bare IPv6 address, which has more than one colon.
static const char *parse_host(struct server_address *out, const char *text) {
  const char *host = text;
  size_t len = strcspn(text, ":");
  const char *rest = text + len;
  if (text[0] == '[') {
    host = text + 1;
    len = strcspn(host, "]");
    if (host[len] != ']') {
      return "the ']' of the IPv6 address is missing";
    }
    rest = host + len + 1;
  } else if (strchr(rest + (*rest != '\0'), ':') != NULL) {
    len = strlen(text);
    rest = text + len;
  }
  if (!copy(out->host, sizeof(out->host), host, len) || !is_host(out->host)) {
    return "the host is not a name or an address";
  }
  if (*rest == '\0') {
    return NULL;
  }
  if (*rest != ':' || !is_port(rest + 1)) {
    return "the port is not a number from 1 to 65535";
  }
  out->has_port = true;
  copy(out->port, sizeof(out->port), rest + 1, strlen(rest + 1));
  return NULL;
}

static const char *parse_path(struct server_address *out, const char *path) {
  return path[0] != '\0' && copy(out->path, sizeof(out->path), path, strlen(path))
             ? NULL
             : "the path of the socket is empty or longer than 107 characters";
}

const char *server_parse(struct server_address *out, const char *text) {
  char authority[512];
  memset(out, 0, sizeof(*out));
  copy(out->port, sizeof(out->port), "587", 3);
  if (strncmp(text, "unix:", 5) == 0) {
    return parse_path(out, text + 5);
  }
  if (strncmp(text, "lmtp:///", 8) == 0) {
    out->lmtp = true;
    return parse_path(out, text + 7);
  }
  if (strncmp(text, "lmtp://", 7) == 0) {
    copy(out->port, sizeof(out->port), "24", 2);
    out->lmtp = true;
    text += 7;
  } else if (strncmp(text, "smtps://", 8) == 0) {
    copy(out->port, sizeof(out->port), "465", 3);
    out->implicit_tls = true;
    text += 8;
  } else if (strncmp(text, "smtp://", 7) == 0) {
    text += 7;
  } else if (strstr(text, "://") != NULL) {
    return "the URL is not smtp://, smtps:// or lmtp://";
  }
  size_t len = strlen(text);
  len -= len > 0 && text[len - 1] == '/';
  if (!copy(authority, sizeof(authority), text, len)) {
    return "the host is too long";
  }
  return parse_host(out, authority);
}
