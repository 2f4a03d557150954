// Rows and checks of the options that make a message.
#include "tools/driver/compose_options.h"

#include <stdlib.h>
#include <string.h>

#include "tools/driver/send_options.h"
#include "tools/mail/compose.h"

static struct compose_options *of(void *o) {
  return &((struct send_options *)o)->compose;
}

static const char *set_subject(void *o, const char *value) {
  of(o)->subject = value;
  return NULL;
}

static const char *set_body(void *o, const char *value) {
  of(o)->body = value;
  return NULL;
}

static const char *set_html(void *o, const char *value) {
  of(o)->html = value;
  return NULL;
}

static const char *set_attach(void *o, const char *value) {
  return option_list_add(&of(o)->attach, value);
}

static const char *set_attach_inline(void *o, const char *value) {
  return option_list_add(&of(o)->attach_inline, value);
}

static const char *set_header(void *o, const char *value) {
  const char *wrong = mail_compose_check_field(value);
  return wrong != NULL ? wrong : option_list_add(&of(o)->headers, value);
}

static const char *set_cc(void *o, const char *value) {
  const char *wrong = option_list_add(&of(o)->cc, value);
  return wrong != NULL ? wrong : send_options_add_recipient(o, value);
}

static const char *set_bcc(void *o, const char *value) {
  const char *wrong = option_list_add(&of(o)->bcc, value);
  return wrong != NULL ? wrong : send_options_add_recipient(o, value);
}

static const char *set_test(void *o, const char *value) {
  (void)value;
  of(o)->test = true;
  return NULL;
}

static const char *set_template(void *o, const char *value) {
  (void)value;
  of(o)->is_template = true;
  return NULL;
}

static const char *set_repeat(void *o, const char *value) {
  char *end;
  unsigned long repeat = strtoul(value, &end, 10);
  if (value[0] < '1' || value[0] > '9' || *end != '\0' || repeat > COMPOSE_REPEAT_MAX) {
    return "it is a number from 1 to 1000";
  }
  of(o)->repeat = repeat;
  return NULL;
}

const struct option_row compose_option_rows[] = {
    {"subject", 's', "TEXT", "make a message with this subject", set_subject},
    {"body", 'b', "TEXT", "… and this text; @FILE or - reads it", set_body},
    {"html", 0, "TEXT", "… and the same in HTML, likewise", set_html},
    {"attach", 'a', "FILE[:TYPE]", "… with this file; also again", set_attach},
    {"attach-inline", 0, "FILE", "… with one that the HTML shows as cid:NAME", set_attach_inline},
    {"header", 'H', "FIELD", "… and a field \"Name: value\"; also again", set_header},
    {"cc", 0, "ADDRESS", "a recipient, in Cc of a message that is made", set_cc},
    {"bcc", 0, "ADDRESS", "a recipient who is in no header", set_bcc},
    {"test", 0, NULL, "make a short message that says where it is from", set_test},
    {"template", 0, NULL, "put values in the place of {{name}}", set_template},
    {"repeat", 0, "N", "send it N times, at most 1000", set_repeat},
    {NULL, 0, NULL, NULL, NULL},
};

bool compose_options_given(const struct compose_options *o) {
  return o->test || o->subject != NULL || o->body != NULL || o->html != NULL || o->attach.num > 0 ||
         o->attach_inline.num > 0 || o->headers.num > 0;
}

// With a template that is read, a subject is a value for it.
static bool excludes_data(const struct compose_options *o) {
  struct compose_options rest = *o;
  rest.subject = o->is_template ? NULL : o->subject;
  return compose_options_given(&rest);
}

static bool is_stdin(const char *value) {
  return value != NULL && strcmp(value, "-") == 0;
}

const char *compose_options_wrong(const struct compose_options *o, size_t num_data) {
  if (num_data > 0 && excludes_data(o)) {
    return "--data is a whole message: --subject, --body, --html, --attach, --header and --test "
           "are for one that is made";
  }
  if (is_stdin(o->body) && is_stdin(o->html)) {
    return "--body and --html cannot both be standard input";
  }
  if (o->attach_inline.num > 0 && o->html == NULL) {
    return "--attach-inline is for what --html shows; for a file beside the text use --attach";
  }
  return NULL;
}

void compose_options_free(struct compose_options *o) {
  option_list_free(&o->attach);
  option_list_free(&o->attach_inline);
  option_list_free(&o->headers);
  option_list_free(&o->cc);
  option_list_free(&o->bcc);
}
