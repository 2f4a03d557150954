// See gmime.h.
#include "tools/mail/gmime.h"

#include <stdbool.h>

static void on_warning(gint64 offset, GMimeParserWarning what, const gchar *item, gpointer user) {
  (void)offset;
  (void)what;
  (void)item;
  *(gboolean *)user = TRUE;
}

static bool is_deep(const char *text) {
  size_t num_colons = 0;
  for (; *text != '\0'; text++) {
    num_colons += *text == ':';
  }
  return num_colons > MAIL_GMIME_COLONS_MAX;
}

InternetAddressList *mail_gmime_addresses(const char *text) {
  gboolean is_mended = FALSE;
  if (is_deep(text)) {
    return NULL;
  }
  g_mime_init();
  GMimeParserOptions *options = g_mime_parser_options_new();
  g_mime_parser_options_set_allow_addresses_without_domain(options, TRUE);
  g_mime_parser_options_set_warning_callback(options, on_warning, &is_mended);
  InternetAddressList *list = internet_address_list_parse(options, text);
  g_mime_parser_options_free(options);
  if (list != NULL && is_mended) {
    g_object_unref(list);
    return NULL;
  }
  return list;
}
