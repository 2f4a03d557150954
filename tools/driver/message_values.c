// See message_values.h.
#include "tools/driver/message_values.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/driver/complaints.h"
#include "tools/mail/compose.h"

static const char known[] = "from, to, subject, date, message-id, host, n and open";

// The domain of the envelope's sender, else this machine's name.
static const char *domain_of(const struct send_options *o, const char *host) {
  const char *at = o->from != NULL ? strrchr(o->from, '@') : NULL;
  return at != NULL ? at + 1 : host;
}

// The recipients who are neither in Cc nor in Bcc. For free().
static char *join(const struct send_options *o) {
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (out == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < o->to_texts.num; i++) {
    fprintf(out, "%s%s", i > 0 ? ", " : "", o->to_texts.values[i]);
  }
  fclose(out);
  return text;
}

int message_values_make(struct message_values *v, const struct send_options *o, size_t n) {
  memset(v, 0, sizeof(*v));
  gethostname(v->host, sizeof(v->host) - 1);
  snprintf(v->n, sizeof(v->n), "%zu", n);
  v->to = join(o);
  if (v->to == NULL || !mail_date(v->date, time(NULL)) ||
      !mail_message_id(v->message_id, domain_of(o, v->host))) {
    fprintf(complaints(), "ehlo: no memory, time or random bits for a message\n");
    return EX_OSERR;
  }
  const char *from = o->from_text;
  const char *subject = o->compose.subject;
  v->from_encoded = from != NULL ? mail_compose_encode_addresses(from) : NULL;
  v->to_encoded = mail_compose_encode_addresses(v->to);
  v->subject_encoded = subject != NULL ? mail_compose_encode(subject) : NULL;
  const struct mail_template_value rows[MESSAGE_VALUES_NUM + 1] = {
      {"from", v->from_encoded, from},
      {"to", v->to_encoded, v->to},
      {"subject", v->subject_encoded, subject},
      {"date", v->date, v->date},
      {"message-id", v->message_id, v->message_id},
      {"host", v->host, v->host},
      {"n", v->n, v->n},
      {NULL, NULL, NULL},
  };
  memcpy(v->rows, rows, sizeof(rows));
  return 0;
}

void message_values_free(struct message_values *v) {
  free(v->from_encoded);
  free(v->to);
  free(v->to_encoded);
  free(v->subject_encoded);
}

int message_values_apply(char **out_text, size_t *out_len, char *error, size_t error_cap,
                         const struct message_values *v, struct ehlo_span text, bool has_header,
                         const char *name) {
  struct mail_template_error wrong;
  *out_text = NULL;
  FILE *out = open_memstream(out_text, out_len);
  bool good = out != NULL && mail_template_write(out, &wrong, text, has_header, v->rows);
  bool is_whole = out != NULL && fclose(out) == 0;
  if (good && is_whole) {
    return 0;
  }
  free(*out_text);
  *out_text = NULL;
  if (out == NULL || !is_whole) {
    snprintf(error, error_cap, "out of memory");
    fprintf(complaints(), "ehlo: %s\n", error);
    return EX_OSERR;
  }
  bool has_name = wrong.name[0] != '\0';
  snprintf(error, error_cap, "%s:%zu:%zu: %s%s%s%s%s%s", name, wrong.line, wrong.column,
           has_name ? "{{" : "", wrong.name, has_name ? "}} " : "", wrong.what,
           has_name ? "; the names are " : "", has_name ? known : "");
  fprintf(complaints(), "ehlo: %s\n", error);
  return EX_DATAERR;
}
