// The order of a submission: greeting, EHLO, STARTTLS, EHLO, AUTH, envelope, message, QUIT. Each
// step is taken when the one before has its reply, or at once where the server pipelines.
#include <string.h>

#include "engine/submit_parts.h"

void ehlo_submit_init(struct ehlo_submit *s, const struct ehlo_submit_config *cfg) {
  memset(s, 0, sizeof(*s));
  s->config = *cfg;
  s->auth.credentials = cfg->credentials;
}

void ehlo_submit_decide(struct ehlo_submit *s, enum ehlo_outcome outcome, enum ehlo_stage stage) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->outcome = outcome;
    s->stage = stage;
  }
}

void ehlo_submit_decide_problem(struct ehlo_submit *s, enum ehlo_outcome outcome,
                                enum ehlo_stage stage, enum ehlo_submit_problem problem) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->problem = problem;
  }
  ehlo_submit_decide(s, outcome, stage);
}

// A reply of class 4 or 5 decides.
void ehlo_submit_decide_refused(struct ehlo_submit *s, enum ehlo_stage stage, uint16_t code) {
  ehlo_submit_decide(s, code / 100 == 4 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED, stage);
}

// The client would not send this: the caller's mistake, found before a byte left.
void ehlo_submit_decide_unsendable(struct ehlo_submit *s, enum ehlo_stage stage,
                                   enum ehlo_status status) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->status = status;
  }
  ehlo_submit_decide_problem(s, EHLO_OUTCOME_USAGE, stage, EHLO_PROBLEM_ARGUMENT);
}

void ehlo_submit_enter(struct ehlo_submit *s, enum ehlo_stage stage) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->stage = stage;
  }
}

// Whether the caller wanted to get no further than `stage`, which was now reached. A stage that
// this session has not got (STARTTLS without it, AUTH without credentials) is reached with the next.
bool ehlo_submit_stop_at(struct ehlo_submit *s, enum ehlo_stage stage) {
  if (!s->config.stop || s->config.stop_after > stage) {
    return false;
  }
  ehlo_submit_decide(s, EHLO_OUTCOME_STOPPED, stage);
  return true;
}

static bool goes_beyond(const struct ehlo_submit *s, enum ehlo_stage stage) {
  return !s->config.stop || s->config.stop_after > stage;
}

// ---- Hello and TLS ----------------------------------------------------------------------------------

static void send_hello(struct ehlo_submit *s, struct ehlo_client *c, bool helo) {
  ehlo_submit_enter(s, EHLO_STAGE_EHLO);
  s->helo_sent = helo;
  enum ehlo_status status =
      helo ? ehlo_send_helo(c, s->config.helo_name) : ehlo_send_ehlo(c, s->config.helo_name);
  if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_EHLO, status);
  }
}

static bool needs_starttls(const struct ehlo_submit *s, const struct ehlo_client *c) {
  return s->config.tls == EHLO_TLS_STARTTLS && !ehlo_client_is_secure(c);
}

static void send_starttls(struct ehlo_submit *s, struct ehlo_client *c) {
  ehlo_submit_enter(s, EHLO_STAGE_STARTTLS);
  if (ehlo_send_starttls(c) != EHLO_OK) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS,
                               EHLO_PROBLEM_NO_STARTTLS);
  }
}

// RFC 5321 §3.2: a server that does not know EHLO gets HELO. Without EHLO there is no STARTTLS, so
// where that is required there is nothing to fall back to.
static void on_hello_refused(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code) {
  bool unknown = code == 500 || code == 502 || code == 504;
  if (needs_starttls(s, c) && unknown) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS,
                               EHLO_PROBLEM_NO_STARTTLS);
  } else if (code / 100 == 5 && !s->helo_sent && !needs_starttls(s, c)) {
    send_hello(s, c, true);
  } else {
    ehlo_submit_decide_refused(s, EHLO_STAGE_EHLO, code);
  }
}

// ---- The envelope -----------------------------------------------------------------------------------

static bool is_ascii(struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.bytes[i] >= 0x80) {
      return false;
    }
  }
  return true;
}

static bool needs_smtputf8(const struct ehlo_submit *s) {
  bool ascii = is_ascii(s->config.from);
  for (size_t i = 0; ascii && i < s->config.num_to; i++) {
    ascii = is_ascii(s->config.to[i]);
  }
  return !ascii;
}

#define MAIL_PARAMS_MAX 80

static void add_text(char *out, size_t *len, const char *text) {
  size_t n = strlen(text);
  if (*len > 0) {
    out[(*len)++] = ' ';
  }
  memcpy(out + *len, text, n);
  *len += n;
}

static void add_size(char *out, size_t *len, uint64_t size) {
  char digits[21];
  size_t at = sizeof(digits) - 1;
  digits[at] = '\0';
  do {
    digits[--at] = (char)('0' + size % 10);
    size /= 10;
  } while (size > 0);
  add_text(out, len, "SIZE=");
  memcpy(out + *len, digits + at, sizeof(digits) - 1 - at);
  *len += sizeof(digits) - 1 - at;
}

static void send_mail(struct ehlo_submit *s, struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  char params[MAIL_PARAMS_MAX];
  size_t len = 0;
  if (caps->size && s->config.message_size > 0) {
    add_size(params, &len, s->config.message_size);
  }
  if (s->config.message_is_8bit && caps->eight_bit_mime) {
    add_text(params, &len, "BODY=8BITMIME");
  }
  if (needs_smtputf8(s) && caps->smtputf8) {
    add_text(params, &len, "SMTPUTF8");
  }
  enum ehlo_status status =
      ehlo_send_mail(c, s->config.from, (struct ehlo_span){(const uint8_t *)params, len});
  s->mail_sent = status == EHLO_OK;
  if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_MAIL, status);
  }
}

// Recipients as far as order and room allow: all in one flight where the server pipelines.
static void send_recipients(struct ehlo_submit *s, struct ehlo_client *c) {
  while (s->num_rcpt_sent < s->config.num_to && ehlo_client_may_send(c, EHLO_VERB_RCPT)) {
    enum ehlo_status status = ehlo_send_rcpt(c, s->config.to[s->num_rcpt_sent], ehlo_str(""));
    if (status == EHLO_E_FULL) {
      return;
    }
    if (status != EHLO_OK) {
      ehlo_submit_decide_unsendable(s, EHLO_STAGE_RCPT, status);
      return;
    }
    s->num_rcpt_sent++;
  }
}

static void continue_envelope(struct ehlo_submit *s, struct ehlo_client *c) {
  if (s->outcome != EHLO_OUTCOME_OPEN || s->data_sent) {
    return;
  }
  if (!s->mail_sent) {
    send_mail(s, c);
  }
  if (s->mail_sent && goes_beyond(s, EHLO_STAGE_MAIL)) {
    send_recipients(s, c);
  }
  if (s->num_rcpt_sent == s->config.num_to && s->outcome == EHLO_OUTCOME_OPEN &&
      goes_beyond(s, EHLO_STAGE_RCPT) && ehlo_client_may_send(c, EHLO_VERB_DATA)) {
    s->data_sent = ehlo_send_data(c) == EHLO_OK;
  }
}

// RFC 1870 §5 and RFC 6152 §3: what the server said it will not take is not begun.
static void begin_envelope(struct ehlo_submit *s, struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  if (ehlo_submit_stop_at(s, EHLO_STAGE_AUTH)) {
    return;
  }
  ehlo_submit_enter(s, EHLO_STAGE_MAIL);
  if (s->config.num_to == 0 && goes_beyond(s, EHLO_STAGE_MAIL)) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_RCPT, EHLO_E_ARGUMENT);  // a message for nobody
  } else if (!s->config.force && caps->max_size > 0 && s->config.message_size > caps->max_size) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_REFUSED, EHLO_STAGE_MAIL, EHLO_PROBLEM_TOO_BIG);
  } else if (!s->config.force && s->config.message_is_8bit && !caps->eight_bit_mime) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_USAGE, EHLO_STAGE_MAIL, EHLO_PROBLEM_8BIT);
  }
  continue_envelope(s, c);
}

static void on_rcpt_reply(struct ehlo_submit *s, uint16_t code) {
  s->num_rcpt_replies++;
  s->num_accepted += code / 100 == 2;
  s->num_deferred += code / 100 == 4;
  ehlo_submit_enter(s, EHLO_STAGE_RCPT);
  if (s->num_rcpt_replies < s->config.num_to) {
    return;
  }
  if (s->num_accepted > 0) {
    ehlo_submit_stop_at(s, EHLO_STAGE_RCPT);
  } else {
    // With a temporary refusal among them, trying again may help.
    ehlo_submit_decide(s, s->num_deferred > 0 ? EHLO_OUTCOME_DEFERRED : EHLO_OUTCOME_REFUSED,
                       EHLO_STAGE_RCPT);
  }
}

// ---- Replies ----------------------------------------------------------------------------------------

static void after_hello(struct ehlo_submit *s, struct ehlo_client *c) {
  if (ehlo_submit_stop_at(s, EHLO_STAGE_EHLO)) {
    return;
  }
  if (needs_starttls(s, c)) {
    send_starttls(s, c);
  } else if (ehlo_submit_stop_at(s, EHLO_STAGE_TLS)) {
    return;
  } else if (s->config.credentials != NULL) {
    ehlo_submit_begin_auth(s, c);
  } else {
    begin_envelope(s, c);
  }
}

static void on_greeting(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code) {
  ehlo_submit_enter(s, EHLO_STAGE_GREETING);
  if (s->config.tls == EHLO_TLS_IMPLICIT && !ehlo_client_is_secure(c)) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_TLS, EHLO_PROBLEM_NO_TLS);
  } else if (ehlo_submit_stop_at(s, EHLO_STAGE_CONNECT)) {
    return;
  } else if (code != 220) {
    ehlo_submit_decide_refused(s, EHLO_STAGE_GREETING, code);
  } else if (!ehlo_submit_stop_at(s, EHLO_STAGE_GREETING)) {
    send_hello(s, c, false);
  }
}

static void on_auth_reply(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code) {
  if (code / 100 == 4) {
    ehlo_submit_decide(s, EHLO_OUTCOME_DEFERRED, EHLO_STAGE_AUTH);
  } else if (code / 100 == 5) {
    ehlo_submit_decide(s, EHLO_OUTCOME_AUTH_REFUSED, EHLO_STAGE_AUTH);
  } else if (s->outcome == EHLO_OUTCOME_OPEN) {
    begin_envelope(s, c);
  }
}

static void on_mail_reply(struct ehlo_submit *s, uint16_t code) {
  ehlo_submit_enter(s, EHLO_STAGE_MAIL);
  if (code / 100 == 2) {
    ehlo_submit_stop_at(s, EHLO_STAGE_MAIL);
  } else {
    ehlo_submit_decide_refused(s, EHLO_STAGE_MAIL, code);
  }
}

static void on_data_reply(struct ehlo_submit *s, uint16_t code) {
  ehlo_submit_enter(s, EHLO_STAGE_DATA);
  if (code != 354) {
    ehlo_submit_decide_refused(s, EHLO_STAGE_DATA, code);
  } else if (ehlo_submit_stop_at(s, EHLO_STAGE_DATA)) {
    s->finished = true;  // QUIT would be message text here: only closing takes the message back
  }
}

static void on_body_reply(struct ehlo_submit *s, uint16_t code) {
  if (code / 100 != 2) {
    ehlo_submit_decide_refused(s, EHLO_STAGE_BODY, code);
  } else {
    bool all = s->num_accepted == s->config.num_to;
    ehlo_submit_decide(s, all ? EHLO_OUTCOME_ACCEPTED : EHLO_OUTCOME_PARTIAL, EHLO_STAGE_QUIT);
  }
}

static void on_reply(struct ehlo_submit *s, struct ehlo_client *c, const struct ehlo_event *event) {
  uint16_t code = event->reply.code;
  switch (event->verb) {
    case EHLO_VERB_GREETING:
      on_greeting(s, c, code);
      break;
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
      if (code / 100 == 2) {
        after_hello(s, c);
      } else {
        on_hello_refused(s, c, code);
      }
      break;
    case EHLO_VERB_STARTTLS:
      if (code != 220) {
        ehlo_submit_decide(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS);
      }
      break;
    case EHLO_VERB_AUTH:
      on_auth_reply(s, c, code);
      break;
    case EHLO_VERB_MAIL:
      on_mail_reply(s, code);
      break;
    case EHLO_VERB_RCPT:
      on_rcpt_reply(s, code);
      break;
    case EHLO_VERB_DATA:
      on_data_reply(s, code);
      break;
    case EHLO_VERB_BODY:
      on_body_reply(s, code);
      break;
    case EHLO_VERB_NONE:
    case EHLO_VERB_BDAT:
    case EHLO_VERB_RSET:
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_LHLO:
    case EHLO_VERB_ETRN:
    case EHLO_VERB_XCLIENT:
    case EHLO_VERB_QUIT:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      break;
  }
}

// RFC 5321 §3.8: the server is closing, whatever was asked.
static void on_421(struct ehlo_submit *s, const struct ehlo_event *event) {
  if (event->verb == EHLO_VERB_RCPT) {
    ehlo_submit_enter(s, EHLO_STAGE_RCPT);
  } else if (event->verb == EHLO_VERB_GREETING) {
    ehlo_submit_enter(s, EHLO_STAGE_GREETING);
  } else if (event->verb == EHLO_VERB_DATA) {
    ehlo_submit_enter(s, EHLO_STAGE_DATA);
  }
  ehlo_submit_decide(s, EHLO_OUTCOME_DEFERRED, s->stage);
}

// ---- Ends -------------------------------------------------------------------------------------------

static enum ehlo_outcome outcome_of_failure(const struct ehlo_submit *s,
                                            const struct ehlo_error *error) {
  if (ehlo_status_class(error->status) != EHLO_CLASS_TRANSPORT) {
    return EHLO_OUTCOME_PROTOCOL_ERROR;
  }
  if (error->status == EHLO_E_CONNECT) {
    return EHLO_OUTCOME_CONNECT_FAILED;
  }
  if (error->verb == EHLO_VERB_BODY && error->verb_sent && s->num_accepted > 0) {
    return EHLO_OUTCOME_UNKNOWN;
  }
  if (error->status == EHLO_E_TIMEOUT) {
    return EHLO_OUTCOME_TIMEOUT;
  }
  bool handshake = s->stage == EHLO_STAGE_TLS;
  return error->status == EHLO_E_TLS && handshake ? EHLO_OUTCOME_TLS_FAILED : EHLO_OUTCOME_LOST;
}

static void on_failure(struct ehlo_submit *s, struct ehlo_client *c,
                       const struct ehlo_error *error) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->status = error->status;
  }
  bool implicit_handshake = s->config.tls == EHLO_TLS_IMPLICIT && !ehlo_client_is_secure(c);
  if (error->status == EHLO_E_STARTTLS_INJECTION) {
    ehlo_submit_enter(s, EHLO_STAGE_STARTTLS);  // TLS never began
  } else if (implicit_handshake && error->status != EHLO_E_CONNECT) {
    ehlo_submit_enter(s, EHLO_STAGE_TLS);
  } else if (error->verb == EHLO_VERB_GREETING && error->status != EHLO_E_CONNECT) {
    ehlo_submit_enter(s, EHLO_STAGE_GREETING);
  } else if (error->verb == EHLO_VERB_RCPT) {
    ehlo_submit_enter(s, EHLO_STAGE_RCPT);
  } else if (error->verb == EHLO_VERB_DATA) {
    ehlo_submit_enter(s, EHLO_STAGE_DATA);
  }
  ehlo_submit_decide(s, outcome_of_failure(s, error), s->stage);
  s->finished = true;
}

static void say_goodbye(struct ehlo_submit *s, struct ehlo_client *c) {
  if (!s->quit_sent && !s->finished && ehlo_client_may_send(c, EHLO_VERB_QUIT)) {
    s->quit_sent = ehlo_send_quit(c) == EHLO_OK;
  }
}

// Nothing happened: takes the next step where one is due. A step that decides is followed by QUIT
// at once, since no event may come to do it later.
static void advance(struct ehlo_submit *s, struct ehlo_client *c) {
  bool open = s->outcome == EHLO_OUTCOME_OPEN;
  if (open && s->stage == EHLO_STAGE_TLS && ehlo_client_is_secure(c)) {
    if (!ehlo_submit_stop_at(s, EHLO_STAGE_STARTTLS)) {
      send_hello(s, c, false);
    }
  } else if (open && s->mail_sent) {
    continue_envelope(s, c);
  }
  bool ending = s->stage == EHLO_STAGE_BODY;  // QUIT is legal there behind the final dot only
  if (ending || s->outcome != EHLO_OUTCOME_OPEN) {
    say_goodbye(s, c);
  }
}

enum ehlo_status ehlo_submit_body_end(struct ehlo_submit *s, struct ehlo_client *c) {
  enum ehlo_status status = ehlo_send_body_end(c);
  if (status == EHLO_OK) {
    say_goodbye(s, c);
  }
  return status;
}

void ehlo_submit_abandon(struct ehlo_submit *s, enum ehlo_status why) {
  if (s->outcome == EHLO_OUTCOME_OPEN) {
    s->status = why;
  }
  ehlo_submit_decide_problem(s, EHLO_OUTCOME_USAGE, EHLO_STAGE_BODY, EHLO_PROBLEM_MESSAGE);
  s->finished = true;
}

// 354 came. RFC 2920 §3.1: with no recipient accepted, an empty message takes the DATA back.
static bool body_is_wanted(struct ehlo_submit *s, struct ehlo_client *c) {
  if (s->finished) {
    return false;
  }
  if (s->outcome != EHLO_OUTCOME_OPEN) {
    ehlo_send_body_end(c);
    return false;
  }
  ehlo_submit_enter(s, EHLO_STAGE_BODY);
  return true;
}

enum ehlo_event_type ehlo_submit_next(struct ehlo_submit *s, struct ehlo_client *c,
                                      struct ehlo_event *out) {
  enum ehlo_event_type type = ehlo_next(c, out);
  if (type == EHLO_EVENT_BODY_WANTED && !body_is_wanted(s, c)) {
    type = ehlo_next(c, out);
  }
  switch (type) {
    case EHLO_EVENT_NONE:
      advance(s, c);
      break;
    case EHLO_EVENT_REPLY:
      if (out->reply.code == 421) {
        on_421(s, out);
      } else {
        on_reply(s, c, out);
      }
      break;
    case EHLO_EVENT_CHALLENGE:
      ehlo_submit_on_challenge(s, c, out);
      break;
    case EHLO_EVENT_TLS_WANTED:
      ehlo_submit_enter(s, EHLO_STAGE_TLS);
      break;
    case EHLO_EVENT_BODY_WANTED:
      break;
    case EHLO_EVENT_CLOSED:
      s->finished = true;
      break;
    case EHLO_EVENT_FAILED:
      on_failure(s, c, &out->error);
      break;
  }
  return type;
}
