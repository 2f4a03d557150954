// See recode.h.
#include "tools/mail/recode.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/mail/fields.h"

static struct ehlo_span trim(struct ehlo_span value) {
  while (value.len > 0 && strchr(" \t\r\n", value.bytes[0]) != NULL) {
    value.bytes++;
    value.len--;
  }
  while (value.len > 0 && strchr(" \t\r\n", value.bytes[value.len - 1]) != NULL) {
    value.len--;
  }
  return value;
}

static bool begins_with(struct ehlo_span value, const char *word) {
  size_t len = strlen(word);
  value = trim(value);
  return value.len >= len && strncasecmp((const char *)value.bytes, word, len) == 0;
}

static bool is_unencoded(struct ehlo_span encoding) {
  size_t len = trim(encoding).len;
  return (begins_with(encoding, "7bit") && len == 4) ||
         (begins_with(encoding, "8bit") && len == 4) ||
         (begins_with(encoding, "binary") && len == 6);
}

struct seen {
  bool version;
  bool type;
};

// Copies the fields but for the encoding. False if the body may not be recoded.
static bool copy_header(FILE *out, struct seen *seen, struct mail_fields *fields) {
  struct mail_field field;
  while (mail_fields_next(fields, &field)) {
    if (mail_field_is(&field, "Content-Transfer-Encoding")) {
      if (!is_unencoded(field.value)) {
        return false;
      }
      continue;
    }
    if (mail_field_is(&field, "Content-Type")) {
      seen->type = true;
      if (begins_with(field.value, "multipart/") || begins_with(field.value, "message/")) {
        return false;
      }
    }
    seen->version = seen->version || mail_field_is(&field, "MIME-Version");
    fwrite(field.whole.bytes, 1, field.whole.len, out);
  }
  return true;
}

static bool is_utf8(struct ehlo_span text) {
  const char *at = (const char *)text.bytes;
  const char *end = at + text.len;
  while (at < end && !g_utf8_validate(at, end - at, &at)) {
    if (*at != '\0') {
      return false;
    }
    at++;  // NUL is a character, and only GLib says no
  }
  return true;
}

// RFC 1428 has a name for what nobody knows.
static const char *charset_of(struct ehlo_span body) {
  for (size_t i = 0; i < body.len; i++) {
    if (body.bytes[i] >= 0x80) {
      return is_utf8(body) ? "utf-8" : "unknown-8bit";
    }
  }
  return "us-ascii";
}

// The body with LF alone at the ends of its lines, the last one among them. For free().
static uint8_t *without_cr(size_t *out_len, struct ehlo_span body) {
  uint8_t *out = malloc(body.len + 1);
  size_t len = 0;
  for (size_t i = 0; out != NULL && i < body.len; i++) {
    bool is_end = body.bytes[i] == '\r' && i + 1 < body.len && body.bytes[i + 1] == '\n';
    if (!is_end) {
      out[len++] = body.bytes[i];
    }
  }
  if (out != NULL && len > 0 && out[len - 1] != '\n') {
    out[len++] = '\n';
  }
  *out_len = len;
  return out;
}

static bool write_body(FILE *out, struct ehlo_span body) {
  GMimeEncoding encoder;
  size_t len;
  uint8_t *text = without_cr(&len, body);
  g_mime_encoding_init_encode(&encoder, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  char *encoded = text != NULL ? malloc(g_mime_encoding_outlen(&encoder, len) + 1) : NULL;
  if (encoded != NULL) {
    size_t encoded_len = g_mime_encoding_flush(&encoder, (const char *)text, len, encoded);
    fwrite(encoded, 1, encoded_len, out);
  }
  free(text);
  free(encoded);
  return encoded != NULL;
}

static bool write_message(FILE *out, struct ehlo_span message) {
  struct mail_fields fields;
  struct seen seen = {false, false};
  mail_fields_begin(&fields, message);
  if (!copy_header(out, &seen, &fields)) {
    return false;
  }
  struct ehlo_span body = {message.bytes + fields.pos, message.len - fields.pos};
  size_t empty = body.len > 0 && body.bytes[0] == '\r' ? 2 : 1;
  if (body.len < empty || body.bytes[empty - 1] != '\n') {
    return false;
  }
  body = (struct ehlo_span){body.bytes + empty, body.len - empty};
  fprintf(out, "%s", seen.version ? "" : "MIME-Version: 1.0\n");
  if (!seen.type) {
    fprintf(out, "Content-Type: text/plain; charset=%s\n", charset_of(body));
  }
  fprintf(out, "Content-Transfer-Encoding: quoted-printable\n\n");
  return write_body(out, body);
}

bool mail_recode(uint8_t **out, size_t *out_len, struct ehlo_span message) {
  char *text = NULL;
  FILE *stream = open_memstream(&text, out_len);
  bool good = stream != NULL && write_message(stream, message);
  good = stream != NULL && fclose(stream) == 0 && good;
  if (!good) {
    free(text);
    text = NULL;
  }
  *out = (uint8_t *)text;
  return good;
}
