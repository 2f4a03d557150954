// Rows.
#include "tools/driver/credential_options.h"

#include <stdlib.h>

#include "tools/driver/live_options.h"

static const char *set_token_command(void *o, const char *value) {
  ((struct live_options *)o)->token_command = value;
  return NULL;
}

static const char *set_password_fd(void *o, const char *value) {
  char *end;
  unsigned long fd = strtoul(value, &end, 10);
  if (value[0] < '0' || value[0] > '9' || *end != '\0' || fd > 65535) {
    return "it is the number of a file descriptor";
  }
  ((struct live_options *)o)->password_fd = (int)fd + 1;
  return NULL;
}

const struct option_row credential_option_rows[] = {
    {"token-command", 0, "CMD", "a token for XOAUTH2 is what CMD prints", set_token_command},
    {"password-fd", 0, "N", "the password is the first line from descriptor N", set_password_fd},
    {NULL, 0, NULL, NULL, NULL},
};
