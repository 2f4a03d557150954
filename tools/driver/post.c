// The messages of one submission, their envelopes, and the session that takes them.
#include "tools/driver/post.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/compose.h"
#include "tools/driver/envelope_check.h"
#include "tools/driver/message_values.h"
#include "tools/driver/plan.h"
#include "tools/driver/send_report.h"
#include "tools/driver/text.h"

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
      .size = o->binary ? message->contents.len : message->preflight.wire_size,
      .is_8bit = ehlo_preflight_is_8bit(&message->preflight),
      .is_binary = o->binary,
  };
}

static int complain(struct post *p, int status, const char *what) {
  snprintf(p->error, sizeof(p->error), "%s", what);
  fprintf(complaints(), "ehlo: %s\n", p->error);
  return status;
}

static int reserve(struct post *p, const struct send_options *o, size_t num) {
  p->num = num;
  p->messages = calloc(num, sizeof(*p->messages));
  p->envelopes = calloc(num, sizeof(*p->envelopes));
  p->recipients = calloc(num * o->num_to + 1, sizeof(*p->recipients));
  bool good = p->messages != NULL && p->envelopes != NULL && p->recipients != NULL;
  return good ? 0 : complain(p, EX_OSERR, "out of memory");
}

static int judge(struct post *p, const struct send_options *o, const struct message *m) {
  struct message_rules rules = {o->fix_eol, o->force, o->exact};
  return o->binary ? 0 : message_check(p->error, sizeof(p->error), &p->warnings, m, &rules);
}

// ---- Messages that are read -------------------------------------------------------------------------

// Puts values into the message `from`, the one at `path`.
static int fill_in(struct message *out, struct post *p, const struct send_options *o,
                   const struct message *from, size_t n) {
  struct message_values values;
  struct ehlo_span text = {from->contents.bytes, from->contents.len};
  char *bytes;
  size_t len;
  int status = message_values_make(&values, o, n);
  if (status == 0) {
    status = message_values_apply(&bytes, &len, p->error, sizeof(p->error), &values, text, true,
                                  message_name(from));
  }
  message_values_free(&values);
  if (status == 0 && !message_take(out, from->name, (uint8_t *)bytes, len)) {
    status = complain(p, EX_OSERR, "out of memory");
  }
  return status;
}

// Reads one file into as many messages as are to be made of it, from `first` on.
static int read_file(struct post *p, const struct send_options *o, const char *path, size_t first,
                     size_t repeat) {
  struct message *messages = p->messages + first;
  struct message *original = o->compose.is_template ? &p->original : messages;
  int status = message_read(original, path);
  if (status != 0) {
    snprintf(p->error, sizeof(p->error), "cannot read the message");
  }
  for (size_t i = 0; status == 0 && i < repeat; i++) {
    if (o->compose.is_template) {
      status = fill_in(&messages[i], p, o, original, first + i + 1);
    } else if (i > 0 && !message_share(&messages[i], path, original)) {
      status = complain(p, EX_OSERR, "out of memory");
    }
    if (status == 0 && (i == 0 || o->compose.is_template)) {
      envelope_check(&p->warnings, &messages[i], o->from != NULL ? o->from : "");
      status = judge(p, o, &messages[i]);
    }
  }
  message_free(&p->original);
  return status;
}

static int read_files(struct post *p, const struct send_options *o, size_t repeat) {
  int status = 0;
  for (size_t i = 0; status == 0 && i < o->num_data; i++) {
    status = read_file(p, o, o->data[i], i * repeat, repeat);
  }
  return status;
}

// ---- Messages that are made -------------------------------------------------------------------------

static int make(struct post *p, const struct send_options *o, size_t repeat) {
  struct compose compose;
  int status = compose_read(&compose, p->error, sizeof(p->error), o);
  for (size_t i = 0; status == 0 && i < repeat; i++) {
    status = compose_make(&p->messages[i], p->error, sizeof(p->error), &compose, o, i + 1);
    if (status == 0) {
      status = judge(p, o, &p->messages[i]);
    }
  }
  compose_free(&compose);
  return status;
}

static void address_all(struct post *p, const struct send_options *o) {
  for (size_t i = 0; i < p->num; i++) {
    address(p, o, i);
  }
}

int post_read(struct post *p, const struct send_options *o) {
  size_t repeat = o->compose.repeat > 0 ? o->compose.repeat : 1;
  int status = reserve(p, o, (o->num_data > 0 ? o->num_data : 1) * repeat);
  if (status == 0 && o->num_data > 0) {
    status = read_files(p, o, repeat);
  } else if (status == 0 && compose_options_given(&o->compose)) {
    status = make(p, o, repeat);
  }
  if (status == 0) {
    address_all(p, o);
  }
  return status;
}

int post_take(struct post *p, const struct send_options *o, struct message *message) {
  int status = reserve(p, o, 1);
  if (status != 0) {
    message_free(message);
    return status;
  }
  p->messages[0] = *message;
  status = judge(p, o, message);
  if (status == 0) {
    address_all(p, o);
  }
  return status;
}

// ---- The session ------------------------------------------------------------------------------------

static void begin(void *arg, size_t message) {
  struct post *p = arg;
  p->current = message;
  p->messages[message].pos = 0;
  send_progress_begin(&p->progress, p->shows_progress, p->messages[message].contents.len);
}

static enum ehlo_source_state peek(void *arg, struct ehlo_span *out) {
  struct post *p = arg;
  return message_peek(&p->messages[p->current], out);
}

static void skip(void *arg, size_t n) {
  struct post *p = arg;
  struct message *m = &p->messages[p->current];
  m->pos += n;
  send_progress_add(&p->progress, n);
  if (m->pos == m->contents.len) {
    send_progress_end(&p->progress);
  }
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

// What would be sent, to whom.
static void show_plan(const struct post *p, const struct send_options *o) {
  plan_print(stdout, &o->live);
  printf("  %-10s <", "from");
  text_print(stdout, ehlo_str(o->from != NULL ? o->from : ""));
  puts(">");
  for (size_t i = 0; i < o->num_to; i++) {
    printf("  %-10s <", i == 0 ? "to" : "");
    text_print(stdout, o->to[i]);
    puts(">");
  }
  for (size_t i = 0; i < p->num && p->messages[i].name != NULL; i++) {
    printf("  %-10s ", i == 0 ? "message" : "");
    text_print(stdout, ehlo_str(message_name(&p->messages[i])));
    printf(", %" PRIu64 " octets\n", p->envelopes[i].size);
  }
}

static void show_plan_json(const struct post *p, const struct send_options *o) {
  json_t *to = json_array();
  json_t *messages = json_array();
  json_t *plan = plan_json(&o->live);
  for (size_t i = 0; i < o->num_to; i++) {
    json_array_append_new(to, text_to_json(o->to[i]));
  }
  for (size_t i = 0; i < p->num && p->messages[i].name != NULL; i++) {
    json_array_append_new(messages, json_pack("{s:o, s:I}", "data",
                                              text_to_json(ehlo_str(message_name(&p->messages[i]))),
                                              "size", (json_int_t)p->envelopes[i].size));
  }
  json_object_set_new(plan, "from", text_to_json(ehlo_str(o->from != NULL ? o->from : "")));
  json_object_set_new(plan, "to", to);
  json_object_set_new(plan, "messages", messages);
  json_object_set_new(plan, "warnings", warnings_json(&p->warnings, NULL));
  text_print_json(plan, JSON_INDENT(2));
}

int post_submit(struct post *p, const struct send_options *o, post_report_fn *report) {
  int status;
  plan_warn(&p->warnings, &o->live, o->from);
  if (o->live.dry_run) {
    (o->live.json ? show_plan_json : show_plan)(p, o);
    return 0;
  }
  struct session *s = session_new(&status, &o->live);
  if (s == NULL) {
    if (o->live.json) {
      send_report_early(o, "connect", complaints_last(), &p->warnings);
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
  p->shows_progress = !o->live.quiet && !o->live.json;
  status = session_run(s, &source);
  send_progress_end(&p->progress);
  add_place(s, p);
  report(o, p, s);
  session_free(s);
  return status;
}
