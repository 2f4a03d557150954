// See compose.h. The parts are nested as RFC 2046 and RFC 2387 have it: mixed( alternative( text,
// related( html, inline… ) ), attachment… ), each level only where there is more than one part in
// it.
#include "tools/mail/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/mail/compose_parts.h"
#include "tools/mail/gmime.h"

#define LINE_MAX_PLAIN 76  // octets of a line that goes as it is

// ---- Parts ------------------------------------------------------------------------------------------

bool mail_compose_is_type(const char *type) {
  static const char token[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
  size_t len = strspn(type, token);
  size_t sub_len = type[len] == '/' ? strspn(type + len + 1, token) : 0;
  return len > 0 && sub_len > 0 && type[len + 1 + sub_len] == '\0' &&
         strncasecmp(type, "multipart/", 10) != 0;
}

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
    if (!mail_compose_is_text(a->name)) {
      return mail_compose_fail(error, "a control character or no UTF-8 is in the file name",
                               a->name);
    }
    if (!mail_compose_is_type(a->type)) {
      return mail_compose_fail(error, "this is no type of an attachment:", a->type);
    }
    if (a->is_inline && !d->has_html) {
      return mail_compose_fail(error, "only a text in HTML can show", a->name);
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
  bool good = mail_compose_add_fields(error, message, draft);
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
