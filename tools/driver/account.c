// See account.h.
#include "tools/driver/account.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct part {
  const char *text;
  size_t len;
};

static struct part trim(const char *text, size_t len) {
  while (len > 0 && strchr(" \t\r", *text) != NULL) {
    text++;
    len--;
  }
  while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
    len--;
  }
  return (struct part){text, len};
}

// Takes "name = value" apart. False if the line is not of this form or has another name.
static bool is_setting(struct part *out_value, struct part line, const char *name) {
  const char *equals = memchr(line.text, '=', line.len);
  if (equals == NULL) {
    return false;
  }
  struct part left = trim(line.text, (size_t)(equals - line.text));
  *out_value = trim(equals + 1, line.len - (size_t)(equals + 1 - line.text));
  return left.len == strlen(name) && memcmp(left.text, name, left.len) == 0;
}

// The address in "Name <address>", or all of it.
static struct part address_of(struct part value) {
  const char *open = memrchr(value.text, '<', value.len);
  if (open == NULL || value.text[value.len - 1] != '>') {
    return value;
  }
  return (struct part){open + 1, value.len - 2 - (size_t)(open - value.text)};
}

// "user+detail@example.com" is "user@example.com" too.
static bool is_same(struct part value, const char *address) {
  struct part part = address_of(value);
  size_t len = strlen(address);
  const char *at = strrchr(address, '@');
  const char *plus = strchr(address, '+');
  if (part.len == len && strncasecmp(part.text, address, len) == 0) {
    return true;
  }
  if (at == NULL || plus == NULL || plus > at) {
    return false;
  }
  size_t local = (size_t)(plus - address);
  size_t domain = len - (size_t)(at - address);
  return part.len == local + domain && strncasecmp(part.text, address, local) == 0 &&
         strncasecmp(part.text + local, at, domain) == 0;
}

bool account_choose(char *out, size_t cap, const char *config, const char *from) {
  struct part section = {NULL, 0};
  struct part found = {NULL, 0};
  for (const char *at = config; at != NULL;) {
    const char *end = strchr(at, '\n');
    struct part line = trim(at, end != NULL ? (size_t)(end - at) : strlen(at));
    struct part value;
    if (line.len >= 2 && line.text[0] == '[' && line.text[line.len - 1] == ']') {
      section = (struct part){line.text + 1, line.len - 2};
    } else if (section.text == NULL && is_setting(&value, line, "default")) {
      found = value;
    } else if (section.text != NULL && from != NULL && is_setting(&value, line, "from") &&
               is_same(value, from)) {
      found = section;
      break;
    }
    at = end != NULL ? end + 1 : NULL;
  }
  int len = found.text != NULL ? snprintf(out, cap, "%.*s", (int)found.len, found.text) : -1;
  return len >= 0 && (size_t)len < cap;
}
