// See account.h.
#include "tools/driver/account.h"

#include <string.h>
#include <strings.h>

#include "tools/driver/settings.h"

// The address in "Name <address>", or all of it.
static struct settings_word address_of(struct settings_word value) {
  const char *open = memrchr(value.text, '<', value.len);
  if (open == NULL || value.text[value.len - 1] != '>') {
    return value;
  }
  return (struct settings_word){open + 1, value.len - 2 - (size_t)(open - value.text), 0};
}

// "user+detail@example.com" is "user@example.com" too.
static bool is_same(struct settings_word value, const char *address) {
  struct settings_word part = address_of(value);
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

static bool is_setting(const struct settings_item *item, const char *name) {
  return item->has_value && item->name.len == strlen(name) &&
         memcmp(item->name.text, name, item->name.len) == 0;
}

bool account_choose(char *out, size_t cap, const char *config, size_t config_len,
                    const char *from) {
  struct settings_reader reader;
  struct settings_item item;
  struct settings_word section = {NULL, 0, 0};
  struct settings_word found = {NULL, 0, 0};
  enum settings_result result;
  settings_begin(&reader, config, config_len);
  while ((result = settings_next(&reader, &item)) != SETTINGS_END) {
    if (result == SETTINGS_BAD) {
      continue;  // whoever applies them tells it
    }
    if (item.is_section) {
      section = item.name;
    } else if (section.text == NULL && is_setting(&item, "default")) {
      found = item.value;
    } else if (section.text != NULL && from != NULL && is_setting(&item, "from") &&
               is_same(item.value, from)) {
      found = section;
      break;
    }
  }
  if (found.text == NULL || found.len >= cap) {
    return false;
  }
  memcpy(out, found.text, found.len);
  out[found.len] = '\0';
  return true;
}
