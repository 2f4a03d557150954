// What is said to a proxy and what its answers mean: SOCKS 5 (RFC 1928, RFC 1929) and HTTP CONNECT
// (RFC 9110 §9.3.6). Pure: octets go in and out, whoever calls it has the connection. It takes no
// octet beyond the proxy's own answers, and how they are cut makes no difference.
#ifndef EHLO_TOOLS_LIVE_PROXY_TALK_H
#define EHLO_TOOLS_LIVE_PROXY_TALK_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_PROXY_ANSWER_MAX 8192  // octets of all that an HTTP proxy answers
#define LIVE_PROXY_REQUEST_MAX 2048
#define LIVE_PROXY_ERROR_SIZE 300

enum live_proxy_kind { LIVE_PROXY_SOCKS5, LIVE_PROXY_HTTP };

struct live_proxy {
  enum live_proxy_kind kind;
  char host[256];
  uint16_t port;
  char user[256];        // empty: none
  const char *password;  // the caller's; NULL: none
};

// Reads "socks5://[user@]host[:port]", "socks5h://…" (the same: the proxy looks the name up) or
// "http://…". Ports are 1080 and 8080. Returns NULL, or a sentence on what is wrong.
const char *live_proxy_parse(struct live_proxy *out, const char *url);

enum live_proxy_state {
  LIVE_PROXY_SAYS,    // `request` is to be sent as a whole, then live_proxy_talk_said()
  LIVE_PROXY_HEARS,   // it waits for what the proxy says
  LIVE_PROXY_OPEN,    // what comes next is the server's
  LIVE_PROXY_FAILED,  // `error` says why
};

enum live_proxy_step {
  LIVE_PROXY_METHOD,   // RFC 1928 §3
  LIVE_PROXY_LOGIN,    // RFC 1929 §2
  LIVE_PROXY_CONNECT,  // RFC 1928 §6, or an HTTP answer
};

// The fields are to be read only. `request` may hold the password.
struct live_proxy_talk {
  const struct live_proxy *proxy;
  const char *host;
  uint16_t port;
  enum live_proxy_state state;
  enum live_proxy_step step;
  uint8_t request[LIVE_PROXY_REQUEST_MAX];
  size_t request_len;
  uint8_t answer[LIVE_PROXY_ANSWER_MAX];
  size_t answer_len;  // octets of the answer so far
  size_t begin;       // of the answer that counts: one behind those of HTTP's class 1
  size_t end_seen;    // octets of the empty line that ends an HTTP answer
  char error[LIVE_PROXY_ERROR_SIZE];  // printable, without a full stop; never a part of the login
};

// Begins to ask for a connection to host and port. `proxy` and `host` stay until the end.
void live_proxy_talk_begin(struct live_proxy_talk *t, const struct live_proxy *proxy,
                           const char *host, uint16_t port);

// The request was sent, and is wiped.
void live_proxy_talk_said(struct live_proxy_talk *t);

// How many octets are the proxy's own in any case; 0 unless it hears. Reading no more than these
// leaves the rest of the stream where it is.
size_t live_proxy_talk_wants(const struct live_proxy_talk *t);

// Takes what the proxy said and returns how many octets that were. What is left belongs to what
// comes after the present state.
size_t live_proxy_talk_hear(struct live_proxy_talk *t, const uint8_t *bytes, size_t len);

void live_proxy_talk_wipe(struct live_proxy_talk *t);

#endif  // EHLO_TOOLS_LIVE_PROXY_TALK_H
