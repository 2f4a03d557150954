// The fields of a message that is made: checked, encoded, and set in their order.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/mail/compose.h"
#include "tools/mail/compose_parts.h"
#include "tools/mail/fields.h"
#include "tools/mail/gmime.h"

static bool is_control(char c) {
  return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_one_line(const char *text) {
  for (; *text != '\0'; text++) {
    if (is_control(*text) && *text != '\t') {
      return false;
    }
  }
  return true;
}

bool mail_compose_is_text(const char *text) {
  return is_one_line(text) && g_utf8_validate(text, -1, NULL);
}

// The length of the name; `*out_value` is behind the colon and blanks.
static size_t split_field(const char *field, const char **out_value) {
  size_t len = strcspn(field, ":");
  *out_value = field + len;
  if (field[len] == ':') {
    *out_value += 1 + strspn(field + len + 1, " \t");
  }
  return len;
}

static bool is_named(const char *field, size_t len, const char *name) {
  return strlen(name) == len && strncasecmp(field, name, len) == 0;
}

const char *mail_compose_check_field(const char *field) {
  const char *value;
  size_t len = split_field(field, &value);
  if (field[len] != ':' || !mail_field_is_name((struct ehlo_span){(const uint8_t *)field, len})) {
    return "a header field is \"Name: value\", the name of printable ASCII without blanks";
  }
  if (!is_one_line(value)) {
    return "a line end or another control character in it would make further fields";
  }
  if (!g_utf8_validate(value, -1, NULL)) {
    return "it is not UTF-8";
  }
  if (is_named(field, len, "Bcc") || is_named(field, len, "Resent-Bcc")) {
    return "everybody would see it; give these recipients with --bcc";
  }
  if (is_named(field, len, "MIME-Version") || strncasecmp(field, "Content-", 8) == 0) {
    return "the fields of MIME are made from the parts of the message";
  }
  return NULL;
}

static bool is_address_field(const char *field, size_t len) {
  static const char *const names[] = {"From",          "Sender",    "Reply-To",  "To",         "Cc",
                                      "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-From"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (is_named(field, len, names[i])) {
      return true;
    }
  }
  return false;
}

static void set_charset(InternetAddressList *list) {
  int num = internet_address_list_length(list);
  for (int i = 0; i < num; i++) {
    InternetAddress *address = internet_address_list_get_address(list, i);
    internet_address_set_charset(address, "utf-8");
    if (INTERNET_ADDRESS_IS_GROUP(address)) {
      set_charset(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)));
    }
  }
}

static char *encode_addresses(InternetAddressList *list) {
  set_charset(list);
  return internet_address_list_to_string(list, NULL, TRUE);
}

char *mail_compose_encode_addresses(const char *text) {
  InternetAddressList *list = mail_compose_is_text(text) ? mail_gmime_addresses(text) : NULL;
  if (list == NULL) {
    return NULL;
  }
  char *encoded = encode_addresses(list);
  char *copy = strdup(encoded);
  g_free(encoded);
  g_object_unref(list);
  return copy;
}

char *mail_compose_encode(const char *text) {
  g_mime_init();
  char *encoded = g_mime_utils_header_encode_text(NULL, text, "utf-8");
  char *copy = strdup(encoded);
  g_free(encoded);
  return copy;
}

bool mail_compose_fail(char *error, const char *what, const char *value) {
  snprintf(error, MAIL_COMPOSE_SENTENCE_MAX, "%s \"%.120s\"", what, value);
  return false;
}

static bool add_addresses(char *error, GMimeMessage *message, const char *name,
                          const char *const *texts, size_t num) {
  InternetAddressList *all = internet_address_list_new();
  bool good = true;
  for (size_t i = 0; good && i < num; i++) {
    InternetAddressList *list =
        mail_compose_is_text(texts[i]) ? mail_gmime_addresses(texts[i]) : NULL;
    good = list != NULL || mail_compose_fail(error, "this is no address:", texts[i]);
    if (list != NULL) {
      internet_address_list_append(all, list);
      g_object_unref(list);
    }
  }
  if (good && num > 0) {
    char *value = encode_addresses(all);
    g_mime_object_append_header(GMIME_OBJECT(message), name, value, "utf-8");
    g_free(value);
  }
  g_object_unref(all);
  return good;
}

static bool add_field(char *error, GMimeMessage *message, const char *field) {
  const char *value;
  size_t len = split_field(field, &value);
  const char *wrong = mail_compose_check_field(field);
  if (wrong != NULL) {
    return mail_compose_fail(error, wrong, field);
  }
  char *name = g_strndup(field, len);
  bool good = true;
  if (is_address_field(field, len)) {
    good = add_addresses(error, message, name, &value, 1);
  } else {
    g_mime_object_append_header(GMIME_OBJECT(message), name, value, "utf-8");
  }
  g_free(name);
  return good;
}

static bool is_given(const struct mail_draft *d, const char *name) {
  const char *value;
  for (size_t i = 0; i < d->num_headers; i++) {
    if (is_named(d->headers[i], split_field(d->headers[i], &value), name)) {
      return true;
    }
  }
  return false;
}

bool mail_compose_add_fields(char *error, GMimeMessage *message, const struct mail_draft *d) {
  const struct {
    const char *name;
    const char *value;
  } texts[] = {{"Date", d->date}, {"Message-ID", d->message_id}, {"Subject", d->subject}};
  bool good = true;
  if (d->from != NULL && !is_given(d, "From")) {
    good = add_addresses(error, message, "From", &d->from, 1);
  }
  if (good && !is_given(d, "To")) {
    good = add_addresses(error, message, "To", d->to, d->num_to);
  }
  if (good && !is_given(d, "Cc")) {
    good = add_addresses(error, message, "Cc", d->cc, d->num_cc);
  }
  for (size_t i = 0; good && i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (texts[i].value == NULL || is_given(d, texts[i].name)) {
      continue;
    }
    good = mail_compose_is_text(texts[i].value) ||
           mail_compose_fail(error, "a line end, a control character or no UTF-8 is in",
                             texts[i].value);
    if (good) {
      g_mime_object_append_header(GMIME_OBJECT(message), texts[i].name, texts[i].value, "utf-8");
    }
  }
  for (size_t i = 0; good && i < d->num_headers; i++) {
    good = add_field(error, message, d->headers[i]);
  }
  return good;
}
