// See mail_server.h. This file has the messages, and what an EHLO reply says.
#include <string.h>

#include "fuzz/mail_server.h"

#define SPAN(s) \
  { (const uint8_t *)(s), sizeof(s) - 1 }

struct ehlo_span ehlo_mail_server_message(const struct ehlo_server_message *m, size_t i) {
  static const struct ehlo_span messages[EHLO_SERVER_MESSAGES_MAX] = {
      SPAN("Subject: a\n\n.dot\n..\n.\nend\n"),
      SPAN("Subject: b\r\n\r\nno end"),
      SPAN("Subject: c\n\n."),
      SPAN("Subject: d\r\n\nBDAT 5\r\n.\r\nQUIT\n"),
      SPAN("\n"),
  };
  return m->is_binary ? ehlo_mail_server_wanted(m, i) : messages[i];
}

struct ehlo_span ehlo_mail_server_wanted(const struct ehlo_server_message *m, size_t i) {
  static const struct ehlo_span messages[EHLO_SERVER_MESSAGES_MAX] = {
      SPAN("Subject: a\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"),
      SPAN("Subject: b\r\n\r\nno end\r\n"),
      SPAN("Subject: c\r\n\r\n.\r\n"),
      SPAN("Subject: d\r\n\r\nBDAT 5\r\n.\r\nQUIT\r\n"),
      SPAN("\r\n"),
  };
  static const struct ehlo_span binary = SPAN("a\n\r\0b\n.\r\nc");
  return m->is_binary ? binary : messages[i];
}

const char *const ehlo_server_mechanisms[6] = {"PLAIN",    "LOGIN",  "XOAUTH2",
                                               "EXTERNAL", "X-BIND", "X-ENDS"};
uint64_t ehlo_server_offer_size(const struct ehlo_server_offer *o) {
  static const uint64_t sizes[] = {0, 0, 20, 1000};
  return sizes[o->bits / 512 % 4];
}

void ehlo_server_add(struct ehlo_server_bytes *b, const void *bytes, size_t len) {
  EHLO_FUZZ_CHECK(len <= sizeof(b->bytes) - b->len);
  memcpy(b->bytes + b->len, bytes, len);
  b->len += len;
}

static void offer_line(struct ehlo_server_bytes *out, bool lower, const char *text) {
  ehlo_server_add(out, "250-", 4);
  size_t start = out->len;
  ehlo_server_add(out, text, strlen(text));
  for (size_t i = start; lower && i < out->len; i++) {
    uint8_t c = out->bytes[i];
    out->bytes[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
  }
  ehlo_server_add(out, "\r\n", 2);
}

static void offer_limits(struct ehlo_server_bytes *out, const struct ehlo_server_offer *o) {
  const uint32_t values[] = {o->max_rcpts, o->max_mails, o->max_domains};
  static const char *const names[] = {" RCPTMAX=", " MAILMAX=", " RCPTDOMAINMAX="};
  char line[64] = "LIMITS";
  for (size_t i = 0; i < 3; i++) {
    size_t len = strlen(line);
    size_t name = strlen(names[i]);
    if (values[i] > 0) {
      memcpy(line + len, names[i], name);
      line[len + name] = (char)('0' + values[i]);
      line[len + name + 1] = '\0';
    }
  }
  if (line[6] != '\0') {
    offer_line(out, false, line);
  }
}

static void offer_auth(struct ehlo_server_bytes *out, const struct ehlo_server_offer *o) {
  char line[96] = "AUTH";
  for (size_t i = 0; i < 6; i++) {
    if ((o->mechanisms >> i & 1) != 0) {
      strcat(strcat(line, " "), ehlo_server_mechanisms[i]);
    }
  }
  if ((o->mechanisms & 64) != 0) {
    strcat(line, " PLAINX XLOGIN X-BINDE EXTERNA");
  }
  if (line[4] != '\0' || (o->bits & EHLO_OFFER_AUTH) != 0) {
    offer_line(out, (o->bits & EHLO_OFFER_LOWER_CASE) != 0, line);
  }
}

void ehlo_server_write_offer(struct ehlo_server_bytes *out, const struct ehlo_server_offer *o) {
  static const char *const keywords[16] = {
      "PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SMTPUTF8",   "DSN",          "SIZE",
      "BURL",       "STARTTLS", NULL,         NULL,       "REQUIRETLS", "XCLIENT NAME", NULL,
  };
  static const char *const sizes[] = {"", "SIZE 0", "SIZE 20", "SIZE 1000"};
  bool lower = (o->bits & EHLO_OFFER_LOWER_CASE) != 0;
  offer_line(out, false, "mail.example");
  for (size_t i = 0; i < 16; i++) {
    if ((o->bits >> i & 1) != 0 && keywords[i] != NULL) {
      offer_line(out, lower, keywords[i]);
    }
  }
  if ((o->bits & EHLO_OFFER_SIZE_NUMBER) != 0) {
    offer_line(out, lower, sizes[o->bits / 512 % 4]);
  }
  if ((o->bits & EHLO_OFFER_COURIER) != 0) {
    offer_line(out, false, "XVERP=Courier");
  }
  offer_limits(out, o);
  offer_auth(out, o);
  ehlo_server_add(out, "250 HELP\r\n", 10);
}
