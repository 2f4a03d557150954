// See addresses.h.
#include "tools/mail/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "tools/mail/gmime.h"

typedef bool take_fn(void *arg, const struct mail_mailbox *m);

static bool each(InternetAddressList *list, take_fn *take, void *arg) {
  int num = internet_address_list_length(list);
  for (int i = 0; i < num; i++) {
    InternetAddress *address = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(address)) {
      InternetAddressGroup *group = INTERNET_ADDRESS_GROUP(address);
      if (!each(internet_address_group_get_members(group), take, arg)) {
        return false;
      }
      continue;
    }
    const char *name = internet_address_get_name(address);
    struct mail_mailbox mailbox = {
        .name = name != NULL ? name : "",
        .address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)),
    };
    if (mailbox.address == NULL || !take(arg, &mailbox)) {
      return false;
    }
  }
  return true;
}

// On one line, without NUL bytes; NULL if there are any.
static char *unfolded(struct ehlo_span list) {
  if (list.len > 0 && memchr(list.bytes, '\0', list.len) != NULL) {
    return NULL;
  }
  char *text = g_strndup((const char *)list.bytes, list.len);
  for (char *c = text; *c != '\0'; c++) {
    *c = *c == '\r' || *c == '\n' ? ' ' : *c;
  }
  return text;
}

bool mail_addresses_each(struct ehlo_span list, take_fn *take, void *arg) {
  char *text = unfolded(list);
  bool good = text != NULL;
  if (good && text[strspn(text, " \t")] != '\0') {
    InternetAddressList *addresses = mail_gmime_addresses(text);
    good = addresses != NULL && each(addresses, take, arg);
    if (addresses != NULL) {
      g_object_unref(addresses);
    }
  }
  g_free(text);
  return good;
}

struct one {
  size_t num;
  char *name;
  char *address;
};

static bool keep(void *arg, const struct mail_mailbox *m) {
  struct one *one = arg;
  if (one->num++ > 0) {
    return false;
  }
  one->name = strdup(m->name);
  one->address = strdup(m->address);
  return one->name != NULL && one->address != NULL;
}

bool mail_mailbox_parse(char **out_name, char **out_address, const char *text) {
  struct one one = {0, NULL, NULL};
  if (strpbrk(text, "\r\n") != NULL) {
    return false;
  }
  if (!mail_addresses_each(ehlo_str(text), keep, &one) || one.num != 1) {
    free(one.name);
    free(one.address);
    return false;
  }
  *out_name = one.name;
  *out_address = one.address;
  return true;
}

char *mail_mailbox_format(const char *name, const char *address) {
  if (name[0] == '\0') {
    return strdup(address);
  }
  g_mime_init();
  InternetAddress *mailbox = internet_address_mailbox_new(name, address);
  internet_address_set_charset(mailbox, "utf-8");
  char *text = internet_address_to_string(mailbox, NULL, TRUE);
  char *copy = strdup(text);
  g_free(text);
  g_object_unref(mailbox);
  return copy;
}

bool mail_address_has_domain(const char *address) {
  size_t len = strlen(address);
  return strchr(address, '@') != NULL && address[len - 1] != '"';
}
