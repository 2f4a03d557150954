// How a session of the relay ends, and what is written and told of it.
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/relay_parts.h"
#include "tools/driver/text.h"

#define IDLE_US UINT64_C(600000000)  // RFC 5321 §4.5.3.2.6, the longest wait it has
#define LINGER_US UINT64_C(2000000)  // for a program in front that does not close

// ---- The record ---------------------------------------------------------------------------------

uint64_t relay_now_us(const struct relay_session *s) {
  return live_net_clock_us() - s->start_us;
}

void relay_write_fact(struct relay_session *s, const char *text) {
  ehlo_tap_fact(&s->gate.tap, relay_now_us(s), text, strlen(text));
}

// How it ended; the first end counts.
void relay_write_end(struct relay_session *s, const char *text) {
  if (!s->fact_written) {
    relay_write_fact(s, text);
    s->fact_written = true;
  }
}

static void complain(const struct relay_session *s, const char *what) {
  fprintf(complaints(), "ehlo: %s: ", s->client);
  text_print(complaints(), ehlo_str(what));
  fputc('\n', complaints());
}

// ---- Ends ---------------------------------------------------------------------------------------

void relay_touch(struct relay_session *s) {
  uint64_t wait_us = s->config->timeout_ms > 0 ? (uint64_t)s->config->timeout_ms * 1000 : IDLE_US;
  s->deadline_us = live_net_clock_us() + wait_us;
}

// The server's side is over; the program in front gets what is left for it.
void relay_begin_ending(struct relay_session *s) {
  live_channel_shut(&s->behind);
  live_channel_close(&s->behind, false);
  live_channel_shut(&s->front);
  s->stage = RELAY_ENDING;
  s->deadline_us = live_net_clock_us() + LINGER_US;
}

void relay_reset_both(struct relay_session *s, const char *fact) {
  relay_write_end(s, fact);
  live_channel_close(&s->behind, true);
  live_channel_close(&s->front, true);
  s->stage = RELAY_OVER;
}

// A server that resets once it has said goodbye has lost nothing.
void relay_end_reset_behind(struct relay_session *s) {
  if (ehlo_tap_last_code(&s->gate.tap) != 221) {
    s->status = EX_IOERR;
    complain(s, "the server reset the connection");
  }
  relay_reset_both(s, s->front_is_done ? "eof C" : "reset S");
}

// Nothing passes any more; `end` is the fact for the record.
void relay_fail(struct relay_session *s, int status, const char *why, const char *end) {
  bool tell = s->stage != RELAY_FRONT_TLS && s->gate.state != GATE_BEGINS_FRONT;
  s->status = status;
  complain(s, why);
  if (s->gate.state != GATE_REFUSED && tell) {
    gate_refuse(&s->gate, status, "%s", why);
  }
  relay_write_end(s, end);
  relay_begin_ending(s);
}

// The gate has refused something by itself.
void relay_end_refused(struct relay_session *s) {
  char text[600];
  snprintf(text, sizeof(text), "note %s", s->gate.why);
  s->status = s->gate.status;
  complain(s, s->gate.why);
  relay_write_fact(s, text);
  relay_write_end(s, "eof C");
  relay_begin_ending(s);
}

static int status_of_tls(const struct live_channel *c, enum ehlo_status status) {
  const struct live_verdict *verdict = &c->tls.info.verdict;
  if (c->tls.info.judged && !(verdict->chain_ok && verdict->name_ok)) {
    return EX_CONFIG;
  }
  return status == EHLO_E_TLS ? EX_CONFIG : EX_IOERR;
}

void relay_fail_tls_behind(struct relay_session *s, enum ehlo_status status) {
  char why[LIVE_REASON_MAX];
  char fact[LIVE_REASON_MAX + 16];
  live_tls_describe(&s->behind.tls, why, sizeof(why));
  snprintf(fact, sizeof(fact), "tls failed %s", why);
  relay_fail(s, status_of_tls(&s->behind, status), why, fact);
}
