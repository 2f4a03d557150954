// Rows, and what they do to a TLS context.
#include "tools/driver/network_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/driver/live_options.h"
#include "tools/driver/secret.h"
#include "tools/live/tls.h"

static struct network_options *of(void *o) {
  return &((struct live_options *)o)->network;
}

static const char *set_ipv4(void *o, const char *value) {
  (void)value;
  of(o)->route.family = AF_INET;
  return NULL;
}

static const char *set_ipv6(void *o, const char *value) {
  (void)value;
  of(o)->route.family = AF_INET6;
  return NULL;
}

static const char *set_source(void *o, const char *value) {
  uint8_t unused[16];
  if (inet_pton(AF_INET, value, unused) != 1 && inet_pton(AF_INET6, value, unused) != 1) {
    return "it is an IPv4 or IPv6 address of this machine";
  }
  of(o)->route.source = value;
  return NULL;
}

static const char *set_resolve(void *o, const char *value) {
  struct live_net_route *r = &of(o)->route;
  uint8_t unused[16];
  char address[64];
  const char *first = strchr(value, ':');
  const char *second = first != NULL ? strchr(first + 1, ':') : NULL;
  if (second == NULL || second == first + 1 || first == value) {
    return "it is HOST:PORT:ADDRESS";
  }
  snprintf(address, sizeof(address), "%s", second + 1);
  if (inet_pton(AF_INET, address, unused) != 1 && inet_pton(AF_INET6, address, unused) != 1) {
    return "it is HOST:PORT:ADDRESS, with an IPv4 or IPv6 address without brackets";
  }
  if (r->num_resolves == LIVE_NET_RESOLVES_MAX) {
    return "there are at most eight of these";
  }
  r->resolves[r->num_resolves++] = value;
  return NULL;
}

static const char *set_proxy(void *o, const char *value) {
  const char *wrong = live_proxy_parse(&of(o)->proxy, value);
  of(o)->route.proxy = wrong == NULL ? &of(o)->proxy : NULL;
  return wrong;
}

static const char *set_proxy_protocol(void *o, const char *value) {
  if (strcmp(value, "v1") != 0 && strcmp(value, "v2") != 0) {
    return "it is one of v1 and v2";
  }
  of(o)->route.proxy_protocol = value[1] - '0';
  return NULL;
}

static const char *set_pin(void *o, const char *value) {
  return live_pins_add(&of(o)->pins, value);
}

#define TEXT_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    of(o)->field = value;                                      \
    return NULL;                                               \
  }
TEXT_SETTER(proxy_password_file)
TEXT_SETTER(client_cert)
TEXT_SETTER(client_key)
TEXT_SETTER(keylog)

const struct option_row network_option_rows[] = {
    {"ipv4", '4', NULL, "IPv4 alone", set_ipv4},
    {"ipv6", '6', NULL, "IPv6 alone", set_ipv6},
    {"resolve", 0, "HOST:PORT:ADDR", "the address of a host; also again", set_resolve},
    {"source-address", 0, "ADDR", "connect from this address", set_source},
    {"proxy", 0, "URL", "through socks5://[user@]host[:port] or http://…", set_proxy},
    {"proxy-password-file", 0, "FILE", "its password is the first line of FILE",
     set_proxy_password_file},
    {"proxy-protocol", 0, "v1|v2", "begin with a header of the PROXY protocol", set_proxy_protocol},
    {"pin", 0, "PIN", "cert:sha256:HEX or spki:sha256:HEX; also again", set_pin},
    {"client-cert", 0, "FILE", "show this certificate (PEM, with its chain)", set_client_cert},
    {"client-key", 0, "FILE", "… with this key (default: the same file)", set_client_key},
    {"keylog", 0, "FILE", "write the keys of TLS for Wireshark", set_keylog},
    {NULL, 0, NULL, NULL, NULL},
};

int network_options_settle(struct network_options *n) {
  static struct secret secret;
  if (n->route.proxy == NULL || n->proxy_password_file == NULL) {
    return 0;
  }
  struct secret_source source = {.file = n->proxy_password_file, .user = n->proxy.user};
  int status = secret_get(&secret, &source);
  if (status == 0) {
    secret.bytes[secret.len < SECRET_MAX ? secret.len : SECRET_MAX - 1] = '\0';
    n->proxy.password = (const char *)secret.bytes;
  }
  return status;
}

const struct live_net_route *network_options_route(const struct network_options *n) {
  const struct live_net_route *r = &n->route;
  bool shortest = r->family == 0 && r->source == NULL && r->num_resolves == 0 && r->proxy == NULL &&
                  r->proxy_protocol == 0;
  return shortest ? NULL : r;
}

// ---- The TLS context --------------------------------------------------------------------------------

static int complain(const char *path, const char *why, int status) {
  fprintf(complaints(), "ehlo: %s: %s\n", path, why);
  ERR_clear_error();
  return status;
}

// A key that others can read is nobody's.
static int load_key(SSL_CTX *context, const char *path) {
  struct stat stat_of;
  if (stat(path, &stat_of) != 0) {
    return complain(path, strerror(errno), EX_NOINPUT);
  }
  if (S_ISREG(stat_of.st_mode) && (stat_of.st_mode & 077) != 0) {
    return complain(path, "others can read this private key; chmod 600 it", EX_CONFIG);
  }
  if (!SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM)) {
    return complain(path,
                    "it holds no private key in PEM without a passphrase that fits the certificate",
                    EX_DATAERR);
  }
  return SSL_CTX_check_private_key(context)
             ? 0
             : complain(path, "the key does not belong to the certificate", EX_DATAERR);
}

static int load_client(SSL_CTX *context, const struct network_options *n) {
  if (access(n->client_cert, R_OK) != 0) {
    return complain(n->client_cert, strerror(errno), EX_NOINPUT);
  }
  if (!SSL_CTX_use_certificate_chain_file(context, n->client_cert)) {
    return complain(n->client_cert, "it holds no certificate in PEM", EX_DATAERR);
  }
  return load_key(context, n->client_key != NULL ? n->client_key : n->client_cert);
}

static FILE *keylog;

static void write_key(const SSL *ssl, const char *line) {
  (void)ssl;
  fprintf(keylog, "%s\n", line);
  fflush(keylog);
}

static int open_keylog(SSL_CTX *context, const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  keylog = fd >= 0 ? fdopen(fd, "a") : NULL;
  if (keylog == NULL) {
    return complain(path, strerror(errno), EX_CANTCREAT);
  }
  fprintf(complaints(), "ehlo: WARNING: whoever has %s can read this session, the password too\n",
          path);
  SSL_CTX_set_keylog_callback(context, write_key);
  return 0;
}

int network_options_dress(const struct network_options *n, SSL_CTX *context) {
  int status = 0;
  if (n->pins.num > 0) {
    live_tls_pin(context, &n->pins);
  }
  if (n->client_cert != NULL) {
    status = load_client(context, n);
  }
  return status == 0 && n->keylog != NULL ? open_keylog(context, n->keylog) : status;
}
