// See submit_input.h.
#include "fuzz/submit_input.h"

#include <string.h>

// ---- Mechanisms of our own ----------------------------------------------------------------------

static struct ehlo_span text(const char *t) {
  return (struct ehlo_span){(const uint8_t *)t, strlen(t)};
}

static bool x_bind_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                           struct ehlo_response *out) {
  memset(out, 0, sizeof(*out));
  if (auth->step++ == 0) {
    ehlo_auth_put(auth, text("bind"));
    out->parts[out->num_parts++] = (struct ehlo_span){auth->scratch, auth->scratch_len};
    return true;
  }
  if (auth->step > 2) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  auth->proved = challenge != NULL && challenge->len == 2 && memcmp(challenge->bytes, "ok", 2) == 0;
  return auth->proved || ehlo_auth_refuse(auth, EHLO_AUTH_PROOF);
}

static bool x_ends_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                           struct ehlo_response *out) {
  (void)challenge;
  memset(out, 0, sizeof(*out));
  if (auth->step++ > 0) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  ehlo_auth_put(auth, auth->credentials->user);
  ehlo_auth_put(auth, text(" "));
  ehlo_auth_put(auth, text(EHLO_SUBMIT_PASSWORD));
  out->parts[out->num_parts++] = (struct ehlo_span){auth->scratch, auth->scratch_len};
  out->secret = true;
  return true;
}

const struct ehlo_mechanism ehlo_submit_x_bind = {
    .name = "X-BIND",
    .client_first = true,
    .may_go_first = true,
    .reads_challenge = true,
    .binds = true,
    .mutual = true,
    .respond = x_bind_respond,
};

const struct ehlo_mechanism ehlo_submit_x_ends = {
    .name = "X-ENDS",
    .reads_challenge = true,
    .ends_name = true,
    .respond = x_ends_respond,
};

// ---- Settings -----------------------------------------------------------------------------------

static void read_server(struct ehlo_submit_input *in, const uint8_t *data) {
  struct ehlo_server_settings *s = &in->server;
  uint32_t limits = data[2];
  s->lmtp = (data[0] & 4) != 0;
  for (size_t i = 0; i < 2; i++) {
    const uint8_t *offer = data + 4 + 3 * i;
    s->offers[i] = (struct ehlo_server_offer){
        .bits = offer[0] | (uint32_t)offer[1] << 8,
        .mechanisms = offer[2] & 127U,
        .max_rcpts = limits % 8 < 4 ? 0 : limits % 4 + 1,
        .max_mails = limits / 8 % 8 < 4 ? 0 : limits / 8 % 4 + 1,
        .max_domains = in->config.num_messages <= 1 ? limits / 64 : 0,
    };
  }
}

static void read_credentials(struct ehlo_submit_input *in, const uint8_t *data) {
  static const struct ehlo_mechanism *const all[EHLO_SUBMIT_MECHANISMS] = {
      &ehlo_mechanism_plain,    &ehlo_mechanism_login, &ehlo_mechanism_xoauth2,
      &ehlo_mechanism_external, &ehlo_submit_x_bind,   &ehlo_submit_x_ends,
  };
  static const char *const users[] = {"user", "a b", "u\001r", ""};
  static const uint8_t with_nul[] = {'a', 0, 'b'};
  struct ehlo_credentials *c = &in->credentials;
  c->user = text(users[data[10] / 32 % 4]);
  c->password = text(EHLO_SUBMIT_PASSWORD);
  if ((data[10] & 128) != 0) {
    c->password = (struct ehlo_span){with_nul, sizeof(with_nul)};
  }
  if ((data[11] & 64) != 0) {
    c->tls_exporter = text("channel");
  }
  in->config.credentials = (data[10] & 1) != 0 ? c : NULL;
  in->config.auth_attempts = data[10] / 2 % 4;
  in->config.initial_response = (enum ehlo_initial_response)(data[10] / 8 % 4 % 3);
  in->config.num_mechanisms = 1U + data[11] / 8 % 8 % EHLO_SUBMIT_MECHANISMS;
  for (size_t i = 0; i < EHLO_SUBMIT_MECHANISMS; i++) {
    in->mechanisms[i] = all[(data[11] % 8 + i) % EHLO_SUBMIT_MECHANISMS];
  }
  in->config.mechanisms = in->mechanisms;
}

static void read_transport(struct ehlo_submit_input *in, const uint8_t *data) {
  static const enum ehlo_status ends[] = {EHLO_OK, EHLO_E_TIMEOUT, EHLO_E_RESET, EHLO_E_TLS};
  in->transport_end = ends[data[14] % 4];
  in->transport_max =
      in->transport_end == EHLO_OK ? SIZE_MAX : (size_t)data[15] * 8 + data[14] / 4 % 8;
  in->buf_len = (data[0] & 128) != 0 ? EHLO_BUFFER_MIN : 8192;
  in->client.allow_cleartext_auth = (data[0] & 64) != 0;
  // The engine is seldom told more than an octet at a time what it cannot tell from a whole reply.
  in->cuts =
      (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)(data[3] % 4 % EHLO_FUZZ_NUM_CUTS), data[3]};
}

// An address: its own letters, its numbers, and a domain.
static size_t put_address(char *out, const uint8_t *data, char kind, size_t message, size_t k) {
  size_t n = 0;
  out[n++] = kind;
  out[n++] = (char)('0' + message);
  if (kind == 'r') {
    out[n++] = '.';
    out[n++] = (char)('0' + k);
  }
  out[n++] = '@';
  out[n++] = (data[13] & 4) != 0 ? (char)('x' + k % 3) : 'x';
  if (message == 0 && (data[13] & 1) != 0) {
    memcpy(out + n, "\xc3\xa9", 2);
    n += 2;
  }
  if (message == 1 && (data[13] & 2) != 0) {
    out[n++] = '(';
  }
  out[n] = '\0';
  return n;
}

static void read_config(struct ehlo_submit_input *in, const uint8_t *data) {
  static const uint8_t num_messages[] = {1, 2, 3, 4, 5, 0, 2, 3};
  static const uint8_t num_to[] = {1, 2, 3, 4, 5, 6, 0, 2};
  static const enum ehlo_tls_mode modes[] = {EHLO_TLS_NONE, EHLO_TLS_STARTTLS, EHLO_TLS_IMPLICIT,
                                             EHLO_TLS_IMPLICIT};
  static const enum ehlo_transfer transfers[] = {EHLO_TRANSFER_DATA, EHLO_TRANSFER_AUTO,
                                                 EHLO_TRANSFER_BDAT, EHLO_TRANSFER_AUTO};
  struct ehlo_submit_config *c = &in->config;
  unsigned stop = data[12] % 16;
  c->helo_name = text("c.example");
  c->num_messages = num_messages[data[1] % 8];
  in->num_to = num_to[data[1] / 8 % 8];
  c->lmtp = (data[0] & 4) != 0;
  c->tls = modes[data[0] % 4];
  c->transfer = transfers[data[0] / 8 % 4];
  c->force = (data[0] & 32) != 0;
  c->xclient = text((data[11] & 128) != 0 ? "NAME=x" : "");
  c->stop = stop >= 1 && stop <= EHLO_STAGE_DATA + 1 && c->num_messages <= 1;
  c->stop_after = c->stop ? (enum ehlo_stage)(stop - 1) : EHLO_STAGE_CONNECT;
  in->tls_begins = data[0] % 4 == 2;
}

static void read_message(struct ehlo_submit_input *in, const uint8_t *data, size_t i) {
  static const char *const mail_params[] = {"", "RET=HDRS", "REQUIRETLS", "X-A=1"};
  static const char *const rcpt_params[] = {"", "NOTIFY=NEVER", "X-B", "NOTIFY=DELAY,NEVER"};
  struct ehlo_server_message *m = &in->server.messages[i];
  m->is_8bit = i == 1 && (data[1] & 128) != 0;
  m->is_binary = i == 2 && (data[1] & 128) != 0;
  m->sized = (data[1] & 64) == 0;
  m->params = mail_params[data[12] / 16 % 4];
  m->rcpt_params = rcpt_params[data[12] / 64];
  put_address(in->addresses[i][EHLO_SERVER_RECIPIENTS_MAX], data, 's', i, 0);
  for (size_t k = 0; k < in->num_to; k++) {
    put_address(in->addresses[i][k], data, 'r', i, k);
  }
}

void ehlo_submit_input_read(struct ehlo_submit_input *in, const uint8_t *data) {
  memset(in, 0, sizeof(*in));
  read_config(in, data);
  read_server(in, data);
  read_credentials(in, data);
  read_transport(in, data);
  for (size_t i = 0; i < in->config.num_messages; i++) {
    read_message(in, data, i);
  }
}

void ehlo_submit_input_address(const struct ehlo_submit_input *in, struct ehlo_submit_config *out,
                               struct ehlo_message *messages,
                               struct ehlo_recipient (*to)[EHLO_SERVER_RECIPIENTS_MAX]) {
  *out = in->config;
  out->messages = messages;
  for (size_t i = 0; i < out->num_messages; i++) {
    const struct ehlo_server_message *m = &in->server.messages[i];
    messages[i] = (struct ehlo_message){
        .from = text(in->addresses[i][EHLO_SERVER_RECIPIENTS_MAX]),
        .params = text(m->params),
        .to = to[i],
        .num_to = in->num_to,
        .size = m->sized ? ehlo_mail_server_wanted(m, i).len : 0,
        .is_8bit = m->is_8bit,
        .is_binary = m->is_binary,
    };
    for (size_t k = 0; k < in->num_to; k++) {
      to[i][k] = (struct ehlo_recipient){.address = text(in->addresses[i][k]),
                                         .params = text(m->rcpt_params)};
    }
  }
}
