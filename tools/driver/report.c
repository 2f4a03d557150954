// Keeping and rendering what the server said.
#include "tools/driver/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/escape.h"
#include "tools/driver/explanation.h"
#include "tools/driver/first_bytes.h"
#include "tools/driver/text.h"

// ---- Keeping ----------------------------------------------------------------------------------------

bool report_init(struct report *r, const struct ehlo_redactor *redactor,
                 const struct ehlo_submit_config *config) {
  memset(r, 0, sizeof(*r));
  r->redactor = redactor;
  r->num_messages = config->num_messages;
  r->num_recipients = config->num_messages > 0 ? config->messages[0].num_to : 0;
  r->messages = calloc(r->num_messages + 1, sizeof(*r->messages));
  r->recipients = calloc(r->num_messages * r->num_recipients + 1, sizeof(*r->recipients));
  return r->messages != NULL && r->recipients != NULL;
}

static struct kept_reply *recipient(const struct report *r, size_t message, size_t index) {
  return &r->recipients[message * r->num_recipients + index];
}

const struct kept_reply *report_recipient(const struct report *r, size_t message, size_t index) {
  return recipient(r, message, index);
}

// For several messages the outcome of all is that of one of them, and so is the reply.
const struct kept_reply *report_deciding(const struct report *r, const struct ehlo_submit *submit) {
  const struct ehlo_verdict *all = &submit->verdict;
  for (size_t i = r->num_messages; r->num_messages > 1 && i-- > 0;) {
    const struct ehlo_verdict *v = &submit->config.messages[i].verdict;
    if (v->outcome == all->outcome && v->stage == all->stage && r->messages[i].text != NULL) {
      return &r->messages[i];
    }
  }
  return &r->deciding;
}

void report_free(struct report *r) {
  free(r->greeting.text);
  free(r->hello[0].text);
  free(r->hello[1].text);
  free(r->deciding.text);
  free(r->offending.text);
  for (size_t i = 0; r->recipients != NULL && i < r->num_messages * r->num_recipients; i++) {
    free(r->recipients[i].text);
  }
  for (size_t i = 0; r->messages != NULL && i < r->num_messages; i++) {
    free(r->messages[i].text);
  }
  free(r->recipients);
  free(r->messages);
  json_decref(r->oauth);
  memset(r, 0, sizeof(*r));
}

// Copies one line; if it says a secret, only its code and separator.
static size_t keep_line(uint8_t *out, const struct ehlo_redactor *redactor, struct ehlo_span line) {
  static const char hidden[] = "(hidden: it repeats the password)\r\n";
  if (!ehlo_redactor_hits(redactor, line.bytes, line.len)) {
    memcpy(out, line.bytes, line.len);
    return line.len;
  }
  size_t head = line.len < 4 ? 0 : 4;
  memcpy(out, line.bytes, head);
  memcpy(out + head, hidden, sizeof(hidden) - 1);
  return head + sizeof(hidden) - 1;
}

void report_keep(struct kept_reply *out, const struct ehlo_redactor *redactor,
                 const struct ehlo_reply *reply) {
  free(out->text);
  *out = (struct kept_reply){.reply = *reply};
  out->text = malloc(reply->text.len + reply->num_lines * 64 + 64);
  size_t len = 0;
  for (size_t at = 0; out->text != NULL && at < reply->text.len;) {
    const uint8_t *line = reply->text.bytes + at;
    const uint8_t *lf = memchr(line, '\n', reply->text.len - at);
    size_t n = lf != NULL ? (size_t)(lf - line) + 1 : reply->text.len - at;
    len += keep_line(out->text + len, redactor, (struct ehlo_span){line, n});
    at += n;
  }
  out->reply.text = (struct ehlo_span){out->text, len};
}

static void keep(struct kept_reply *out, const struct report *r, const struct ehlo_reply *reply) {
  report_keep(out, r->redactor, reply);
}

// The reply by which the verdict on the event's message came.
static void keep_message_reply(struct report *r, const struct ehlo_submit *submit,
                               const struct ehlo_event *event) {
  size_t i = submit->message;
  if (i < r->num_messages && r->messages[i].text == NULL &&
      submit->config.messages[i].verdict.outcome != EHLO_OUTCOME_OPEN) {
    keep(&r->messages[i], r, &event->reply);
  }
}

static void keep_reply(struct report *r, const struct ehlo_submit *submit,
                       const struct ehlo_client *c, const struct ehlo_event *event) {
  if (event->verb == EHLO_VERB_GREETING) {
    keep(&r->greeting, r, &event->reply);
  } else if (event->verb == EHLO_VERB_EHLO && event->reply.code / 100 == 2) {
    size_t at = r->num_hello < 2 ? r->num_hello++ : 1;
    r->hello_secure[at] = ehlo_client_is_secure(c);
    keep(&r->hello[at], r, &event->reply);
  } else if (event->of_recipient && submit->message < r->num_messages &&
             event->recipient < r->num_recipients) {
    keep(recipient(r, submit->message, event->recipient), r, &event->reply);
  }
  keep_message_reply(r, submit, event);
  if (!r->decided && submit->verdict.outcome != EHLO_OUTCOME_OPEN) {
    keep(&r->deciding, r, &event->reply);
  }
}

static bool says_secret(const struct report *r, const json_t *text) {
  return ehlo_redactor_hits(r->redactor, (const uint8_t *)json_string_value(text),
                            json_string_length(text));
}

// RFC 7628 §3.2.2, and XOAUTH2 likewise: the challenge behind the token is JSON. Kept are the texts
// that have a meaning there; other members may be anything.
static void keep_oauth(struct report *r, struct ehlo_span text) {
  static const char *const names[] = {"status", "scope", "schemes", "openid-configuration"};
  json_t *json = NULL;
  if (!ehlo_redactor_hits(r->redactor, text.bytes, text.len)) {
    json = json_loadb((const char *)text.bytes, text.len, 0, NULL);
  }
  json_decref(r->oauth);
  r->oauth = NULL;
  for (size_t i = 0; json_is_object(json) && i < sizeof(names) / sizeof(names[0]); i++) {
    json_t *value = json_object_get(json, names[i]);
    // Decoded, it may say what the text did not.
    if (json_is_string(value) && !says_secret(r, value)) {
      r->oauth = r->oauth != NULL ? r->oauth : json_object();
      json_object_set(r->oauth, names[i], value);
    }
  }
  json_decref(json);
}

static bool is_about_token(const struct ehlo_submit *submit, const struct ehlo_event *event) {
  bool oauth = submit->mechanism == &ehlo_mechanism_xoauth2 ||
               submit->mechanism == &ehlo_mechanism_oauthbearer;
  return event->type == EHLO_EVENT_CHALLENGE && oauth && submit->auth.step > 1 &&
         event->challenge_valid;
}

void report_event(struct report *r, const struct ehlo_submit *submit, const struct ehlo_client *c,
                  const struct ehlo_event *event) {
  if (event->type == EHLO_EVENT_REPLY || event->type == EHLO_EVENT_CHALLENGE) {
    r->heard += event->reply.text.len;
  }
  if (is_about_token(submit, event)) {
    keep_oauth(r, event->challenge);
  } else if (event->type == EHLO_EVENT_REPLY) {
    keep_reply(r, submit, c, event);
  } else if (event->type == EHLO_EVENT_FAILED) {
    struct ehlo_reply line = {.text = event->error.line, .num_lines = 1};
    r->status = event->error.status;
    r->unfinished =
        ehlo_status_class(r->status) == EHLO_CLASS_TRANSPORT && event->error.offset > r->heard;
    keep(&r->offending, r, &line);
  }
  r->decided = submit->verdict.outcome != EHLO_OUTCOME_OPEN;
}

// ---- JSON -------------------------------------------------------------------------------------------

json_t *report_reply_json(const struct kept_reply *kept) {
  const struct ehlo_enhanced *e = &kept->reply.enhanced;
  struct ehlo_reply_line line;
  char enhanced[24];
  size_t pos = 0;
  if (kept->reply.code == 0 || kept->text == NULL) {
    return json_null();
  }
  json_t *lines = json_array();
  while (ehlo_reply_line(&kept->reply, &pos, &line)) {
    json_array_append_new(lines, text_to_json(line.text));
  }
  snprintf(enhanced, sizeof(enhanced), "%u.%u.%u", e->class_code, e->subject, e->detail);
  return json_pack("{s:i, s:s?, s:o}", "code", kept->reply.code, "enhanced",
                   e->class_code != 0 ? enhanced : NULL, "lines", lines);
}

// The reply that refused; NULL where none did. Of several recipients, the first one refused.
static const struct kept_reply *refusal(enum ehlo_stage *out_stage, const struct report *r,
                                        const struct ehlo_submit *submit) {
  const struct ehlo_verdict *v = &submit->verdict;
  bool refused = v->outcome == EHLO_OUTCOME_REFUSED || v->outcome == EHLO_OUTCOME_DEFERRED ||
                 v->outcome == EHLO_OUTCOME_AUTH_REFUSED ||
                 (v->outcome == EHLO_OUTCOME_TLS_FAILED && v->stage == EHLO_STAGE_STARTTLS);
  const struct kept_reply *deciding = report_deciding(r, submit);
  size_t num = v->outcome == EHLO_OUTCOME_PARTIAL ? r->num_messages * r->num_recipients : 0;
  *out_stage = v->stage;
  if (refused && v->problem == EHLO_PROBLEM_NONE && deciding->reply.code >= 400) {
    return deciding;
  }
  for (size_t i = 0; i < num; i++) {
    if (r->recipients[i].reply.code >= 400) {
      *out_stage = submit->config.lmtp ? EHLO_STAGE_BODY : EHLO_STAGE_RCPT;
      return &r->recipients[i];
    }
  }
  return NULL;
}

// What the server said of the token tells more than the refusal that comes behind it.
static bool explain_token(struct explanation *out, const struct report *r, enum ehlo_stage stage) {
  char *json = r->oauth != NULL ? json_dumps(r->oauth, JSON_COMPACT) : NULL;
  struct explain_question q = {.host = r->host,
                               .greeting = r->greeting.reply.text,
                               .stage_known = true,
                               .stage = stage,
                               .words = ehlo_str(json != NULL ? json : "")};
  bool explained = json != NULL && explain_answer(out, &q);
  free(json);
  return explained;
}

static bool is_failure(const struct ehlo_verdict *v) {
  return v->outcome != EHLO_OUTCOME_OPEN && v->outcome != EHLO_OUTCOME_ACCEPTED &&
         v->outcome != EHLO_OUTCOME_PARTIAL && v->outcome != EHLO_OUTCOME_STOPPED;
}

static bool explain_failed(struct explanation *out, const struct report *r,
                           const struct ehlo_verdict *v) {
  struct ehlo_span line = r->offending.reply.text;
  bool of_transport = r->reason != NULL && ehlo_status_class(r->status) == EHLO_CLASS_TRANSPORT;
  struct explain_question q = {
      .host = r->host,
      .greeting = r->greeting.reply.text,
      .stage_known = true,
      .stage = v->stage,
      .words = of_transport ? ehlo_str(r->reason) : line,
      .failure = {v->outcome, v->problem, v->status != EHLO_OK ? v->status : r->status, line,
                  r->unfinished},
  };
  return is_failure(v) && explain_answer(out, &q);
}

bool report_explain(struct explanation *out, const struct report *r,
                    const struct ehlo_submit *submit) {
  enum ehlo_stage stage;
  const struct kept_reply *refused = refusal(&stage, r, submit);
  if (refused == NULL) {
    return explain_failed(out, r, &submit->verdict);
  }
  if (stage == EHLO_STAGE_AUTH && explain_token(out, r, stage)) {
    return true;
  }
  struct explain_question q = explain_ask(r->host, r->greeting.reply.text, stage, &refused->reply);
  return explain_answer(out, &q);
}

json_t *report_explanation_json(const struct report *r, const struct ehlo_submit *submit) {
  struct explanation e;
  return report_explain(&e, r, submit) ? explanation_json(&e) : json_null();
}

json_t *report_oauth_json(const struct report *r) {
  return r->oauth != NULL ? json_incref(r->oauth) : json_null();
}

json_t *report_capabilities_json(const struct kept_reply *hello) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  json_t *json = json_array();
  if (hello->text == NULL || !ehlo_reply_line(&hello->reply, &pos, &line)) {
    return json;
  }
  while (ehlo_reply_line(&hello->reply, &pos, &line)) {
    json_array_append_new(json, text_to_json(line.text));
  }
  return json;
}

static json_t *certificate_json(const struct live_certificate_info *c) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[s+, s+]}", "subject", c->subject, "issuer",
                   c->issuer, "not_before", c->not_before, "not_after", c->not_after, "names",
                   c->names, "sha256", c->sha256, "pins", "cert:sha256:", c->sha256,
                   "spki:sha256:", c->spki_sha256);
}

static const char *or_null(const char *text) {
  return text[0] != '\0' ? text : NULL;
}

json_t *report_tls_json(const struct live_tls_info *info, bool chain) {
  if (info == NULL) {
    return json_null();
  }
  bool verified = info->judged && info->verdict.chain_ok && info->verdict.name_ok;
  // A handshake that was refused came to no version or cipher.
  json_t *json =
      json_pack("{s:s?, s:s?, s:s?, s:b}", "version", or_null(info->version), "cipher",
                or_null(info->cipher), "group", or_null(info->group), "verified", verified);
  if (info->num_certificates > 0) {
    const struct live_certificate_info *leaf = &info->certificates[0];
    json_object_set_new(json, "subject", json_string(leaf->subject));
    json_object_set_new(json, "issuer", json_string(leaf->issuer));
    json_object_set_new(json, "not_after", json_string(leaf->not_after));
    json_object_set_new(json, "sha256", json_string(leaf->sha256));
  }
  if (info->judged && !verified) {
    json_object_set_new(json, "reason", json_string(info->verdict.reason));
  }
  if (chain) {
    json_t *certificates = json_array();
    for (size_t i = 0; i < info->num_certificates; i++) {
      json_array_append_new(certificates, certificate_json(&info->certificates[i]));
    }
    json_object_set_new(json, "chain", certificates);
  }
  return json;
}

// ---- Words ------------------------------------------------------------------------------------------

// The first line of `kept`, escaped and at most some 200 characters.
static void quote(char *out, size_t cap, const struct kept_reply *kept) {
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; kept->text != NULL && i < kept->reply.text.len; i++) {
    uint8_t c = kept->reply.text.bytes[i];
    if (c == '\r' || c == '\n' || len + EHLO_ESCAPE_BYTE_MAX + 4 > cap || len > 200) {
      break;
    }
    len += ehlo_escape_put(out + len, c);
    out[len] = '\0';
  }
}

static void status_error(char *out, size_t cap, const struct report *r, enum ehlo_stage at,
                         const char *reason) {
  const char *stage = ehlo_stage_name(at);
  const char *hint = first_bytes_look(r->offending.reply.text);
  char line[256];
  quote(line, sizeof(line), &r->offending);
  if (reason[0] != '\0' && ehlo_status_class(r->status) == EHLO_CLASS_TRANSPORT &&
      r->status != EHLO_E_TIMEOUT) {
    snprintf(out, cap, "at %s: %s", stage, reason);
  } else if (r->unfinished && line[0] == '\0') {
    snprintf(out, cap, "at %s: %s; the reply was not finished", stage, ehlo_status_text(r->status));
  } else if (r->status == EHLO_E_TIMEOUT && at == EHLO_STAGE_GREETING && line[0] == '\0') {
    snprintf(out, cap,
             "at greeting: the server said nothing in time; if it expects TLS from the first byte, "
             "use --tls implicit");
  } else {
    snprintf(out, cap, "at %s: %s%s%s%s%s%s", stage, ehlo_status_text(r->status),
             line[0] != '\0' ? ": \"" : "", line, line[0] != '\0' ? "\"" : "",
             hint != NULL ? "; " : "", hint != NULL ? hint : "");
  }
}

// Puts `text` behind what is in `out`, escaped, and at most some 100 characters of it.
static void append_escaped(char *out, size_t cap, const char *text) {
  size_t len = strlen(out);
  for (size_t i = 0; i < 100 && text[i] != '\0' && len + EHLO_ESCAPE_BYTE_MAX + 1 < cap; i++) {
    len += ehlo_escape_put(out + len, (uint8_t)text[i]);
    out[len] = '\0';
  }
}

// What the server said of the token, behind a sentence.
static void append_oauth(char *out, size_t cap, const struct report *r) {
  const char *name;
  json_t *value;
  const char *before = "; of the token it says: ";
  json_object_foreach(r->oauth, name, value) {
    size_t len = strlen(out);
    snprintf(out + len, cap - len, "%s%s \"", before, name);
    append_escaped(out, cap, json_string_value(value));
    len = strlen(out);
    snprintf(out + len, cap - len, "\"");
    before = ", ";
  }
}

// Where the server may have a message that is not known to be taken.
static void append_advice(char *out, size_t cap, const struct ehlo_submit *submit) {
  bool may = false;
  for (size_t i = 0; i < submit->config.num_messages; i++) {
    const struct ehlo_verdict *v = &submit->config.messages[i].verdict;
    may = may || (v->may_have && v->outcome != EHLO_OUTCOME_ACCEPTED);
  }
  size_t len = strlen(out);
  snprintf(out + len, cap - len, "%s",
           may ? "; the message was sent whole, so the server may have it: look before sending it "
                 "again"
               : "");
}

// What needs an extension, as far as its name tells.
static const char *what_needs(const char *extension) {
  if (strcmp(extension, "SMTPUTF8") == 0) {
    return "an address with characters beyond ASCII needs";
  }
  if (strcmp(extension, "CHUNKING") == 0 || strcmp(extension, "BINARYMIME") == 0) {
    return "a message by BDAT needs";
  }
  return "was asked for";
}

// Why a message, or all of them, came to nothing; `reply` decided it, if it has a code.
static void verdict_error(char *out, size_t cap, const struct report *r,
                          const struct ehlo_verdict *v, const struct kept_reply *reply,
                          const char *reason) {
  const char *stage = ehlo_stage_name(v->stage);
  char line[256];
  quote(line, sizeof(line), reply);
  if (v->problem == EHLO_PROBLEM_ARGUMENT) {
    snprintf(out, cap, "at %s: %s", stage, ehlo_status_text(v->status));
  } else if (v->problem == EHLO_PROBLEM_UNSUPPORTED) {
    snprintf(out, cap, "at %s: the server does not offer %s, which %s; nothing was sent", stage,
             v->missing, what_needs(v->missing));
  } else if (v->problem != EHLO_PROBLEM_NONE) {
    snprintf(out, cap, "at %s: %s", stage, ehlo_submit_problem_text(v->problem));
  } else if (line[0] != '\0') {
    snprintf(out, cap, "the server refused at %s: %s", stage, line);
    if (v->stage == EHLO_STAGE_AUTH) {
      append_oauth(out, cap, r);
    }
  } else {
    status_error(out, cap, r, v->stage, reason);
  }
}

// How many got nothing, and why the first of the messages did not go to all.
static void partial_error(char *out, size_t cap, const struct report *r,
                          const struct ehlo_submit *submit, const char *reason) {
  const struct ehlo_submit_config *config = &submit->config;
  const struct ehlo_message *first = NULL;
  size_t accepted = 0;
  size_t all = 0;
  for (size_t i = 0; i < config->num_messages; i++) {
    const struct ehlo_message *m = &config->messages[i];
    accepted += m->num_accepted;
    all += m->num_to;
    first = first == NULL && m->num_accepted < m->num_to ? m : first;
  }
  bool told = first == NULL || first->verdict.stage == EHLO_STAGE_QUIT;  // recipient by recipient
  size_t len = (size_t)snprintf(
      out, cap, "%zu of %zu recipients %s%s", all - accepted, all,
      config->num_messages > 1 || !told ? "did not get their message" : "were refused",
      told ? "" : "; ");
  if (!told && len < cap) {
    verdict_error(out + len, cap - len, r, &first->verdict, &r->messages[first - config->messages],
                  reason);
  }
}

void report_error(char *out, size_t cap, const struct report *r, const struct ehlo_submit *submit,
                  const char *transport_reason) {
  out[0] = '\0';
  switch (submit->verdict.outcome) {
    case EHLO_OUTCOME_OPEN:
    case EHLO_OUTCOME_ACCEPTED:
    case EHLO_OUTCOME_STOPPED:
    case EHLO_NUM_OUTCOMES:
      return;
    case EHLO_OUTCOME_PARTIAL:
      partial_error(out, cap, r, submit, transport_reason);
      append_advice(out, cap, submit);
      return;
    case EHLO_OUTCOME_UNKNOWN:
    case EHLO_OUTCOME_REFUSED:
    case EHLO_OUTCOME_DEFERRED:
    case EHLO_OUTCOME_AUTH_REFUSED:
    case EHLO_OUTCOME_TLS_FAILED:
    case EHLO_OUTCOME_PROTOCOL_ERROR:
    case EHLO_OUTCOME_TIMEOUT:
    case EHLO_OUTCOME_CONNECT_FAILED:
    case EHLO_OUTCOME_LOST:
    case EHLO_OUTCOME_USAGE:
      break;
  }
  verdict_error(out, cap, r, &submit->verdict, report_deciding(r, submit), transport_reason);
  append_advice(out, cap, submit);
}

void report_hash(char out[REPORT_HASH_SIZE], uint64_t hash) {
  snprintf(out, REPORT_HASH_SIZE, "%016" PRIx64, hash);
}

void report_print_hash(const struct report *r) {
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, r->hash);
  printf("session hash %s\n", hash);
}
