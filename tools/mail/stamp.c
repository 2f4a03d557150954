// See stamp.h.
#include "tools/mail/stamp.h"

#include <gmime/gmime.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool mail_date(char out[MAIL_DATE_SIZE], time_t when) {
  GDateTime *time = g_date_time_new_from_unix_local(when);
  if (time == NULL) {
    return false;
  }
  char *text = g_mime_utils_header_format_date(time);
  int len = snprintf(out, MAIL_DATE_SIZE, "%s", text);
  g_free(text);
  g_date_time_unref(time);
  return len > 0 && len < MAIL_DATE_SIZE;
}

static bool is_plain(const char *domain) {
  size_t len = strlen(domain);
  return len > 0 && len <= 255 &&
         strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == len;
}

bool mail_message_id(char out[MAIL_MESSAGE_ID_SIZE], const char *domain) {
  uint8_t random[16];
  if (getentropy(random, sizeof(random)) != 0) {
    return false;
  }
  out += snprintf(out, MAIL_MESSAGE_ID_SIZE, "<");
  for (size_t i = 0; i < sizeof(random); i++) {
    out += snprintf(out, 3, "%02x", random[i]);
  }
  snprintf(out, MAIL_MESSAGE_ID_SIZE - 33, "@%s>", is_plain(domain) ? domain : "localhost");
  return true;
}
