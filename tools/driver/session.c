// The live session.
#include "tools/driver/session.h"

#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "engine/argument.h"
#include "engine/base64.h"
#include "engine/credential.h"
#include "replay/event_text.h"
#include "replay/pump.h"
#include "replay/settings.h"
#include "tools/driver/complaints.h"
#include "tools/driver/interrupt.h"
#include "tools/driver/token_read.h"

// ---- Preparing --------------------------------------------------------------------------------------

static void set_timeouts(struct ehlo_timeouts *t, uint32_t ms) {
  if (ms == 0) {
    return;
  }
  uint32_t quit_ms = ms < 5000 ? ms : 5000;
  *t = (struct ehlo_timeouts){ms, ms, ms, ms, ms, ms, quit_ms};
}

// Says what is odd about user name and password. Returns an exit status if they cannot be used.
static int judge_credentials(struct session *s, uint32_t findings) {
  int status = 0;
  for (int i = 0; i < EHLO_NUM_CREDENTIAL_FINDINGS; i++) {
    enum ehlo_credential_finding finding = (enum ehlo_credential_finding)i;
    if ((findings >> i & 1) == 0) {
      continue;
    }
    if (ehlo_credential_is_refusal(finding)) {
      fprintf(complaints(), "ehlo: %s\n", ehlo_credential_text(finding));
      status = finding == EHLO_CREDENTIAL_PASSWORD_NUL ? EX_DATAERR : EX_USAGE;
    } else {
      warnings_add(&s->warnings, "warning: %s", ehlo_credential_text(finding));
    }
  }
  return status;
}

// Whether the mechanisms include one that wants a nonce of ours: those in which both sides prove
// something.
static bool wants_nonce(const struct session *s) {
  for (size_t i = 0; i < s->config.num_mechanisms; i++) {
    if (s->config.mechanisms[i]->mutual) {
      return true;
    }
  }
  return false;
}

static bool wants_password(const struct session *s) {
  for (size_t i = 0; i < s->config.num_mechanisms; i++) {
    if (s->config.mechanisms[i] != &ehlo_mechanism_external) {
      return true;
    }
  }
  return false;
}

static bool wants_token(const struct session *s) {
  for (size_t i = 0; i < s->config.num_mechanisms; i++) {
    const char *name = s->config.mechanisms[i]->name;
    if (strcmp(name, "XOAUTH2") == 0 || strcmp(name, "OAUTHBEARER") == 0) {
      return true;
    }
  }
  return false;
}

static void begin_credentials(struct session *s) {
  const char *name = live_options_tls_name(s->options);
  uint8_t bytes[18];
  s->credentials.user = ehlo_str(s->options->user);
  snprintf(s->digest_uri, sizeof(s->digest_uri), "smtp/%s", name[0] != '\0' ? name : "localhost");
  s->credentials.digest_uri = ehlo_str(s->digest_uri);
  if (wants_nonce(s)) {
    RAND_bytes(bytes, sizeof(bytes));
    struct ehlo_span part = {bytes, sizeof(bytes)};
    s->credentials.nonce = (struct ehlo_span){(const uint8_t *)s->nonce,
                                              ehlo_base64_encode((uint8_t *)s->nonce, &part, 1)};
  }
  s->config.credentials = &s->credentials;
}

int session_get_password(struct session *s) {
  const struct live_options *o = s->options;
  if (o->user == NULL) {
    return 0;
  }
  // A wrong name is told before anybody is asked for a password.
  struct ehlo_span user = ehlo_str(o->user);
  uint32_t of_user = ehlo_credential_look(user, ehlo_str("none"));
  if (!wants_password(s)) {
    of_user &= ~(1U << EHLO_CREDENTIAL_USER_EMPTY);  // EXTERNAL may leave it to the server
  }
  int refused = judge_credentials(s, of_user);
  if (refused != 0) {
    return refused;
  }
  begin_credentials(s);
  if (!wants_password(s)) {
    return 0;
  }
  struct secret_source source = {.file = o->password_file,
                                 .command = o->password_command,
                                 .token_command = o->token_command,
                                 .fd = o->password_fd,
                                 .user = o->user};
  int status = 0;
  if (o->password != NULL && o->password_file == NULL && o->password_command == NULL &&
      o->token_command == NULL && o->password_fd == 0) {
    s->secret.len = strnlen(o->password, sizeof(s->secret.bytes));
    memcpy(s->secret.bytes, o->password, s->secret.len);
  } else {
    status = secret_get(&s->secret, &source);
  }
  if (status != 0) {
    return status;
  }
  s->credentials.password = (struct ehlo_span){s->secret.bytes, s->secret.len};
  uint32_t findings = ehlo_credential_look(user, s->credentials.password) | s->secret.findings;
  status = judge_credentials(s, findings & ~of_user);
  if (status != 0) {
    return status;
  }
  if (wants_token(s)) {
    token_look(&s->warnings, s->credentials.password, o->user, time(NULL));
  }
  ehlo_redactor_add(&s->redactor, s->secret.bytes, s->secret.len);
  return 0;
}

static int load_roots(struct session *s, X509 *root) {
  struct live_roots roots = {.file = s->options->ca_file, .root = root};
  char error[LIVE_REASON_MAX];
  s->tls = live_tls_client_context(error, sizeof(error), &roots);
  if (s->tls == NULL) {
    fprintf(complaints(), "ehlo: %s\n", error);
    return EX_NOINPUT;
  }
  return network_options_dress(&s->options->network, s->tls);
}

int session_load_roots(struct session *s) {
  return s->tls == NULL ? load_roots(s, NULL) : 0;
}

static int prepare(struct session *s, X509 *root) {
  const struct live_options *o = s->options;
  s->config.tls = o->tls;
  s->config.lmtp = o->server.lmtp;
  s->config.initial_response = o->initial_response;
  s->config.auth_attempts = o->auth_attempts;
  static const struct ehlo_mechanism *const of_tokens[] = {&ehlo_mechanism_xoauth2,
                                                           &ehlo_mechanism_oauthbearer};
  bool token = o->token_command != NULL;
  s->config.mechanisms = o->num_mechanisms > 0 ? o->mechanisms
                         : token               ? of_tokens
                                               : ehlo_all_mechanisms;
  s->config.num_mechanisms = o->num_mechanisms > 0 ? o->num_mechanisms
                             : token               ? 2
                                                   : ehlo_num_password_mechanisms;
  s->client_config.allow_cleartext_auth = o->allow_cleartext_auth;
  set_timeouts(&s->client_config.timeouts, o->timeout_ms);
  trace_init(&s->trace, stdout, o->verbose);
  int status = session_get_password(s);
  if (status == 0 && o->tls != EHLO_TLS_NONE) {
    status = load_roots(s, root);
  }
  if (status == 0) {
    bool silent = o->json || o->quiet;
    struct trace *trace = silent ? NULL : &s->trace;
    status = o->record_on_failure != NULL
                 ? sink_open_withheld(&s->sink, o->record_on_failure, trace)
                 : sink_open(&s->sink, o->record, trace);
  }
  return status;
}

struct session *session_new(int *out_status, const struct live_options *options) {
  return session_new_trusting(out_status, options, NULL);
}

struct session *session_new_trusting(int *out_status, const struct live_options *options,
                                     X509 *root) {
  struct session *s = calloc(1, sizeof(*s));
  if (s == NULL) {
    fprintf(complaints(), "ehlo: out of memory\n");
    *out_status = EX_OSERR;
    return NULL;
  }
  s->options = options;
  s->warnings.silent = options->quiet || options->json;
  s->sink.fd = -1;
  ehlo_redactor_init(&s->redactor);
  *out_status = prepare(s, root);
  if (*out_status != 0) {
    session_free(s);
    return NULL;
  }
  return s;
}

void session_free(struct session *s) {
  report_free(&s->report);
  ehlo_client_wipe(&s->client);
  secret_wipe(&s->secret);
  warnings_free(&s->warnings);
  ehlo_redactor_wipe(&s->redactor);
  sink_close(&s->sink);
  SSL_CTX_free(s->tls);
  free(s);
}

// ---- Connecting -------------------------------------------------------------------------------------

// In place of a connection that did not come about: the client is told, and the record is whole.
static enum ehlo_status dead_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                      const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                      uint64_t deadline_ms) {
  (void)t;
  (void)out;
  (void)in;
  (void)in_cap;
  (void)deadline_ms;
  *out_taken = 0;
  *in_len = 0;
  return EHLO_E_CONNECT;
}

static enum ehlo_status dead_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  (void)t;
  (void)deadline_ms;
  return EHLO_E_CONNECT;
}

static void dead_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  (void)t;
  snprintf(out, cap, "not connected");
}

static void dead_close(struct ehlo_transport *t) {
  (void)t;
}

static uint64_t dead_now_us(struct ehlo_transport *t) {
  (void)t;
  return 0;
}

static const struct ehlo_transport_ops dead_ops = {
    dead_exchange, dead_start_tls, dead_describe_tls, dead_close, dead_now_us,
};
static struct ehlo_transport dead_transport = {&dead_ops};

static void connect_live(struct session *s) {
  const struct live_options *o = s->options;
  struct live_config cfg = {
      .host = o->server.host,
      .port = (uint16_t)strtoul(o->server.port, NULL, 10),
      .unix_path = o->server.path[0] != '\0' ? o->server.path : NULL,
      .bounds = {.attempt_ms = o->timeout_ms, .total_ms = o->timeout_ms},
      .tls = s->tls,
      .tls_name = live_options_tls_name(o),
      .insecure = o->insecure,
      .interrupted = &interrupt_signal,
      .route = network_options_route(&o->network),
  };
  s->net_result = live_connect(&s->live, &cfg);
  s->connected = s->net_result == LIVE_NET_OK;
}

// RFC 5321 §4.1.1.1: the host's full name, or where it has none its address as a literal.
static void choose_helo(struct session *s) {
  char name[256] = "";
  if (s->options->helo != NULL) {
    s->config.helo_name = ehlo_str(s->options->helo);
    return;
  }
  gethostname(name, sizeof(name) - 1);
  if (strchr(name, '.') != NULL && ehlo_argument_name(ehlo_str(name)) == EHLO_OK) {
    snprintf(s->helo, sizeof(s->helo), "%s", name);
  } else {
    char address[LIVE_ADDRESS_MAX] = "";
    if (s->connected) {
      live_local_address(&s->live, address);
    }
    if (address[0] == '\0' || strchr(address, '%') != NULL) {
      snprintf(address, sizeof(address), "127.0.0.1");
    }
    snprintf(s->helo, sizeof(s->helo), "[%s%s]", strchr(address, ':') != NULL ? "IPv6:" : "",
             address);
  }
  s->config.helo_name = ehlo_str(s->helo);
}

void session_connect(struct session *s) {
  connect_live(s);
  choose_helo(s);
}

int session_connect_status(const struct session *s) {
  switch (s->net_result) {
    case LIVE_NET_OK:
      return 0;
    case LIVE_NET_UNKNOWN_HOST:
      return EX_NOHOST;
    case LIVE_NET_TIMEOUT:
      return EX_TEMPFAIL;
    case LIVE_NET_REFUSED:
      break;
  }
  return EX_IOERR;
}

struct ehlo_transport *session_transport(struct session *s) {
  return s->connected ? &s->live.transport : &dead_transport;
}

// ---- Running ----------------------------------------------------------------------------------------

static void write_setting(void *arg, const char *text, size_t len) {
  ehlo_recorder_setting(&((struct session *)arg)->recorder, text, len);
}

void session_record_connect(struct session *s) {
  const struct server_address *a = &s->options->server;
  char text[1024];
  char where[400];
  if (a->path[0] != '\0') {
    snprintf(where, sizeof(where), "unix:%s", a->path);
  } else {
    snprintf(where, sizeof(where), strchr(a->host, ':') != NULL ? "[%s]:%s" : "%s:%s", a->host,
             a->port);
  }
  int len = s->connected
                ? snprintf(text, sizeof(text), "connect %s %s", where, live_address(&s->live))
                : snprintf(text, sizeof(text), "connect failed %s", live_reason(&s->live));
  ehlo_recorder_fact(&s->recorder, text, (size_t)len);
}

void session_warn_of_insecure(struct session *s) {
  const struct live_tls_info *info = live_tls_information(&s->live);
  s->warned = true;
  if (info != NULL && info->judged && !(info->verdict.chain_ok && info->verdict.name_ok)) {
    fprintf(complaints(),
            "ehlo: WARNING: the server's certificate is NOT trusted (%s); --insecure goes on\n",
            info->verdict.reason);
  }
}

void session_bind(struct session *s) {
  live_get_binding(&s->live, &s->binding);
  s->credentials.tls_exporter = (struct ehlo_span){s->binding.exporter, s->binding.exporter_len};
  s->credentials.tls_unique = (struct ehlo_span){s->binding.unique, s->binding.unique_len};
}

// What TLS has to give is known now, and what a replay has to know of it.
static void on_secured(void *arg) {
  struct session *s = arg;
  session_bind(s);
  if (wants_nonce(s) && s->config.credentials != NULL) {
    ehlo_settings_write_binding(&s->credentials, write_setting, s);
  }
}

// Proofs allow to try passwords offline: a server line that says one is hidden, the line with the
// server's own among them.
static void hide_proofs(struct session *s) {
  const struct ehlo_auth *auth = &s->submission.submit.auth;
  ehlo_redactor_add(&s->redactor, auth->ours.text, auth->ours.len);
  ehlo_redactor_add(&s->redactor, auth->expected.text, auth->expected.len);
}

static void tell_attempt(struct session *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  char text[128];
  if (s->mechanism != NULL && submit->mechanism != s->mechanism && submit->mechanism != NULL) {
    int len = snprintf(text, sizeof(text), "note no login with %s, trying %s", s->mechanism->name,
                       submit->mechanism->name);
    ehlo_recorder_fact(&s->recorder, text, (size_t)len);
    fprintf(complaints(), "ehlo: no login with %s; trying %s, as --auth-attempts allows\n",
            s->mechanism->name, submit->mechanism->name);
  }
  s->mechanism = submit->mechanism;
}

static bool on_event(void *arg, const struct ehlo_client *c, const struct ehlo_event *event) {
  struct session *s = arg;
  if (s->options->insecure && s->options->network.pins.num == 0 && !s->warned &&
      ehlo_client_is_secure(c)) {
    session_warn_of_insecure(s);
  }
  if (event->type == EHLO_EVENT_CHALLENGE) {
    hide_proofs(s);
  }
  ehlo_recorder_client_event(&s->recorder, c, event);
  tell_attempt(s);
  report_event(&s->report, &s->submission.submit, c, event);
  if (s->greeting_us == 0 && s->report.greeting.text != NULL) {
    s->greeting_us = s->recorder.base.ops->now_us(&s->recorder.base);
  }
  return true;
}

static int exit_status(const struct session *s) {
  int status = ehlo_submit_exit_status(&s->submission.submit);
  return s->net_result == LIVE_NET_UNKNOWN_HOST || s->net_result == LIVE_NET_TIMEOUT
             ? session_connect_status(s)
             : status;
}

// A record that nobody asked to keep may be incomplete.
static int end_record(struct session *s, int status) {
  if (status != 0) {
    sink_keep(&s->sink);
  }
  sink_close(&s->sink);
  return status == 0 && s->sink.incomplete && !s->sink.withheld ? EX_CANTCREAT : status;
}

// Of each message, where the outcome of all does not tell.
static void write_verdicts(struct session *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  char text[EHLO_EVENT_TEXT_MAX];
  for (size_t i = 0; submit->config.num_messages > 1 && i < submit->config.num_messages; i++) {
    ehlo_message_text(text, submit, i);
    ehlo_recorder_event(&s->recorder, text);
  }
}

static void close_connection(struct session *s) {
  snprintf(s->transport_reason, sizeof(s->transport_reason), "%s", live_reason(&s->live));
  if (s->connected) {
    s->flights = live_counters(&s->live).flights;
    s->writes = live_counters(&s->live).writes;
    s->recorder.base.ops->close(&s->recorder.base);
  } else {
    ehlo_recorder_finish(&s->recorder);
  }
}

int session_close(struct session *s, int status) {
  close_connection(s);
  return end_record(s, status);
}

// Somebody wants it to end: where no message is half sent the server is told by QUIT, for which it has
// two seconds; closing takes a half one back. The record ends before that, so that it replays as far as
// it went.
static void say_goodbye(struct session *s) {
  enum ehlo_state state = ehlo_client_state(&s->client);
  struct ehlo_transport *t = &s->live.transport;
  struct ehlo_output quit = {.span = ehlo_str("QUIT\r\n")};
  uint8_t in[4096];
  size_t taken = 0;
  size_t got = 0;
  uint64_t deadline_ms = t->ops->now_us(t) / 1000 + 2000;
  if (state != EHLO_STATE_GREETED && state != EHLO_STATE_READY && state != EHLO_STATE_MAIL &&
      state != EHLO_STATE_RCPT) {
    return;
  }
  live_be_deaf(&s->live);
  if (t->ops->exchange(t, &taken, &got, &quit, in, sizeof(in), deadline_ms) == EHLO_OK) {
    quit.span.len = 0;
    t->ops->exchange(t, &taken, &got, &quit, in, sizeof(in), deadline_ms);
  }
}

// What became of the messages is decided as for a connection that ended here.
static void end_interrupted(struct session *s) {
  struct ehlo_event event;
  struct ehlo_program *program = &s->submission.base;
  ehlo_recorder_fact(&s->recorder, "note interrupted by a signal", 28);
  ehlo_input_end(&s->client, EHLO_E_CLOSED);
  while (program->ops->next(program, &s->client, &event) != EHLO_EVENT_NONE) {
  }
  if (s->submission.submit.verdict.outcome == EHLO_OUTCOME_LOST) {
    s->submission.submit.verdict.outcome = EHLO_OUTCOME_STOPPED;
  }
  snprintf(s->error, sizeof(s->error), "at %s: interrupted",
           ehlo_stage_name(s->submission.submit.verdict.stage));
}

static bool is_interrupted(const struct session *s) {
  return s->connected && interrupt_signal != 0;
}

// A rule of ours leaves nothing else in the record.
static void note_problem(struct session *s, const struct ehlo_verdict *v) {
  char text[256];
  int len = snprintf(text, sizeof(text), "note at %s: %s", ehlo_stage_name(v->stage),
                     v->problem == EHLO_PROBLEM_ARGUMENT ? ehlo_status_text(v->status)
                                                         : ehlo_submit_problem_text(v->problem));
  ehlo_recorder_fact(&s->recorder, text, (size_t)len);
}

static void write_outcome(struct session *s) {
  char text[EHLO_EVENT_TEXT_MAX];
  const struct ehlo_verdict *v = &s->submission.submit.verdict;
  if (v->problem != EHLO_PROBLEM_NONE) {
    note_problem(s, v);
  }
  ehlo_outcome_text(text, &s->submission.submit);
  ehlo_recorder_event(&s->recorder, text);
  write_verdicts(s);
}

static void finish(struct session *s) {
  if (is_interrupted(s)) {
    say_goodbye(s);
    end_interrupted(s);
  } else {
    write_outcome(s);
  }
  s->report.seconds_us = s->recorder.base.ops->now_us(&s->recorder.base);
  close_connection(s);
  s->report.hash = ehlo_recorder_hash(&s->recorder);
  s->report.reason = s->transport_reason;
  if (!s->connected && interrupt_signal != 0) {
    // Nobody failed: the record has what there was, and this is what is told.
    s->submission.submit.verdict.outcome = EHLO_OUTCOME_STOPPED;
    snprintf(s->error, sizeof(s->error), "at connect: interrupted");
  } else if (!is_interrupted(s)) {
    report_error(s->error, sizeof(s->error), &s->report, &s->submission.submit,
                 s->transport_reason);
  }
}

int session_run(struct session *s, const struct ehlo_source *source) {
  if (!report_init(&s->report, &s->redactor, &s->config)) {
    fprintf(complaints(), "ehlo: out of memory\n");
    return EX_OSERR;
  }
  s->report.host = s->options->server.host;
  session_connect(s);
  ehlo_recorder_init(&s->recorder, session_transport(s), &s->redactor, sink_write, &s->sink);
  ehlo_settings_write(&s->client_config, &s->config, write_setting, s);
  session_record_connect(s);
  ehlo_submission_init(&s->submission, &s->config, source);
  ehlo_client_init(&s->client, &s->client_config, s->buffer, sizeof(s->buffer),
                   s->recorder.base.ops->now_us(&s->recorder.base) / 1000);
  struct ehlo_pump pump = {
      .client = &s->client,
      .transport = &s->recorder.base,
      .program = &s->submission.base,
      .observer = {.event = on_event, .secured = on_secured, .arg = s},
      .tls_first = s->config.tls == EHLO_TLS_IMPLICIT,
  };
  ehlo_pump_run(&pump);
  finish(s);
  return end_record(s, exit_status(s));
}
