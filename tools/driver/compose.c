// See compose.h.
#include "tools/driver/compose.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/message_values.h"
#include "tools/driver/text.h"

#define PARTS_MAX \
  (CONTENTS_MAX / 4 * 3 / 79 * 76)  // octets that base64 and its line ends make 1 GiB of

static int complain(char *error, size_t error_cap, int status, const char *what, const char *name) {
  snprintf(error, error_cap, "%s%s%s", name, name[0] != '\0' ? ": " : "", what);
  fprintf(complaints(), "ehlo: ");
  text_print(complaints(), ehlo_str(error));
  fprintf(complaints(), "\n");
  return status;
}

// ---- Reading ----------------------------------------------------------------------------------------

// What an option gives: the text itself, or what "@FILE" or "-" holds.
static int read_text(struct contents *out, const char *value, const char *what) {
  if (strcmp(value, "-") == 0) {
    return contents_read(out, "-", what);
  }
  if (value[0] == '@') {
    return contents_read(out, value + 1, what);
  }
  out->bytes = (const uint8_t *)strdup(value);
  out->len = strlen(value);
  return out->bytes != NULL ? 0 : EX_OSERR;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

// FILE:TYPE is taken apart only where what follows the last colon is a type.
static char *path_of(const char *value, char **out_type) {
  const char *colon = strrchr(value, ':');
  if (colon != NULL && mail_compose_is_type(colon + 1)) {
    *out_type = strdup(colon + 1);
    return strndup(value, (size_t)(colon - value));
  }
  return strdup(value);
}

// By the name, and by the first octets where the name does not tell.
static char *guess_type(const char *path, const struct contents *c) {
  size_t looked_at = c->len < 4096 ? c->len : 4096;
  const uint8_t *bytes =
      looked_at > 0 ? c->bytes : NULL;  // an empty file has a type by its name alone
  char *kind = g_content_type_guess(path, bytes, looked_at, NULL);
  char *type = kind != NULL ? g_content_type_get_mime_type(kind) : NULL;
  bool fits = type != NULL && mail_compose_is_type(type);
  char *copy = strdup(fits ? type : "application/octet-stream");
  g_free(type);
  g_free(kind);
  return copy;
}

static int read_file(struct compose *c, const char *value, bool is_inline) {
  size_t i = c->num++;
  c->paths[i] = path_of(value, &c->types[i]);
  if (c->paths[i] == NULL) {
    return EX_OSERR;
  }
  int status = contents_read(&c->files[i], c->paths[i], "the attachment");
  if (status == 0 && c->types[i] == NULL) {
    c->types[i] = guess_type(c->paths[i], &c->files[i]);
  }
  c->attachments[i] = (struct mail_attachment){
      .name = base_name(c->paths[i]),
      .type = c->types[i],
      .is_inline = is_inline,
      .bytes = {c->files[i].bytes, c->files[i].len},
  };
  return status;
}

static int read_files(struct compose *c, const struct option_list *list, bool is_inline) {
  int status = 0;
  for (size_t i = 0; status == 0 && i < list->num; i++) {
    status = read_file(c, list->values[i], is_inline);
  }
  return status;
}

static int read_parts(struct compose *c, const struct compose_options *o) {
  size_t num = o->attach.num + o->attach_inline.num;
  c->files = calloc(num + 1, sizeof(*c->files));
  c->attachments = calloc(num + 1, sizeof(*c->attachments));
  c->paths = calloc(num + 1, sizeof(*c->paths));
  c->types = calloc(num + 1, sizeof(*c->types));
  if (c->files == NULL || c->attachments == NULL || c->paths == NULL || c->types == NULL) {
    return EX_OSERR;
  }
  int status = o->body != NULL ? read_text(&c->body, o->body, "the text") : 0;
  if (status == 0 && o->html != NULL) {
    status = read_text(&c->html, o->html, "the HTML text");
  }
  if (status == 0) {
    status = read_files(c, &o->attach, false);
  }
  return status == 0 ? read_files(c, &o->attach_inline, true) : status;
}

static size_t total(const struct compose *c) {
  size_t len = c->body.len + c->html.len;
  for (size_t i = 0; i < c->num; i++) {
    len += c->files[i].len;
  }
  return len;
}

int compose_read(struct compose *c, char *error, size_t error_cap, const struct send_options *o) {
  memset(c, 0, sizeof(*c));
  int status = read_parts(c, &o->compose);
  if (status != 0) {
    snprintf(error, error_cap, "cannot read a part of the message");
    return status;
  }
  size_t repeat = o->compose.repeat > 0 ? o->compose.repeat : 1;
  return total(c) <= PARTS_MAX / repeat
             ? 0
             : complain(error, error_cap, EX_DATAERR,
                        "the parts make more than 1 GiB of messages together", "");
}

void compose_free(struct compose *c) {
  for (size_t i = 0; i < c->num; i++) {
    contents_free(&c->files[i]);
    free(c->paths[i]);
    free(c->types[i]);
  }
  contents_free(&c->body);
  contents_free(&c->html);
  free(c->files);
  free(c->attachments);
  free(c->paths);
  free(c->types);
}

// ---- Making -----------------------------------------------------------------------------------------

// A draft, and what it points to.
struct making {
  struct mail_draft draft;
  struct message_values values;
  char *subject;
  char *text;
  char *html;
  char **headers;
};

// A text with its values, or as it is.
static int expand(char **out, size_t *out_len, char *error, size_t error_cap,
                  const struct making *m, const struct send_options *o, struct ehlo_span text,
                  const char *name) {
  if (o->compose.is_template) {
    return message_values_apply(out, out_len, error, error_cap, &m->values, text, false, name);
  }
  *out = malloc(text.len + 1);
  if (*out == NULL) {
    return complain(error, error_cap, EX_OSERR, "out of memory", "");
  }
  if (text.len > 0) {
    memcpy(*out, text.bytes, text.len);
  }
  (*out)[text.len] = '\0';
  *out_len = text.len;
  return 0;
}

// The text of --test.
static int write_test(struct making *m) {
  size_t len;
  FILE *out = open_memstream(&m->text, &len);
  if (out == NULL) {
    return EX_OSERR;
  }
  fprintf(out,
          "This is a test message.\n\nFrom: %s\nTo: %s\nDate: %s\nHost: %s\n"
          "Sent by: ehlo " EHLO_VERSION "\n",
          m->values.rows[0].in_body != NULL ? m->values.rows[0].in_body : "", m->values.to,
          m->values.date, m->values.host);
  fclose(out);
  m->draft.text = ehlo_str(m->text);
  m->draft.has_text = true;
  return 0;
}

static int expand_headers(struct making *m, char *error, size_t error_cap,
                          const struct send_options *o) {
  const struct option_list *list = &o->compose.headers;
  m->headers = calloc(list->num + 1, sizeof(*m->headers));
  int status = m->headers != NULL ? 0 : EX_OSERR;
  for (size_t i = 0; status == 0 && i < list->num; i++) {
    size_t len;
    status =
        expand(&m->headers[i], &len, error, error_cap, m, o, ehlo_str(list->values[i]), "--header");
  }
  m->draft.headers = (const char *const *)m->headers;
  m->draft.num_headers = list->num;
  return status;
}

static int expand_texts(struct making *m, char *error, size_t error_cap, const struct compose *c,
                        const struct send_options *o) {
  const struct compose_options *options = &o->compose;
  struct mail_draft *d = &m->draft;
  const char *subject =
      options->subject == NULL && options->test ? "Test from ehlo" : options->subject;
  size_t len;
  int status = 0;
  if (subject != NULL) {
    status = expand(&m->subject, &len, error, error_cap, m, o, ehlo_str(subject), "--subject");
    d->subject = m->subject;
  }
  d->has_text = options->body != NULL;
  if (status == 0 && d->has_text) {
    struct ehlo_span body = {c->body.bytes, c->body.len};
    status = expand(&m->text, &len, error, error_cap, m, o, body, "--body");
    d->text = (struct ehlo_span){(const uint8_t *)m->text, len};
  }
  d->has_html = options->html != NULL;
  if (status == 0 && d->has_html) {
    struct ehlo_span html = {c->html.bytes, c->html.len};
    status = expand(&m->html, &len, error, error_cap, m, o, html, "--html");
    d->html = (struct ehlo_span){(const uint8_t *)m->html, len};
  }
  return status == 0 ? expand_headers(m, error, error_cap, o) : status;
}

static void name_message(char *out, size_t cap, const struct send_options *o, size_t n) {
  if (o->compose.repeat > 1) {
    snprintf(out, cap, "composed message %zu", n);
  } else {
    snprintf(out, cap, "composed message");
  }
}

static int make(struct message *out, char *error, size_t error_cap, struct making *m,
                const struct compose *c, const struct send_options *o, size_t n) {
  char sentence[MAIL_COMPOSE_SENTENCE_MAX];
  char name[64];
  uint8_t *bytes;
  size_t len;
  int status = message_values_make(&m->values, o, n);
  if (status == 0) {
    status = expand_texts(m, error, error_cap, c, o);
  }
  if (status == 0 && o->compose.test && !m->draft.has_text && !m->draft.has_html) {
    status = write_test(m);
  }
  if (status != 0) {
    return status;
  }
  name_message(name, sizeof(name), o, n);
  m->draft.date = m->values.date;
  m->draft.message_id = m->values.message_id;
  if (!mail_compose(sentence, &bytes, &len, &m->draft)) {
    return complain(error, error_cap, EX_DATAERR, sentence, name);
  }
  return message_take(out, name, bytes, len)
             ? 0
             : complain(error, error_cap, EX_OSERR, "out of memory", name);
}

int compose_make(struct message *out, char *error, size_t error_cap, const struct compose *c,
                 const struct send_options *o, size_t n) {
  struct making m = {
      .draft =
          {
              .from = o->from_text != NULL && o->from_text[0] != '\0' ? o->from_text : NULL,
              .to = o->to_texts.values,
              .num_to = o->to_texts.num,
              .cc = o->compose.cc.values,
              .num_cc = o->compose.cc.num,
              .attachments = c->attachments,
              .num_attachments = c->num,
          },
  };
  snprintf(error, error_cap, "out of memory");
  int status = make(out, error, error_cap, &m, c, o, n);
  message_values_free(&m.values);
  free(m.subject);
  free(m.text);
  free(m.html);
  for (size_t i = 0; m.headers != NULL && i < m.draft.num_headers; i++) {
    free(m.headers[i]);
  }
  free(m.headers);
  return status;
}
