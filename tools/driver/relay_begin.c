// How a session of the relay begins: the connection behind, and TLS on either side, whenever it comes.
#include <stdio.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/relay_parts.h"

// ---- Connecting ---------------------------------------------------------------------------------

void relay_begin_dial(struct relay_session *s) {
  live_dial_begin(&s->dial, &s->config->place, s->config->timeout_ms);
  s->stage = RELAY_DIAL;
}

static void fail_dial(struct relay_session *s) {
  char why[LIVE_DIAL_REASON_MAX + 400];
  char fact[sizeof(why) + 32];
  snprintf(why, sizeof(why), "cannot connect to %s: %s", s->config->place_name, s->dial.reason);
  snprintf(fact, sizeof(fact), "connect failed %s", why);
  relay_fail(s, s->dial.result == LIVE_NET_TIMEOUT ? EX_TEMPFAIL : EX_IOERR, why, fact);
}

bool relay_dial(struct relay_session *s) {
  char fact[512];
  live_dial_go(&s->dial);
  if (s->dial.failed) {
    fail_dial(s);
    return false;
  }
  if (!s->dial.connected) {
    return false;
  }
  live_channel_init(&s->behind, s->dial.fd);
  s->dial.fd = -1;
  snprintf(fact, sizeof(fact), "connect %s %s", s->config->place_name, s->dial.address);
  relay_write_fact(s, fact);
  s->stage = s->config->tls == EHLO_TLS_IMPLICIT ? RELAY_BEHIND_TLS : RELAY_PASS;
  relay_touch(s);
  return true;
}

// ---- Handshakes ---------------------------------------------------------------------------------

static bool start_behind(struct relay_session *s) {
  const struct relay_config *c = s->config;
  s->begins_tls = live_channel_start_client(&s->behind, c->tls_behind, c->tls_name, c->insecure);
  return s->begins_tls;
}

static void warn_of_insecure(const struct relay_session *s) {
  const struct live_verdict *verdict = &s->behind.tls.info.verdict;
  if (!(verdict->chain_ok && verdict->name_ok)) {
    fprintf(complaints(),
            "ehlo: WARNING: the server's certificate is NOT trusted (%s); --insecure goes on\n",
            verdict->reason);
  }
}

// Whether something moved.
bool relay_shake_behind(struct relay_session *s) {
  char details[LIVE_REASON_MAX];
  if (!s->begins_tls && !start_behind(s)) {
    relay_fail(s, EX_OSERR, "out of memory", "eof C");
    return false;
  }
  enum ehlo_status status = live_channel_handshake(&s->behind);
  if (status != EHLO_OK) {
    relay_fail_tls_behind(s, status);
  } else if (live_channel_is_open(&s->behind)) {
    s->begins_tls = false;
    warn_of_insecure(s);
    live_tls_describe(&s->behind.tls, details, sizeof(details));
    gate_secured_behind(&s->gate, details, relay_now_us(s));
    s->stage = RELAY_PASS;
    return true;
  }
  return false;
}

static void end_front_handshake(struct relay_session *s) {
  char why[LIVE_REASON_MAX + 64];
  char note[sizeof(why) + 8];
  char failure[LIVE_REASON_MAX];
  live_tls_describe(&s->front.tls, failure, sizeof(failure));
  snprintf(why, sizeof(why), "no TLS with the program in front: %s", failure);
  snprintf(note, sizeof(note), "note %s", why);
  relay_write_fact(s, note);
  relay_fail(s, EX_PROTOCOL, why, "eof C");
}

bool relay_shake_front(struct relay_session *s) {
  char details[LIVE_REASON_MAX];
  if (!s->begins_tls && !live_channel_start_server(&s->front, s->config->tls_front)) {
    relay_fail(s, EX_OSERR, "out of memory", "eof C");
    return false;
  }
  s->begins_tls = true;
  enum ehlo_status status = live_channel_handshake(&s->front);
  if (status != EHLO_OK) {
    end_front_handshake(s);
  } else if (live_channel_is_open(&s->front)) {
    s->begins_tls = false;
    live_tls_describe(&s->front.tls, details, sizeof(details));
    gate_secured_front(&s->gate, details, relay_now_us(s));
    return true;
  }
  return false;
}
