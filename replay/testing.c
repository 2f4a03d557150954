// See testing.h. A turn without `client` comes at once, so a server may speak first or twice.
#include "replay/testing.h"

#include <string.h>

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool turn_has_come(const struct ehlo_scripted *s) {
  if (s->turn == s->num_turns) {
    return false;
  }
  const char *client = s->turns[s->turn].client;
  size_t len = s->got_len - s->got_at_turn;
  return strlen(client) == len && memcmp(client, s->got + s->got_at_turn, len) == 0;
}

static size_t take(struct ehlo_scripted *s, const struct ehlo_output *out) {
  size_t n = least(least(out->span.len, s->out_max), s->out_limit - s->got_len);
  if (n > 0) {
    memcpy(s->got + s->got_len, out->span.bytes, n);
    s->got_len += n;
  }
  return n;
}

static size_t give(struct ehlo_scripted *s, uint8_t *in, size_t in_cap) {
  const struct ehlo_turn *turn = &s->turns[s->turn];
  const char *text = turn->server + s->server_pos;
  size_t n = least(least(strlen(text), s->in_max), in_cap);
  memcpy(in, text, n);
  s->server_pos += n;
  if (text[n] == '\0') {
    s->turn++;
    s->server_pos = 0;
    s->replying = false;
    s->got_at_turn = s->got_len;
  }
  return n;
}

static enum ehlo_status scripted_exchange(struct ehlo_transport *t, size_t *out_taken,
                                          size_t *in_len, const struct ehlo_output *out,
                                          uint8_t *in, size_t in_cap, uint64_t deadline_ms) {
  struct ehlo_scripted *s = (struct ehlo_scripted *)t;
  s->num_exchanges++;
  *in_len = 0;
  *out_taken = take(s, out);
  if (*out_taken > 0) {
    return EHLO_OK;
  }
  if (s->replying || turn_has_come(s)) {
    if (!s->replying) {
      s->replying = true;
      s->now_us += s->turns[s->turn].delay_ms * 1000;
    }
    *in_len = give(s, in, in_cap);
    return EHLO_OK;
  }
  if (s->turn == s->num_turns && s->end != EHLO_OK) {
    return s->end;
  }
  if (deadline_ms == EHLO_NEVER) {
    return EHLO_E_STATE;  // it would wait without end
  }
  s->now_us = deadline_ms * 1000;
  return EHLO_E_TIMEOUT;
}

static enum ehlo_status scripted_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct ehlo_scripted *s = (struct ehlo_scripted *)t;
  (void)deadline_ms;
  s->num_handshakes++;
  return s->tls;
}

static void scripted_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  (void)t;
  if (cap > 0) {
    out[0] = '\0';
  }
}

static void scripted_close(struct ehlo_transport *t) {
  (void)t;
}

static uint64_t scripted_now_us(struct ehlo_transport *t) {
  return ((struct ehlo_scripted *)t)->now_us;
}

void ehlo_scripted_init(struct ehlo_scripted *s, const struct ehlo_turn *turns, size_t num_turns) {
  static const struct ehlo_transport_ops ops = {
      .exchange = scripted_exchange,
      .start_tls = scripted_start_tls,
      .describe_tls = scripted_describe_tls,
      .close = scripted_close,
      .now_us = scripted_now_us,
  };
  memset(s, 0, sizeof(*s));
  s->base.ops = &ops;
  s->turns = turns;
  s->num_turns = num_turns;
  s->out_max = SIZE_MAX;
  s->in_max = SIZE_MAX;
  s->out_limit = EHLO_SCRIPTED_BYTES_MAX;
}
