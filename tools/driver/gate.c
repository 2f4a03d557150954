// Which command passes. A reply of the gate's own is given only when the server owes none, so that
// replies stay in order.
#include "tools/driver/gate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "engine/ehlo.h"

static void to_front(struct gate *g, const char *text) {
  g->out.to_front(g->out.arg, (const uint8_t *)text, strlen(text));
}

static void note(struct gate *g, const char *text, uint64_t now_us) {
  ehlo_tap_fact(&g->tap, now_us, text, strlen(text));
}

void gate_refuse(struct gate *g, int status, const char *format, ...) {
  va_list args;
  char reply[sizeof(g->why) + sizeof("421 4.7.0 \r\n")];
  va_start(args, format);
  vsnprintf(g->why, sizeof(g->why), format, args);
  va_end(args);
  g->state = GATE_REFUSED;
  g->status = status;
  snprintf(reply, sizeof(reply), "421 4.7.0 %s\r\n", g->why);
  to_front(g, reply);
}

// ---- What passes --------------------------------------------------------------------------------

static void say_behind(struct gate *g, struct ehlo_span line, uint64_t now_us) {
  ehlo_tap_client(&g->tap, line.bytes, line.len, now_us);
  g->out.to_behind(g->out.arg, line.bytes, line.len);
}

// The server's next line with its line end; all there is where it has none and no more comes, or
// where it is too long for a reply. Empty: more is needed.
static struct ehlo_span server_line(const uint8_t *bytes, size_t len, bool ended) {
  const uint8_t *lf = memchr(bytes, '\n', len);
  size_t n = lf != NULL ? (size_t)(lf - bytes) + 1 : ended || len >= GATE_LINE_MAX ? len : 0;
  return (struct ehlo_span){bytes, n};
}

// ---- The client's commands ----------------------------------------------------------------------

static bool is_one_of(struct ehlo_span verb, const char *const *names, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (ehlo_hide_same(verb, names[i])) {
      return true;
    }
  }
  return false;
}

static bool goes_before_front_tls(struct ehlo_span verb) {
  static const char *const names[] = {"EHLO", "LHLO", "HELO", "NOOP", "RSET", "HELP", "QUIT"};
  return is_one_of(verb, names, sizeof(names) / sizeof(names[0]));
}

static bool is_hello(struct ehlo_span verb) {
  return ehlo_hide_same(verb, "EHLO") || ehlo_hide_same(verb, "LHLO");
}

// What becomes of a command.
enum fate {
  FATE_PASS,
  FATE_DONE,  // answered here
  FATE_WAIT,  // not yet
};

static bool may_answer(const struct gate *g) {
  return g->greeted && ehlo_tap_is_answered(&g->tap);
}

static enum fate answer(struct gate *g, const char *reply) {
  if (!may_answer(g)) {
    return FATE_WAIT;
  }
  to_front(g, reply);
  return FATE_DONE;
}

static enum fate client_starttls(struct gate *g, bool more_follows) {
  if (g->secure_front) {
    return answer(g, "503 5.5.1 TLS is on already\r\n");
  }
  if (!g->config.offers_starttls) {
    return answer(g, "502 5.5.1 STARTTLS is not offered here\r\n");
  }
  if (!may_answer(g)) {
    return FATE_WAIT;
  }
  if (more_follows) {
    gate_refuse(g, EX_PROTOCOL, "cleartext came behind STARTTLS from the program in front");
    return FATE_DONE;
  }
  to_front(g, "220 2.0.0 Ready to start TLS\r\n");
  g->state = GATE_BEGINS_FRONT;
  return FATE_DONE;
}

static enum fate client_auth(struct gate *g, uint64_t now_us) {
  static const char text[] =
      "note AUTH was not passed on: the server is reached without TLS, and cleartext is not "
      "allowed";
  if (!may_answer(g)) {
    return FATE_WAIT;
  }
  note(g, text, now_us);
  g->auth_refused = true;
  return answer(g,
                "538 5.7.11 The relay reaches the server without TLS and passes no login on\r\n");
}

// EHLO, with the line end.
static void keep_hello_line(struct gate *g, struct ehlo_span line) {
  memcpy(g->hello_line, line.bytes, line.len);
  g->hello_line_len = line.len;
  g->hello_len = 0;
  g->hello_kept = false;
  g->hello_at = g->tap.num_sent + 1;
}

static void show_hello(struct gate *g) {
  char shown[HELLO_MAX + 32];
  struct ehlo_span reply = {g->hello, g->hello_len};
  bool offers = g->config.offers_starttls && !g->secure_front;
  size_t len = hello_for_front(shown, reply, offers);
  g->out.to_front(g->out.arg, (const uint8_t *)shown, len);
}

// A client says EHLO once more under TLS. The server has had it, and has said all it has to say.
static bool is_known_hello(const struct gate *g, struct ehlo_span line) {
  return g->front_is_fresh && g->hello_kept && g->hello_is_last && line.len == g->hello_line_len &&
         memcmp(line.bytes, g->hello_line, line.len) == 0;
}

static enum fate client_hello(struct gate *g, struct ehlo_span line) {
  if (is_known_hello(g, line)) {
    if (!may_answer(g)) {
      return FATE_WAIT;
    }
    show_hello(g);
    g->front_is_fresh = false;
    return FATE_DONE;
  }
  if (g->hello_at != 0) {
    return FATE_WAIT;
  }
  keep_hello_line(g, line);
  g->hello_is_last = true;
  return FATE_PASS;
}

// Before anything goes to a server that has to speak TLS first.
static enum fate begin_behind(struct gate *g, struct ehlo_span verb, struct ehlo_span line,
                              uint64_t now_us) {
  char own[300];
  if (!may_answer(g) || g->state != GATE_PASS) {
    return FATE_WAIT;
  }
  if (!is_hello(verb)) {
    snprintf(own, sizeof(own), "EHLO %s\r\n", g->config.helo);
    line = ehlo_str(own);
  }
  g->state = GATE_HELLO;
  g->hello_len = 0;
  say_behind(g, line, now_us);
  return FATE_WAIT;
}

static enum fate judge(struct gate *g, struct ehlo_span line, bool more_follows, uint64_t now_us) {
  struct ehlo_span verb = ehlo_hide_verb(line);
  struct ehlo_auth_line auth;
  bool known = ehlo_hide_is_verb(verb);
  if (ehlo_hide_same(verb, "STARTTLS")) {
    return client_starttls(g, more_follows);
  }
  if (g->config.requires_front_tls && !g->secure_front && !goes_before_front_tls(verb)) {
    g->auth_refused = g->auth_refused || !known;
    return answer(g, "530 5.7.0 Must issue a STARTTLS command first\r\n");
  }
  if (ehlo_hide_same(verb, "QUIT")) {
    return FATE_PASS;
  }
  if (g->config.starttls_behind && !g->secure_behind) {
    return begin_behind(g, verb, line, now_us);
  }
  if (!g->secure_behind && !g->config.allow_cleartext_auth) {
    if (ehlo_auth_line_parse(&auth, line)) {
      return client_auth(g, now_us);
    }
    if (g->auth_refused && !known) {
      return answer(g, "500 5.5.1 What is this?\r\n");  // the rest of a login
    }
  }
  if (is_hello(verb)) {
    return client_hello(g, line);
  }
  g->auth_refused = false;
  g->hello_is_last = false;
  return FATE_PASS;
}

// Returns how many bytes of the command were used; `*out_fate` says whether they are to pass.
static size_t client_command(struct gate *g, enum fate *out_fate, const uint8_t *bytes, size_t len,
                             bool ended, uint64_t now_us) {
  struct ehlo_span line = server_line(bytes, len, ended);
  if (line.len > GATE_LINE_MAX) {
    line.len = GATE_LINE_MAX;
  }
  *out_fate = line.len > 0 ? judge(g, line, line.len < len, now_us) : FATE_WAIT;
  if (*out_fate == FATE_PASS) {
    ehlo_tap_client_some(&g->tap, line.bytes, line.len, now_us);
    if (g->tap.num_sent < g->hello_at) {
      g->hello_at = 0;  // it was none, as far as can be told: its reply passes unseen
    }
  }
  return *out_fate == FATE_WAIT ? 0 : line.len;
}

// Sends what may pass, recorded first.
static void send_behind(struct gate *g, const uint8_t *bytes, size_t len) {
  if (len > 0) {
    ehlo_tap_push(&g->tap);
    g->out.to_behind(g->out.arg, bytes, len);
  }
}

// Until something is answered here or has to wait: what passes goes on in one piece.
size_t gate_front(struct gate *g, const uint8_t *bytes, size_t len, bool ended, uint64_t now_us) {
  enum fate fate = FATE_PASS;
  size_t at = 0;
  size_t passed = 0;
  while (at < len && fate == FATE_PASS && g->state == GATE_PASS) {
    if (ehlo_tap_wants_command(&g->tap)) {
      at += client_command(g, &fate, bytes + at, len - at, ended, now_us);
    } else {
      at += ehlo_tap_client_some(&g->tap, bytes + at, len - at, now_us);
    }
    passed = fate == FATE_PASS ? at : passed;
  }
  send_behind(g, bytes, passed);
  return at;
}

// ---- The server's replies -----------------------------------------------------------------------

// Adds a line to the reply at hand; false if it does not fit.
static bool keep_hello(struct gate *g, struct ehlo_span line) {
  if (line.len > sizeof(g->hello) - g->hello_len) {
    return false;
  }
  memcpy(g->hello + g->hello_len, line.bytes, line.len);
  g->hello_len += line.len;
  return true;
}

static bool hello_has_code(const struct gate *g, const char *code) {
  return g->hello_len >= 3 && memcmp(g->hello, code, 3) == 0;
}

// The first line of the reply at hand, for people.
static const char *hello_text(const struct gate *g, char *out, size_t cap) {
  size_t n = 0;
  while (n < g->hello_len && n + 1 < cap && g->hello[n] >= ' ' && g->hello[n] < 0x7f) {
    out[n] = (char)g->hello[n];
    n++;
  }
  out[n] = '\0';
  return out;
}

static void take_own_hello(struct gate *g, uint64_t now_us) {
  char text[200];
  struct ehlo_span reply = {g->hello, g->hello_len};
  if (!hello_offers_starttls(reply)) {
    hello_text(g, text, sizeof(text));
    gate_refuse(
        g, EX_CONFIG,
        hello_has_code(g, "250") ? "the server offers no STARTTLS" : "the server refused EHLO");
    return;
  }
  g->state = GATE_STARTTLS;
  g->hello_len = 0;
  say_behind(g, ehlo_str("STARTTLS\r\n"), now_us);
}

static void take_starttls_reply(struct gate *g, bool more_follows) {
  char text[200];
  g->hello_kept = false;
  if (!hello_has_code(g, "220")) {
    gate_refuse(g, EX_CONFIG, "the server refused STARTTLS: %s", hello_text(g, text, sizeof(text)));
  } else if (more_follows) {
    gate_refuse(g, EX_PROTOCOL, "the server sent cleartext behind its reply to STARTTLS");
  } else {
    g->state = GATE_BEGINS_BEHIND;
  }
  g->hello_len = 0;
}

// Lines of a reply to a command of the gate's own, which the client does not see.
static size_t own_reply(struct gate *g, const uint8_t *bytes, size_t len, bool ended,
                        uint64_t now_us) {
  size_t at = 0;
  while (at < len && (g->state == GATE_HELLO || g->state == GATE_STARTTLS)) {
    struct ehlo_span line = server_line(bytes + at, len - at, ended);
    if (line.len == 0) {
      break;
    }
    ehlo_tap_server(&g->tap, line.bytes, line.len, now_us);
    at += line.len;
    if (!keep_hello(g, line)) {
      gate_refuse(g, EX_PROTOCOL, "the server's reply to EHLO is too long");
    } else if (ehlo_tap_is_answered(&g->tap)) {
      if (g->state == GATE_HELLO) {
        take_own_hello(g, now_us);
      } else {
        take_starttls_reply(g, at < len);
      }
    }
  }
  return at;
}

static void take_hello_line(struct gate *g, struct ehlo_span line) {
  if (!keep_hello(g, line)) {
    show_hello(g);  // as it is: one that long is not edited
    g->out.to_front(g->out.arg, line.bytes, line.len);
    g->hello_at = 0;
  } else if (g->tap.num_answered >= g->hello_at) {
    g->hello_at = 0;
    g->hello_kept = hello_has_code(g, "250");
    show_hello(g);
  }
}

// While the reply to EHLO is awaited.
static size_t hello_lines(struct gate *g, const uint8_t *bytes, size_t len, bool ended,
                          uint64_t now_us) {
  size_t at = 0;
  while (at < len && g->hello_at != 0) {
    struct ehlo_span line = server_line(bytes + at, len - at, ended);
    if (line.len == 0) {
      break;
    }
    bool its = g->tap.num_answered + 1 >= g->hello_at;
    ehlo_tap_server(&g->tap, line.bytes, line.len, now_us);
    at += line.len;
    if (its) {
      take_hello_line(g, line);
    } else {
      g->out.to_front(g->out.arg, line.bytes, line.len);
    }
  }
  return at;
}

size_t gate_behind(struct gate *g, const uint8_t *bytes, size_t len, bool ended, uint64_t now_us) {
  size_t at = 0;
  g->greeted = g->greeted || len > 0;
  if (g->state == GATE_HELLO || g->state == GATE_STARTTLS) {
    at = own_reply(g, bytes, len, ended, now_us);
  } else if (g->state == GATE_PASS && g->hello_at != 0) {
    at = hello_lines(g, bytes, len, ended, now_us);
  }
  if (at < len && g->state == GATE_PASS && g->hello_at == 0) {
    ehlo_tap_server(&g->tap, bytes + at, len - at, now_us);
    g->out.to_front(g->out.arg, bytes + at, len - at);
    at = len;
  }
  if (g->state == GATE_REFUSED && at < len) {
    ehlo_tap_server(&g->tap, bytes + at, len - at, now_us);  // what was refused is to be seen
    at = len;
  }
  return at;
}

// ---- TLS ----------------------------------------------------------------------------------------

void gate_secured_behind(struct gate *g, const char *details, uint64_t now_us) {
  char text[1024];
  int len = snprintf(text, sizeof(text), "tls%s%s", details[0] != '\0' ? " " : "", details);
  ehlo_tap_fact(&g->tap, now_us, text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
  g->secure_behind = true;
  g->state = GATE_PASS;
}

void gate_secured_front(struct gate *g, const char *details, uint64_t now_us) {
  char text[1024];
  snprintf(text, sizeof(text), "note the program in front began TLS%s%s",
           details[0] != '\0' ? ": " : "", details);
  note(g, text, now_us);
  g->secure_front = true;
  g->front_is_fresh = true;
  g->state = GATE_PASS;
}

void gate_init(struct gate *g, const struct gate_config *config, const struct gate_out *out,
               ehlo_write_fn write, void *write_arg) {
  memset(g, 0, sizeof(*g));
  ehlo_tap_init(&g->tap, write, write_arg);
  g->config = *config;
  g->out = *out;
  g->secure_behind = config->secure_behind;
  g->secure_front = config->secure_front;
}
