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

static void put(struct ehlo_client *c, struct ehlo_span bytes, unsigned flags) {
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
static enum ehlo_status put_line(struct ehlo_client *c, enum ehlo_verb verb,
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
    put(c, parts[i], 0);
  }
  put(c, ehlo_str("\r\n"), 0);
  ehlo_client_push(c, verb);
  return EHLO_OK;
}

// A verb with an optional argument, both already checked.
static enum ehlo_status put_command(struct ehlo_client *c, enum ehlo_verb verb,
                                    struct ehlo_span argument) {
  struct ehlo_span parts[] = {ehlo_str(ehlo_verb_name(verb)), ehlo_str(argument.len > 0 ? " " : ""),
                              argument};
  return put_line(c, verb, parts, 3);
}

static enum ehlo_status send_hello(struct ehlo_client *c, enum ehlo_verb verb,
                                   struct ehlo_span name) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = ehlo_argument_name(name);
  }
  return status == EHLO_OK ? put_command(c, verb, name) : status;
}

enum ehlo_status ehlo_send_ehlo(struct ehlo_client *c, struct ehlo_span name) {
  return send_hello(c, EHLO_VERB_EHLO, name);
}

enum ehlo_status ehlo_send_helo(struct ehlo_client *c, struct ehlo_span name) {
  return send_hello(c, EHLO_VERB_HELO, name);
}

static enum ehlo_status send_plain_verb(struct ehlo_client *c, enum ehlo_verb verb) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  return status == EHLO_OK ? put_command(c, verb, ehlo_str("")) : status;
}

// RFC 3207 §4.2: not again under TLS.
enum ehlo_status ehlo_send_starttls(struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_STARTTLS);
  if (status == EHLO_OK && c->secure) {
    status = EHLO_E_STATE;
  }
  if (status == EHLO_OK && !c->caps.starttls) {
    status = EHLO_E_UNSUPPORTED;
  }
  return status == EHLO_OK ? put_command(c, EHLO_VERB_STARTTLS, ehlo_str("")) : status;
}

// ---- AUTH -------------------------------------------------------------------------------------------

// RFC 4954 §4: once only, and not in a transaction, which the state sees to.
static enum ehlo_status check_auth(const struct ehlo_client *c, const char *mechanism) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_AUTH);
  if (status != EHLO_OK) {
    return status;
  }
  if (c->intent == EHLO_STATE_AUTH || c->authenticated) {
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
  put(c, head, 0);
  if (raw_len > 0) {
    size_t written = ehlo_base64_encode(ehlo_output_tail(c), parts, num_parts);
    ehlo_output_commit(c, written, secret ? EHLO_OUTPUT_SECRET : 0);
  } else {
    put(c, ehlo_str(when_empty), 0);
  }
  put(c, ehlo_str("\r\n"), 0);
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
  bool utf8 = false;
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = ehlo_argument_params(params, &c->caps, &utf8);
  }
  if (status == EHLO_OK) {
    // RFC 6531 §3.4: the parameter stands at MAIL and holds for the whole transaction.
    utf8 = verb == EHLO_VERB_MAIL ? utf8 : c->utf8;
    status = ehlo_argument_path(path, verb == EHLO_VERB_MAIL, utf8);
  }
  if (status != EHLO_OK) {
    return status;
  }
  struct ehlo_span parts[] = {ehlo_str(verb == EHLO_VERB_MAIL ? "MAIL FROM:<" : "RCPT TO:<"), path,
                              ehlo_str(params.len > 0 ? "> " : ">"), params};
  status = put_line(c, verb, parts, 4);
  if (status == EHLO_OK) {
    c->utf8 = utf8;
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

enum ehlo_status ehlo_send_data(struct ehlo_client *c) {
  enum ehlo_status status = send_plain_verb(c, EHLO_VERB_DATA);
  if (status == EHLO_OK) {
    ehlo_body_init(&c->body, c->config.bare_cr);
  }
  return status;
}

// The message may flow once the event that wants it was taken.
static enum ehlo_status check_body(const struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_BODY);
  if (status != EHLO_OK) {
    return status;
  }
  return c->reply_ready || c->follow_up != EHLO_EVENT_NONE ? EHLO_E_STATE : EHLO_OK;
}

enum ehlo_status ehlo_send_body(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                size_t len) {
  *out_used = 0;
  enum ehlo_status status = check_body(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_encode(&c->body, out_used, &written, ehlo_output_tail(c), room, in, len);
  if (written > 0 && c->num_segments == 0) {
    c->wait_start_ms = c->now_ms;
  }
  ehlo_output_commit(c, written, EHLO_OUTPUT_BODY);
  return status;
}

enum ehlo_status ehlo_send_body_end(struct ehlo_client *c) {
  enum ehlo_status status = check_body(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_end(&c->body, &written, ehlo_output_tail(c), room);
  if (status == EHLO_OK) {
    ehlo_output_commit(c, written, EHLO_OUTPUT_BODY);
    ehlo_client_push(c, EHLO_VERB_BODY);
  }
  return status;
}

// RFC 3030 §2: bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF
enum ehlo_status ehlo_send_bdat(struct ehlo_client *c, uint64_t len, bool last) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_BDAT);
  if (status != EHLO_OK) {
    return status;
  }
  if (!c->caps.chunking) {
    return EHLO_E_UNSUPPORTED;
  }
  uint8_t digits[20];
  size_t at = sizeof(digits);
  uint64_t rest = len;
  do {
    digits[--at] = (uint8_t)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  struct ehlo_span parts[] = {ehlo_str("BDAT "), {digits + at, sizeof(digits) - at},
                              ehlo_str(last ? " LAST" : "")};
  c->chunk_last = last;
  status = put_line(c, EHLO_VERB_BDAT, parts, 3);
  if (status != EHLO_OK) {
    return status;
  }
  c->chunk_left = len;
  ehlo_client_chunk_taken(c, 0);
  return EHLO_OK;
}

enum ehlo_status ehlo_send_chunk(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                 size_t len) {
  *out_used = 0;
  if (c->status != EHLO_OK) {
    return c->status;
  }
  if (c->intent != EHLO_STATE_CHUNK) {
    return EHLO_E_STATE;
  }
  size_t room = ehlo_output_room(c);
  size_t take = len < room ? len : room;
  take = take < c->chunk_left ? take : (size_t)c->chunk_left;
  if (take > 0 && c->num_segments == 0) {
    c->wait_start_ms = c->now_ms;
  }
  put(c, (struct ehlo_span){in, take}, EHLO_OUTPUT_BODY);
  *out_used = take;
  ehlo_client_chunk_taken(c, take);
  return EHLO_OK;
}

// ---- The rest ---------------------------------------------------------------------------------------

static enum ehlo_status send_text(struct ehlo_client *c, enum ehlo_verb verb, struct ehlo_span text,
                                  bool optional) {
  enum ehlo_status status = ehlo_client_check(c, verb);
  if (status == EHLO_OK) {
    status = text.len == 0 && !optional ? EHLO_E_ARGUMENT : ehlo_argument_text(text);
  }
  return status == EHLO_OK ? put_command(c, verb, text) : status;
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

enum ehlo_status ehlo_send_raw(struct ehlo_client *c, struct ehlo_span line) {
  // Where QUIT may stand, a command of the caller's own may.
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_QUIT);
  if (status != EHLO_OK) {
    return status;
  }
  enum ehlo_verb verb = ehlo_verb_of_line(line);
  if (c->num_pending > 0 || verb == EHLO_VERB_AUTH || verb == EHLO_VERB_BDAT) {
    return EHLO_E_STATE;
  }
  status = ehlo_argument_line(line);
  if (status != EHLO_OK) {
    return status;
  }
  if (verb == EHLO_VERB_DATA) {
    ehlo_body_init(&c->body, c->config.bare_cr);
  }
  return put_line(c, verb, &line, 1);
}
