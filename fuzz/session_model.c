// The session target's steps, done by the model. See session_model.h.
#include "fuzz/session_model.h"

#include <string.h>

const size_t ehlo_fuzz_room_lens[EHLO_FUZZ_NUM_ROOMS] = {EHLO_BUFFER_MIN, 8192, 24576,
                                                         EHLO_BUFFER_FULL};

// The first octet of an input.
#define SETTING_CLEARTEXT 1  // credentials may go without TLS
#define SETTING_HOLD 2       // output is taken by "A" steps alone
#define SETTING_ROOM 12      // which of four sizes the buffer has, in two bits
#define SETTING_BARE_CR 16   // a bare CR in the message is repaired
#define SETTING_BARE_LF 32   // a bare LF in the message is refused

struct ehlo_fuzz_session_settings ehlo_fuzz_session_settings_read(uint8_t octet) {
  return (struct ehlo_fuzz_session_settings){
      .config =
          {
              .allow_cleartext_auth = (octet & SETTING_CLEARTEXT) != 0,
              .bare_cr = (octet & SETTING_BARE_CR) != 0 ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE,
              .bare_lf =
                  (octet & SETTING_BARE_LF) != 0 ? EHLO_BARE_LF_REFUSE : EHLO_BARE_LF_NORMALISE,
          },
      .hold = (octet & SETTING_HOLD) != 0,
      .room = (octet & SETTING_ROOM) / 4,
  };
}

void ehlo_session_model_begin(struct ehlo_session_model *s,
                              const struct ehlo_fuzz_session_settings *settings) {
  ehlo_model_begin(&s->model, &settings->config, ehlo_fuzz_room_lens[settings->room]);
  s->hold = settings->hold;
  s->num_seen = 0;
  s->num_sent = 0;
  s->num_received = 0;
  s->num_steps = 0;
}

static enum ehlo_status give_server(struct ehlo_session_model *s, struct ehlo_span text) {
  size_t left = EHLO_FUZZ_SERVER_MAX - s->num_received;
  text.len = text.len < left ? text.len : left;
  s->num_received += text.len;
  return text.len == 0 ? EHLO_OK : ehlo_model_input(&s->model, text);
}

static enum ehlo_status end_connection(struct ehlo_session_model *s, char how) {
  return ehlo_model_input_end(&s->model, how == 'r'   ? EHLO_E_RESET
                                         : how == 't' ? EHLO_E_TLS
                                         : how == 'x' ? EHLO_E_CONNECT
                                                      : EHLO_E_CLOSED);
}

static enum ehlo_status send_secret_line(struct ehlo_session_model *s, struct ehlo_span line) {
  struct ehlo_span head;
  struct ehlo_span secret;
  struct ehlo_span tail;
  ehlo_fuzz_split_secret(line, &head, &secret, &tail);
  return ehlo_model_raw_secret(&s->model, head, secret, tail);
}

static enum ehlo_status send_command(struct ehlo_session_model *s, struct ehlo_span line,
                                     bool raw) {
  ehlo_fuzz_command_read(&s->command, line, raw);
  return ehlo_model_command(&s->model, &s->command);
}

static enum ehlo_status apply(struct ehlo_session_model *s, char what, struct ehlo_span text) {
  struct ehlo_model *m = &s->model;
  switch (what) {
    case 'S':
    case 's':
      return give_server(s, text);
    case 'C':
    case 'W':
      return send_command(s, text, what == 'W');
    case 'w':
      return send_secret_line(s, text);
    case 'R':
    case 'r':
      return ehlo_model_respond(m, text, what == 'R');
    case '*':
      return ehlo_model_cancel(m);
    case 'B':
    case 'b':
      s->waits_for_used = s->hold && text.len > 0;
      return text.len > 0 && !s->hold ? ehlo_model_text(m, text, text.len) : EHLO_OK;
    case 'O':
      return text.len > 0 ? ehlo_model_octets(m, text, s->hold) : EHLO_OK;
    case '.':
      return ehlo_model_text_end(m);
    case 'T':
      return ehlo_model_tls_done(m);
    case '+':
      ehlo_model_tick(m, m->now_ms + ehlo_fuzz_number(text, 1000000000));
      return EHLO_OK;
    case 'E':
      return end_connection(s, text.len > 0 ? (char)text.bytes[0] : '\0');
    case 'A':
      ehlo_model_take(m, (size_t)ehlo_fuzz_number(text, 1000000000));
      return EHLO_OK;
    case 'K':
      return EHLO_OK;
    case 'M':
      return ehlo_model_move(m,
                             ehlo_fuzz_room_lens[ehlo_fuzz_number(text, EHLO_FUZZ_NUM_ROOMS - 1)]);
    default:
      s->known = false;
      return EHLO_OK;
  }
}

void ehlo_session_model_step(struct ehlo_session_model *s, struct ehlo_fuzz_step step) {
  ehlo_model_forget_events(&s->model);
  s->num_seen = 0;
  s->num_steps++;
  s->what = step.what;
  s->known = true;
  s->waits_for_used = false;
  s->status = apply(s, step.what, step.text);
  if (s->known && !s->hold) {
    ehlo_model_take(&s->model, SIZE_MAX);
  }
}

void ehlo_session_model_wait(struct ehlo_session_model *s) {
  uint64_t deadline = ehlo_model_deadline(&s->model);
  ehlo_model_forget_events(&s->model);
  s->num_seen = 0;
  if (deadline != EHLO_NEVER) {
    ehlo_model_tick(&s->model, deadline);
  }
}

void ehlo_session_model_see_used(struct ehlo_session_model *s, struct ehlo_span text, size_t used) {
  if (s->waits_for_used) {
    s->status = ehlo_model_text(&s->model, text, used);
  }
}
