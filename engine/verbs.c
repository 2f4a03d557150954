// The commands: each checks its order, its arguments and the room, in this sequence, and then queues
// one line. Nothing is queued by halves.
#include <string.h>

#include "engine/argument.h"
#include "engine/base64.h"
#include "engine/client.h"
#include "engine/state.h"

struct ehlo_span ehlo_str(const char *s) {
  return (struct ehlo_span){(const uint8_t *)s, s != NULL ? strlen(s) : 0};
}

void ehlo_put(struct ehlo_client *c, struct ehlo_span bytes, unsigned flags) {
  if (bytes.len > 0) {
    memcpy(ehlo_output_tail(c), bytes.bytes, bytes.len);
    ehlo_output_commit(c, bytes.len, flags);
  }
}

// What would not even fit into an empty queue has no later time to wait for.
static enum ehlo_status no_room(const struct ehlo_client *c, size_t len) {
  return len > c->out_cap ? EHLO_E_TOO_LONG : EHLO_E_FULL;
}

// Queues the joined parts and CRLF as one command.
enum ehlo_status ehlo_put_line(struct ehlo_client *c, enum ehlo_verb verb,
                               const struct ehlo_span *parts, size_t num_parts) {
  size_t len = 2;
  for (size_t i = 0; i < num_parts; i++) {
    len += parts[i].len;
  }
  if (len > EHLO_COMMAND_MAX) {
    return EHLO_E_TOO_LONG;
  }
  if (len > ehlo_output_room(c)) {
    return no_room(c, len);
  }
  for (size_t i = 0; i < num_parts; i++) {
    ehlo_put(c, parts[i], 0);
  }
  ehlo_put(c, ehlo_str("\r\n"), 0);
  ehlo_client_push(c, verb);
  return EHLO_OK;
}

// A verb with an optional argument, both already checked.
enum ehlo_status ehlo_put_command(struct ehlo_client *c, enum ehlo_verb verb,
                                  struct ehlo_span argument) {
  struct ehlo_span parts[] = {ehlo_str(ehlo_verb_name(verb)), ehlo_str(argument.len > 0 ? " " : ""),
                              argument};
  return ehlo_put_line(c, verb, parts, 3);
}

static enum ehlo_status send_hello(struct ehlo_client *c, enum ehlo_verb verb,
                                   struct ehlo_span name) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = ehlo_argument_name(name);
  }
  return status == EHLO_OK ? ehlo_put_command(c, verb, name) : status;
}

enum ehlo_status ehlo_send_ehlo(struct ehlo_client *c, struct ehlo_span name) {
  return send_hello(c, EHLO_VERB_EHLO, name);
}

enum ehlo_status ehlo_send_helo(struct ehlo_client *c, struct ehlo_span name) {
  return send_hello(c, EHLO_VERB_HELO, name);
}

enum ehlo_status ehlo_send_lhlo(struct ehlo_client *c, struct ehlo_span name) {
  return send_hello(c, EHLO_VERB_LHLO, name);
}

static enum ehlo_status send_plain_verb(struct ehlo_client *c, enum ehlo_verb verb) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  return status == EHLO_OK ? ehlo_put_command(c, verb, ehlo_str("")) : status;
}

enum ehlo_status ehlo_send_starttls(struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_STARTTLS);
  if (status == EHLO_OK && !c->caps.starttls) {
    status = EHLO_E_UNSUPPORTED;
  }
  return status == EHLO_OK ? ehlo_put_command(c, EHLO_VERB_STARTTLS, ehlo_str("")) : status;
}

// ---- AUTH -------------------------------------------------------------------------------------------

// RFC 4954 §4: not in a transaction, which the state sees to. In an exchange AUTH is a response.
static enum ehlo_status check_auth(const struct ehlo_client *c, const char *mechanism) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_AUTH);
  if (status != EHLO_OK) {
    return status;
  }
  if (c->intent == EHLO_STATE_AUTH) {
    return EHLO_E_STATE;
  }
  status = ehlo_argument_mechanism(ehlo_str(mechanism));
  if (status != EHLO_OK) {
    return status;
  }
  if (!ehlo_capabilities_has_mechanism(&c->caps, mechanism)) {
    return EHLO_E_UNSUPPORTED;
  }
  return c->secure || c->config.allow_cleartext_auth ? EHLO_OK : EHLO_E_CLEARTEXT;
}

// Queues `head`, the parts as base64 or `when_empty`, and CRLF. A command line with its initial
// response is bound to 12,288 octets in all, a response line to as many of base64.
static enum ehlo_status put_auth_line(struct ehlo_client *c, struct ehlo_span head,
                                      const struct ehlo_span *parts, size_t num_parts,
                                      const char *when_empty, bool secret) {
  size_t raw_len = 0;
  for (size_t i = 0; i < num_parts; i++) {
    raw_len += parts[i].len;
  }
  size_t token_len = ehlo_base64_encoded_len(raw_len);
  size_t head_len = head.len > 0 ? head.len + 2 : 0;
  if (raw_len > EHLO_TOKEN_MAX || head_len + token_len > EHLO_TOKEN_MAX) {
    return EHLO_E_TOO_LONG;
  }
  size_t len = head.len + token_len + strlen(when_empty) + 2;
  if (len > ehlo_output_room(c)) {
    return no_room(c, len);
  }
  ehlo_put(c, head, 0);
  if (raw_len > 0) {
    size_t written = ehlo_base64_encode(ehlo_output_tail(c), parts, num_parts);
    ehlo_output_commit(c, written, secret ? EHLO_OUTPUT_SECRET : 0);
  } else {
    ehlo_put(c, ehlo_str(when_empty), 0);
  }
  ehlo_put(c, ehlo_str("\r\n"), 0);
  ehlo_client_push(c, EHLO_VERB_AUTH);
  return EHLO_OK;
}

enum ehlo_status ehlo_send_auth(struct ehlo_client *c, const char *mechanism,
                                const struct ehlo_span *initial, size_t num_parts, bool secret) {
  enum ehlo_status status = check_auth(c, mechanism);
  if (status != EHLO_OK) {
    return status;
  }
  char head[32] = "AUTH ";
  size_t name_len = strlen(mechanism);
  memcpy(head + 5, mechanism, name_len);
  size_t head_len = 5 + name_len;
  if (initial != NULL) {
    head[head_len++] = ' ';
  }
  status = put_auth_line(c, (struct ehlo_span){(const uint8_t *)head, head_len}, initial,
                         initial != NULL ? num_parts : 0, initial != NULL ? "=" : "", secret);
  if (status == EHLO_OK) {
    c->num_challenges = 0;
  }
  return status;
}

static enum ehlo_status check_response(const struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_AUTH);
  if (status != EHLO_OK) {
    return status;
  }
  // The challenge must have been taken: an answer to something unread is a mistake.
  return c->intent == EHLO_STATE_AUTH && !c->reply_ready ? EHLO_OK : EHLO_E_STATE;
}

enum ehlo_status ehlo_send_auth_response(struct ehlo_client *c, const struct ehlo_span *parts,
                                         size_t num_parts, bool secret) {
  enum ehlo_status status = check_response(c);
  if (status != EHLO_OK) {
    return status;
  }
  return put_auth_line(c, ehlo_str(""), parts, num_parts, "", secret);
}

enum ehlo_status ehlo_send_auth_cancel(struct ehlo_client *c) {
  enum ehlo_status status = check_response(c);
  return status == EHLO_OK ? put_auth_line(c, ehlo_str("*"), NULL, 0, "", false) : status;
}

// ---- The transaction --------------------------------------------------------------------------------

static enum ehlo_status put_path(struct ehlo_client *c, enum ehlo_verb verb, struct ehlo_span path,
                                 struct ehlo_span params) {
  bool mail = verb == EHLO_VERB_MAIL;
  struct ehlo_params meaning;
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = ehlo_params_check(&meaning, params, mail, &c->caps);
  }
  if (status == EHLO_OK) {
    // RFC 6531 §3.4: the parameter stands at MAIL and holds for the whole transaction.
    status = ehlo_argument_path(path, mail, mail ? meaning.utf8 : c->params.utf8);
  }
  if (status != EHLO_OK) {
    return status;
  }
  struct ehlo_span parts[] = {ehlo_str(mail ? "MAIL FROM:<" : "RCPT TO:<"), path,
                              ehlo_str(params.len > 0 ? "> " : ">"), params};
  status = ehlo_put_line(c, verb, parts, 4);
  if (status == EHLO_OK && mail) {
    c->params = meaning;
  }
  return status;
}

enum ehlo_status ehlo_send_mail(struct ehlo_client *c, struct ehlo_span path,
                                struct ehlo_span params) {
  return put_path(c, EHLO_VERB_MAIL, path, params);
}

enum ehlo_status ehlo_send_rcpt(struct ehlo_client *c, struct ehlo_span path,
                                struct ehlo_span params) {
  return put_path(c, EHLO_VERB_RCPT, path, params);
}

// ---- The rest ---------------------------------------------------------------------------------------

static enum ehlo_status send_text(struct ehlo_client *c, enum ehlo_verb verb, struct ehlo_span text,
                                  bool optional) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = text.len == 0 && !optional ? EHLO_E_ARGUMENT : ehlo_argument_text(text);
  }
  return status == EHLO_OK ? ehlo_put_command(c, verb, text) : status;
}

enum ehlo_status ehlo_send_rset(struct ehlo_client *c) {
  return send_plain_verb(c, EHLO_VERB_RSET);
}

enum ehlo_status ehlo_send_noop(struct ehlo_client *c, struct ehlo_span text) {
  return send_text(c, EHLO_VERB_NOOP, text, true);
}

enum ehlo_status ehlo_send_vrfy(struct ehlo_client *c, struct ehlo_span text) {
  return send_text(c, EHLO_VERB_VRFY, text, false);
}

enum ehlo_status ehlo_send_expn(struct ehlo_client *c, struct ehlo_span text) {
  return send_text(c, EHLO_VERB_EXPN, text, false);
}

enum ehlo_status ehlo_send_help(struct ehlo_client *c, struct ehlo_span text) {
  return send_text(c, EHLO_VERB_HELP, text, true);
}

enum ehlo_status ehlo_send_quit(struct ehlo_client *c) {
  return send_plain_verb(c, EHLO_VERB_QUIT);
}

// RFC 1985 §5: ETRN SP [option-character] node-name
enum ehlo_status ehlo_send_etrn(struct ehlo_client *c, struct ehlo_span node) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_ETRN);
  if (status == EHLO_OK) {
    status = ehlo_argument_name(node);
  }
  if (status == EHLO_OK && !c->caps.etrn) {
    status = EHLO_E_UNSUPPORTED;
  }
  return status == EHLO_OK ? ehlo_put_command(c, EHLO_VERB_ETRN, node) : status;
}

// Whether each attribute of a list that has the right form was offered.
static bool attributes_offered(const struct ehlo_client *c, struct ehlo_span list) {
  while (list.len > 0) {
    const uint8_t *equals = memchr(list.bytes, '=', list.len);
    struct ehlo_span name = {list.bytes, (size_t)(equals - list.bytes)};
    const uint8_t *blank = memchr(list.bytes, ' ', list.len);
    size_t skip = blank != NULL ? (size_t)(blank - list.bytes) + 1 : list.len;
    if (!ehlo_capabilities_has_xclient(&c->caps, name)) {
      return false;
    }
    list = (struct ehlo_span){list.bytes + skip, list.len - skip};
  }
  return c->caps.xclient;
}

// XCLIENT_README of Postfix: XCLIENT 1*(SP attribute-name "=" attribute-value)
enum ehlo_status ehlo_send_xclient(struct ehlo_client *c, struct ehlo_span attributes) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_XCLIENT);
  if (status == EHLO_OK) {
    status = ehlo_argument_attributes(attributes);
  }
  if (status == EHLO_OK && !attributes_offered(c, attributes)) {
    status = EHLO_E_UNSUPPORTED;
  }
  return status == EHLO_OK ? ehlo_put_command(c, EHLO_VERB_XCLIENT, attributes) : status;
}
