// The order of a session: greeting, EHLO, STARTTLS, EHLO, XCLIENT, AUTH, transactions, QUIT. Each
// step is taken when the one before has its reply; what may go together in a transaction is
// submit_envelope.c's.
#include <string.h>

#include "engine/submit_parts.h"

void ehlo_submit_init(struct ehlo_submit *s, const struct ehlo_submit_config *cfg) {
  memset(s, 0, sizeof(*s));
  s->config = *cfg;
}

// ---- Hello and TLS ----------------------------------------------------------------------------------

static void send_hello(struct ehlo_submit *s, struct ehlo_client *c, bool helo) {
  ehlo_submit_enter(s, EHLO_STAGE_EHLO);
  s->helo_sent = helo;
  enum ehlo_status status;
  if (s->config.lmtp) {
    status = ehlo_send_lhlo(c, s->config.helo_name);
  } else if (helo) {
    status = ehlo_send_helo(c, s->config.helo_name);
  } else {
    status = ehlo_send_ehlo(c, s->config.helo_name);
  }
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
// where that is required there is nothing to fall back to; nor is there in LMTP.
static void on_hello_refused(struct ehlo_submit *s, struct ehlo_client *c, uint16_t code) {
  bool unknown = code == 500 || code == 502 || code == 504;
  if (needs_starttls(s, c) && unknown) {
    ehlo_submit_decide_problem(s, EHLO_OUTCOME_TLS_FAILED, EHLO_STAGE_STARTTLS,
                               EHLO_PROBLEM_NO_STARTTLS);
  } else if (code / 100 == 5 && !s->helo_sent && !s->config.lmtp && !needs_starttls(s, c)) {
    send_hello(s, c, true);
  } else {
    ehlo_submit_decide_refused(s, EHLO_STAGE_EHLO, code);
  }
}

// ---- Replies ----------------------------------------------------------------------------------------

static void begin_envelope(struct ehlo_submit *s, struct ehlo_client *c) {
  if (ehlo_submit_stop_at(s, EHLO_STAGE_AUTH)) {
    return;
  }
  if (s->config.num_messages == 0) {
    ehlo_submit_decide(s, EHLO_OUTCOME_STOPPED, EHLO_STAGE_AUTH);
    return;
  }
  ehlo_submit_enter(s, EHLO_STAGE_MAIL);
  s->envelope = true;
  ehlo_submit_compose(s, c);
}

static void send_xclient(struct ehlo_submit *s, struct ehlo_client *c) {
  enum ehlo_status status = ehlo_send_xclient(c, s->config.xclient);
  s->xclient_sent = status == EHLO_OK;
  if (status == EHLO_E_UNSUPPORTED) {
    ehlo_submit_decide_all(s, &(struct ehlo_verdict){.outcome = EHLO_OUTCOME_USAGE,
                                                     .stage = EHLO_STAGE_EHLO,
                                                     .problem = EHLO_PROBLEM_UNSUPPORTED,
                                                     .missing = "XCLIENT"});
  } else if (status != EHLO_OK) {
    ehlo_submit_decide_unsendable(s, EHLO_STAGE_EHLO, status);
  }
}

static void after_hello(struct ehlo_submit *s, struct ehlo_client *c) {
  if (ehlo_submit_stop_at(s, EHLO_STAGE_EHLO)) {
    return;
  }
  if (needs_starttls(s, c)) {
    send_starttls(s, c);
  } else if (ehlo_submit_stop_at(s, EHLO_STAGE_TLS)) {
    return;
  } else if (s->config.xclient.len > 0 && !s->xclient_sent) {
    send_xclient(s, c);
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

static void on_reply(struct ehlo_submit *s, struct ehlo_client *c, struct ehlo_event *event) {
  uint16_t code = event->reply.code;
  switch (event->verb) {
    case EHLO_VERB_GREETING:
      on_greeting(s, c, code);
      break;
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
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
      if (ehlo_submit_on_auth_reply(s, c, code)) {
        begin_envelope(s, c);
      }
      break;
    case EHLO_VERB_XCLIENT:
      if (code / 100 == 2) {
        send_hello(s, c, false);
      } else {
        ehlo_submit_decide_refused(s, EHLO_STAGE_EHLO, code);
      }
      break;
    case EHLO_VERB_MAIL:
    case EHLO_VERB_RCPT:
    case EHLO_VERB_DATA:
    case EHLO_VERB_BODY:
    case EHLO_VERB_BDAT:
      ehlo_submit_on_mail_reply(s, c, event);
      break;
    case EHLO_VERB_RSET:
      s->rset_refusal = code / 100 == 2 ? 0 : code;
      break;
    case EHLO_VERB_NONE:
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_ETRN:
    case EHLO_VERB_QUIT:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      break;
  }
}

// The stage that a reply or a failure belongs to, where it is not the one that was entered last.
static void enter_stage_of(struct ehlo_submit *s, enum ehlo_verb verb) {
  struct ehlo_message *m = ehlo_submit_head(s);
  enum ehlo_stage stage = s->verdict.stage;
  if (verb == EHLO_VERB_GREETING) {
    stage = EHLO_STAGE_GREETING;
  } else if (verb == EHLO_VERB_MAIL || verb == EHLO_VERB_RSET) {
    stage = EHLO_STAGE_MAIL;  // RSET makes room for it
  } else if (verb == EHLO_VERB_RCPT) {
    stage = EHLO_STAGE_RCPT;
  } else if (verb == EHLO_VERB_DATA) {
    stage = EHLO_STAGE_DATA;
  } else if (verb == EHLO_VERB_BDAT || verb == EHLO_VERB_BODY) {
    stage = EHLO_STAGE_BODY;
  }
  ehlo_submit_enter(s, stage);
  if (m != NULL && m->verdict.outcome == EHLO_OUTCOME_OPEN) {
    m->verdict.stage = stage;
    s->message = (size_t)(m - s->config.messages);
  }
}

// RFC 5321 §3.8: the server is closing, whatever was asked.
static void on_421(struct ehlo_submit *s, struct ehlo_event *event) {
  enter_stage_of(s, event->verb);
  if (event->of_recipient && ehlo_submit_head(s) != NULL) {
    event->recipient = ehlo_submit_find_recipient(ehlo_submit_head(s), event->verb);
  }
  ehlo_submit_decide(s, EHLO_OUTCOME_DEFERRED, s->verdict.stage);
  ehlo_submit_end_auth(s);
}

// ---- Ends -------------------------------------------------------------------------------------------

static enum ehlo_outcome outcome_of_failure(const struct ehlo_submit *s, enum ehlo_status status) {
  if (ehlo_status_class(status) != EHLO_CLASS_TRANSPORT) {
    return EHLO_OUTCOME_PROTOCOL_ERROR;
  }
  if (status == EHLO_E_CONNECT) {
    return EHLO_OUTCOME_CONNECT_FAILED;
  }
  if (status == EHLO_E_TIMEOUT) {
    return EHLO_OUTCOME_TIMEOUT;
  }
  bool handshake = s->verdict.stage == EHLO_STAGE_TLS;
  return status == EHLO_E_TLS && handshake ? EHLO_OUTCOME_TLS_FAILED : EHLO_OUTCOME_LOST;
}

// RFC 5321 §4.5.5: the transport has all of a message that is still open. Whether the server has it
// too, nobody here can know. In LMTP a refusal for one recipient says nothing of the next one. Of a
// transaction whose MAIL was refused, to be sent once more, it has nothing.
static bool server_may_have(const struct ehlo_client *c, const struct ehlo_message *m) {
  const struct ehlo_transaction *t = &m->transaction;
  return t->given && c->acked_total >= t->end && !t->again;
}

static void fail_messages(struct ehlo_submit *s, const struct ehlo_client *c,
                          const struct ehlo_verdict *verdict) {
  for (size_t i = 0; i < s->num_under_way; i++) {
    size_t at = (s->first_under_way + i) % EHLO_SUBMIT_TRANSACTIONS_MAX;
    struct ehlo_message *m = &s->config.messages[s->under_way[at]];
    struct ehlo_verdict v = *verdict;
    v.stage = m->verdict.stage;
    v.may_have = server_may_have(c, m);
    if (ehlo_status_class(v.status) == EHLO_CLASS_TRANSPORT && v.may_have) {
      v.outcome = EHLO_OUTCOME_UNKNOWN;
      v.stage = EHLO_STAGE_BODY;
    }
    ehlo_submit_decide_message(s, m, &v);
  }
}

static void on_failure(struct ehlo_submit *s, struct ehlo_client *c,
                       const struct ehlo_error *error) {
  bool implicit_handshake = s->config.tls == EHLO_TLS_IMPLICIT && !ehlo_client_is_secure(c);
  if (error->status == EHLO_E_STARTTLS_INJECTION) {
    ehlo_submit_enter(s, EHLO_STAGE_STARTTLS);  // TLS never began
  } else if (implicit_handshake && error->status != EHLO_E_CONNECT) {
    ehlo_submit_enter(s, EHLO_STAGE_TLS);
  } else if (error->status != EHLO_E_CONNECT) {
    enter_stage_of(s, error->verb);
  }
  struct ehlo_verdict verdict = {
      .outcome = outcome_of_failure(s, error->status),
      .stage = s->verdict.stage,
      .status = error->status,
  };
  fail_messages(s, c, &verdict);
  ehlo_submit_decide_all(s, &verdict);
  s->finished = true;
}

// Courier drops what comes together with a final dot, so QUIT waits there. Sent at once it would cost the
// five seconds that its reply is waited for.
static void say_goodbye(struct ehlo_submit *s, struct ehlo_client *c) {
  if (s->verdict.outcome != EHLO_OUTCOME_OPEN) {
    ehlo_hurry(c);
  }
  if (ehlo_client_capabilities(c)->xverp_courier && ehlo_client_num_pending(c) > 0) {
    return;
  }
  if (!s->finished && ehlo_client_may_send(c, EHLO_VERB_QUIT)) {
    ehlo_send_quit(c);
  }
}

// Nothing happened: takes the next step where one is due. A step that decides is followed by QUIT
// at once, since no event may come to do it later.
static void advance(struct ehlo_submit *s, struct ehlo_client *c) {
  bool open = s->verdict.outcome == EHLO_OUTCOME_OPEN;
  if (open && s->verdict.stage == EHLO_STAGE_TLS && ehlo_client_is_secure(c)) {
    if (!ehlo_submit_stop_at(s, EHLO_STAGE_STARTTLS)) {
      send_hello(s, c, false);
    }
  } else if (open && s->envelope) {
    ehlo_submit_compose(s, c);
  }
  if (s->verdict.outcome != EHLO_OUTCOME_OPEN || (s->envelope && ehlo_submit_is_composed(s))) {
    say_goodbye(s, c);
  }
}

enum ehlo_status ehlo_submit_body_end(struct ehlo_submit *s, struct ehlo_client *c) {
  enum ehlo_status status = ehlo_submit_give_end(s, c);
  if (status == EHLO_OK) {
    advance(s, c);
  }
  return status;
}

void ehlo_submit_abandon(struct ehlo_submit *s, enum ehlo_status why) {
  ehlo_submit_decide_all(s, &(struct ehlo_verdict){.outcome = EHLO_OUTCOME_USAGE,
                                                   .stage = EHLO_STAGE_BODY,
                                                   .problem = EHLO_PROBLEM_MESSAGE,
                                                   .status = why});
  s->finished = true;
}

// A message is wanted: after a 354 by the client, for a chunk by the policy itself.
static bool body_is_wanted(struct ehlo_submit *s, struct ehlo_client *c) {
  return !s->finished && ehlo_submit_body_is_wanted(s, c);
}

static enum ehlo_event_type want_chunk(struct ehlo_submit *s, struct ehlo_event *out) {
  s->body_due = false;
  s->message = ehlo_submit_last(s);
  out->type = EHLO_EVENT_BODY_WANTED;
  return out->type;
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
      if (s->body_due && !s->finished) {
        return want_chunk(s, out);
      }
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
      ehlo_submit_enter(s, EHLO_STAGE_BODY);
      break;
    case EHLO_EVENT_CLOSED:
      ehlo_submit_end_auth(s);
      s->finished = true;
      break;
    case EHLO_EVENT_FAILED:
      ehlo_submit_end_auth(s);
      on_failure(s, c, &out->error);
      break;
  }
  return type;
}
