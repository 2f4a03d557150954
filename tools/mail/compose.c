// See compose.h. The parts are nested as RFC 2046 and RFC 2387 have it: mixed( alternative( text,
// related( html, inline… ) ), attachment… ), each level only where there is more than one part in it.
#include "tools/mail/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/mail/fields.h"
#include "tools/mail/gmime.h"

#define LINE_MAX_PLAIN 76  // octets of a line that goes as it is

// ---- Fields -----------------------------------------------------------------------------------------

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

static bool is_text(const char *text) {
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

bool mail_compose_is_type(const char *type) {
  static const char token[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
  size_t len = strspn(type, token);
  size_t sub_len = type[len] == '/' ? strspn(type + len + 1, token) : 0;
  return len > 0 && sub_len > 0 && type[len + 1 + sub_len] == '\0' &&
         strncasecmp(type, "multipart/", 10) != 0;
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
  InternetAddressList *list = is_text(text) ? mail_gmime_addresses(text) : NULL;
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

static bool fail(char *error, const char *what, const char *value) {
  snprintf(error, MAIL_COMPOSE_SENTENCE_MAX, "%s \"%.120s\"", what, value);
  return false;
}

static bool add_addresses(char *error, GMimeMessage *message, const char *name,
                          const char *const *texts, size_t num) {
  InternetAddressList *all = internet_address_list_new();
  bool good = true;
  for (size_t i = 0; good && i < num; i++) {
    InternetAddressList *list = is_text(texts[i]) ? mail_gmime_addresses(texts[i]) : NULL;
    good = list != NULL || fail(error, "this is no address:", texts[i]);
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
    return fail(error, wrong, field);
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

static bool add_fields(char *error, GMimeMessage *message, const struct mail_draft *d) {
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
    good = is_text(texts[i].value) ||
           fail(error, "a line end, a control character or no UTF-8 is in", texts[i].value);
    if (good) {
      g_mime_object_append_header(GMIME_OBJECT(message), texts[i].name, texts[i].value, "utf-8");
    }
  }
  for (size_t i = 0; good && i < d->num_headers; i++) {
    good = add_field(error, message, d->headers[i]);
  }
  return good;
}

// ---- Parts ------------------------------------------------------------------------------------------

// What there is in a text that decides how it can go.
struct look {
  size_t num_8bit;
  size_t longest;
  bool has_control;  // but tabs and line ends; a CR alone is one
};

static struct look look_at(struct ehlo_span text) {
  struct look look = {0, 0, false};
  size_t line = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.bytes[i];
    line = c == '\n' ? 0 : line + 1;
    look.longest = line > look.longest ? line : look.longest;
    look.num_8bit += c >= 0x80;
    look.has_control = look.has_control || (c < ' ' && c != '\t' && c != '\n') || c == 0x7f;
  }
  return look;
}

// Quoted-printable while it is shorter, which is also while it can be read.
static GMimeContentEncoding encoding_of(const struct look *look, size_t len) {
  if (look->num_8bit * 6 > len) {
    return GMIME_CONTENT_ENCODING_BASE64;
  }
  bool is_plain = look->num_8bit == 0 && look->longest <= LINE_MAX_PLAIN && !look->has_control;
  return is_plain ? GMIME_CONTENT_ENCODING_7BIT : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

static void set_content(GMimePart *part, struct ehlo_span bytes, GMimeContentEncoding encoding) {
  const char *text = bytes.len > 0 ? (const char *)bytes.bytes : "";
  GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, bytes.len);
  GMimeDataWrapper *content =
      g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
  g_mime_part_set_content(part, content);
  g_mime_part_set_content_encoding(part, encoding);
  g_object_unref(content);
  g_object_unref(stream);
}

// With `end` at each line end, of which there are two kinds in `text`, and at its end. For
// g_byte_array_unref().
static GByteArray *with_line_ends(struct ehlo_span text, const char *end) {
  GByteArray *out = g_byte_array_sized_new((guint)text.len);
  for (size_t i = 0; i < text.len; i++) {
    bool is_crlf = text.bytes[i] == '\r' && i + 1 < text.len && text.bytes[i + 1] == '\n';
    i += is_crlf;
    if (text.bytes[i] == '\n') {
      g_byte_array_append(out, (const guint8 *)end, (guint)strlen(end));
    } else {
      g_byte_array_append(out, text.bytes + i, 1);
    }
  }
  if (text.len > 0 && text.bytes[text.len - 1] != '\n') {
    g_byte_array_append(out, (const guint8 *)end, (guint)strlen(end));
  }
  return out;
}

static GMimeObject *text_part(const char *subtype, struct ehlo_span text) {
  GByteArray *lines = with_line_ends(text, "\n");
  struct look look = look_at((struct ehlo_span){lines->data, lines->len});
  GMimeContentEncoding encoding = encoding_of(&look, lines->len);
  if (encoding == GMIME_CONTENT_ENCODING_BASE64) {  // RFC 2045 §6.8: CRLF within
    g_byte_array_unref(lines);
    lines = with_line_ends(text, "\r\n");
  }
  GMimePart *part = g_mime_part_new_with_type("text", subtype);
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset",
                                           look.num_8bit > 0 ? "utf-8" : "us-ascii");
  set_content(part, (struct ehlo_span){lines->data, lines->len}, encoding);
  g_byte_array_unref(lines);
  return GMIME_OBJECT(part);
}

// RFC 2046 §5.2.1: a message within a message is not encoded.
static bool goes_unencoded(const struct mail_attachment *a) {
  struct look look = look_at(a->bytes);
  return strncasecmp(a->type, "message/", 8) == 0 && look.num_8bit == 0 && look.longest <= 998;
}

static GMimeObject *attachment_part(const struct mail_attachment *a) {
  bool is_message = goes_unencoded(a);
  bool is_octets = strncasecmp(a->type, "message/", 8) == 0 && !is_message;
  GMimeContentType *type =
      g_mime_content_type_parse(NULL, is_octets ? "application/octet-stream" : a->type);
  GMimePart *part = g_mime_part_new_with_type(g_mime_content_type_get_media_type(type),
                                              g_mime_content_type_get_media_subtype(type));
  g_object_unref(type);
  g_mime_object_set_disposition(GMIME_OBJECT(part), a->is_inline ? "inline" : "attachment");
  g_mime_part_set_filename(part, a->name);
  if (a->is_inline) {
    g_mime_part_set_content_id(part, a->name);
  }
  set_content(part, a->bytes,
              is_message ? GMIME_CONTENT_ENCODING_7BIT : GMIME_CONTENT_ENCODING_BASE64);
  return GMIME_OBJECT(part);
}

// Puts `part` first into a new multipart, and takes it over.
static GMimeMultipart *wrap(const char *subtype, GMimeObject *part) {
  GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);
  if (part != NULL) {
    g_mime_multipart_add(multipart, part);
    g_object_unref(part);
  }
  return multipart;
}

static void add_and_unref(GMimeMultipart *multipart, GMimeObject *part) {
  g_mime_multipart_add(multipart, part);
  g_object_unref(part);
}

static size_t count(const struct mail_draft *d, bool is_inline) {
  size_t num = 0;
  for (size_t i = 0; i < d->num_attachments; i++) {
    num += d->attachments[i].is_inline == is_inline;
  }
  return num;
}

static GMimeObject *with_attachments(const struct mail_draft *d, GMimeObject *part,
                                     const char *subtype, bool is_inline) {
  if (count(d, is_inline) == 0) {
    return part;
  }
  GMimeMultipart *multipart = wrap(subtype, part);
  for (size_t i = 0; i < d->num_attachments; i++) {
    if (d->attachments[i].is_inline == is_inline) {
      add_and_unref(multipart, attachment_part(&d->attachments[i]));
    }
  }
  return GMIME_OBJECT(multipart);
}

static GMimeObject *html_part(const struct mail_draft *d) {
  GMimeObject *related = with_attachments(d, text_part("html", d->html), "related", true);
  if (GMIME_IS_MULTIPART(related)) {  // RFC 2387 §3.1
    g_mime_object_set_content_type_parameter(related, "type", "text/html");
  }
  return related;
}

static GMimeObject *body_of(const struct mail_draft *d) {
  GMimeObject *body = NULL;
  if (d->has_text || (!d->has_html && d->num_attachments == 0)) {
    body = text_part("plain", d->text);
  }
  if (d->has_html) {
    GMimeObject *html = html_part(d);
    if (body == NULL) {
      body = html;
    } else {
      GMimeMultipart *alternative = wrap("alternative", body);
      add_and_unref(alternative, html);
      body = GMIME_OBJECT(alternative);
    }
  }
  return with_attachments(d, body, "mixed", false);
}

// ---- Together ---------------------------------------------------------------------------------------

static bool check_parts(char *error, const struct mail_draft *d) {
  if ((d->has_text && !g_utf8_validate((const char *)d->text.bytes, (gssize)d->text.len, NULL)) ||
      (d->has_html && !g_utf8_validate((const char *)d->html.bytes, (gssize)d->html.len, NULL))) {
    snprintf(error, MAIL_COMPOSE_SENTENCE_MAX, "the text is not UTF-8, or has a NUL byte");
    return false;
  }
  for (size_t i = 0; i < d->num_attachments; i++) {
    const struct mail_attachment *a = &d->attachments[i];
    if (!is_text(a->name)) {
      return fail(error, "a control character or no UTF-8 is in the file name", a->name);
    }
    if (!mail_compose_is_type(a->type)) {
      return fail(error, "this is no type of an attachment:", a->type);
    }
    if (a->is_inline && !d->has_html) {
      return fail(error, "only a text in HTML can show", a->name);
    }
  }
  return true;
}

static bool write_message(uint8_t **out, size_t *out_len, GMimeMessage *message) {
  GMimeFormatOptions *format = g_mime_format_options_new();
  g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
  GMimeStream *stream = g_mime_stream_mem_new();
  ssize_t written = g_mime_object_write_to_stream(GMIME_OBJECT(message), format, stream);
  GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
  *out = written < 0 ? NULL : malloc(bytes->len + 1);
  if (*out != NULL) {
    memcpy(*out, bytes->data, bytes->len);
    *out_len = bytes->len;
  }
  g_object_unref(stream);
  g_mime_format_options_free(format);
  return *out != NULL;
}

bool mail_compose(char error[MAIL_COMPOSE_SENTENCE_MAX], uint8_t **out, size_t *out_len,
                  const struct mail_draft *draft) {
  g_mime_init();
  if (!check_parts(error, draft)) {
    return false;
  }
  GMimeMessage *message = g_mime_message_new(FALSE);
  bool good = add_fields(error, message, draft);
  if (good) {
    GMimeObject *body = body_of(draft);
    g_mime_message_set_mime_part(message, body);
    g_object_unref(body);
    good = write_message(out, out_len, message);
    if (!good) {
      snprintf(error, MAIL_COMPOSE_SENTENCE_MAX, "out of memory");
    }
  }
  g_object_unref(message);
  return good;
}
