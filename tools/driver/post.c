// The messages of one submission, their envelopes, and the session that takes them.
#include "tools/driver/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/send_report.h"

void post_free(struct post *p) {
  for (size_t i = 0; p->messages != NULL && i < p->num; i++) {
    message_free(&p->messages[i]);
  }
  free(p->messages);
  free(p->envelopes);
  free(p->recipients);
  warnings_free(&p->warnings);
}

static void address(struct post *p, const struct send_options *o, size_t i) {
  const struct message *message = &p->messages[i];
  struct ehlo_recipient *to = p->recipients + i * o->num_to;
  for (size_t k = 0; k < o->num_to; k++) {
    to[k].address = o->to[k];
    to[k].params = ehlo_str(o->rcpt_params);
  }
  p->envelopes[i] = (struct ehlo_message){
      .from = ehlo_str(o->from),
      .params = ehlo_str(o->mail_params),
      .to = to,
      .num_to = o->num_to,
      .size = o->binary ? message->len : message->preflight.wire_size,
      .is_8bit = ehlo_preflight_is_8bit(&message->preflight),
      .is_binary = o->binary,
  };
}

// Reads and judges one file. With --quit-after there may be none: the message is empty then.
static int read_message(struct message *out, struct warnings *warnings,
                        const struct send_options *o, const char *path, char *error,
                        size_t error_cap) {
  struct message_rules rules = {o->fix_eol, o->force, o->exact};
  int status = message_read(out, path);
  if (status != 0) {
    snprintf(error, error_cap, "cannot read the message");
  } else if (!o->binary) {
    status = message_check(error, error_cap, warnings, out, &rules);
  }
  return status;
}

static int complain(char *error, size_t error_cap, int status, const char *what) {
  snprintf(error, error_cap, "%s", what);
  fprintf(stderr, "ehlo: %s\n", error);
  return status;
}

static bool reserve(struct post *p, const struct send_options *o, size_t num) {
  p->num = num;
  p->messages = calloc(num, sizeof(*p->messages));
  p->envelopes = calloc(num, sizeof(*p->envelopes));
  p->recipients = calloc(num * o->num_to + 1, sizeof(*p->recipients));
  return p->messages != NULL && p->envelopes != NULL && p->recipients != NULL;
}

int post_read(struct post *p, const struct send_options *o, char *error, size_t error_cap) {
  if (!reserve(p, o, o->num_data > 0 ? o->num_data : 1)) {
    return complain(error, error_cap, EX_OSERR, "out of memory");
  }
  for (size_t i = 0; i < o->num_data; i++) {
    int status = read_message(&p->messages[i], &p->warnings, o, o->data[i], error, error_cap);
    if (status != 0) {
      return status;
    }
  }
  for (size_t i = 0; i < p->num; i++) {
    address(p, o, i);
  }
  return 0;
}

static void begin(void *arg, size_t message) {
  struct post *p = arg;
  p->current = message;
  p->messages[message].pos = 0;
}

static enum ehlo_source_state peek(void *arg, struct ehlo_span *out) {
  struct post *p = arg;
  return message_peek(&p->messages[p->current], out);
}

static void skip(void *arg, size_t n) {
  struct post *p = arg;
  p->messages[p->current].pos += n;
}

// Where the 8-bit characters are that the server does not take.
static void add_place(struct session *s, const struct post *p) {
  for (size_t i = 0; i < p->num; i++) {
    if (p->envelopes[i].verdict.problem == EHLO_PROBLEM_8BIT) {
      message_add_place(s->error, sizeof(s->error), &p->messages[i]);
      return;
    }
  }
}

int post_submit(struct post *p, const struct send_options *o) {
  int status;
  struct session *s = session_new(&status, &o->live);
  if (s == NULL) {
    if (o->live.json) {
      send_report_early(o, "connect",
                        "at connect: the session cannot begin; standard error says why",
                        &p->warnings);
    }
    return status;
  }
  s->config.messages = p->envelopes;
  s->config.num_messages = p->num;
  s->config.transfer = o->transfer;
  s->config.xclient = ehlo_str(o->xclient);
  s->config.force = o->force;
  s->config.stop = o->stop;
  s->config.stop_after = o->stop_after;
  s->client_config.bare_cr = o->fix_eol ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE;
  s->client_config.bare_lf = o->exact ? EHLO_BARE_LF_REFUSE : EHLO_BARE_LF_NORMALISE;
  struct ehlo_source source = {begin, peek, skip, p};
  status = session_run(s, &source);
  add_place(s, p);
  if (o->live.json) {
    send_report_json(o, p, s);
  } else {
    send_report_words(o, p, s);
  }
  session_free(s);
  return status;
}
