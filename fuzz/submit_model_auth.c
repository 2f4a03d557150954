// See submit_model.h. This file has AUTH: which mechanism, what it responds, and what becomes of it.
#include <string.h>

#include "fuzz/submit_model.h"

static void put(struct ehlo_submit_model *m, const void *bytes, size_t len) {
  EHLO_FUZZ_CHECK(len <= sizeof(m->line) - m->line_len);
  memcpy(m->line + m->line_len, bytes, len);
  m->line_len += len;
}

// Text in base64, at the end of the line.
static void put_base64(struct ehlo_submit_model *m, const uint8_t *bytes, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < len; i += 3) {
    size_t n = len - i < 3 ? len - i : 3;
    uint32_t group = (uint32_t)bytes[i] << 16 | (n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                     (n > 2 ? bytes[i + 2] : 0);
    char out[4];
    for (size_t k = 0; k < 4; k++) {
      out[k] = k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    put(m, out, 4);
  }
}

// ---- AUTH ---------------------------------------------------------------------------------------

static bool is_usable(const struct ehlo_submit_model *m, const struct ehlo_mechanism *mechanism) {
  return !mechanism->binds || (m->secure && m->in->credentials.tls_exporter.len > 0);
}

static size_t place(const struct ehlo_mechanism *mechanism) {
  size_t i = 0;
  while (strcmp(ehlo_server_mechanisms[i], mechanism->name) != 0) {
    i++;
  }
  return i;
}

// Whether a name or a password has an octet that the mechanism cannot send.
static bool can_carry(const struct ehlo_submit_model *m, size_t mechanism) {
  struct ehlo_span user = m->in->credentials.user;
  bool control = user.len > 0 && memchr(user.bytes, 1, user.len) != NULL;
  bool nul = memchr(m->in->credentials.password.bytes, 0, m->in->credentials.password.len) != NULL;
  const bool cannot[] = {nul, nul, nul || control, control, false, false};
  return !cannot[mechanism];
}

// The mechanism to use next, from the last one on, in the order of the list; where a blank in the name
// matters, those that it hurts come after all others. num_mechanisms: there is none.
static size_t next_mechanism(const struct ehlo_submit_model *m) {
  const struct ehlo_submit_config *c = &m->in->config;
  struct ehlo_span user = m->in->credentials.user;
  bool blank = m->secure && user.len > 0 && memchr(user.bytes, ' ', user.len) != NULL;
  for (int last = 0; last <= 1; last++) {
    for (size_t i = m->next_mechanism; i < c->num_mechanisms; i++) {
      const struct ehlo_mechanism *next = c->mechanisms[i];
      if ((m->offer.mechanisms >> place(next) & 1) != 0 && is_usable(m, next) &&
          (blank && next->ends_name) == (last == 1)) {
        return i;
      }
    }
  }
  return c->num_mechanisms;
}

static const struct ehlo_mechanism *current(const struct ehlo_submit_model *m) {
  return m->in->config.mechanisms[m->next_mechanism - 1];
}

// Response number `m->step`, in base64 or, if it is empty, nothing. False: there is none.
static bool put_response(struct ehlo_submit_model *m) {
  const struct ehlo_credentials *c = &m->in->credentials;
  uint8_t b[64];
  size_t n = 0;
#define ADD(bytes_, len_) \
  (memcpy(b + n, (len_) > 0 ? (const void *)(bytes_) : (const void *)"", (len_)), n += (len_))
  bool secret = false;
  switch (m->mechanism * 4 + m->step) {
    case 0:  // PLAIN, RFC 4616
      ADD("\0", 1);
      ADD(c->user.bytes, c->user.len);
      ADD("\0", 1);
      ADD(c->password.bytes, c->password.len);
      secret = true;
      break;
    case 4:  // LOGIN
      ADD(c->user.bytes, c->user.len);
      break;
    case 5:
      ADD(c->password.bytes, c->password.len);
      secret = true;
      break;
    case 8:  // XOAUTH2
      ADD("user=", 5);
      ADD(c->user.bytes, c->user.len);
      ADD("\001auth=Bearer ", 13);
      ADD(c->password.bytes, c->password.len);
      ADD("\001\001", 2);
      secret = true;
      break;
    case 9:
      break;
    case 12:  // EXTERNAL
      ADD(c->user.bytes, c->user.len);
      break;
    case 16:  // X-BIND
      ADD("bind", 4);
      break;
    case 17:
      break;
    case 20:  // X-ENDS
      ADD(c->user.bytes, c->user.len);
      ADD(" " EHLO_SUBMIT_PASSWORD, 1 + sizeof(EHLO_SUBMIT_PASSWORD) - 1);
      secret = true;
      break;
    default:
      return false;
  }
#undef ADD
  size_t before = m->line_len;
  put_base64(m, b, n);
  m->line_secret = secret ? m->line_len - before : 0;
  m->step++;
  return true;
}

static void begin_auth(struct ehlo_submit_model *m, enum ehlo_outcome if_none, int problem);

static void attempt(struct ehlo_submit_model *m, const struct ehlo_mechanism *mechanism) {
  enum ehlo_initial_response initial = m->in->config.initial_response;
  bool first = initial == EHLO_INITIAL_ALWAYS
                   ? mechanism->may_go_first
                   : initial == EHLO_INITIAL_AUTO && mechanism->client_first;
  m->attempts++;
  m->mechanism = (unsigned)place(mechanism);
  m->step = 0;
  m->challenges = 0;
  m->proved = false;
  m->cannot_carry = false;
  if (first && !can_carry(m, m->mechanism)) {
    begin_auth(m, EHLO_OUTCOME_USAGE, EHLO_PROBLEM_CREDENTIALS);
    return;
  }
  if (!m->secure && !m->in->client.allow_cleartext_auth) {
    ehlo_model_end_all(m, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_AUTH, EHLO_PROBLEM_CLEARTEXT);
    return;
  }
  ehlo_model_want(m, EHLO_MODEL_AUTH, "AUTH ",
                  (struct ehlo_span){(const uint8_t *)mechanism->name, strlen(mechanism->name)});
  if (first) {
    put(m, " ", 1);
    put_response(m);
    if (m->line[m->line_len - 1] == ' ') {
      put(m, "=", 1);
    }
  }
}

// The next mechanism that fits, if there is one and an attempt is left.
static void begin_auth(struct ehlo_submit_model *m, enum ehlo_outcome if_none, int problem) {
  unsigned attempts = m->in->config.auth_attempts;
  if (m->attempts < (attempts == 0 ? 1 : attempts)) {
    size_t i = next_mechanism(m);
    if (i < m->in->config.num_mechanisms) {
      m->next_mechanism = i + 1;
      attempt(m, m->in->config.mechanisms[i]);
      return;
    }
  }
  ehlo_model_end_all(m, if_none, EHLO_STAGE_AUTH, problem);
}

void ehlo_model_want_auth(struct ehlo_submit_model *m) {
  bool offered = m->offer.mechanisms != 0 || (m->offer.bits & EHLO_OFFER_AUTH) != 0;
  begin_auth(m, EHLO_OUTCOME_AUTH_REFUSED,
             offered ? EHLO_PROBLEM_NO_MECHANISM : EHLO_PROBLEM_NO_AUTH);
}

// `*`. What the mechanism cannot carry another one may.
static void cancel(struct ehlo_submit_model *m, int problem, bool cannot_carry) {
  bool another =
      m->attempts < m->in->config.auth_attempts && next_mechanism(m) < m->in->config.num_mechanisms;
  m->cannot_carry = cannot_carry && another;
  if (!m->cannot_carry) {
    ehlo_model_end_all(m, cannot_carry ? EHLO_OUTCOME_USAGE : EHLO_OUTCOME_AUTH_REFUSED,
                       EHLO_STAGE_AUTH, problem);
  }
  ehlo_model_want(m, EHLO_MODEL_CANCEL, "*", ehlo_model_nothing);
}

// The text of a challenge; the server of this target says these.
static bool is_base64(const char *text) {
  return text[0] == '\0' || strcmp(text, " ") == 0 || strcmp(text, " b2s=") == 0 ||
         strcmp(text, " Zm9v") == 0;
}

static void on_challenge(struct ehlo_submit_model *m, const struct ehlo_server_reply *reply,
                         bool whole) {
  const struct ehlo_mechanism *mechanism = current(m);
  bool readable = whole && is_base64(reply->text);
  if (mechanism->reads_challenge && !readable) {
    cancel(m, EHLO_PROBLEM_CHALLENGE, false);
    return;
  }
  if (m->step == 0 && !can_carry(m, m->mechanism)) {
    cancel(m, EHLO_PROBLEM_CREDENTIALS, true);
    return;
  }
  if (mechanism->mutual && m->step == 1) {
    m->proved = strcmp(reply->text, " b2s=") == 0;
    if (!m->proved) {
      cancel(m, EHLO_PROBLEM_PROOF, false);
      return;
    }
  }
  ehlo_model_want(m, EHLO_MODEL_AUTH, "", ehlo_model_nothing);
  if (!put_response(m)) {
    cancel(m, EHLO_PROBLEM_CHALLENGE, false);
  }
}

void ehlo_model_on_auth_reply(struct ehlo_submit_model *m, const struct ehlo_server_reply *reply,
                              bool whole) {
  unsigned code = reply->code;
  if (code == 334) {
    on_challenge(m, reply, whole);
  } else if (code / 100 == 2) {
    const struct ehlo_mechanism *mechanism = current(m);
    if (mechanism->mutual && !m->proved) {
      ehlo_model_end_all(m, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH, EHLO_PROBLEM_PROOF);
    } else if (!ehlo_model_stops(m, EHLO_STAGE_AUTH)) {
      ehlo_model_begin_envelopes(m);
    }
  } else if (code / 100 == 4) {
    ehlo_model_end_by_code(m, code, EHLO_STAGE_AUTH);
  } else {
    begin_auth(m, EHLO_OUTCOME_AUTH_REFUSED, EHLO_PROBLEM_NONE);
  }
}

void ehlo_model_on_cancelled(struct ehlo_submit_model *m, unsigned code) {
  if (code == 334) {
    ehlo_model_want(m, EHLO_MODEL_CANCEL, "*", ehlo_model_nothing);
  } else if (m->cannot_carry && code / 100 == 5) {
    begin_auth(m, EHLO_OUTCOME_USAGE, EHLO_PROBLEM_CREDENTIALS);
  } else if (m->cannot_carry && code / 100 == 4) {
    ehlo_model_end_by_code(m, code, EHLO_STAGE_AUTH);
  } else {
    ehlo_model_end_all(m, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH, EHLO_PROBLEM_CHALLENGE);
  }
}

// engine/SPECIFICATION.md: "A whole reply".
bool ehlo_model_is_challenge_too_many(struct ehlo_submit_model *m, enum ehlo_model_command command,
                                      unsigned code) {
  bool challenge = command == EHLO_MODEL_AUTH || command == EHLO_MODEL_CANCEL;
  m->challenges += challenge && code == 334;
  return m->challenges > 8;
}
