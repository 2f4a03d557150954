// ":auth": a whole AUTH exchange (RFC 4954), by the engine's mechanisms. The password is fetched
// for it and wiped after it.
#include <openssl/mem.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/shell.h"
#include "tools/driver/shell_interrupt.h"
#include "tools/driver/shell_order.h"

bool shell_auth_is_on(const struct shell *sh) {
  return sh->auth.mechanism != NULL;
}

static void end(struct shell *sh) {
  struct session *s = sh->session;
  sh->auth.mechanism = NULL;
  OPENSSL_cleanse(&sh->auth.auth, sizeof(sh->auth.auth));
  s->credentials.password = (struct ehlo_span){NULL, 0};
  secret_wipe(&s->secret);
}

// ---- Choosing -----------------------------------------------------------------------------------

static const struct ehlo_mechanism *find_by_name(const char *name) {
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    if (strcasecmp(ehlo_all_mechanisms[i]->name, name) == 0) {
      return ehlo_all_mechanisms[i];
    }
  }
  return NULL;
}

static bool is_usable(const struct shell *sh, const struct ehlo_client *c,
                      const struct ehlo_mechanism *m) {
  const struct ehlo_credentials *cred = &sh->session->credentials;
  bool bound = ehlo_client_is_secure(c) && (cred->tls_exporter.len > 0 || cred->tls_unique.len > 0);
  return ehlo_capabilities_has_mechanism(ehlo_client_capabilities(c), m->name) &&
         (!m->binds || bound);
}

// The strongest that both sides have.
static const struct ehlo_mechanism *choose(const struct shell *sh, const struct ehlo_client *c) {
  const struct ehlo_submit_config *config = &sh->session->config;
  for (size_t i = 0; i < config->num_mechanisms; i++) {
    if (is_usable(sh, c, config->mechanisms[i])) {
      return config->mechanisms[i];
    }
  }
  return NULL;
}

static const struct ehlo_mechanism *find(struct shell *sh, const struct ehlo_client *c,
                                         const char *name) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  const struct ehlo_mechanism *m = name != NULL ? find_by_name(name) : choose(sh, c);
  if (m != NULL && is_usable(sh, c, m)) {
    return m;
  }
  if (name != NULL && m == NULL) {
    shell_say(sh, "there is no mechanism %s here; :auth alone takes the strongest on offer", name);
  } else if (!caps->auth) {
    shell_say(sh, ehlo_client_is_secure(c)
                      ? "the server offers no AUTH; did you say EHLO?"
                      : "the server offers no AUTH before TLS; :starttls, then EHLO");
  } else {
    shell_say(sh, "the server offers%s, and not what is asked for", caps->mechanisms);
  }
  return NULL;
}

// ---- Who ----------------------------------------------------------------------------------------

static bool ask_user(struct shell *sh) {
  struct ehlo_span name;
  if (sh->options->live.user != NULL) {
    sh->live.user = sh->options->live.user;
    return true;
  }
  if (!sh->interactive) {
    shell_say(sh, ":auth needs --user");
    sh->status = EX_USAGE;
    return false;
  }
  if (shell_input_read(sh->input, &name, "user: ", SHELL_INPUT_TEXT, -1) != SHELL_INPUT_LINE ||
      name.len == 0 || name.len >= sizeof(sh->user)) {
    shell_interrupt_clear();
    return false;
  }
  memcpy(sh->user, name.bytes, name.len);
  sh->user[name.len] = '\0';
  sh->live.user = sh->user;
  return true;
}

// ---- The exchange -------------------------------------------------------------------------------

static void hide_proofs(struct shell *sh) {
  struct ehlo_redactor *r = &sh->session->redactor;
  ehlo_redactor_add(r, sh->auth.auth.ours.text, sh->auth.auth.ours.len);
  ehlo_redactor_add(r, sh->auth.auth.expected.text, sh->auth.auth.expected.len);
}

static void say_problem(struct shell *sh) {
  static const char *const problems[] = {
      [EHLO_AUTH_CHALLENGE] = "the challenge is none that this mechanism has",
      [EHLO_AUTH_CREDENTIALS] = "the mechanism cannot carry this name or password",
      [EHLO_AUTH_NONCE] = "the server's nonce does not extend ours",
      [EHLO_AUTH_ITERATIONS] = "the server's iteration count is out of bounds",
      [EHLO_AUTH_EXTENSION] = "the server wants an extension that is not known",
      [EHLO_AUTH_SERVER] = "the server ended the exchange with an error",
      [EHLO_AUTH_PROOF] = "the server's proof is wrong: it does not know the password",
  };
  shell_say(sh, "AUTH is given up: %s", problems[sh->auth.auth.problem]);
}

// RFC 4954 §4: an initial response that makes the line too long is sent after an empty challenge.
static enum ehlo_status send_auth(struct shell *sh, struct ehlo_client *c) {
  const struct ehlo_mechanism *m = sh->auth.mechanism;
  struct ehlo_response response;
  enum ehlo_initial_response when = sh->live.initial_response;
  bool initial =
      when == EHLO_INITIAL_AUTO ? m->client_first : when == EHLO_INITIAL_ALWAYS && m->may_go_first;
  if (initial) {
    if (!m->respond(&sh->auth.auth, NULL, &response)) {
      return EHLO_E_ARGUMENT;
    }
    enum ehlo_status status =
        ehlo_send_auth(c, m->name, response.parts, response.num_parts, response.secret);
    if (status != EHLO_E_TOO_LONG) {
      return status;
    }
    sh->auth.auth.step = 0;
  }
  return ehlo_send_auth(c, m->name, NULL, 0, false);
}

static void begin(struct shell *sh, struct ehlo_client *c, const struct ehlo_mechanism *m) {
  sh->auth.mechanism = m;
  sh->auth.cancelled = false;
  sh->auth.auth = (struct ehlo_auth){
      .credentials = &sh->session->credentials,
      .attempt = sh->auth.num_attempts++,
      .server_binds = ehlo_capabilities_binds_channel(ehlo_client_capabilities(c)),
  };
  enum ehlo_status status = send_auth(sh, c);
  if (status != EHLO_OK) {
    if (status == EHLO_E_ARGUMENT) {
      say_problem(sh);
    } else {
      shell_check(sh, status, "AUTH");
    }
    end(sh);
    return;
  }
  hide_proofs(sh);
  char what[64];
  snprintf(what, sizeof(what), "AUTH %s", m->name);
  shell_say_secret(sh, what);
  shell_teach_sent(sh, EHLO_VERB_AUTH);
}

void shell_auth_begin(struct shell *sh, struct ehlo_client *c, const char *mechanism) {
  const struct ehlo_mechanism *m = find(sh, c, mechanism);
  if (m == NULL) {
    sh->status = sh->interactive ? sh->status : EX_NOPERM;
    return;
  }
  if (!ehlo_client_may_send(c, EHLO_VERB_AUTH)) {
    shell_say(sh, "AUTH is out of order: %s", shell_order_reason(c, EHLO_VERB_AUTH));
    return;
  }
  if (!ehlo_client_is_secure(c) && !sh->live.allow_cleartext_auth) {
    shell_check(sh, EHLO_E_CLEARTEXT, "AUTH");
    return;
  }
  if (!ask_user(sh)) {
    return;
  }
  // Of one mechanism alone: what it wants decides what is asked for.
  const struct ehlo_mechanism *const *mechanisms = sh->session->config.mechanisms;
  size_t num_mechanisms = sh->session->config.num_mechanisms;
  sh->session->config.mechanisms = &m;
  sh->session->config.num_mechanisms = 1;
  int status = session_get_password(sh->session);
  sh->session->config.mechanisms = mechanisms;
  sh->session->config.num_mechanisms = num_mechanisms;
  if (status != 0) {
    sh->status = status;
    return;
  }
  begin(sh, c, m);
}

static void cancel(struct shell *sh, struct ehlo_client *c) {
  sh->auth.cancelled = true;
  ehlo_send_auth_cancel(c);
}

void shell_auth_challenge(struct shell *sh, struct ehlo_client *c, const struct ehlo_event *event) {
  const struct ehlo_mechanism *m = sh->auth.mechanism;
  struct ehlo_response response;
  if (sh->auth.cancelled) {
    ehlo_send_auth_cancel(c);
    return;
  }
  bool readable = event->challenge_valid || !m->reads_challenge;
  if (!readable) {
    sh->auth.auth.problem = EHLO_AUTH_CHALLENGE;
  }
  if (!readable || !m->respond(&sh->auth.auth, &event->challenge, &response)) {
    say_problem(sh);
    cancel(sh, c);
    return;
  }
  if (!shell_check(sh,
                   ehlo_send_auth_response(c, response.parts, response.num_parts, response.secret),
                   "the response")) {
    cancel(sh, c);
    return;
  }
  hide_proofs(sh);
  shell_say_secret(sh, "");
}

void shell_auth_reply(struct shell *sh, uint16_t code) {
  if (code / 100 == 2 &&
      (sh->auth.cancelled || (sh->auth.mechanism->mutual && !sh->auth.auth.proved))) {
    shell_say(sh,
              "the server says yes, and has not proved that it knows the password: do not "
              "trust it");
    sh->status = EX_NOPERM;
  }
  end(sh);
}
