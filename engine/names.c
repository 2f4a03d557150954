// Names of verbs and states, and the way back from a command line to its verb.
#include <string.h>

#include "engine/client.h"

static const char *const verb_names[EHLO_NUM_VERBS] = {
    [EHLO_VERB_NONE] = "nothing",      [EHLO_VERB_GREETING] = "greeting",
    [EHLO_VERB_EHLO] = "EHLO",         [EHLO_VERB_HELO] = "HELO",
    [EHLO_VERB_STARTTLS] = "STARTTLS", [EHLO_VERB_AUTH] = "AUTH",
    [EHLO_VERB_MAIL] = "MAIL",         [EHLO_VERB_RCPT] = "RCPT",
    [EHLO_VERB_DATA] = "DATA",         [EHLO_VERB_BODY] = "body",
    [EHLO_VERB_BDAT] = "BDAT",         [EHLO_VERB_RSET] = "RSET",
    [EHLO_VERB_NOOP] = "NOOP",         [EHLO_VERB_VRFY] = "VRFY",
    [EHLO_VERB_EXPN] = "EXPN",         [EHLO_VERB_HELP] = "HELP",
    [EHLO_VERB_QUIT] = "QUIT",         [EHLO_VERB_OTHER] = "other",
    [EHLO_VERB_LHLO] = "LHLO",         [EHLO_VERB_ETRN] = "ETRN",
    [EHLO_VERB_XCLIENT] = "XCLIENT",
};

static const char *const state_names[EHLO_NUM_STATES] = {
    [EHLO_STATE_CONNECT] = "connect", [EHLO_STATE_GREETED] = "greeted",
    [EHLO_STATE_REFUSED] = "refused", [EHLO_STATE_READY] = "ready",
    [EHLO_STATE_TLS] = "tls",         [EHLO_STATE_AUTH] = "auth",
    [EHLO_STATE_MAIL] = "mail",       [EHLO_STATE_RCPT] = "rcpt",
    [EHLO_STATE_DATA] = "data",       [EHLO_STATE_BODY] = "body",
    [EHLO_STATE_CHUNK] = "chunk",     [EHLO_STATE_CHUNKED] = "chunked",
    [EHLO_STATE_QUIT] = "quit",       [EHLO_STATE_CLOSED] = "closed",
    [EHLO_STATE_FAILED] = "failed",
};

const char *ehlo_verb_name(enum ehlo_verb verb) {
  return (unsigned)verb < EHLO_NUM_VERBS ? verb_names[verb] : "unknown";
}

const char *ehlo_state_name(enum ehlo_state state) {
  return (unsigned)state < EHLO_NUM_STATES ? state_names[state] : "unknown";
}

static bool word_is(struct ehlo_span line, const char *name) {
  size_t len = strlen(name);
  if (line.len < len || (line.len > len && line.bytes[len] != ' ' && line.bytes[len] != '\t')) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    uint8_t c = line.bytes[i];
    if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != name[i]) {
      return false;
    }
  }
  return true;
}

enum ehlo_verb ehlo_verb_of_line(struct ehlo_span line) {
  for (unsigned v = EHLO_VERB_EHLO; v < EHLO_VERB_OTHER; v++) {
    if (v != EHLO_VERB_BODY && word_is(line, verb_names[v])) {
      return (enum ehlo_verb)v;
    }
  }
  return EHLO_VERB_OTHER;
}

enum ehlo_state ehlo_client_state(const struct ehlo_client *c) {
  return (enum ehlo_state)c->intent;
}

const struct ehlo_capabilities *ehlo_client_capabilities(const struct ehlo_client *c) {
  return &c->caps;
}

bool ehlo_client_is_secure(const struct ehlo_client *c) {
  return c->secure;
}

bool ehlo_client_is_authenticated(const struct ehlo_client *c) {
  return c->authenticated;
}

bool ehlo_client_is_lmtp(const struct ehlo_client *c) {
  return c->lmtp;
}

size_t ehlo_client_num_accepted(const struct ehlo_client *c) {
  return c->num_accepted;
}

size_t ehlo_client_num_pending(const struct ehlo_client *c) {
  return c->num_pending;
}

bool ehlo_client_may_send(const struct ehlo_client *c, enum ehlo_verb verb) {
  return ehlo_client_check(c, verb) == EHLO_OK;
}
