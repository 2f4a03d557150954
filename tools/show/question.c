// Host, greeting, stage and words.
#include "tools/show/question.h"

#include <stdio.h>
#include <string.h>

// "mail.example:587" and "[2001:db8::1]:587" without the port.
static void take_host(char host[SHOW_HOST_MAX], const struct show_text *place) {
  size_t len = place->len < SHOW_HOST_MAX - 1 ? place->len : SHOW_HOST_MAX - 1;
  memcpy(host, place->bytes, len);
  host[len] = '\0';
  char *colon = strrchr(host, ':');
  if (colon != NULL) {
    *colon = '\0';
  }
}

static struct explain_question question(struct show_asked *asked, const struct show_summary *s,
                                        enum ehlo_stage stage) {
  take_host(asked->host, &s->place);
  return (struct explain_question){
      .host = asked->host[0] != '\0' ? asked->host : NULL,
      .greeting = {s->greeting.bytes, s->greeting.len},
      .stage_known = true,
      .stage = stage,
  };
}

struct explain_question show_question(struct show_asked *asked, const struct show_summary *s,
                                      const struct show_reply *r) {
  struct explain_question q = question(asked, s, r->stage);
  struct explanation e;
  // The refusal behind it only says that there was one.
  q.words = (struct ehlo_span){s->token.text, s->token.text_len};
  if (r->stage == EHLO_STAGE_AUTH && s->token.code != 0 && explain_answer(&e, &q)) {
    return q;
  }
  q.code = r->code;
  q.enhanced = r->enhanced;
  q.words = (struct ehlo_span){r->text, r->text_len};
  return q;
}

static struct ehlo_span span_of(const struct show_text *text) {
  return (struct ehlo_span){text->bytes, text->len};
}

// What was written of it as words: why there was no connection or no TLS, or a note of ours.
static struct ehlo_span words_of(const struct show_summary *s) {
  return s->connect_failed         ? span_of(&s->connect_reason)
         : s->tls.failed           ? span_of(&s->tls.reason)
         : s->tls.breakage.len > 0 ? span_of(&s->tls.breakage)
                                   : span_of(&s->note);
}

static bool is_failure(const struct show_summary *s, struct show_verdict v) {
  return v.outcome != EHLO_OUTCOME_ACCEPTED && v.outcome != EHLO_OUTCOME_PARTIAL &&
         v.outcome != EHLO_OUTCOME_STOPPED && show_summary_deciding(s, v) == NULL;
}

// What a note of our own tells, which is more than the outcome does.
static void take_note(struct explain_question *q, struct show_asked *asked,
                      const struct show_summary *s) {
  char note[sizeof(s->note.bytes) + 1];
  struct explain_failure f;
  bool stage_known;
  enum ehlo_stage stage;
  snprintf(note, sizeof(note), "%.*s", (int)s->note.len, (const char *)s->note.bytes);
  if (q->failure.status == EHLO_OK &&
      explain_failure_read(&f, asked->line, &stage_known, &stage, note)) {
    q->stage = stage_known ? stage : q->stage;
    f.outcome = f.outcome != EHLO_OUTCOME_OPEN ? f.outcome : q->failure.outcome;
    q->failure = f;
  }
}

bool show_failure_question(struct explain_question *out, struct show_asked *asked,
                           const struct show_summary *s) {
  bool inferred;
  struct show_verdict v = show_summary_verdict(s, &inferred);
  enum ehlo_status_class class = ehlo_status_class(s->status);
  bool of_line = class == EHLO_CLASS_SERVER || class == EHLO_CLASS_LIMIT;
  bool begun = s->reply.line != 0 && !of_line;
  if (!is_failure(s, v)) {
    return false;
  }
  *out = question(asked, s, v.stage);
  out->words = words_of(s);
  out->failure = (struct explain_failure){
      .outcome = v.outcome,
      .status = s->status,
      .line = of_line ? span_of(&s->line) : (struct ehlo_span){NULL, 0},
      .unfinished = begun && !s->tls.failed,
  };
  if (of_line) {
    out->words = out->failure.line;
  }
  take_note(out, asked, s);
  return explain_failure_is_any(&out->failure);
}

bool show_explain(struct explanation *out, const struct show_summary *s, struct show_verdict v) {
  struct show_asked asked;
  struct explain_question q;
  const struct show_reply *reply = show_summary_deciding(s, v);
  if (reply != NULL) {
    q = show_question(&asked, s, reply);
  } else if (!show_failure_question(&q, &asked, s)) {
    return false;
  }
  return explain_answer(out, &q);
}
