// Commands by their verbs: what a call checks, in the order of engine/SPECIFICATION.md, and the line it sends.
#include <string.h>

#include "fuzz/model.h"
#include "fuzz/model_parts.h"
#include "fuzz/reference.h"

enum ehlo_status ehlo_model_fit(const struct ehlo_model *m, size_t len, size_t max) {
  if (len + 2 > max || len + 2 > m->output_max) {
    return EHLO_E_TOO_LONG;
  }
  return ehlo_model_has_room(m, len + 2) ? EHLO_OK : EHLO_E_FULL;
}

void ehlo_model_sent(struct ehlo_model *m, enum ehlo_verb verb) {
  ehlo_model_put(m, ehlo_str("\r\n"), 0);
  ehlo_model_push(m, verb);
  m->intent = ehlo_model_intent(m, verb);
  if (verb == EHLO_VERB_MAIL) {
    m->utf8 = false;
    m->binary_mime = false;
  }
}

static bool offers(const struct ehlo_model *m, unsigned bit) {
  return (m->offers.bits & bit) != 0;
}

static enum ehlo_status need(const struct ehlo_model *m, unsigned bit) {
  return offers(m, bit) ? EHLO_OK : EHLO_E_UNSUPPORTED;
}

// 5 for all but AUTH, MAIL and RCPT.
static enum ehlo_status judge_argument(const struct ehlo_model *m, enum ehlo_verb verb,
                                       struct ehlo_span text) {
  enum ehlo_status status = EHLO_OK;
  switch ((int)verb) {
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
      return ehlo_model_name(text);
    case EHLO_VERB_STARTTLS:
      return need(m, EHLO_MODEL_STARTTLS);
    case EHLO_VERB_BDAT:
      return need(m, EHLO_MODEL_CHUNKING);
    case EHLO_VERB_NOOP:
    case EHLO_VERB_HELP:
      return ehlo_model_free_text(text, true);
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
      return ehlo_model_free_text(text, false);
    case EHLO_VERB_ETRN:
      status = ehlo_model_name(text);
      return status != EHLO_OK ? status : need(m, EHLO_MODEL_ETRN);
    case EHLO_VERB_XCLIENT:
      status = ehlo_model_attributes(text, &m->offers);
      return status != EHLO_OK ? status : need(m, EHLO_MODEL_XCLIENT);
    default:
      return EHLO_OK;
  }
}

void ehlo_model_begin_chunk(struct ehlo_model *m, uint64_t len, bool last) {
  m->pending[m->num_pending - 1].last = last;
  m->chunk_left = len;
  m->chunk_octets = false;
  m->chunk_text = false;
  m->chunk_held = false;
  m->chunk_broken = false;
  m->refused = EHLO_OK;
  m->in_line = false;
  m->cr = false;
  if (len == 0) {
    m->intent = last ? EHLO_STATE_READY : EHLO_STATE_CHUNKED;
  }
}

static enum ehlo_status send_line(struct ehlo_model *m, const struct ehlo_fuzz_command *command) {
  size_t len = command->head.len;
  enum ehlo_status status = ehlo_model_fit(m, len, EHLO_COMMAND_MAX);
  if (status != EHLO_OK) {
    return status;
  }
  ehlo_model_put(m, (struct ehlo_span){command->head.bytes, len}, 0);
  ehlo_model_sent(m, command->verb);
  return EHLO_OK;
}

static enum ehlo_status send_envelope(struct ehlo_model *m,
                                      const struct ehlo_fuzz_command *command) {
  bool mail = command->verb == EHLO_VERB_MAIL;
  struct ehlo_model_params params = {m->utf8, m->binary_mime};
  struct ehlo_model_params own = {false, false};
  enum ehlo_status status = ehlo_model_params(&own, command->text, mail, &m->offers);
  params = mail ? own : params;
  if (status == EHLO_OK) {
    status = ehlo_model_path(command->path, mail, params.utf8);
  }
  if (status == EHLO_OK) {
    status = send_line(m, command);
  }
  if (status == EHLO_OK) {
    m->utf8 = params.utf8;
    m->binary_mime = params.binary_mime;
  }
  return status;
}

bool ehlo_model_is_cleartext(const struct ehlo_model *m) {
  return !m->secure && !m->config.allow_cleartext_auth;
}

static struct ehlo_span encode(struct ehlo_model *m, struct ehlo_span text) {
  ehlo_fuzz_clear(&m->base64);
  ehlo_reference_base64(&m->base64, text.bytes, text.len);
  return (struct ehlo_span){m->base64.bytes, m->base64.len};
}

static enum ehlo_status send_auth(struct ehlo_model *m, const struct ehlo_fuzz_command *command) {
  struct ehlo_span mechanism = ehlo_str(command->mechanism);
  struct ehlo_span secret = encode(m, command->has_secret ? command->text : ehlo_str(""));
  enum ehlo_status status = ehlo_model_mechanism(mechanism);
  if (status != EHLO_OK) {
    return status;
  }
  if (!offers(m, EHLO_MODEL_AUTH) || !ehlo_model_has_name(&m->offers.mechanisms, mechanism)) {
    return EHLO_E_UNSUPPORTED;
  }
  if (ehlo_model_is_cleartext(m)) {
    return EHLO_E_CLEARTEXT;
  }
  status = ehlo_model_fit(m, command->head.len + secret.len, EHLO_TOKEN_MAX);
  if (status != EHLO_OK) {
    return status;
  }
  ehlo_model_put(m, (struct ehlo_span){command->head.bytes, command->head.len}, 0);
  ehlo_model_put(m, secret, EHLO_OUTPUT_SECRET);
  ehlo_model_sent(m, EHLO_VERB_AUTH);
  m->num_challenges = 0;
  return EHLO_OK;
}

enum ehlo_status ehlo_model_command(struct ehlo_model *m, const struct ehlo_fuzz_command *command) {
  enum ehlo_verb verb = command->verb;
  if (command->raw) {
    return ehlo_model_raw(m, command->text, ehlo_str(""), ehlo_str(""));
  }
  enum ehlo_status status = ehlo_model_order(m, verb);
  if (status == EHLO_OK && verb == EHLO_VERB_AUTH && m->intent == EHLO_STATE_AUTH) {
    status = EHLO_E_STATE;
  }
  if (status == EHLO_OK) {
    status = ehlo_model_special(m, verb);
  }
  if (status != EHLO_OK) {
    return status;
  }
  if (verb == EHLO_VERB_AUTH) {
    return send_auth(m, command);
  }
  if (verb == EHLO_VERB_MAIL || verb == EHLO_VERB_RCPT) {
    return send_envelope(m, command);
  }
  status = judge_argument(m, verb, command->text);
  if (status == EHLO_OK) {
    status = send_line(m, command);
  }
  if (status == EHLO_OK && verb == EHLO_VERB_BDAT) {
    ehlo_model_begin_chunk(m, command->chunk_len, command->last_chunk);
  }
  return status;
}

// ---- Within AUTH --------------------------------------------------------------------------------

static enum ehlo_status send_response(struct ehlo_model *m, struct ehlo_span line, unsigned kind) {
  if (line.len > EHLO_TOKEN_MAX || line.len + 2 > m->output_max) {
    return EHLO_E_TOO_LONG;
  }
  if (!ehlo_model_has_room(m, line.len + 2)) {
    return EHLO_E_FULL;
  }
  ehlo_model_put(m, line, kind);
  ehlo_model_sent(m, EHLO_VERB_AUTH);
  return EHLO_OK;
}

static enum ehlo_status order_response(const struct ehlo_model *m) {
  enum ehlo_status status = ehlo_model_order(m, EHLO_VERB_AUTH);
  return status == EHLO_OK && m->intent != EHLO_STATE_AUTH ? EHLO_E_STATE : status;
}

enum ehlo_status ehlo_model_respond(struct ehlo_model *m, struct ehlo_span text, bool secret) {
  enum ehlo_status status = order_response(m);
  return status != EHLO_OK ? status
                           : send_response(m, encode(m, text), secret ? EHLO_OUTPUT_SECRET : 0);
}

enum ehlo_status ehlo_model_cancel(struct ehlo_model *m) {
  enum ehlo_status status = order_response(m);
  return status != EHLO_OK ? status : send_response(m, ehlo_str("*"), 0);
}
